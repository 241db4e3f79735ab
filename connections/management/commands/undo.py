from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from connections.cli import OF_RUN, Exit, PairwiseCommand, WrongUse, find_run, run_as_dict, run_in_words
from connections.models import Change, RunState
from connections.services import plans, undoing
from connections.services.undoing import NothingToUndo


class Command(PairwiseCommand):
    help = "Takes back what a run, or one change, has written; what people changed since is left as it is."
    wrong_use = (WrongUse, NothingToUndo)

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int, nargs="?", help="number of the run")
        parser.add_argument("--change", type=int, metavar="ID", help="one change instead of a run")
        parser.add_argument("--preview", action="store_true", help="only show what would be taken back")

    def work(self, run: int | None = None, change: int | None = None, preview: bool = False, **options: Any) -> Exit:
        if run is not None and change is None:
            made = undoing.undo_run(find_run(run), preview=preview, progress=self.progress())
        elif change is not None and run is None:
            made = undoing.undo_change(self._change(change), preview=preview, progress=self.progress())
        else:
            raise WrongUse("Name a run, or one change with --change.")
        report = run_as_dict(made)
        if made.state == RunState.PLANNED:
            plan = plans.summary(made)
            report["plan"] = plan.as_dict()
            for group in plan.groups:
                self.say(f"{group.count:>7,}  {group.title}: {', '.join(group.samples)}")
            self.say(f"Nothing was written. `approve {made.pk}` and then `undo {made.pk}` take it back.")
        else:
            self.say(run_in_words(made))
        self.answer(report)
        return OF_RUN[made.state]

    def _change(self, number: int) -> Change:
        row = Change.objects.select_related("connection__tenant").filter(pk=number).first()
        if row is None:
            raise WrongUse(f"There is no change {number}; `explain` names the changes of a contact.")
        return row
