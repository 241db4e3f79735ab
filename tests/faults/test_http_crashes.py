"""The process dies around a request or a commit of the real connectors, and is started again.

The in-memory remotes of tests/engine hold every point; here a seeded sample shows that HTTP, ETags, batches and markers
keep what those promise.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from connections.engine.runner import Busy
from connections.models import Run
from connectors import http
from connectors.http import Answer
from connectors.sandbox import Sandbox
from tests.connectors.carddav.radicale import RadicaleServer
from tests.engine.world import Crash, World
from tests.faults.stage import Person, Stage, assert_same

LEASE = 90.0
Servers = tuple[Sandbox, RadicaleServer]
STARTS = 12  # a run that died is started again, and at most so often until all is quiet


@dataclass
class Trial:
    """A small world that is synced, edited and synced again, and dies at some points."""

    servers: Servers
    swapped: bool
    die_at: Collection[int] = ()

    def play(self) -> tuple[Counter[Person], list[str]]:
        """What both sides show at the end, and the names of all points on the way."""
        self.stage = Stage(*self.servers)
        self.world = World()
        self.world.crash.die_at = set(self.die_at)
        self.deaths = 0
        mailbox, book = self.stage.mailbox, self.stage.book
        mailbox.add(*(person(number) for number in range(6)))
        book.add(*(person(number, title="", company="Acme") for number in range(4, 9)))
        self.connection = self.stage.connect(self.swapped, deletions_a_to_b="delete", deletions_b_to_a="delete")
        self._settle()
        mailbox.edit("First1", jobTitle="Revision 1")
        book.edit("First2", title="Revision 1")
        mailbox.edit("First5", jobTitle="Revision 1")
        book.edit("First5", org=["Globex"])
        mailbox.remove("First0")
        book.remove("First8")
        book.add(person(9, title="New"))
        mailbox.add(person(10, title="New"))
        self._settle()
        names = list(self.world.crash.names)
        self.world.crash.die_at = ()
        assert self.deaths == len(self.die_at)
        assert_same(self.stage)
        before = self._writes()
        assert self.stage.run(self.connection).state == "done"
        assert self._writes() == before
        return mailbox.people(), names

    def _settle(self) -> None:
        for _ in range(STARTS):
            before = self._writes()
            row = self._run()
            if row is not None and row.state == "done" and self._writes() == before and not self.stage.unsettled():
                return
        raise AssertionError(f"no rest after {STARTS} runs: {row.state, row.message}" if row else "died too often")

    def _run(self) -> Run | None:
        """One process that may die; its successor waits for the lease that it left behind."""
        try:
            with self.world.mortal():
                return self.stage.run(self.connection)
        except (Crash, Busy):
            self.deaths += 1
            self.stage.clock.ahead += LEASE + 1
            return None

    def _writes(self) -> tuple[int, frozenset[tuple[str, str]]]:
        return self.stage.mailbox.writes, frozenset(self.stage.book.cards().items())


def person(number: int, title: str = "Revision 0", company: str = "") -> Person:
    """Every third has nothing to be found again by."""
    email = f"user{number}@example.com" if number % 3 else ""
    return Person(f"First{number}", f"Last{number}", title, company, email)


@contextmanager
def deadly(patch: pytest.MonkeyPatch, trial: Trial) -> Iterator[None]:
    """Before each request leaves, and before its answer is looked at, the process can die."""
    send: Callable[..., Answer] = http._Call._send

    def mortal(call: http._Call, url: str, signature: dict[str, str]) -> Answer:
        crash = trial.world.crash
        armed = hasattr(trial, "connection")
        name = f"{call.method} {url.rpartition('/')[2][:20]}"
        if armed:
            crash.tick(f"before {name}")
        answer = send(call, url, signature)
        if armed:
            crash.tick(f"after {name}")
        return answer

    with patch.context() as context:
        context.setattr(http._Call, "_send", mortal)
        yield


def play(patch: pytest.MonkeyPatch, servers: Servers, swapped: bool, *die_at: int) -> tuple[Counter[Person], list[str]]:
    trial = Trial(servers, swapped, die_at)
    with deadly(patch, trial):
        return trial.play()


def sample(names: list[str], seed: int, size: int) -> list[int]:
    """Points of each kind: around requests that write, around other requests, around commits."""
    chance = random.Random(seed)
    kinds: dict[str, list[int]] = {"write": [], "read": [], "commit": []}
    for number, name in enumerate(names, 1):
        verb = name.split()[1]
        writes = verb in {"PUT", "DELETE"} or (verb == "POST" and "batch" in name)
        kinds["write" if writes else "read" if verb in HTTP_VERBS else "commit"].append(number)
    return sorted({chance.choice(kinds[kind]) for kind in ("write", "write", "commit", "read") for _ in range(size)})


HTTP_VERBS = {"GET", "POST", "PUT", "DELETE", "PROPFIND", "REPORT"}


def survive(patch: pytest.MonkeyPatch, servers: Servers, swapped: bool, seed: int, size: int) -> None:
    whole, names = play(patch, servers, swapped)
    assert len(names) > 60
    failures = {}
    for point in sample(names, seed, size):
        try:
            end, _ = play(patch, servers, swapped, point)
        except AssertionError as error:
            failures[point, names[point - 1]] = str(error)
        else:
            if end != whole:
                failures[point, names[point - 1]] = "ends otherwise than the undisturbed run"
    assert failures == {}


@pytest.mark.parametrize("swapped", [False, True], ids=["outlook-carddav", "carddav-outlook"])
def test_dying_at_some_points_changes_nothing_in_the_end(
    swapped: bool, servers: Servers, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    survive(monkeypatch, servers, swapped, seed=1, size=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
@pytest.mark.parametrize("swapped", [False, True], ids=["outlook-carddav", "carddav-outlook"])
def test_dying_at_many_points_changes_nothing_in_the_end(
    swapped: bool, seed: int, servers: Servers, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    survive(monkeypatch, servers, swapped, seed, size=5)
