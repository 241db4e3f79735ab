"""Why a contact is, or is not, the same in both apps: in words that the person who asks understands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from connections.engine import setup
from connections.models import Change, ChangeKind, ChangeState, Connection, Folder, Health, Item, ItemKey, Label, Pair
from connections.services import looking, plans
from syncrules.catalogue import Catalogue
from syncrules.conditions import Facts
from syncrules.keys import phone_key
from syncrules.specs import Direction, Side, SpecError

NAMELESS = "a contact without a name"
MOST = 10  # contacts that one question may mean
CHANGES = 5
SHORTEST_ID = 5  # of an app's id that is told from any other number
WORDS = {
    Health.IN_SYNC: "In sync: both apps show the same.",
    Health.EXCLUDED: "Not synced by this connection.",
    Health.WAITING: "Waiting.",
    Health.DUPLICATE: "A duplicate: the same person is there more than once, so none is brought over twice.",
    Health.REVIEW: "A person must decide.",
    Health.FAILED: "It did not work.",
    Health.DELETED: "Deleted on one side.",
}
DONE_WORDS = {
    ChangeKind.CREATE: "created on {there}",
    ChangeKind.PAIR: "recognised as the same contact",
    ChangeKind.UPDATE: "updated on {there}",
    ChangeKind.DELETE: "deleted on {there}",
    ChangeKind.MERGE: "merged on {there}",
}
STATE_WORDS = {
    ChangeState.PROPOSED: "waits for approval",
    ChangeState.APPROVED: "approved, not sent yet",
    ChangeState.SENT: "sent just now",
    ChangeState.UNKNOWN: "sent, but no answer came; it is looked for",
    ChangeState.REFUSED: "refused by the app",
    ChangeState.STALE: "overtaken by a newer edit",
    ChangeState.SUPERSEDED: "replaced by a newer plan",
    ChangeState.REJECTED: "rejected by a person",
}


RuleWords = tuple[str, bool, Sequence[tuple[str, bool]]]  # name, whether it holds, and the same of its conditions


@dataclass(frozen=True, slots=True)
class SideExplanation:
    """One app's part. `rules` are those of the direction that leads away from here."""

    name: str
    folder: str
    shows: str
    rules: Sequence[RuleWords]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    pair: Pair
    title: str
    verdict: str
    reason: str
    sides: Sequence[SideExplanation]
    warnings: Sequence[str]
    candidates: Sequence[str]
    changes: Sequence[str]
    page: str  # the contact on the tenant's own pages; empty where it is on none any more

    def as_dict(self) -> dict[str, Any]:
        return {
            "pair": self.pair.pk,
            "contact": self.title,
            "health": self.pair.health,
            "verdict": self.verdict,
            "reason": self.reason,
            "sides": [
                {
                    "name": side.name,
                    "folder": side.folder,
                    "shows": side.shows,
                    "note": side.note,
                    "rules": [
                        {"name": name, "holds": holds, "conditions": [{"text": t, "holds": h} for t, h in conditions]}
                        for name, holds, conditions in side.rules
                    ],
                }
                for side in self.sides
            ],
            "warnings": list(self.warnings),
            "candidates": list(self.candidates),
            "changes": list(self.changes),
            "text": self.text,
            "page": self.page,
        }

    @property
    def text(self) -> str:
        """To be given to whoever asks: neither our numbers nor the apps', and no word of the engine."""
        lines = [self.title, "", f"{self.verdict} {self.reason}".rstrip()]
        for side in self.sides:
            lines.append(f"{side.name} ({side.folder}): {side.shows}" + (f"; {side.note}" if side.note else ""))
            if self.pair.health != Health.IN_SYNC:
                lines += _rule_lines(side.rules)
        lines += [f"Left out: {warning}" for warning in self.warnings]
        if self.candidates:
            lines.append(f"May be the same as: {', '.join(self.candidates)}")
        if self.changes:
            lines += ["", "What happened last:", *(f"- {change}" for change in self.changes)]
        if self.page:
            lines += ["", f"The contact on your own page: {self.page}"]
        return "\n".join(lines)


def _rule_lines(rules: Sequence[RuleWords]) -> Iterator[str]:
    for rule, holds, conditions in rules:
        yield f"  rule “{rule}” {'holds' if holds else 'does not hold'}:"
        for text, true in conditions:
            yield f"    {'yes' if true else 'no '}  {text}"


# ---- finding


def find(connection: Connection, text: str) -> list[Pair]:
    """The pairs of a contact: by the app's id, by email, by phone, then by name; at most MOST and one more."""
    rows = Pair.objects.filter(connection=connection).select_related("item_a", "item_b").order_by("id")
    for wanted in (_by_id(connection, text), _by_key(connection, text)):
        if wanted:
            found = list(rows.filter(Q(item_a__in=wanted) | Q(item_b__in=wanted))[: MOST + 1])
            if found:
                return found
    exact = list(rows.filter(title__iexact=text.strip())[: MOST + 1])
    return exact or list(rows.filter(title__icontains=text.strip())[: MOST + 1])


def _folders(connection: Connection) -> list[int]:
    return [connection.folder_a_id, connection.folder_b_id]


def _by_id(connection: Connection, text: str) -> list[int]:
    rows = Item.objects.filter(folder__in=_folders(connection), remote_id=text.strip())
    return list(rows.values_list("id", flat=True))


def _by_key(connection: Connection, text: str) -> list[int]:
    keys = ItemKey.objects.filter(folder__in=_folders(connection))
    if "@" in text:
        keys = keys.filter(value=f"e:{text.strip().casefold()}")
    elif number := phone_key(text, connection.tenant.region):
        keys = keys.filter(value__begins=f"p:{number}|")
    else:
        return []
    return list(keys.values_list("item_id", flat=True)[: 2 * MOST])


# ---- explaining


def explain(pair: Pair) -> Explanation:
    """Reads what is stored and asks no app."""
    changes = Change.objects.filter(pair=pair).exclude(state=ChangeState.SUPERSEDED).order_by("-id")[:CHANGES]
    names = looking.side_names(pair.connection)
    story = looking.pair_story(pair, 0)
    reason = _without_ids(pair.reason, pair)
    return Explanation(
        pair=pair,
        title=pair.title or NAMELESS,
        verdict=WORDS[Health(pair.health)],
        reason=_sentence(reason),
        sides=[_side(pair, side) for side in Side],
        warnings=list(story.warnings),
        candidates=[item.title or NAMELESS for item in story.candidates] if pair.health == Health.REVIEW else [],
        changes=[_change(change, names, _without_ids(change.reason, pair)) for change in changes],
        page=page_of(pair),
    )


def page_of(pair: Pair) -> str:
    """The whole address of the contact on the tenant's own pages; empty where its connection was deleted."""
    connection = pair.connection
    if connection.deleted_at:
        return ""
    where = reverse("connection-contact", args=[connection.tenant.slug, connection.pk, pair.pk])
    return f"{settings.PUBLIC_URL}{where}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text and text[-1] not in ".?!" else text


def _without_ids(text: str, pair: Pair) -> str:
    """Apps name a contact by their own id in what they answer."""
    for item in (pair.item_a, pair.item_b):
        if item is not None and len(item.remote_id) >= SHORTEST_ID:
            text = re.sub(rf"(?<!\w){re.escape(item.remote_id)}(?!\w)", "…", text)
    return text


def _side(pair: Pair, side: Side) -> SideExplanation:
    connection = pair.connection
    folder: Folder = getattr(connection, f"folder_{side}")
    item: Item | None = getattr(pair, f"item_{side}")
    there = item is not None and not item.departed
    direction = Direction(connection.direction)
    rules: Sequence[RuleWords] = ()
    note = ""
    if not direction.carries(side):
        note = "this connection brings nothing from here"
    elif item is not None and there:
        rules, note = _rules(pair, side, item)
    return SideExplanation(str(folder.account), str(folder), _shows(item), rules, note)


def _shows(item: Item | None) -> str:
    if item is None:
        return "not there"
    if item.departed:
        return f"{item.get_departed_display()}; it was “{item.title or NAMELESS}”"
    if item.problem:
        return f"there, but it cannot be read: {item.problem}"
    return f"there, as “{item.title}”" if item.title else f"there, as {NAMELESS}"


def _rules(pair: Pair, side: Side, item: Item) -> tuple[list[RuleWords], str]:
    connection = pair.connection
    a, b = (Catalogue(setup.load_fields(row.catalogue or "[]")) for row in (connection.folder_a, connection.folder_b))
    try:
        at_work = setup.rules_at_work(connection, a, b)
    except SpecError as error:
        return [], f"the rules cannot be read: {error}"
    compiled, resting = at_work.for_source(side), "; ".join(map(str, at_work.problems))
    if not compiled:
        return [], resting or "no rule of this direction is enabled, so nothing new is brought over"
    ids = orjson.loads(item.labels)
    names = Label.objects.filter(account=item.folder.account_id, remote_id__in=ids).values_list("name", flat=True)
    other: Item | None = getattr(pair, f"item_{side.other}")
    exists = other is not None and not other.departed
    labels, brought_by = frozenset([*ids, *names]), orjson.loads(pair.brought_by)
    found: list[RuleWords] = []
    for rule in compiled:
        facts = Facts(item.record, labels, exists, brought_in=rule.id in brought_by)
        found.append((rule.name, rule.matches(facts), rule.explain(facts)))
    return found, resting


def _change(change: Change, names: dict[str, str], reason: str) -> str:
    """When, what, where, why, and what became of it."""
    what = DONE_WORDS[ChangeKind(change.kind)].format(there=names[change.side])
    labels = looking.field_labels(change.target_folder)
    fields = ", ".join(labels.get(key, key) for key in change.fields)
    if change.kind == ChangeKind.UPDATE:
        what += f": {fields or 'labels'}"
    reasons = ", ".join(plans.reasons(change.kind, change.why, names))
    return _told(change, what + (f" (because: {reasons})" if reasons else ""), reason)


def brief(change: Change, names: dict[str, str]) -> str:
    """When, what and where, and what became of it: for lists, which read no field of a contact."""
    return _told(change, DONE_WORDS[ChangeKind(change.kind)].format(there=names[change.side]), change.reason)


def _told(change: Change, what: str, reason: str) -> str:
    moment: datetime | None = looking.moment(change.done_at or change.sent_at or change.made_at)
    when = f"{timezone.localtime(moment):%Y-%m-%d %H:%M}" if moment else "some time"
    if change.state == ChangeState.DONE:
        return f"{when} {what}"
    return f"{when} {what} — {STATE_WORDS[ChangeState(change.state)]}" + (f": {reason}" if reason else "")
