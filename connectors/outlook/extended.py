"""Single-value extended properties (MAPI): the marker of our creates, and custom fields that a person declares.

They cannot be listed, only asked for by id: ``{type} {guid} Name {name}``, ``{type} {guid} Id {0x..}`` or
``{type} {tag}`` (learn.microsoft.com/graph/api/resources/extended-properties-overview).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from connectors.base import Field, FieldType, Value
from connectors.outlook.fields import Refusal, day_of, moment_of

PREFIX: Final = "ext:"
MARKER: Final = "String {5c3d0a5e-8f0b-4d0c-9a57-2f6f1f1f7b61} Name PairwiseMarker"
USER_FIELDS: Final = "{00020329-0000-0000-c000-000000000046}"  # PS_PUBLIC_STRINGS: where Outlook keeps user fields

_TYPES: Final[Mapping[str, tuple[FieldType, ...]]] = {
    "String": (FieldType.TEXT, FieldType.MULTILINE, FieldType.EMAIL, FieldType.PHONE, FieldType.URL),
    "Double": (FieldType.NUMBER,),
    "Integer": (FieldType.NUMBER,),
    "Boolean": (FieldType.BOOLEAN,),
    "SystemTime": (FieldType.DATETIME, FieldType.DATE),
}
_ID: Final = re.compile(
    r"(?P<type>[A-Za-z]+) (?:(?P<tag>0x[0-9A-Fa-f]{1,8})"
    r"|(?P<guid>\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\})"
    r" (?:Name (?P<name>.+)|Id (?P<id>0x[0-9A-Fa-f]{1,8})))"
)
# Outlook's own fields that v1.0 does not show: tag -> label, meaning.
_KNOWN: Final[Mapping[str, tuple[str, str]]] = {
    "0x3a24": ("Work fax", "phone.work_fax"),
    "0x3a41": ("Wedding anniversary", "anniversary"),
}


def declare(name: str, type: FieldType = FieldType.TEXT) -> Field:
    """The field for a custom field of Outlook (its name, upper and lower case as there) or for a full property id.

    Raises ValueError with a sentence for people.
    """
    name = name.strip()
    match = _ID.fullmatch(name)
    if match is None:
        if not name or len(name) > 200 or any(ord(letter) < 32 for letter in name):
            raise ValueError("Give the name of the custom field, at most 200 letters on one line.")
        kind = next((kind for kind, types in _TYPES.items() if type in types), None)
        if kind is None:
            raise ValueError(f"A custom field of Outlook cannot be of the type {type.value}.")
        return Field(
            f"{PREFIX}{kind} {USER_FIELDS} Name {name}", name, type, custom=True, needs_year=type is FieldType.DATE
        )
    if type not in _TYPES.get(match["type"], ()):
        allowed = ", ".join(one.value for one in _TYPES.get(match["type"], ())) or "nothing that can be synced"
        raise ValueError(f"A property of the type {match['type']} holds: {allowed}. Choose another type.")
    label, meaning = _KNOWN.get((match["tag"] or "").lower(), (match["name"] or name, ""))
    return Field(f"{PREFIX}{name}", label, type, meaning, custom=True, needs_year=type is FieldType.DATE)


def declared(field: Field) -> Field:
    """A field that somebody declared, by its bare name or as `declare` gave it, under the key that mappings name."""
    if is_extended(field.key):
        return field
    try:
        made = declare(field.key, field.type)
    except ValueError as error:
        return replace(field, key=f"{PREFIX}{field.key}", read_only=True, reason=str(error))
    return replace(made, label=field.label if field.label != field.key else made.label)


def is_extended(key: str) -> bool:
    return key.startswith(PREFIX) and _ID.fullmatch(key, len(PREFIX)) is not None


def field_of(key: str, declared: Iterable[Field]) -> Field:
    """The declared field with this key, or one with the type that the id itself tells. Raises Refusal for neither."""
    match = _ID.fullmatch(key, len(PREFIX)) if is_extended(key) else None
    types = _TYPES.get(match["type"]) if match else None
    if types is None:
        raise Refusal(key, "Outlook has no such field.")
    for field in declared:
        if field.key == key:
            return field
    return Field(key, key.removeprefix(PREFIX), types[0], custom=True)


def _same(id: str) -> str:
    """One spelling of an id: type, GUID and numbers in any case; a name counts letter by letter."""
    match = _ID.fullmatch(id)
    if match is None:
        return id
    name = match["name"]
    return f"{id[: match.start('name')].lower()}{name}" if name else id.lower()


def expand(keys: Sequence[str]) -> str:
    """The value of $expand that asks for the marker and for the extended properties among `keys`."""
    ids = [MARKER, *(key.removeprefix(PREFIX) for key in keys if is_extended(key))]
    return f"singleValueExtendedProperties($filter={' or '.join(f'id eq {quoted(id)}' for id in ids)})"


def having(marker: str) -> str:
    """The value of $filter that finds what carries the marker."""
    return f"singleValueExtendedProperties/Any(ep: ep/id eq {quoted(MARKER)} and ep/value eq {quoted(marker)})"


def quoted(text: str) -> str:
    """An OData string literal."""
    return "'" + text.replace("'", "''") + "'"


def raw_properties(contact: Mapping[str, Any]) -> dict[str, str]:
    """The expanded properties of a contact, by one spelling of their id."""
    entries = contact.get("singleValueExtendedProperties") or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("singleValueExtendedProperties has an unknown shape")
    return {_same(str(entry.get("id"))): str(entry.get("value") or "") for entry in entries}


def marker_of(contact: Mapping[str, Any]) -> str:
    return raw_properties(contact).get(_same(MARKER), "")


def values_of(contact: Mapping[str, Any], keys: Iterable[str], declared: Sequence[Field]) -> dict[str, Value]:
    """The extended fields among `keys`. Raises ValueError where a value is not of its type."""
    raw = raw_properties(contact)
    found: dict[str, Value] = {}
    for key in keys:
        text = raw.get(_same(key.removeprefix(PREFIX)), "") if is_extended(key) else ""
        if text.strip():
            value = _parsed(text, field_of(key, declared))
            if value != "":
                found[key] = value
    return found


def _parsed(text: str, field: Field) -> Value:
    match field.type:
        case FieldType.BOOLEAN:
            return text.strip().lower() in {"true", "1"}
        case FieldType.NUMBER:
            number = float(text)
            if not isfinite(number):
                raise ValueError("a number that is none")
            return int(number) if number.is_integer() else number
        case FieldType.DATE:
            return day_of(text)
        case FieldType.DATETIME:
            return _moment(text)
        case _:
            return text.replace("\r\n", "\n")


def _moment(text: str) -> str:
    """RFC 3339 in UTC; a text without a zone is taken as UTC, which is what Exchange stores."""
    moment = datetime.fromisoformat(text)
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.isoformat().replace("+00:00", "Z")


def property_for(field: Field, value: Value) -> dict[str, str | None]:
    """The entry to send. Raises Refusal for a value that is not of the field's type."""
    id = field.key.removeprefix(PREFIX)
    if value is None:
        return {"id": id, "value": "" if id.startswith("String ") else None}
    return {"id": id, "value": _written(field, value, whole=id.startswith("Integer "))}


def _written(field: Field, value: Value, whole: bool) -> str:
    match field.type:
        case FieldType.BOOLEAN if isinstance(value, bool):
            return "true" if value else "false"
        case FieldType.NUMBER if isinstance(value, int | float) and not isinstance(value, bool):
            if whole and not float(value).is_integer():
                raise Refusal(field.key, "Outlook keeps a whole number here.")
            return str(int(value)) if float(value).is_integer() else repr(float(value))
        case FieldType.DATE:
            return moment_of(field.key, value)
        case FieldType.DATETIME:
            try:
                return _moment(str(value))
            except ValueError:
                raise Refusal(field.key, "This is no point in time.") from None
        case FieldType.BOOLEAN | FieldType.NUMBER:
            raise Refusal(field.key, f"Outlook keeps a {field.type.value} here.")
        case _:
            return str(value)
