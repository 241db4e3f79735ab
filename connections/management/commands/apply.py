from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from connections.cli import Exit, PairwiseCommand, WrongUse
from connections.services.configuration import Application, BadFile


class Command(PairwiseCommand):
    help = "Makes tenants, accounts and connections what a YAML file says, and prints what that changes."
    wrong_use = (WrongUse, BadFile)

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a YAML file; - reads standard input")
        parser.add_argument("--diff", action="store_true", help="only print what would change")
        parser.add_argument(
            "--prune", action="store_true", help="delete accounts and connections of its tenants that it leaves out"
        )

    def work(self, file: str = "", diff: bool = False, prune: bool = False, **options: Any) -> Exit:
        application = Application(self._text(file), file, prune)
        differences = application.differences
        for difference in differences:
            for line in difference.lines():
                self.say(line)
        if not diff:
            application.write()
        if not differences:
            self.say("Everything is as the file says; nothing to change.")
        elif diff:
            self.say("Nothing was written.")
        self.answer({"written": not diff, "differences": [difference.as_dict() for difference in differences]})
        return Exit.DONE

    def _text(self, file: str) -> str:
        try:
            return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        except OSError as error:
            raise WrongUse(f"{file} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise WrongUse(f"{file} is no UTF-8 text.") from error
