"""What people see: states of connections, what waits for somebody, and the stories of runs, changes and pairs.

Everything here reads little, however large the tables are: newest rows through an index, counts up to a limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db.models import Case, CharField, OuterRef, Q, QuerySet, Subquery, TextChoices, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext, gettext_lazy

from connections.engine.setup import load_fields
from connections.models import (
    AccountState,
    Change,
    ChangeKind,
    ChangeState,
    Connection,
    Folder,
    Item,
    ItemKey,
    Label,
    Pair,
    Run,
    RunState,
    stopped,
)
from connections.services import causes

COUNTED = 2_000  # lines of a plan that are counted; beyond that a page says "more than"


class State(TextChoices):
    """Where a connection stands, the most urgent first."""

    OFF = "off", gettext_lazy("switched off")
    STOPPED = "stopped", gettext_lazy("stopped by operations")
    PAUSED = "paused", gettext_lazy("paused")
    AUTH = "auth", gettext_lazy("needs authorisation")
    FAILED = "failed", gettext_lazy("failed")
    HELD = "held", gettext_lazy("waits for approval")
    PLANNED = "planned", gettext_lazy("has a plan")
    RUNNING = "running", gettext_lazy("running")
    NEW = "new", gettext_lazy("not run yet")
    RESTS = "rests", gettext_lazy("up to date")


def with_state(rows: QuerySet[Connection]) -> QuerySet[Any]:
    """Adds `state`, and of the newest run `run_id`, `run_state`, `run_message`."""
    newest = Run.objects.filter(connection=OuterRef("pk")).order_by("-id")
    lost = Q(folder_a__account__state=AccountState.NEEDS_AUTHORISATION) | Q(
        folder_b__account__state=AccountState.NEEDS_AUTHORISATION
    )
    of_run = {
        RunState.AUTH: State.AUTH,
        RunState.FAILED: State.FAILED,
        RunState.HELD: State.HELD,
        RunState.PLANNED: State.PLANNED,
        RunState.RUNNING: State.RUNNING,
        "": State.NEW,
    }
    return rows.annotate(
        run_id=Subquery(newest.values("id")[:1]),
        run_state=Coalesce(Subquery(newest.values("state")[:1]), Value("")),
        run_message=Subquery(newest.values("message")[:1]),
    ).annotate(
        state=Case(
            When(enabled=False, then=Value(State.OFF)),
            When(stopped(), then=Value(State.STOPPED)),
            When(~Q(paused_reason=""), then=Value(State.PAUSED)),
            When(lost, then=Value(State.AUTH)),
            *(When(run_state=run, then=Value(state)) for run, state in of_run.items()),
            default=Value(State.RESTS),
            output_field=CharField(),
        )
    )


# ---- runs


@dataclass(frozen=True, slots=True)
class RunStory:
    counters: Sequence[tuple[str, int]]
    held: Sequence[tuple[str, str]]  # kind, reason
    lines: Sequence[tuple[str, str, str, int]]  # kind, side, name of the side's account, count
    proposed: int
    approved: int
    more: bool  # there are lines beyond those counted
    wrote: bool  # something was done that could be taken back

    @property
    def empty_side(self) -> bool:
        return any(kind == "empty" for kind, _ in self.held)


COUNTER_WORDS = {
    "create": gettext_lazy("created on"),
    "update": gettext_lazy("updated on"),
    "delete": gettext_lazy("deleted on"),
}
SUMMARY_WORDS = {
    "create": gettext_lazy("created"),
    "update": gettext_lazy("updated"),
    "delete": gettext_lazy("deleted"),
}


def run_story(run: Run) -> RunStory:
    names = side_names(run.connection)
    counters = [(counter_name(key, names), count) for key, count in sorted(run.counters.items()) if count]
    held = [(kind, str(reason)) for kind, reason in sorted(run.held.items()) if isinstance(reason, str)]
    waiting = Change.objects.filter(
        connection_id=run.connection_id, run=run, state__in=(ChangeState.PROPOSED, ChangeState.APPROVED)
    )
    lines = list(waiting.values_list("kind", "side", "state")[: COUNTED + 1])
    proposed = Counter((kind, side) for kind, side, state in lines if state == ChangeState.PROPOSED)
    return RunStory(
        counters=counters,
        held=held,
        lines=[(kind, side, names[side], count) for (kind, side), count in sorted(proposed.items())],
        proposed=sum(proposed.values()),
        approved=len(lines) - sum(proposed.values()),
        more=len(lines) > COUNTED,
        wrote=_wrote(run),
    )


def _wrote(run: Run) -> bool:
    keys = ("create_a", "create_b", "update_a", "update_b", "delete_a", "delete_b")
    return any(run.counters.get(key) for key in keys)


def counter_name(key: str, names: Mapping[str, str]) -> str:
    verb, _, side = key.rpartition("_")
    return f"{COUNTER_WORDS[verb]} {names[side]}" if verb in COUNTER_WORDS and side in names else key


def summary(counters: Mapping[str, int]) -> str:
    """Both sides together: what a list has room for."""
    total: Counter[str] = Counter()
    for key, count in counters.items():
        verb, _, side = key.rpartition("_")
        total[str(SUMMARY_WORDS[verb]) if verb in SUMMARY_WORDS and side in ("a", "b") else gettext(key)] += count
    return ", ".join(f"{count} {word}" for word, count in sorted(total.items()) if count) or gettext("nothing to do")


def side_names(connection: Connection) -> dict[str, str]:
    return {"a": str(connection.folder_a.account), "b": str(connection.folder_b.account)}


def newer_run(connection: Connection, after: int) -> Run | None:
    """The run that began after the one with this id, or one that is still under way."""
    rows = Run.objects.filter(connection=connection).order_by("-id")
    return rows.filter(Q(id__gt=after) | Q(state=RunState.RUNNING)).first()


def newest_run_id(connection: Connection) -> int:
    return Run.objects.filter(connection=connection).order_by("-id").values_list("id", flat=True).first() or 0


# ---- changes


@dataclass(frozen=True, slots=True)
class FieldChange:
    label: str
    before: Any
    after: Any
    lost: Any = None


@dataclass(frozen=True, slots=True)
class ChangeStory:
    fields: Sequence[FieldChange]
    added: Sequence[str]
    removed: Sequence[str]
    rules: Sequence[str]
    mappings: Sequence[str]
    winner: str
    version: Any
    made: datetime | None
    sent: datetime | None
    done: datetime | None


def change_story(change: Change) -> ChangeStory:
    labels = field_labels(change.target_folder)
    patch, before, why = orjson.loads(change.patch), orjson.loads(change.before), change.why
    lost = why.get("lost") or {}
    gone = change.kind in (ChangeKind.DELETE, ChangeKind.MERGE)
    shown = before if gone else patch
    names = side_names(change.connection)
    return ChangeStory(
        fields=[
            FieldChange(
                labels.get(key, key),
                before.get(key),
                None if gone else patch.get(key),
                lost.get(key),
            )
            for key in sorted(shown, key=lambda key: labels.get(key, key))
        ],
        added=label_names(change.target_folder, orjson.loads(change.add_labels)),
        removed=label_names(change.target_folder, orjson.loads(change.remove_labels)),
        rules=list(why.get("rules") or ()),
        mappings=[causes.in_words(cause, names) for cause in why.get("mappings") or ()],
        winner=names.get(str(why.get("winner") or ""), ""),
        version=why.get("version"),
        made=moment(change.made_at),
        sent=moment(change.sent_at),
        done=moment(change.done_at),
    )


def moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def field_labels(folder: Folder) -> dict[str, str]:
    return {known.key: known.label for known in load_fields(folder.catalogue or "[]")}


def label_names(folder: Folder, wanted: Sequence[str]) -> list[str]:
    if not wanted:
        return []
    known = dict(Label.objects.filter(account=folder.account_id, remote_id__in=wanted).values_list("remote_id", "name"))
    return [known.get(label, label) for label in wanted]


# ---- pairs


@dataclass(frozen=True, slots=True)
class SideField:
    """`mapped`: whether the sides are kept the same in this field."""

    label: str
    base: Any
    now: Any
    mapped: bool

    @property
    def moved(self) -> bool:
        return self.mapped and bool(self.base != self.now)


@dataclass(frozen=True, slots=True)
class SideStory:
    name: str
    folder: Folder
    item: Item | None
    fields: Sequence[SideField]
    labels: Sequence[str]
    observed: datetime | None
    modified: datetime | None
    rests_until: datetime | None
    attempts: int
    cause: str


@dataclass(frozen=True, slots=True)
class PairStory:
    sides: Sequence[SideStory]
    warnings: Sequence[str]
    conflicts: Sequence[str]
    brought_by: Sequence[str]
    changes: Sequence[tuple[Change, str, Sequence[str]]]  # with the side's name and the labels of its fields
    candidates: Sequence[Item] = field(default_factory=tuple)


def pair_story(pair: Pair, changes: int = 15) -> PairStory:
    connection = pair.connection
    sides = [_side_story(pair, side) for side in ("a", "b")]
    last = Change.objects.filter(pair=pair).only(
        "kind", "side", "state", "title", "made_at", "done_at", "reason", "patch", "connection"
    )
    wanted = [int(rule) for rule in map(_number, orjson.loads(pair.brought_by)) if rule]
    return PairStory(
        sides=sides,
        warnings=[_warning_text(warning) for warning in pair.warning_list],
        conflicts=list(orjson.loads(pair.conflicts)),
        brought_by=list(connection.rules.filter(id__in=wanted).values_list("name", flat=True)) if wanted else [],
        changes=_named(list(last.order_by("-id")[:changes]), connection),
        candidates=candidates(pair),
    )


def _named(changes: Sequence[Change], connection: Connection) -> list[tuple[Change, str, Sequence[str]]]:
    names = side_names(connection)
    labels = {"a": field_labels(connection.folder_a), "b": field_labels(connection.folder_b)}
    return [
        (change, names[change.side], [labels[change.side].get(key, key) for key in change.fields]) for change in changes
    ]


def _number(rule: Any) -> str:
    digits = str(rule).rstrip("abcdefghijklmnopqrstuvwxyz~-_")
    return digits if digits.isdigit() else ""


def _warning_text(warning: Any) -> str:
    if isinstance(warning, list) and len(warning) == 4:
        mapping, _, _, reason = warning
        return f"{mapping}: {reason}"
    return str(warning)


def _side_story(pair: Pair, side: str) -> SideStory:
    connection = pair.connection
    folder: Folder = getattr(connection, f"folder_{side}")
    item: Item | None = getattr(pair, f"item_{side}")
    base = orjson.loads(getattr(pair, f"base_{side}"))
    now = item.record if item is not None else {}
    labels = field_labels(folder)
    keys = sorted({*base, *now}, key=lambda key: labels.get(key, key))
    return SideStory(
        name=str(folder.account),
        folder=folder,
        item=item,
        fields=[
            SideField(labels.get(key, key), base.get(key), now.get(key), mapped=key in base)
            for key in keys
            if base.get(key) is not None or now.get(key) is not None
        ],
        labels=label_names(folder, orjson.loads(item.labels)) if item is not None else [],
        observed=moment(item.observed_at) if item is not None else None,
        modified=moment(item.modified) if item is not None else None,
        rests_until=moment(getattr(pair, f"blocked_{side}_until")),
        attempts=getattr(pair, f"attempts_{side}"),
        cause=getattr(pair, f"cause_{side}"),
    )


def candidates(pair: Pair, most: int = 10) -> list[Item]:
    """Records of the other side that share a matching key with a half pair's record."""
    own = pair.item_a_id or pair.item_b_id
    if own is None or (pair.item_a_id and pair.item_b_id):
        return []
    connection = pair.connection
    other = connection.folder_b_id if pair.item_a_id else connection.folder_a_id
    keys = ItemKey.objects.filter(item_id=own).values_list("value", flat=True)
    ids = ItemKey.objects.filter(folder_id=other, value__in=list(keys)).values_list("item_id", flat=True)[:200]
    here = Item.objects.filter(id__in=set(ids), departed="").defer("body", "former", "evidence")
    return list(here.order_by("title")[:most])


def latest_runs(connection: Connection, most: int = 5) -> QuerySet[Run]:
    return Run.objects.filter(connection=connection).order_by("-id")[:most]


@dataclass(frozen=True, slots=True)
class ItemStory:
    fields: Sequence[tuple[str, Any]]
    labels: Sequence[str]
    pairs: Sequence[Pair]


def item_story(item: Item) -> ItemStory:
    labels = field_labels(item.folder)
    pairs = Pair.objects.filter(Q(item_a=item) | Q(item_b=item)).select_related("connection")
    return ItemStory(
        fields=[(labels.get(key, key), value) for key, value in sorted(item.record.items())],
        labels=label_names(item.folder, orjson.loads(item.labels)),
        pairs=list(pairs.only("title", "health", "connection__name")[:20]),
    )
