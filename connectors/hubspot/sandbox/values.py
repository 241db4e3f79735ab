"""Values of properties: what is refused, and the form in which the rest is kept (CRM API, Properties)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from connectors.hubspot.sandbox.definitions import Property
from connectors.hubspot.sandbox.store import moment

LONGEST = 65_536
DAY = 86_400_000
_EMAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s,;<>().]{2,}\Z")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z")
_PHONES = ("phone", "mobilephone", "fax")
_CASED = ("firstname", "lastname", "company")


class Problem(Exception):  # noqa: N818 - an answer of the API
    def __init__(self, name: str, error: str, message: str) -> None:
        super().__init__(message)
        self.details = {"message": message, "error": error, "name": name}


def text_of(value: Any) -> str:
    """A JSON value as the text that is meant; null clears like the empty text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        raise ValueError
    return "" if value is None else str(value)


def stored(known: Property, text: str, before: str) -> str:
    """The form in which a text is kept. Raises Problem. `before`: what the property held."""
    if not text:
        return ""
    match known.type:
        case "enumeration":
            return _options(known, text, before)
        case "bool":
            if text.lower() not in ("true", "false"):
                raise _not_an_option(known, text)
            return text.lower()
        case "number":
            if not _NUMBER.match(text.strip()):
                raise Problem(known.name, "INVALID_LONG", f"{text} was not a valid long.")
            return text.strip()
        case "date":
            return _date(known, text)
        case "datetime":
            return _datetime(known, text)
    if len(text) > LONGEST:
        raise Problem(known.name, "INVALID_STRING", f"Property value is too long; it may have {LONGEST} characters.")
    return text


def email(known: Property, text: str) -> str:
    address = text.strip().lower()
    if address and not _EMAIL.match(address):
        raise Problem(known.name, "INVALID_EMAIL", f"Email address {text} is invalid")
    return address


def _options(known: Property, text: str, before: str) -> str:
    if "e" in known.flags:
        return text
    if not known.several:
        if text not in known.values:
            raise _not_an_option(known, text)
        return text
    chosen = [one for one in text.split(";") if one]
    for one in chosen:
        if one not in known.values:
            raise _not_an_option(known, one)
    if text.startswith(";"):
        chosen = [*filter(None, before.split(";")), *chosen]
    return ";".join(dict.fromkeys(chosen))


def _not_an_option(known: Property, text: str) -> Problem:
    allowed = ", ".join(known.values)
    return Problem(known.name, "INVALID_OPTION", f"{text} was not one of the allowed options: [{allowed}]")


def milliseconds(text: str) -> int | None:
    """Of an epoch in milliseconds, a date or a moment in ISO 8601; None for anything else."""
    if re.fullmatch(r"-?\d+", text) and not re.fullmatch(r"\d{4}", text):
        return int(text)
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        return None
    return round((made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp() * 1000)


def _date(known: Property, text: str) -> str:
    found = milliseconds(text)
    if found is None or not -62_135_596_800_000 <= found < 253_402_300_800_000:
        raise Problem(known.name, "INVALID_DATE", f"{text} was not a valid date.")
    made = datetime.fromtimestamp(found / 1000, UTC)
    if found % DAY:
        clock = f"{made.hour}:{made.minute}:{made.second}.{made.microsecond // 1000}"
        raise Problem(known.name, "INVALID_DATE", f"{text} is at {clock} UTC, not midnight!")
    return made.date().isoformat()


def _datetime(known: Property, text: str) -> str:
    found = milliseconds(text)
    if found is None or not -62_135_596_800_000 <= found < 253_402_300_800_000:
        raise Problem(known.name, "INVALID_DATE", f"{text} was not a valid date.")
    return moment(found)


def breaks_rule(rule: Mapping[str, Any], text: str) -> bool:
    """Whether a text fails a validation rule that an admin set up (CRM API, Property validations)."""
    wanted = str(rule.get("value", ""))
    match rule.get("rule"):
        case "REGEX":
            return re.search(wanted, text) is None
        case "MAX_LENGTH":
            return len(text) > int(wanted)
        case "MIN_LENGTH":
            return len(text) < int(wanted)
        case "ALPHANUMERIC":
            return not text.isalnum()
        case "PHONE_NUMBER_WITH_EXPLICIT_COUNTRY_CODE":
            return not text.lstrip().startswith("+")
        case "EMAIL_ALLOWED_DOMAINS":
            return text.rpartition("@")[2] not in wanted.split(";")
        case "AFTER_DATETIME_DURATION" | "START_DATETIME":
            return date.fromisoformat(text[:10]) < date.fromisoformat(wanted[:10])
    return False


def rewritten(data: Mapping[str, str], phones: str, case: str) -> dict[str, str]:
    """The same values as a service would keep them that re-formats what it is sent."""
    result = dict(data)
    for name in _PHONES:
        if result.get(name) and phones:
            result[name] = _phone(result[name], phones)
    for name in _CASED:
        if result.get(name) and case:
            result[name] = result[name].upper() if case == "upper" else result[name].lower()
    return result


def _phone(number: str, form: str) -> str:
    digits = re.sub(r"\D", "", number)
    plus = "+" if number.lstrip().startswith("+") else ""
    if not digits:
        return number
    if form in ("e164", "digits"):
        return (plus if form == "e164" else "") + digits
    groups = [digits[max(0, end - 3) : end] for end in range(len(digits), 0, -3)][::-1]
    return plus + (" " if form == "national" else ".").join(groups)
