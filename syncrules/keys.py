"""What a record can be found by: mail addresses, phone numbers, name and company, normalised.

An empty or placeholder value is no key.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from connectors.base import Field, FieldType, Value, Values
from syncrules import compare, names
from syncrules.catalogue import Catalogue

# Mail boxes that several people read: they find candidates but decide only together with an equal name.
_ROLES = (
    "abuse accounting accounts admin administration administrator all billing bookings careers compliance contact "
    "customer-service customerservice dev dispatch donotreply do-not-reply enquiries enquiry everyone facturen "
    "facturation faktura feedback finance frontdesk hallo hello help helpdesk hi hostmaster hr info infos inquiries "
    "invoice invoices it jobs kontakt legal mail mailer-daemon marketing media news newsletter no-reply noc noreply "
    "office orders order ops postmaster press privacy purchasing reception recruiting recruitment rechnung register "
    "reservations root sales secretariat security service services shop staff subscribe support sysadmin team tech "
    "verkoop webmaster welcome"
)
ROLES = frozenset(_ROLES.split())
_EMPTY_WORDS = "na n/a none no null nil unknown unbekannt inconnu onbekend undefined x xx xxx"
_EMPTY_BOXES = "nomail no-mail noemail no-email no.email no_email notprovided noaddress"
_EMPTY_PHRASES = "test,contact,unnamed,noname,no name,name,new contact,first last,not available,not provided"
_NO_EMAIL = frozenset([*_EMPTY_WORDS.split(), *_EMPTY_BOXES.split()])
_NO_NAME = frozenset([*_EMPTY_WORDS.split(), *_EMPTY_PHRASES.split(",")])
_NO_PHONE = frozenset({"1234567", "12345678", "123456789", "1234567890", "0123456789", "9876543210"})
_UNSHARED_PHONES = frozenset({"mobile", "work", "home", "other", "car", "main", ""})
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|[^\s@]+@localhost")


@dataclass(frozen=True, slots=True)
class MatchKeys:
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()  # E.164
    name: str = ""
    company: str = ""


def is_role_address(email: str) -> bool:
    """Whether an address belongs to a function (info@, no-reply@) rather than to a person."""
    local = compare.email(email).partition("@")[0]
    return local in ROLES or local.partition("+")[0] in ROLES


class KeyReader:
    """Reads the match keys of one side's records."""

    __slots__ = ("_company", "_emails", "_full", "_parts", "_phones", "_region")

    def __init__(self, catalogue: Catalogue, region: str) -> None:
        self._region = region
        self._emails = tuple(field.key for field in catalogue if _is_email(field))
        self._phones = tuple(field.key for field in catalogue if _is_phone(field))
        meaning = catalogue.by_meaning
        self._parts = tuple(meaning[tag].key for tag in ("name.given", "name.family") if tag in meaning)
        self._full = meaning["name.full"].key if "name.full" in meaning else ""
        self._company = meaning["org.name"].key if "org.name" in meaning else ""

    def read(self, values: Values, labels: Collection[str] = ()) -> MatchKeys:
        """`labels` have no part in matching; they are taken so that callers can hand over a record as it is."""
        emails: dict[str, None] = {}
        for key in self._emails:
            for value in _each(values.get(key)):
                if found := email_key(value):
                    emails[found] = None
        phones: dict[str, None] = {}
        for key in self._phones:
            for value in _each(values.get(key)):
                if found := phone_key(value, self._region):
                    phones[found] = None
        company = values.get(self._company)
        return MatchKeys(tuple(emails), tuple(phones), self._name(values), company_key(company) if company else "")

    def _name(self, values: Values) -> str:
        parts = " ".join(str(values[key]) for key in self._parts if values.get(key))
        if parts:
            return name_key(parts)
        full = values.get(self._full)
        if not full:
            return ""
        name = names.guess(str(full))
        return name_key(f"{name.given} {name.family}")


def _is_email(field: Field) -> bool:
    return (
        field.meaning == "email"
        or field.meaning.startswith("email.")
        or (field.type is FieldType.EMAIL and not field.meaning)
    )


def _is_phone(field: Field) -> bool:
    if field.meaning.startswith("phone."):
        return field.meaning.split(".")[1] in _UNSHARED_PHONES
    return field.type is FieldType.PHONE and not field.meaning


def _each(value: Value) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    return [str(part["value"]) for part in value]


@lru_cache(compare.CACHED)
def email_key(value: str) -> str:
    address = compare.email(value)
    local = address.partition("@")[0]
    return "" if local in _NO_EMAIL or not _EMAIL.fullmatch(address) else address


@lru_cache(compare.CACHED)
def phone_key(value: str, region: str) -> str:
    """E.164 without extension; numbers that cannot be dialled from everywhere are no key."""
    number = compare.phone(value, region).partition(";")[0]
    digits = number[1:]
    if not number.startswith("+") or not digits.isdigit() or not 7 <= len(digits) <= 15:
        return ""
    plain = "".join(char for char in value if char.isdigit())
    if plain in _NO_PHONE or len(set(digits[-7:])) == 1:
        return ""
    return number


@lru_cache(compare.CACHED)
def name_key(value: str) -> str:
    """Compatibility forms folded, case, punctuation and white space too."""
    folded = unicodedata.normalize("NFKC", value).casefold()
    if folded.strip() in _NO_NAME:
        return ""
    kept = "".join(char if char.isalnum() or unicodedata.category(char).startswith("M") else " " for char in folded)
    key = " ".join(kept.split())
    return "" if key in _NO_NAME else key


@lru_cache(compare.CACHED)
def company_key(value: str) -> str:
    return name_key(value)
