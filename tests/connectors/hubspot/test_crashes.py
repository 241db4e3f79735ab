"""The process dies around a request or a commit while HubSpot and a mailbox are kept the same, and is started again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import pytest

from connections.engine.halts import Busy
from connections.models import Change, Run
from connections.models.changes import OPEN
from tests.connectors.hubspot.test_through_the_engine import Make, Stage, body
from tests.connectors.hubspot.test_through_the_engine import stage as stage
from tests.engine.world import Crash, World
from tests.faults.stage import Person
from tests.faults.test_http_crashes import LEASE, STARTS, deadly, sample


def person(number: int, title: str = "Revision 0") -> Person:
    """Every third has nothing to be found again by but the name."""
    email = f"user{number}@example.com" if number % 3 else ""
    return Person(f"First{number}", f"Last{number}", title, "Acme", email)


class Trial:
    """Two sides that are synced, edited and synced again, by processes that die at some points."""

    connection: object

    def __init__(self, both: Stage, die_at: Collection[int]) -> None:
        self.both = both
        self.world = World()
        self.world.crash.die_at = set(die_at)
        self.deaths = 0

    def play(self) -> tuple[Counter[Person], list[str]]:
        both = self.both
        both.mailbox.add(*(person(number) for number in range(6)))
        both.crm.load(*(body(person(number)) for number in range(4, 9)))
        self.connection = both.connection
        self._settle()
        both.mailbox.edit("First1", jobTitle="Revision 1")
        both.crm.edit(both.id_of("First2"), jobtitle="Revision 1")
        both.mailbox.edit("First5", jobTitle="Revision 1")
        both.crm.edit(both.id_of("First5"), company="Globex")
        both.mailbox.remove("First0")
        both.crm.api.remove(both.crm.user, both.id_of("First8"))
        both.crm.load(body(person(9, "New")))
        both.mailbox.add(person(10, "New"))
        self._settle()
        self.world.crash.die_at = set()
        return both.people(), list(self.world.crash.names)

    def _settle(self) -> None:
        for _ in range(STARTS):
            self.both.wait(15)
            before = self.both.writes
            row = self._run()
            rests = row is not None and row.state == "done" and self.both.writes == before
            if rests and not Change.objects.filter(state__in=OPEN).exists():
                return
        raise AssertionError(f"no rest after {STARTS} runs")

    def _run(self) -> Run | None:
        try:
            with self.world.mortal():
                return self.both.run()
        except (Crash, Busy):
            self.deaths += 1
            self.both.wait(LEASE + 1)
            return None


def play(patch: pytest.MonkeyPatch, make: Make, marks: bool, *die_at: int) -> tuple[Counter[Person], list[str]]:
    trial = Trial(make(marks=marks, deletions_a_to_b="delete", deletions_b_to_a="delete"), die_at)
    with deadly(patch, trial):  # type: ignore[arg-type]
        found = trial.play()
    assert trial.both.people() == trial.both.mailbox.people()
    assert trial.deaths == len(die_at)
    return found


KINDS = ["write", "write", "commit", "read"]


def survive(patch: pytest.MonkeyPatch, make: Make, marks: bool, seed: int, size: int) -> None:
    whole, names = play(patch, make, marks)
    assert len(names) > 60
    assert set(whole.values()) == {1}
    ends = {point: play(patch, make, marks, point)[0] for point in sample(names, seed, KINDS * size)}
    assert {names[point - 1]: end for point, end in ends.items() if end != whole} == {}


def test_dying_at_some_points_changes_nothing_in_the_end_without_marks(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    survive(monkeypatch, stage, marks=False, seed=1, size=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
@pytest.mark.parametrize("marks", [True, False])
def test_dying_at_many_points_changes_nothing_in_the_end(
    marks: bool, seed: int, stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    survive(monkeypatch, stage, marks, seed, size=5)
