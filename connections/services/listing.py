"""Lists of a connection's contacts: by state and cause, searched, page by page, and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import QuerySet

from connections.models import Change, Connection, Health, Pair
from connections.services import finding, looking
from connections.services.planlines import harmless

PAGE = 50
COLUMNS = ("contact", "state", "reason")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`notes`: only those of which something is to know."""

    connection: Connection
    health: str = ""
    reason: str = ""
    text: str = ""
    notes: bool = False

    def rows(self) -> QuerySet[Pair]:
        rows = Pair.objects.filter(connection=self.connection)
        if self.health in Health.values:
            rows = rows.filter(health=self.health)
        if self.reason:
            rows = rows.filter(reason=self.reason)
        if self.notes:
            rows = rows.exclude(warnings="[]")
        return finding.find_pairs(rows, self.text) if self.text else rows

    @property
    def title(self) -> str:
        if self.notes:
            return "With something to know"
        return str(Health(self.health).label).capitalize() if self.health in Health.values else "All contacts"

    @property
    def query(self) -> str:
        given = {"health": self.health, "reason": self.reason, "q": self.text, "notes": "yes" if self.notes else ""}
        return urlencode({name: value for name, value in given.items() if value})


def page(wanted: Wanted, after: int = 0) -> tuple[list[Pair], int]:
    """The next contacts by id, and from where to go on; 0 at the end."""
    columns = ("id", "title", "health", "reason", "item_a", "item_b")
    found = list(wanted.rows().only(*columns).filter(id__gt=after).order_by("id")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else 0


def as_csv(wanted: Wanted) -> Iterator[str]:
    """In portions; no cell begins as a formula does."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    names = looking.side_names(wanted.connection)
    writer.writerow([harmless(cell) for cell in (*COLUMNS, f"on {names['a']}", f"on {names['b']}")])
    rows = wanted.rows().order_by("id").values_list("title", "health", "reason", "item_a", "item_b")
    for number, (title, health, reason, a, b) in enumerate(rows.iterator(500), 1):
        there = ["no" if item is None else "yes" for item in (a, b)]
        writer.writerow([harmless(cell) for cell in (title, Health(health).label, reason, *there)])
        if number % 200 == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def history(connection: Connection, before: int = 0) -> tuple[list[Change], int]:
    """The newest changes first, and before which to go on; 0 at the end. What is only planned is not among them."""
    rows = Change.objects.filter(connection=connection).exclude(state__in=("proposed", "approved", "superseded"))
    rows = rows.filter(id__lt=before) if before else rows
    columns = ("kind", "side", "state", "title", "made_at", "done_at", "reason", "patch", "pair")
    found = list(rows.only(*columns).order_by("-id")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else 0
