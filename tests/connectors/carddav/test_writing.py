from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import (
    AuthLost,
    FenceLost,
    FieldType,
    NothingKnown,
    Outcome,
    Record,
    Throttled,
    Unavailable,
    Write,
    WriteKind,
    WriteResult,
)
from connectors.carddav import APP
from connectors.carddav.connector import CardDav
from connectors.carddav.vcard import Card
from tests.connectors.carddav.conftest import connect
from tests.connectors.carddav.proxy import Proxy
from tests.connectors.carddav.radicale import RadicaleServer
from tests.connectors.carddav.standin import BOOK, StandIn
from tests.connectors.carddav.test_changes import card
from tests.connectors.host import make_host
from tests.connectors.server import Reply, Request, serve


@pytest.fixture
def standin() -> StandIn:
    return StandIn()


@pytest.fixture
def quirky(standin: StandIn) -> Iterator[CardDav]:
    with serve(standin) as url:
        yield CardDav(make_host(url + BOOK))


def create(marker: str, **values: Any) -> Write:
    return Write(WriteKind.CREATE, marker, values={"fn": marker, **values})


def update(record: Record, body: str | None = None, **values: Any) -> Write:
    body = record.body if body is None else body
    return Write(WriteKind.UPDATE, "m", record.id, record.version, values, current=record.values, body=body)


def delete(record: Record) -> Write:
    return Write(WriteKind.DELETE, "m", record.id, record.version)


def only(connector: CardDav, write: Write) -> WriteResult:
    (result,) = connector.write(BOOK, [write], [])
    return result


def record(connector: CardDav, name: str) -> Record:
    found = connector.read(BOOK, [BOOK + name], [])[BOOK + name]
    assert isinstance(found, Record)
    return found


def outcomes(results: Any) -> list[str]:
    return [str(result.outcome) for result in results]


def test_a_batch_costs_a_request_per_card_and_one_reading(standin: StandIn, quirky: CardDav) -> None:
    results = quirky.write(BOOK, [create(f"m{number}") for number in range(30)], [])
    assert outcomes(results) == ["done"] * 30
    assert standin.methods() == ["PUT"] * 30 + ["REPORT"]
    assert quirky.http.sent == {"write": 30, "read": 1}


@pytest.mark.parametrize(("answers_etag", "weak"), [(False, False), (True, True), (True, False)])
def test_what_a_server_makes_of_a_card_is_what_the_record_shows(
    standin: StandIn, quirky: CardDav, answers_etag: bool, weak: bool
) -> None:
    standin.answers_etag, standin.weak_etag = answers_etag, weak
    standin.rewrites = lambda text: text.replace("NOTE:long", "NOTE:cut")
    result = only(quirky, create("m1", note="long"))
    assert result.record is not None
    assert result.record.values["note"] == "cut"
    assert result.record == record(quirky, "m1.vcf")
    assert quirky.find(BOOK, ["m1"], [])["m1"] == result.record


def test_an_edit_between_our_write_and_our_reading_is_not_taken_for_ours(standin: StandIn, quirky: CardDav) -> None:
    def edited(request: Request) -> bool:
        if request.method == "REPORT" and "m1.vcf" in standin.cards:
            standin.override = lambda request: False
            standin.put("m1.vcf", standin.cards["m1.vcf"].replace("NOTE:ours", "NOTE:theirs"))
        return False

    standin.override = edited
    result = only(quirky, create("m1", note="ours"))
    assert result.record is not None
    assert result.record.values["note"] == "ours"
    assert result.record.version != record(quirky, "m1.vcf").version
    assert only(quirky, update(result.record, title="x")).outcome == Outcome.STALE


def test_a_repeated_create_is_the_same_card(standin: StandIn, quirky: CardDav) -> None:
    first = only(quirky, create("m1", note="a"))
    again = only(quirky, create("m1", note="b"))
    assert again == first
    assert len(standin.cards) == 1


def test_a_server_that_gives_a_card_another_uid_is_still_idempotent(standin: StandIn, quirky: CardDav) -> None:
    standin.rewrites = lambda text: text.replace("UID:m1", "UID:server-made")
    first, again = only(quirky, create("m1")), only(quirky, create("m1"))
    assert first.record is not None
    assert (again, first.record.uid) == (first, "server-made")
    assert list(standin.cards) == ["m1.vcf"]


def test_an_update_changes_the_card_as_it_was_read(standin: StandIn, quirky: CardDav) -> None:
    standin.put("a.vcf", card("a", "X-OWN;X=1:kept", "item1.TEL:1", "item1.X-ABLabel:Boat"))
    done = only(quirky, update(record(quirky, "a.vcf"), title="Chief"))
    assert done.outcome == Outcome.DONE
    assert standin.cards["a.vcf"] == card("a", "X-OWN;X=1:kept", "item1.TEL:1", "item1.X-ABLabel:Boat", "TITLE:Chief")


def test_a_patch_that_changes_nothing_sends_nothing(standin: StandIn, quirky: CardDav) -> None:
    standin.put("a.vcf", card("a", "TITLE:Chief"))
    before = record(quirky, "a.vcf")
    standin.requests.clear()
    done = only(quirky, update(before, title="Chief"))
    assert (done.outcome, done.record and done.record.version) == (Outcome.DONE, before.version)
    assert standin.requests == []


@pytest.mark.parametrize("body", [None, ""], ids=["photo left out", "no body"])
def test_a_body_that_is_not_whole_is_read_again_once_for_the_batch(
    standin: StandIn, quirky: CardDav, body: str | None
) -> None:
    photo = "PHOTO;ENCODING=b:" + "A" * 70_000
    for name in ("a", "b"):
        standin.put(f"{name}.vcf", card(name, photo))
    before = [record(quirky, f"{name}.vcf") for name in ("a", "b")]
    assert all(len(one.body) < 1000 for one in before)
    standin.requests.clear()
    results = quirky.write(BOOK, [update(one, body, title="Chief") for one in before], [])
    assert outcomes(results) == ["done", "done"]
    assert standin.methods() == ["REPORT", "PUT", "PUT", "REPORT"]
    assert standin.cards["a.vcf"] == card("a", photo, "TITLE:Chief")


def test_a_body_read_again_must_be_the_version_decided_on(standin: StandIn, quirky: CardDav) -> None:
    standin.put("a.vcf", card("a"))
    before = record(quirky, "a.vcf")
    standin.put("a.vcf", card("a", "NOTE:theirs"))
    assert only(quirky, update(before, "", title="Chief")).outcome == Outcome.STALE
    standin.remove("a.vcf")
    assert only(quirky, update(before, "", title="Chief")).outcome == Outcome.GONE


def test_without_a_version_nothing_is_overwritten_or_deleted(standin: StandIn, quirky: CardDav) -> None:
    standin.put("a.vcf", card("a"))
    before = replace(record(quirky, "a.vcf"), version="")
    standin.requests.clear()
    assert outcomes(quirky.write(BOOK, [update(before, title="Chief"), delete(before)], [])) == ["stale", "stale"]
    assert standin.methods() == ["REPORT"]


def test_a_card_that_cannot_be_read_is_never_written(standin: StandIn, quirky: CardDav) -> None:
    standin.put("a.vcf", "garbage")
    result = only(quirky, update(record(quirky, "a.vcf"), title="Chief"))
    assert result.outcome == Outcome.REFUSED
    assert "not a readable vCard" in result.reason
    assert standin.cards["a.vcf"] == "garbage"


def test_stale_and_gone_are_told_apart(standin: StandIn, quirky: CardDav) -> None:
    for name in ("a", "b", "c", "d"):
        standin.put(f"{name}.vcf", card(name))
    a, b, c, d = [record(quirky, f"{name}.vcf") for name in ("a", "b", "c", "d")]
    for name in ("a", "b"):
        standin.put(f"{name}.vcf", card(name, "NOTE:theirs"))
    standin.remove("c.vcf")
    standin.remove("d.vcf")
    results = quirky.write(BOOK, [update(a, title="x"), delete(b), update(c, title="x"), delete(d)], [])
    assert outcomes(results) == ["stale", "stale", "gone", "gone"]


@pytest.mark.parametrize(
    ("status", "condition", "outcome", "word"),
    [
        (403, "<need-privileges/>", Outcome.REFUSED, "not write"),
        (403, "", Outcome.REFUSED, "not write"),
        (403, "<C:valid-address-data/>", Outcome.REFUSED, "valid vCard"),
        (412, "<C:valid-address-data/>", Outcome.REFUSED, "valid vCard"),
        (415, "<C:supported-address-data/>", Outcome.REFUSED, "version"),
        (400, "", Outcome.REFUSED, "400"),
        (413, "", Outcome.REFUSED, "larger"),
        (403, "<C:max-resource-size/>", Outcome.REFUSED, "larger"),
        (423, "", Outcome.LATER, "locked"),
        (507, "", Outcome.LATER, "room"),
        (500, "", Outcome.UNKNOWN, "500"),
        (501, "", Outcome.REFUSED, "501"),
    ],
)
def test_each_refusal_has_its_outcome_and_a_reason(
    standin: StandIn, quirky: CardDav, status: int, condition: str, outcome: Outcome, word: str
) -> None:
    standin.put("a.vcf", card("a"))
    before = record(quirky, "a.vcf")
    body = f'<error xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">{condition}</error>'.encode()
    standin.override = lambda request: Reply(status, body) if request.method in {"PUT", "DELETE"} else False
    for write in (create("m1"), update(before, title="x"), delete(before)):
        result = only(quirky, write)
        assert result.outcome == outcome
        assert word in result.reason


def test_one_refused_card_does_not_hold_up_the_batch(standin: StandIn, quirky: CardDav) -> None:
    standin.override = lambda request: Reply(400) if request.path.endswith("m1.vcf") else False
    results = quirky.write(BOOK, [create("m0"), create("m1"), create("m2")], [])
    assert outcomes(results) == ["done", "refused", "done"]


def test_unknown_and_read_only_fields_are_refused_by_name(quirky: CardDav) -> None:
    for key in ("uid", "nonsense"):
        result = only(quirky, create("m1", **{key: "x"}))
        assert (result.outcome, result.field) == (Outcome.REFUSED, key)


# ---- trouble in the middle of a batch


def after(count: int, reply: Reply | None) -> Any:
    """Answers writes from the one after `count` with a reply."""
    seen: list[Request] = []

    def answer(request: Request) -> Reply | None | bool:
        if request.method != "PUT":
            return False
        seen.append(request)
        return reply if len(seen) > count else False

    return answer


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(401), "later"),
        (Reply(429, headers={"Retry-After": "9"}), "later"),
        (Reply(503), "later"),
        (None, "unknown"),
        (Reply(502), "unknown"),
    ],
)
def test_trouble_in_the_middle_keeps_what_was_done_and_sends_nothing_more(
    standin: StandIn, quirky: CardDav, reply: Reply | None, outcome: str
) -> None:
    standin.override = after(1, reply)
    results = quirky.write(BOOK, [create(f"m{number}") for number in range(4)], [])
    assert outcomes(results) == ["done", outcome, "later", "later"]
    assert standin.methods().count("PUT") == 2
    assert all(result.reason for result in results[1:])
    if isinstance(reply, Reply) and reply.status == 429:
        assert results[1].after == 9


@pytest.mark.parametrize(
    ("reply", "kind"), [(Reply(401), AuthLost), (Reply(429), Throttled), (Reply(503), Unavailable)]
)
def test_trouble_with_the_very_first_write_is_the_accounts(
    standin: StandIn, quirky: CardDav, reply: Reply, kind: type[Exception]
) -> None:
    standin.override = after(0, reply)
    with pytest.raises(kind):
        quirky.write(BOOK, [create("m1"), create("m2")], [])
    assert standin.cards == {}


def test_a_first_write_without_an_answer_is_unknown(standin: StandIn, quirky: CardDav) -> None:
    standin.override = after(0, None)
    assert outcomes(quirky.write(BOOK, [create("m1"), create("m2")], [])) == ["unknown", "later"]


def test_a_lost_reading_after_the_writes_loses_no_result(standin: StandIn, quirky: CardDav) -> None:
    standin.override = lambda request: None if request.method == "REPORT" else False
    result = only(quirky, create("m1", note="x"))
    assert result.outcome == Outcome.DONE
    assert result.record is not None
    assert result.record.values["note"] == "x"
    standin.override = lambda request: False
    assert record(quirky, "m1.vcf").version == result.record.version


def test_a_fallen_fence_stops_at_once(standin: StandIn) -> None:
    left = 1

    def fence() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise FenceLost("Another worker has taken over.")

    with serve(standin) as url:
        connector = CardDav(make_host(url + BOOK, fence=fence))
        with pytest.raises(FenceLost):
            connector.write(BOOK, [create("m1"), create("m2"), create("m3")], [])
    assert list(standin.cards) == ["m1.vcf"]


# ---- on a real server


def test_a_uid_that_is_there_under_another_name_is_named(server: RadicaleServer, connector: CardDav) -> None:
    server.put_card("other", card("m1", "N:;;;;"))
    (result,) = connector.write(server.folder, [create("m1")], [])
    assert (result.outcome, result.existing) == (Outcome.REFUSED, f"{server.folder}other.vcf")


def test_labels_are_categories(server: RadicaleServer, connector: CardDav) -> None:
    path = server.put_card("a", card("a", "N:;;;;", "CATEGORIES:Old,Kept"))
    before = connector.read(server.folder, [path], [])[path]
    assert isinstance(before, Record)
    assert before.labels == {"Old", "Kept"}
    change = Write(
        WriteKind.UPDATE,
        "m",
        path,
        before.version,
        {},
        frozenset({"New, really"}),
        frozenset({"Old"}),
        body=before.body,
    )
    (result,) = connector.write(server.folder, [change], ["fn"])
    assert result.record is not None
    assert result.record.labels == {"Kept", "New, really"}
    assert [label.name for label in connector.labels(server.folder)] == ["Kept", "New, really"]


def test_every_field_survives_a_real_server(server: RadicaleServer, connector: CardDav) -> None:
    values: dict[str, Any] = {
        "fn": "Dr. Zoë O'Neil, Jr.",
        "n.given": "Zoë",
        "n.family": "O'Neil; von",
        "nickname": "Z, Zed",
        "org": "Example, Inc.",
        "org.unit": "R&D; Lab",
        "email": [{"value": "a@example.com", "type": "work"}, {"value": "b@example.com", "label": "Boat, red"}],
        "tel.mobile": [{"value": "+32 470 1"}],
        "tel.work_fax": [{"value": "+32 2 1"}],
        "adr.home.street": "1 Example Street\nGate 2",
        "adr.other.city": "Ghent",
        "bday": "--02-29",
        "anniversary": "2001-05-06",
        "note": "a\n\nb; c, d \\ e",
        "url": [{"value": "https://example.com/?a=1", "type": "home"}],
        "im": [{"value": "xmpp:a@example.com"}],
        "related.spouse": "Kim, Jr.",
        "related.child": [{"value": "Leo"}, {"value": "Mia"}],
        "related.other": [{"value": "Pat", "label": "Godmother"}],
        "categories": [{"value": "A, B"}, {"value": "C"}],
        "gender": "female",
    }
    (result,) = connector.write(server.folder, [Write(WriteKind.CREATE, "m1", values=values)], [])
    assert result.record is not None
    shown = dict(result.record.values)
    assert shown.pop("uid") == "m1"
    assert shown == values
    (page,) = connector.changes(server.folder, "", [], NothingKnown())
    assert page.records == [result.record]


def test_a_lost_answer_to_an_update_is_unknown_and_the_truth_can_be_read(
    server: RadicaleServer, connector: CardDav, between: Proxy
) -> None:
    path = server.put_card("a", card("a", "N:;;;;"))
    before = connector.read(server.folder, [path], [])[path]
    assert isinstance(before, Record)
    between.lose_next_write()
    (result,) = connector.write(server.folder, [update(before, title="Chief")], [])
    assert result.outcome == Outcome.UNKNOWN
    assert Card(server.cards()["a"]).text_of("TITLE") == "Chief"


def test_a_declared_property_is_tried_on_a_real_card(server: RadicaleServer, between: Proxy) -> None:
    assert APP.declare is not None
    field = APP.declare("X-Customer-Id", FieldType.TEXT)
    connector = connect(between.url + "/", server)
    assert connector.try_declared(server.folder, field) is None
    server.put_card("a", card("a", "N:;;;;", "X-CUSTOMER-ID:12"))
    assert connector.try_declared(server.folder, field) == "12"
    for name in ("customer", "X-ABLABEL", "X-"):
        with pytest.raises(ValueError, match=r"\.$"):
            APP.declare(name, FieldType.TEXT)
    with pytest.raises(ValueError, match="holds text"):
        APP.declare("X-AGE", FieldType.NUMBER)
