"""What a write must fulfil: known and writable fields, types, lengths, picklists, unique values, the organisation's own
rules. The texts name fields by their labels, as the service does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.salesforce.sandbox import ids
from connectors.salesforce.sandbox.errors import SalesforceError, no_such_column
from connectors.salesforce.sandbox.objects import COUNTRIES, STATES, Data, FieldInfo, ObjectInfo
from connectors.salesforce.sandbox.query import attributes
from connectors.salesforce.sandbox.soql import seconds_of
from connectors.salesforce.sandbox.store import Org, Record, Store, moment

_EMAIL = re.compile(r"[^\s@,;<>()]+@[^\s@,;<>()]+\.[^\s@,;<>().]+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TEXTS = ("string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "combobox")


def sent(store: Store, org: Org, info: ObjectInfo, body: Mapping[str, Any], *, creating: bool) -> Data:
    """The body's values as they are stored. Raises for the first that cannot be."""
    found: Data = {}
    for name, value in body.items():
        if name == "attributes":
            continue
        known = info.field(name)
        if known is None:
            if isinstance(value, Mapping) and (reference := _reference(info, name)):
                found[reference.name] = _by_external_id(store, org, reference, value)
                continue
            raise no_such_column(name, info.name)
        if ("c" if creating else "u") not in known.flags:
            verb = "create" if creating else "update"
            message = (
                f"Unable to {verb} fields: {known.name}. Please check the security settings of this field and verify "
            )
            message += "that it is read/write for your profile or permission set."
            raise SalesforceError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, [known.name])
        found[known.name] = _value(store, org, known, value)
    return found


def _reference(info: ObjectInfo, name: str) -> FieldInfo | None:
    return next((one for one in info.fields.values() if one.relationship.lower() == name.lower()), None)


def _by_external_id(store: Store, org: Org, reference: FieldInfo, value: Mapping[str, Any]) -> str:
    there = org.info(reference.references[0])
    names = [name for name in value if name != "attributes"]
    known = there.field(names[0]) if there and len(names) == 1 else None
    if there is None or known is None or not known.external_id:
        raise SalesforceError(400, "INVALID_FIELD", f"{names} not specified as an external ID")
    matching = [one for one in store.records(org, there.name) if _same(one.data.get(known.name), value[names[0]])]
    if len(matching) != 1:
        message = f"Foreign key external ID: {value[names[0]]} not found for field {known.name} in entity {there.name}"
        raise SalesforceError(400, "INVALID_FIELD", message)
    return matching[0].id


def _value(store: Store, org: Org, known: FieldInfo, value: Any) -> Any:
    if known.type == "boolean":
        if not isinstance(value, bool):
            raise _wrong_type(known, value)
        return value
    if value is None:
        return None
    if known.type in _TEXTS:
        return _text(known, value)
    if known.type in ("int", "double", "currency", "percent"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong_type(known, value)
        return value
    if known.type == "date":
        if not isinstance(value, str) or not _DATE.fullmatch(value[:10]):
            raise _wrong_type(known, value)
        return value[:10]
    if known.type == "datetime":
        try:
            return moment(seconds_of(str(value)))
        except ValueError:
            raise _wrong_type(known, value) from None
    if known.type == "reference":
        return _existing(store, org, known, value)
    return value


def _wrong_type(known: FieldInfo, value: Any) -> SalesforceError:
    kinds = ((bool, f"VALUE_{str(value).upper()}"), (str, "VALUE_STRING"), (int | float, "VALUE_NUMBER"))
    kind = next((name for one, name in kinds if isinstance(value, one)), "VALUE_NULL")
    message = f"Cannot deserialize instance of {known.type} from {kind} value {value} or request may be missing a "
    return SalesforceError(400, "JSON_PARSER_ERROR", message + "required field at [line:1, column:2]")


def _text(known: FieldInfo, value: Any) -> str | None:
    if not isinstance(value, str):
        raise SalesforceError(
            400,
            "JSON_PARSER_ERROR",
            f"Cannot deserialize instance of {known.type} from value {value} at [line:1, column:2]",
        )
    value = value.strip() or None
    if value is None:
        return None
    if known.length and len(value) > known.length:
        message = f"{known.label}: data value too large: {value} (max length={known.length})"
        raise SalesforceError(400, "STRING_TOO_LONG", message, [known.name])
    if known.type == "email" and not _EMAIL.fullmatch(value):
        message = f"{known.label}: invalid email address: {value}"
        raise SalesforceError(400, "INVALID_EMAIL_ADDRESS", message, [known.name])
    parts = value.split(";") if known.type == "multipicklist" else [value]
    if "x" in known.flags and not set(parts) <= set(known.picklist):
        message = f"{known.label}: bad value for restricted picklist field: {value}"
        raise SalesforceError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [known.name])
    return str(value)


def _existing(store: Store, org: Org, known: FieldInfo, value: Any) -> str:
    if not ids.is_id(value):
        message = f"{known.label}: id value of incorrect type: {value}"
        raise SalesforceError(400, "MALFORMED_ID", message, [known.name])
    there = store.find(org, value)
    if there is None or there.object not in known.references or there.deleted:
        raise SalesforceError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [known.name])
    return there.id


# ---- the record as a whole


def check(store: Store, org: Org, info: ObjectInfo, data: Data, record: Record | None = None) -> None:
    """`data`: all that the record will hold. `record`: the one that is changed; None for a new one."""
    missing = [one.name for one in info.fields.values() if one.required and data.get(one.name) is None]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise SalesforceError(400, "REQUIRED_FIELD_MISSING", message, missing)
    if org.on("state_country_picklists"):
        _places(info, data)
    for rule in org.on("validation_rules"):
        value = data.get(rule["field"])
        if rule["object"] == info.name and (value == rule.get("forbidden", "") or (rule.get("required") and not value)):
            fields = [] if rule.get("at_top") else [rule["field"]]
            raise SalesforceError(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", rule["message"], fields)
    _unique(store, org, info, data, record)


def _unique(store: Store, org: Org, info: ObjectInfo, data: Data, record: Record | None) -> None:
    unique = [one for one in info.fields.values() if one.unique and data.get(one.name) is not None]
    if info.name == "CampaignMember" and record is None:
        pair = [data.get(name) for name in ("CampaignId", "ContactId", "LeadId")]
        for other in store.records(org, info.name):
            if [other.data.get(name) for name in ("CampaignId", "ContactId", "LeadId")] == pair:
                raise SalesforceError(400, "DUPLICATE_VALUE", "Already a campaign member.")
    for other in store.records(org, info.name) if unique else ():
        for one in unique:
            if other.id != (record.id if record else "") and _same(other.data.get(one.name), data[one.name]):
                message = f"duplicate value found: {one.name} duplicates value on record with id: {other.id[:15]}"
                raise SalesforceError(400, "DUPLICATE_VALUE", message, [one.name])


def _same(one: Any, other: Any) -> bool:
    return str(one).casefold() == str(other).casefold()


def _places(info: ObjectInfo, data: Data) -> None:
    """State and country picklists: a name or its code, each of which fills the other."""
    for prefix in [one.removesuffix("CountryCode") for one in _names(info) if one.endswith("CountryCode")]:
        country = _coded(data, f"{prefix}Country", COUNTRIES, "country/territory")
        _coded(data, f"{prefix}State", STATES.get(country, {}), "state")


def _names(info: ObjectInfo) -> list[str]:
    return [one.name for one in info.fields.values()]


def _coded(data: Data, name: str, known: Mapping[str, str], what: str) -> str:
    code, text = str(data.get(f"{name}Code") or ""), str(data.get(name) or "")
    if not code and not text:
        return ""
    if code not in known or (text and known[code] != text):
        folded = text.casefold()
        code = next((key for key, value in known.items() if folded in (value.casefold(), key.casefold())), "")
    if not code:
        message = f"There's a problem with this {what}, even though it may appear correct. Please choose a {what} "
        message += f"out of the list of valid ones.: {name}"
        raise SalesforceError(400, "FIELD_INTEGRITY_EXCEPTION", message, [name])
    data[name], data[f"{name}Code"] = known[code], code
    return code


def check_duplicates(
    store: Store, org: Org, info: ObjectInfo, data: Data, record: Record | None, *, allow_save: bool
) -> None:
    """The duplicate rule of the organisation: the same email among contacts, or among leads."""
    mode = org.on("duplicate_rule")
    if info.name not in ("Contact", "Lead") or not mode or not data.get("Email") or (allow_save and mode == "alert"):
        return
    mine = record.id if record else ""
    found = [
        one for one in store.records(org, info.name) if one.id != mine and _same(one.data.get("Email"), data["Email"])
    ]
    if not found:
        return
    matches = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": attributes(info.name, one.id), "Id": one.id},
        }
        for one in found
    ]
    result = {
        "allowSave": mode == "alert",
        "duplicateRule": f"Standard_{info.name}_Duplicate_Rule",
        "duplicateRuleEntityType": info.name,
        "errorMessage": "Use one of these records?",
        "matchResults": [
            {
                "entityType": info.name,
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "matchRecords": matches,
                "rule": f"Standard_{info.name}_Match_Rule_v1_1",
                "size": len(matches),
                "success": True,
            }
        ],
    }
    raise SalesforceError(400, "DUPLICATES_DETECTED", "Use one of these records?", duplicateResut=result)
