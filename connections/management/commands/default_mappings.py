from __future__ import annotations

from typing import Any

from connections.cli import Exit, PairwiseCommand
from syncrules.defaulttables import tables


class Command(PairwiseCommand):
    help = "Prints the default mappings between all pairs of apps, as Markdown."

    def work(self, **options: Any) -> Exit:
        text = tables()
        self.say(text.rstrip("\n"))
        self.answer({"markdown": text})
        return Exit.DONE
