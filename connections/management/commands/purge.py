from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from connections.cli import Exit, PairwiseCommand
from connections.services import retention


class Command(PairwiseCommand):
    help = (
        "Removes history that is older than each tenant keeps, and connections deleted for good. Workers do it hourly."
    )

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--preview", action="store_true", help="only count what would go")

    def work(self, preview: bool = False, **options: Any) -> Exit:
        purged = retention.purge(write=not preview)
        if purged is None:
            self.say("Another worker is at it.")
            self.answer({"purged": None})
            return Exit.DONE
        self.say(f"{'Would remove' if preview else 'Removed'} {purged}.")
        self.answer({"preview": preview, "purged": asdict(purged)})
        return Exit.DONE
