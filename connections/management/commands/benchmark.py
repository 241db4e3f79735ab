"""`manage.py benchmark`: how fast the engine is here, in a database of its own that is removed afterwards."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from connections.benchmark import desk, latency, measure

if TYPE_CHECKING:
    from collections.abc import Iterator

SPEED = ("phase", "records", "seconds", "records_per_second", "requests", "floor", "peak_mib")
SPEED_HEADS = ("phase", "records", "seconds", "records/s", "requests", "floor", "peak MiB")
LATENCY = ("phase", "records", "median_seconds", "p95_seconds", "longest_seconds")
PAGES = ("phase", "median_seconds", "longest_seconds", "queries", "kib")
PAGES_HEADS = ("page", "median s", "longest s", "queries", "KiB")
LATENCY_HEADS = ("edit", "edits", "median s", "95% within s", "longest s")


class Command(BaseCommand):
    help = "Measures the engine against instant remotes in memory and prints a table, or JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--size", type=int, default=10_000, help="contacts on each side")
        parser.add_argument("--memory", default="10000,100000", help="sizes of the memory runs, or nothing")
        parser.add_argument("--database", default="", help="a PostgreSQL server to measure on, as a URL; else SQLite")
        parser.add_argument("--latency", type=int, default=0, help="instead: so many edits per app, end to end")
        parser.add_argument("--desk", type=int, default=0, help="instead: pages of operations over so many contacts")
        parser.add_argument("--connections", type=int, default=1_000, help="of --desk")
        parser.add_argument("--tenants", type=int, default=100, help="of --desk")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--inside", default="", help="used by the command itself: phases or memory")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["inside"]:
            self._inside(options["inside"], options["size"], options["connections"], options["tenants"])
            return
        if options["latency"]:
            rows = self._child(options["database"], "latency", options["latency"])
        elif options["desk"]:
            spread = ("--connections", str(options["connections"]), "--tenants", str(options["tenants"]))
            rows = self._child(options["database"], "desk", options["desk"], *spread)
        else:
            rows = self._child(options["database"], "phases", options["size"])
            for size in filter(None, options["memory"].split(",")):
                rows += self._child(options["database"], "memory", int(size))
        machine = {"python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine()}
        where = "PostgreSQL" if options["database"] else "SQLite, synchronous=FULL"
        if options["json"]:
            self.stdout.write(json.dumps({"database": where, **machine, "measurements": rows}))
            return
        self.stdout.write(f"{where}; Python {machine['python']}, {machine['cores']} cores, {machine['machine']}\n")
        self._table(rows)

    def _table(self, rows: list[dict[str, Any]]) -> None:
        kinds = {"p95_seconds": (LATENCY, LATENCY_HEADS), "kib": (PAGES, PAGES_HEADS)}
        names, heads = next((kind for name, kind in kinds.items() if name in rows[-1]), (SPEED, SPEED_HEADS))
        cells = [[str(row[name]) if row.get(name) is not None else "" for name in names] for row in rows]
        widths = [max(len(line[place]) for line in [list(heads), *cells]) for place in range(len(names))]
        for line in [list(heads), *cells]:
            aligned = [
                line[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
            ]
            self.stdout.write("  ".join(aligned))

    def _child(self, database: str, what: str, size: int, *more: str) -> list[dict[str, Any]]:
        """Each measurement in a process and a database of its own."""
        with tempfile.TemporaryDirectory(prefix="pairwise-benchmark-") as folder, _scratch(database) as url:
            env = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
            env |= {"DATA_DIR": folder, "LOG_LEVEL": "WARNING"}
            if what == "latency":
                env |= latency.environment(folder)
            if url:
                env |= {
                    "DATABASE_URL": url,
                    "SECRET_KEY": uuid.uuid4().hex * 2,
                    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
                }
            command = [sys.executable, sys.argv[0], "benchmark", "--inside", what, "--size", str(size), *more]
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
        if done.returncode:
            raise CommandError(f"Measuring {what} failed: {done.stderr.strip().splitlines()[-1:]}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def _inside(self, what: str, size: int, connections: int, tenants: int) -> None:
        call_command("migrate", verbosity=0)
        if what == "desk":
            for row in desk.measure(size, connections, tenants):
                self.stdout.write(json.dumps(row))
            return
        if what == "latency":
            found = latency.measure(size)
        else:
            found = iter([measure.peak_memory(size)]) if what == "memory" else measure.phases(size)
        for measurement in found:
            self.stdout.write(json.dumps(measurement.row()))


@contextmanager
def _scratch(server: str) -> Iterator[str]:
    """A database that is made for one measurement; an empty text where SQLite is meant."""
    if not server:
        yield ""
        return
    import psycopg  # noqa: PLC0415 - only where PostgreSQL is measured
    from psycopg import sql  # noqa: PLC0415

    name = f"pairwise_benchmark_{uuid.uuid4().hex[:8]}"
    quoted = sql.Identifier(name)
    parts = urlsplit(server)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(quoted))
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(quoted))
