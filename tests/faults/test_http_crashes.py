"""The process dies around a request or a commit of the real connectors, and is started again; each pair of apps.

The in-memory remotes of tests/engine hold every point; here a seeded sample shows that HTTP, ETags, batches, marks and
searches keep what those promise.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import pytest

from connections import host
from connections.engine.halts import Busy
from connections.engine.leases import Fence
from connections.engine.runner import Runner
from connections.models import Change, Connection, Run
from connections.models.changes import OPEN
from connectors import http
from connectors.http import Answer
from connectors.registry import apps
from tests.engine.world import Crash, World
from tests.factories import make_connection, make_tenant
from tests.faults.stage import Clock, Person
from tests.faults.stores import SETTINGS, STORES, Ends, Servers

LEASE = 90.0
STARTS = 12  # a run that died is started again, and at most so often until all is quiet
PAIRS = [f"{a}-{b}" for a, b in combinations(sorted(STORES), 2)]
ORDERS = [f"{a}-{b}" for a, b in permutations(sorted(STORES), 2)]


@dataclass
class Trial:
    """A small world that is synced, edited and synced again, and dies at some points."""

    servers: Servers
    pair: str
    die_at: Collection[int] = ()

    def play(self) -> tuple[Counter[Person], list[str]]:
        """What both sides show at the end, and the names of all points on the way."""
        self.clock, self.world, self.deaths = Clock(), World(), 0
        self.world.crash.die_at = set(self.die_at)
        self.ends = Ends.of(self.servers, *self.pair.split("-"))
        a, b = self.ends.a, self.ends.b
        a.add(*(person(number) for number in range(6)))
        b.add(*(person(number, title="", company="Acme") for number in range(4, 9)))
        tenant = make_tenant()
        options: dict[str, Any] = {
            "avoid_duplicates": False,
            "deletions_a_to_b": "delete",
            "deletions_b_to_a": "delete",
        }
        self.connection = make_connection(a.folder(tenant), b.folder(tenant), **options)
        self._settle()
        a.retitle("First1", "Revision 1")
        b.retitle("First2", "Revision 2")
        a.retitle("First5", "Revision 3")
        b.retitle("First7", "Revision 4")
        a.remove("First0")
        b.remove("First8")
        b.add(person(9, title="New"))
        a.add(person(10, title="New"))
        self._settle()
        names = list(self.world.crash.names)
        self.world.crash.die_at = ()
        assert self.deaths == len(self.die_at)
        assert a.people() == b.people()
        assert [
            given for given, times in Counter(one.given for one in a.people().elements()).items() if times > 1
        ] == []
        before = self.ends.written()
        assert self._runner().run().state == "done"
        assert self.ends.written() == before
        return a.people(), names

    def _runner(self) -> Runner:
        """As the product makes it, but on the trial's clock."""
        fresh = Connection.objects.select_related("folder_a__account", "folder_b__account").get(pk=self.connection.pk)
        fence, accounts = Fence(), {"a": fresh.folder_a.account, "b": fresh.folder_b.account}
        connectors = {side: host.connect(account, fence, self.clock) for side, account in accounts.items()}
        return Runner(fresh, connectors, self.clock, fence)

    def _settle(self) -> None:
        for _ in range(STARTS):
            before = self.ends.written()
            row = self._run()
            open_ones = Change.objects.filter(connection=self.connection, state__in=OPEN)
            if row is not None and row.state == "done" and self.ends.written() == before and not open_ones.exists():
                return
            self.clock.ahead += 2
            self.servers[0].clock.advance(2)
        raise AssertionError(f"no rest after {STARTS} runs: {row.state, row.message}" if row else "died too often")

    def _run(self) -> Run | None:
        """One process that may die; its successor waits for the lease that it left behind."""
        try:
            with self.world.mortal():
                return self._runner().run()
        except (Crash, Busy):
            self.deaths += 1
            self.clock.ahead += LEASE + 1
            return None


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
        name = f"{call.method} {call.kind} {url.rpartition('/')[2][:20]}"
        if armed:
            crash.tick(f"before {name}")
        answer = send(call, url, signature)
        if armed:
            crash.tick(f"after {name}")
        return answer

    with patch.context() as context:
        context.setattr(http._Call, "_send", mortal)
        yield


def play(patch: pytest.MonkeyPatch, servers: Servers, pair: str, *die_at: int) -> tuple[Counter[Person], list[str]]:
    trial = Trial(servers, pair, die_at)
    with deadly(patch, trial):
        return trial.play()


def sample(names: list[str], seed: int, kinds: Collection[str]) -> list[int]:
    """Points of each kind: around requests that write, around other requests, around commits."""
    chance = random.Random(seed)
    found: dict[str, list[int]] = {"write": [], "read": [], "commit": []}
    for number, name in enumerate(names, 1):
        words = name.split()
        found[words[2] if len(words) > 2 and words[2] in found else "commit"].append(number)
    return sorted({chance.choice(found[kind]) for kind in kinds})


def survive(patch: pytest.MonkeyPatch, servers: Servers, pair: str, seed: int, kinds: Collection[str]) -> None:
    whole, names = play(patch, servers, pair)
    assert len(names) > 60
    failures = {}
    for point in sample(names, seed, kinds):
        try:
            end, _ = play(patch, servers, pair, point)
        except AssertionError as error:
            failures[point, names[point - 1]] = str(error)
        else:
            if end != whole:
                failures[point, names[point - 1]] = "ends otherwise than the undisturbed run"
    assert failures == {}


@pytest.fixture
def ready(servers: Servers, allowed: list[str], settings: Any, transactional_db: None) -> Servers:
    settings.APP_SETTINGS = SETTINGS
    return servers


def test_every_app_has_a_store_here() -> None:
    assert set(STORES) == set(apps())


@pytest.mark.parametrize("pair", PAIRS)
def test_dying_around_a_write_changes_nothing_in_the_end(
    pair: str, ready: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    survive(monkeypatch, ready, pair, seed=1, kinds=["write"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 4))
@pytest.mark.parametrize("pair", ORDERS)
def test_dying_at_many_points_changes_nothing_in_the_end(
    pair: str, seed: int, ready: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    survive(monkeypatch, ready, pair, seed, kinds=["write"] * 6 + ["commit"] * 3 + ["read"] * 2)
