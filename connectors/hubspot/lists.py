"""Lists as labels and as folders. People fill MANUAL and SNAPSHOT lists; DYNAMIC ones HubSpot fills by itself
(developers.hubspot.com, Lists API v3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from connectors.base import Folder, FolderGone, Forbidden, Label, LabelKind, Unavailable, Unsupported, chunked
from connectors.hubspot.api import BATCH, Api, after_of
from connectors.hubspot.errors import LOCKED, Problem, error_for, problem_of
from connectors.hubspot.signin import READ_LISTS, WRITE_LISTS

CONTACTS: Final = "0-1"  # HubSpot's number for this kind of object
PREFIX: Final = "list-"
PAGE: Final = 250
_SEARCHED: Final = 500
_MOST_CHANGED: Final = 10_000
_WHAT: Final = "lists"


@dataclass(frozen=True, slots=True)
class Listed:
    id: str
    name: str
    dynamic: bool
    size: int | None


@dataclass(frozen=True, slots=True)
class Lists:
    api: Api

    @property
    def readable(self) -> bool:
        return self.api.may(READ_LISTS)

    def all(self) -> list[Listed]:
        """None where the account may not read lists."""
        if not self.readable:
            return []
        found: list[Listed] = []
        offset = 0
        while True:
            body = {
                "query": "",
                "objectTypeId": CONTACTS,
                "processingTypes": ["MANUAL", "SNAPSHOT", "DYNAMIC"],
                "offset": offset,
                "count": _SEARCHED,
                "additionalProperties": ["hs_list_size"],
            }
            try:
                page = self.api.ask(self.api.at.lists("/search"), body, _WHAT)
            except Forbidden:
                return []
            rows = page.get("lists") if isinstance(page, dict) else None
            if not isinstance(rows, list):
                raise Unavailable("HubSpot listed its lists in an unknown shape. It will be tried again.")
            found += [_listed(one) for one in rows if isinstance(one, dict)]
            offset += len(rows)
            if not page.get("hasMore") or not rows:
                return found

    def labels(self) -> list[Label]:
        listed = sorted(self.all(), key=lambda one: one.name.casefold())
        return [Label(one.id, one.name, LabelKind.LIST, read_only=one.dynamic) for one in listed]

    def folders(self) -> list[Folder]:
        static = sorted((one for one in self.all() if not one.dynamic), key=lambda one: one.name.casefold())
        locked = not self.api.may(WRITE_LISTS)
        return [
            Folder(f"{PREFIX}{one.id}", one.name, f"Lists/{one.name}", read_only=locked, count=one.size)
            for one in static
        ]

    def create(self, name: str) -> Label:
        """The list with this name, new or not. Raises Unsupported where that one fills itself."""
        name = name.strip()
        if not name:
            raise Unsupported("A list needs a name.")
        if not (self.readable and self.api.may(WRITE_LISTS)):
            raise Unsupported("This account may not use lists in HubSpot. Connect it again with that permission.")
        known = self._named(name)
        if known is None:
            body = {"name": name, "objectTypeId": CONTACTS, "processingType": "MANUAL"}
            status, answer = self.api.send("POST", self.api.at.lists(), body, "to make a list")
            if status < 300:
                return _listed_label(_listed((answer or {}).get("list") or {}))
            known = self._named(name)  # somebody was faster
            if known is None:
                raise error_for(status, answer, "to make a list")
        return _listed_label(known)

    def _named(self, name: str) -> Listed | None:
        path = self.api.at.lists(f"/object-type-id/{CONTACTS}/name/{quote(name, safe='')}")
        try:
            answer = self.api.get(path, _WHAT)
        except FolderGone:
            return None
        found = answer.get("list") if isinstance(answer, dict) else None
        return _listed(found) if isinstance(found, dict) else None

    # ---- members

    def members(self, id: str, after: str = "") -> Iterator[tuple[list[str], str]]:
        """Pages of contacts' ids, each with where the next one begins. Raises FolderGone where the list is gone."""
        while True:
            path = self.api.at.lists(f"/{id}/memberships")
            page = self.api.get(path, "the members of a list", limit=PAGE, after=after)
            rows = page.get("results") if isinstance(page, dict) else None
            if not isinstance(rows, list):
                raise Unavailable("HubSpot listed the members of a list in an unknown shape. It will be tried again.")
            following = after_of(page)
            following = "" if following == after else following
            yield [str(one["recordId"]) for one in rows if isinstance(one, dict) and one.get("recordId")], following
            after = following
            if not after:
                return

    def everyone(self, ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """By list, all its members; a list that is gone, or may not be read any more, has none."""
        found = {}
        for id in ids:
            try:
                found[id] = frozenset(one for page, _ in self.members(id) for one in page)
            except (FolderGone, Forbidden):
                found[id] = frozenset()
        return found

    def of(self, contacts: Sequence[str], among: Collection[str]) -> dict[str, frozenset[str]]:
        """By contact, those of some lists that it is in."""
        found = dict.fromkeys(contacts, frozenset[str]())
        if not among:
            return found
        for some in chunked(contacts, BATCH):
            inputs = [{"objectTypeId": CONTACTS, "recordId": id} for id in some]
            path = self.api.at.lists("/records/memberships/batch/read")
            try:
                answer = self.api.ask(path, {"inputs": inputs}, "the lists of contacts")
            except Forbidden:
                return found
            for one in (answer.get("results") if isinstance(answer, dict) else None) or []:
                lists = {str(each.get("listId")) for each in one.get("recordListMemberships") or []}
                found[str(one.get("recordId"))] = frozenset(lists & set(among))
        return found

    def change(self, id: str, contacts: Sequence[str], how: str) -> Problem | None:
        """`how`: add or remove. None if it is done; raises what concerns the account."""
        for some in chunked(contacts, _MOST_CHANGED):
            path = self.api.at.lists(f"/{id}/memberships/{how}")
            status, answer = self.api.send("PUT", path, some, "to change the members of a list")
            if status >= 500 or status == LOCKED:
                raise error_for(status, answer, "to change the members of a list")
            if status >= 300:
                return problem_of(answer, status)
        return None


def _listed(raw: dict[str, Any]) -> Listed:
    more = raw.get("additionalProperties")
    size = str((more.get("hs_list_size") if isinstance(more, dict) else None) or raw.get("size") or "")
    dynamic = raw.get("processingType") == "DYNAMIC"
    return Listed(str(raw.get("listId")), str(raw.get("name")), dynamic, int(size) if size.isdecimal() else None)


def _listed_label(one: Listed) -> Label:
    return Label(one.id, one.name, LabelKind.LIST, read_only=one.dynamic)
