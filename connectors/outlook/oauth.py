"""Sign-in at the Microsoft identity platform, v2.0
(learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from connectors.base import AuthLost, Forbidden, Host, Unavailable
from connectors.http import Answer, Http

LOGIN_URL: Final = "https://login.microsoftonline.com"
GRAPH_URL: Final = "https://graph.microsoft.com"
_OPEN_ID: Final = {"offline_access", "openid", "profile", "email"}
_SIGN_IN: Final = {"invalid_grant", "interaction_required", "consent_required", "login_required"}


def endpoint(login_url: str, name: str, tenant: str = "common") -> str:
    """`name`: token or authorize. `tenant`: common, organizations, consumers, or one organisation's id."""
    return f"{(login_url or LOGIN_URL).rstrip('/')}/{tenant or 'common'}/oauth2/v2.0/{name}"


def scope(scopes: Iterable[str], base_url: str = GRAPH_URL) -> str:
    """As the endpoints take it. A national cloud needs its own address before each permission."""
    cloud = base_url.rstrip("/")
    prefix = "" if not cloud or cloud == GRAPH_URL else f"{cloud}/"
    return " ".join(one if one in _OPEN_ID else prefix + one for one in scopes)


def has_scope(granted: str, wanted: str) -> bool:
    """Whether `granted`, as the token endpoint told it, holds a permission or one that includes it.

    Microsoft writes permissions short or with the address of the API before them, in any case.
    """
    names = {one.rsplit("/", 1)[-1].lower() for one in granted.split()}
    return wanted.lower() in names or wanted.lower().replace(".read", ".readwrite", 1) in names


def refresher(host: Host) -> Callable[[Mapping[str, str]], Mapping[str, str]]:
    """What the vault calls to renew the account's secrets."""

    def refresh(old: Mapping[str, str]) -> Mapping[str, str]:
        if not old.get("refresh_token"):
            raise AuthLost("The access of this account has run out and cannot be renewed. Connect the account again.")
        form = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
        if old.get("scope"):
            # What was granted is told without offline_access, and without it no new refresh token comes.
            form["scope"] = " ".join(dict.fromkeys(["offline_access", *old["scope"].split()]))
        return _tokens(_ask(host, form), host.clock.now())

    return refresh


def redeem(host: Host, code: str, redirect_uri: str, verifier: str) -> Mapping[str, str]:
    """The first secrets of an account, for the code that came back from the sign-in."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    return _tokens(_ask(host, form), host.clock.now())


def _ask(host: Host, form: Mapping[str, str]) -> Mapping[str, Any]:
    """Microsoft keeps an old refresh token valid after its use, so that asking twice is safe."""
    client = {name: host.settings[name] for name in ("client_id", "client_secret") if host.settings.get(name)}
    if "client_id" not in client:
        raise Forbidden("This installation is not registered at Microsoft. Ask whoever runs Pairwise for a client id.")
    http = Http(host)
    try:
        url = endpoint(host.login_url, "token", host.settings.get("tenant", ""))
        answer = http.request("POST", url, data={**client, **form}, auth=None)
    finally:
        http.close()
    body = answer.json()
    if not isinstance(body, dict):
        raise Unavailable("Microsoft's sign-in service answered something unknown. It will be tried again.")
    if answer.ok and isinstance(body.get("access_token"), str):
        return body
    raise _error(answer, body)


def _error(answer: Answer, body: Mapping[str, Any]) -> Exception:
    error = str(body.get("error") or f"status {answer.status}")
    numbers = body.get("error_codes")
    number = f", AADSTS{numbers[0]}" if isinstance(numbers, list) and numbers and isinstance(numbers[0], int) else ""
    if error in _SIGN_IN:
        return AuthLost(
            f"Microsoft asks for a new sign-in of this account ({error}{number}). Connect the account again."
        )
    if answer.ok or error == "temporarily_unavailable" or answer.status >= 500:
        return Unavailable(f"Microsoft's sign-in service is not available ({error}{number}). It will be tried again.")
    return Forbidden(
        f"Microsoft does not accept this installation's registration ({error}{number}). "
        "Ask whoever runs Pairwise to check the client id and its secret."
    )


def _tokens(body: Mapping[str, Any], now: float) -> dict[str, str]:
    """The secrets that change; a refresh token only if a new one came."""
    secrets = {"access_token": str(body["access_token"])}
    for name in ("refresh_token", "scope"):
        if body.get(name):
            secrets[name] = str(body[name])
    seconds = body.get("expires_in")
    if isinstance(seconds, int | float):
        secrets["expires_at"] = str(int(now + seconds))
    return secrets
