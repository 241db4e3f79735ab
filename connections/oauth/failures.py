"""Why a dance ended without an account, in words for the person who danced."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_lazy
from social_core.exceptions import AuthCanceled, SocialAuthBaseException

from connections.encryption import Undecryptable
from connections.services.connecting import AnotherIdentity, NotConnected
from connectors.base import App, AuthLost, ConnectorError

_NUMBER = re.compile(r"AADSTS(\d{4,9})")
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
NOTHING = gettext_lazy("Nothing was connected or changed.")


@dataclass(frozen=True, slots=True)
class Failure:
    """`needs_admin`: an administrator of the person's organisation must agree first."""

    text: str
    status: int = 403
    needs_admin: bool = False


def failure_of(error: Exception, app: App) -> Failure:
    """What the vendor wrote is not repeated, since anybody can put words into an address; its codes are."""
    vendor = app.oauth.vendor if app.oauth else app.name
    if isinstance(error, AnotherIdentity):
        return Failure(str(error), 409)
    if isinstance(error, NotConnected):
        return Failure(f"{error} {NOTHING}")
    if isinstance(error, AuthLost):
        text = gettext(
            "%(vendor)s did not accept this sign-in: it took too long, or was used already. %(nothing)s Begin again."
        ) % {"vendor": vendor, "nothing": NOTHING}
        return Failure(text)
    if isinstance(error, ConnectorError):
        return Failure(f"{error} {NOTHING}", 502 if error.retry else 403)
    if isinstance(error, Undecryptable):
        return Failure(f"{error} {NOTHING} {gettext('Tell those who run Pairwise.')}", 500)
    if isinstance(error, SocialAuthBaseException):
        return _of_social(error, app, vendor)
    raise error


def _of_social(error: SocialAuthBaseException, app: App, vendor: str) -> Failure:
    code = str(error.provider_code or "")
    codes = {code, *_NUMBER.findall(error.detail)}
    if app.oauth is not None and codes & app.oauth.needs_admin:
        text = gettext("In your organisation an administrator must allow Pairwise at %(vendor)s first. %(nothing)s") % {
            "vendor": vendor,
            "nothing": NOTHING,
        }
        return Failure(text, needs_admin=True)
    if isinstance(error, AuthCanceled):
        return Failure(gettext("At %(vendor)s the answer was no. %(nothing)s") % {"vendor": vendor, "nothing": NOTHING})
    if error.code == "user_mismatch":
        return Failure(
            gettext("Somebody else is signed in to Pairwise now than who began this. %(nothing)s")
            % {"nothing": NOTHING}
        )
    if error.code in {"session_context_missing", "missing_parameter", "state_mismatch"}:
        return Failure(
            gettext(
                "This sign-in is not known here any more. It was used already, took more than half an "
                "hour, was begun in another browser, or you were signed out meanwhile. Look at your "
                "connected accounts; if yours is missing, begin again."
            ),
        )
    if error.code == "missing_setting":
        return Failure(
            gettext("The registration at %(vendor)s was changed meanwhile. %(nothing)s Begin again.")
            % {"vendor": vendor, "nothing": NOTHING}
        )
    shown = f" ({code})" if _CODE.fullmatch(code) else ""
    if error.code == "unavailable":
        return Failure(
            gettext("%(vendor)s is not available at the moment%(shown)s. %(nothing)s Try again later.")
            % {"vendor": vendor, "shown": shown, "nothing": NOTHING},
            502,
        )
    return Failure(
        gettext("%(vendor)s answered with an error%(shown)s. %(nothing)s If it stays so, tell those who run Pairwise.")
        % {"vendor": vendor, "shown": shown, "nothing": NOTHING},
        502,
    )
