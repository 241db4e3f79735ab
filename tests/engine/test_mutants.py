"""Each safety rule carries weight: with it switched off the same tests see duplicates, losses or unrest. That with it
nothing of the kind happens is held by test_crashes."""

from __future__ import annotations

import pytest

from tests.engine import mutants
from tests.engine.crashes import Outcome, Trial, survive
from tests.engine.scenario import FOLDER, Player, load


def doubles(whole: Outcome, **kind: bool) -> bool:
    """Whether somebody is made twice when the process dies after a write."""
    points = [number for number, name in enumerate(whole.names, 1) if name in ("after a write", "after b write")]
    problems = (problem for point in points for problem in survive(Trial(die_at=(point,), **kind), whole))
    return any("times on" in problem for problem in problems)


@pytest.mark.django_db(transaction=True)
def test_without_the_intent_log_a_crash_makes_duplicates(monkeypatch: pytest.MonkeyPatch) -> None:
    mutants.without_intent_log(monkeypatch)
    whole = Trial().play()
    assert whole.problems == []
    assert doubles(whole)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("switch", [mutants.without_wait, mutants.without_hold], ids=["wait", "hold"])
def test_without_the_rules_for_late_apps_a_crash_makes_duplicates(
    switch: mutants.Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Trial(lagging=True).play()
    switch(monkeypatch)
    assert doubles(whole, lagging=True)


@pytest.mark.django_db(transaction=True)
def test_without_the_rule_for_late_reads_an_edit_is_reverted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Trial(lagging=True).play().problems == []
    mutants.without_late_read_rule(monkeypatch)
    assert Trial(lagging=True).play().problems


GUARDED = ("072-a-side-emptied", "073-too-many-deletions", "073-too-many-blanks")


@pytest.mark.django_db
@pytest.mark.parametrize("name", GUARDED)
def test_without_the_guard_the_scenarios_of_the_guard_fail(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutants.without_guard(monkeypatch)
    with pytest.raises(AssertionError):
        Player(load(FOLDER / f"{name}.yaml")).play()
