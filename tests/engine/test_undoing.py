"""Taking back what was written, while processes die and answers get lost: no original goes with its copy."""

from __future__ import annotations

import pytest

from connections.models import Connection
from connections.services import undoing
from tests.engine.harness import Bench, in_app
from tests.engine.remotes import Fault, poor, rich
from tests.engine.world import Crash, World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

ORIGINALS = {"First0", "First1", "First2"}
LEASE = 4.0


def synced(**manners: object) -> tuple[Bench, Connection]:
    """Three people were copied from A to B, where one more had an update; deletions go across."""
    world = World()
    bench = Bench(world, {"a": rich(world, "a", **manners), "b": poor(world, "b", **manners)}, lease_seconds=LEASE)
    for number in range(3):
        person = {"first": f"First{number}", "emails": [f"user{number}@example.com"], "title": "Owner"}
        bench.remotes["a"].add(in_app(bench.remotes["a"], person))
    bench.remotes["b"].add(in_app(bench.remotes["b"], {"first": "First2", "emails": ["user2@example.com"]}))
    connection = bench.connect(deletions_a_to_b="delete", deletions_b_to_a="delete")
    bench.until_quiet(connection, step=1.0)
    return bench, connection


def undo_and_die(point: int) -> tuple[Bench, Connection, bool]:
    bench, connection = synced()
    changes = list(undoing.written_since(connection, undoing.moment_of("1970-01-02")))
    bench.world.crash.die_at = {bench.world.crash.count + point}
    died = True
    with bench.world.mortal():
        try:
            bench.runner(connection).undo(changes)
            died = False
        except Crash:
            bench.world.advance(LEASE + 1)
    bench.world.crash.die_at = ()
    return bench, connection, died


def names(bench: Bench, app: str) -> set[object]:
    remote = bench.remotes[app]
    return {values.get("given") or values.get("givenName") for values in remote.contents()}


def test_no_original_is_lost_wherever_the_process_dies_in_an_undo() -> None:
    point, died = 0, True
    while died:
        point += 1
        bench, connection, died = undo_and_die(point)
        bench.until_quiet(connection, step=1.0)
        assert names(bench, "a") == ORIGINALS, f"died at {point}"
        assert "First2" in names(bench, "b"), f"died at {point}"
        undoing_again = list(undoing.written_since(connection, undoing.moment_of("1970-01-02")))
        originals = [change for change in undoing_again if change.undo_of_id is None]
        bench.runner(connection).undo(originals)
        bench.until_quiet(connection, step=1.0)
        assert (names(bench, "a"), names(bench, "b")) == (ORIGINALS, {"First2"}), f"died at {point}"
    assert point > 15


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize("fault", [Fault.LOST_RESPONSE, Fault.LATE])
def test_a_deletion_whose_answer_was_lost_is_not_taken_for_a_persons(fault: Fault, conditional: bool) -> None:
    bench, connection = synced(conditional=conditional, time_out=30.0)
    bench.remotes["b"].break_next("write", fault, times=3, after=10.0)
    changes = list(undoing.written_since(connection, undoing.moment_of("1970-01-02")))
    bench.runner(connection).undo(changes)
    bench.until_quiet(connection, step=4.0, calm=4)
    assert names(bench, "a") == ORIGINALS
    assert names(bench, "b") == {"First2"}


def test_an_older_write_that_arrives_late_does_not_undo_a_newer_one() -> None:
    bench, connection = synced(conditional=False, time_out=30.0)
    a, b = bench.remotes["a"], bench.remotes["b"]
    b.break_next("write", Fault.LATE, after=10.0)
    anna = a.id_where(given="First0")
    a.edit(anna, "", title="Director")
    bench.run(connection)
    a.edit(anna, "", title="Founder")
    bench.until_quiet(connection, step=4.0, calm=4)
    assert b.rows()[b.id_where(givenName="First0")].values["jobTitle"] == "Founder"
    assert a.rows()[anna].values["title"] == "Founder"
