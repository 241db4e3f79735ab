"""Whether a field can take a value, asked before anything is sent, and the form in which it takes it."""

from __future__ import annotations

from typing import Any

from connectors.base import Field, FieldType
from syncrules import compare

SHORTENED = "\n[… shortened]"  # ends a text of which the field could only hold the beginning

_DATES = (FieldType.DATE, FieldType.DATETIME)
_TEXTS = (FieldType.TEXT, FieldType.MULTILINE, FieldType.OPTION)


class Refused(ValueError):
    """The target would not take this value; the text says why and never holds the value. `field` is its key."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.field = field


def fit(value: Any, field: Field) -> Any:
    """`value` in the shape that `field` stores. Raises Refused."""
    kind = field.type
    if kind is FieldType.NUMBER:
        return _number(value)
    if kind is FieldType.BOOLEAN:
        return _boolean(value)
    if kind in _DATES:
        return _date(value, field)
    written = as_text(value)
    if kind in (FieldType.OPTION, FieldType.OPTIONS):
        return _option(written, field) if field.options else written
    if kind is FieldType.EMAIL:
        _check_email(written)
    if kind is FieldType.TEXT and not field.meaning.endswith(".street"):
        written = " ".join(written.splitlines()) if "\n" in written or "\r" in written else written
    if field.max_length is not None and len(written) > field.max_length:
        return _shorten(written, field, field.max_length)
    return written


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(value: Any) -> float | int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        read = float(str(value).strip())
    except ValueError:
        raise Refused("it is not a number") from None
    return int(read) if read.is_integer() else read


def _boolean(value: Any) -> bool:
    meant = compare.boolean(value)
    if not isinstance(meant, bool):
        raise Refused("it is neither true nor false")
    return meant


def _date(value: Any, field: Field) -> str:
    day = compare.date(value)
    if day.startswith("--"):
        if field.needs_year or field.type is FieldType.DATETIME:
            raise Refused("the date has no year and the field needs one")
        return day
    if not (len(day) == 10 and day[:4].isdigit() and day[4] == day[7] == "-"):
        raise Refused("it is not a date")
    if field.type is FieldType.DATETIME:
        raw = str(value).strip()
        return raw if len(raw) > 10 else f"{day}T00:00:00Z"
    return day


def _option(value: str, field: Field) -> str:
    meant = compare.folded(value)
    if any(value == option for option, _ in field.options):
        return value
    for option, label in field.options:
        if meant in (compare.folded(option), compare.folded(label)):
            return option
    raise Refused("the field does not offer this option")


def _check_email(value: str) -> None:
    local, at, domain = value.strip().rpartition("@")
    if not local or not domain or any(char.isspace() for char in value.strip()) or "@" in local.strip('"'):
        raise Refused("it is not a mail address")


def _shorten(value: str, field: Field, limit: int) -> str:
    room = limit - len(SHORTENED)
    if field.type is not FieldType.MULTILINE or room <= 0:
        raise Refused(f"it is longer than the {limit} characters that the field holds")
    return value[:room] + SHORTENED


def is_shortened(value: Any) -> bool:
    return isinstance(value, str) and value.rstrip().endswith(SHORTENED.strip())


def edit_of_shortened(edited: str, before: str, whole: str) -> str | None:
    """What an edit of a shortened text means for the whole one, or None if the end of the text is not known any more.

    `before` is the shortened text as it was, `whole` the text it was made from.
    """
    if not is_shortened(edited):
        return None
    mark = SHORTENED.strip()
    shown, now, flat = (part.replace("\r\n", "\n").replace("\r", "\n").rstrip() for part in (before, edited, whole))
    shown, now = shown.removesuffix(mark).rstrip(), now.removesuffix(mark).rstrip()
    if not flat.startswith(shown):
        return None
    return now + flat[len(shown) :]
