"""The contact resource of Graph v1.0: its properties, what the service refuses and what it makes of a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from connectors.outlook.sandbox.errors import GraphError, bad_request, by_status, unreadable

Data = dict[str, Any]

NAME_PARTS = ("givenName", "middleName", "surname")
STRINGS = (
    *("displayName", "fileAs", "givenName", "initials", "middleName", "nickName", "surname", "title"),
    *("yomiGivenName", "yomiSurname", "yomiCompanyName", "generation", "jobTitle", "companyName", "department"),
    *("officeLocation", "profession", "businessHomePage", "assistantName", "manager", "mobilePhone", "spouseName"),
    "personalNotes",
)
LISTS = ("categories", "imAddresses", "businessPhones", "homePhones", "children")
ADDRESSES = ("businessAddress", "homeAddress", "otherAddress")
ADDRESS_PARTS = ("street", "city", "state", "countryOrRegion", "postalCode")
EMAIL_ECHOES = ("primaryEmailAddress", "secondaryEmailAddress", "tertiaryEmailAddress")
SERVER_SET = ("id", "changeKey", "createdDateTime", "lastModifiedDateTime")
NAVIGATION = ("extensions", "singleValueExtendedProperties", "multiValueExtendedProperties", "photo")
PROPERTIES = frozenset(
    {*STRINGS, *LISTS, *ADDRESSES, *EMAIL_ECHOES, *SERVER_SET, "emailAddresses", "birthday", "parentFolderId"}
)
MOST: Mapping[str, int] = {"emailAddresses": 3, "businessPhones": 2, "homePhones": 2}

EMPTY: Data = {
    "categories": [],
    "birthday": None,
    **dict.fromkeys(STRINGS),
    "personalNotes": "",
    "imAddresses": [],
    "homePhones": [],
    "businessPhones": [],
    "children": [],
    "emailAddresses": [],
    "homeAddress": {},
    "otherAddress": {},
    "businessAddress": {},
}


def created(body: Mapping[str, Any], longest: int = 0) -> Data:
    """A new contact from the body of a POST. `longest`: refuse longer strings (0: no limit; none is documented)."""
    for name in ADDRESSES:
        if name in body and body[name] is None:  # reported against the service: a null address on create breaks it
            raise by_status(500)
    return _applied(EMPTY, body, longest, is_new=True)


def patched(data: Data, body: Mapping[str, Any], longest: int = 0) -> Data:
    """A contact after a PATCH: what the body leaves out stays, a collection or an address is replaced whole."""
    if any(name in body for name in SERVER_SET):
        raise unreadable()
    return _applied(data, body, longest, is_new=False)


def _applied(data: Data, body: Mapping[str, Any], longest: int, *, is_new: bool) -> Data:
    result = dict(data)
    automatic = file_as(data) if data.get("fileAs") == file_as(data) or is_new else None
    for name, value in body.items():
        if "@" in name or name in NAVIGATION or name in SERVER_SET or name == "parentFolderId":
            continue
        if name not in PROPERTIES:
            raise GraphError(
                400,
                "RequestBodyRead",
                f"The property '{name}' does not exist on type 'microsoft.graph.contact'. Make sure to only use "
                "property names that are defined by the type or mark the type as open type.",
            )
        if name not in EMAIL_ECHOES:
            result[name] = _value(name, value, longest)
    if any(part in body for part in NAME_PARTS) and "displayName" not in body:
        result["displayName"] = full_name(result) or result["displayName"]
    if "fileAs" not in body and (is_new or automatic is not None):
        result["fileAs"] = file_as(result)
    return result


def _value(name: str, value: Any, longest: int) -> Any:
    if name in STRINGS:
        return _string(name, value, longest) or ("" if name == "personalNotes" else None)
    if name in LISTS:
        return [text for item in _list(name, value) if (text := _string(name, item, longest))]
    if name in ADDRESSES:
        return _address(name, value, longest)
    if name == "birthday":
        return _birthday(value)
    return _emails(value, longest)


def _string(name: str, value: Any, longest: int) -> str | None:
    if value is not None and not isinstance(value, str):
        raise GraphError(
            400,
            "RequestBodyRead",
            f"Cannot convert the value of property '{name}' to the expected type 'Edm.String'.",
        )
    if value and longest and len(value) > longest:
        raise invalid_property(f"The length of the property {_upper(name)} exceeds the max allowed value of {longest}.")
    return value


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise GraphError(400, "RequestBodyRead", f"A collection is expected for the property '{name}'.")
    if len(value) > MOST.get(name, len(value)):
        raise invalid_property(
            f"The multi value property {_upper(name)} has {len(value)} entries, that exceeds the max allowed value of "
            f"{MOST[name]}."
        )
    return value


def invalid_property(message: str) -> GraphError:
    return bad_request(message, "ErrorInvalidProperty")


def _upper(name: str) -> str:
    return name[0].upper() + name[1:]


def _address(name: str, value: Any, longest: int) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or any(part not in ADDRESS_PARTS for part in value if "@" not in part):
        raise GraphError(400, "RequestBodyRead", f"The property '{name}' is no 'microsoft.graph.physicalAddress'.")
    parts = {part: _string(part, value.get(part), longest) for part in ADDRESS_PARTS}
    return {part: text for part, text in parts.items() if text}


def _emails(value: Any, longest: int) -> list[dict[str, str]]:
    emails = []
    for item in _list("emailAddresses", value):
        if not isinstance(item, dict) or any(key not in ("name", "address") for key in item if "@" not in key):
            raise GraphError(400, "RequestBodyRead", "An entry of 'emailAddresses' is no emailAddress.")
        address = _string("address", item.get("address"), longest) or ""
        if address and not address.endswith(","):  # reported: such an address is taken and never seen again
            emails.append({"name": _string("name", item.get("name"), longest) or address, "address": address})
    return emails


def _birthday(value: Any) -> str | None:
    """Exchange keeps the day at 11:59 UTC, whatever time of day was sent."""
    if value is None:
        return None
    day = re.match(r"(\d{4}-\d{2}-\d{2})(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?$", value) if isinstance(value, str) else None
    try:
        if day is None:
            raise ValueError(value)
        return f"{date.fromisoformat(day[1]).isoformat()}T11:59:00Z"
    except ValueError:
        raise GraphError(
            400, "RequestBodyRead", "Cannot convert a value to the expected type 'Edm.DateTimeOffset'."
        ) from None


def full_name(data: Mapping[str, Any]) -> str | None:
    return " ".join(data[part] for part in NAME_PARTS if data.get(part)) or None


def file_as(data: Mapping[str, Any]) -> str | None:
    given = " ".join(data[part] for part in ("givenName", "middleName") if data.get(part))
    names = ", ".join(part for part in (data.get("surname"), given) if part)
    return names or data.get("companyName") or data.get("displayName") or None


def rewritten(data: Data, phones: str, case: str) -> Data:
    """The same contact as a service would show it that re-formats what it stores."""
    result = dict(data)
    for name in ("businessPhones", "homePhones"):
        result[name] = [_phone(number, phones) for number in result[name]]
    if result["mobilePhone"]:
        result["mobilePhone"] = _phone(result["mobilePhone"], phones)
    if case:
        for name in ("givenName", "surname", "companyName"):
            if result[name]:
                result[name] = result[name].upper() if case == "upper" else result[name].lower()
    return result


def _phone(number: str, form: str) -> str:
    digits = re.sub(r"\D", "", number)
    if not form or not digits:
        return number
    plus = "+" if number.lstrip().startswith("+") else ""
    if form in ("e164", "digits"):
        return (plus if form == "e164" else "") + digits
    groups = [digits[max(0, end - 3) : end] for end in range(len(digits), 0, -3)][::-1]
    return plus + (" " if form == "national" else ".").join(groups)
