"""Creates that an app works off long after their request: nobody is made twice, nobody is asked for again meanwhile."""

from __future__ import annotations

import pytest

from tests.engine.harness import Bench, assert_quiet, in_app
from tests.engine.remotes import AT_WORK, Fate, Fault, poor, rich
from tests.engine.world import World

PEOPLE = 6
HOURS = 2 * 3600.0


def bench_at_work() -> Bench:
    """The app has taken six creates at once, and makes them in two hours."""
    world = World()
    apps = {
        "a": rich(world, "a"),
        "b": poor(world, "b", bulk_creates=(4, 20), write_batch=4, idempotent=True, time_out=HOURS),
    }
    bench = Bench(world, apps)
    for number in range(PEOPLE):
        apps["a"].add(in_app(apps["a"], {"first": f"P{number}", "emails": [f"p{number}@example.com"]}))
    apps["b"].break_next("write", Fault.LATE, after=HOURS)
    return bench


@pytest.mark.django_db
def test_creates_that_the_app_is_at_work_on_are_not_made_twice_when_a_repeat_is_put_off() -> None:
    bench = bench_at_work()
    bench.remotes["b"].tells_of_work = False
    connection = bench.connect(guard_creates_least=1000, avoid_duplicates=False)
    bench.run(connection)
    bench.remotes["b"].next_batch(Fate.LATER)
    bench.remotes["b"].next_batch(Fate.LATER)
    for _ in range(3):
        bench.world.advance(60)
        bench.run(connection)
    bench.world.advance(HOURS)
    bench.until_quiet(connection)
    assert len(bench.remotes["b"].rows()) == PEOPLE
    assert_quiet(bench, connection)


@pytest.mark.django_db
def test_what_the_app_is_at_work_on_is_not_sent_again_and_the_run_says_so() -> None:
    bench = bench_at_work()
    connection = bench.connect(guard_creates_least=1000, avoid_duplicates=False)
    bench.run(connection)
    target = bench.remotes["b"]
    for _ in range(5):
        bench.world.advance(600)
        run = bench.run(connection)
        assert (run.state, run.message, run.counters["waiting"]) == ("done", AT_WORK, PEOPLE)
    assert target.journal.batches == [PEOPLE]
    assert target.requests["find"] == 0
    bench.world.advance(HOURS)
    bench.until_quiet(connection)
    assert target.journal.batches == [PEOPLE]
    assert len(target.rows()) == PEOPLE
    assert_quiet(bench, connection)
