from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.base import (
    ConnectorError,
    FenceLost,
    FolderGone,
    Forbidden,
    Outcome,
    Throttled,
    Unsupported,
    Write,
    WriteKind,
)
from connectors.outlook import extended
from tests.connectors.outlook.scripted import (
    FIELDS,
    batched,
    contact,
    creates,
    error,
    made,
    outlook,
    reply,
)
from tests.connectors.server import Reply, Request


def test_a_create_carries_its_marker_and_wants_the_contact_back() -> None:
    with outlook({"/$batch": batched(made)}) as (connector, server):
        [result] = connector.write("F", creates(1), FIELDS)
    [[sent]] = server.batches()
    assert (sent["method"], sent["url"]) == ("POST", "/me/contactFolders/F/contacts")
    assert sent["body"]["singleValueExtendedProperties"] == [{"id": extended.MARKER, "value": "m0"}]
    assert "return=representation" in sent["headers"]["Prefer"]
    assert 'IdType="ImmutableId"' in sent["headers"]["Prefer"]
    assert result.record is not None
    assert (result.outcome, result.record.id, result.record.marker) == (Outcome.DONE, "C0", "m0")


def test_twenty_writes_are_one_request_and_forty_one_are_three() -> None:
    for count, requests in ((20, 1), (41, 3)):
        with outlook({"/$batch": batched(made)}) as (connector, server):
            results = connector.write("F", creates(count), FIELDS)
        assert [one.outcome for one in results] == [Outcome.DONE] * count
        assert len(server.requests) == requests


@pytest.mark.parametrize(
    ("status", "code", "created", "updated", "deleted"),
    [
        (412, "ErrorIrresolvableConflict", Outcome.LATER, Outcome.STALE, Outcome.STALE),
        (409, "ErrorIrresolvableConflict", Outcome.LATER, Outcome.STALE, Outcome.STALE),
        (404, "ErrorItemNotFound", FolderGone, Outcome.GONE, Outcome.GONE),
        (400, "ErrorInvalidIdMalformed", FolderGone, Outcome.GONE, Outcome.GONE),
        (400, "ErrorInvalidProperty", Outcome.REFUSED, Outcome.REFUSED, Outcome.REFUSED),
        (413, "RequestEntityTooLarge", Outcome.REFUSED, Outcome.REFUSED, Outcome.REFUSED),
        (429, "TooManyRequests", Outcome.LATER, Outcome.LATER, Outcome.LATER),
        (503, "ApplicationThrottled", Outcome.LATER, Outcome.LATER, Outcome.LATER),
        (503, "ServiceUnavailable", Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (500, "ErrorInternalServerError", Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (504, "GatewayTimeout", Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (507, "ErrorQuotaExceeded", Outcome.LATER, Outcome.LATER, Outcome.LATER),
        (424, "FailedDependency", Outcome.LATER, Outcome.LATER, Outcome.LATER),
    ],
)
def test_each_status_has_its_outcome(
    status: int, code: str, created: Outcome | type, updated: Outcome, deleted: Outcome
) -> None:
    writes = [
        creates(1)[0],
        Write(WriteKind.UPDATE, "m", "A", 'W/"1"', {"givenName": "x"}),
        Write(WriteKind.DELETE, "m", "A", 'W/"1"'),
    ]
    found: list[Any] = []
    for write in writes:
        with outlook({"/$batch": batched(lambda one: {"status": status, "body": error(code)})}) as (connector, server):
            try:
                found.append(connector.write("F", [write], FIELDS)[0].outcome)
            except ConnectorError as raised:
                found.append(type(raised))
        assert server.batches()[0][0]["headers"].get("If-Match") == (write.version or None)
    assert found == [created, updated, deleted]


def test_one_throttled_write_waits_as_told_and_slows_the_account_down() -> None:
    def inner(one: dict[str, Any]) -> dict[str, Any]:
        refused = {"status": 429, "body": error("TooManyRequests"), "headers": {"Retry-After": "7.5"}}
        return refused if one["id"] == "1" else made(one)

    with outlook({"/$batch": batched(inner)}) as (connector, _):
        results = connector.write("F", creates(3), FIELDS)
        assert [one.outcome for one in results] == [Outcome.DONE, Outcome.LATER, Outcome.DONE]
        assert results[1].after == 7.5
        with pytest.raises(Throttled):
            connector.host.limits.before("write")


def test_a_batch_turned_away_as_a_whole_is_later_and_was_sent_once() -> None:
    refused = reply(error("TooManyRequests"), 429, **{"Retry-After": "9"})
    with outlook({"/$batch": refused}) as (connector, server):
        results = connector.write("F", creates(2), FIELDS)
    assert [(one.outcome, one.after) for one in results] == [(Outcome.LATER, 9.0)] * 2
    assert len(server.requests) == 1


def whole(request: Request) -> Reply:
    answer = batched(made)(request)
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    "answer",
    [
        None,
        lambda request: Reply(200, whole(request).body, cut_after=40),
        lambda request: Reply(200, whole(request).body[:40]),
        Reply(200, b"<html>proxy</html>"),
        Reply(502, b"<html>bad gateway</html>"),
        reply(error("GatewayTimeout"), 504),
        reply({"responses": []}),
        reply({"responses": "x"}),
    ],
    ids=["cut", "half", "half-json", "html", "502", "504", "nothing", "rubbish"],
)
def test_an_answer_that_is_none_makes_every_write_unknown_and_is_not_repeated(answer: Any) -> None:
    with outlook({"/$batch": [answer]}) as (connector, server):
        results = connector.write("F", creates(2), FIELDS)
    assert [one.outcome for one in results] == [Outcome.UNKNOWN] * 2
    assert len(server.requests) == 1


def test_an_answer_that_is_missing_is_unknown_and_the_others_are_done() -> None:
    with outlook({"/$batch": batched(lambda one: None if one["id"] == "1" else made(one))}) as (connector, _):
        results = connector.write("F", creates(3), FIELDS)
    assert [one.outcome for one in results] == [Outcome.DONE, Outcome.UNKNOWN, Outcome.DONE]
    assert [one.record.id if one.record else "" for one in results] == ["C0", "", "C2"]


def test_a_create_without_a_contact_in_its_answer_is_unknown() -> None:
    with outlook({"/$batch": batched(lambda one: {"status": 201, "body": {}})}) as (connector, _):
        [result] = connector.write("F", creates(1), FIELDS)
    assert result.outcome == Outcome.UNKNOWN


def test_an_update_without_an_answer_body_is_read_back() -> None:
    def inner(one: dict[str, Any]) -> dict[str, Any]:
        return {"status": 204} if one["method"] == "PATCH" else {"status": 200, "body": contact("A", "2", surname="M")}

    with outlook({"/$batch": batched(inner)}) as (connector, server):
        [result] = connector.write("F", [Write(WriteKind.UPDATE, "m", "A", 'W/"1"', {"surname": "M"})], FIELDS)
    assert result.outcome == Outcome.DONE
    assert result.record is not None
    assert (result.record.version, result.record.values) == ('W/"2"', {"surname": "M"})
    assert len(server.requests) == 2


def test_a_batch_that_the_service_cannot_take_is_taken_apart_until_one_is_at_fault() -> None:
    def answer(request: Request) -> Reply | None:
        sent = json.loads(request.body)["requests"]
        if any(one["body"]["givenName"] == "bad" for one in sent):
            return reply(error("BadRequest", "Invalid batch payload format."), 400)
        return batched(made)(request)

    writes = creates(20)
    writes[13] = creates(1, "bad")[0]
    with outlook({"/$batch": answer}) as (connector, _):
        results = connector.write("F", writes, FIELDS)
    assert [one.outcome for one in results] == [Outcome.DONE] * 13 + [Outcome.REFUSED] + [Outcome.DONE] * 6
    assert results[13].reason


def test_what_concerns_the_whole_account_is_no_fault_of_a_record() -> None:
    for status, code, kind in (
        (403, "ErrorAccessDenied", Forbidden),
        (404, "MailboxNotEnabledForRESTAPI", Unsupported),
        (404, "ErrorFolderNotFound", FolderGone),
    ):
        refused = {"status": status, "body": error(code)}
        answers = {"/$batch": batched(lambda one, refused=refused: refused)}  # type: ignore[misc]
        with outlook(answers) as (connector, _), pytest.raises(kind):
            connector.write("F", creates(2), FIELDS)


def test_one_forbidden_contact_among_others_is_refused_alone() -> None:
    def inner(one: dict[str, Any]) -> dict[str, Any]:
        return {"status": 403, "body": error("ErrorAccessDenied")} if one["id"] == "0" else made(one)

    with outlook({"/$batch": batched(inner)}) as (connector, _):
        results = connector.write("F", creates(2), FIELDS)
    assert [one.outcome for one in results] == [Outcome.REFUSED, Outcome.DONE]


def test_a_value_outlook_cannot_hold_is_refused_before_anything_leaves() -> None:
    writes = [creates(1)[0], Write(WriteKind.CREATE, "m9", values={"birthday": "--02-29"})]
    with outlook({"/$batch": batched(made)}) as (connector, server):
        results = connector.write("F", writes, FIELDS)
        assert connector.write("F", writes[1:], FIELDS)[0].outcome == Outcome.REFUSED
    assert [one.outcome for one in results] == [Outcome.DONE, Outcome.REFUSED]
    assert (results[1].field, len(server.batches()), len(server.batches()[0])) == ("birthday", 1, 1)


def test_an_update_that_changes_nothing_writes_nothing() -> None:
    with outlook({"/$batch": batched(lambda one: {"status": 200, "body": contact("A")})}) as (connector, server):
        [result] = connector.write("F", [Write(WriteKind.UPDATE, "m", "A", 'W/"1"')], FIELDS)
    assert result.outcome == Outcome.DONE
    assert [one["method"] for one in server.batches()[0]] == ["GET"]


def test_without_its_body_a_contact_is_read_again_before_anything_in_it_can_be_lost() -> None:
    labelled = Write(WriteKind.UPDATE, "m", "A", 'W/"1"', add_labels=frozenset({"VIP"}))
    moved_house = Write(WriteKind.UPDATE, "m", "A", 'W/"1"', {"homeAddress.city": "Ghent"})
    with outlook({}) as (connector, server):
        results = connector.write("F", [labelled, moved_house], FIELDS)
    assert [one.outcome for one in results] == [Outcome.STALE] * 2
    assert server.requests == []


def test_a_worker_that_lost_its_lease_sends_nothing() -> None:
    def lost() -> None:
        raise FenceLost("Another worker has taken over.")

    with outlook({"/$batch": batched(made)}, fence=lost) as (connector, server):
        with pytest.raises(FenceLost):
            connector.write("F", creates(1), FIELDS)
        assert server.requests == []


def test_extended_fields_are_read_back_once_for_the_whole_batch() -> None:
    field = extended.declare("Tier")
    id = field.key.removeprefix(extended.PREFIX)

    def inner(one: dict[str, Any]) -> dict[str, Any]:
        if one["method"] == "POST":
            return {"status": 201, "body": contact("C" + one["id"])}
        number = one["url"].partition("?")[0].rpartition("/")[2]
        entry = {"id": id, "value": "gold"}
        return {"status": 200, "body": contact(number, singleValueExtendedProperties=[entry])}

    writes = [Write(WriteKind.CREATE, f"m{n}", values={field.key: "gold"}) for n in range(3)]
    with outlook({"/$batch": batched(inner)}, declared=[field]) as (connector, server):
        results = connector.write("F", writes, [field.key])
    assert len(server.requests) == 2
    assert [one.record.values if one.record else None for one in results] == [{field.key: "gold"}] * 3
    sent = server.batches()[0][0]["body"]["singleValueExtendedProperties"]
    assert {"id": id, "value": "gold"} in sent


def test_a_write_that_cannot_be_read_back_is_unknown() -> None:
    field = extended.declare("Tier")
    answers = [batched(lambda one: {"status": 201, "body": contact("C0")}), reply(error("x"), 500)]
    with outlook({"/$batch": answers}, declared=[field]) as (connector, _):
        [result] = connector.write("F", [Write(WriteKind.CREATE, "m", values={field.key: "x"})], [field.key])
    assert result.outcome == Outcome.UNKNOWN
