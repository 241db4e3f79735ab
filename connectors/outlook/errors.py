"""What Graph's error answers mean. Branches on status and codes, never on the text, which is not fixed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.base import (
    AuthLost,
    ConnectorError,
    CursorExpired,
    FolderGone,
    Forbidden,
    Unavailable,
    Unsupported,
)
from connectors.outlook.fields import FIELDS

NO_MAILBOX: Final = (
    "This account has no mailbox that Outlook's programming interface can reach: it has no Exchange Online licence, or "
    "its mailbox is inactive, was deleted, or lies on the company's own server. Ask the administrator of the "
    "organisation, or connect an account with a mailbox at Outlook.com or Microsoft 365."
)
MALFORMED: Final = "errorinvalididmalformed"  # an id that is none, or of another mailbox
_NO_MAILBOX: Final = {
    "mailboxnotenabledforrestapi",
    "mailboxnotsupportedforrestapi",
    "errornonexistentmailbox",
    "errormissingemailaddress",
}
_RESYNC: Final = {"syncstatenotfound", "syncstateinvalid", "resyncrequired"}
_THROTTLED: Final = {"toomanyrequests", "applicationthrottled", "errortoomanyobjectsopened", "activitylimitreached"}
_FULL: Final = {"errorquotaexceeded", "quotalimitreached"}
_COUNT: Final = re.compile(r"property (\w+) has (\d+) entries\D+(\d+)")
_NEEDED: Final = re.compile(r"property '?(\w+)'? is required")
_NAMED: Final = re.compile(r"\b[A-Za-z][A-Za-z0-9]*\b")


def codes_in(body: Any) -> list[str]:
    """The codes of an error envelope in lower case, the outer one first."""
    return list(_codes(body.get("error"))) if isinstance(body, dict) else []


def _codes(error: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(error, dict) and depth < 5:
        if isinstance(error.get("code"), str):
            yield error["code"].lower()
        yield from _codes(error.get("innerError") or error.get("innererror"), depth + 1)


def is_throttled(codes: Sequence[str]) -> bool:
    return not _THROTTLED.isdisjoint(codes)


def is_full(codes: Sequence[str]) -> bool:
    return not _FULL.isdisjoint(codes)


def error_for(status: int, body: Any, what: str = "the request") -> ConnectorError:
    """The error for an answer that concerns an account or a folder. `what`: what was asked for, for people."""
    codes = codes_in(body)
    if not _NO_MAILBOX.isdisjoint(codes):
        return Unsupported(NO_MAILBOX)
    if status == 410 or (status in {400, 404, 409} and not _RESYNC.isdisjoint(codes)):
        return CursorExpired("Outlook has forgotten how far the folder was read; it is listed anew.")
    if status == 401 or "insufficient_claims" in codes:
        return AuthLost("Microsoft asks for a new sign-in of this account. Connect the account again.")
    if status == 403:
        return Forbidden(
            f"Microsoft does not allow this account {what}. Connect it again and grant the permission; "
            "in a company an administrator may have to do that."
        )
    if status == 404 or (status == 400 and MALFORMED in codes):
        return FolderGone(f"Outlook does not find {what}: it was deleted, or it is no longer shared with this account.")
    if status == 507 or is_full(codes):
        return Unavailable("The mailbox is full. Make room in it; it goes on by itself then.")
    if status >= 500:
        return Unavailable(f"Outlook had an error of its own (status {status}). It will be tried again.")
    return ConnectorError(f"Outlook refused {what} (status {status}{', ' + codes[0] if codes else ''}).")


def mailbox_error(status: int, body: Any, mailbox: str) -> ConnectorError:
    """The error for a first look into a mailbox: the account's own (empty), or a shared one by its address."""
    if not mailbox and status == 404 and codes_in(body)[:1] == ["resourcenotfound"]:
        return Unsupported(NO_MAILBOX)
    return error_for(status, body, f"the contacts of {mailbox}" if mailbox else "its contacts")


def refusal_of(body: Any, sent: Mapping[str, Any]) -> tuple[str, str]:
    """The field key (empty if the answer does not tell) and the sentence for a record that was refused.

    `sent`: what was posted, by property. The app's own text is not repeated, as it may quote the contact.
    """
    error = body.get("error") if isinstance(body, dict) else None
    message = str(error.get("message") or "") if isinstance(error, dict) else ""
    code = str(error.get("code") or "") if isinstance(error, dict) else ""
    keys = {key.partition(".")[0].lower(): key for key in reversed(list(FIELDS))}
    needed = _NEEDED.search(message)
    if needed and needed[1].lower() in keys:
        return "", f"Outlook makes no contact without {FIELDS[keys[needed[1].lower()]].label}; this one has none."
    count = _COUNT.search(message)
    if count and count[1].lower() in keys:
        field = FIELDS[keys[count[1].lower()]]
        return field.key, f"Outlook takes at most {count[3]} values in {field.label}; {count[2]} were sent."
    properties = {name.lower() for name in sent}
    names = [word.lower() for word in _NAMED.findall(message) if word.lower() in properties & set(keys)]
    if not names and len(properties) == 1:
        names = [name for name in properties if name in keys]
    if not names:
        return "", f"Outlook refused the contact ({code or 'no reason given'})."
    field = FIELDS[keys[names[0]]]
    return field.key, f"Outlook refused the value of {field.label} ({code or 'no reason given'})."
