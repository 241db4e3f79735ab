"""The world of a test: virtual time, seeded chance, and the points at which the process can die."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection as database


class Crash(BaseException):
    """kill -9: nothing between here and the harness may catch it."""


@dataclass
class CrashClock:
    """Counts the points where the process can die, and dies at the chosen ones.

    A dead process does nothing more: while its stack unwinds, every further point and every SQL statement raises again.
    """

    die_at: Collection[int] = ()
    count: int = 0
    names: list[str] = field(default_factory=list)
    dead: bool = False

    def tick(self, name: str) -> None:
        if self.dead:
            raise Crash("dead already")
        self.count += 1
        self.names.append(name)
        if self.count in self.die_at:
            self.dead = True
            raise Crash(f"{self.count}: {name}")


@dataclass
class World:
    """Virtual time in POSIX seconds, and what will happen at some later time."""

    time: float = 1_800_000_000.0
    seconds_per_request: float = 0.05
    crash: CrashClock = field(default_factory=CrashClock)
    between: list[Callable[[str], object]] = field(default_factory=list)
    frozen: list[Callable[[str], object]] = field(default_factory=list)
    answers: list[Callable[[str], object]] = field(default_factory=list)
    _later: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=itertools.count)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        until = self.time + seconds
        while self._later and self._later[0][0] <= until:
            at, _, effect = heapq.heappop(self._later)
            self.time = max(self.time, at)
            effect()
        self.time = until

    def after(self, seconds: float, effect: Callable[[], object]) -> None:
        heapq.heappush(self._later, (self.time + seconds, next(self._order), effect))

    def request(self, name: str) -> None:
        """Called before each request; people and other processes act here."""
        self.advance(self.seconds_per_request)
        for act in tuple(self.between):
            act(name)

    def freeze(self, name: str) -> None:
        """Called after the last look at the lease, before the bytes leave."""
        for act in tuple(self.frozen):
            act(name)

    def answer(self, name: str) -> None:
        """Called when a writing request has had its effect, before its answer is read."""
        for act in tuple(self.answers):
            act(name)

    @contextmanager
    def mortal(self) -> Iterator[None]:
        """Inside, the process can die before and after every COMMIT (requests are the remotes' part)."""
        database.ensure_connection()
        commit = database._commit  # type: ignore[attr-defined]

        def ticking() -> None:
            try:
                self.crash.tick("before commit")
            except Crash:
                database._rollback()  # type: ignore[attr-defined]
                raise
            commit()
            self.crash.tick("after commit")

        def statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
            if self.crash.dead:
                raise Crash("dead already")
            result = execute(sql, params, many, context)
            if not database.in_atomic_block and sql.startswith(("INSERT", "UPDATE", "DELETE")):
                self.crash.tick("after " + sql[:30])  # it committed by itself; before it is after the point before
            return result

        database._commit = ticking  # type: ignore[attr-defined]
        try:
            with database.execute_wrapper(statement):
                yield
        finally:
            del database._commit  # type: ignore[attr-defined]
            self.crash.dead = False
