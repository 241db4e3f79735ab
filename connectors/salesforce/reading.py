"""Contacts or leads as records: by id, by mark, by what was sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import orjson

from connectors.base import Departure, DepartureKind, FolderGone, Latest, Record, Unsupported
from connectors.salesforce.api import Api, FieldHidden, Row, listed, portions
from connectors.salesforce.fields import Catalogue, seconds_of

T = TypeVar("T")
FOLDERS: Final[Mapping[str, str]] = {"Contact": "Contacts", "Lead": "Leads"}
_ID: Final = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_MARK_FIELD: Final = re.compile(r"[A-Za-z]\w*__c")


@dataclass(slots=True)
class Source:
    """One object of the organisation; described once, and again when a field was hidden meanwhile."""

    api: Api
    object: str
    _catalogue: Catalogue | None = field(default=None)

    @property
    def mark(self) -> str:
        """The name of the field for marks; empty where the account names none."""
        name = self.api.option("marker_field")
        if name and not _MARK_FIELD.fullmatch(name):
            raise Unsupported("The field for marks needs its API name, which ends in __c. Correct it in the account.")
        return name

    @property
    def what(self) -> str:
        return FOLDERS[self.object].lower()

    def catalogue(self) -> Catalogue:
        if self._catalogue is None:
            described = self.api.get(f"/sobjects/{self.object}/describe", self.what)
            if not isinstance(described, dict) or not described.get("queryable", True):
                raise FolderGone(f"This user may not read {self.what} in Salesforce.")
            self._catalogue = Catalogue.of(described, self.mark)
        return self._catalogue

    def check_mark(self) -> None:
        if self.mark and not self.catalogue().marks:
            raise Unsupported(
                f"{self.mark} is not a field on {self.what} that Pairwise can keep marks in. Make it a text field of "
                "36 characters or more, External ID and unique, and let this user see and edit it."
            )

    def steady(self, ask: Callable[[Catalogue], T]) -> T:
        """Asks again, without them, when fields were hidden since the object was described."""
        try:
            return ask(self.catalogue())
        except FieldHidden:
            self._catalogue = None
            return ask(self.catalogue())


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one folder. `fields`: the keys that records show."""

    source: Source
    fields: Sequence[str]

    @property
    def api(self) -> Api:
        return self.source.api

    # ---- rows

    def rows(
        self, where: str, order: str = "", limit: int = 0, everything: bool = False, more: Sequence[str] = ()
    ) -> list[Row]:
        """`more`: fields beside those that records need."""

        def ask(catalogue: Catalogue) -> list[Row]:
            soql = f"{self.select(catalogue, more)} WHERE {where}"
            soql += f" ORDER BY {order}" if order else ""
            soql += f" LIMIT {limit}" if limit else ""
            return list(self.api.query(soql, self.source.what, everything))

        return self.source.steady(ask)

    @property
    def present_only(self) -> str:
        """The condition by which a listing leaves out who went on in another folder."""
        return "IsConverted = false" if "IsConverted" in self.source.catalogue().names else ""

    def latest(self, most: int) -> Latest:
        where = f" WHERE {self.present_only}" if self.present_only else ""
        table = f"FROM {self.source.object}{where}"
        count = self.api.count(f"SELECT COUNT() {table}", self.source.what)
        newest = f"SELECT Id {table} ORDER BY LastModifiedDate DESC, Id DESC LIMIT {most}"  # noqa: S608 names of our own
        return Latest(count, [str(row["Id"]) for row in self.api.query(newest, self.source.what)])

    def select(self, catalogue: Catalogue, more: Sequence[str] = ()) -> str:
        names = list(dict.fromkeys([*catalogue.selected(self.fields), *more]))
        if self.source.mark and self.source.mark in catalogue.names:
            names.append(self.source.mark)
        if catalogue.has_members:
            names.append("(SELECT CampaignId FROM CampaignMembers WHERE IsDeleted = false)")
        return f"SELECT {', '.join(names)} FROM {self.source.object}"  # noqa: S608 names that describe gave

    def among(self, name: str, values: Iterable[str], everything: bool = True) -> Iterator[Row]:
        """The rows whose field has one of the values, in the order of their ids."""
        wanted = list(dict.fromkeys(values))
        start = f"{self.select(self.source.catalogue())} WHERE {name} IN () ORDER BY Id" if wanted else ""
        for portion in portions(start, wanted):
            yield from self.rows(f"{name} IN {listed(portion)}", "Id", everything=everything)

    # ---- by id

    def read(self, ids: Sequence[str]) -> dict[str, Record | Departure]:
        seen = {one["Id"]: one for one in self.among("Id", (id for id in ids if _ID.fullmatch(id)))}
        return {id: self.present(seen[id]) if id in seen else Departure(id, DepartureKind.UNKNOWN) for id in ids}

    def present(self, row: Row) -> Record | Departure:
        departed = departure_of(row)
        return departed or self.record(row)

    def record(self, row: Row) -> Record:
        id = str(row["Id"])
        catalogue = self.source.catalogue()
        labels = frozenset(
            str(one["CampaignId"]) for one in self.api.children(row.get("CampaignMembers"), self.source.what)
        )
        try:
            values = catalogue.values_of(row, self.fields)
            modified = seconds_of(row["LastModifiedDate"])
        except ValueError as error:
            name = str(error).split(" ", 1)[0]
            known = name if name in catalogue.fields else "a field"
            problem = f"Salesforce shows this record in a form that cannot be read ({known})."
            return Record(id, str(row.get("SystemModstamp")), {}, problem=problem)
        mark = str(row.get(self.source.mark) or "") if self.source.mark else ""
        return Record(id, version_of(row, values, labels), values, labels, marker=mark, modified=modified)

    # ---- by mark

    def find(self, markers: Sequence[str]) -> dict[str, Record]:
        """Nothing where the organisation has no field for marks: see the module `sent`."""
        mark = self.source.mark
        if not mark or not markers:
            return {}
        self.source.check_mark()
        found: dict[str, Record] = {}
        for row in self.among(mark, markers, everything=False):
            record = self.record(row)
            found.setdefault(record.marker, record)
        return {marker: found[marker] for marker in markers if marker in found}


def departure_of(row: Row) -> Departure | None:
    """Who lost in a merge lives on in the winner, and a converted lead in its contact: neither was deleted."""
    id = str(row["Id"])
    if row.get("IsDeleted"):
        master = str(row.get("MasterRecordId") or "")
        return Departure(id, DepartureKind.LEFT if master else DepartureKind.DELETED, master)
    if not row.get("IsConverted"):
        return None
    return Departure(id, DepartureKind.LEFT, str(row.get("ConvertedContactId") or ""))


def version_of(row: Row, values: Mapping[str, Any], labels: Iterable[str]) -> str:
    """Salesforce's stamp counts whole seconds and does not move when a campaign gains a member, so content is added."""
    content = orjson.dumps([values, sorted(labels)], option=orjson.OPT_SORT_KEYS)
    return f"{row.get('SystemModstamp')} {hashlib.blake2b(content, digest_size=8).hexdigest()}"
