from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from connections.cli import Exit, PairwiseCommand, find_connection, full_name
from connections.services import syncing


class Command(PairwiseCommand):
    help = "Stops a connection until it is resumed. A run that is under way ends with its present slice."

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="connection or tenant/connection")
        parser.add_argument("--reason", default="paused by an operator", help="shown wherever the connection is")

    def work(self, name: str = "", reason: str = "", **options: Any) -> Exit:
        connection = find_connection(name)
        syncing.pause(connection, reason)
        self.say(f"{full_name(connection)} is paused; `resume {full_name(connection)}` lets it go on.")
        self.answer({"connection": full_name(connection), "paused": reason})
        return Exit.DONE
