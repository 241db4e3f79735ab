"""How a person authorises an account at a vendor (OAuth 2.0, RFC 6749, with PKCE, RFC 7636): what an app declares.

A room under `connectors/` declares an `OAuth` as `APP.oauth`; the dance itself is in `connections/oauth/` and the same
for every vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from connectors.base import Host


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission, and what it is for. Those that are not `required` are asked for where an operator ticks them."""

    name: str
    why: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Identity:
    """What an account opens. `id`: the vendor's own lasting id of the mailbox, portal or organisation, by which a new
    sign-in is known as the same; `user`: of the login, where several logins open the same."""

    id: str
    user: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class LoginPlaces:
    """Where a person may choose to sign in. `address` gives the login address for what was chosen or entered (empty:
    the registration's own), and raises AddressRefused: the client secret is sent there."""

    choices: tuple[Choice, ...]
    own: str  # what the field for an address of one's own is called
    address: Callable[[str], str]


def joined(names: Iterable[str], base_url: str) -> str:
    return " ".join(names)


def in_answer(secrets: Mapping[str, str], name: str) -> bool:
    """Whether a token answer grants a permission, as the vendor names it in `scope`. The permission to renew shows in
    the refresh token alone."""
    if name in {"refresh_token", "offline_access"}:
        return bool(secrets.get("refresh_token"))
    return name in secrets.get("scope", "").split()


@dataclass(frozen=True, slots=True)
class OAuth:
    """`endpoint(login_url, settings)`: where people are sent to sign in, without the query.

    `redeem(host, code, redirect_uri, verifier)`: the secrets for a code; raises AuthLost where the vendor does not take
    the code, Forbidden where it does not take this installation's registration. `identify(host)`: asks the vendor whose
    the secrets in the host's vault are. `revoke(host)`: takes them back at the vendor. All raise ConnectorError.
    """

    vendor: str
    console: str  # where an operator registers the installation
    endpoint: Callable[[str, Mapping[str, str]], str]
    scopes: tuple[Scope, ...]
    redeem: Callable[[Host, str, str, str], Mapping[str, str]]
    identify: Callable[[Host], Identity]
    spelled: Callable[[Iterable[str], str], str] = joined  # the scope parameter, for names and the API's address
    is_granted: Callable[[Mapping[str, str], str], bool] = in_answer
    extra: Mapping[str, str] = field(default_factory=dict)  # further parameters of the sign-in address
    optional_parameter: str = ""  # for the permissions that are not required, where those have one of their own
    revoke: Callable[[Host], None] | None = None
    withdraw: str = ""  # the vendor's page on which a person takes the consent back
    places: LoginPlaces | None = None
    account_types: tuple[Choice, ...] = ()  # whose accounts a registration is for; a directory's id goes as well
    admin_consent: Callable[[str, Mapping[str, str], str], str] | None = None  # login_url, settings, redirect_uri
    needs_admin: frozenset[str] = frozenset()  # codes with which the vendor says that an administrator must agree

    @property
    def required(self) -> tuple[Scope, ...]:
        return tuple(scope for scope in self.scopes if scope.required)

    @property
    def optional(self) -> tuple[Scope, ...]:
        return tuple(scope for scope in self.scopes if not scope.required)
