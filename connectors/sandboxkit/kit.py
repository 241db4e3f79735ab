"""What the sandbox lends to the part of an app, and what such a part gives back."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from connectors.sandboxkit.database import Database
from connectors.sandboxkit.faults import Faults
from connectors.sandboxkit.web import Handler

KEPT_REQUESTS = 20_000


class SandboxClock:
    """POSIX seconds; can be set forward by hand and be wrong by a fault."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._ahead = 0.0

    def now(self) -> float:
        skew = self._faults.lasting("skew")
        return time.time() + self._ahead + (float(skew.options.get("seconds", 0)) if skew else 0.0)

    def advance(self, seconds: float) -> None:
        self._ahead += seconds

    def reset(self) -> None:
        self._ahead = 0.0


@dataclass(frozen=True, slots=True)
class Logged:
    number: int
    at: float
    method: str
    path: str
    route: str
    status: int  # 0: the connection was cut
    account: str
    inner: bool
    milliseconds: float


class Journal:
    """The log of requests: counters per method and route for all, details for the last ones. No bodies, no tokens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._counters: Counter[str] = Counter()
        self._requests: deque[Logged] = deque(maxlen=KEPT_REQUESTS)

    def note(self, method: str, path: str, route: str, status: int, *, account: str, inner: bool, began: float) -> None:
        """`began`: of time.perf_counter."""
        spent = (time.perf_counter() - began) * 1000
        with self._lock:
            self._number += 1
            self._counters[f"{method} {route}"] += 1
            self._requests.append(
                Logged(self._number, time.time(), method, path, route, status, account, inner, round(spent, 3))
            )

    def counters(self) -> dict[str, int]:
        with self._lock:
            return dict(sorted(self._counters.items()))

    def requests(self) -> list[Logged]:
        with self._lock:
            return list(self._requests)

    def as_json(self, last: int) -> dict[str, Any]:
        requests = self.requests()
        return {
            "total": self._number,
            "counters": self.counters(),
            "requests": [asdict(line) for line in requests[-last:]] if last else [],
        }

    def clear(self) -> None:
        with self._lock:
            self._number = 0
            self._counters.clear()
            self._requests.clear()


@dataclass(frozen=True, slots=True)
class Kit:
    """Everything a part needs from the sandbox. `origin()` is the sandbox's own address, as callers reach it."""

    database: Database
    clock: SandboxClock
    faults: Faults
    journal: Journal
    origin: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Part:
    """An app's stand-in. `routes` maps URL prefixes to handlers; `control` serves /control/<key>/..., `help` says what
    there is below that ("METHOD address" -> words).

    `pages`: the prefix of the pages that show its contacts. `reset` forgets all data; `close` ends its threads.
    """

    key: str
    name: str
    summary: str
    routes: Mapping[str, Handler]
    control: Handler
    help: Mapping[str, str]
    pages: str = ""
    reset: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None
    api: object = field(default=None)  # the part's own object, for tests in Python
