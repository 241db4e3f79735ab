from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from connections.cli import Exit, PairwiseCommand, WrongUse, find_connection, full_name, scope_arguments, scope_of
from connections.services import stopping, syncing


class Command(PairwiseCommand):
    help = "Stops a connection until it is resumed; or everything, an app or a tenant, which only operations lift."
    wrong_use = (WrongUse, stopping.CannotStop)

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="connection or tenant/connection")
        scope_arguments(parser)
        parser.add_argument("--locked", action="store_true", help="the connection's own people cannot resume it")
        parser.add_argument("--reason", default="paused by an operator", help="shown wherever the connection is")

    def work(self, name: str | None = None, reason: str = "", locked: bool = False, **options: Any) -> Exit:
        scope = scope_of(name, options)
        if name is None or locked:
            made = stopping.stop(reason, **scope, connection=find_connection(name) if name else None)
            count = stopping.concerned(made).count()
            self.say(f"Stopped {made}: {count:,} connections stand still until `resume` is called in the same way.")
            self.answer({"stopped": str(made), "reason": reason, "connections": count})
            return Exit.DONE
        connection = find_connection(name)
        syncing.pause(connection, reason)
        self.say(f"{full_name(connection)} is paused; `resume {full_name(connection)}` lets it go on.")
        self.answer({"connection": full_name(connection), "paused": reason})
        return Exit.DONE
