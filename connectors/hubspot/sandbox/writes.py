"""Creates, updates, archiving, merges and erasure of single records, whoever asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.hubspot.sandbox import consent, values
from connectors.hubspot.sandbox.definitions import COMPANIES, CONTACTS, NAMES, Property
from connectors.hubspot.sandbox.errors import HubSpotError, by_status, exists, invalid, invalid_values, not_found
from connectors.hubspot.sandbox.links import HUBSPOT, Links
from connectors.hubspot.sandbox.store import ARCHIVED, LIVE, MERGED, Account, News, Record, Store, addresses

MOST_IDENTITIES = 250
_PERSON = "CRM_UI userId:1"


@dataclass(frozen=True, slots=True)
class Writes:
    """`source`: what HubSpot shows as the source of a change. `strict`: as version 2026-09 does, on what admins want.
    `rewrite`: (phones, case), how values are re-formatted."""

    store: Store
    account: Account
    source: str = _PERSON
    strict: bool = False
    rewrite: tuple[str, str] = ("", "")

    @property
    def links(self) -> Links:
        return Links(self.store, self.account, self.source)

    # ---- values

    def _sent(self, type: str, sent: Mapping[str, Any], before: Mapping[str, str]) -> dict[str, str]:
        """The values that are to be kept. Refuses with all problems at once."""
        known, found, problems = self.store.properties(self.account, type), {}, []
        for name, value in sent.items():
            try:
                found[name] = self._value(type, known.get(name.lower()), name, value, before)
            except values.Problem as problem:
                problems.append(problem.details)
        if problems:
            raise invalid_values(self.account.portal, problems)
        return values.rewritten({name.lower(): value for name, value in found.items()}, *self.rewrite)

    def _value(self, type: str, known: Property | None, name: str, value: Any, before: Mapping[str, str]) -> str:
        if known is None:
            raise values.Problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        name, by_person = known.name, self.source.startswith("CRM_UI")
        if known.read_only:
            raise values.Problem(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
        if name in self.account.on("no_edit") and not by_person:
            raise values.Problem(name, "PERMISSION_DENIED", f'No permission to edit the property "{name}".')
        try:
            text = values.text_of(value)
        except ValueError:
            raise invalid(f"Invalid input JSON: the value of {name} is no plain value") from None
        if type == CONTACTS and name == "email":
            found = values.email(known, text)
            if found and found != before.get("email") and consent.is_blocked(self.store, self.account, found):
                raise values.Problem(name, "INVALID_EMAIL", "The email address was deleted for privacy and is blocked.")
        else:
            found = values.stored(known, text, before.get(name, ""))
        if name == "hubspot_owner_id" and found and not self._is_owner(found):
            raise values.Problem(name, "INVALID_OWNER_ID", f"Owner {found} does not exist")
        for rule in self.account.on("validation_rules") if self.strict else ():
            if rule["property"] == name and found and values.breaks_rule(rule, found):
                raise values.Problem(name, "FAILED_PROPERTY_VALIDATION", f"The value breaks the rule {rule['rule']}.")
        return found

    def _is_owner(self, id: str) -> bool:
        sql = "SELECT 1 FROM hubspot_owner WHERE portal = ? AND id = ?"
        return bool(self.store.database.value(sql, (self.account.portal, id)))

    def _check_unique(self, type: str, data: Mapping[str, str], record: Record | None) -> None:
        own = record.id if record else None
        address = data.get("email") if type == CONTACTS else None
        holder = self.store.by_address(self.account, address) if address else None
        if holder is not None and holder != own:
            raise exists(holder)
        for name in self.store.unique_names(self.account.portal, type):
            taken = self.store.by_unique(self.account, type, name, data[name]) if data.get(name) else None
            if taken is not None and taken != own:
                place = f"portalId={self.account.portal}, objectTypeId={type}, propertyName={name}, value={data[name]}"
                message = (
                    f"Cannot set PropertyValueCoordinates{{{place}}} on {own or 'a new record'}. "
                    f"{taken} already has that value."
                )
                problem = {"message": message, "error": "CONFLICTING_UNIQUE_VALUE", "name": name}
                raise invalid_values(self.account.portal, [problem])

    def _derived(self, type: str, data: dict[str, str], sent: Mapping[str, str]) -> None:
        if type == COMPANIES:
            if sent.get("domain"):
                data["domain"] = sent["domain"].strip().lower()
                data.setdefault("website", data["domain"])
            return
        if "email" in sent:
            address = data.get("email", "")
            data["hs_email_domain"] = address.rpartition("@")[2]
            further = [one for one in addresses(data)[1:] if one != address]
            if "hs_additional_emails" in data:
                data["hs_additional_emails"] = ";".join(further)
            data.update(consent.shown(self.store, self.account, address, data))
        for name, shown in (("phone", "phone"), ("mobilephone", "mobile")):
            if name in sent:
                digits = "".join(sign for sign in sent[name] if sign.isdecimal())
                data[f"hs_searchable_calculated_{shown}_number"] = digits

    # ---- records

    def create(self, type: str, sent: Mapping[str, Any], *, settles: bool = True) -> Record:
        found = self._sent(type, sent, {})
        if type == CONTACTS:
            self._check_required(found)
        self._check_unique(type, found, None)
        data = {name: value for name, value in found.items() if value}
        if type == CONTACTS:
            data |= {"hs_is_contact": "true", "hs_is_unworked": "true", "hs_pipeline": "contacts-lifecycle-pipeline"}
            kind = self.source.partition(" ")[0]
            data |= {"hs_object_source": kind, "hs_object_source_label": kind, "hs_object_source_id": self.source}
        self._derived(type, data, found)
        company = data.pop("associatedcompanyid", "") if type == CONTACTS else ""
        seconds = float(self.account.on("settles_after")) if settles else 0.0
        record = self.store.insert(self.account, type, data, self.source, settles=seconds)
        self._tell(record, "creation")
        if found:
            self._tell(record, "propertyChange", {name: value for name, value in found.items() if value})
        self._company_of(record, company)
        return self.store.record(self.account, type, record.id) or record

    def _check_required(self, found: Mapping[str, str]) -> None:
        missing = [name for name in self.account.on("required_on_create") if self.strict and not found.get(name)]
        if missing:
            message = "Error creating CONTACT. Some required properties were not set."
            raise invalid(message, context={"properties": missing})
        if self.account.on("name_or_email_required") and not any(
            found.get(name) for name in ("email", "firstname", "lastname")
        ):
            raise invalid("At least one of email, firstname and lastname must be set.")

    def _company_of(self, record: Record, chosen: str) -> None:
        """Associates the company that a contact names by its id, or the one of its email's domain where that is on."""
        if record.type != CONTACTS:
            return
        if chosen:
            self.name_company(record, chosen)
        elif self.account.on("companies_by_domain") and record.data.get("hs_email_domain"):
            domain = record.data["hs_email_domain"]
            every = self.store.records(self.account, COMPANIES)
            company = next((one for one in every if one.data.get("domain") == domain), None)
            links = Links(self.store, self.account, "AUTO_ASSOCIATE_BY_DOMAIN")
            if company is None:
                company = Writes(self.store, self.account, links.source).create(
                    COMPANIES, {"domain": domain, "name": domain}
                )
            links.add((CONTACTS, COMPANIES), record.id, company.id)

    def name_company(self, record: Record, company: str) -> None:
        """What a value written to `associatedcompanyid` does."""
        ends, present = (CONTACTS, COMPANIES), self.links.primary(record.id)
        if company and self.store.record(self.account, COMPANIES, int(company)):
            self.links.add(ends, record.id, int(company), [(HUBSPOT, 1)])
        elif not company and present is not None:
            self.links.remove(ends, record.id, present)

    def update(self, record: Record, sent: Mapping[str, Any]) -> Record:
        if not sent:
            raise invalid("No properties found to update, please provide at least one.")
        if record.id in map(int, self.account.on("locked")):
            raise by_status(423)
        before = record.data
        found = self._sent(record.type, sent, before)
        if record.type == CONTACTS and "lifecyclestage" in found:
            self._keep_stage(record.type, found, before)
        self._check_unique(record.type, found, record)
        company = found.pop("associatedcompanyid", None) if record.type == CONTACTS else None
        changes = {name: value for name, value in found.items() if value != before.get(name, "")}
        data = {**before, **{name: value for name, value in found.items() if value or name in before}}
        self._derived(record.type, data, changes)
        if data != before:
            record = self.store.update(record, data, self.source)
            self._tell(record, "propertyChange", changes)
        if company is not None:
            self.name_company(record, company)
        return self.store.record(self.account, record.type, record.id) or record

    def _keep_stage(self, type: str, found: dict[str, str], before: Mapping[str, str]) -> None:
        """A stage only goes forward; a value that would take it back is dropped without a word."""
        order = self.store.properties(self.account, type)["lifecyclestage"].values
        new, old = found["lifecyclestage"], before.get("lifecyclestage", "")
        if new in order and old in order and order.index(new) < order.index(old):
            found["lifecyclestage"] = old

    def archive(self, record: Record) -> None:
        self.store.update(record, record.data, self.source, state=ARCHIVED)
        self._leave_lists(record)
        self.links.remove_all(record)
        self._tell(record, "deletion")

    def restore(self, record: Record) -> Record:
        self._check_unique(record.type, record.data, record)
        made = self.store.update(record, record.data, self.source, state=LIVE)
        self._tell(made, "restore")
        return made

    def _leave_lists(self, record: Record) -> None:
        self.store.database.execute(
            "DELETE FROM hubspot_member WHERE portal = ? AND record = ? AND list IN "
            "(SELECT id FROM hubspot_list WHERE portal = ? AND type = ?)",
            (record.portal, record.id, record.portal, record.type),
        )

    # ---- merge and erasure

    def merge(self, type: str, primary: Record, other: Record) -> Record:
        """A new record takes the place of both; the values of the first win."""
        former = [str(primary.id), str(other.id)]
        for record in (primary, other):
            former += [one for one in record.data.get("hs_merged_object_ids", "").split(";") if one]
        if len(former) > MOST_IDENTITIES:
            raise HubSpotError(414, "", f"Cannot have more than {MOST_IDENTITIES} identities on a profile")
        filled = {name: value for name, value in other.data.items() if value and not primary.data.get(name)}
        data = {**primary.data, **filled, "hs_merged_object_ids": ";".join(former)}
        if type == CONTACTS:
            every = list(dict.fromkeys([*addresses(primary.data), *addresses(other.data)]))
            data["hs_additional_emails"] = ";".join(every[1:])
            times = (f"{one.id}:{self.store.now()}" for one in (primary, other))
            data["hs_calculated_merged_vids"] = ";".join(times)
        for record in (primary, other):
            self.store.update(record, record.data, self.source, state=MERGED)
        made = self.store.insert(self.account, type, data, self.source, settles=float(self.account.on("settles_after")))
        for record in (primary, other):
            self._take_over(record, made)
        self.links.show_primary(made.id)
        more = {
            "primaryObjectId": primary.id,
            "mergedObjectIds": [other.id],
            "newObjectId": made.id,
            "numberOfPropertiesMoved": len(filled),
        }
        self._tell(made, "merge", more=more)
        return self.store.record(self.account, type, made.id) or made

    def _take_over(self, old: Record, new: Record) -> None:
        """Associations, lists and the id itself lead on to the new record."""
        links = self.links
        for to_type in (CONTACTS, COMPANIES):
            for other, kinds in links.of(old.type, old.id, to_type).items():
                if other != new.id:
                    first = links.primary(new.id) if new.type == CONTACTS else None
                    kept = {kind for kind in kinds if kind != (HUBSPOT, 1) or first is None}
                    links.add((old.type, to_type), new.id, other, kept, quiet=True)
        links.remove_all(old, quiet=True)
        self.store.database.execute(
            "UPDATE OR IGNORE hubspot_member SET record = ? WHERE portal = ? AND record = ? AND list IN "
            "(SELECT id FROM hubspot_list WHERE portal = ? AND type = ?)",
            (new.id, old.portal, old.id, old.portal, old.type),
        )
        self._leave_lists(old)
        self.store.database.execute(
            "INSERT OR REPLACE INTO hubspot_alias VALUES (?, ?, ?, ?)", (old.portal, old.type, old.id, new.id)
        )

    def forget(self, record: Record) -> None:
        """For good, as a person's right to be forgotten asks."""
        self._leave_lists(record)
        self.links.remove_all(record)
        self.store.erase(record)
        self._tell(record, "privacyDeletion")
        self._tell(record, "deletion")

    def _tell(
        self,
        record: Record,
        kind: str,
        changes: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        now = self.store.now()
        news = News(self.account, record.type, record.id, kind, self.source, now, changes or {}, more or {})
        self.store.tell(news)


def named(store: Store, account: Account, type: str, id: str, *, follow: bool = True) -> Record:
    """The live record of an id. Raises 404. `follow`: the id of a merged record leads to the one that took over."""
    number = int(id) if id.isdecimal() and len(id) < 19 else -1
    record = store.record(account, type, store.successor(account, type, number) if follow else number)
    if record is None:
        raise not_found()
    return record


def label(type: str) -> str:
    return NAMES[type][0].upper()
