"""A contact as a form and as lines to read; and the form's answer as the body of a PATCH."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.outlook.sandbox.shape import ADDRESS_PARTS, ADDRESSES, MOST, Data
from connectors.sandboxkit.html import Html, join, tag

GROUPS: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (
    (
        "Name",
        (
            *(("title", "Title"), ("givenName", "Given name"), ("middleName", "Middle name"), ("surname", "Surname")),
            *(("generation", "Suffix"), ("displayName", "Display name"), ("fileAs", "File as")),
            *(("nickName", "Nickname"), ("initials", "Initials"), ("yomiGivenName", "Phonetic given name")),
            ("yomiSurname", "Phonetic surname"),
        ),
    ),
    (
        "Work",
        (
            *(("companyName", "Company"), ("yomiCompanyName", "Phonetic company"), ("jobTitle", "Job title")),
            *(("department", "Department"), ("officeLocation", "Office"), ("profession", "Profession")),
            *(("manager", "Manager"), ("assistantName", "Assistant"), ("businessHomePage", "Home page")),
        ),
    ),
)
NUMBERS = (("businessPhones", "Business phone"), ("homePhones", "Home phone"))
PLACES = (("businessAddress", "Business address"), ("homeAddress", "Home address"), ("otherAddress", "Other address"))
PARTS = (
    *(("street", "Street"), ("postalCode", "Postal code"), ("city", "City"), ("state", "State")),
    ("countryOrRegion", "Country or region"),
)
LINES = (("imAddresses", "Chat addresses"), ("children", "Children"))
CATEGORY = "category"
OTHER_CATEGORIES = "otherCategories"


def form(data: Data, categories: Sequence[str]) -> Html:
    """All fields, filled in. `categories`: the mailbox's master list."""
    return join(
        [
            *(_group(title, [_input(data, name, label) for name, label in fields]) for title, fields in GROUPS),
            _group("Email and phone", [*_emails(data), *_phones(data), _input(data, "mobilePhone", "Mobile phone")]),
            _categories(data, categories),
            *(_group(label, _place(data, name)) for name, label in PLACES),
            _group("Person", _person(data)),
        ]
    )


def _group(title: str, fields: Sequence[Html]) -> Html:
    return tag("fieldset", tag("legend", title), tag("div", *fields, class_="fields"))


def _field(name: str, label: str, value: object, kind: str = "text") -> Html:
    return tag("label", label, tag("input", type=kind, name=name, value=value or "", autocomplete="off"))


def _input(data: Data, name: str, label: str) -> Html:
    return _field(name, label, data[name])


def _slots(values: Sequence[Any], most: int) -> list[Any]:
    return [values[place] if place < len(values) else "" for place in range(max(most, len(values)))]


def _emails(data: Data) -> list[Html]:
    slots = _slots([email["address"] for email in data["emailAddresses"]], MOST["emailAddresses"])
    return [_field(f"emailAddresses.{place}", f"Email {place + 1}", value) for place, value in enumerate(slots)]


def _phones(data: Data) -> list[Html]:
    return [
        _field(f"{name}.{place}", f"{label} {place + 1}", value, "tel")
        for name, label in NUMBERS
        for place, value in enumerate(_slots(data[name], MOST[name]))
    ]


def _place(data: Data, name: str) -> list[Html]:
    return [_field(f"{name}.{part}", label, data[name].get(part)) for part, label in PARTS]


def _person(data: Data) -> list[Html]:
    birthday = (data["birthday"] or "")[:10]
    return [
        _field("birthday", "Birthday", birthday, "date"),
        _input(data, "spouseName", "Spouse"),
        *(_area(name, f"{label}, one a line", "\n".join(data[name])) for name, label in LINES),
        _area("personalNotes", "Notes", data["personalNotes"]),
    ]


def _area(name: str, label: str, value: str) -> Html:
    return tag("label", label, tag("textarea", "\n", value, name=name, rows=4), class_="wide")


def _categories(data: Data, known: Sequence[str]) -> Html:
    have = {name.lower() for name in data["categories"]}
    others = [name for name in data["categories"] if name.lower() not in {entry.lower() for entry in known}]
    boxes = [
        tag(
            "label",
            tag("input", type="checkbox", name=f"{CATEGORY}.{name}", checked=name.lower() in have),
            " ",
            name,
            class_="option",
        )
        for name in known
    ]
    rest = tag("div", _field(OTHER_CATEGORIES, "Other categories, separated by commas", ", ".join(others)))
    return tag("fieldset", tag("legend", "Categories"), tag("div", *boxes, class_="choices"), rest)


def answered(sent: Mapping[str, str]) -> Data:
    """The whole contact as the form says it; what is empty is cleared."""
    body: Data = {name: sent.get(name) or None for _, fields in GROUPS for name, _ in fields}
    body |= {name: sent.get(name) or None for name in ("mobilePhone", "spouseName", "birthday")}
    body["personalNotes"] = sent.get("personalNotes", "").replace("\r\n", "\n")
    body["emailAddresses"] = [{"address": address} for address in _filled(sent, "emailAddresses")]
    for name, _ in NUMBERS:
        body[name] = _filled(sent, name)
    for name in ADDRESSES:
        body[name] = {part: value for part in ADDRESS_PARTS if (value := sent.get(f"{name}.{part}", "").strip())}
    for name, _ in LINES:
        body[name] = [line.strip() for line in sent.get(name, "").splitlines() if line.strip()]
    ticked = [key.removeprefix(f"{CATEGORY}.") for key in sent if key.startswith(f"{CATEGORY}.")]
    typed = [name.strip() for name in sent.get(OTHER_CATEGORIES, "").split(",") if name.strip()]
    body["categories"] = list(dict.fromkeys([*ticked, *typed]))
    return body


def changes(data: Data, body: Data) -> Data:
    """Only what a person changed, so that names of email addresses and what others write meanwhile stay."""
    before = {**data, "birthday": (data["birthday"] or "")[:10] or None}
    before["emailAddresses"] = [{"address": email["address"]} for email in data["emailAddresses"]]
    changed = {name: value for name, value in body.items() if value != before[name]}
    if set(changed.get("categories", ())) == set(before["categories"]):
        changed.pop("categories", None)
    return changed


def _filled(sent: Mapping[str, str], name: str) -> list[str]:
    slots = sorted(key for key in sent if key.startswith(f"{name}."))
    return [value for key in slots if (value := sent[key].strip())]


def lines(data: Data) -> list[tuple[str, str]]:
    """What is set, as label and text."""
    found = [(label, data[name]) for _, fields in GROUPS for name, label in fields]
    found += [("Email", ", ".join(email["address"] for email in data["emailAddresses"]))]
    found += [(label, ", ".join(data[name])) for name, label in NUMBERS]
    found += [("Mobile phone", data["mobilePhone"])]
    found += [(label, "\n".join(data[name][part] for part, _ in PARTS if part in data[name])) for name, label in PLACES]
    found += [("Birthday", (data["birthday"] or "")[:10]), ("Spouse", data["spouseName"])]
    found += [(label, "\n".join(data[name])) for name, label in LINES]
    found += [("Categories", ", ".join(data["categories"])), ("Notes", data["personalNotes"])]
    return [(label, value) for label, value in found if value]
