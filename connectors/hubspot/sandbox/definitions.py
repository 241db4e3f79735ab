"""Definitions of properties: those of every account, and how the API shows them (CRM API, Properties)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from connectors.hubspot.sandbox.tables import COMPANY, CONTACT, OPTIONS, STAGES

CONTACTS, COMPANIES = "0-1", "0-2"
TYPES: Mapping[str, str] = {"contact": CONTACTS, "company": COMPANIES, CONTACTS: CONTACTS, COMPANIES: COMPANIES}
NAMES: Mapping[str, tuple[str, str]] = {CONTACTS: ("contact", "contacts"), COMPANIES: ("company", "companies")}
STAMPS: Mapping[str, str] = {CONTACTS: "lastmodifieddate", COMPANIES: "hs_lastmodifieddate"}
DEFAULTS: Mapping[str, tuple[str, ...]] = {
    CONTACTS: ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    COMPANIES: ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
}
GROUPS: Mapping[str, Mapping[str, str]] = {
    CONTACTS: {
        "contactinformation": "Contact Information",
        "contact_activity": "Contact activity",
        "emailinformation": "Email Information",
        "sales_properties": "Sales Properties",
        "deal_information": "Deal Information",
        "socialmediainformation": "Social Media Information",
        "conversioninformation": "Conversion Information",
        "analyticsinformation": "Web Analytics History",
        "facebook_ads_properties": "Facebook Ads Properties",
    },
    COMPANIES: {"companyinformation": "Company Information"},
}
_DEFINED_AT = "2020-01-01T00:00:00.000Z"
_REFERENCES = {"associatedcompanyid": "COMPANY", "hubspot_owner_id": "OWNER"}
_BOOLEAN = (("true", "True"), ("false", "False"))


@dataclass(frozen=True, slots=True)
class Property:
    """`options`: (value, label) pairs. `flags`: see `tables`; b stands for one of HubSpot's own."""

    name: str
    label: str
    type: str
    field_type: str
    group: str
    flags: str = ""
    options: tuple[tuple[str, str], ...] = ()
    description: str = ""
    order: int = -1
    created: str = _DEFINED_AT
    updated: str = _DEFINED_AT
    archived: str = ""  # when it was

    @property
    def read_only(self) -> bool:
        return "R" in self.flags or "C" in self.flags or self.field_type.startswith("calculation")

    @property
    def unique(self) -> bool:
        return "u" in self.flags

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(value for value, _ in self.options)

    @property
    def several(self) -> bool:
        """Whether it holds several options at a time."""
        return self.type == "enumeration" and self.field_type == "checkbox"

    def as_json(self) -> dict[str, Any]:
        flags = self.flags
        modification = {"archivable": "a" in flags, "readOnlyDefinition": "d" in flags, "readOnlyValue": "R" in flags}
        if self.type == "enumeration":
            modification["readOnlyOptions"] = "o" in flags or "e" in flags
        found: dict[str, Any] = {
            "updatedAt": self.updated,
            "createdAt": self.created,
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [
                {"label": label, "value": value, "description": "", "displayOrder": place, "hidden": False}
                for place, (value, label) in enumerate(self.options)
            ],
            "displayOrder": self.order,
            "calculated": "C" in flags,
            "externalOptions": "e" in flags,
            "archived": bool(self.archived),
            "hasUniqueValue": self.unique,
            "hidden": "h" in flags,
            "hubspotDefined": "b" in flags,
            "modificationMetadata": modification,
            "formField": "f" in flags,
            "dataSensitivity": "non_sensitive",
        }
        if self.name in _REFERENCES and "b" in flags:
            found["referencedObjectType"] = _REFERENCES[self.name]
        if self.archived:
            found["archivedAt"] = self.archived
        return found


@cache
def standard(type: str) -> Mapping[str, Property]:
    """The properties of every account, by name."""
    found = {one.name: one for one in _read(CONTACT if type == CONTACTS else COMPANY)}
    if type == CONTACTS:
        found |= {one.name: one for one in _of_stages()}
    return dict(sorted(found.items()))


def custom(name: str, body: Mapping[str, Any], now: str) -> Property:
    """The property that a body of the API describes."""
    flags = "a" + "".join(
        flag
        for flag, key in (("h", "hidden"), ("f", "formField"), ("u", "hasUniqueValue"), ("e", "externalOptions"))
        if body.get(key)
    )
    options = _BOOLEAN if body["type"] == "bool" else _options(body.get("options"))
    return Property(
        name,
        str(body["label"]),
        body["type"],
        body["fieldType"],
        body["groupName"],
        flags + ("R" if body["fieldType"] == "calculation_equation" else ""),
        options,
        str(body.get("description") or ""),
        order_of(body),
        now,
        now,
    )


def changed(before: Property, body: Mapping[str, Any], now: str) -> Property:
    """What a PATCH makes of a property."""
    flags = before.flags
    for flag, key in (("h", "hidden"), ("f", "formField")):
        if key in body:
            flags = flags.replace(flag, "") + (flag if body[key] else "")
    return replace(
        before,
        label=str(body.get("label", before.label)),
        type=body.get("type", before.type),
        field_type=body.get("fieldType", before.field_type),
        group=body.get("groupName", before.group),
        options=_options(body["options"]) if "options" in body else before.options,
        description=str(body.get("description", before.description)),
        order=int(body.get("displayOrder", before.order)),
        flags=flags,
        updated=now,
    )


def order_of(body: Mapping[str, Any]) -> int:
    """The place that a body gives, -1 (at the end) where it gives none."""
    place = body.get("displayOrder")
    return -1 if place is None else int(place)


def _options(listed: Any) -> tuple[tuple[str, str], ...]:
    ranked = sorted(listed or (), key=lambda one: int(one.get("displayOrder") or 0))
    return tuple((str(one["value"]), str(one["label"])) for one in ranked)


@cache
def _standard_options() -> Mapping[str, tuple[tuple[str, str], ...]]:
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    name = ""
    for line in OPTIONS.strip().splitlines():
        if line.startswith("  "):
            pairs = (one.partition("=") for one in line.strip().split("|"))
            found[name] = (*found.get(name, ()), *((value, label if sign else value) for value, sign, label in pairs))
        else:
            name = line
    return found


def _read(table: str) -> list[Property]:
    found: list[Property] = []
    kind = ["", "", "", ""]
    for line in table.strip().splitlines():
        if not line.startswith("  "):
            kind = line.split()
            continue
        for entry in line.strip().split("|"):
            name, _, label = entry.partition("=")
            options = _standard_options().get(name, _BOOLEAN if "boolean" in kind[1] or kind[0] == "bool" else ())
            found.append(Property(name, label, kind[0], kind[1], kind[2], kind[3].strip("-") + "b", options))
    return found


def _of_stages() -> list[Property]:
    group, pipeline = "contactinformation", "(Lifecycle Stage Pipeline)"
    found = []
    for stage, label in STAGES.items():
        article = "an" if label[0] in "AEIO" else "a"
        words = {"other": "Became an Other Lifecycle Date"}.get(stage, f"Became {article} {label} Date")
        read = "calculation_read_time"
        found += [
            Property(f"hs_lifecyclestage_{stage}_date", words, "datetime", "date", group, "Rdab"),
            Property(
                f"hs_date_entered_{stage}", f"Date entered '{label} {pipeline}'", "datetime", read, group, "Rhdab"
            ),
            Property(f"hs_date_exited_{stage}", f"Date exited '{label} {pipeline}'", "datetime", read, group, "Rhdab"),
            Property(f"hs_time_in_{stage}", f"Time in '{label} {pipeline}'", "number", read, group, "Rhdab"),
        ]
    for stage in ("lead", "marketingqualifiedlead", "opportunity", "salesqualifiedlead", "subscriber"):
        name, words = f"hs_time_to_move_from_{stage}_to_customer", STAGES[stage].lower()
        label = f"Time to move from {words} to customer"
        found.append(Property(name, label, "number", "calculation_equation", group, "ab"))
    return found
