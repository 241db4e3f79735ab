"""The field catalogue of a vCard, and how a whole card becomes values and takes a patch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from connectors.base import Field, FieldType, Value, Values
from connectors.carddav.addresses import AddressPart
from connectors.carddav.dates import Date
from connectors.carddav.lists import (
    OLD_MESSENGERS,
    PHONE_KINDS,
    Categories,
    Messengers,
    Phones,
    Profiles,
    Several,
    Typed,
)
from connectors.carddav.relations import Children, OtherRelations, Related
from connectors.carddav.texts import (
    Accessor,
    Component,
    Computed,
    Gender,
    NamePart,
    Nicknames,
    Notes,
    SortAs,
    Text,
    TypedNickname,
    Units,
)
from connectors.carddav.vcard import Card, Line, escape

CATEGORIES = "categories"
_TEXTS = frozenset({FieldType.TEXT, FieldType.MULTILINE, FieldType.EMAIL, FieldType.PHONE, FieldType.URL})
_TAKEN = (
    *("X-AB", "X-ADDRESSBOOKSERVER-", "X-PAIRWISE-", "X-PHONETIC-", "X-ANNIVERSARY", "X-GENDER", "X-SOCIALPROFILE"),
    *("X-MAIDENNAME", "X-SPOUSE", "X-MANAGER", "X-ASSISTANT", "X-EVOLUTION-", *OLD_MESSENGERS),
)
NAME_PARTS = {"n.family": 0, "n.given": 1, "n.middle": 2, "n.prefix": 3, "n.suffix": 4}
_FINER = {"family": 5, "suffix": 6}  # the second surname and the generation of RFC 9554
ADDRESS_PARTS = (
    ("street", "street", 2),
    ("city", "city", 3),
    ("region", "region", 4),
    ("postal_code", "postal code", 5),
    ("country", "country", 6),
    ("po_box", "PO box", 0),
    ("extended", "further line", 1),
)
PHONE_LABELS = {
    "mobile": "Mobile phone",
    "work": "Work phone",
    "home": "Home phone",
    "work_fax": "Work fax",
    "home_fax": "Home fax",
    "other_fax": "Other fax",
    "pager": "Pager",
    "assistant": "Assistant's phone",
    "car": "Car phone",
    "main": "Main phone",
    "other": "Other phone",
}

_Entry = tuple[Field, Accessor]


def _text(key: str, label: str, meaning: str, accessor: Accessor, type_: FieldType = FieldType.TEXT) -> _Entry:
    return Field(key, label, type_, meaning), accessor


def _several(key: str, label: str, meaning: str, accessor: Accessor, type_: FieldType, *attributes: str) -> _Entry:
    return Field(key, label, type_, meaning, multiple=None, attributes=frozenset(attributes)), accessor


def _names() -> Iterable[_Entry]:
    yield _text("fn", "Full name", "name.full", Text("FN"))
    labels = {
        "prefix": "Prefix",
        "given": "First name",
        "middle": "Middle name",
        "family": "Last name",
        "suffix": "Suffix",
    }
    for part, label in labels.items():
        yield _text(f"n.{part}", label, f"name.{part}", NamePart("N", NAME_PARTS[f"n.{part}"], 5, _FINER.get(part, 0)))
    yield _text("nickname", "Nickname", "name.nickname", Nicknames())
    yield _text("initials", "Initials", "name.initials", TypedNickname("x-initials"))
    yield _text("maiden", "Maiden name", "name.maiden", TypedNickname("x-maiden-name", "X-MAIDENNAME"))
    for part, label in {"first": "First", "middle": "Middle", "last": "Last"}.items():
        meaning = {"first": "given", "middle": "middle", "last": "family"}[part]
        accessor = Text(f"X-PHONETIC-{part.upper()}-NAME")
        yield _text(f"phonetic.{meaning}", f"{label} name, phonetic", f"name.phonetic_{meaning}", accessor)
    yield _text("sort", "Sort as", "name.file_as", SortAs())


def _work() -> Iterable[_Entry]:
    yield _text("org", "Organisation", "org.name", Component("ORG", 0, 1))
    yield _text("org.phonetic", "Organisation, phonetic", "org.phonetic", Text("X-PHONETIC-ORG"))
    yield _text("org.unit", "Department", "org.department", Units())
    yield _text("title", "Job title", "org.title", Text("TITLE"))
    yield _text("role", "Role", "org.role", Text("ROLE"))


def _ways_to_reach() -> Iterable[_Entry]:
    email = Typed("EMAIL", "INTERNET")
    yield _several("email", "Email addresses", "email", email, FieldType.EMAIL, "type", "label")
    for kind in PHONE_KINDS:
        yield _several(f"tel.{kind}", PHONE_LABELS[kind], f"phone.{kind}", Phones(kind), FieldType.PHONE)
    for type_, place in {"work": "Work", "home": "Home", "": "Other"}.items():
        key = type_ or "other"
        for part, label, index in ADDRESS_PARTS:
            shape = FieldType.MULTILINE if part == "street" else FieldType.TEXT
            meaning = f"address.{key}.{part}"
            yield _text(f"adr.{key}.{part}", f"{place} address: {label}", meaning, AddressPart(type_, index), shape)
    yield _several("url", "Web sites", "url", Typed("URL", is_uri=True), FieldType.URL, "type", "label")
    yield _several("im", "Instant messengers", "im", Messengers(), FieldType.TEXT)
    yield _several("social", "Social profiles", "social", Profiles(), FieldType.TEXT, "type")


def _life() -> Iterable[_Entry]:
    yield _text("bday", "Birthday", "birthday", Date("BDAY"), FieldType.DATE)
    anniversary = Date("ANNIVERSARY", ("X-ANNIVERSARY", "X-EVOLUTION-ANNIVERSARY"), "X-ANNIVERSARY", "Anniversary")
    yield _text("anniversary", "Anniversary", "anniversary", anniversary, FieldType.DATE)
    yield _text("note", "Notes", "note", Notes(), FieldType.MULTILINE)
    spouse = Related("spouse", ("X-SPOUSE", "X-EVOLUTION-SPOUSE"))
    yield _text("related.spouse", "Spouse", "relation.spouse", spouse)
    manager = Related("manager", ("X-MANAGER", "X-EVOLUTION-MANAGER"), "co-worker")
    yield _text("related.manager", "Manager", "relation.manager", manager)
    assistant = Related("assistant", ("X-ASSISTANT", "X-EVOLUTION-ASSISTANT"), "co-worker")
    yield _text("related.assistant", "Assistant", "relation.assistant", assistant)
    yield _several("related.child", "Children", "relation.child", Children(), FieldType.TEXT)
    yield _several("related.other", "Other relations", "relation.other", OtherRelations(), FieldType.TEXT, "label")
    yield _text("gender", "Gender", "gender", Gender())
    yield _text("lang", "Language", "language", Text("LANG"))
    yield _several(CATEGORIES, "Categories", "categories", Categories(), FieldType.TEXT)
    yield Field("uid", "UID", meaning="uid", read_only=True, reason="It is the card's identity."), Computed(uid)


def uid(card: Card) -> str:
    return card.text_of("UID")


STANDARD: Mapping[str, _Entry] = {
    field.key: (field, accessor) for part in (_names, _work, _ways_to_reach, _life) for field, accessor in part()
}


class Catalogue:
    """The standard fields and those that a person declared for the account (an X- property by its name)."""

    def __init__(self, declared: Sequence[Field] = ()) -> None:
        own = {field.key: (field, _declared(field)) for field in declared if field.key not in STANDARD}
        self._entries: Mapping[str, _Entry] = {**STANDARD, **own}
        self.fields: Sequence[Field] = [field for field, _ in self._entries.values()]

    def values(self, card: Card, keys: Sequence[str] = ()) -> dict[str, Value]:
        """What the card holds, of the fields named (all if none are)."""
        entries = self._entries
        found: dict[str, Value] = {}
        for key in keys or entries:
            if key in entries and (value := entries[key][1].get(card)) is not None:
                found[key] = value
        return found

    def unwritable(self, patch: Values) -> str:
        """The first field of a patch that no card can take, empty if there is none."""
        return next((key for key in patch if key not in self._entries or self._entries[key][0].read_only), "")

    def patch(self, card: Card, patch: Values, now: float) -> bool:
        """Puts a patch into a card; whether anything changed.

        A full name or a sorting text that only repeated the parts of the name follows them; a full name that is missing
        is made (RFC 6350 section 6.2.1 demands it).
        """
        before = card.text
        derived = full_name(card)
        sorted_by = _sorted_by(card)
        for key in self._entries:
            if key in patch:
                self._entries[key][1].put(card, patch[key])
        if "sort" not in patch:
            SortAs().follow(card, sorted_by, _sorted_by(card))
        name, said = card.text_of("FN"), full_name(card)
        if "fn" not in patch and said != derived and name and _folded(name) == _folded(derived):
            name = said or name
        _set_full_name(card, name or said or "?")
        if card.text == before:
            return False
        for line in card.all("REV")[:1]:
            card.replace(line, line.with_value(_stamp(now, card)))
        return True

    def new(self, marker: str, patch: Values, now: float) -> Card:
        """A card of version 3.0, which every server takes (RFC 6352 section 6.3.2), with the marker as its UID."""
        card = Card("BEGIN:VCARD\nVERSION:3.0\nEND:VCARD\n")
        card.add(
            Line.make("PRODID", "-//Pairwise//Contacts//EN"),
            Line.make("UID", escape(marker)),
            Line.make("N", ";;;;"),
        )
        self.patch(card, patch, now)
        card.add(Line.make("REV", _stamp(now, card)))
        return card


def declare(name: str, type_: FieldType) -> Field:
    """The field for a property of the person's own, by its name in the cards. Raises ValueError for what is none."""
    key = name.strip().upper()
    if not re.fullmatch(r"X-[A-Z0-9-]+", key):
        raise ValueError("An own property is named X- with letters, digits or hyphens, for example X-CUSTOMER-ID.")
    if key.startswith(_TAKEN):
        raise ValueError(f"{key} has a meaning of its own already. Choose one of the standard fields.")
    if type_ not in _TEXTS:
        raise ValueError("A property of a vCard holds text: a text, an email or web address, or a telephone number.")
    return Field(key, name.strip(), type_, custom=True)


def _declared(field: Field) -> Accessor:
    """A text as it is in any other property; a list one value to a line."""
    return _Plain(field.key) if field.is_list else Text(field.key)


class _Plain(Several):
    def __init__(self, name: str) -> None:
        self.name = name

    def lines(self, card: Card) -> Sequence[Line]:
        return card.all(self.name.upper())

    def make(self, card: Card, element: Mapping[str, Value]) -> None:
        card.add(Line.make(self.name, escape(element["value"]), end=card.end))


def full_name(card: Card) -> str:
    """The name from its parts, else the nearest that says who it is."""
    get = {key: STANDARD[key][1].get for key in (*NAME_PARTS, "nickname", "org", "email")}
    parts = [get[f"n.{part}"](card) for part in ("prefix", "given", "middle", "family", "suffix")]
    if name := " ".join(part for part in parts if part):
        return name
    for key in ("nickname", "org"):
        if value := get[key](card):
            return str(value)
    if emails := get["email"](card):
        return str(emails[0]["value"])
    return next((line.text.removeprefix("tel:") for line in card.all("TEL") if line.text), "")


def _sorted_by(card: Card) -> list[Value | None]:
    return [STANDARD[key][1].get(card) for key in ("n.family", "n.given")]


def _set_full_name(card: Card, name: str) -> None:
    line = next((one for one in card.all("FN") if one.text), None) or next(iter(card.all("FN")), None)
    if line is None:
        card.insert_after("VERSION", Line.make("FN", escape(name), end=card.end))
    elif line.text != name:
        card.replace(line, line.with_value(escape(name)))


def _folded(text: str) -> str:
    return " ".join(text.split())


def _stamp(now: float, card: Card) -> str:
    form = "%Y%m%dT%H%M%SZ" if card.is_version_4 else "%Y-%m-%dT%H:%M:%SZ"
    return datetime.fromtimestamp(now, UTC).strftime(form)
