"""Labels of the sides: from the names or ids that rules hold to the ids that the app takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import F

from connections.engine import setup
from connections.engine.items import dumps
from connections.engine.setup import Part, Plant
from connections.models import Folder, Label
from connectors.base import LabelKind

ASK_AGAIN = 300.0  # seconds until an app is asked again for a label of which a rule speaks and that it had not


def refresh(part: Part) -> dict[str, str]:
    """Asks the app for its labels, remembers them, and returns names by id."""
    if part.connector.capabilities.label_kind is None:
        return {}
    names = {}
    for label in part.connector.labels(part.folder.remote_id):
        names[label.id] = label.name
        Label.objects.update_or_create(
            tenant_id=part.folder.tenant_id,
            account=part.folder.account,
            folder=None,
            remote_id=label.id,
            defaults={"name": label.name, "kind": label.kind, "read_only": label.read_only},
        )
    note_listed(part.folder, names)
    return names


def note_listed(folder: Folder, ids: Iterable[str]) -> None:
    """So that rules know of labels that were deleted."""
    text = dumps(sorted(ids))
    if text != folder.listed_labels:
        folder.listed_labels = text
        folder.save(update_fields=["listed_labels"])


@dataclass
class Labels:
    """Creates a missing label once, not once per contact. One that a rule knew by its id and that was deleted since is
    not made again: `deleted` are names of such."""

    known: dict[int, dict[str, str]] = field(default_factory=dict)  # account id -> id, or name in lower case -> id
    deleted: set[str] = field(default_factory=set)

    def ids(self, plant: Plant, part: Part, labels: frozenset[str]) -> frozenset[str]:
        """Decisions that follow know the names of what was made or asked for on the way."""
        names = plant.label_names[part.side]
        return frozenset(filter(None, (self._id(part, label, names) for label in labels)))

    def learn(self, part: Part) -> dict[str, str]:
        """Asks the app; returns names by id."""
        names = refresh(part)
        table = {name.casefold(): key for key, name in names.items()} | {key: key for key in names}
        self.known[part.folder.account_id] = table
        return names

    def keep_up(self, plant: Plant, now: float, fresh: bool) -> None:
        """Rules hold labels by id or name: a label that is new to us is asked for by name before rules are judged; and
        whether one of a rule is there (still, again, or at last), where contacts have lost it or have one that was
        gone, or where it was never seen: some apps tell who has a label only of labels that they are asked about."""
        uses_labels = any(plant.rule_labels.values())
        listed = [part.folder.listed_labels for part in plant.parts.values()]
        for side, part in plant.parts.items():
            names, wanted = plant.label_names[side], plant.rule_labels[side]
            known = setup.listed_labels(part.folder)
            back = frozenset() if known is None else part.intake.labels - known
            moved = (part.intake.lost_labels | back) & wanted
            unsettled = uses_labels and (fresh or moved or part.intake.labels - set(names))
            if unsettled or _is_missed(part, wanted | plant.given_labels[side], names, now):
                part.folder.labels_asked_at = now
                part.folder.save(update_fields=["labels_asked_at"])
                names.update(self.learn(part))
                names.update({label: label for label in part.intake.labels - set(names)})
        if listed != [part.folder.listed_labels for part in plant.parts.values()]:
            setup.judge_rules_again(plant)

    def _id(self, part: Part, label: str, names: dict[str, str]) -> str:
        if part.folder.account_id not in self.known:
            names.update(self.learn(part))
        table = self.known[part.folder.account_id]
        found = table.get(label) or table.get(label.casefold())
        if found is None and (name := self._former_name(part, label)):
            self.deleted.add(name)
            return ""
        if found is None:
            made = part.connector.create_label(part.folder.remote_id, label)
            table[made.id] = table[made.name.casefold()] = found = made.id
            names[made.id] = made.name
            Label.objects.update_or_create(
                tenant_id=part.folder.tenant_id,
                account=part.folder.account,
                folder=None,
                remote_id=made.id,
                defaults={"name": made.name, "kind": made.kind, "read_only": made.read_only},
            )
        return found

    def _former_name(self, part: Part, label: str) -> str:
        rows = Label.objects.filter(account=part.folder.account_id, remote_id=label).exclude(name=F("remote_id"))
        return rows.values_list("name", flat=True).first() or ""


def _is_missed(part: Part, wanted: frozenset[str], names: Mapping[str, str], now: float) -> bool:
    """Whether a rule speaks of a label that the app did not have when it was asked last, some time ago; where a record
    shows all its labels, there is no need to ask."""
    if part.connector.capabilities.label_kind is not LabelKind.LIST or now - part.folder.labels_asked_at < ASK_AGAIN:
        return False
    there = {*names, *(name.casefold() for name in names.values())}
    return any({one, one.casefold()}.isdisjoint(there) for one in wanted)
