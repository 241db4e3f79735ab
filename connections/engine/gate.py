"""What may be written in this run: everything, nothing (a plan), or only the lines that a person approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import orjson
from django.db.models import QuerySet

from connections.engine import guard
from connections.engine.planned import Planned
from connections.models import Change, ChangeState, Connection

NOTHING_KEPT = "{}"


class Mode(StrEnum):
    FREE = "free"
    PLAN = "plan"
    APPROVED = "approved"


class Leave(StrEnum):
    SEND = "send"
    PROPOSE = "propose"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the open plan, or one that a person rejected; `kept` once the bases that it was rejected with are."""

    id: int
    state: str
    kept: bool


@dataclass
class Never:
    """What a person rejected for good for one side of a pair: of updates some fields and labels, else the kind."""

    lines: list[Line] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    adds: set[str] = field(default_factory=set)
    removes: set[str] = field(default_factory=set)

    def without(self, planned: Planned) -> Planned:
        patch = {key: value for key, value in planned.patch.items() if key not in self.fields}
        before = {key: value for key, value in planned.before.items() if key not in self.fields}
        adds, removes = planned.add_labels - self.adds, planned.remove_labels - self.removes
        return replace(planned, patch=patch, before=before, add_labels=adds, remove_labels=removes)


@dataclass
class Gate:
    connection: Connection
    mode: Mode
    held: Mapping[str, str] = field(default_factory=dict)  # kinds of the guard that wait for approval
    lines: dict[tuple[int, str], Line] = field(default_factory=dict)
    never: dict[tuple[int, str, str], Never] = field(default_factory=dict)
    waiting: int = 0
    newly_mapped: int = 0  # of those that wait, what new lines of the mapping would write
    configured: int = 0  # of those that wait, what other changes of the configuration would write
    lines_live: bool = False  # what new lines of the mapping would write needs no approval
    holds_configuration: bool = False  # what only the new configuration would write waits

    def __post_init__(self) -> None:
        self.has_lines = self._rows().exists()

    def _rows(self) -> QuerySet[Change]:
        states = (ChangeState.PROPOSED, ChangeState.APPROVED, ChangeState.REJECTED)
        return Change.objects.filter(connection=self.connection, state__in=states, undo_of=None)

    def load(self, pair_ids: Sequence[int]) -> None:
        """The lines of one page of pairs."""
        self.lines, self.never = {}, {}
        if not self.has_lines:
            return
        rows = self._rows().filter(pair_id__among=pair_ids).order_by("id")
        columns = ("id", "pair_id", "fingerprint", "state", "for_good", "kind", "side", "source")
        labelled = ("patch", "add_labels", "remove_labels")
        for pk, pair_id, fingerprint, state, for_good, kind, side, source, *texts in rows.values_list(
            *columns, *labelled
        ):
            line = self.lines[pair_id, fingerprint] = Line(pk, state, source != NOTHING_KEPT)
            if for_good and state == ChangeState.REJECTED:
                never = self.never.setdefault((pair_id, kind, side), Never())
                never.lines.append(line)
                for known, text in zip((never.fields, never.adds, never.removes), texts, strict=True):
                    known.update(orjson.loads(text))

    def allowed(self, pair_id: int, planned: Planned) -> Planned | None:
        """An update without the fields and labels that a person rejected for good; None if nothing is left of it."""
        never = self.never.get((pair_id, planned.kind, str(planned.side)))
        if never is None or planned.kind != "update":
            return planned
        left = never.without(planned)
        return left if left.patch or left.add_labels or left.remove_labels else None

    def rejects(self, pair_id: int, planned: Planned) -> bool:
        line = self.lines.get((pair_id, planned.fingerprint))
        for_good = planned.kind != "update" and (pair_id, planned.kind, str(planned.side)) in self.never
        return for_good or (line is not None and line.state == ChangeState.REJECTED)

    def rejections(self, pair_id: int, planned: Planned) -> list[Line]:
        """The lines by which a person rejected an update, or some of it."""
        line = self.lines.get((pair_id, planned.fingerprint))
        found = [line] if line is not None and line.state == ChangeState.REJECTED else []
        never = self.never.get((pair_id, planned.kind, str(planned.side)))
        if never is not None and never.without(planned) != planned:
            found += [each for each in never.lines if each is not line]
        return found

    def judge(self, pair_id: int, planned: Planned, news: bool = True) -> tuple[Leave, int | None]:
        """What happens to a planned write, and the id of its line if there is one. `news`: a side of the pair changed,
        so that not the configuration alone is the cause."""
        line = self.lines.get((pair_id, planned.fingerprint))
        if self.rejects(pair_id, planned):
            return Leave.SKIP, line.id if line is not None else None
        if self.mode is Mode.PLAN:
            return self._wait(line)
        by_line = planned.new and not self.lines_live
        by_configuration = self.holds_configuration and not news and not by_line
        free = self.mode is Mode.FREE and not (by_line or by_configuration or guard.kinds(planned) & set(self.held))
        if free or (line is not None and line.state == ChangeState.APPROVED):
            return Leave.SEND, line.id if line is not None else None
        self.newly_mapped += by_line
        self.configured += by_configuration
        return self._wait(line)

    def is_undecided(self, pair_id: int, planned: Planned) -> bool:
        """Nobody has approved or rejected it."""
        line = self.lines.get((pair_id, planned.fingerprint))
        return not self.rejects(pair_id, planned) and (line is None or line.state == ChangeState.PROPOSED)

    def _wait(self, line: Line | None) -> tuple[Leave, int | None]:
        if line is None or line.state == ChangeState.PROPOSED:
            self.waiting += 1
        return Leave.PROPOSE, line.id if line is not None else None


def mode_of(connection: Connection, preview: bool) -> Mode:
    if preview or connection.look_only:
        return Mode.PLAN
    if connection.approve_first_run and not connection.first_run_done:
        return Mode.APPROVED
    return Mode.FREE
