"""What the commands share: names, output for people or as JSON, progress, and exit codes."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from connections.checks import OURS
from connections.engine.halts import Busy, Stopped
from connections.engine.runner import Progress, quiet
from connections.models import Connection, Run, RunState, Tenant
from connections.services import looking
from connectors import registry
from connectors.base import AuthLost, ConnectorError
from syncrules.mapping import MappingError

BAR = 30  # characters
REDRAW = 0.1  # seconds


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    WRONG_USE = 2
    WAITING = 3
    AUTH = 4


URGENCY = (Exit.FAILED, Exit.AUTH, Exit.WAITING)  # of several connections the first of these that occurred counts

OF_RUN: dict[str, Exit] = {
    RunState.DONE: Exit.DONE,
    RunState.PLANNED: Exit.DONE,
    RunState.HELD: Exit.WAITING,
    RunState.FAILED: Exit.FAILED,
    RunState.AUTH: Exit.AUTH,
    RunState.RUNNING: Exit.FAILED,
}


class WrongUse(Exception):
    """The command was called with something that is not there; the text says what there is."""


class PairwiseCommand(BaseCommand):
    """A command with `--json`. Subclasses have `options` and `work`; what `work` returns becomes the exit code."""

    requires_system_checks = (OURS,)  # Django's own load all pages, which takes longer than most commands
    wrong_use: tuple[type[Exception], ...] = (WrongUse,)
    failures: tuple[type[Exception], ...] = (ConnectorError, MappingError, Busy, Stopped)

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.options(parser)
        parser.add_argument("--json", action="store_true", help="one JSON object instead of text")

    def options(self, parser: ArgumentParser) -> None:
        """The command's own arguments."""

    def work(self, **options: Any) -> Exit:
        raise TypeError(f"{type(self).__module__} does nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json: bool = options["json"]
        try:
            code = self.work(**options)
        except self.wrong_use as error:
            code = self._refuse(Exit.WRONG_USE, error)
        except AuthLost as error:
            code = self._refuse(Exit.AUTH, error)
        except self.failures as error:
            code = self._refuse(Exit.FAILED, error)
        except DatabaseError:
            from connections.services import examining  # noqa: PLC0415 - brings much along that is needed here only

            if examining.is_migrated():
                raise
            code = self._refuse(Exit.FAILED, CommandError(f"The database is not prepared. {examining.MIGRATE}"))
        if code:
            sys.exit(int(code))

    def _refuse(self, code: Exit, error: Exception) -> Exit:
        if self.as_json:
            self.answer({"error": str(error), "exit": int(code)})
        else:
            self.stderr.write(self.style.ERROR(str(error)))
        return code

    # ---- output

    def say(self, text: str = "") -> None:
        """For people; nothing with --json."""
        if not self.as_json:
            self.stdout.write(text)

    def answer(self, data: dict[str, Any]) -> None:
        """The one JSON object."""
        if self.as_json:
            self.stdout.write(json.dumps(data, ensure_ascii=False, default=str))

    def progress(self) -> Progress:
        """A bar on a terminal; silence elsewhere."""
        if self.as_json or not sys.stderr.isatty():
            return quiet
        return Bar()


class Bar:
    """One line on the terminal that is drawn over and over."""

    def __init__(self) -> None:
        self._drawn = 0.0
        self._phase = ""

    def __call__(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        if phase != self._phase and self._phase:
            sys.stderr.write("\n")
        elif done < total and now - self._drawn < REDRAW:
            return
        self._phase, self._drawn = phase, now
        sys.stderr.write(f"\r\033[K{phase}: {self._picture(done, total)}")
        if total and done >= total:
            sys.stderr.write("\n")
            self._phase = ""
        sys.stderr.flush()

    @staticmethod
    def _picture(done: int, total: int) -> str:
        if not total:
            return f"{done:,} contacts"
        filled = min(BAR, BAR * done // total)
        return f"[{'#' * filled}{'.' * (BAR - filled)}] {done:,} of {total:,}"


# ---- names


def find_connection(name: str) -> Connection:
    """By `connection` or `tenant/connection`. Raises WrongUse, also where several are meant."""
    slug, slash, own = name.rpartition("/")
    rows = Connection.objects.select_related("tenant", "folder_a__account", "folder_b__account")
    found = list(rows.filter(name=own, tenant__slug=slug) if slash else rows.filter(name=own))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(sorted(full_name(row) for row in found))
        raise WrongUse(f"Several connections are called {name}: {names}. Name one of them so.")
    there = ", ".join(full_name(row) for row in rows.order_by("tenant__slug", "name")[:10])
    raise WrongUse(f"There is no connection {name}. {f'There are: {there}' if there else 'There is none yet'}.")


def scope_arguments(parser: ArgumentParser) -> None:
    """For switches that stop more than one connection."""
    parser.add_argument("--everything", action="store_true", help="all connections of all tenants")
    parser.add_argument("--app", default="", help="all connections with this app")
    parser.add_argument("--tenant", default="", help="all connections of this tenant, by its slug")


def scope_of(name: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """What `scope_arguments` named: `app` or `tenant`, or neither. Raises WrongUse unless just one thing is named."""
    if sum(map(bool, (name, options["everything"], options["app"], options["tenant"]))) != 1:
        raise WrongUse("Name one connection, or say --everything, --app APP or --tenant TENANT.")
    tenant = Tenant.objects.filter(slug=options["tenant"]).first() if options["tenant"] else None
    if options["tenant"] and tenant is None:
        raise WrongUse(f"There is no tenant {options['tenant']}.")
    if options["app"] and options["app"] not in registry.apps():
        raise WrongUse(f"There is no app {options['app']}. There are: {', '.join(sorted(registry.apps()))}.")
    return {"app": options["app"], "tenant": tenant}


def full_name(connection: Connection) -> str:
    return f"{connection.tenant.slug}/{connection.name}"


def find_run(number: int) -> Run:
    rows = Run.objects.select_related(
        "connection__tenant", "connection__folder_a__account", "connection__folder_b__account"
    )
    run = rows.filter(pk=number).first()
    if run is None:
        raise WrongUse(f"There is no run {number}; `status` names the newest one of each connection.")
    return run


# ---- runs


def worst(codes: list[Exit]) -> Exit:
    return next((code for code in URGENCY if code in codes), Exit.DONE)


def run_as_dict(run: Run) -> dict[str, Any]:
    return {
        "run": run.pk,
        "connection": full_name(run.connection),
        "kind": run.kind,
        "state": run.state,
        "preview": run.preview,
        "counters": run.counters,
        "held": {kind: reason for kind, reason in run.held.items() if isinstance(reason, str)},
        "message": run.message,
        "started": run.started_at.isoformat(),
        "ended": run.ended_at.isoformat() if run.ended_at else None,
    }


def run_in_words(run: Run) -> str:
    """One line: what was done, or why it was not."""
    names = looking.side_names(run.connection)
    counts = [
        f"{count:,} {looking.counter_name(key, names)}"
        for key, count in sorted(run.counters.items())
        if count and key != "waiting"
    ]
    text = ", ".join(counts) or "nothing to write"
    start = f"{full_name(run.connection)}: run {run.pk} {run.get_state_display()}"
    return f"{start}; {text}" + (f". {run.message.rstrip('.')}." if run.message else ".")
