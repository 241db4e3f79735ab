"""/crm/v3/lists: lists, their members, and the lists of a record (CRM API, Lists)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connectors.hubspot.sandbox import filters
from connectors.hubspot.sandbox.call import Call
from connectors.hubspot.sandbox.errors import bad_method, invalid, not_found
from connectors.hubspot.sandbox.store import Account, Store, moment
from connectors.sandboxkit.database import Row
from connectors.sandboxkit.web import Response, json_response

MANUAL, SNAPSHOT, DYNAMIC = "MANUAL", "SNAPSHOT", "DYNAMIC"
PAGE, MOST, MOST_FOUND = 100, 250, 500
RESTORABLE = 90 * 86_400_000


class Lists:
    """The lists of an account, for the API and for a person at work."""

    def __init__(self, store: Store, account: Account) -> None:
        self.store = store
        self.account = account
        self.database = store.database

    def all(self, *, deleted: bool = False) -> list[Row]:
        sign = ">" if deleted else "="
        sql = f"SELECT * FROM hubspot_list WHERE portal = ? AND deleted {sign} 0 ORDER BY id"
        return self.database.all(sql, (self.account.portal,))

    def find(self, id: str, *, deleted: bool = False) -> Row:
        found = next((row for row in self.all(deleted=deleted) if str(row["id"]) == id), None)
        if found is None:
            raise not_found(f"List does not exist with ID {id}.")
        return found

    def by_name(self, name: str, type: str) -> Row | None:
        every = (row for row in self.all() if row["type"] == type)
        return next((row for row in every if row["name"].casefold() == name.strip().casefold()), None)

    def make(self, name: str, kind: str, type: str, branch: Mapping[str, Any] | None = None) -> Row:
        if not name.strip():
            raise invalid("A list needs a name")
        if kind not in (MANUAL, SNAPSHOT, DYNAMIC):
            raise invalid(f"{kind} is no processing type")
        if kind == DYNAMIC and not branch:
            raise invalid("A dynamic list needs a filter branch")
        self._check_name(name, type)
        filters.check(self.store.properties(self.account, type), branch or {})
        id, now = 1 + self.store.number() % 1_000_000, self.store.now()
        self.database.execute(
            "INSERT INTO hubspot_list VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, 0)",
            (self.account.portal, id, name, type, kind, orjson.dumps(branch or {}), now, now, now),
        )
        row = self.find(str(id))
        if kind == SNAPSHOT and branch:
            self.add(row, list(self._filtered(row)))
        return row

    def _check_name(self, name: str, type: str, own: int = 0) -> None:
        taken = self.by_name(name, type)
        if taken is not None and taken["id"] != own:
            raise invalid(f"A list named {name} already exists. List names must be unique")

    def touch(self, row: Row, **changes: Any) -> None:
        every = {"updated": self.store.now(), "version": row["version"] + 1, **changes}
        named = ", ".join(f"{name} = ?" for name in every)
        self.database.execute(
            f"UPDATE hubspot_list SET {named} WHERE portal = ? AND id = ?",
            (*every.values(), self.account.portal, row["id"]),
        )

    def rename(self, row: Row, name: str) -> None:
        self._check_name(name, row["type"], row["id"])
        self.touch(row, name=name)

    # ---- members

    def _filtered(self, row: Row) -> dict[int, int]:
        branch, known = orjson.loads(row["filters"]), self.store.properties(self.account, row["type"])
        records = self.store.records(self.account, row["type"])
        return {one.id: one.created for one in records if filters.fits(known, one, branch)}

    def members(self, row: Row) -> dict[int, int]:
        """By record id, since when."""
        if row["kind"] == DYNAMIC:
            return self._filtered(row)
        rows = self.database.all(
            "SELECT record, since FROM hubspot_member WHERE portal = ? AND list = ? ORDER BY record",
            (self.account.portal, row["id"]),
        )
        return {one["record"]: one["since"] for one in rows}

    def add(self, row: Row, ids: Sequence[int]) -> list[int]:
        """Those that were not members before."""
        now, key = self.store.now(), (self.account.portal, row["id"])
        sql = "INSERT OR IGNORE INTO hubspot_member VALUES (?, ?, ?, ?)"
        return [id for id in ids if self.database.changed(sql, (*key, id, now))]

    def remove(self, row: Row, ids: Sequence[int]) -> list[int]:
        """Those that were members."""
        sql = "DELETE FROM hubspot_member WHERE portal = ? AND list = ? AND record = ?"
        return [id for id in ids if self.database.changed(sql, (self.account.portal, row["id"], id))]

    def size(self, row: Row) -> int:
        if row["kind"] == DYNAMIC:
            return len(self._filtered(row))
        sql = "SELECT count(*) FROM hubspot_member WHERE portal = ? AND list = ?"
        return int(self.database.value(sql, (self.account.portal, row["id"])))


def handle(call: Call, rest: list[str]) -> Response:
    reads = call.method == "GET" or rest[-1:] in (["search"], ["read"])
    call.need("crm.lists.read")
    if not reads:
        call.need("crm.lists.write")
    lists = Lists(call.store, call.account)
    match (call.method, *rest):
        case ("POST",):
            body = call.body()
            branch = body.get("filterBranch")
            kind, type = str(body.get("processingType") or ""), call.type(str(body.get("objectTypeId") or ""))
            made = lists.make(str(body.get("name") or ""), kind, type, branch)
            return json_response({"list": _shown(lists, made)})
        case ("GET",):
            wanted = call.listed("listIds")
            found = [row for row in lists.all() if str(row["id"]) in wanted]
            return json_response({"lists": [_shown(lists, row) for row in found]})
        case ("POST", "search"):
            return _search(call, lists)
        case ("GET", "object-type-id", type, "name", name):
            row = lists.by_name(name, call.type(type))
            if row is None:
                raise not_found(f"List does not exist with name {name}.")
            return json_response({"list": _shown(lists, row)})
        case ("GET", "records", type, id, "memberships"):
            return _of_record(call, lists, call.type(type), id)
        case ("POST", "records", "memberships", "batch", "read"):
            return _of_records(call, lists)
        case (_, id, "memberships", *more):
            return _memberships(call, lists, lists.find(id), more)
        case (_, id, *more):
            return _one(call, lists, id, more)
    raise bad_method()


def _one(call: Call, lists: Lists, id: str, rest: list[str]) -> Response:
    match (call.method, *rest):
        case ("GET",):
            return json_response({"list": _shown(lists, lists.find(id), filters=call.flag("includeFilters"))})
        case ("DELETE",):
            row = lists.find(id)
            lists.touch(row, deleted=call.store.now())
            return Response(204)
        case ("PUT", "restore"):
            row = lists.find(id, deleted=True)
            if row["deleted"] < call.store.now() - RESTORABLE:
                raise not_found(f"List does not exist with ID {id}.")
            lists.touch(row, deleted=0)
            return Response(204)
        case ("PUT", "update-list-name"):
            row = lists.find(id)
            lists.rename(row, call.request.query.get("listName", ""))
            return json_response({"updatedList": _shown(lists, lists.find(id))})
        case ("PUT", "update-list-filters"):
            row, branch = lists.find(id), call.body().get("filterBranch") or {}
            if row["kind"] != DYNAMIC:
                raise invalid(f"List {id} is not dynamic and has no filters")
            filters.check(call.properties(row["type"]), branch)
            lists.touch(row, filters=orjson.dumps(branch), filtered=call.store.now())
            return json_response({"updatedList": _shown(lists, lists.find(id))})
    raise not_found()


def _shown(lists: Lists, row: Row, *, filters: bool = False) -> dict[str, Any]:
    found = {
        "listId": str(row["id"]),
        "name": row["name"],
        "objectTypeId": row["type"],
        "processingType": row["kind"],
        "processingStatus": "COMPLETE",
        "listVersion": row["version"],
        "createdAt": moment(row["created"]),
        "updatedAt": moment(row["updated"]),
        "filtersUpdatedAt": moment(row["filtered"]),
        "createdById": str(lists.account.user),
        "updatedById": str(lists.account.user),
        "size": lists.size(row),
    }
    branch = orjson.loads(row["filters"])
    return {**found, "filterBranch": branch} if filters and branch else found


def _search(call: Call, lists: Lists) -> Response:
    """Size and the like come only where they are asked for, as texts."""
    body = call.body()
    start, count = int(body.get("offset") or 0), int(body.get("count") or 20)
    if not 0 < count <= MOST_FOUND:
        raise invalid(f"count must be a number from 1 to {MOST_FOUND}")
    word, kinds = str(body.get("query") or "").casefold(), body.get("processingTypes") or []
    ids = [str(id) for id in body.get("listIds") or []]
    type = call.type(str(body["objectTypeId"])) if body.get("objectTypeId") else ""
    found = [
        row
        for row in lists.all()
        if word in row["name"].casefold()
        and (not kinds or row["kind"] in kinds)
        and (not ids or str(row["id"]) in ids)
        and type in ("", row["type"])
    ]
    results = []
    for row in found[start : start + count]:
        shown = _shown(lists, row)
        known = {"hs_list_size": str(shown.pop("size")), "hs_list_reference_count": "0"}
        wanted = body.get("additionalProperties") or []
        results.append({**shown, "additionalProperties": {key: known[key] for key in wanted if key in known}})
    end = start + len(results)
    answer = {"lists": call.shown(results), "hasMore": end < len(found), "offset": end, "total": len(found)}
    return json_response(answer)


# ---- members


def _memberships(call: Call, lists: Lists, row: Row, rest: list[str]) -> Response:
    if call.method == "GET" and rest in ([], ["join-order"]):
        return _members(call, lists, row)
    if row["kind"] == DYNAMIC:
        raise invalid(f"List {row['id']} is dynamic; its members follow from its filters")
    match (call.method, *rest):
        case ("DELETE",):
            lists.remove(row, list(lists.members(row)))
            return Response(204)
        case ("PUT", "add"):
            return _changed(call, lists, row, _ids(call.json()), [])
        case ("PUT", "remove"):
            return _changed(call, lists, row, [], _ids(call.json()))
        case ("PUT", "add-and-remove"):
            body = call.body()
            return _changed(call, lists, row, _ids(body.get("recordIdsToAdd")), _ids(body.get("recordIdsToRemove")))
        case ("PUT", "add-from", other):
            lists.add(row, list(lists.members(lists.find(other))))
            return Response(204)
    raise not_found()


def _ids(listed: Any) -> list[str]:
    if not isinstance(listed, list | None) or not all(isinstance(id, str | int) for id in listed or []):
        raise invalid("Invalid input JSON on line 1, column 1: a list of record ids is expected")
    return list(dict.fromkeys(str(id) for id in listed or []))


def _changed(call: Call, lists: Lists, row: Row, add: Sequence[str], remove: Sequence[str]) -> Response:
    """The misspelt name is the service's own."""
    every = [*add, *remove]
    live = call.store.among(call.account, row["type"], [int(id) for id in every if id.isdecimal() and len(id) < 19])
    there = {str(id) for id in live}
    answer = {
        "recordsIdsAdded": lists.add(row, [int(id) for id in add if id in there]),
        "recordIdsRemoved": lists.remove(row, [int(id) for id in remove if id in there]),
    }
    shown = {name: [str(id) for id in ids] for name, ids in answer.items()}
    return json_response({**shown, "recordIdsMissing": [id for id in every if id not in there]})


def _members(call: Call, lists: Lists, row: Row) -> Response:
    size, start = call.whole("limit", PAGE, MOST), call.after()
    every = sorted(lists.members(row).items())
    page = [item for item in every if item[0] >= start]
    results = [{"recordId": str(id), "membershipTimestamp": moment(since)} for id, since in page[:size]]
    body: dict[str, Any] = {"results": call.shown(results), "total": len(every)}
    if len(page) > size:
        body["paging"] = call.next(page[size][0])
    return json_response(body)


def _of_records(call: Call, lists: Lists) -> Response:
    """Records that are in no list come with an empty one."""
    results = []
    for one in call.inputs():
        type, id = call.type(str(one.get("objectTypeId") or "")), str(one.get("recordId") or "")
        results.append({"objectTypeId": type, "recordId": id, "recordListMemberships": _lists_of(lists, type, id)})
    return call.batch(results)


def _of_record(call: Call, lists: Lists, type: str, id: str) -> Response:
    results = _lists_of(lists, type, id)
    return json_response({"results": results, "total": len(results)})


def _lists_of(lists: Lists, type: str, id: str) -> list[dict[str, Any]]:
    results = []
    for row in lists.all():
        since = lists.members(row).get(int(id)) if row["type"] == type and id.isdecimal() else None
        if since is not None:
            at = moment(since)
            results.append(
                {
                    "listId": str(row["id"]),
                    "listVersion": row["version"],
                    "firstAddedTimestamp": at,
                    "lastAddedTimestamp": at,
                    "isPublicList": True,
                }
            )
    return results
