"""What an organisation's objects look like to one user: standard fields, custom ones, and what is hidden
(resources sobjects and describe)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from connectors.salesforce.sandbox import tables

API_VERSION = "67.0"
Data = dict[str, Any]

_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
_CLEAN = ("Matched", "Different", "Acknowledged", "NotFound", "Inactive", "Pending", "SelectMatch", "Skipped")
_RATINGS = ("Hot", "Warm", "Cold")
_TITLES = ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.")
_ACCURACY = (
    *("Address", "NearAddress", "Block", "Street", "ExtendedZip", "Zip", "Neighborhood", "City", "County", "State"),
    "Unknown",
)
_INDUSTRIES = (
    *("Agriculture", "Apparel", "Banking", "Biotechnology", "Chemicals", "Communications", "Construction"),
    *("Consulting", "Education", "Electronics", "Energy", "Engineering", "Entertainment", "Environmental", "Finance"),
    *("Food & Beverage", "Government", "Healthcare", "Hospitality", "Insurance", "Machinery", "Manufacturing"),
    *("Media", "Not For Profit", "Recreation", "Retail", "Shipping", "Technology", "Telecommunications"),
    *("Transportation", "Utilities", "Other"),
)
_KINDS = (
    *("Prospect", "Customer - Direct", "Customer - Channel", "Channel Partner / Reseller", "Installation Partner"),
    *("Technology Partner", "Other"),
)
_CAMPAIGNS = (
    *("Conference", "Webinar", "Trade Show", "Public Relations", "Partners", "Referral Program", "Advertisement"),
    *("Banner Ads", "Direct Mail", "Email", "Telemarketing", "Other"),
)
_LEAD_STATES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
#: The countries and states of an organisation with state and country picklists: code -> name, code -> states.
COUNTRIES = {"BE": "Belgium", "DE": "Germany", "FR": "France", "GB": "United Kingdom", "NL": "Netherlands"}
COUNTRIES |= {"US": "United States", "CA": "Canada"}
STATES = {"US": {"CA": "California", "NY": "New York", "WA": "Washington"}, "CA": {"ON": "Ontario", "QC": "Quebec"}}

PICKLISTS: Mapping[str, tuple[str, ...]] = {
    "Account.Type": _KINDS,
    "Account.Industry": _INDUSTRIES,
    "Lead.Industry": _INDUSTRIES,
    "Account.Ownership": ("Public", "Private", "Subsidiary", "Other"),
    "Account.Rating": _RATINGS,
    "Lead.Rating": _RATINGS,
    "Account.AccountSource": _SOURCES,
    "Contact.LeadSource": _SOURCES,
    "Lead.LeadSource": _SOURCES,
    "Contact.Salutation": _TITLES,
    "Lead.Salutation": _TITLES,
    "Lead.Status": _LEAD_STATES,
    "Campaign.Type": _CAMPAIGNS,
    "Campaign.Status": ("Planned", "In Progress", "Completed", "Aborted"),
    "CampaignMember.Status": ("Sent", "Responded"),
    "Organization.OrganizationType": ("Developer Edition", "Enterprise Edition"),
}
DEFAULTS: Mapping[str, Any] = {
    "Lead.Status": "Open - Not Contacted",
    "Campaign.Type": "Conference",
    "Campaign.Status": "Planned",
    "CampaignMember.Status": "Sent",
}
_SOAP = {"boolean": "xsd:boolean", "int": "xsd:int", "date": "xsd:date", "datetime": "xsd:dateTime", "id": "tns:ID"}
_SOAP |= {"reference": "tns:ID", "address": "urn:address"}
_SOAP |= dict.fromkeys(("double", "currency", "percent"), "xsd:double")
_BASE: Data = {
    "aggregatable": True, "autoNumber": False, "calculated": False, "calculatedFormula": None, "cascadeDelete": False,
    "caseSensitive": False, "compoundFieldName": None, "controllerName": None, "custom": False, "defaultValue": None,
    "defaultValueFormula": None, "dependentPicklist": False, "deprecatedAndHidden": False, "digits": 0,
    "displayLocationInDecimal": False, "encrypted": False, "externalId": False, "extraTypeInfo": None,
    "filterable": True, "filteredLookupInfo": None, "groupable": True, "highScaleNumber": False,
    "htmlFormatted": False, "idLookup": False, "inlineHelpText": None, "mask": None, "maskType": None,
    "namePointing": False, "permissionable": True, "polymorphicForeignKey": False, "precision": 0,
    "queryByDistance": False, "referenceTargetField": None, "relationshipOrder": None, "restrictedDelete": False,
    "scale": 0, "searchPrefilterable": False, "sortable": True, "unique": False, "writeRequiresMasterRead": False,
}  # fmt: skip
OBJECTS: Mapping[str, tuple[str, str, str, str]] = {  # name -> (key prefix, label, plural, table)
    "Account": ("001", "Account", "Accounts", tables.ACCOUNT),
    "Contact": ("003", "Contact", "Contacts", tables.CONTACT),
    "Lead": ("00Q", "Lead", "Leads", tables.LEAD),
    "Campaign": ("701", "Campaign", "Campaigns", tables.CAMPAIGN),
    "CampaignMember": ("00v", "Campaign Member", "Campaign Members", tables.CAMPAIGN_MEMBER),
    "User": ("005", "User", "Users", tables.USER),
    "Organization": ("00D", "Organization", "Organization", tables.ORGANIZATION),
}
PREFIXES = {prefix: name for name, (prefix, *_) in OBJECTS.items()}
CHILDREN: Mapping[str, tuple[tuple[str, str, str, bool], ...]] = {  # name -> (child, field, relationship, cascades)
    "Account": (("Account", "ParentId", "ChildAccounts", False), ("Contact", "AccountId", "Contacts", True)),
    "Contact": (("CampaignMember", "ContactId", "CampaignMembers", True), ("Contact", "ReportsToId", "", False)),
    "Lead": (("CampaignMember", "LeadId", "CampaignMembers", True),),
    "Campaign": (
        ("CampaignMember", "CampaignId", "CampaignMembers", True),
        ("Campaign", "ParentId", "ChildCampaigns", False),
    ),
}
#: Standard fields that an organisation has only after an administrator turned them on.
OPTIONAL = {
    "middle_name": ("MiddleName", "Suffix"),
    "state_country_picklists": (
        *("MailingStateCode", "MailingCountryCode", "OtherStateCode", "OtherCountryCode"),
        *("StateCode", "CountryCode"),
    ),
}


@dataclass(frozen=True, slots=True)
class FieldInfo:
    name: str
    type: str
    length: int
    flags: str
    label: str
    compound: str = ""
    references: tuple[str, ...] = ()
    relationship: str = ""
    picklist: tuple[str, ...] = ()
    default: Any = None
    custom: bool = False
    external_id: bool = False
    unique: bool = False

    @property
    def nillable(self) -> bool:
        return "!" not in self.flags

    @property
    def required(self) -> bool:
        return "c" in self.flags and not self.nillable and "d" not in self.flags

    @property
    def filterable(self) -> bool:
        return not (self.type == "textarea" and self.length > 255)

    def describe(self) -> Data:
        length = self.length
        return {
            **_BASE,
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "length": length,
            "byteLength": length if self.type in ("id", "reference") else length * 3,
            "soapType": _SOAP.get(self.type, "xsd:string"),
            "createable": "c" in self.flags,
            "updateable": "u" in self.flags,
            "nillable": self.nillable,
            "defaultedOnCreate": "d" in self.flags,
            "defaultValue": False if self.type == "boolean" else self.default,
            "restrictedPicklist": "x" in self.flags,
            "nameField": "n" in self.flags,
            "compoundFieldName": self.compound or None,
            "referenceTo": list(self.references),
            "relationshipName": self.relationship or None,
            "filterable": self.filterable,
            "sortable": self.filterable and self.type != "address",
            "groupable": self.filterable and self.type not in ("address", "currency", "datetime", "double", "percent"),
            "aggregatable": self.type not in ("address", "boolean", "textarea"),
            "idLookup": self.external_id or self.type in ("id", "email") or "l" in self.flags,
            "custom": self.custom,
            "externalId": self.external_id,
            "unique": self.unique,
            "picklistValues": [
                {
                    "active": True,
                    "defaultValue": value == self.default,
                    "label": value,
                    "validFor": None,
                    "value": value,
                }
                for value in self.picklist
            ],
        }


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    name: str
    prefix: str
    label: str
    plural: str
    fields: Mapping[str, FieldInfo] = field(repr=False)  # by lower-case name

    def field(self, name: str) -> FieldInfo | None:
        return self.fields.get(name.lower())

    def summary(self, root: str) -> Data:
        data = self.name not in ("User", "Organization")
        url = f"{root}/sobjects/{self.name}"
        return {
            "activateable": False, "createable": data, "custom": False, "customSetting": False, "deletable": data,
            "deprecatedAndHidden": False, "feedEnabled": self.name in ("Account", "Contact", "Lead"),
            "hasSubtypes": False, "isSubtype": False, "keyPrefix": self.prefix, "label": self.label,
            "labelPlural": self.plural, "layoutable": True,
            "mergeable": self.name in ("Account", "Contact", "Lead"), "mruEnabled": True, "name": self.name,
            "queryable": True, "replicateable": True, "retrieveable": True, "searchable": True, "triggerable": True,
            "undeletable": data and self.name != "CampaignMember", "updateable": data,
            "urls": {"sobject": url, "describe": f"{url}/describe", "rowTemplate": f"{url}/{{ID}}"},
        }  # fmt: skip

    def describe(self, root: str) -> Data:
        children: list[Data] = [
            {
                "cascadeDelete": cascades,
                "childSObject": child,
                "deprecatedAndHidden": False,
                "field": name,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": relationship or None,
                "restrictedDelete": False,
            }
            for child, name, relationship, cascades in CHILDREN.get(self.name, ())
        ]
        return {
            **self.summary(root),
            "compactLayoutable": True,
            "searchLayoutable": True,
            "sobjectDescribeOption": "FULL",
            "childRelationships": children,
            "fields": [one.describe() for one in self.fields.values()],
            "namedLayoutInfos": [],
            "networkScopeFieldName": None,
            "recordTypeInfos": [],
            "supportedScopes": [{"label": f"All {self.plural.lower()}", "name": "everything"}],
        }


@cache
def standard(name: str) -> tuple[FieldInfo, ...]:
    found = []
    for line in OBJECTS[name][3].split("\n"):
        if line:
            parts = (line.split("|") + [""] * 3)[:8]
            key = f"{name}.{parts[0]}"
            found.append(
                FieldInfo(
                    parts[0],
                    parts[1],
                    int(parts[2]),
                    parts[3],
                    parts[4],
                    parts[5],
                    tuple(filter(None, parts[6].split(","))),
                    parts[7],
                    _values(key, parts[0]),
                    DEFAULTS.get(key),
                )
            )
    return tuple(found)


def _values(key: str, name: str) -> tuple[str, ...]:
    if name.endswith("GeocodeAccuracy"):
        return _ACCURACY
    if name == "CleanStatus":
        return _CLEAN
    if name.endswith("CountryCode"):
        return tuple(COUNTRIES)
    if name.endswith("StateCode"):
        return tuple(code for states in STATES.values() for code in states)
    return PICKLISTS.get(key, ())


def custom_field(description: Mapping[str, Any]) -> FieldInfo:
    """A field as an administrator makes it: {name, type, label, length, external_id, unique, picklist, required}."""
    flags = "cu" + ("!" if description.get("required") else "") + ("x" if description.get("restricted") else "")
    kind = str(description.get("type", "string"))
    if kind == "boolean":
        flags = "cu!d"
    lengths = {"string": 255, "textarea": 32768, "email": 80, "phone": 40, "url": 255, "picklist": 255}
    return FieldInfo(
        str(description["name"]),
        kind,
        int(description.get("length", lengths.get(kind, 0))),
        "-" if description.get("formula") else flags,
        str(description.get("label") or description["name"]),
        picklist=tuple(description.get("picklist", ())),
        custom=True,
        external_id=bool(description.get("external_id")),
        unique=bool(description.get("unique")),
    )


def object_of(
    name: str, custom: Iterable[Mapping[str, Any]], hidden: Iterable[str], features: Iterable[str]
) -> ObjectInfo:
    """`hidden`: "Contact.DoNotCall", as field-level security hides it; `features`: keys of OPTIONAL that are on."""
    real = next((one for one in OBJECTS if one.lower() == name.lower()), name)
    prefix, label, plural, _ = OBJECTS[real]
    without = {one.lower() for feature, names in OPTIONAL.items() if feature not in features for one in names}
    away = {one.split(".")[1].lower() for one in hidden if one.startswith(f"{real}.")}
    every = [*standard(real), *(custom_field(one) for one in custom if one["object"] == real)]
    fields = {one.name.lower(): one for one in every if one.name.lower() not in without | away}
    return ObjectInfo(real, prefix, label, plural, fields)
