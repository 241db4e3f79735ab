from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils.timezone import localtime

from connections.cli import Exit, PairwiseCommand, find_connection, full_name, run_in_words
from connections.models import Connection, Health
from connections.services import registering
from connections.services.status import Status, statuses


class Command(PairwiseCommand):
    help = "Says where a connection, or every one, stands."

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="connection or tenant/connection; left out: all")

    def work(self, name: str | None = None, **options: Any) -> Exit:
        rows = Connection.objects.all()
        found = statuses(rows.filter(pk=find_connection(name).pk) if name else rows)
        reminders = [] if name else list(registering.reminders())
        reminded = [reminder.text for reminder in reminders]
        self.answer({"connections": [status.as_dict() for status in found], "reminders": reminded})
        for status in found:
            self._show(status)
        for reminder in reminders:
            self.say(f"{reminder.text} {reminder.cure}")
        if not found:
            self.say("There is no connection yet; `apply` makes them from a file.")
        return Exit.DONE

    def _show(self, status: Status) -> None:
        row = status.connection
        self.say(f"{self.style.MIGRATE_LABEL(full_name(row))}: {status.words}")
        arrow = {"both": "⇄", "a_to_b": "→", "b_to_a": "←"}[row.direction]
        self.say(f"  {row.folder_a} of {row.folder_a.account} {arrow} {row.folder_b} of {row.folder_b.account}")
        if status.stopped:
            self.say(f"  {status.sentence}")
        if status.pairs:
            counts = ", ".join(f"{count:,} {Health(health).label}" for health, count in status.pairs.items())
            self.say(f"  contacts: {counts}")
        if status.run is not None:
            status.run.connection = row
            self.say(f"  last run: {run_in_words(status.run).partition(': ')[2]}")
        if row.last_ok_at:
            self.say(f"  last ran well: {localtime(row.last_ok_at):%Y-%m-%d %H:%M:%S}")
        for text in dict.fromkeys(source.text for source in status.news):
            self.say(f"  {text}")
        shown = status.run.message if status.run is not None else ""
        for problem in (problem for problem in status.problems if problem != shown):
            self.say(f"  {problem}")
