from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from connectors.base import (
    ConnectorError,
    Departure,
    DepartureKind,
    Record,
    Throttled,
    Unavailable,
)
from tests.connectors.host import VirtualClock
from tests.connectors.outlook.scripted import (
    FIELDS,
    around,
    batched,
    contact,
    error,
    outlook,
)


def test_reads_that_were_turned_away_are_asked_again_alone() -> None:
    times: dict[str, int] = {}

    def inner(one: dict[str, Any]) -> dict[str, Any]:
        id = one["url"].partition("?")[0].rpartition("/")[2]
        times[id] = times.get(id, 0) + 1
        if id == "A3" and times[id] == 1:
            return {"status": 429, "body": error("ApplicationThrottled"), "headers": {"Retry-After": "2"}}
        return {"status": 200, "body": contact(id)}

    with outlook({"/$batch": batched(inner)}) as (connector, server):
        found = connector.read("F", [f"A{n}" for n in range(25)], FIELDS)
        clock = connector.host.clock
    assert all(isinstance(one, Record) for one in found.values())
    assert len(found) == 25
    assert [len(batch) for batch in server.batches()] == [20, 5, 1]
    assert isinstance(clock, VirtualClock)
    assert clock.slept == [2.0]


def test_reads_that_stay_turned_away_are_throttled_not_gone() -> None:
    refused = {"status": 429, "body": error("ApplicationThrottled")}
    with outlook({"/$batch": batched(lambda one: refused)}) as (connector, _), pytest.raises(Throttled):
        connector.read("F", ["A"], FIELDS)


def test_reads_that_get_no_answer_are_unavailable_not_gone() -> None:
    with outlook({"/$batch": batched(lambda one: None)}) as (connector, _), pytest.raises(Unavailable):
        connector.read("F", ["A"], FIELDS)


def test_an_id_that_is_not_found_or_malformed_is_gone_for_an_unknown_reason() -> None:
    def inner(one: dict[str, Any]) -> dict[str, Any]:
        if "/A?" in one["url"]:
            return {"status": 404, "body": error("ErrorItemNotFound")}
        return {"status": 400, "body": error("ErrorInvalidIdMalformed")}

    with outlook({"/$batch": batched(inner)}) as (connector, _):
        found = connector.read("F", ["A", "B"], FIELDS)
    assert found == {id: Departure(id, DepartureKind.UNKNOWN) for id in ("A", "B")}


def test_the_equals_sign_of_an_id_stays_as_it_is() -> None:
    with outlook({"/$batch": batched(lambda one: {"status": 200, "body": contact("A=")})}) as (connector, server):
        connector.read("F", ["A="], FIELDS)
    assert server.batches()[0][0]["url"].startswith("/me/contacts/A=?")


# ---- by marker


def test_a_marker_that_could_not_be_looked_up_is_not_called_absent() -> None:
    with outlook({"/$batch": batched(lambda one: {"status": 500})}) as (connector, _), pytest.raises(Unavailable):
        connector.find("F", ["m"], FIELDS)
    refused = batched(lambda one: {"status": 400, "body": error("ErrorInvalidUrlQueryFilter")})
    with outlook({"/$batch": refused}) as (connector, _), pytest.raises(ConnectorError):
        connector.find("F", ["m"], FIELDS)


def test_of_several_with_one_marker_the_folders_oldest_is_ours() -> None:
    held = {
        "copied": [
            contact("NEW", createdDateTime="2026-02-01T00:00:00Z"),
            contact("OLD"),
            contact("X", parentFolderId="?"),
        ],
        "moved": [contact("MOVED", parentFolderId="OTHER"), contact("BIN", parentFolderId="TRASH")],
        "binned": [contact("BIN", parentFolderId="TRASH")],
        "absent": [],
    }

    def inner(one: dict[str, Any]) -> dict[str, Any]:
        [marker] = [name for name in held if f"'{name}'" in unquote(one["url"])]
        return {"status": 200, "body": {"value": held[marker]}}

    with outlook({"/$batch": batched(around(inner))}) as (connector, server):
        found = connector.find("F", list(held), FIELDS)
    assert {marker: record.id for marker, record in found.items()} == {"copied": "OLD", "moved": "MOVED"}
    assert [record.marker for record in found.values()] == list(found)
    assert len(server.batches()) == 2


def test_markers_are_looked_up_by_twenties() -> None:
    nothing = batched(lambda one: {"status": 200, "body": {"value": []}})
    with outlook({"/$batch": nothing}) as (connector, server):
        assert connector.find("F", [f"m{n}" for n in range(41)], FIELDS) == {}
    assert [len(batch) for batch in server.batches()] == [20, 20, 1]
