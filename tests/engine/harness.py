"""The one place through which tests drive the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from connections.engine.leases import Fence
from connections.engine.runner import Runner
from connections.models import Account, Change, Connection, Item, Pair, Run, Tenant
from connections.models.changes import OPEN
from connectors.base import Connector, Field, Value
from tests.engine.remotes import Login, MemoryRemote
from tests.engine.world import Crash, World
from tests.factories import make_account, make_connection, make_folder, make_tenant


class Spoken(Protocol):
    """An app of which people speak in neutral words."""

    catalogue: dict[str, Field]

    @property
    def words(self) -> Mapping[str, str]: ...


def in_app(remote: Spoken, person: Mapping[str, Any]) -> dict[str, Value]:
    """A person in neutral words as the app's values; None clears, lists may be given as plain texts."""
    words = remote.words
    keys = {word: words.get(word, word) for word in person}
    return {keys[word]: _value(remote.catalogue[keys[word]], value) for word, value in person.items()}


def _value(known: Field, value: Any) -> Value:
    if value is None or not known.is_list:
        return value[0] if isinstance(value, list) and value else None if value in ("", []) else value
    several = value if isinstance(value, list) else [value]
    return [element if isinstance(element, dict) else {"value": element} for element in several] or None


def in_words(remote: Spoken, values: Mapping[str, Value]) -> dict[str, Any]:
    """An app's values in neutral words, lists as plain texts."""
    words = {key: word for word, key in remote.words.items()}
    known = words | {field.key: field.key for field in remote.catalogue.values() if field.custom}
    return {
        known[key]: [element["value"] for element in value] if isinstance(value, list) else value
        for key, value in values.items()
        if key in known
    }


@dataclass
class Bench:
    """A world with apps, the rows that stand for them, and connections between them."""

    world: World
    remotes: dict[str, MemoryRemote]
    tenant: Tenant = field(default_factory=make_tenant)
    accounts: dict[str, Account] = field(default_factory=dict)
    sides: dict[int, dict[str, str]] = field(default_factory=dict)  # connection id -> side -> remote's name
    lease_seconds: float = 90.0

    def connect(self, a: str = "a", b: str = "b", **options: Any) -> Connection:
        return self.connect_folders(a, "contacts", b, "contacts", **options)

    def connect_folders(self, a: str, folder_a: str, b: str, folder_b: str, **options: Any) -> Connection:
        for name in (a, b):
            if name not in self.accounts:
                self.accounts[name] = make_account(self.tenant, name=name)
        folders = [
            make_folder(self.accounts[name], folder, read_only=self.remotes[name].manners.read_only)
            for name, folder in ((a, folder_a), (b, folder_b))
        ]
        connection = make_connection(folders[0], folders[1], **options)
        self.sides[connection.pk] = {"a": a, "b": b}
        return connection

    def runner(self, connection: Connection) -> Runner:
        fence = Fence()
        connectors = {side: self.login(name, fence) for side, name in self.sides[connection.pk].items()}
        return self.runner_on(connection, connectors, fence)

    def login(self, name: str, fence: Fence) -> Connector:
        return Login(self.remotes[name], fence)

    def runner_on(
        self, connection: Connection, connectors: Mapping[str, Connector], fence: Fence | None = None
    ) -> Runner:
        fresh = Connection.objects.get(pk=connection.pk)
        return Runner(fresh, connectors, self.world, fence=fence or Fence(), lease_seconds=self.lease_seconds)

    def run(self, connection: Connection, kind: str = "incremental", preview: bool = False, **options: Any) -> Run:
        return self.runner(connection).run(kind=kind, preview=preview, **options)

    def run_mortal(self, connection: Connection) -> Run | None:
        """One run of a process that may die in it; None if it did."""
        with self.world.mortal():
            try:
                return self.run(connection)
            except Crash:
                return None

    @property
    def writes(self) -> int:
        return sum(remote.total_writes for remote in self.remotes.values())

    @property
    def requests(self) -> int:
        return sum(remote.total_requests for remote in self.remotes.values())

    def until_quiet(
        self,
        *connections: Connection,
        step: float = 0.0,
        calm: int = 1,
        limit: int = 30,
        run: Callable[[Connection], Run | None] | None = None,
    ) -> int:
        """Runs all connections in turn, `step` seconds apart, until nothing was written or is unsettled for `calm`
        rounds on end; returns the rounds that took."""
        run = run or self.run
        quiet = 0
        for number in range(limit):
            before = self.writes
            finished = [run(connection) for connection in connections]
            still = self.writes == before and all(row is not None and row.state == "done" for row in finished)
            quiet = quiet + 1 if still and not self.unsettled() else 0
            if quiet >= calm:
                return number
            self.world.advance(step)
        states = [(row.state, row.message) if row else "died" for row in finished]
        raise AssertionError(f"no rest after {limit} rounds: {states}, {self.unsettled()} unsettled writes")

    def unsettled(self) -> int:
        return Change.objects.filter(tenant=self.tenant, state__in=OPEN).count()


# ---- what must hold at the end, whatever happened before


def assert_no_duplicates(bench: Bench, word: str = "first") -> None:
    for name, remote in bench.remotes.items():
        shown = sorted(str(in_words(remote, values).get(word, "")) for values in remote.contents())
        assert len(shown) == len(set(shown)), f"duplicates on {name}: {shown}"


def assert_equal(bench: Bench, words: Sequence[str], a: str = "a", b: str = "b", key: str = "first") -> None:
    """Both sides show the same people with the same values in these words."""
    sides = []
    for name in (a, b):
        remote = bench.remotes[name]
        people = [in_words(remote, values) for values in remote.contents()]
        sides.append(
            {person.get(key): {word: comparable(word, person.get(word)) for word in words} for person in people}
        )
    assert sides[0] == sides[1]


def comparable(word: str, value: Any) -> Any:
    """What means the same compares the same: emails and phones without regard to case, blanks and order."""
    if word not in ("emails", "mobile", "work phones", "home phones"):
        return value
    several = value if isinstance(value, list) else [value] if value else []
    return sorted(str(element).lower().replace(" ", "") for element in several)


def assert_quiet(bench: Bench, *connections: Connection) -> None:
    """The next run plans nothing and writes nothing."""
    before = bench.writes
    for connection in connections:
        row = bench.run(connection)
        assert row.state == "done", row.message
        touched = {key for key, count in row.counters.items() if count and key != "waiting"}
        assert not touched, row.counters
    assert bench.writes == before


def pair_of(connection: Connection, side: str, remote_id: str) -> Pair:
    return Pair.objects.get(connection=connection, **{f"item_{side}__remote_id": remote_id})


def item_of(connection: Connection, side: str, remote_id: str) -> Item:
    folder = connection.folder_a if side == "a" else connection.folder_b
    return Item.objects.get(folder=folder, remote_id=remote_id)
