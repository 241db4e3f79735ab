"""Several workers: racing, stopped for longer than their lease, and meeting the same person in one folder."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import close_old_connections
from django.db import connection as database

from connections.engine.halts import Busy
from connections.engine.leases import claim, revoke
from connections.engine.runner import INTERRUPTED
from connections.models import Change, ChangeState, Connection, Run
from connections.services import undoing
from connectors.base import FenceLost
from tests.engine import mutants
from tests.engine.harness import Bench, assert_equal, assert_no_duplicates, assert_quiet, in_app
from tests.engine.remotes import MemoryRemote, poor, rich
from tests.engine.world import Crash, World

pytestmark = pytest.mark.postgres
LEASE = 30.0


def make_bench(people: int = 3, **manners: object) -> tuple[Bench, Connection]:
    world = World()
    bench = Bench(world, {"a": rich(world, "a"), "b": poor(world, "b", **manners)}, lease_seconds=LEASE)
    crowd(bench.remotes["a"], people)
    return bench, bench.connect(avoid_duplicates=False)


def crowd(remote: MemoryRemote, people: int) -> None:
    """Nobody has an email: only the marker can tell who was created already."""
    for number in range(people):
        remote.add(in_app(remote, {"first": f"First{number}", "last": "Crowd"}))


def once(moments: list[Callable[[str], object]], name: str, act: Callable[[], object]) -> None:
    """Does something at the next request (or answer) of that name."""

    def watch(request: str) -> None:
        if request == name and watch in moments:
            moments.remove(watch)
            act()

    moments.append(watch)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("request_name", ["a changes", "b write"])
def test_of_two_workers_one_runs_and_the_other_gives_up_at_once(request_name: str) -> None:
    bench, connection = make_bench()
    refused: list[int] = []

    def second() -> None:
        before = bench.requests
        with pytest.raises(Busy):
            bench.run(connection)
        refused.append(bench.requests - before)

    once(bench.world.between, request_name, second)
    assert bench.run(connection).state == "done"
    assert refused == [0]
    assert len(bench.remotes["b"].rows()) == 3


def stall(bench: Bench, connection: Connection, moments: list[Callable[[str], object]]) -> Run:
    """The worker is stopped at its first write for longer than its lease; a successor does everything meanwhile."""

    def sleep() -> None:
        bench.world.advance(LEASE + 1)
        bench.run(connection)
        bench.world.advance(LEASE + 1)
        bench.run(connection)

    once(moments, "b write", sleep)
    return bench.run(connection)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_was_stopped_before_its_request_sends_nothing_when_it_wakes() -> None:
    bench, connection = make_bench()
    with pytest.raises(FenceLost):
        stall(bench, connection, bench.world.between)
    assert_runs_are_the_successors(connection)
    assert bench.remotes["b"].written["create"] == 3
    assert_no_duplicates(bench)
    bench.world.advance(LEASE + 1)
    assert_quiet(bench, connection)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_was_stopped_before_its_answer_commits_nothing_when_it_wakes() -> None:
    bench, connection = make_bench(time_out=10.0, find_lag=10.0)
    with pytest.raises(FenceLost):
        stall(bench, connection, bench.world.answers)
    assert_runs_are_the_successors(connection)
    assert bench.remotes["b"].written["create"] == 3
    assert_no_duplicates(bench)
    assert Change.objects.filter(connection=connection, kind="create", state=ChangeState.DONE).count() == 3
    bench.world.advance(LEASE + 1)
    assert_quiet(bench, connection)


@pytest.mark.django_db(transaction=True)
def test_without_the_fence_a_worker_that_wakes_makes_duplicates(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, connection = make_bench()
    mutants.without_fence(monkeypatch)
    stall(bench, connection, bench.world.between)
    assert bench.remotes["b"].written["create"] > 3


@pytest.mark.django_db(transaction=True)
def test_a_request_that_takes_effect_after_its_worker_was_given_up_is_waited_for() -> None:
    """The worker is stopped after its last look at the lease; its bytes leave while the successor is at work."""
    bench, connection = make_bench(time_out=120.0)
    remote = bench.remotes["b"]

    def freeze() -> None:
        bench.world.advance(LEASE + 1)
        assert bench.run(connection).state == "done"
        assert remote.written["create"] == 0

    once(bench.world.frozen, "b write", freeze)
    with pytest.raises(FenceLost):
        bench.run(connection)
    assert_runs_are_the_successors(connection)
    assert remote.written["create"] == 3
    bench.world.advance(200)
    bench.until_quiet(connection)
    assert remote.written["create"] == 3
    assert_no_duplicates(bench)
    assert_equal(bench, ["first", "last"])


def assert_runs_are_the_successors(connection: Connection) -> None:
    """A worker that wakes does not write its own end over the run that its successor resumed and finished."""
    assert set(Run.objects.filter(connection=connection).values_list("state", "message")) == {("done", "")}


@pytest.mark.django_db(transaction=True)
def test_two_connections_that_meet_the_same_new_person_create_one_record() -> None:
    world = World()
    remotes = {"a": rich(world, "a"), "b": rich(world, "b"), "c": poor(world, "c")}
    bench = Bench(world, remotes)
    for name in ("a", "b"):
        remotes[name].add(in_app(remotes[name], {"first": "Anna", "last": "Maes", "emails": ["anna@example.com"]}))
    one, other = bench.connect("a", "c"), bench.connect("b", "c")
    once(world.between, "c write", lambda: bench.run(other))
    bench.run(one)
    world.advance(60)
    bench.until_quiet(one, other, step=30, calm=2)
    assert len(remotes["c"].rows()) == 1
    assert_quiet(bench, one, other)


@pytest.mark.django_db(transaction=True)
def test_two_workers_in_threads_create_everybody_once() -> None:
    bench, connection = make_bench(people=40)
    turn = threading.Barrier(2)
    states: list[str] = []

    def work() -> None:
        close_old_connections()
        turn.wait()
        try:
            states.append(bench.run(connection).state)
        except Busy:
            states.append("busy")
        finally:
            database.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(states) in (["busy", "done"], ["done", "done"])
    assert len(bench.remotes["b"].rows()) == 40
    assert_no_duplicates(bench)


# ---- runs whose worker is gone


@pytest.mark.django_db(transaction=True)
def test_an_undo_whose_process_died_does_not_look_as_if_it_were_running() -> None:
    bench, connection = make_bench()
    changes = list(undoing.written(bench.run(connection)))
    bench.world.crash.die_at = {bench.world.crash.count + 6}
    with bench.world.mortal(), pytest.raises(Crash):
        bench.runner(connection).undo(changes)
    died = Run.objects.get(connection=connection, kind="undo")
    assert died.state == "running"
    bench.world.crash.die_at = ()
    bench.world.advance(LEASE + 1)
    bench.run(connection)
    died.refresh_from_db()
    assert (died.state, died.message) == ("failed", INTERRUPTED)


@pytest.mark.django_db(transaction=True)
def test_a_full_run_that_was_asked_for_is_not_taken_for_the_next_slice_of_another() -> None:
    bench, connection = make_bench()
    first = bench.runner(connection).run(budget=0.0)
    assert first.state == "running"
    asked = bench.runner(connection).run(kind="full")
    assert (asked.kind, asked.state) == ("full", "done")
    first.refresh_from_db()
    assert first.state == "failed"


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_kept_while_the_app_works_off_a_long_request_and_no_longer_than_it_is_ours() -> None:
    world = World()
    mine = claim("connection:1", "one", world, seconds=LEASE)
    assert mine is not None
    for _ in range(10):
        world.advance(LEASE * 0.6)
        mine.check()
    assert claim("connection:1", "two", world) is None
    revoke(["connection:1"])
    world.advance(LEASE * 0.6)
    with pytest.raises(FenceLost):
        mine.check()
