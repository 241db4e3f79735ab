"""Delta queries (learn.microsoft.com/graph/delta-query-overview, contact-delta).

A token is opaque to callers; here it names a row that holds folder, place and the query's `$select`. In the first
round contacts come by number and what changes meanwhile comes again in the next round; later rounds follow the log
of changes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import orjson

from connectors.outlook.sandbox import ids, past
from connectors.outlook.sandbox.call import Call
from connectors.outlook.sandbox.contacts import render, selected
from connectors.outlook.sandbox.errors import bad_request, by_status, state_not_found
from connectors.outlook.sandbox.shape import Data
from connectors.sandboxkit.web import Response

DEFAULT_PAGE = 10
LARGEST_PAGE = 200
REFUSED = ("top", "filter", "orderby", "expand", "search", "skip", "count")


@dataclass(frozen=True, slots=True)
class State:
    """Where a caller stands. `listing`: in the first round, contacts up to number `place` were shown; else changes
    up to `place`. `since`: the change at which the first round began."""

    folder: int
    listing: bool
    place: int
    since: int
    select: tuple[str, ...]


def contact_delta(call: Call, folder: int, collection: str) -> Response:
    call.need("Contacts.Read", "Contacts.ReadWrite")
    options = call.options
    token = options.get("deltatoken") or options.get("skiptoken")
    state = _first(call, folder) if token is None else _resumed(call, folder, token)
    size = min(call.page_size or DEFAULT_PAGE, LARGEST_PAGE)
    lag = call.fault("lag")
    until = past.horizon(call.store, float(lag.options.get("seconds", 0)) if lag else 0)
    value, following, more = _listed(call, state, size, until) if state.listing else _news(call, state, size, until)
    answer: Data = {"@odata.context": call.context("Collection(contact)"), "value": _disturbed(call, value)}
    name, option = ("@odata.nextLink", "$skiptoken") if more else ("@odata.deltaLink", "$deltatoken")
    answer[name] = _link(call, option, keep_token(call, following))
    call.applied.append("odata.track-changes")
    if call.page_size:
        call.applied.append(f"odata.maxpagesize={size}")
    return call.answer(answer)


def _first(call: Call, folder: int) -> State:
    options = call.options
    if "singlevalueextendedproperties" in options.get("expand", "").lower():  # reported: it breaks the service
        raise by_status(500)
    refused = [f"'${name}'" for name in REFUSED if name in options]
    if refused:
        raise bad_request(
            "The following parameters are not supported with change tracking over the 'Contacts' resource: "
            f"{', '.join(refused)}.",
            "ErrorInvalidUrlQuery",
        )
    return State(folder, True, 0, -1, tuple(selected(call)))


def _resumed(call: Call, folder: int, token: str) -> State:
    fault = call.fault("cursor_expired")
    if fault is not None:
        raise state_not_found(
            int(fault.options.get("status", 410)), str(fault.options.get("code", "SyncStateNotFound"))
        )
    row = call.store.database.one("SELECT * FROM outlook_cursor WHERE token = ?", (token,))
    if row is None:
        raise state_not_found()
    mailbox, number, listing, place, since, select = orjson.loads(row["state"])
    if mailbox != call.mailbox.number or number != folder:
        raise state_not_found(400, "SyncStateInvalid")
    return State(number, bool(listing), place, since, tuple(select))


def keep_token(call: Call, state: State) -> str:
    """Equal states share a token, so that polling without news stores nothing."""
    parts = [call.mailbox.number, state.folder, int(state.listing), state.place, state.since, state.select]
    text = orjson.dumps(parts).decode()
    known: str | None = call.store.database.value("SELECT token FROM outlook_cursor WHERE state = ?", (text,))
    if known is not None:
        return known
    token = secrets.token_urlsafe(48)
    call.store.database.execute("INSERT INTO outlook_cursor VALUES (?, ?, ?)", (token, text, call.kit.clock.now()))
    return token


def _listed(call: Call, state: State, size: int, until: int) -> tuple[list[Data], State, bool]:
    since = state.since if state.since >= 0 else min(call.store.last_seq(), until)
    found = past.members(call.store, state.folder, until, state.place, size + 1)
    page = found[:size]
    value = [_entry(call, render(call, contact, state.select)) for contact in page]
    if len(found) > size:
        return value, State(state.folder, True, page[-1].number, since, state.select), True
    return value, State(state.folder, False, since, since, state.select), False


def _news(call: Call, state: State, size: int, until: int) -> tuple[list[Data], State, bool]:
    found = past.news(call.store, state.folder, state.place, until, size + 1)
    page = found[:size]
    value: list[Data] = []
    for line in page:
        if line.contact is not None:
            value.append(_entry(call, render(call, line.contact, state.select)))
        else:
            value.append(_removed(call, line.number, state.folder))
    more = len(found) > size
    place = page[-1].seq if page else state.place
    return value, State(state.folder, False, place, place, state.select), more


def _entry(call: Call, rendered: Data) -> Data:
    return {"@odata.type": "#microsoft.graph.contact", **rendered}


def _removed(call: Call, number: int, folder: int) -> Data:
    return {
        "@odata.type": "#microsoft.graph.contact",
        "id": ids.contact_id(call.mailbox.guid, number, folder, immutable=call.immutable),
        "@removed": {"reason": "deleted"},
    }


def _disturbed(call: Call, value: list[Data]) -> list[Data]:
    """Lines of one contact keep their order among each other: of several, the last one counts."""
    if call.fault("reorder"):
        groups: dict[str, list[Data]] = {}
        for line in value:
            groups.setdefault(line["id"], []).append(line)
        value = [line for group in reversed(groups.values()) for line in group]
    if value and call.fault("duplicate"):
        value = [value[0], *value]
    return value


def _link(call: Call, option: str, token: str) -> str:
    return f"{call.root}{call.request.path}?{option}={token}"


def folder_delta(call: Call) -> Response:
    """Changes of the folders below the default one; deletions as @removed."""
    call.need("Contacts.Read", "Contacts.ReadWrite")
    token = call.options.get("deltatoken") or call.options.get("skiptoken")
    since = 0 if token is None else _resumed(call, 0, token).place
    rows = call.store.database.all(
        "SELECT * FROM outlook_folder WHERE mailbox = ? AND role = '' AND seq > ? AND (gone = 0 OR ?) ORDER BY seq",
        (call.mailbox.number, since, int(token is not None)),
    )
    value: list[Data] = [
        {"id": ids.folder_id(call.mailbox.guid, row["id"]), "@removed": {"reason": "deleted"}}
        if row["gone"]
        else {
            "id": ids.folder_id(call.mailbox.guid, row["id"]),
            "displayName": row["name"],
            "parentFolderId": ids.folder_id(call.mailbox.guid, row["parent"]),
        }
        for row in rows
    ]
    place = max([since, *(row["seq"] for row in rows)])
    return call.answer(
        {
            "@odata.context": call.context("Collection(contactFolder)"),
            "value": value,
            "@odata.deltaLink": _link(call, "$deltatoken", keep_token(call, State(0, False, place, place, ()))),
        }
    )
