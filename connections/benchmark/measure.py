"""The engine alone: instant remotes in memory that normalise, page, report echoes and are not idempotent."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import Any

from connections.benchmark.remotes import InstantRemote
from connections.engine.runner import Runner
from connections.models import Account, Connection, Folder, Run, Tenant
from connectors.base import ChangePage, Connector, Known, NothingKnown

SHARED = 0.3  # of the people are on both sides


@dataclass
class Measurement:
    phase: str
    records: int
    seconds: float
    requests: int
    floor: int | None = None
    extra: Mapping[str, float] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        return {
            "phase": self.phase,
            "records": self.records,
            "seconds": round(self.seconds, 3),
            "records_per_second": round(self.records / self.seconds) if self.records else None,
            "requests": self.requests,
            "floor": self.floor,
            **self.extra,
        }


class SystemClock:
    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class ForgetfulRemote(InstantRemote):
    """A full listing brings every record whole, as most apps do, whatever versions we know."""

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        yield from super().changes(folder, cursor, fields, NothingKnown())


def person(number: int) -> dict[str, Any]:
    return {
        "given": f"First{number}",
        "family": f"Last{number}",
        "org": f"Company {number % 97}",
        "title": "Engineer",
        "note": f"Contact {number}. " + "lorem ipsum " * 12,
        "emails": [{"value": f"User{number}@Example.com"}, {"value": f"home{number}@example.net"}],
        "phones": [{"value": f"+32 46 {number:07d}"}],
    }


def fill(remote: InstantRemote, numbers: Sequence[int]) -> None:
    for number in numbers:
        remote.add(person(number))


def make_connection() -> Connection:
    tenant = Tenant.objects.create(slug="benchmark", name="Benchmark", region="BE")
    folders = []
    for side in "ab":
        account = Account.objects.create(tenant=tenant, name=f"account-{side}", app="instant")
        folders.append(
            Folder.objects.create(tenant=tenant, account=account, remote_id="contacts", name=side, path=side)
        )
    connection = Connection.objects.create(tenant=tenant, name="speed", folder_a=folders[0], folder_b=folders[1])
    for direction in ("a_to_b", "b_to_a"):
        rules: Any = connection.rules
        rules.create(name="Everything", direction=direction)
    return connection


def run(connection: Connection, a: Connector, b: Connector, kind: str = "incremental") -> tuple[Run, float]:
    start = time.perf_counter()
    done = Runner(Connection.objects.get(pk=connection.pk), {"a": a, "b": b}, SystemClock()).run(kind)
    seconds = time.perf_counter() - start
    if done.state != "done":
        raise RuntimeError(f"the run ended as {done.state}: {done.message}")
    return done, seconds


def phases(size: int) -> Iterator[Measurement]:
    """`size` contacts on each side, a third the same people: first sync, nothing to do (the median of five runs), 1%
    changed, full listing."""
    a, b = ForgetfulRemote(), ForgetfulRemote()
    fill(a, range(size))
    fill(b, range(int(size * (1 - SHARED)), int(size * (2 - SHARED))))
    connection = make_connection()
    only = int(size * (1 - SHARED))

    def measured(phase: str, records: int, floor: int, kind: str = "incremental") -> Measurement:
        before = _requests(a, b)
        _, seconds = run(connection, a, b, kind)
        return Measurement(phase, records, seconds, _requests(a, b) - before, floor)

    yield measured("first sync", 2 * size, 2 + 2 * _up(size, 200) + 2 * _up(only, 100))
    run(connection, a, b)  # takes in the echoes of our own writes
    yield sorted((measured("nothing to do", 0, 2) for _ in range(5)), key=lambda one: one.seconds)[2]
    for number, record_id in enumerate(list(a.rows())):
        if number < size // 100:
            a.edit(record_id, title="Director")
    for record_id in list(b.rows())[size // 2 : size // 2 + size // 100]:
        b.edit(record_id, title="Buyer")
    changed = size // 100
    yield measured("1% changed", 2 * changed, 2 + 2 * _up(changed, 100))
    run(connection, a, b)
    total = len(a.rows()) + len(b.rows())
    pages = _up(len(a.rows()), 200) + _up(len(b.rows()), 200)
    yield measured("full listing, nothing changed", total, pages + 2, "full")


def _requests(*remotes: InstantRemote) -> int:
    return sum(sum(remote.requests.values()) for remote in remotes)


def _up(count: int, size: int) -> int:
    return -(-count // size)


# ---- memory: the remotes live in another process, so that only the engine's own is seen


def peak_memory(size: int) -> Measurement:
    """A first sync of `size` contacts into an empty side."""
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_serve, args=(theirs, size), daemon=True)
    child.start()
    theirs.close()  # so that a server that dies is noticed
    ours.recv()
    a, b = RemoteProxy(ours, "a"), RemoteProxy(ours, "b")
    _, seconds = run(make_connection(), a, b)
    ours.send(None)
    child.join()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measurement(f"memory, {size} contacts", size, seconds, 0, None, {"peak_mib": round(peak, 1)})


def _serve(pipe: Pipe, size: int) -> None:
    remotes = {"a": InstantRemote(), "b": InstantRemote()}
    fill(remotes["a"], range(size))
    pages: dict[str, Iterator[ChangePage]] = {}
    pipe.send("ready")
    while (asked := pipe.recv()) is not None:
        side, method, arguments = asked
        if method == "changes":
            folder, cursor, fields = arguments
            pages[side] = remotes[side].changes(folder, cursor, fields, NothingKnown())
            pipe.send(None)
        elif method == "next":
            pipe.send(next(pages[side], None))
        else:
            pipe.send(getattr(remotes[side], method)(*arguments))


@dataclass
class RemoteProxy:
    """A connector whose app answers from another process."""

    pipe: Pipe
    side: str
    capabilities = InstantRemote().capabilities

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        self._ask("changes", folder, cursor, fields)
        while (page := self._ask("next")) is not None:
            yield page

    def _ask(self, method: str, *arguments: Any) -> Any:
        self.pipe.send((self.side, method, arguments))
        return self.pipe.recv()

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *arguments: self._ask(method, *arguments)
