"""The sandbox's own SQLite file: one connection, one lock, one transaction per request."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Row = sqlite3.Row


class Database:
    """`path` is a file or ":memory:". Committed work survives a killed process, not a lost machine."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = Row
        self._lock = threading.RLock()
        self._depth = 0
        self._after: list[Callable[[], None]] = []
        for pragma in ("journal_mode = WAL", "synchronous = OFF", "foreign_keys = ON", "cache_size = -32000"):
            self._connection.execute(f"PRAGMA {pragma}")

    def script(self, sql: str) -> None:
        with self._lock:
            self._connection.executescript(sql)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Nested calls join the outermost one; what it registered with `after_commit` runs once it is stored."""
        ready: list[Callable[[], None]] = []
        with self._lock:
            outermost = self._depth == 0
            self._depth += 1
            if outermost:
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if outermost:
                    self._connection.execute("ROLLBACK")
                    self._after.clear()
                raise
            else:
                if outermost:
                    self._connection.execute("COMMIT")
                    ready, self._after = self._after, []
            finally:
                self._depth -= 1
        for action in ready:
            action()

    def after_commit(self, action: Callable[[], None]) -> None:
        self._after.append(action)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Runs one statement; returns the id of an inserted row."""
        with self._lock:
            return self._connection.execute(sql, values).lastrowid or 0

    def changed(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Runs one statement; returns how many rows it touched."""
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._lock:
            self._connection.executemany(sql, rows)

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        with self._lock:
            row: Row | None = self._connection.execute(sql, values).fetchone()
            return row

    def value(self, sql: str, values: Sequence[Any] = ()) -> Any:
        row = self.one(sql, values)
        return None if row is None else row[0]

    def close(self) -> None:
        with self._lock:
            self._connection.close()
