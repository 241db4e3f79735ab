"""The fields of contacts or leads, as describe shows them to this user, and their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from connectors.base import Field, FieldType, Value, Values

PLACEHOLDER: Final = "[not provided]"  # what Salesforce's own syncs put where it needs a value and there is none
COMPANY: Final = "Account.Name"
OWNER: Final = "OwnerId"

_NAMES: Final = {
    "FirstName": "name.given",
    "LastName": "name.family",
    "MiddleName": "name.middle",
    "Salutation": "name.prefix",
    "Suffix": "name.suffix",
    "Name": "name.full",
    "Email": "email",
    "Phone": "phone.work",
    "MobilePhone": "phone.mobile",
    "HomePhone": "phone.home",
    "OtherPhone": "phone.other",
    "Fax": "phone.fax",
    "AssistantPhone": "phone.assistant",
    "AssistantName": "relation.assistant",
    "Title": "org.title",
    "Department": "org.department",
    "Company": "org.name",
    "Website": "url",
    "Birthdate": "birthday",
    "Description": "note",
    OWNER: "owner",
    "HasOptedOutOfEmail": "opt_out.email",
    "HasOptedOutOfFax": "opt_out.fax",
    "DoNotCall": "opt_out.phone",
}
_PARTS: Final = {
    "Street": "street",
    "City": "city",
    "State": "region",
    "PostalCode": "postal_code",
    "Country": "country",
}
MEANINGS: Final[Mapping[str, str]] = {
    **_NAMES,
    **{
        f"{prefix}{name}": f"address.{place}.{part}"
        for prefix, place in (("", "work"), ("Mailing", "work"), ("Other", "other"))
        for name, part in _PARTS.items()
    },
}
OPT_OUTS: Final = frozenset({"HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall"})
_FILLED: Final = {"Contact": ("LastName",), "Lead": ("LastName", "Company")}
_TYPES: Final = {
    "string": FieldType.TEXT,
    "textarea": FieldType.MULTILINE,
    "email": FieldType.EMAIL,
    "phone": FieldType.PHONE,
    "url": FieldType.URL,
    "boolean": FieldType.BOOLEAN,
    "int": FieldType.NUMBER,
    "double": FieldType.NUMBER,
    "currency": FieldType.NUMBER,
    "percent": FieldType.NUMBER,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "picklist": FieldType.OPTION,
    "multipicklist": FieldType.OPTIONS,
    "combobox": FieldType.TEXT,
}
_NOT_CONTENT: Final = frozenset(
    {
        *("Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp", "LastActivityDate", "LastViewedDate"),
        *("LastReferencedDate", "LastCURequestDate", "LastCUUpdateDate", "PhotoUrl", "Jigsaw", "JigsawContactId"),
        *("CleanStatus", "IsUnreadByOwner", "IsConverted", "ConvertedDate", "IsPriorityRecord", "ActivityMetricId"),
    }
)
_CODES: Final = ("Latitude", "Longitude", "GeocodeAccuracy", "StateCode", "CountryCode")
_COMPUTED: Final = "Salesforce works this value out by itself."
_LOCKED: Final = "This user may not change this field, or Salesforce fills it by itself."


class Refusal(Exception):
    """A value that Salesforce cannot hold. `reason` is a sentence for people without the value itself."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One object as one user sees it. `names`: every field that a query may name."""

    object: str
    fields: Mapping[str, Field]
    names: frozenset[str]
    has_members: bool
    marks: bool  # the field for marks is there, writable and unique

    @classmethod
    def of(cls, described: Mapping[str, Any], mark: str) -> Catalogue:
        raw = [one for one in described.get("fields") or [] if isinstance(one, dict) and one.get("name")]
        fields = {one["name"]: field for one in raw if one["name"] != mark and (field := _field(one))}
        account = next((one for one in raw if one["name"] == "AccountId"), None)
        if account is not None:
            fields[COMPANY] = _company(account)
        object = str(described.get("name"))
        children = described.get("childRelationships") or []
        marks = next((one for one in raw if one["name"] == mark), {})
        return cls(
            object,
            {key: replace(field, required=False) if key in _FILLED[object] else field for key, field in fields.items()},
            frozenset(one["name"] for one in raw),
            any(
                one.get("childSObject") == "CampaignMember" and one.get("relationshipName") == "CampaignMembers"
                for one in children
            ),
            bool(mark and marks.get("createable") and marks.get("unique") and int(marks.get("length") or 0) >= 36),
        )

    # ---- reading

    def selected(self, keys: Iterable[str]) -> list[str]:
        """What a query names so that the keys can be shown."""
        always = ("Id", "IsDeleted", "MasterRecordId", "SystemModstamp", "LastModifiedDate")
        of_leads = ("IsConverted", "ConvertedContactId")
        found = [name for name in (*always, *of_leads) if name in self.names]
        found += ["AccountId"] if COMPANY in self.fields else []
        return list(dict.fromkeys([*found, *(key for key in keys if key in self.fields)]))

    def values_of(self, row: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Value]:
        """Raises ValueError, naming the field, where its shape is unknown."""
        found: dict[str, Value] = {}
        for key in keys:
            field = self.fields.get(key)
            if field is None:
                continue
            value = _shown(field, (row.get("Account") or {}).get("Name") if key == COMPANY else row.get(key))
            if key in _FILLED[self.object] and value == PLACEHOLDER:
                value = None
            if key == "Name" and isinstance(value, str):
                value = value.replace(PLACEHOLDER, "").strip()
            if value is not None and value != "" and value != []:
                found[key] = value
        return found

    # ---- writing

    def body_of(self, values: Values, shown: Values, *, creating: bool) -> dict[str, Any]:
        """What to send for a patch, but for the company of a contact. `shown`: what the record holds now."""
        body: dict[str, Any] = {}
        for key, value in values.items():
            field = self.fields.get(key)
            if key == COMPANY:
                continue
            if field is None or field.read_only:
                raise Refusal(key, "Salesforce does not let this user write this field.")
            if key in OPT_OUTS and not value and shown.get(key):
                raise Refusal(key, "Who has opted out stays opted out; only a person takes that back, in Salesforce.")
            if key == OWNER and value is None and not creating:
                raise Refusal(key, "In Salesforce every record has an owner; choose another one instead of none.")
            if not creating or value is not None:
                body[key] = _sent(field, value)
        for key in _FILLED[self.object]:
            if (creating or key in body) and not body.get(key):
                body[key] = PLACEHOLDER
        return body


def _field(raw: Mapping[str, Any]) -> Field | None:
    name = str(raw["name"])
    kind = FieldType.OPTION if name == OWNER else _TYPES.get(str(raw.get("type")))
    if kind is None or name in _NOT_CONTENT or name.endswith(_CODES) and not raw.get("custom"):
        return None
    writable = bool(raw.get("createable") and raw.get("updateable"))
    options: tuple[tuple[str, str], ...] = ()
    if kind in (FieldType.OPTION, FieldType.OPTIONS):
        chosen = [one for one in raw.get("picklistValues") or [] if isinstance(one, dict) and one.get("active")]
        options = tuple((str(one.get("value")), str(one.get("label") or one.get("value"))) for one in chosen)
    if name == "Salutation" and not raw.get("restrictedPicklist"):
        kind, options = FieldType.TEXT, ()
    needed = not raw.get("nillable") and not raw.get("defaultedOnCreate") and bool(raw.get("createable"))
    return Field(
        name,
        str(raw.get("label") or name),
        kind,
        MEANINGS.get(name, "") if not raw.get("custom") else "",
        read_only=not writable,
        required=needed and kind is not FieldType.BOOLEAN,
        max_length=int(raw.get("length") or 0) or None,
        options=options,  # of owners: asked for apart, by `Owners`
        needs_year=kind is FieldType.DATE,
        custom=bool(raw.get("custom")),
        reason="" if writable else _COMPUTED if raw.get("calculated") or name == "Name" else _LOCKED,
    )


def _company(account: Mapping[str, Any]) -> Field:
    writable = bool(account.get("createable") and account.get("updateable"))
    return Field(
        COMPANY,
        "Account (company)",
        FieldType.TEXT,
        "org.name",
        read_only=not writable,
        max_length=255,
        reason="" if writable else _LOCKED,
    )


def _shown(field: Field, raw: Any) -> Value:
    if raw is None:
        return None
    if field.type is FieldType.BOOLEAN and isinstance(raw, bool):
        return raw
    if field.type is FieldType.NUMBER and isinstance(raw, int | float) and not isinstance(raw, bool):
        return raw
    if field.type in (FieldType.BOOLEAN, FieldType.NUMBER) or not isinstance(raw, str):
        raise ValueError(f"{field.key} has an unknown shape")
    if field.type is FieldType.OPTIONS:
        return sorted(one for one in raw.split(";") if one)
    if field.type is FieldType.DATETIME:
        return datetime.fromtimestamp(seconds_of(raw), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if field.type is FieldType.DATE:
        return date.fromisoformat(raw[:10]).isoformat()
    text = raw.replace("\r\n", "\n")
    return text if text.strip() else None


def _sent(field: Field, value: Value) -> Any:
    if field.type is FieldType.BOOLEAN:
        return bool(value)  # never null there
    if value is None:
        return None
    if field.type is FieldType.NUMBER:
        return value
    if field.type is FieldType.OPTIONS:
        return ";".join(value) or None
    if not isinstance(value, str):
        raise Refusal(field.key, "This value is no text.")
    if field.type is FieldType.DATE:
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise Refusal(field.key, "Salesforce keeps only whole dates, with day, month and year.") from None
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refusal(field.key, "This text holds half a character, which Salesforce does not take.") from None
    if field.max_length and len(value) > field.max_length:
        raise Refusal(field.key, f"{field.label} is longer than Salesforce takes ({field.max_length} characters).")
    return value


def seconds_of(text: Any) -> float:
    """A date-time as Salesforce writes it. Raises ValueError for another form."""
    found = datetime.fromisoformat(str(text))
    if found.tzinfo is None:
        raise ValueError("a time without a zone")
    return found.timestamp()


def moment(seconds: float) -> str:
    """A date-time as SOQL takes it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
