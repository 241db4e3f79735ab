from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from connections.cli import Exit, PairwiseCommand, find_connection, full_name
from connections.services import syncing


class Command(PairwiseCommand):
    help = "Lets a paused connection go on."

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="connection or tenant/connection")

    def work(self, name: str = "", **options: Any) -> Exit:
        connection = find_connection(name)
        was = connection.paused_reason
        syncing.resume(connection)
        text = f"{full_name(connection)} goes on" if was else f"{full_name(connection)} was not paused"
        off = "" if connection.enabled else "; but it is switched off (enabled: false)"
        self.say(f"{text}{off}.")
        self.answer({"connection": full_name(connection), "was_paused": was, "enabled": connection.enabled})
        return Exit.DONE
