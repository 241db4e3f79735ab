"""kill -9 before and after every commit and every request: nothing doubled, nothing lost, the same end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from tests.engine.crashes import Outcome, Trial, survive

SHARDS = 12


MANNERS: dict[str, dict[str, Any]] = {
    "at once": {},
    "idempotent": {"idempotent": True},
    "lagging": {"lagging": True},
    "swapped": {"swapped": True},
    "in bulk": {"bulk": True},
}
KINDS = list(MANNERS)


def undisturbed(kind: str) -> Outcome:
    outcome = Trial(**MANNERS[kind]).play()
    assert outcome.problems == []
    return outcome


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", KINDS)
def test_the_undisturbed_run_converges(kind: str) -> None:
    outcome = undisturbed(kind)
    assert outcome.points > 40


def fates(kind: str, chosen: Sequence[tuple[int, ...]], whole: Outcome) -> dict[str, list[str]]:
    failures = {}
    for points in chosen:
        problems = survive(Trial(die_at=points, **MANNERS[kind]), whole)
        if problems:
            where = ", ".join(whole.names[point - 1] for point in points if point <= whole.points)
            failures[f"{points} {where}"] = problems
    return failures


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_dying_once_at_any_point(shard: int) -> None:
    whole = undisturbed("at once")
    chosen = [(point,) for point in range(1 + shard, whole.points + 1, SHARDS)]
    assert fates("at once", chosen, whole) == {}


@pytest.mark.django_db(transaction=True)
def test_dying_around_writes_to_an_app_that_lags() -> None:
    """All points of this kind are in the slow test below."""
    whole = undisturbed("lagging")
    moments = [number for number, name in enumerate(whole.names[: whole.points], 1) if name.endswith(" write")]
    chosen = [(moment + index % 2,) for index, moment in enumerate(moments)]
    assert fates("lagging", chosen, whole) == {}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", KINDS)
def test_dying_twice_at_random_points(kind: str) -> None:
    whole = undisturbed(kind)
    chance = random.Random(7)
    chosen = [tuple(sorted(chance.sample(range(1, whole.points + 20), 2))) for _ in range(5)]
    assert fates(kind, chosen, whole) == {}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("kind", KINDS[1:])
def test_dying_once_at_any_point_of_the_other_kinds(kind: str, shard: int) -> None:
    whole = undisturbed(kind)
    chosen = [(point,) for point in range(1 + shard, whole.points + 1, SHARDS)]
    assert fates(kind, chosen, whole) == {}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", KINDS)
def test_dying_up_to_three_times_at_random_points(kind: str, seed: int) -> None:
    whole = undisturbed(kind)
    chance = random.Random(100 + seed)
    chosen = [tuple(sorted(chance.sample(range(1, whole.points + 40), chance.choice((2, 2, 3))))) for _ in range(40)]
    assert fates(kind, chosen, whole) == {}
