"""The scenarios on each pair of real connectors: a few of them always, all of them, in both orders, as slow tests."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache
from itertools import combinations, permutations
from typing import Any

import pytest

from tests.engine.scenario import FOLDER, load
from tests.faults.retelling import OTHERWISE, Retelling, untold
from tests.faults.stores import SETTINGS, STORES, Servers

PATHS = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
ORDERS = list(permutations(sorted(STORES), 2))
SAMPLED = 4  # of each pair


@cache
def reasons(a: str, b: str) -> dict[str, str]:
    """By scenario, why these apps cannot tell it."""
    found = {story: untold(story, load(path), a, b) for story, path in PATHS.items()}
    return {story: reason for story, reason in found.items() if reason}


def told(a: str, b: str) -> list[str]:
    return [story for story in PATHS if story not in reasons(a, b)]


def sample() -> list[tuple[str, str, str]]:
    chance = random.Random(1)
    pairs = combinations(sorted(STORES), 2)
    return [(a, b, story) for a, b in pairs for story in chance.sample(told(a, b), SAMPLED)]


def play(servers: Servers, a: str, b: str, story: str) -> None:
    Retelling(load(PATHS[story]), servers=servers, ends=(a, b)).play()


@pytest.fixture
def ready(servers: Servers, allowed: list[str], settings: Any, transactional_db: None) -> Servers:
    settings.APP_SETTINGS = SETTINGS
    return servers


@pytest.mark.parametrize(("a", "b", "story"), sample())
def test_some_scenarios(a: str, b: str, story: str, ready: Servers) -> None:
    play(ready, a, b, story)


@pytest.mark.slow
@pytest.mark.parametrize(("a", "b", "story"), [(a, b, story) for a, b in ORDERS for story in told(a, b)])
def test_scenario(a: str, b: str, story: str, ready: Servers) -> None:
    play(ready, a, b, story)


@pytest.mark.parametrize(("a", "b"), ORDERS)
def test_most_scenarios_are_told_and_those_left_out_have_a_reason(a: str, b: str) -> None:
    left_out = Counter(reason.partition(":")[0] for reason in reasons(a, b).values())
    own = left_out["made-up apps"] + left_out["made-up apps with manners of their own"]
    assert len(told(a, b)) >= 80
    assert sum(left_out.values()) - own <= 30, left_out


def test_what_is_said_to_be_otherwise_is_about_scenarios_and_apps_that_exist() -> None:
    assert {story for story, _ in OTHERWISE} <= set(PATHS)
    assert {app for _, app in OTHERWISE} <= {"", *STORES}
