"""Lists of a connection's contacts: by state and cause, searched, page by page, and as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_lazy

from connections.models import Change, Connection, Health, Pair
from connections.services import finding, looking

PAGE = 50
COLUMNS = (gettext_lazy("contact"), gettext_lazy("state"), gettext_lazy("reason"))


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
            return gettext("With something to know")
        return str(Health(self.health).label).capitalize() if self.health in Health.values else gettext("All contacts")

    @property
    def query(self) -> str:
        given = {"health": self.health, "reason": self.reason, "q": self.text, "notes": "yes" if self.notes else ""}
        return urlencode({name: value for name, value in given.items() if value})


def page(wanted: Wanted, after: int = 0) -> tuple[list[Pair], int]:
    """The next contacts by id, and from where to go on; 0 at the end."""
    columns = ("id", "title", "health", "reason", "item_a", "item_b")
    found = list(wanted.rows().only(*columns).filter(id__gt=after).order_by("id")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else 0


def table(wanted: Wanted) -> Iterator[Iterable[Any]]:
    """One row per contact, under a row of headings."""
    names = looking.side_names(wanted.connection)
    yield (*map(str, COLUMNS), *(gettext("on %(side)s") % {"side": names[side]} for side in "ab"))
    rows = wanted.rows().order_by("id").values_list("title", "health", "reason", "item_a", "item_b")
    for title, health, reason, *items in rows.iterator(500):
        yield (
            title,
            str(Health(health).label),
            gettext(reason) if reason else "",
            *(gettext("no") if item is None else gettext("yes") for item in items),
        )


def history(connection: Connection, before: int = 0, run: int = 0) -> tuple[list[Change], int]:
    """The newest changes first, of one run or of all, and before which to go on; 0 at the end. What is only planned is
    not among them."""
    rows = Change.objects.filter(connection=connection).exclude(state__in=("proposed", "approved", "superseded"))
    rows = rows.filter(id__lt=before) if before else rows
    rows = rows.filter(run=run) if run else rows
    columns = ("kind", "side", "state", "title", "made_at", "done_at", "reason", "patch", "pair")
    found = list(rows.only(*columns).order_by("-id")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else 0
