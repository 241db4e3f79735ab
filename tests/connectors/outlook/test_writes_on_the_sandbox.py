"""The connector against the sandbox, over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import (
    NothingKnown,
    Outcome,
    Throttled,
    Write,
    WriteKind,
)
from connectors.sandbox import Sandbox
from tests.connectors.outlook.conftest import Account, contacts_of
from tests.connectors.outlook.steps import ANNA, KEYS, creates, listed, news, read_one, record_of, update


def test_n_creates_are_n_twentieths_of_a_request(account: Account) -> None:
    connector = account.connect()
    folder = contacts_of(connector)
    before = account.requests()
    results = connector.write(folder, creates(45), KEYS)
    assert account.requests() - before == 3
    assert [record_of(one).values["givenName"] for one in results] == [f"P{n}" for n in range(45)]


def test_our_writes_coming_back_are_unchanged(account: Account) -> None:
    account.settings["page_size"] = "200"
    account.load(ANNA)
    connector = account.connect()
    folder = contacts_of(connector)
    records, cursor = listed(connector, folder)
    [anna] = records.values()
    results = connector.write(folder, [*creates(2), update(anna, surname="Peeters")], KEYS)
    shown = [record_of(one) for one in results]
    before = account.requests()
    [page] = news(connector, folder, cursor, *shown)
    assert page.records == []
    assert set(page.unchanged) == {record.id for record in shown}
    assert account.requests() - before == 1


def test_a_lost_answer_before_the_effect_leaves_nothing_to_find(account: Account) -> None:
    connector = account.connect()
    folder = contacts_of(connector)
    account.fault("drop", path=r"\$batch$", when="before")
    sent = creates(3)
    assert {one.outcome for one in connector.write(folder, sent, KEYS)} == {Outcome.UNKNOWN}
    assert connector.find(folder, [one.marker for one in sent], KEYS) == {}
    assert account.contacts() == []


@pytest.mark.parametrize(
    "fault", [("drop", {"when": "after"}), ("error", {"status": 504, "when": "after"}), ("truncate", {})]
)
def test_a_lost_answer_after_the_effect_is_found_by_its_marker(
    account: Account, fault: tuple[str, dict[str, Any]]
) -> None:
    kind, options = fault
    connector = account.connect()
    folder = contacts_of(connector)
    account.fault(kind, path=r"\$batch$", **options)
    sent = creates(3)
    assert {one.outcome for one in connector.write(folder, sent, KEYS)} == {Outcome.UNKNOWN}
    found = connector.find(folder, [one.marker for one in sent], KEYS)
    assert {marker: record.values["givenName"] for marker, record in found.items()} == {
        f"marker-{n}": f"P{n}" for n in range(3)
    }
    assert len(account.contacts()) == 3


def test_inside_a_batch_each_write_has_its_own_fate(account: Account) -> None:
    ids = account.load(ANNA, ANNA, ANNA)
    connector = account.connect()
    folder = contacts_of(connector)
    records, _ = listed(connector, folder)
    fresh, stale, gone = (records[id] for id in ids)
    account.edit(stale.id, surname="Edited")
    account.api.remove(account.email, gone.id)
    writes = [
        update(fresh, surname="Peeters"),
        update(stale, surname="Peeters"),
        update(gone, surname="Peeters"),
        *creates(1, emailAddresses=[{"value": f"a{n}@example.com"} for n in range(4)]),
        *creates(1, businessPhones=[{"value": f"+32 {n}"} for n in range(3)]),
        Write(WriteKind.CREATE, "ok", values={"surname": "Fine"}),
        Write(WriteKind.DELETE, "d", gone.id, gone.version),
        Write(WriteKind.DELETE, "d", stale.id, stale.version),
    ]
    results = connector.write(folder, writes, KEYS)
    assert [one.outcome for one in results] == [
        Outcome.DONE,
        Outcome.STALE,
        Outcome.GONE,
        Outcome.REFUSED,
        Outcome.REFUSED,
        Outcome.DONE,
        Outcome.GONE,
        Outcome.STALE,
    ]
    assert (results[3].field, results[4].field) == ("emailAddresses", "businessPhones")
    assert "at most 3" in results[3].reason
    assert sorted(one["surname"] for one in account.contacts()) == ["Edited", "Fine", "Peeters"]


def test_throttling_inside_a_batch_hits_one_write_and_outside_all(account: Account) -> None:
    connector = account.connect()
    folder = contacts_of(connector)
    account.fault("throttle", path="/contacts$", inner=True, nth=2, retry_after=3.5)
    results = connector.write(folder, creates(3), KEYS)
    assert [one.outcome for one in results].count(Outcome.LATER) == 1
    assert next(one.after for one in results if one.outcome == Outcome.LATER) == 3.5
    assert len(account.contacts()) == 2
    connector = account.connect()
    account.fault("throttle", path=r"\$batch$", retry_after=4)
    results = connector.write(folder, creates(3), KEYS)
    assert [(one.outcome, one.after) for one in results] == [(Outcome.LATER, 4.0)] * 3
    assert len(account.contacts()) == 2


def test_throttled_reading_waits_and_loses_nothing(account: Account) -> None:
    account.load(*[ANNA] * 12)
    connector = account.connect()
    folder = contacts_of(connector)
    pages = connector.changes(folder, "", KEYS, NothingKnown())
    first = next(iter(pages))
    account.fault("throttle", path="/delta$", retry_after=2)
    with pytest.raises(Throttled) as error:
        next(iter(pages))
    assert error.value.after == 2
    rest = list(account.connect().changes(folder, first.cursor, KEYS, NothingKnown()))
    assert len(first.records) + sum(len(page.records) for page in rest) == 12
    assert all(page.listing for page in rest)


def test_an_error_inside_a_batch_after_the_effect_is_unknown_and_found(account: Account) -> None:
    connector = account.connect()
    folder = contacts_of(connector)
    account.fault("error", path="/contacts$", inner=True, status=504, when="after")
    results = connector.write(folder, creates(2), KEYS)
    assert sorted(one.outcome for one in results) == [Outcome.DONE, Outcome.UNKNOWN]
    assert len(connector.find(folder, ["marker-0", "marker-1"], KEYS)) == 2


def test_a_patch_without_a_body_in_its_answer_still_shows_the_contact(sandbox: Sandbox) -> None:
    account = Account(sandbox, switches={"patch_returns_body": False})
    account.load(ANNA)
    connector = account.connect()
    folder = contacts_of(connector)
    [anna] = listed(connector, folder)[0].values()
    shown = record_of(connector.write(folder, [update(anna, surname="Peeters")], KEYS)[0])
    assert shown.values["surname"] == "Peeters"
    account.close()


def test_what_a_mapping_does_not_speak_of_stays(account: Account) -> None:
    address = {"street": "Main 1", "city": "Ghent", "state": "OV", "countryOrRegion": "BE", "postalCode": "9000"}
    [id] = account.load(
        {
            **ANNA,
            "displayName": "Mum",
            "businessAddress": address,
            "emailAddresses": [{"address": "a@example.com", "name": "Private"}],
            "personalNotes": "Long\nnote",
        }
    )
    connector = account.connect()
    folder = contacts_of(connector)
    few = ["givenName", "businessAddress.city", "emailAddresses"]
    record = read_one(connector, folder, id, few)
    patch = {"givenName": "Ann", "businessAddress.city": "Bruges"}
    patch["emailAddresses"] = [{"value": "b@example.com"}, {"value": "a@example.com"}]  # type: ignore[assignment]
    assert connector.write(folder, [update(record, **patch)], few)[0].outcome == Outcome.DONE
    [held] = account.contacts()
    assert held["displayName"] == "Mum"
    assert held["businessAddress"] == {**address, "city": "Bruges"}
    assert held["emailAddresses"][1] == {"address": "a@example.com", "name": "Private"}
    assert (held["personalNotes"], held["surname"]) == ("Long\nnote", "Maes")


def test_a_large_note_among_others_costs_no_more_than_itself(account: Account) -> None:
    connector = account.connect()
    folder = contacts_of(connector)
    writes = creates(4)
    writes[1] = creates(1, personalNotes="n" * 5_000_000)[0]
    results = connector.write(folder, writes, ["givenName"])
    assert [one.outcome for one in results] == [Outcome.DONE, Outcome.REFUSED, Outcome.DONE, Outcome.DONE]
    assert "larger" in results[1].reason


def test_markers_are_looked_up_by_twenties_and_only_those_in_the_folder_count(account: Account) -> None:
    connector = account.connect()
    folder = contacts_of(connector)
    made = [record_of(one) for one in connector.write(folder, creates(25), KEYS)]
    account.api.remove(account.email, made[0].id)
    before = account.requests()
    found = connector.find(folder, [f"marker-{n}" for n in range(40)], KEYS)
    assert set(found) == {f"marker-{n}" for n in range(1, 25)}
    assert account.requests() - before == 3  # two batches, and what lies around the folder
