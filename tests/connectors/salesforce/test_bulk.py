"""Very many creates go to Salesforce in one job, and whatever becomes of the job, nobody is made twice or forgotten."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import ConnectorError, FenceLost, Outcome, Value, Write, WriteKind, WriteResult
from connectors.salesforce import bulk
from connectors.salesforce.connector import Salesforce
from connectors.salesforce.errors import Problem
from tests.connectors.conformance import marker
from tests.connectors.salesforce.conftest import MARK, Account

MANY = 205
JOBS = "/services/data/jobs/ingest"


def people(count: int = MANY, **values: Value) -> list[Write]:
    return [person(f"Person {number:04}", **values) for number in range(count)]


def person(name: str, **values: Value) -> Write:
    return Write(WriteKind.CREATE, marker(), values={"LastName": name, **values})


def send(connector: Salesforce, writes: Sequence[Write]) -> list[WriteResult]:
    return list(connector.write("Contact", writes, [field.key for field in connector.fields("Contact")]))


def asked(account: Account) -> Counter[str]:
    """What the account wrote, by method and address."""
    mine = [one for one in account.sandbox.journal.requests() if one.account == account.user and one.method != "GET"]
    return Counter(f"{one.method} {one.route.partition('/services/data')[2]}" for one in mine)


def test_very_many_creates_are_one_job(account: Account) -> None:
    connector = account.connect()
    assert connector.capabilities.bulk_creates == (2000, 5000)
    hard = 'First line\nsecond, with "quotes"; and a comma\n\nŻółć 李 🎈  '
    results = send(connector, [*people(), person("Maes", Description=hard, DoNotCall=True, Birthdate="1980-02-29")])
    assert {result.outcome for result in results} == {Outcome.DONE}
    assert asked(account) == {"POST /jobs/ingest": 1, "PUT /jobs/ingest/{id}/batches": 1, "PATCH /jobs/ingest/{id}": 1}
    shown = results[-1].record
    assert shown is not None
    assert (shown.values["Description"], shown.values["DoNotCall"]) == (hard.rstrip(), True)
    assert shown.values["Birthdate"] == "1980-02-29"
    assert len(account.records("Contact")) == MANY + 1


def test_a_few_creates_are_no_job(account: Account) -> None:
    send(account.connect(), people(200))
    assert asked(account) == {"POST /composite/sobjects": 1}


def test_without_marks_there_are_no_jobs(account: Account) -> None:
    assert account.connect(marker_field="").capabilities.bulk_creates is None


def test_each_row_of_a_job_has_its_own_outcome(account: Account) -> None:
    rule = {"object": "Contact", "field": "Title", "forbidden": "Boss", "message": "No bosses, please."}
    account.api.set_switches(account.user, validation_rules=[rule], duplicate_rule="block")
    [there] = account.load("Contact", {"LastName": "Maes", "Email": "maes@example.com"})
    odd = [
        person("Nobody", Email="none"),
        person("Chief", Title="Boss"),
        person("Maes", Email="maes@example.com"),
        person("Literal", Description="#N/A"),
    ]
    results = send(account.connect(), [*people(), *odd])
    assert {result.outcome for result in results[:MANY]} == {Outcome.DONE}
    bad, ruled, double, literal = results[MANY:]
    assert (bad.outcome, bad.field) == (Outcome.REFUSED, "Email")
    assert ruled.reason == "A validation rule of the organisation refuses it: No bosses, please."
    assert (double.outcome, double.existing) == (Outcome.REFUSED, there)
    assert literal.outcome == Outcome.DONE
    assert literal.record is not None
    assert literal.record.values["Description"] == "#N/A"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "path", ["jobs/ingest$", "batches$", "jobs/ingest/[^/]+$", "successfulResults", "failedResults", "composite|query"]
)
def test_a_job_that_was_cut_off_leaves_nobody_twice_and_nobody_out(account: Account, path: str, when: str) -> None:
    connector = account.connect()
    writes = people()
    connector.fields("Contact")
    account.fault("drop", path=path, when=when, count=3)
    try:
        first = {result.outcome for result in send(connector, writes)}
    except ConnectorError:
        first = set()
    assert first <= {Outcome.DONE, Outcome.UNKNOWN, Outcome.LATER}
    account.sandbox.faults.clear()
    for _ in range(2):  # as the engine repeats what has no answer, with the same marks
        results = [result for at in range(0, MANY, 200) for result in send(account.connect(), writes[at : at + 200])]
    assert {result.outcome for result in results} == {Outcome.DONE}
    assert sorted(one[MARK] for one in account.records("Contact")) == sorted(write.marker for write in writes)


def test_a_job_that_takes_too_long_is_looked_up_later_and_makes_nobody_twice(account: Account) -> None:
    account.api.set_switches(account.user, bulk_seconds=3600)
    writes = people()
    late = send(account.connect(), writes)
    assert {(result.outcome, result.reason) for result in late} == {(Outcome.UNKNOWN, bulk.LATE)}
    again = send(account.connect(), writes[:150])
    assert {result.outcome for result in again} == {Outcome.DONE}
    account.sandbox.clock.advance(3601)
    rest = send(account.connect(), writes[150:])
    assert {result.outcome for result in rest} == {Outcome.DONE}
    assert len(account.records("Contact")) == MANY


def test_what_a_job_that_salesforce_gives_up_did_not_come_to_goes_in_calls_that_say_why(account: Account) -> None:
    connector = account.connect()
    connector.fields("Contact")
    account.api.set_switches(account.user, hidden=["Contact.Title"])
    results = send(connector, people(Title="Buyer"))
    assert {(result.outcome, result.field) for result in results} == {(Outcome.REFUSED, "")}
    assert all("INVALID_FIELD" in result.reason for result in results)
    assert account.records("Contact") == []


def test_where_jobs_are_refused_creates_go_in_calls(account: Account) -> None:
    account.api.set_switches(account.user, bulk_jobs=0)
    assert {result.outcome for result in send(account.connect(), people())} == {Outcome.DONE}
    assert asked(account) == {"POST /jobs/ingest": 1, "POST /composite/sobjects": 2}


def test_a_job_that_somebody_aborts_is_not_begun_again_at_once(account: Account) -> None:
    account.api.set_switches(account.user, bulk_seconds=3600)
    connector = account.connect()
    connector.fields("Contact")
    looks = count(1)

    def fence() -> None:
        if next(looks) == 5:  # the second look at the job
            [job] = account.connect().api.jobs("jobs")
            account.connect().api.send("PATCH", f"/jobs/ingest/{job['id']}", {"state": "Aborted"}, "a job")

    object.__setattr__(connector.api.host, "fence", fence)
    results = send(connector, people())
    found = {(result.outcome, result.reason, result.after) for result in results}
    assert found == {(Outcome.LATER, bulk.ABORTED, bulk.ABORTED_WAIT)}
    assert account.records("Contact") == []


def under_way(account: Account, ago: float = 0.0) -> str:
    connector = account.connect()
    return connector.under_way("Contact", connector.api.host.clock.now() - ago)


def test_a_job_is_told_of_until_it_ended_and_only_by_who_may_have_sent_it(account: Account) -> None:
    assert under_way(account) == ""
    account.api.set_switches(account.user, bulk_seconds=3600)
    send(account.connect(), people())
    assert under_way(account) == bulk.LATE
    assert account.connect().under_way("Lead", 0) == ""
    assert under_way(account, ago=-4000) == ""
    account.sandbox.clock.advance(3601)
    assert under_way(account, ago=4000) == ""
    assert len(account.records("Contact")) == MANY


def test_an_open_job_of_a_dead_process_is_waited_for_no_longer_than_its_closing_may_take(account: Account) -> None:
    connector = account.connect()
    bulk.Job(connector.api, "Contact", MARK)._open()
    assert under_way(account) == bulk.LATE
    account.sandbox.clock.advance(connector.capabilities.settle_after + bulk.TO_CLOSE + 1)
    assert under_way(account, ago=1000) == ""


def test_a_job_whose_closing_was_not_answered_is_aborted_while_it_is_open(account: Account) -> None:
    connector = account.connect()
    connector.fields("Contact")
    account.fault("drop", path="jobs/ingest/[^/]+$", when="before")
    results = send(connector, people())
    assert {(result.outcome, result.reason) for result in results} == {(Outcome.LATER, bulk.CUT_OFF)}
    assert [job["state"] for job in connector.api.jobs("jobs")] == ["Aborted"]


def test_who_lost_the_right_to_write_stops_while_a_job_is_worked_off(account: Account) -> None:
    account.api.set_switches(account.user, bulk_seconds=3600)
    connector = account.connect()
    connector.fields("Contact")
    looks: list[int] = []

    def fence() -> None:
        looks.append(1)
        if len(looks) > 5:  # three requests that write, and some looks at the job
            raise FenceLost("Another worker has taken over.")

    object.__setattr__(connector.api.host, "fence", fence)
    with pytest.raises(FenceLost):
        send(connector, people())


def test_an_upload_that_would_be_too_large_is_cut_into_jobs(monkeypatch: pytest.MonkeyPatch, account: Account) -> None:
    monkeypatch.setattr(bulk, "LARGEST", 40_000)
    results = send(account.connect(), people(Description="x" * 200))
    assert {result.outcome for result in results} == {Outcome.DONE}
    assert asked(account)["POST /jobs/ingest"] > 1


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


names = st.sampled_from(["LastName", "Title", "Description"])


@given(st.lists(st.dictionaries(names, texts | st.none(), min_size=1).filter(bulk.can_carry), min_size=1))
def test_a_file_says_what_was_meant(bodies: list[dict[str, Any]]) -> None:
    """None and a field that is not named are two things: one empties a field, the other leaves it its default."""
    shown = csv.DictReader(io.StringIO(bulk.as_csv(bodies).decode(), newline=""))
    said = [{name: None if value == "#N/A" else value for name, value in row.items() if value} for row in shown]
    assert said == bodies


@pytest.mark.parametrize(("text", "fits"), [("x" * 32_000, True), ("x" * 32_001, False), ("#N/A", False), ("", True)])
def test_what_a_file_cannot_say_goes_otherwise(text: str, fits: bool) -> None:
    assert bulk.can_carry({"LastName": "Maes", "Long__c": text}) is fits


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
            Problem("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ("LastName",)),
        ),
        (
            "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--",
            Problem("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
        ),
        (
            "FIELD_CUSTOM_VALIDATION_EXCEPTION:Two\nlines: both:Title,Phone --",
            Problem("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Two\nlines: both", ("Title", "Phone")),
        ),
        ("SOMETHING", Problem("SOMETHING", "SOMETHING")),
    ],
)
def test_what_a_failed_row_says_is_understood(text: str, problem: Problem) -> None:
    assert bulk.problem_of(text) == problem
