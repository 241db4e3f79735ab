from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from connections.cli import OF_RUN, Exit, PairwiseCommand, find_connection, full_name, run_as_dict, run_in_words
from connections.models import RunState
from connections.services import plans, syncing
from connections.services.losses import Loss
from connections.services.plans import Group, Plan

REASONS = 4


class Command(PairwiseCommand):
    help = "Looks at both sides and shows what a sync would write, and why. Nothing is written to an app."

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="connection or tenant/connection")

    def work(self, name: str = "", **options: Any) -> Exit:
        connection = find_connection(name)
        run = syncing.preview(connection, progress=self.progress())
        if run.state != RunState.PLANNED:
            self.say(run_in_words(run))
            self.answer(run_as_dict(run))
            return OF_RUN[run.state]
        plan = plans.summary(run)
        self.answer({**run_as_dict(run), "plan": plan.as_dict(), "losses": run.losses})
        if not self.as_json:
            self._show(plan, [Loss(**loss) for loss in run.losses], full_name(connection))
        return Exit.DONE

    def _show(self, plan: Plan, lost: Sequence[Loss], name: str) -> None:
        if not plan.groups:
            self.say(f"{name}: both sides are the same, there is nothing to write.")
        for group in plan.groups:
            self._group(group)
        if plan.left:
            self.say("\nLeft as they are:")
        for group in plan.left:
            self._group(group)
        if lost:
            self.say("\nWhat the other side cannot hold, and keeps where it is:")
        for loss in lost:
            self._loss(loss)
        if plan.groups:
            run = plan.run.pk
            self.say(
                f"\n{plan.count:,} lines, run {run}. `sync {name}` does them; "
                f"`approve {run} --reject --change ID` takes one out."
            )

    def _loss(self, loss: Loss) -> None:
        self.say(f"{loss.count:>7,}  {self.style.MIGRATE_LABEL(f'{loss.what}, on {loss.there}')}: {loss.reason}")
        rest = " …" if loss.count > len(loss.samples) else ""
        self.say(f"                  e.g. {', '.join(loss.samples)}{rest}")

    def _group(self, group: Group) -> None:
        self.say(f"{group.count:>7,}  {self.style.MIGRATE_LABEL(group.title)}")
        for reason, count in group.reasons.most_common(REASONS):
            self.say(f"         {count:>7,}  {reason}")
        more = len(group.reasons) - REASONS
        if more > 0:
            self.say(f"                  and {more} more reasons")
        if group.samples:
            rest = " …" if group.count > len(group.samples) else ""
            self.say(f"                  e.g. {', '.join(group.samples)}{rest}")
