from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from connections.cli import (
    OF_RUN,
    Exit,
    PairwiseCommand,
    WrongUse,
    find_connection,
    find_run,
    run_as_dict,
    run_in_words,
)
from connections.models import Change, Pair, Run, RunState, User
from connections.services import explaining, plans, undoing
from connections.services.undoing import NothingToUndo

HOW = "Name a run, one change with --change, or a connection with --contact or --since."


class Command(PairwiseCommand):
    help = (
        "Takes back what was written: by a run, to a contact, in one change, or by a connection since a moment. "
        "What people changed since is listed and left as it is."
    )
    wrong_use = (WrongUse, NothingToUndo)

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", nargs="?", metavar="RUN or NAME", help="number of a run, or name of a connection")
        parser.add_argument("--change", type=int, metavar="ID", help="one change")
        parser.add_argument("--contact", metavar="TEXT", help="all that was written to a contact: name, email or id")
        parser.add_argument("--since", metavar="WHEN", help="everything since then: 2026-05-01, 2026-05-01 14:30, 3h")
        parser.add_argument("--preview", action="store_true", help="only show what would be taken back")
        parser.add_argument("--by", metavar="EMAIL", help="who wants this; stands in the history")

    def work(self, what: str | None = None, **options: Any) -> Exit:
        made = self._undo(what, options, self._person(options["by"]))
        report = run_as_dict(made)
        report["left"] = [vars_of(left) for left in undoing.left_alone(made)]
        if made.state == RunState.PLANNED:
            plan = plans.summary(made)
            report["plan"] = plan.as_dict()
            for group in plan.groups:
                self.say(f"{group.count:>7,}  {group.title}: {', '.join(group.samples)}")
        else:
            self.say(run_in_words(made))
        for left in report["left"]:
            self.say(f"   left  {left['contact']} on {left['side']}: {left['field']} shows {left['now']}")
        if made.state == RunState.PLANNED:
            self.say(f"Nothing was written. `approve {made.pk}` and then `undo {made.pk}` take it back.")
        self.answer(report)
        return OF_RUN[made.state]

    def _undo(self, what: str | None, options: dict[str, Any], by: User | None) -> Run:
        change, contact, since = options["change"], options["contact"], options["since"]
        how: Any = {"preview": options["preview"], "by": by, "progress": self.progress()}
        chosen = sum(value is not None for value in (change, contact, since))
        if chosen > 1 or (change is None) == (what is None):
            raise WrongUse(HOW)
        if change is not None:
            return undoing.undo_change(self._change(change), **how)
        if contact is not None:
            return undoing.undo_pair(self._pair(str(what), contact), **how)
        if since is not None:
            connection = find_connection(str(what))
            try:
                moment = undoing.moment_of(since)
            except ValueError as error:
                raise WrongUse(str(error)) from error
            return undoing.undo_since(connection, moment, **how)
        if not str(what).isdigit():
            raise WrongUse(HOW)
        return undoing.undo_run(find_run(int(str(what))), **how)

    def _change(self, number: int) -> Change:
        row = Change.objects.select_related("connection__tenant").filter(pk=number).first()
        if row is None:
            raise WrongUse(f"There is no change {number}; `explain` names the changes of a contact.")
        return row

    def _pair(self, name: str, text: str) -> Pair:
        connection = find_connection(name)
        found = explaining.find(connection, text)
        if len(found) == 1:
            return found[0]
        if not found:
            raise WrongUse(f"{connection} knows no contact {text}.")
        raise WrongUse(f"{text} means several contacts of {connection}; use the email, or the app's own id.")

    def _person(self, email: str | None) -> User | None:
        person = User.objects.filter(email__iexact=email).first() if email else None
        if email and person is None:
            raise WrongUse(f"Nobody signs in as {email}.")
        return person


def vars_of(left: undoing.Left) -> dict[str, Any]:
    return {
        "change": left.change.pk,
        "contact": left.title,
        "side": left.side,
        "field": left.field,
        "ours": left.ours,
        "now": left.now,
    }
