from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from connections.cli import Exit, PairwiseCommand, find_connection, full_name
from connections.services import syncing


class Command(PairwiseCommand):
    help = "Lets the next run try failed and refused contacts again, without waiting for its time."

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="connection or tenant/connection")

    def work(self, name: str = "", **options: Any) -> Exit:
        connection = find_connection(name)
        count = syncing.retry(connection)
        self.say(f"{full_name(connection)}: {count:,} contacts are tried again in the next run.")
        self.answer({"connection": full_name(connection), "retried": count})
        return Exit.DONE
