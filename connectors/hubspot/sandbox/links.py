"""Associations between records, kept in both directions, with the primary company that a contact can have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from connectors.hubspot.sandbox.definitions import COMPANIES, CONTACTS, NAMES
from connectors.hubspot.sandbox.store import Account, News, Record, Store

HUBSPOT, USER = "HUBSPOT_DEFINED", "USER_DEFINED"
#: The kind of an association without a label, by the types at its ends.
PLAIN = {(CONTACTS, COMPANIES): 279, (COMPANIES, CONTACTS): 280, (CONTACTS, CONTACTS): 449, (COMPANIES, COMPANIES): 450}
PRIMARY = {(CONTACTS, COMPANIES): 1, (COMPANIES, CONTACTS): 2}
INVERSE = {279: 280, 280: 279, 1: 2, 2: 1, 449: 449, 450: 450}


@dataclass(frozen=True, slots=True)
class Links:
    store: Store
    account: Account
    source: str = "CRM_UI userId:1"

    def kinds(self, type: str, to_type: str) -> list[dict[str, Any]]:
        """The kinds that there are between two types, as the API lists them."""
        ends = (type, to_type)
        found = [{"category": HUBSPOT, "typeId": PLAIN[ends], "label": None}] if ends in PLAIN else []
        if ends in PRIMARY:
            found.append({"category": HUBSPOT, "typeId": PRIMARY[ends], "label": "Primary"})
        rows = self.store.database.all(
            "SELECT * FROM hubspot_label WHERE portal = ? AND type = ? AND to_type = ? ORDER BY kind",
            (self.account.portal, *ends),
        )
        return [*found, *({"category": USER, "typeId": row["kind"], "label": row["label"]} for row in rows)]

    def inverse(self, kind: int) -> int:
        found = self.store.database.value(
            "SELECT inverse FROM hubspot_label WHERE portal = ? AND kind = ?", (self.account.portal, kind)
        )
        return int(INVERSE.get(kind, kind) if found is None else found)

    def of(self, type: str, id: int, to_type: str) -> dict[int, set[tuple[str, int]]]:
        """By the id at the other end, the kinds (category, number) of the association."""
        found: dict[int, set[tuple[str, int]]] = {}
        for row in self.store.database.all(
            "SELECT to_id, category, kind FROM hubspot_link WHERE portal = ? AND type = ? AND id = ? AND to_type = ? "
            "ORDER BY to_id",
            (self.account.portal, type, id, to_type),
        ):
            found.setdefault(row["to_id"], set()).add((row["category"], row["kind"]))
        return found

    def primary(self, contact: int) -> int | None:
        found = self.of(CONTACTS, contact, COMPANIES)
        return next((id for id, kinds in found.items() if (HUBSPOT, 1) in kinds), None)

    def add(
        self, ends: tuple[str, str], id: int, to_id: int, kinds: Iterable[tuple[str, int]] = (), *, quiet: bool = False
    ) -> None:
        """An association of any kind has the plain kind as well. `quiet`: nobody is told, as within a merge."""
        wanted = {(HUBSPOT, PLAIN[ends]), *kinds}
        flipped = ends == (COMPANIES, CONTACTS)
        contact, company = (to_id, id) if flipped else (id, to_id)
        if ends in PRIMARY:
            present = self.primary(contact)
            if present is None:
                wanted.add((HUBSPOT, PRIMARY[ends]))
            elif present != company and (HUBSPOT, PRIMARY[ends]) in wanted:
                self._drop((CONTACTS, COMPANIES), contact, present, (HUBSPOT, 1), quiet=quiet)
        before = self.of(ends[0], id, ends[1]).get(to_id, set())
        for kind in sorted(wanted - before):
            self._put(ends, id, to_id, kind, quiet=quiet)
        if ends in PRIMARY and not quiet:
            self.show_primary(contact)

    def remove(
        self, ends: tuple[str, str], id: int, to_id: int, kinds: Iterable[tuple[str, int]] | None = None
    ) -> None:
        """Without `kinds` the association as a whole."""
        present = self.of(ends[0], id, ends[1]).get(to_id, set())
        for kind in sorted(present if kinds is None else present & set(kinds)):
            self._drop(ends, id, to_id, kind)
        if ends in PRIMARY:
            self.show_primary(to_id if ends == (COMPANIES, CONTACTS) else id)

    def remove_all(self, record: Record, *, quiet: bool = False) -> None:
        for to_type in (CONTACTS, COMPANIES):
            ends = (record.type, to_type)
            for other, kinds in self.of(record.type, record.id, to_type).items():
                for kind in sorted(kinds):
                    self._drop(ends, record.id, other, kind, quiet=quiet)
                if ends == (COMPANIES, CONTACTS):
                    self.show_primary(other)

    def show_primary(self, contact: int) -> None:
        """Lets the contact's property name its primary company."""
        record = self.store.record(self.account, CONTACTS, contact)
        company = self.primary(contact)
        value = "" if company is None else str(company)
        if record is None or (record.data.get("associatedcompanyid") or "") == value:
            return
        made = self.store.update(record, {**record.data, "associatedcompanyid": value}, self.source)
        changes = {"associatedcompanyid": value}
        self.store.tell(News(self.account, CONTACTS, contact, "propertyChange", self.source, made.updated, changes))

    def _put(self, ends: tuple[str, str], id: int, to_id: int, kind: tuple[str, int], *, quiet: bool) -> None:
        portal = self.account.portal
        sql = "INSERT OR IGNORE INTO hubspot_link VALUES (?, ?, ?, ?, ?, ?, ?)"
        self.store.database.execute(sql, (portal, ends[0], id, ends[1], to_id, *kind))
        back = (kind[0], self.inverse(kind[1]))
        self.store.database.execute(sql, (portal, ends[1], to_id, ends[0], id, *back))
        if not quiet:
            self._tell(ends, id, to_id, kind, removed=False)

    def _drop(self, ends: tuple[str, str], id: int, to_id: int, kind: tuple[str, int], *, quiet: bool = False) -> None:
        sql = (
            "DELETE FROM hubspot_link WHERE portal = ? AND type = ? AND id = ? AND to_type = ? AND to_id = ? "
            "AND category = ? AND kind = ?"
        )
        portal = self.account.portal
        self.store.database.execute(sql, (portal, ends[0], id, ends[1], to_id, *kind))
        back = (kind[0], self.inverse(kind[1]))
        self.store.database.execute(sql, (portal, ends[1], to_id, ends[0], id, *back))
        if not quiet:
            self._tell(ends, id, to_id, kind, removed=True)

    def _tell(self, ends: tuple[str, str], id: int, to_id: int, kind: tuple[str, int], *, removed: bool) -> None:
        """Both directions arrive."""
        now = self.store.now()
        back = (kind[0], self.inverse(kind[1]))
        for types, one, other, known in ((ends, id, to_id, kind), (ends[::-1], to_id, id, back)):
            names = [NAMES[type][0].upper() for type in types]
            more = {
                "associationType": f"{names[0]}_TO_{names[1]}",
                "associationTypeId": known[1],
                "associationCategory": known[0],
                "fromObjectId": one,
                "toObjectId": other,
                "fromObjectTypeId": types[0],
                "toObjectTypeId": types[1],
                "associationRemoved": removed,
                "isPrimaryAssociation": known in ((HUBSPOT, 1), (HUBSPOT, 2)),
            }
            self.store.tell(News(self.account, types[0], one, "associationChange", self.source, now, {}, more))
