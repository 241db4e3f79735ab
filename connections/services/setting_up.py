"""Setting connections up: folders found by what people call them, configurations checked against what apps offer."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext

from connections import host
from connections.engine import setup
from connections.models import Account, Connection, DeletionPolicy, Folder, Label
from connections.services import arranging
from connectors.base import Capabilities
from syncrules.catalogue import Catalogue
from syncrules.defaults import default_mappings
from syncrules.models import FieldMapping, Rule
from syncrules.rulecheck import Offered, flaws
from syncrules.rules import source_of
from syncrules.specs import ActionKind, ConditionKind, Direction, MappingSpec, RuleSpec, Side
from syncrules.table import combined, compile_table

NAMED = 8  # folders that a sentence names at most


class CannotSetUp(Exception):
    """What was asked for cannot be; the text says what is wrong and what can be done."""


class ConnectedAlready(CannotSetUp):
    """A pair of folders is connected once; `other` is the connection that has it."""

    def __init__(self, a: Folder, b: Folder, other: Connection) -> None:
        self.other = other
        super().__init__(
            gettext("“%(a)s” and “%(b)s” are connected already, by %(other)s; a pair of folders is connected once.")
            % {"a": a, "b": b, "other": other}
        )


# ---- folders


def refresh_folders(account: Account) -> Sequence[arranging.Branch]:
    """The account's live folder tree with counts; its rows are stored. Raises ConnectorError."""
    return arranging.take_folders(account, host.connect(account).folders())


def find_folder(account: Account, text: str) -> Folder:
    """The live folder with this id, path or name. Raises CannotSetUp or ConnectorError."""
    return choose_folder([branch.folder for branch in refresh_folders(account)], text, account)


def choose_folder(folders: Sequence[Folder], text: str, account: Account) -> Folder:
    """The exact id counts before the path, the path before the name, and all of them before other cases."""
    loose = _loose(text)
    tests = (
        lambda folder: folder.remote_id == text,
        lambda folder: folder.path == text,
        lambda folder: folder.name == text,
        lambda folder: loose in (_loose(folder.remote_id), _loose(folder.path), _loose(folder.name)),
    )
    for test in tests:
        found = [folder for folder in folders if test(folder)]
        if len(found) == 1:
            return found[0]
        if found:
            raise CannotSetUp(
                f"Account {account} has {len(found)} folders called “{text}”: {_shown(found)}. Name one of them so."
            )
    raise CannotSetUp(f"Account {account} has no folder “{text}”. {_nearest(folders, text)}")


def _loose(text: str) -> str:
    return text.strip().strip("/").casefold()


def _shown(folders: Sequence[Folder]) -> str:
    """By paths where these differ, else by ids."""
    paths = [folder.path for folder in folders]
    texts = paths if len(set(paths)) == len(paths) else [folder.remote_id for folder in folders]
    more = f" and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return ", ".join(f"“{text}”" for text in texts[:NAMED]) + more


def _nearest(folders: Sequence[Folder], text: str) -> str:
    if not folders:
        return "The app shows no folder at all for it."
    names = {_loose(name): folder for folder in folders for name in (folder.remote_id, folder.name, folder.path)}
    near = difflib.get_close_matches(_loose(text), names, n=1, cutoff=0.5)
    return f"Did you mean “{names[near[0]].path}”?" if near else f"There are: {_shown(folders)}."


def folder_text(folder: Folder) -> str:
    """What finds the folder again: its path, or its id where several have that path."""
    twins = Folder.objects.filter(account=folder.account_id).filter(Q(path=folder.path) | Q(remote_id=folder.path))
    return folder.remote_id if twins.exclude(pk=folder.pk).exists() else folder.path


# ---- what the apps offer


@dataclass(frozen=True, slots=True)
class LiveSide:
    """What one side has now. `labels`: name in lower case -> id."""

    folder: Folder
    catalogue: Catalogue
    labels: Mapping[str, str]
    capabilities: Capabilities
    offered: Offered


def look(folder: Folder, labels: bool) -> LiveSide:
    """Asks the app for the folder's fields, and for its labels where wanted. Raises ConnectorError."""
    connector = host.connect(folder.account)
    catalogue = setup.catalogue_of(folder, connector, refresh=True)
    rows: list[tuple[str, str, bool]] = []
    if labels and connector.capabilities.label_kind is not None:
        arranging.store_labels(folder, connector)
        listed = setup.listed_labels(folder) or ()
        known = Label.objects.filter(account=folder.account_id, remote_id__in=listed)
        rows = list(known.values_list("remote_id", "name", "read_only"))
    offered = Offered(
        str(folder.account),
        catalogue,
        connector.capabilities,
        {remote_id: name for remote_id, name, _ in rows},
        frozenset(remote_id for remote_id, _, read_only in rows if read_only),
    )
    named = {name.casefold(): remote_id for remote_id, name, _ in rows}
    return LiveSide(folder, catalogue, named, connector.capabilities, offered)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Mappings (None: what means the same) and rules (None: everything, both ways) as a person asked for them.
    `beside_default`: the lines are wanted beside what means the same."""

    mappings: Sequence[MappingSpec] | None = None
    beside_default: bool = False
    direction: Direction = Direction.BOTH
    rules: Sequence[RuleSpec] | None = None
    deletions: Mapping[Side, str] | None = None  # what a deletion on the other side does on this one

    @property
    def names_labels(self) -> bool:
        rules = self.rules or ()
        return any(part.kind is ConditionKind.LABEL for rule in rules for part in rule.conditions) or any(
            part.kind is not ActionKind.SET for rule in rules for part in rule.actions
        )


def check(wanted: Configuration, a: Folder, b: Folder, region: str) -> Configuration:
    """The configuration with the ids of its labels, after both apps said that it can work.

    Raises CannotSetUp with the first thing that cannot, or ConnectorError."""
    live = {side: look(folder, wanted.names_labels) for side, folder in ((Side.A, a), (Side.B, b))}
    left, right = live[Side.A].catalogue, live[Side.B].catalogue
    specs = list(wanted.mappings or ())
    if wanted.mappings is None or wanted.beside_default:
        specs = combined(default_mappings(left, right), specs)
    known = {side: {**once_called(a, b)[side], **live[side].labels} for side in Side}
    rules = None if wanted.rules is None else [_with_ids(rule, known) for rule in wanted.rules]
    if not any(spec.enabled for spec in specs):
        raise CannotSetUp(
            gettext("No field of the one side is mapped to one of the other; without a mapping nothing can flow.")
        )
    for problem in compile_table(specs, left, right, region, wanted.direction).problems:
        raise CannotSetUp(f"Mapping “{problem.line}”: {problem.reason.rstrip('.')}.")
    sides = {side: each.offered for side, each in live.items()}
    for flaw in flaws(rules or (), sides, region):
        raise CannotSetUp(f"{str(flaw).rstrip('.?')}.")
    for side, policy in (wanted.deletions or {}).items():
        if policy == DeletionPolicy.DELETE and not live[side].capabilities.can_delete:
            raise CannotSetUp(f"The app of side {side.upper()} allows no deletes; choose keep or a label.")
    return replace(wanted, rules=rules)


def once_called(a: Folder, b: Folder) -> Mapping[Side, Mapping[str, str]]:
    """By which names the rules between two folders came to know labels that are still there: name in lower case -> id.
    A file goes on to call a label so after it was renamed in the app."""
    found: dict[Side, dict[str, str]] = {Side.A: {}, Side.B: {}}
    connection = Connection.objects.filter(folder_a=a, folder_b=b).first()
    for spec in setup.rule_specs(connection) if connection is not None else ():
        source = source_of(spec)
        for side, parts in ((source, spec.conditions), (source.other, spec.actions)):
            found[side].update({part.subject.casefold(): part.label_id for part in parts if part.label_id})
    for side, folder in ((Side.A, a), (Side.B, b)):
        rows = Label.objects.filter(account=folder.account_id, remote_id__in=found[side].values())
        there = set(rows.values_list("remote_id", flat=True)) & set(setup.listed_labels(folder) or ())
        found[side] = {name: label for name, label in found[side].items() if label in there}
    return found


def _with_ids(rule: RuleSpec, labels: Mapping[Side, Mapping[str, str]]) -> RuleSpec:
    """Labels by id where the account has them now, so that a rename breaks nothing."""
    source = source_of(rule)
    here, there = labels[source], labels[source.other]
    return replace(
        rule,
        conditions=tuple(
            replace(part, label_id=here.get(part.subject.casefold(), "")) if part.kind is ConditionKind.LABEL else part
            for part in rule.conditions
        ),
        actions=tuple(
            replace(part, label_id=there.get(part.subject.casefold(), "")) if part.kind is not ActionKind.SET else part
            for part in rule.actions
        ),
    )


# ---- writing it down


def everything() -> list[RuleSpec]:
    """The visible rule of a new connection, one for each direction."""
    return [RuleSpec("", title, direction) for direction, title in arranging.EVERYTHING.items()]


def refuse_used(a: Folder, b: Folder, leaving: Collection[int] = ()) -> None:
    """Raises CannotSetUp where the two folders are one, or are connected already, in whichever order. `leaving`: ids of
    connections that are about to be deleted."""
    if a.pk == b.pk:
        raise CannotSetUp(gettext("Both sides are the same folder “%(a)s”; choose two different ones.") % {"a": a})
    if a.tenant_id != b.tenant_id:
        raise CannotSetUp(gettext("The two folders belong to different tenants."))
    used = Connection.objects.filter(Q(folder_a=a, folder_b=b) | Q(folder_a=b, folder_b=a))
    other = used.exclude(pk__in=leaving).first()
    if other is not None:
        raise ConnectedAlready(a, b, other)


@transaction.atomic
def make_connection(
    name: str, a: Folder, b: Folder, configuration: Configuration, options: Mapping[str, Any]
) -> Connection:
    """A new connection with its lines and rules. `options` are the row's columns. Raises CannotSetUp."""
    refuse_used(a, b)
    connection = Connection(tenant_id=a.tenant_id, name=name, folder_a=a, folder_b=b, **options)
    try:
        connection.full_clean()
    except ValidationError as error:
        raise CannotSetUp(
            gettext("Connection %(name)s: %(reason)s") % {"name": name, "reason": " ".join(error.messages)}
        ) from error
    connection.save()
    replace_mappings(connection, configuration.mappings, configuration.beside_default)
    replace_rules(connection, everything() if configuration.rules is None else configuration.rules)
    arranging.keep_version(connection, "made")
    return connection


@transaction.atomic
def replace_mappings(connection: Connection, specs: Sequence[MappingSpec] | None, beside_default: bool = False) -> None:
    """None: what means the same on both sides is mapped."""
    FieldMapping.objects.filter(connection=connection).delete()
    rows = [FieldMapping.from_spec(spec, connection=connection, position=at) for at, spec in enumerate(specs or ())]
    FieldMapping.objects.bulk_create(rows)
    connection.default_mappings = specs is None or beside_default
    Connection.objects.filter(pk=connection.pk).update(default_mappings=connection.default_mappings)


@transaction.atomic
def replace_rules(connection: Connection, specs: Sequence[RuleSpec]) -> None:
    """A rule keeps its id as long as its direction and name stay: pairs remember which rule brought them in."""
    known = {(row.direction, row.name): row.pk for row in Rule.objects.filter(connection=connection)}
    for position, spec in enumerate(specs):
        row = Rule.from_spec(spec, connection=connection, position=position)
        row.pk = known.pop((spec.direction.value, spec.name), None)
        row.save()
    Rule.objects.filter(pk__in=known.values()).delete()


def touch_configuration(connection: Connection) -> None:
    """To be called after every change of options, mappings or rules: all pairs are decided anew."""
    arranging.configured(connection)
