"""Sign-in at HubSpot: OAuth 2.0 (developers.hubspot.com, Manage OAuth tokens).

Access tokens last half an hour; the refresh token stays the same until the app is uninstalled. An account of a single
customer may instead give one token that does not end (a private app or service key).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors.base import AuthLost, Forbidden, Host, Throttled, Unavailable
from connectors.http import Answer, Http
from connectors.hubspot.addresses import Addresses

LOGIN_URL: Final = "https://app.hubspot.com"
API_URL: Final = "https://api.hubapi.com"
_SIGN_IN: Final = {"invalid_grant", "access_denied"}
_OF_THE_GRANT: Final = ("BAD_REFRESH_TOKEN", "BAD_AUTH_CODE", "EXPIRED_AUTH_CODE")


def addresses(host: Host) -> Addresses:
    return Addresses.of(host.settings.get("api_version", ""))


def refresher(host: Host) -> Callable[[Mapping[str, str]], Mapping[str, str]]:
    """What the vault calls to renew the account's secrets."""

    def refresh(old: Mapping[str, str]) -> Mapping[str, str]:
        if not old.get("refresh_token"):
            raise AuthLost(
                "HubSpot does not accept the access token of this account. Make a new one there and enter it."
            )
        new = tokens(ask(host, {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}), host)
        if old.get("hub_id") and new.get("hub_id") and old["hub_id"] != new["hub_id"]:
            raise AuthLost("HubSpot gave access to another account than before. Connect the account again.")
        return new

    return refresh


def redeem(host: Host, code: str, redirect_uri: str, verifier: str) -> Mapping[str, str]:
    """The first secrets of an account, for the code that came back from the sign-in."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    return tokens(ask(host, form), host)


def client(host: Host) -> dict[str, str]:
    """Raises Forbidden where the installation has no registration."""
    found = {name: host.settings[name] for name in ("client_id", "client_secret") if host.settings.get(name)}
    if "client_id" not in found:
        raise Forbidden("This installation is not registered at HubSpot. Ask whoever runs Pairwise for a client id.")
    return found


def ask(host: Host, form: Mapping[str, str]) -> Mapping[str, Any]:
    http = Http(host)
    try:
        url = (host.base_url or API_URL).rstrip("/") + addresses(host).token()
        answer = http.request("POST", url, data={**client(host), **form}, auth=None)
    finally:
        http.close()
    body = answer.json()
    if not isinstance(body, dict):
        raise Unavailable("HubSpot's sign-in answered something unknown. It will be tried again.")
    if answer.ok and isinstance(body.get("access_token"), str):
        return body
    raise _error(answer, body)


def _error(answer: Answer, body: Mapping[str, Any]) -> Exception:
    error = str(body.get("error") or body.get("status") or f"status {answer.status}")
    if error in _SIGN_IN or str(body.get("status")).startswith(_OF_THE_GRANT):
        return AuthLost(f"HubSpot asks for a new sign-in of this account ({error}). Connect the account again.")
    if answer.status in (423, 477):
        return Throttled("HubSpot asks to wait before the account signs in again. It goes on by itself then.", 600.0)
    if answer.ok or answer.status >= 500:
        return Unavailable(f"HubSpot's sign-in is not available ({error}). It will be tried again.")
    return Forbidden(
        f"HubSpot does not accept this installation's registration ({error}). "
        "Ask whoever runs Pairwise to check the client id and its secret."
    )


def tokens(body: Mapping[str, Any], host: Host) -> dict[str, str]:
    """The secrets that change. `expires_at`: POSIX seconds."""
    found = {name: str(body[name]) for name in ("access_token", "refresh_token", "hub_id") if body.get(name)}
    scopes = body.get("scopes")
    if isinstance(scopes, list):
        found["scope"] = " ".join(str(one) for one in scopes)
    elif isinstance(body.get("scope"), str):
        found["scope"] = str(body["scope"])
    seconds = body.get("expires_in")
    if isinstance(seconds, int | float):
        found["expires_at"] = str(int(host.clock.now() + seconds))
    return found


def is_granted(secrets: Mapping[str, str], name: str) -> bool:
    """Unknown, as of a token that was pasted, counts as granted: HubSpot says so if it is not."""
    if name == "oauth":
        return True
    granted = secrets.get("scope", "").split()
    return not granted or name in granted or (name.startswith(_PREFERENCES) and _ALL_PREFERENCES in granted)


_PREFERENCES: Final = "communication_preferences."
_ALL_PREFERENCES: Final = "communication_preferences.read_write"
