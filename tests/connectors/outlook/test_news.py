from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from connectors.base import (
    AddressRefused,
    ConnectorError,
    CursorExpired,
    DepartureKind,
    FolderGone,
    Forbidden,
    NothingKnown,
    Unavailable,
)
from connectors.outlook import extended
from tests.connectors.outlook.scripted import (
    FIELDS,
    Known,
    around,
    batched,
    contact,
    delta,
    error,
    news_cursor,
    outlook,
    paged,
    reply,
)
from tests.connectors.server import Reply


def test_the_first_request_selects_and_asks_for_pages_and_immutable_ids() -> None:
    with outlook({"/delta": paged(delta(done="$deltatoken=t1"))}, settings={"page_size": "50"}) as (connector, server):
        [page] = connector.changes("F", "", FIELDS, NothingKnown())
    [request] = server.requests
    assert set(parse_qs(request.path.partition("?")[2])) == {"$select"}
    assert "odata.maxpagesize=50" in request.headers["Prefer"]
    assert 'IdType="ImmutableId"' in request.headers["Prefer"]
    assert (page.last, page.listing) == (True, True)
    assert page.cursor.startswith("news ")


def test_pages_carry_a_cursor_each_and_an_empty_one_does_not_end_the_round() -> None:
    pages = paged(
        delta(contact("A"), following="$skiptoken=1"),
        delta(following="$skiptoken=2"),
        delta(contact("B"), done="$deltatoken=3"),
    )
    with outlook({"/delta": pages}) as (connector, _):
        found = list(connector.changes("F", "", FIELDS, NothingKnown()))
    assert [[one.id for one in page.records] for page in found] == [["A"], [], ["B"]]
    assert [(page.last, page.listing) for page in found] == [(False, True), (False, True), (True, True)]
    assert [page.cursor.partition(" ")[0] for page in found] == ["list", "list", "news"]


def test_a_round_without_end_is_stopped() -> None:
    answers = {"/delta": paged(delta(following="$skiptoken=1"))}
    with outlook(answers) as (connector, server), pytest.raises(Unavailable, match="again and again"):
        list(connector.changes("F", "", FIELDS, NothingKnown()))
    assert len(server.requests) == 2


@pytest.mark.parametrize("link", ["http://127.0.0.1:1/graph/v1.0/x", "https://evil.example/graph/v1.0/x", "/x"])
def test_a_link_to_another_place_is_not_followed(link: str) -> None:
    page = Reply(200, json.dumps(delta(following=link)).encode())
    with outlook({"/delta": page}) as (connector, server), pytest.raises(AddressRefused):
        list(connector.changes("F", "", FIELDS, NothingKnown()))
    assert len(server.requests) == 1


@pytest.mark.parametrize("cursor", ["news https://evil.example/v1.0/x", "rubbish", "news ", "list file:///etc/passwd"])
def test_a_cursor_of_another_place_is_expired_and_not_asked(cursor: str) -> None:
    with outlook({}) as (connector, server), pytest.raises(CursorExpired):
        list(connector.changes("F", cursor, FIELDS, NothingKnown()))
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (410, "SyncStateNotFound"),
        (410, "resyncRequired"),
        (410, ""),
        (400, "syncStateNotFound"),
        (404, "SyncStateInvalid"),
    ],
)
def test_every_form_of_a_lost_cursor_is_expired(status: int, code: str) -> None:
    with outlook({"/delta": reply(error(code), status)}) as (connector, server), pytest.raises(CursorExpired):
        list(connector.changes("F", news_cursor(server), FIELDS, NothingKnown()))


def test_an_error_is_no_lost_cursor() -> None:
    for status, kind in ((403, Forbidden), (500, Unavailable), (404, FolderGone), (418, ConnectorError)):
        with outlook({"/delta": reply(error("x"), status)}) as (connector, server):
            with pytest.raises(kind) as found:
                list(connector.changes("F", news_cursor(server), FIELDS, NothingKnown()))
            assert not isinstance(found.value, CursorExpired)


def test_of_an_item_that_comes_twice_the_last_counts() -> None:
    page = delta(contact("A", "1", givenName="Old"), contact("A", "2", givenName="New"), done="$deltatoken=1")
    with outlook({"/delta": paged(page)}) as (connector, server):
        [found] = connector.changes("F", news_cursor(server), FIELDS, NothingKnown())
    assert [(one.version, one.values["givenName"]) for one in found.records] == [('W/"2"', "New")]


def test_what_comes_in_part_is_read_whole() -> None:
    part = {"@odata.etag": 'W/"2"', "id": "A", "givenName": "New"}
    page = delta(part, contact("B"), done="$deltatoken=1")
    read = batched(lambda one: {"status": 200, "body": contact("A", "2", givenName="New", surname="Maes")})
    with outlook({"/delta": paged(page), "/$batch": read}) as (connector, server):
        [found] = connector.changes("F", news_cursor(server), FIELDS, Known(A="1"))
    assert {one.id: dict(one.values) for one in found.records} == {
        "A": {"givenName": "New", "surname": "Maes"},
        "B": {},
    }
    assert len(server.requests) == 2


def test_in_a_listing_a_property_that_is_left_out_is_empty() -> None:
    item = {name: value for name, value in contact("A", givenName="Anna").items() if value is not None}
    with outlook({"/delta": paged(delta(item, done="$deltatoken=1"))}) as (connector, server):
        [found] = connector.changes("F", "", FIELDS, NothingKnown())
    assert [dict(one.values) for one in found.records] == [{"givenName": "Anna"}]
    assert len(server.requests) == 1


def test_our_own_write_coming_back_is_named_and_costs_nothing_even_with_extended_fields() -> None:
    field = extended.declare("Tier")
    page = delta(contact("A", "7"), done="$deltatoken=1")
    with outlook({"/delta": paged(page)}, declared=[field]) as (connector, server):
        [found] = connector.changes("F", news_cursor(server), [field.key], Known(A="7"))
    assert (found.records, found.unchanged) == ([], ["A"])
    assert len(server.requests) == 1


def test_extended_fields_of_changed_contacts_are_read_by_twenties() -> None:
    field = extended.declare("Tier")
    page = delta(*(contact(f"A{n}") for n in range(45)), done="$deltatoken=1")

    def inner(one: dict[str, Any]) -> dict[str, Any]:
        entry = {"id": field.key.removeprefix(extended.PREFIX), "value": "gold"}
        id = one["url"].partition("?")[0].rpartition("/")[2]
        return {"status": 200, "body": contact(id, singleValueExtendedProperties=[entry])}

    with outlook({"/delta": paged(page), "/$batch": batched(inner)}, declared=[field]) as (connector, server):
        [found] = connector.changes("F", news_cursor(server), [field.key], NothingKnown())
    assert [one.values for one in found.records] == [{field.key: "gold"}] * 45
    assert [len(batch) for batch in server.batches()] == [20, 20, 5]


def removed(id: str, reason: str = "deleted") -> dict[str, Any]:
    return {"id": id, "@removed": {"reason": reason}}


def test_a_removal_is_a_deletion_only_of_what_is_nowhere_else() -> None:
    where = {"MOVED": "OTHER", "TRASHED": "TRASH", "BACK": "F"}

    def inner(one: dict[str, Any]) -> dict[str, Any]:
        id = one["url"].partition("?")[0].rpartition("/")[2]
        if id not in where:
            return {"status": 404, "body": error("ErrorItemNotFound")}
        return {"status": 200, "body": contact(id, parentFolderId=where[id])}

    ids = ["MOVED", "TRASHED", "BACK", "GONE", "VAGUE", "STRANGER"]
    page = delta(*(removed(id, "changed" if id == "VAGUE" else "deleted") for id in ids), done="$deltatoken=1")
    answers = {"/delta": paged(page), "/$batch": batched(around(inner))}
    with outlook(answers) as (connector, server):
        known = Known(MOVED="1", TRASHED="1", BACK="1", GONE="1", VAGUE="1")
        [found] = connector.changes("F", news_cursor(server), FIELDS, known)
    assert {one.id: one.kind for one in found.departures} == {
        "MOVED": DepartureKind.LEFT,
        "TRASHED": DepartureKind.DELETED,
        "GONE": DepartureKind.DELETED,
        "VAGUE": DepartureKind.UNKNOWN,
    }
    assert [one.id for one in found.records] == ["BACK"]


def test_the_deletion_of_what_nobody_knows_is_no_news_and_costs_nothing() -> None:
    with outlook({"/delta": paged(delta(removed("X"), done="$deltatoken=1"))}) as (connector, server):
        [found] = connector.changes("F", news_cursor(server), FIELDS, NothingKnown())
    assert (found.records, found.departures) == ([], [])
    assert len(server.requests) == 1


def test_contacts_may_name_their_folder_in_another_way_than_it_was_asked_for() -> None:
    part = {"@odata.etag": 'W/"2"', "id": "A", "givenName": "New"}
    read = around(lambda one: {"status": 200, "body": contact("A", "2", parentFolderId="F-too")}, here="F-too")
    answers = {"/delta": paged(delta(part, done="$deltatoken=1")), "/$batch": batched(read)}
    with outlook(answers) as (connector, server):
        [found] = connector.changes("F", news_cursor(server), FIELDS, Known(A="1"))
    assert [one.id for one in found.records] == ["A"]
    assert found.departures == []


def test_without_a_known_trash_what_exists_elsewhere_is_not_called_deleted() -> None:
    answers = {
        "/delta": paged(delta(removed("A"), done="$deltatoken=1")),
        "/$batch": batched(around(lambda one: {"status": 200, "body": contact("A", parentFolderId="?")}, trash="")),
    }
    with outlook(answers) as (connector, server):
        [found] = connector.changes("F", news_cursor(server), FIELDS, Known(A="1"))
    assert [one.kind for one in found.departures] == [DepartureKind.LEFT]


def test_a_contact_that_is_listed_but_not_handed_out_is_kept_as_it_is() -> None:
    field = extended.declare("Tier")
    read = batched(lambda one: {"status": 404, "body": error("ErrorItemNotFound")})
    answers = {"/delta": paged(delta(contact("A"), done="$deltatoken=1")), "/$batch": read}
    with outlook(answers, declared=[field]) as (connector, server):
        [found] = connector.changes("F", news_cursor(server), [field.key], NothingKnown())
    [record] = found.records
    assert record.problem
    assert (record.values, found.departures) == ({}, [])


def test_a_note_that_a_list_may_have_cut_is_read_by_id() -> None:
    page = delta(contact("A", personalNotes="n" * 256), contact("B", personalNotes="short"), done="$deltatoken=1")
    read = batched(lambda one: {"status": 200, "body": contact("A", personalNotes="\nwhole")})
    with outlook({"/delta": paged(page), "/$batch": read}) as (connector, _):
        [found] = connector.changes("F", "", ["personalNotes"], NothingKnown())
    assert {one.id: one.values["personalNotes"] for one in found.records} == {"A": "\nwhole", "B": "short"}


def test_a_contact_in_an_unknown_form_is_a_problem_of_its_own() -> None:
    page = delta(contact("A", emailAddresses=["x"]), contact("B", givenName="Bert"), done="$deltatoken=1")
    with outlook({"/delta": paged(page)}) as (connector, _):
        [found] = connector.changes("F", "", FIELDS, NothingKnown())
    bad, good = found.records
    assert "emailAddresses" in bad.problem
    assert (bad.values, good.problem, good.values) == ({}, "", {"givenName": "Bert"})


@pytest.mark.parametrize("body", [b"<html>x</html>", b'{"value": [{"id": ', b'{"value": 1}', b"[]", b"{}"])
def test_rubbish_instead_of_a_page_is_unavailable(body: bytes) -> None:
    with outlook({"/delta": Reply(200, body)}) as (connector, _), pytest.raises((Unavailable, AddressRefused)):
        list(connector.changes("F", "", FIELDS, NothingKnown()))
