"""/crm/v3/objects: contacts and companies one by one, their list, merge and erasure (CRM API, Objects)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from connectors.hubspot.sandbox import associations, batches, consent, search
from connectors.hubspot.sandbox.call import Call
from connectors.hubspot.sandbox.definitions import CONTACTS, DEFAULTS, NAMES, STAMPS
from connectors.hubspot.sandbox.errors import bad_method, invalid, not_found
from connectors.hubspot.sandbox.store import ARCHIVED, LIVE, Record, moment
from connectors.hubspot.sandbox.writes import label, named
from connectors.sandboxkit.web import Response, json_response

PAGE, MOST, MOST_WITH_HISTORY = 10, 100, 50
BIN_DAYS = 90


def handle(call: Call, rest: list[str]) -> Response:
    if not rest:
        raise not_found()
    type, rest = call.type(rest[0]), rest[1:]
    if len(rest) >= 2 and rest[1] == "associations":
        return associations.of_record(call, type, rest[0], rest[2:])
    if call.version == "v4":
        raise not_found()
    match (call.method, *rest):
        case ("GET",):
            return _list(call, type)
        case ("POST",):
            return _create(call, type)
        case ("POST", "search"):
            return search.handle(call, type)
        case ("POST", "batch", kind):
            return batches.handle(call, type, kind)
        case ("POST", "merge"):
            return _merge(call, type)
        case ("POST", "gdpr-delete"):
            return _forget(call, type)
        case ("GET", id):
            return _read(call, type, id)
        case ("PATCH", id):
            return _update(call, type, id)
        case ("DELETE", id):
            return _archive(call, type, id)
    if len(rest) <= 1:
        raise bad_method()
    raise not_found()


# ---- what a record looks like


def answer(
    call: Call, record: Record, names: Iterable[str], history: Sequence[str] = (), others: Sequence[str] = ()
) -> dict[str, Any]:
    """`names`: the properties to show; those that the account lacks are left out. `others`: types whose associations
    are named."""
    known = call.properties(record.type)
    wanted = dict.fromkeys(name.lower() for name in names)
    found: dict[str, Any] = {
        "id": str(record.id),
        "properties": {name: record.value(name) for name in sorted(wanted) if name in known},
        "createdAt": moment(record.created),
        "updatedAt": moment(record.updated),
        "archived": record.state == ARCHIVED,
    }
    if record.state == ARCHIVED:
        found["archivedAt"] = moment(record.archived)
    if history:
        found["propertiesWithHistory"] = {
            name: _history(call, record, name) for name in map(str.lower, history) if name in known
        }
    embedded = {}
    for one in others:
        type = call.type(one)
        links = call.links.of(record.type, record.id, type)
        kind = f"{NAMES[record.type][0]}_to_{NAMES[type][0]}"
        if links:
            embedded[NAMES[type][1]] = {"results": [{"id": str(id), "type": kind} for id in links]}
    return {**found, "associations": embedded} if embedded else found


def read_names(call: Call, type: str, asked: Sequence[str]) -> list[str]:
    return [*(asked or DEFAULTS[type]), "createdate", "hs_object_id", STAMPS[type]]


def _history(call: Call, record: Record, name: str) -> list[dict[str, Any]]:
    """The values that a property had, newest first."""
    found: list[dict[str, Any]] = []
    last: str | None = None
    for state in (*call.store.past(record), record):
        value = state.value(name)
        if value != last:
            kind, _, id = state.source.partition(" ")
            at = moment(state.updated)
            found.append({"value": value or "", "timestamp": at, "sourceType": kind, "sourceId": id})
            last = value
    return found[::-1]


def asked(call: Call, type: str) -> tuple[list[str], list[str], list[str]]:
    """What a GET wants to see: properties, properties with their history, associations."""
    history = call.listed("propertiesWithHistory")
    return read_names(call, type, call.listed("properties")), history, call.listed("associations")


# ---- single records


def locate(call: Call, type: str, id: str, property: str = "", *, state: str = LIVE) -> Record:
    """By its id, a former one included, by address or by a unique value. Raises 404."""
    number: int | None = None
    if not property or property == "hs_object_id":
        if state == LIVE:
            return named(call.store, call.account, type, id)
        number = int(id) if id.isdecimal() and len(id) < 19 else None
    elif type == CONTACTS and property == "email":
        number = call.store.by_address(call.account, id)
    else:
        known = call.properties(type).get(property)
        if known is None or not known.unique:
            raise invalid(f"Unable to find {label(type)} by the property {property}, whose values are not unique")
        number = call.store.by_unique(call.account, type, property, id)
    record = call.store.record(call.account, type, number, state=state) if number is not None else None
    if record is None:
        raise not_found()
    return record


def _list(call: Call, type: str) -> Response:
    call.need_records(type, "read")
    names, history, others = asked(call, type)
    size = call.whole("limit", PAGE, MOST_WITH_HISTORY if history else MOST)
    state = ARCHIVED if call.flag("archived") else LIVE
    found = call.store.records(call.account, type, state=state, after=call.after(), most=size + 1)
    if state == ARCHIVED:
        oldest = call.store.now() - BIN_DAYS * 86_400_000
        found = [one for one in found if one.archived >= oldest]
    body: dict[str, Any] = {"results": [answer(call, one, names, history, others) for one in call.shown(found[:size])]}
    if len(found) > size:
        body["paging"] = call.next(found[size].id)
    return json_response(body)


def _read(call: Call, type: str, id: str) -> Response:
    call.need_records(type, "read")
    names, history, others = asked(call, type)
    state = ARCHIVED if call.flag("archived") else LIVE
    record = locate(call, type, id, call.request.query.get("idProperty", ""), state=state)
    return json_response(answer(call, record, names, history, others))


def sent_properties(body: dict[str, Any]) -> dict[str, Any]:
    found = body.get("properties")
    if found is not None and not isinstance(found, dict):
        raise invalid("Invalid input JSON on line 1, column 1: properties must be an object")
    return found or {}


SET_ON_CREATE = ("hs_all_contact_vids", "hs_email_domain", "hs_is_contact", "hs_is_unworked", "hs_pipeline")


def made_answer(call: Call, record: Record, sent: Iterable[str]) -> dict[str, Any]:
    """What was submitted, and what the service set."""
    added = [name for name in SET_ON_CREATE if record.value(name)] if record.type == CONTACTS else []
    return answer(call, record, [*sent, *added, "createdate", "hs_object_id", STAMPS[record.type]])


def create(call: Call, type: str, item: dict[str, Any]) -> Record:
    """Makes the record of a body or of a batch's input, with its associations."""
    wanted = associations.wanted(call, type, item.get("associations") or [])
    record = call.writes.create(type, sent_properties(item))
    for ends, id, kinds in wanted:
        call.links.add(ends, record.id, id, kinds)
    return call.record(type, record.id) or record


def _create(call: Call, type: str) -> Response:
    call.need_records(type, "write")
    body = call.body()
    record = create(call, type, body)
    return json_response(made_answer(call, record, sent_properties(body)), 201)


def _update(call: Call, type: str, id: str) -> Response:
    call.need_records(type, "write")
    record = locate(call, type, id, call.request.query.get("idProperty", ""))
    sent = sent_properties(call.body())
    made = call.writes.update(record, sent)
    added = ["hs_email_domain"] if "email" in sent else []
    return json_response(answer(call, made, [*sent, *added, "createdate", "hs_object_id", STAMPS[type]]))


def _archive(call: Call, type: str, id: str) -> Response:
    call.need_records(type, "write")
    record = call.record(type, int(id)) if id.isdecimal() and len(id) < 19 else None
    if record is not None:
        call.writes.archive(record)
    return Response(204)


# ---- merge and erasure


def _merge(call: Call, type: str) -> Response:
    call.need_records(type, "write")
    body = call.body()
    try:
        primary, other = str(body["primaryObjectId"]), str(body["objectIdToMerge"])
    except KeyError as error:
        raise invalid(f"Invalid input JSON on line 1, column 1: {error} is missing") from None
    if primary == other:
        raise invalid("A record cannot be merged into itself")
    records = [named(call.store, call.account, type, id, follow=False) for id in (primary, other)]
    made = call.writes.merge(type, *records)
    return json_response(answer(call, made, read_names(call, type, [*DEFAULTS[type], "hs_merged_object_ids"])))


def _forget(call: Call, type: str) -> Response:
    call.need_records(type, "write")
    body = call.body()
    id, property = str(body.get("objectId") or ""), str(body.get("idProperty") or "")
    if property == "email" and call.store.by_address(call.account, id) is None:
        consent.block(call.store, call.account, id.strip().lower())
        return Response(204)
    call.writes.forget(locate(call, type, id, property))
    return Response(204)
