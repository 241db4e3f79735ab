from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from connections.cli import (
    OF_RUN,
    Exit,
    PairwiseCommand,
    WrongUse,
    find_connection,
    full_name,
    run_as_dict,
    run_in_words,
    worst,
)
from connections.engine.halts import Stopped
from connections.models import Connection
from connections.services import syncing
from connectors.base import AuthLost


class Command(PairwiseCommand):
    help = "Syncs a connection, or all of them, here and now."

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="connection or tenant/connection")
        parser.add_argument("--all", action="store_true", help="every connection that is not switched off or paused")
        parser.add_argument("--full", action="store_true", help="list both folders anew instead of asking for changes")

    def work(self, name: str | None = None, all: bool = False, full: bool = False, **options: Any) -> Exit:
        if all == (name is not None):
            raise WrongUse("Name one connection, or say --all.")
        if name is not None:
            run = syncing.sync(find_connection(name), full=full, progress=self.progress())
            self.say(run_in_words(run))
            self.answer(run_as_dict(run))
            return OF_RUN[run.state]
        rows = Connection.objects.select_related("tenant", "folder_a__account", "folder_b__account")
        found = [self._one(row, full) for row in rows.order_by("tenant__slug", "name")]
        self.answer({"connections": [report for _, report in found]})
        return worst([code for code, _ in found])

    def _one(self, connection: Connection, full: bool) -> tuple[Exit, dict[str, Any]]:
        """What goes wrong with one connection does not keep the others from running."""
        name = full_name(connection)
        try:
            run = syncing.sync(connection, full=full, progress=self.progress())
        except Stopped as reason:
            self.say(f"{name}: left out. {reason}")
            return Exit.DONE, {"connection": name, "left_out": str(reason)}
        except self.failures as error:
            self.say(f"{name}: {error}")
            return Exit.AUTH if isinstance(error, AuthLost) else Exit.FAILED, {"connection": name, "error": str(error)}
        self.say(run_in_words(run))
        return OF_RUN[run.state], run_as_dict(run)
