"""Runs in many slices and passes: they end, propose everything once, and are guarded as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from connections.models import Change, Connection, Run
from connections.services import syncing
from tests.engine.harness import Bench, in_app
from tests.engine.remotes import Fault, MemoryRemote, poor, rich
from tests.engine.world import World

pytestmark = pytest.mark.django_db
PAGE_AND_A_BIT = 250


def make_bench(people: int, **options: Any) -> tuple[Bench, Connection]:
    world = World()
    manners = {"page": 500, "write_batch": 100}
    bench = Bench(world, {"a": rich(world, "a", **manners), "b": poor(world, "b", **manners)})
    crowd(bench.remotes["a"], range(people))
    return bench, bench.connect(**options)


def crowd(remote: MemoryRemote, numbers: range, **more: object) -> None:
    for number in numbers:
        remote.add(in_app(remote, {"first": f"First{number}", "emails": [f"p{number}@example.com"], **more}))


def slices(bench: Bench, connection: Connection, limit: int = 6) -> Run:
    """One page to a slice."""
    for _ in range(limit):
        row = bench.run(connection, budget=0.0)
        if row.state != "running":
            return row
    raise AssertionError(f"still running after {limit} slices")


@pytest.mark.parametrize(
    "options",
    [{"approve_first_run": True}, {"guard_creates_least": 10, "guard_creates_share": 10}],
    ids=["all", "guard"],
)
def test_a_run_of_which_everything_waits_ends_and_names_everybody(options: dict[str, Any]) -> None:
    bench, connection = make_bench(PAGE_AND_A_BIT, **options)
    row = slices(bench, connection)
    assert row.state == "held"
    assert Change.objects.filter(run=row, state="proposed", kind="create").count() == PAGE_AND_A_BIT


def test_pairings_that_wait_are_proposed_once_and_done_when_approved() -> None:
    bench, connection = make_bench(PAGE_AND_A_BIT, approve_first_run=True)
    crowd(bench.remotes["b"], range(PAGE_AND_A_BIT - 1, -1, -1), title="Engineer")
    row = slices(bench, connection)
    lines = Change.objects.filter(run=row, state="proposed")
    assert {kind: lines.filter(kind=kind).count() for kind in ("pair", "update")} == dict.fromkeys(
        ("pair", "update"), PAGE_AND_A_BIT
    )
    syncing.approve(row)
    assert slices(bench, connection).state == "done"
    assert {values.get("title") for values in bench.remotes["a"].contents()} == {"Engineer"}


def test_slices_of_one_run_do_not_pass_the_guard_one_by_one() -> None:
    bench, connection = make_bench(400, deletions_a_to_b="delete", guard_deletes_least=20, guard_creates_share=1000)
    bench.run(connection)
    remote = bench.remotes["a"]
    ids = list(remote.rows())
    for record_id in ids[100:]:
        remote.edit(record_id, title="Engineer")
    for start in range(0, 100, 30):
        for record_id in ids[start : start + 30]:
            remote.delete(record_id)
        row = bench.run(connection, budget=0.0)
    assert row.held.keys() == {"deletes"}
    assert len(bench.remotes["b"].rows()) == 370


def test_deletions_that_come_to_light_by_a_refused_write_are_guarded_too() -> None:
    bench, connection = make_bench(
        50, deletions_b_to_a="delete", delete_beats_update=True, guard_deletes_least=20, guard_creates_share=1000
    )
    bench.run(connection)
    a, b = bench.remotes["a"], bench.remotes["b"]
    for record_id in list(a.rows())[:40]:
        a.edit(record_id, title="Engineer")

    def empty(request: str) -> None:
        if request == "b write":
            bench.world.between.remove(empty)
            for record_id in list(b.rows())[:40]:
                b.delete(record_id)

    bench.world.between.append(empty)
    assert bench.run(connection).state == "held"
    assert len(a.rows()) == 50


def test_what_is_held_of_a_pair_is_done_when_it_is_approved_though_the_rest_went_ahead() -> None:
    bench, connection = make_bench(4, guard_blanks_least=0, guard_blanks_share=1)
    a, b = bench.remotes["a"], bench.remotes["b"]
    here = a.id_where(given="First0")
    a.edit(here, title="Engineer")
    bench.run(connection)
    there = b.id_where(givenName="First0")
    a.edit(here, title=None)
    b.edit(there, personalNotes="Likes tea")
    row = bench.run(connection)
    assert (a.values(here)["note"], b.values(there)["jobTitle"]) == ("Likes tea", "Engineer")
    assert syncing.approve(row) == 1
    assert bench.run(connection).state == "done"
    assert "jobTitle" not in b.values(there)
    assert "title" not in a.values(here)


def deleted_and_held(people: int = 40, **options: Any) -> tuple[Bench, Connection, Run, list[int]]:
    """Nine were deleted where five may go without asking."""
    bench, connection = make_bench(people, deletions_a_to_b="delete", guard_deletes_least=5, **options)
    bench.run(connection)
    bench.run(connection)
    for record_id in list(bench.remotes["a"].rows())[:9]:
        bench.remotes["a"].delete(record_id)
    row = bench.run(connection)
    assert row.state == "held"
    lines = Change.objects.filter(run=row, state="proposed").order_by("id")
    return bench, connection, row, list(lines.values_list("id", flat=True))


@pytest.mark.parametrize(("verdict", "left"), [(syncing.approve, 35), (syncing.reject, 40)], ids=["approve", "reject"])
@pytest.mark.parametrize("planned_between", [False, True])
def test_of_what_is_held_only_what_a_person_approved_goes_though_the_rest_is_few(
    verdict: Any, left: int, planned_between: bool
) -> None:
    bench, connection, row, lines = deleted_and_held()
    if planned_between:
        row = bench.run(connection, preview=True)
    verdict(row, change_ids=lines[:5])
    states = [bench.run(connection).state for _ in range(3)]
    assert states == ["held"] * 3
    assert len(bench.remotes["b"].rows()) == left
    latest = Run.objects.latest("id")
    assert syncing.approve(latest) == 4
    assert bench.run(connection).state == "done"
    assert len(bench.remotes["b"].rows()) == left - 4
    bench.run(connection)
    one = next(iter(bench.remotes["a"].rows()))
    bench.remotes["a"].delete(one)
    assert bench.run(connection).state == "done"
    assert len(bench.remotes["b"].rows()) == left - 5


def test_an_emptiness_that_was_accepted_stays_so_for_all_slices_and_after_a_failure() -> None:
    bench, connection = make_bench(450, deletions_a_to_b="delete", guard_deletes_least=1000)
    bench.run(connection)
    bench.run(connection)
    a, b = bench.remotes["a"], bench.remotes["b"]
    for record_id in list(a.rows()):
        a.delete(record_id)
    row = bench.run(connection)
    assert (row.state, len(b.rows())) == ("held", 450)
    syncing.approve(row)
    b.break_next("write", Fault.UNAVAILABLE)
    states: list[str] = []
    while not states or states[-1] in ("running", "failed"):
        accepted = syncing.emptiness_accepted(connection)
        states.append(bench.run(connection, budget=0.0, accept_empty=accepted).state)
        bench.world.advance(120)
    assert states[-1] == "done", states
    assert states.count("failed") == 1
    assert not b.rows()
    assert not syncing.emptiness_accepted(connection)


@pytest.mark.django_db(transaction=True)
def test_a_run_that_goes_on_after_a_crash_still_counts_what_it_wrote_before() -> None:
    bench, connection = make_bench(40, deletions_a_to_b="delete", guard_deletes_least=5)
    bench.run(connection)
    bench.run(connection)
    a, b = bench.remotes["a"], bench.remotes["b"]
    ids = list(a.rows())
    for record_id in ids[:4]:
        a.delete(record_id)
    crash = bench.world.crash
    bench.world.answers.append(lambda request: setattr(crash, "die_at", {crash.count + 2}))
    assert bench.run_mortal(connection) is None
    bench.world.answers.clear()
    crash.die_at = ()
    bench.world.advance(120)
    assert len(b.rows()) == 36
    for record_id in ids[4:8]:
        a.delete(record_id)
    assert bench.run(connection).held.keys() == {"deletes"}
    assert len(b.rows()) == 36
