"""The contact of Microsoft Graph v1.0 as values, and values as what POST and PATCH take.

Absent, null, "", {} and [] all mean empty there; a collection and an address are replaced whole by a PATCH, other
properties one by one (learn.microsoft.com/graph/api/contact-update).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import orjson

from connectors.base import Field, FieldType, Value, Values

Contact = Mapping[str, Any]


class Refusal(Exception):
    """A value that Outlook cannot hold. `reason` is a sentence for people without the value itself."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


def _text(key: str, label: str, meaning: str, kind: FieldType = FieldType.TEXT) -> Field:
    return Field(key, label, kind, meaning)


def _list(key: str, label: str, meaning: str, kind: FieldType, multiple: int | None) -> Field:
    return Field(key, label, kind, meaning, multiple=multiple)


ADDRESSES: Final = (
    ("businessAddress", "Work", "work"),
    ("homeAddress", "Home", "home"),
    ("otherAddress", "Other", "other"),
)
ADDRESS_PARTS: Final = (
    ("street", "street", "street"),
    ("city", "city", "city"),
    ("state", "state or region", "region"),
    ("postalCode", "postal code", "postal_code"),
    ("countryOrRegion", "country", "country"),
)

CATALOGUE: Final[tuple[Field, ...]] = (
    _text("displayName", "Full name", "name.full"),
    _text("title", "Title (Dr., Ms.)", "name.prefix"),
    _text("givenName", "First name", "name.given"),
    _text("middleName", "Middle name", "name.middle"),
    _text("surname", "Last name", "name.family"),
    _text("generation", "Suffix (Jr.)", "name.suffix"),
    _text("nickName", "Nickname", "name.nickname"),
    _text("initials", "Initials", "name.initials"),
    _text("yomiGivenName", "Phonetic first name", "name.phonetic_given"),
    _text("yomiSurname", "Phonetic last name", "name.phonetic_family"),
    _text("fileAs", "File as", "name.file_as"),
    _text("companyName", "Company", "org.name"),
    _text("yomiCompanyName", "Phonetic company", "org.phonetic"),
    _text("department", "Department", "org.department"),
    _text("jobTitle", "Job title", "org.title"),
    _text("profession", "Profession", "org.role"),
    _text("officeLocation", "Office", "org.office"),
    _list("emailAddresses", "Email addresses", "email", FieldType.EMAIL, 3),
    _text("mobilePhone", "Mobile phone", "phone.mobile", FieldType.PHONE),
    _list("businessPhones", "Work phones", "phone.work", FieldType.PHONE, 2),
    _list("homePhones", "Home phones", "phone.home", FieldType.PHONE, 2),
    *(
        _text(f"{name}.{part}", f"{label} address: {words}", f"address.{place}.{meaning}")
        for name, label, place in ADDRESSES
        for part, words, meaning in ADDRESS_PARTS
    ),
    Field("birthday", "Birthday", FieldType.DATE, "birthday", needs_year=True),
    _text("personalNotes", "Notes", "note", FieldType.MULTILINE),
    _text("businessHomePage", "Web page", "url", FieldType.URL),
    _list("imAddresses", "Chat addresses", "im", FieldType.TEXT, None),
    _text("spouseName", "Spouse or partner", "relation.spouse"),
    _text("manager", "Manager", "relation.manager"),
    _text("assistantName", "Assistant", "relation.assistant"),
    _list("children", "Children", "relation.child", FieldType.TEXT, None),
    _list("categories", "Categories", "labels", FieldType.TEXT, None),
)
FIELDS: Final[Mapping[str, Field]] = MappingProxyType({field.key: field for field in CATALOGUE})

PROPERTIES: Final[tuple[str, ...]] = tuple(dict.fromkeys(field.key.partition(".")[0] for field in CATALOGUE))
SELECT: Final = ("id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId", *PROPERTIES)

NAME_PARTS: Final = ("title", "givenName", "middleName", "surname", "generation")
_HELD: Final = ("displayName", *NAME_PARTS, "emailAddresses", "categories", *(name for name, _, _ in ADDRESSES))
_NO_DATE: Final = (1, 4501)  # years that stand for "no date": an unset .NET date, Outlook's own
_EMAIL: Final = re.compile(r"[^\s,;]+@[^\s,;]+")  # others are dropped without a word (microsoft-graph-docs issue 2186)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


# ---- a contact as values -----------------------------------------------------------------------------------------


def values_of(contact: Contact, keys: Iterable[str]) -> dict[str, Value]:
    """The standard fields among `keys`. Raises ValueError, naming the property, where its shape is not Graph's."""
    found: dict[str, Value] = {}
    for key in keys:
        field = FIELDS.get(key)
        value = _value(contact, field) if field else None
        if value:
            found[key] = value
    return found


def _value(contact: Contact, field: Field) -> Value:
    name, _, part = field.key.partition(".")
    raw = contact.get(name)
    if raw is None:
        return None
    if part:
        return _string(_typed(raw, dict, name).get(part), name)
    if name == "emailAddresses":
        return [{"value": entry["address"]} for entry in emails_of(contact) if "@" in entry["address"]]
    if field.is_list:
        return [{"value": text} for text in (_string(one, name) for one in _typed(raw, list, name)) if text]
    if field.type is FieldType.DATE:
        return day_of(_string(raw, name))
    return _string(raw, name)


def _typed(raw: Any, kind: type, name: str) -> Any:
    if not isinstance(raw, kind):
        raise ValueError(f"{name} has an unknown shape")
    return raw


def _string(raw: Any, name: str) -> str:
    if raw is None:
        return ""
    text = str(_typed(raw, str, name)).replace("\r\n", "\n")
    return text if text.strip() else ""


def emails_of(contact: Contact) -> list[dict[str, str]]:
    """The entries that have an address; one without an @ is a directory address (X.500), which is no email."""
    entries = _typed(contact.get("emailAddresses") or [], list, "emailAddresses")
    found = []
    for entry in entries:
        address = _string(_typed(entry or {}, dict, "emailAddresses").get("address"), "emailAddresses")
        if address:
            found.append({**entry, "address": address})
    return found


def day_of(text: str) -> str:
    """The UTC date part of a date-time: Outlook keeps a day at 11:59 UTC, so no local zone may enter."""
    if not text:
        return ""
    if not _DATE.match(text):
        raise ValueError("birthday has an unknown shape")
    return "" if int(text[:4]) in _NO_DATE else text[:10]


def version_of(contact: Contact) -> str:
    """The etag, as If-Match takes it; empty where the item is incomplete."""
    etag = contact.get("@odata.etag")
    if isinstance(etag, str) and etag:
        return etag
    key = contact.get("changeKey")
    return f'W/"{key}"' if isinstance(key, str) and key else ""


def body_of(contact: Contact) -> str:
    """What a later write needs beside the values: whole addresses, names beside emails, categories, name parts."""
    held = {name: contact[name] for name in _HELD if contact.get(name)}
    return orjson.dumps(held, option=orjson.OPT_SORT_KEYS).decode()


def held_in(body: str) -> dict[str, Any]:
    try:
        held = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        return {}
    return held if isinstance(held, dict) else {}


# ---- values as a patch -------------------------------------------------------------------------------------------


def patch_of(values: Values, current: Values, body: str, *, creating: bool = False) -> dict[str, Any]:
    """What to send for the standard fields in `values` (but categories, which labels change too).

    Raises Refusal for what Graph cannot hold. A create leaves out what is empty: an address that is null there is
    answered with an error of the service.
    """
    held = held_in(body)
    patch: dict[str, Any] = {}
    for key, value in values.items():
        name, _, part = key.partition(".")
        if key not in FIELDS or key == "categories":
            continue
        patch[name] = _address(name, values, current, held) if part else _raw(FIELDS[key], value, held)
    if creating:
        return {name: value for name, value in patch.items() if value not in (None, [], "") and _filled(value)}
    _keep_names(patch, current, held)
    return patch


def _filled(value: Any) -> bool:
    return not isinstance(value, dict) or any(value.values())


def _raw(field: Field, value: Value, held: Mapping[str, Any]) -> Any:
    if field.is_list:
        texts = [_sendable(field.key, element["value"]) for element in value or []]
        if field.type is FieldType.EMAIL and not all(_EMAIL.fullmatch(text) for text in texts):
            raise Refusal(field.key, "One of the email addresses is none that Outlook keeps.")
        return _email_entries(texts, held) if field.key == "emailAddresses" else texts
    if value is None:
        return None
    if field.type is FieldType.DATE:
        return moment_of(field.key, value)
    text = _sendable(field.key, value)
    # A leading line break makes listings cut the note (microsoft-graph-docs issue 17598).
    return text.lstrip("\r\n") if field.type is FieldType.MULTILINE else text


def _sendable(key: str, value: Value) -> str:
    if not isinstance(value, str):
        raise Refusal(key, "This value is no text.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refusal(key, "This text holds half a character, which Outlook does not take.") from None
    return value


def moment_of(key: str, value: Value) -> str:
    """A day as Outlook keeps it, at 11:59 UTC, so that it is the same day in most time zones."""
    text = str(value)
    if text.startswith("--"):
        raise Refusal(key, "Outlook cannot keep a date without a year.")
    try:
        return f"{date.fromisoformat(text).isoformat()}T11:59:00Z"
    except ValueError:
        raise Refusal(key, "This is no date.") from None


def _email_entries(addresses: list[str], held: Mapping[str, Any]) -> list[dict[str, str]]:
    """The name beside an address stays; directory addresses, which are shown to nobody, stay behind the others."""
    known = emails_of(held)
    names = {entry["address"].casefold(): entry.get("name") for entry in known}
    entries = []
    for address in addresses:
        name = names.get(address.casefold())
        entries.append({"address": address, "name": name} if name else {"address": address})
    return entries + [entry for entry in known if "@" not in entry["address"]]


def _address(name: str, values: Values, current: Values, held: Mapping[str, Any]) -> dict[str, str | None]:
    """All five parts: whether Graph merges or replaces an address that comes in part is not documented."""
    whole = dict(held.get(name) or {})
    for source in (current, values):
        whole |= {part: source[f"{name}.{part}"] for part, _, _ in ADDRESS_PARTS if f"{name}.{part}" in source}
    parts = ((part, whole.get(part)) for part, _, _ in ADDRESS_PARTS)
    return {part: _sendable(f"{name}.{part}", value) if value else None for part, value in parts}


def _keep_names(patch: dict[str, Any], current: Values, held: Mapping[str, Any]) -> None:
    """Graph builds the full name anew when a part of the name changes, unless it is sent along.

    What a mapping watches is sent as it is. A full name that nobody watches may follow the parts if it was made of
    them, but is kept if a person wrote another one.
    """
    if not any(part in patch for part in NAME_PARTS):
        return
    for name in ("displayName", "fileAs"):
        if name in current:
            patch.setdefault(name, current[name])
    shown = held.get("displayName")
    if shown and shown not in _built(held):
        patch.setdefault("displayName", shown)


def _built(held: Mapping[str, Any]) -> set[str]:
    def joined(parts: Iterable[str]) -> str:
        return " ".join(text for text in (held.get(part) for part in parts) if text)

    return {joined(NAME_PARTS), joined(NAME_PARTS[1:4]), joined(("givenName", "surname"))}
