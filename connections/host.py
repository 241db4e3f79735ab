"""What this room lends to connectors: credentials, limits, the address guard, time and settings of one account."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from connections import registrations
from connections.budgets import DatabaseLimits
from connections.models import Account
from connections.urlguard import AddressGuard
from connections.vault import DatabaseVault
from connections.watched import watched_labels
from connectors.base import App, AuthLost, Clock, Connector, Host, Secrets, Unsupported
from connectors.optoutlabel import with_opt_out_label


class SystemClock:
    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def host_for(account: Account, fence: Callable[[], None] = lambda: None, clock: Clock | None = None) -> Host:
    """Raises Unsupported if the account's app is not installed any more."""
    app, clock = declaration(account), clock or SystemClock()
    return Host(
        base_url=account.base_url or app.base_url,
        login_url=account.login_url or app.login_url,
        vault=DatabaseVault(account.pk, clock),
        limits=DatabaseLimits(account.pk, clock, app.capabilities.rate),
        guard=AddressGuard(),
        clock=clock,
        fence=fence,
        settings=registrations.settings_for(account),
        declared=[row.as_field() for row in account.declared_fields.order_by("name")],
        watched=lambda: watched_labels(account),
    )


def connect(account: Account, fence: Callable[[], None] = lambda: None, clock: Clock | None = None) -> Connector:
    """The app, seen through the account. `fence` is called before each writing request; asks the app nothing yet."""
    lent = host_for(account, fence, clock)
    return with_opt_out_label(declaration(account).connect(lent), lent.settings)


class _HeldVault:
    """Credentials that are not stored yet."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._secrets = Secrets(dict(values))

    def current(self) -> Secrets:
        return self._secrets

    def renew(self, refresh: Callable[[Mapping[str, str]], Mapping[str, str]], failed: int) -> Secrets:
        raise AuthLost("The authorisation that was given just now is not accepted. Try again.")


class _NoLimits:
    def before(self, kind: str) -> None:
        """A first visit: nothing is counted yet."""

    def throttled(self, kind: str, seconds: float) -> None:
        """The error that follows says how long to wait."""


def visit(
    app: App, secrets: Mapping[str, str], settings: Mapping[str, str], base_url: str = "", login_url: str = ""
) -> Host:
    """For somebody who is no account yet: nothing is stored or shared, the address guard is the same."""
    return Host(
        base_url=base_url or app.base_url,
        login_url=login_url or app.login_url,
        vault=_HeldVault(secrets),
        limits=_NoLimits(),
        guard=AddressGuard(),
        clock=SystemClock(),
        settings=settings,
    )


def declaration(account: Account) -> App:
    try:
        return account.declaration
    except KeyError:
        raise Unsupported(f"Account {account}: the app {account.app!r} is not part of this installation.") from None
