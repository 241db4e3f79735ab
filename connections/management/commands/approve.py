from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from connections.cli import Exit, PairwiseCommand, WrongUse, find_run, full_name
from connections.models import Change, ChangeKind, ChangeSort, ChangeState, Run, RunKind
from connections.services import syncing


class Command(PairwiseCommand):
    help = "Approves lines of a plan, all or those named, or rejects them. What is approved is written by the next run."

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int, help="number of the run that made the plan")
        parser.add_argument("--kind", action="append", choices=ChangeKind.values, default=[], help="may be repeated")
        parser.add_argument(
            "--change", action="append", type=int, default=[], metavar="ID", help="one line; may be repeated"
        )
        parser.add_argument(
            "--group", choices=ChangeSort.values, default="", help="only lines that do this to a contact, such as fill"
        )
        parser.add_argument("--reject", action="store_true", help="do not write these lines until a side changes")
        parser.add_argument("--for-good", action="store_true", help="with --reject: until somebody takes it back")

    def work(self, run: int = 0, reject: bool = False, **options: Any) -> Exit:
        row = find_run(run)
        kinds, ids = options["kind"], options["change"]
        self._check(row, ids, reject)
        if options["for_good"] and not reject:
            raise WrongUse("--for-good goes with --reject.")
        among = Change.objects.filter(sort=options["group"]) if options["group"] else None
        if reject:
            count = syncing.reject(row, kinds=kinds, change_ids=ids, among=among, for_good=options["for_good"])
        else:
            count = syncing.approve(row, kinds=kinds, change_ids=ids, among=among)
        word = "rejected" if reject else "approved"
        self.answer({"run": row.pk, word: count})
        if syncing.EMPTY in row.held:
            self.say(f"Run {row.pk} may go on although a side is empty; {self._next(row)}")
        elif reject or not count:
            self.say(f"{count:,} lines {word}.")
        else:
            self.say(f"{count:,} lines {word}; {self._next(row)}")
        return Exit.DONE

    def _check(self, row: Run, ids: list[int], reject: bool) -> None:
        if syncing.EMPTY in row.held:
            if reject or ids:
                raise WrongUse(f"Run {row.pk} has no lines: it waits as a whole, because a side is empty.")
            return
        lines = Change.objects.filter(run=row, state=ChangeState.PROPOSED)
        if not lines.exists():
            raise WrongUse(f"No line of run {row.pk} waits for approval.{self._newer(row)}")
        strange = set(ids) - set(lines.filter(pk__in=ids).values_list("pk", flat=True))
        if strange:
            numbers = ", ".join(map(str, sorted(strange)))
            raise WrongUse(f"No line {numbers} of run {row.pk} waits for approval; `preview --json` shows the plan.")

    def _newer(self, row: Run) -> str:
        waiting = Change.objects.filter(connection=row.connection, state=ChangeState.PROPOSED).exclude(run=row)
        newest = waiting.order_by("-id").values_list("run_id", flat=True).first()
        return f" The open plan of {full_name(row.connection)} is run {newest}." if newest else ""

    def _next(self, row: Run) -> str:
        if row.kind == RunKind.UNDO:
            return f"`undo {row.pk}` takes them back."
        return f"the next run does it, or `sync {full_name(row.connection)}` now."
