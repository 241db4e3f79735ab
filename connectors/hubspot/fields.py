"""The fields of contacts, as the property definitions of an account show them, and their values.

Every value travels as text, whatever its type; "" and null both mean that there is none
(developers.hubspot.com, Properties API).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from connectors.base import Field, FieldType, Value

MARK: Final = "pairwise_mark"
OWNER: Final = "hubspot_owner_id"
OPT_OUT: Final = "hs_email_optout"
STAGE: Final = "lifecyclestage"
EMAIL: Final = "email"
FURTHER_EMAILS: Final = "hs_additional_emails"
COMPANY_ID: Final = "associatedcompanyid"
COMPANY: Final = "company."  # begins the keys of fields that the company of a contact has
LONGEST: Final = 65_536

MEANINGS: Final[Mapping[str, str]] = {
    "firstname": "name.given",
    "lastname": "name.family",
    "salutation": "name.prefix",
    EMAIL: "email",
    "phone": "phone.work",
    "mobilephone": "phone.mobile",
    "fax": "phone.fax",
    "company": "org.name",
    "jobtitle": "org.title",
    "job_function": "org.role",
    "website": "url",
    "address": "address.work.street",
    "city": "address.work.city",
    "state": "address.work.region",
    "zip": "address.work.postal_code",
    "country": "address.work.country",
    OPT_OUT: "opt_out.email",
    OWNER: "owner",
}
# Beside these, fields are read only where something needs them: most of HubSpot's own count visits and mailings.
_ORDINARY: Final = frozenset({*MEANINGS, FURTHER_EMAILS, STAGE, "hs_lead_status", "hs_language", "message"})
_PLACES: Final = {name: place for place, name in enumerate(MEANINGS)}
_KINDS: Final = {
    EMAIL: FieldType.EMAIL,
    FURTHER_EMAILS: FieldType.EMAIL,
    "phone": FieldType.PHONE,
    "mobilephone": FieldType.PHONE,
    "fax": FieldType.PHONE,
    "website": FieldType.URL,
}
_TYPES: Final = {
    "string": FieldType.TEXT,
    "phone_number": FieldType.PHONE,
    "number": FieldType.NUMBER,
    "bool": FieldType.BOOLEAN,
    "enumeration": FieldType.OPTION,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
}
_LOOKS: Final = {"textarea": FieldType.MULTILINE, "html": FieldType.MULTILINE, "phonenumber": FieldType.PHONE}
_NOT_CONTENT: Final = frozenset(
    {
        *("hs_object_id", "lastmodifieddate", "hs_lastmodifieddate", "hs_createdate", "hs_all_contact_vids"),
        *("hs_is_contact", "hs_is_unworked", "hs_pipeline", "hs_email_domain", "hs_merged_object_ids", MARK),
        *("hs_calculated_merged_vids", "hs_user_ids_of_all_owners", "hs_updated_by_user_id", COMPANY_ID),
        *("hs_object_source", "hs_object_source_id", "hs_object_source_label", "hs_object_source_user_id"),
        *("hs_object_source_detail_1", "hs_object_source_detail_2", "hs_object_source_detail_3"),
    }
)
_COMPUTED: Final = "HubSpot works this value out by itself."
_ADDED_THERE: Final = "Further addresses are added and taken away in HubSpot alone."
_OF_COMPANY: Final = "It belongs to the company of the contact."
_NO_PREFERENCES: Final = "Connect the account again with the permission to change communication preferences."
COMPANY_FIELDS: Final[tuple[Field, ...]] = tuple(
    Field(f"{COMPANY}{name}", f"Company: {label}", kind, read_only=True, custom=True, reason=_OF_COMPANY)
    for name, label, kind in (
        ("name", "name", FieldType.TEXT),
        ("domain", "domain", FieldType.TEXT),
        ("industry", "industry", FieldType.TEXT),
        ("annualrevenue", "annual revenue", FieldType.NUMBER),
        ("numberofemployees", "number of employees", FieldType.NUMBER),
    )
)


class Refusal(Exception):
    """A value that HubSpot cannot hold. `reason` is a sentence for people without the value itself."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`owned`: keys whose values are owners; `marks`: the field for marks is there and unique."""

    fields: Mapping[str, Field]
    owned: frozenset[str]
    marks: bool

    @classmethod
    def of(
        cls, definitions: Iterable[Mapping[str, Any]], *, companies: bool = True, preferences: bool = True
    ) -> Catalogue:
        """`companies`, `preferences`: whether the account may read the ones and change the others."""
        live = [one for one in definitions if one.get("name") and not one.get("archived")]
        live.sort(key=lambda one: _PLACES.get(one["name"], len(_PLACES)))
        found = {field.key: field for one in live if (field := _field(one, preferences))}
        if companies and any(one["name"] == COMPANY_ID for one in live):
            found.update((field.key, field) for field in COMPANY_FIELDS)
        owned = frozenset(one["name"] for one in live if _is_owner(one) and one["name"] in found)
        marks = any(one["name"] == MARK and one.get("hasUniqueValue") for one in live)
        return cls(found, owned, marks)

    def values_of(
        self, properties: Mapping[str, Any], keys: Iterable[str], owners: Mapping[str, str], company: Mapping[str, Any]
    ) -> dict[str, Value]:
        """`owners`: what is shown for an owner's id; `company`: properties of the contact's company. Raises ValueError,
        beginning with the key, where a shape is unknown."""
        found: dict[str, Value] = {}
        for key in keys:
            field = self.fields.get(key)
            if field is None:
                continue
            raw = company.get(key.removeprefix(COMPANY)) if key.startswith(COMPANY) else properties.get(key)
            if raw is None or raw == "":
                continue
            value = owners.get(str(raw), str(raw)) if key in self.owned else _shown(field, raw)
            if value is not None and value != [] and value != "":
                found[key] = value
        return found

    def properties_of(self, values: Mapping[str, Value], owners: Mapping[str, str], creating: bool) -> dict[str, str]:
        """What to send for a patch, but for the opt-out. `owners`: ids by what is shown for them. Raises Refusal."""
        found: dict[str, str] = {}
        for key, value in values.items():
            field = self.fields.get(key)
            if key == OPT_OUT:
                continue
            if field is None or field.read_only:
                raise Refusal(key, "HubSpot does not let this field be written.")
            if value is None:
                if not creating:
                    found[key] = ""
            elif key in self.owned:
                found[key] = _owner(field, value, owners)
            else:
                found[key] = _sent(field, value)
        return found

    def goes_back(self, key: str, shown: Value, wanted: Value) -> bool:
        """Whether HubSpot would leave the field as it is, without a word."""
        field = self.fields.get(key)
        if field is None or not field.forward_only or not shown or not wanted:
            return False
        order = {option: place for place, (option, _) in enumerate(field.options)}
        return shown in order and wanted in order and order[wanted] < order[shown]


def _is_owner(raw: Mapping[str, Any]) -> bool:
    return raw["name"] == OWNER or (raw.get("referencedObjectType") == "OWNER" and raw.get("fieldType") != "checkbox")


def _field(raw: Mapping[str, Any], preferences: bool) -> Field | None:
    name = str(raw["name"])
    hidden = raw.get("hidden") and name != FURTHER_EMAILS
    if hidden or name in _NOT_CONTENT or str(raw.get("type")) not in _TYPES:
        return None
    kind = _kind(raw)
    options = _options(raw) if kind in (FieldType.OPTION, FieldType.OPTIONS) else ()
    meaning = MEANINGS.get(name, "")
    reason = _reason(raw, preferences)
    return Field(
        name,
        str(raw.get("label") or name) if name != FURTHER_EMAILS else "Further email addresses",
        kind,
        meaning,
        read_only=bool(reason),
        max_length=LONGEST if kind in (FieldType.TEXT, FieldType.MULTILINE) else None,
        options=options,
        multiple=None if name == FURTHER_EMAILS else 1,
        needs_year=kind is FieldType.DATE,
        custom=name not in _ORDINARY,
        forward_only=name == STAGE,
        reason=reason,
    )


def _kind(raw: Mapping[str, Any]) -> FieldType:
    name, look = str(raw["name"]), str(raw.get("fieldType"))
    if name in _KINDS:
        return _KINDS[name]
    kind = _TYPES[str(raw["type"])]
    if kind is FieldType.TEXT:
        return _LOOKS.get(look, kind)
    if kind is FieldType.OPTION and look == "checkbox":
        return FieldType.OPTIONS
    if kind is FieldType.OPTION and not raw.get("options") and not _is_owner(raw):
        return FieldType.TEXT  # its options lie elsewhere
    return kind


def _options(raw: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    listed = [one for one in raw.get("options") or [] if isinstance(one, dict) and one.get("value") is not None]
    shown = sorted((one for one in listed if not one.get("hidden")), key=lambda one: int(one.get("displayOrder") or 0))
    return tuple((str(one["value"]), str(one.get("label") or one["value"])) for one in shown if str(one["value"]))


def _reason(raw: Mapping[str, Any], preferences: bool) -> str:
    """Why the field cannot be written; empty where it can."""
    if raw["name"] == OPT_OUT:
        return "" if preferences else _NO_PREFERENCES
    if raw["name"] == FURTHER_EMAILS:
        return _ADDED_THERE
    rules = raw.get("modificationMetadata")
    locked = isinstance(rules, dict) and rules.get("readOnlyValue")
    worked_out = raw.get("calculated") or str(raw.get("fieldType")).startswith("calculation")
    return _COMPUTED if locked or worked_out or raw["type"] == "phone_number" else ""


# ---- values


def _shown(field: Field, raw: Any) -> Value:
    text = str(raw).lower() if isinstance(raw, bool) else str(raw)
    if field.type is FieldType.BOOLEAN:
        if text not in ("true", "false"):
            raise ValueError(f"{field.key} has an unknown shape")
        return text == "true"
    if field.type is FieldType.NUMBER:
        return _number(field, text)
    if field.is_list:
        return [{"value": part.strip()} for part in text.split(";") if part.strip()]
    if field.type is FieldType.OPTIONS:
        return sorted({part for part in text.split(";") if part})
    if field.type is FieldType.DATE:
        return _moment(field, text).date().isoformat()
    if field.type is FieldType.DATETIME:
        moment = _moment(field, text).isoformat(timespec="milliseconds")
        return moment.replace(".000", "").replace("+00:00", "Z")
    text = text.replace("\r\n", "\n")
    return text if text.strip() else None


def _number(field: Field, text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        found = float(text)
    except ValueError:
        raise ValueError(f"{field.key} has an unknown shape") from None
    if found != found or found in (float("inf"), float("-inf")):
        raise ValueError(f"{field.key} has an unknown shape")
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def _moment(field: Field, text: str) -> datetime:
    """ISO 8601, or milliseconds since 1970."""
    try:
        if text.lstrip("-").isdecimal() and "-" not in text[1:]:
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{field.key} has an unknown shape") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _owner(field: Field, value: Value, owners: Mapping[str, str]) -> str:
    id = owners.get(str(value).strip().lower())
    if id is None and str(value).isdecimal() and str(value) in owners.values():
        id = str(value)
    if id is None:
        raise Refusal(field.key, "No user of the HubSpot account has this email address, so none can be the owner.")
    return id


def _sent(field: Field, value: Value) -> str:
    if field.type is FieldType.BOOLEAN:
        return "true" if value else "false"
    if field.type is FieldType.NUMBER:
        return f"{value:.10f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    if field.type is FieldType.OPTIONS:
        return ";".join(value)
    if not isinstance(value, str):
        raise Refusal(field.key, "This value is no text.")
    if field.type is FieldType.DATE:
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise Refusal(field.key, "HubSpot keeps only whole dates, with day, month and year.") from None
    if field.type is FieldType.DATETIME:
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refusal(field.key, "This text holds half a character, which HubSpot does not take.") from None
    if field.type is FieldType.EMAIL:
        return value.strip().lower()
    if field.max_length and len(value) > field.max_length:
        raise Refusal(field.key, f"{field.label} is longer than HubSpot takes ({field.max_length} characters).")
    return value


def seconds_of(text: Any) -> float:
    """A date-time as HubSpot writes it; 0 where there is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0


def millis_of(text: Any) -> int:
    return round(seconds_of(text) * 1000)
