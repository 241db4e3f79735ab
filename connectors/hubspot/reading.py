"""Contacts as records: by id, by mark. Everything is read from HubSpot's database, never from its search index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from connectors.base import Departure, DepartureKind, FolderGone, Record
from connectors.hubspot.api import Api, Row
from connectors.hubspot.fields import COMPANY, COMPANY_ID, FURTHER_EMAILS, MARK, millis_of, seconds_of
from connectors.hubspot.lists import Lists
from connectors.hubspot.portal import Portal

CONTACTS: Final = "contacts"
MOST_LISTED: Final = 400  # characters of ids in a version
_WHAT: Final = "contacts"
_ALWAYS: Final = ("createdate", "lastmodifieddate", "hs_merged_object_ids", FURTHER_EMAILS, MARK)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one folder. `fields`: the keys that records show; `list_id`: of the list that the folder is, empty for all
    contacts; `watched`: the lists that records carry as labels."""

    portal: Portal
    fields: Sequence[str]
    list_id: str = ""
    watched: frozenset[str] = frozenset()

    @property
    def api(self) -> Api:
        return self.portal.api

    @property
    def lists(self) -> Lists:
        return Lists(self.api)

    @property
    def carried(self) -> frozenset[str]:
        """The lists whose members are told apart here."""
        return self.watched | {self.list_id} if self.list_id else self.watched

    @property
    def names(self) -> list[str]:
        """The properties to ask for."""
        of_company = any(key.startswith(COMPANY) for key in self.fields)
        own = [key for key in self.fields if not key.startswith(COMPANY)]
        return list(dict.fromkeys([*_ALWAYS, *([COMPANY_ID] if of_company else []), *own]))

    # ---- rows

    def fetch(self, ids: Iterable[str], **more: Any) -> dict[str, Row]:
        """Those that are there, by id."""
        wanted = [id for id in ids if _is_id(id) or "idProperty" in more]
        return {str(row.get("id")): row for row in self.api.batch("contacts", wanted, self.names, _WHAT, **more)}

    def records(
        self,
        rows: Sequence[Row],
        labels: Mapping[str, frozenset[str]],
        companies: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> list[Record]:
        """One look at owners and one at companies serve all of them. `companies`: where they were looked at before."""
        catalogue = self.portal.catalogue(self.fields)
        properties = [row.get("properties") or {} for row in rows]
        owned = [key for key in self.fields if key in catalogue.owned]
        owners = self.portal.owners_of(str(one[key]) for one in properties for key in owned if one.get(key))
        if companies is None:
            companies = self.companies_of(rows)
        found = []
        for row, held in zip(rows, properties, strict=True):
            id = str(row.get("id"))
            company = companies.get(str(held.get(COMPANY_ID)), {})
            found.append(self._record(id, held, owners, company, labels.get(id, frozenset())))
        return found

    def companies_of(self, rows: Iterable[Row]) -> dict[str, Mapping[str, Any]]:
        shown = [key for key in self.fields if key in self.portal.catalogue(self.fields).fields]
        return self.portal.companies_of([row.get("properties") or {} for row in rows], shown)

    def _record(
        self, id: str, held: Row, owners: Mapping[str, str], company: Mapping[str, Any], labels: frozenset[str]
    ) -> Record:
        modified = seconds_of(held.get("lastmodifieddate")) or None
        try:
            values = self.portal.catalogue().values_of(held, self.fields, owners, company)
        except ValueError as error:
            name = str(error).split(" ", 1)[0]
            problem = f"HubSpot shows this contact in a form that cannot be read ({name})."
            return Record(id, _joined(_digest(dict(held)), labels), {}, labels, problem=problem)
        version = _joined(_digest(values), labels)
        order = millis_of(held.get("lastmodifieddate")) or None
        return Record(id, version, values, labels, "", str(held.get(MARK) or ""), order, modified)

    # ---- by id

    def read(self, ids: Sequence[str]) -> dict[str, Record | Departure]:
        rows = self.fetch(ids)
        labels = self.lists.of(list(rows), self.carried)
        found: dict[str, Record | Departure] = {one.id: one for one in self.records(list(rows.values()), labels)}
        if self.list_id:
            out = [id for id in found if self.list_id not in labels[id]]
            found.update((id, Departure(id, DepartureKind.LEFT)) for id in out)
        missing = [id for id in ids if id not in found]
        return {id: found[id] for id in ids if id in found} | self.departed(missing)

    def departed(self, ids: Sequence[str]) -> dict[str, Record | Departure]:
        """Why contacts are not there: in the recycle bin, merged into another one, or untold."""
        told: dict[str, Record | Departure] = {id: Departure(id, DepartureKind.UNKNOWN) for id in ids}
        asked = [id for id in ids if _is_id(id)]
        binned = self.api.batch("contacts", asked, ["hs_object_id"], _WHAT, archived=True) if asked else []
        deleted = {str(row.get("id")) for row in binned}
        for id in asked:
            if id in deleted:
                told[id] = Departure(id, DepartureKind.DELETED)
            elif successor := self._successor(id):
                told[id] = Departure(id, DepartureKind.LEFT, successor)
        return told

    def _successor(self, id: str) -> str:
        """Asked for alone, a former id leads to the contact that the merge made."""
        try:
            row = self.api.get(self.api.at.objects("contacts", f"/{id}"), _WHAT, properties="hs_object_id")
        except FolderGone:
            return ""
        now = str(row.get("id") or "") if isinstance(row, dict) else ""
        return now if now != id else ""

    # ---- by mark

    def find(self, markers: Sequence[str]) -> dict[str, Record]:
        if not markers or not self.portal.keeps_marks or not self.portal.catalogue().marks:
            return {}
        rows = list(self.fetch(markers, idProperty=MARK).values())
        labels = self.lists.of([str(row.get("id")) for row in rows], self.carried)
        here = [row for row in rows if not self.list_id or self.list_id in labels[str(row.get("id"))]]
        found = {record.marker: record for record in self.records(here, labels)}
        return {marker: found[marker] for marker in markers if marker in found}


def merged_into(row: Row) -> list[str]:
    """The ids under which the contact was known before it was merged."""
    text = str((row.get("properties") or {}).get("hs_merged_object_ids") or "")
    return [id for id in (part.strip() for part in text.split(";")) if id and id != str(row.get("id"))]


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.blake2b(orjson.dumps(values, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()


def _joined(digest: str, labels: Iterable[str]) -> str:
    """HubSpot moves its stamp without a change and names no version, so the content as it was read is the version; the
    lists stand beside it, because a look at the content does not show them. Where they are too many to stand there,
    something does that differs where they do."""
    listed = ",".join(sorted(labels))
    if len(listed) > MOST_LISTED:
        listed = f"*{hashlib.blake2b(listed.encode(), digest_size=12).hexdigest()}"
    return f"{digest}:{listed}"


def content_of(version: str) -> str:
    return version.partition(":")[0]


def labels_of(version: str) -> frozenset[str] | None:
    """None where the version does not tell."""
    listed = version.partition(":")[2]
    return None if listed.startswith("*") else frozenset(part for part in listed.split(",") if part)


def _is_id(id: str) -> bool:
    return id.isascii() and id.isdecimal() and len(id) <= 19
