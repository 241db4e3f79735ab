"""Creates, updates, deletes, upserts, merges and conversions of single records, whoever asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.salesforce.sandbox import checks, ids
from connectors.salesforce.sandbox.errors import SalesforceError, is_deleted, not_found
from connectors.salesforce.sandbox.objects import PREFIXES, Data, ObjectInfo
from connectors.salesforce.sandbox.query import ROOT
from connectors.salesforce.sandbox.store import Org, Record, Store


class SeveralFound(Exception):  # noqa: N818 - an answer of the API
    """300: the external id is that of several records."""

    def __init__(self, records: list[Record]) -> None:
        super().__init__("several records have the external id")
        self.urls = [f"{ROOT}/sobjects/{one.object}/{one.id}" for one in records]


@dataclass(frozen=True, slots=True)
class Writes:
    store: Store
    org: Org
    allow_duplicates: bool = False  # Sforce-Duplicate-Rule-Header: allowSave=true

    def info(self, name: str) -> ObjectInfo:
        info = self.org.info(name)
        if info is None:
            raise not_found()
        return info

    def create(self, name: str, body: Mapping[str, Any], *, visible_in: float = 0.0) -> str:
        info = self._writable(name)
        data: Data = {
            one.name: one.default for one in info.fields.values() if one.default is not None and "c" in one.flags
        }
        data |= checks.sent(self.store, self.org, info, body, creating=True)
        for one in info.fields.values():
            if one.name == "OwnerId":
                data.setdefault("OwnerId", self.org.user)
            elif one.type == "boolean" and "c" in one.flags:
                data.setdefault(one.name, False)
        self._member(info, data)
        checks.check(self.store, self.org, info, data)
        self._duplicates(info, data, None)
        return self.store.insert(self.org, info.name, data, visible_in=visible_in)

    def update(self, name: str, id: str, body: Mapping[str, Any]) -> None:
        info = self._writable(name)
        record = self.store.record(self.org, info.name, id)
        if record.id in {ids.long(one) for one in self.org.on("locked")}:
            message = f"unable to obtain exclusive access to this record or 1 records: {record.id}"
            raise SalesforceError(400, "UNABLE_TO_LOCK_ROW", message)
        if record.data.get("IsConverted"):
            raise SalesforceError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        changes = checks.sent(self.store, self.org, info, body, creating=False)
        data = {**record.data, **changes}
        for one in changes:  # of a name and its code, the one that was sent counts
            twin = one.removesuffix("Code") if one.endswith("Code") else f"{one}Code"
            if info.field(twin) and twin not in changes:
                data[twin] = None
        checks.check(self.store, self.org, info, data, record)
        self._duplicates(info, data, record)
        if "Status" in changes and info.name == "CampaignMember":
            self._member(info, data)
        self.store.update(self.org, record, data)

    def delete(self, name: str, id: str) -> None:
        info = self._writable(name)
        self.store.delete(self.org, self.store.record(self.org, info.name, id))

    def delete_any(self, id: str) -> None:
        """By an id alone, as collections do."""
        name = PREFIXES.get(id[:3]) if ids.is_id(id) else None
        if name is None:
            raise SalesforceError(400, "MALFORMED_ID", f"malformed id {id[:18]}")
        if self.store.find(self.org, id) is None:
            raise SalesforceError(404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        self.delete(name, id)

    def by_external_id(self, name: str, field: str, value: str) -> list[Record]:
        info = self.info(name)
        known = info.field(field)
        if known is None or not (known.external_id or known.type == "id"):
            raise not_found(f"Provided external ID field does not exist or is not accessible: {field}")
        if known.type == "id":
            return [self.store.record(self.org, info.name, value)]
        every = self.store.records(self.org, info.name)
        return [one for one in every if str(one.data.get(known.name) or "").casefold() == value.casefold()]

    def upsert(
        self, name: str, field: str, value: str, body: Mapping[str, Any], *, may_create: bool = True
    ) -> tuple[str, bool]:
        """The record's id and whether it is new."""
        found = self.by_external_id(name, field, value)
        if len(found) > 1:
            raise SeveralFound(found)
        if any(key.lower() in (field.lower(), "id") for key in body):
            message = f"The {field} field should not be specified in the sobject data."
            raise SalesforceError(400, "INVALID_FIELD", message)
        if found:
            self.update(name, found[0].id, body)
            return found[0].id, False
        if not may_create:
            raise not_found()
        return self.create(name, {**body, field: value}), True

    def _writable(self, name: str) -> ObjectInfo:
        info = self.info(name)
        if self.org.on("read_only"):
            message = "insufficient access rights on object id"
            raise SalesforceError(403, "INSUFFICIENT_ACCESS_OR_READONLY", message)
        if info.name in ("User", "Organization"):
            raise SalesforceError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted")
        return info

    def _member(self, info: ObjectInfo, data: Data) -> None:
        """A campaign's member is one contact or one lead; an unknown status becomes the default."""
        if info.name != "CampaignMember":
            return
        if bool(data.get("ContactId")) == bool(data.get("LeadId")):
            missing = ["ContactId", "LeadId"]
            raise SalesforceError(400, "REQUIRED_FIELD_MISSING", "You must specify a lead or a contact", missing)
        status = info.field("Status")
        if status and data.get("Status") not in status.picklist:
            data["Status"] = status.default

    def _duplicates(self, info: ObjectInfo, data: Data, record: Record | None) -> None:
        checks.check_duplicates(self.store, self.org, info, data, record, allow_save=self.allow_duplicates)

    # ---- what only the pages of Salesforce and SOAP can do

    def merge(self, winner: str, *losers: str) -> None:
        """The losers go, their campaigns and empty fields of the winner are filled."""
        kept = self.store.find(self.org, winner)
        if kept is None or kept.deleted:
            raise is_deleted()
        for id in losers:
            lost = self.store.record(self.org, kept.object, id)
            name = f"{lost.object}Id"
            members = self.store.records(self.org, "CampaignMember")
            mine = {one.data["CampaignId"] for one in members if one.data.get(name) == kept.id}
            for one in members:
                if one.data.get(name) == lost.id and one.data["CampaignId"] in mine:
                    self.store.delete(self.org, one)
                elif one.data.get(name) == lost.id:
                    self.store.update(self.org, one, {name: kept.id})
                    mine.add(one.data["CampaignId"])
            filled = {key: value for key, value in lost.data.items() if value and not kept.data.get(key)}
            self.store.delete(self.org, lost, master=kept.id)
            self.store.update(self.org, kept, filled)
            kept = self.store.record(self.org, kept.object, kept.id)

    def convert(self, lead: str) -> tuple[str, str]:
        """The ids of the contact and the account that a lead becomes."""
        record = self.store.record(self.org, "Lead", lead)
        accounts = self.store.records(self.org, "Account")
        named = [one.id for one in accounts if one.data.get("Name") == record.data.get("Company")]
        account = named[0] if named else self.create("Account", {"Name": record.data["Company"]})
        info = self.info("Contact")
        shared = {key: value for key, value in record.data.items() if key != "Status" and info.field(key) and value}
        address = ("Street", "City", "State", "PostalCode", "Country")
        shared |= {f"Mailing{part}": record.data[part] for part in address if record.data.get(part)}
        contact = self.store.insert(self.org, "Contact", {**shared, "AccountId": account})
        done = {"IsConverted": True, "Status": "Closed - Converted", "ConvertedContactId": contact}
        self.store.update(self.org, record, {**done, "ConvertedAccountId": account})
        for one in self.store.records(self.org, "CampaignMember"):
            if one.data.get("LeadId") == record.id:
                self.store.update(self.org, one, {"ContactId": contact})
        return contact, account
