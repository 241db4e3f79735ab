"""Cost follows change: statements per page and per batch, requests against the floor, memory against the folder."""

from __future__ import annotations

import math
import resource
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections.benchmark.catalogues import RICH
from connections.benchmark.remotes import InstantRemote, Stored
from connections.models import Connection
from connectors.base import ChangePage, Known, Outcome, Write, WriteResult
from tests.engine.harness import Bench, in_app
from tests.engine.remotes import poor, rich
from tests.engine.world import World
from tests.factories import make_account, make_connection, make_folder, make_tenant


def make_bench(people: int, size: int, twins: int = 0) -> tuple[Bench, Connection]:
    """`size` is both the page of a listing and the largest batch."""
    world = World()
    options = {"page": size, "write_batch": size, "read_batch": size}
    bench = Bench(world, {"a": rich(world, "a", **options), "b": poor(world, "b", **options)})
    for number in range(people):
        add(bench, "a", number)
    for number in range(twins):
        add(bench, "b", number)
    return bench, bench.connect(guard_blanks_least=1000, guard_creates_least=1000, guard_deletes_least=1000)


def add(bench: Bench, name: str, number: int) -> None:
    remote = bench.remotes[name]
    person = {"first": f"First{number}", "last": "Crowd", "emails": [f"p{number}@example.com"], "title": "Engineer"}
    remote.add(in_app(remote, person))


def statements(bench: Bench, connection: Connection, kind: str = "incremental") -> int:
    with CaptureQueriesContext(database) as captured:
        row = bench.run(connection, kind)
    assert row.state == "done", row.message
    return len(captured)


# ---- statements


@pytest.mark.django_db
@pytest.mark.parametrize("twins", [False, True], ids=["created", "paired"])
def test_a_first_sync_asks_the_database_nothing_per_record(twins: bool) -> None:
    few = statements(*make_bench(20, 20, 20 if twins else 0))
    many = statements(*make_bench(80, 80, 80 if twins else 0))
    assert many <= few


@pytest.mark.django_db
def test_every_further_page_and_batch_costs_the_same() -> None:
    counts = [statements(*make_bench(people, 20)) for people in (40, 60, 80, 100)]
    steps = [later - earlier for earlier, later in zip(counts, counts[1:], strict=False)]
    assert max(steps) - min(steps) <= 2
    assert max(steps) <= 40


def synced(people: int, size: int) -> tuple[Bench, Connection]:
    bench, connection = make_bench(people, size)
    bench.run(connection)
    bench.run(connection)
    return bench, connection


@pytest.mark.django_db
def test_a_run_with_nothing_to_do_costs_the_same_whatever_the_size() -> None:
    assert statements(*synced(10, 50)) == statements(*synced(150, 50)) <= 80


@pytest.mark.django_db
def test_changes_and_listings_ask_the_database_nothing_per_record() -> None:
    counts = []
    for people in (20, 80):
        bench, connection = synced(people, 100)
        for remote_id in list(bench.remotes["a"].rows()):
            bench.remotes["a"].edit(remote_id, "", title="Director")
        edited = statements(bench, connection)
        bench.run(connection)
        listed = statements(bench, connection, "full")
        for remote_id in list(bench.remotes["a"].rows())[: people // 10]:
            bench.remotes["a"].delete(remote_id)
        counts.append((edited, listed, statements(bench, connection)))
    assert counts[0] == counts[1]


# ---- requests


@pytest.mark.django_db
@pytest.mark.parametrize(("page", "batch"), [(200, 100), (1000, 20), (50, 1)])
def test_requests_stay_at_the_floor(page: int, batch: int) -> None:
    world = World()
    people, edits = 300, 12
    bench = Bench(world, {name: make(world, name, page=page, write_batch=batch) for name, make in APPS.items()})
    for number in range(people):
        add(bench, "a", number)
    connection = bench.connect()
    pages = math.ceil(people / page)
    assert spent(bench, connection) <= bound(pages + 1 + math.ceil(people / batch)) + CATALOGUES
    assert spent(bench, connection) <= bound(1 + pages)  # the echoes of our creates
    assert spent(bench, connection) == 2
    for remote in bench.remotes.values():
        ids = list(remote.rows())
        for remote_id in ids[:edits] if remote.name == "a" else ids[-edits:]:
            remote.edit(remote_id, "", **in_app(remote, {"title": "Director"}))
    assert spent(bench, connection) <= bound(2 + 2 * math.ceil(edits / batch))
    bench.run(connection)
    for remote in bench.remotes.values():
        remote.expire_cursors()
    assert spent(bench, connection) <= bound(2 * pages + 2)


APPS = {"a": rich, "b": poor}
CATALOGUES = 2  # the fields of both apps are asked for once


def bound(floor: int) -> float:
    return 1.02 * floor + 2


def spent(bench: Bench, connection: Connection) -> int:
    before = bench.requests
    assert bench.run(connection).state == "done"
    return bench.requests - before


# ---- memory


class Stream(InstantRemote):
    """An app of any size that weighs nothing: records are made up as they are listed, and writes are forgotten."""

    def __init__(self, people: int) -> None:
        super().__init__(RICH, page=100)
        self.people = people
        self.heard: Callable[[], None] = lambda: None

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        for start in range(int(cursor or 0), self.people, self.page):
            rows = [self._person(number) for number in range(start, min(self.people, start + self.page))]
            end = start + len(rows)
            records = [self.show(row, fields) for row in rows]
            self.heard()
            yield ChangePage(records, (), (), str(end), end >= self.people, listing=True)
        if int(cursor or 0) >= self.people:
            yield ChangePage([], (), (), cursor or "0", True, listing=not cursor)

    def _person(self, number: int) -> Stored:
        note = f"Contact {number}. " + "lorem ipsum dolor sit amet " * 200
        values = {"given": f"First{number}", "emails": [{"value": f"p{number}@example.com"}], "note": note}
        return Stored(f"r{number}", number + 1, values)

    def write(self, folder: str, writes: Sequence[Write], fields: Sequence[str]) -> Sequence[WriteResult]:
        results = []
        self.heard()
        for write in writes:
            self.made += 1
            row = Stored(f"w{self.made}", self.made, write.values)
            results.append(WriteResult(Outcome.DONE, self.show(row, fields)))
        return results


def resident() -> float:
    """What this process weighs, in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def peak_of_first_sync(people: int) -> float:
    """The most that this process weighs at any request of a first sync, in MiB."""
    tenant = make_tenant()
    folders = [make_folder(make_account(tenant), "contacts") for _ in "ab"]
    connection = make_connection(folders[0], folders[1], guard_creates_least=10**6)
    world = World()
    weights: list[float] = []
    remotes = [Stream(people), Stream(0)]
    for remote in remotes:
        remote.heard = lambda: weights.append(resident())
    runner = Bench(world, {}, tenant).runner_on(connection, {"a": remotes[0], "b": remotes[1]})
    assert runner.run().state == "done"
    return max(weights)


@pytest.mark.django_db
def test_memory_does_not_grow_with_the_folder() -> None:
    peak_of_first_sync(400)  # what is loaded and cached once
    assert peak_of_first_sync(2000) - peak_of_first_sync(400) < 5


@pytest.mark.slow
@pytest.mark.django_db
def test_memory_does_not_grow_with_a_large_folder() -> None:
    peak_of_first_sync(2000)
    assert peak_of_first_sync(20_000) - peak_of_first_sync(2000) < 10


@pytest.mark.skipif(database.vendor != "sqlite", reason="reads SQLite's plan")
@pytest.mark.django_db
def test_a_run_with_nothing_to_do_walks_through_no_table() -> None:
    bench, connection = make_bench(people=5, size=5)
    bench.until_quiet(connection)
    with CaptureQueriesContext(database) as asked:
        bench.run(connection)
    walks = []
    for one in asked.captured_queries:
        if one["sql"].startswith("SELECT"):
            with database.cursor() as cursor:
                cursor.execute("EXPLAIN QUERY PLAN " + one["sql"].replace("%", "%%"), [])
                walks += [step for *_, step in cursor.fetchall() if _walks(step)]
    assert walks == []


def _walks(step: str) -> bool:
    """A whole large table, or the history of a connection."""
    large = ("change", "item", "itemkey", "pair")
    scanned = any(step.startswith(f"SCAN connections_{name}") for name in large)
    return scanned or "change_latest" in step


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("people", "batches"),
    [(7, [4, 3]), (10, [4, 4, 2]), (11, [11]), (25, [25]), (32, [25, 4, 3]), (60, [25, 25, 4, 4, 2])],
)
def test_very_many_creates_go_together_where_the_app_takes_them(people: int, batches: list[int]) -> None:
    world = World()
    remotes = {"a": rich(world, "a"), "b": poor(world, "b", bulk_creates=(10, 25), write_batch=4)}
    bench = Bench(world, remotes)
    for number in range(people):
        add(bench, "a", number)
    bench.run(bench.connect(guard_creates_least=1000))
    assert remotes["b"].journal.batches == batches
    assert len(remotes["b"].rows()) == people
