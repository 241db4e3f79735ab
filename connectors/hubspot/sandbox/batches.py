"""The five batch calls (CRM API, Batch): up to 100 inputs, answered in another order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from connectors.hubspot.sandbox import objects
from connectors.hubspot.sandbox.call import Call
from connectors.hubspot.sandbox.definitions import CONTACTS, STAMPS
from connectors.hubspot.sandbox.errors import HubSpotError, invalid, not_found
from connectors.hubspot.sandbox.store import ARCHIVED, LIVE, Record
from connectors.hubspot.sandbox.writes import label
from connectors.sandboxkit.web import Response

TRACE = "objectWriteTraceId"
Item = dict[str, Any]


def handle(call: Call, type: str, kind: str) -> Response:
    calls: dict[str, Callable[[Call, str], Response]] = {
        "read": _read,
        "create": _create,
        "update": _update,
        "upsert": _upsert,
        "archive": _archive,
    }
    if kind not in calls:
        raise not_found()
    call.need_records(type, "read" if kind == "read" else "write")
    return calls[kind](call, type)


def _ids(items: Sequence[Item], *, fold: bool = False) -> list[str]:
    """The ids of the inputs. Refuses one that comes twice."""
    found = []
    for item in items:
        id = item.get("id")
        if not isinstance(id, str | int):
            raise invalid("Invalid input JSON on line 1, column 1: an input has no id")
        found.append(str(id).strip().lower() if fold else str(id))
    twice = [id for id, count in Counter(found).items() if count > 1]
    if twice:
        message = f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique"
        raise invalid(message, context={"ids": twice})
    return found


def _missing(type: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """One error for all that are not there."""
    if not ids:
        return []
    message = f"Could not get some {label(type)} objects, they may be deleted or not exist. Check that ids are valid."
    return [HubSpotError(404, "OBJECT_NOT_FOUND", message).in_batch(ids=ids)]


def _read(call: Call, type: str) -> Response:
    body = call.body()
    items = call.inputs()
    history = [str(name) for name in body.get("propertiesWithHistory") or []]
    if history and len(items) > objects.MOST_WITH_HISTORY:
        raise invalid(
            "The maximum number of inputs supported in a batch request for property histories is "
            f"{objects.MOST_WITH_HISTORY}"
        )
    property = str(body.get("idProperty") or "")
    state = ARCHIVED if call.flag("archived") else LIVE
    ids = _ids(items, fold=property == "email")
    found = _found(call, type, ids, property, state)
    names = objects.read_names(call, type, [str(name) for name in body.get("properties") or []])
    unique = {record.id: record for record in found.values()}
    results = [objects.answer(call, record, names, history) for record in unique.values()]
    return call.batch(call.shown(results), _missing(type, [id for id in ids if id not in found]))


def _found(call: Call, type: str, ids: Sequence[str], property: str, state: str) -> dict[str, Record]:
    if property and property != "hs_object_id":
        found = {}
        for id in ids:
            try:
                found[id] = objects.locate(call, type, id, property, state=state)
            except HubSpotError as error:
                if error.status != 404:
                    raise
        return found
    numbers = {id: int(id) for id in ids if id.isdecimal() and len(id) < 19}
    if call.account.on("batch_read_follows_merges"):
        numbers = {id: call.store.successor(call.account, type, number) for id, number in numbers.items()}
    records = call.store.among(call.account, type, list(numbers.values()), state=state)
    return {id: records[number] for id, number in numbers.items() if number in records}


def _each(
    call: Call, items: Sequence[Item], work: Callable[[Item], Item | None], *, partial: bool = True
) -> tuple[list[Item], list[Item]]:
    """Results and errors. Without a trace id of its own on each input the first error refuses the whole batch."""
    traces = [str(item.get(TRACE) or "") for item in items]
    partial = partial and all(traces) and len(set(traces)) == len(traces)
    results, errors = [], []
    for item, trace in zip(items, traces, strict=True):
        try:
            found = work(item)
        except HubSpotError as error:
            if not partial or error.status >= 500 or error.status == 423:
                raise
            errors.append(error.in_batch(**{TRACE: [trace]}))
            continue
        if found is not None:
            results.append({**found, TRACE: trace} if trace else found)
    return results, errors


def _create(call: Call, type: str) -> Response:
    def make(item: Item) -> Item:
        record = objects.create(call, type, item)
        return objects.made_answer(call, record, objects.sent_properties(item))

    return call.batch(*_each(call, call.inputs(), make), status=201)


def _changed(call: Call, record: Record, sent: dict[str, Any]) -> Item:
    made = call.writes.update(record, sent)
    added = ["hs_email_domain"] if "email" in sent else []
    return objects.answer(call, made, [*sent, *added, STAMPS[record.type]])


def _unique(call: Call, type: str, property: str, *, email: bool) -> None:
    known = call.properties(type).get(property)
    if email and type == CONTACTS and property == "email":
        return
    if known is None or not known.unique:
        message = f"Unable to perform update/upsert by non-unique {type} property {property} in portal ID"
        raise invalid(f"{message} {call.account.portal}")


def _update(call: Call, type: str) -> Response:
    items, missing = call.inputs(), []
    _ids(items)
    for property in {str(item["idProperty"]) for item in items if item.get("idProperty")}:
        _unique(call, type, property, email=False)

    def change(item: Item) -> Item | None:
        """Ids of merged records are not followed here; something that is no id changes nothing and is no error."""
        id, property = str(item["id"]), str(item.get("idProperty") or "")
        if property:
            number = call.store.by_unique(call.account, type, property, id)
        elif not id.isdecimal() or len(id) > 18:
            return None
        else:
            number = int(id)
        record = call.record(type, number) if number is not None else None
        if record is None:
            missing.append(id)
            return None
        return _changed(call, record, objects.sent_properties(item))

    results, errors = _each(call, items, change)
    return call.batch(results, [*errors, *_missing(type, missing)])


def _upsert(call: Call, type: str) -> Response:
    items = call.inputs()
    properties = {str(item.get("idProperty") or "") for item in items}
    for property in properties:
        _unique(call, type, property, email=True)
    by_email = "email" in properties
    _ids(items, fold=by_email)

    def put(item: Item) -> Item:
        id, property, sent = str(item["id"]), str(item["idProperty"]), objects.sent_properties(item)
        try:
            record = objects.locate(call, type, id, property)
        except HubSpotError as error:
            if error.status != 404:
                raise
            made = objects.create(call, type, {"properties": {property: id, **sent}})
            return {**objects.made_answer(call, made, [property, *sent]), "new": True}
        shown = _changed(call, record, sent) if sent else objects.answer(call, record, [STAMPS[type]])
        return {**shown, "new": False}

    return call.batch(*_each(call, items, put, partial=not by_email))


def _archive(call: Call, type: str) -> Response:
    numbers = [int(str(item.get("id"))) for item in call.inputs() if str(item.get("id")).isdecimal()]
    for record in call.store.among(call.account, type, numbers).values():
        call.writes.archive(record)
    return Response(204)
