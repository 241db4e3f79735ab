"""How requests are signed: with a password or with a token."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.request import parse_http_list, parse_keqv_list

from requests.auth import HTTPDigestAuth

from connectors.base import Secrets

Refresh = Callable[[Mapping[str, str]], Mapping[str, str]]

WRONG_PASSWORD = "{host} does not accept the user name and password. Enter them again in the account."  # noqa: S105


class Auth(Protocol):
    """One way to sign the requests of a session."""

    @property
    def refresh(self) -> Refresh | None:
        """Gives the secrets that change, for the old ones; None where a 401 is final."""

    @property
    def lost(self) -> str:
        """What a person reads when it is final; "{host}" stands for the host's name."""

    def header(self, secrets: Secrets, method: str, url: str) -> str:
        """The value of Authorization."""

    def challenged(self, challenge: str, secrets: Secrets) -> bool:
        """Told a 401's WWW-Authenticate; whether `header` now answers it, so that sending again makes sense."""


@dataclass(frozen=True)
class Basic:
    """RFC 7617, in UTF-8."""

    refresh: Refresh | None = None
    lost: str = WRONG_PASSWORD

    def header(self, secrets: Secrets, method: str, url: str) -> str:
        pair = f"{secrets.values.get('username', '')}:{secrets.values.get('password', '')}"
        return "Basic " + b64encode(pair.encode()).decode()

    def challenged(self, challenge: str, secrets: Secrets) -> bool:
        return False


@dataclass(frozen=True)
class Bearer:
    """RFC 6750. After a 401 the token is renewed once through the vault and the request sent again."""

    refresh: Refresh | None = None
    lost: str = "{host} no longer accepts the authorisation of this account. Connect the account again."
    token: str = "access_token"  # its name among the secrets  # noqa: S105

    def header(self, secrets: Secrets, method: str, url: str) -> str:
        return "Bearer " + secrets.values.get(self.token, "")

    def challenged(self, challenge: str, secrets: Secrets) -> bool:
        return False


class Password:
    """Basic, or Digest (RFC 7616) where a server takes nothing else, as Baikal does when it is new."""

    refresh: Refresh | None = None
    lost = WRONG_PASSWORD

    def __init__(self) -> None:
        self._basic = Basic()
        self._digest: HTTPDigestAuth | None = None

    def header(self, secrets: Secrets, method: str, url: str) -> str:
        signed: str | None = None
        if self._digest is not None:
            signed = self._digest.build_digest_header(method, url)  # type: ignore[no-untyped-call]
        return signed or self._basic.header(secrets, method, url)

    def challenged(self, challenge: str, secrets: Secrets) -> bool:
        offered = challenge.lower()
        if "digest " not in offered or "basic " in offered:
            return False
        if self._digest is not None and "stale=true" not in offered.replace('"', ""):
            return False
        try:
            parts = parse_keqv_list(parse_http_list(re.sub(r"^.*?digest ", "", challenge, flags=re.IGNORECASE)))
        except (ValueError, IndexError):
            return False
        if not {"realm", "nonce"} <= parts.keys():
            return False
        digest = HTTPDigestAuth(secrets.values.get("username", ""), secrets.values.get("password", ""))
        digest.init_per_thread_state()
        digest._thread_local.chal = parts  # type: ignore[attr-defined] # as its own answer to a 401 does
        self._digest = digest
        return True
