"""Compiles a connection: what its rows say, with the live catalogues of both sides, into what the engine works with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import orjson

from connections.engine.decide import Setup, Target
from connections.engine.forgotten import Forgotten, of_tenant
from connections.engine.items import Intake, dumps
from connections.engine.match import tiers
from connections.models import ConflictPolicy, Connection, Folder, Label
from connectors.base import Capabilities, Connector, Field, FieldType
from syncrules.catalogue import Catalogue
from syncrules.defaults import default_mappings
from syncrules.mapping import CompiledMapping, MappingError
from syncrules.merge import Policy
from syncrules.rules import RuleProblem, RuleSet, compile_rules, source_of
from syncrules.specs import ActionKind, ConditionKind, Direction, MappingSpec, RuleSpec, Side
from syncrules.table import Problem, Table, combined, compile_table, digest


@dataclass
class Part:
    """One side at work: its folder, its connector, and the way into its items."""

    side: Side
    folder: Folder
    connector: Connector
    catalogue: Catalogue
    intake: Intake
    fields: Sequence[str]

    @property
    def settle_after(self) -> float:
        return self.connector.capabilities.settle_after


@dataclass
class Plant:
    """A connection ready to run."""

    connection: Connection
    setup: Setup
    parts: Mapping[Side, Part]
    tiers: tuple[str, ...]
    label_names: Mapping[Side, dict[str, str]]
    rule_labels: Mapping[Side, frozenset[str]]  # labels by which rules tell contacts of a side apart, also resting ones
    given_labels: Mapping[Side, frozenset[str]]  # labels that rules put on contacts of a side or take off
    problems: Sequence[Problem | RuleProblem] = ()  # lines of the mapping table and parts of rules that rest
    forgotten: Forgotten | None = None


def dump_fields(fields: Sequence[Field]) -> str:
    return dumps([{**asdict(field), "attributes": sorted(field.attributes)} for field in fields])


def load_fields(text: str) -> list[Field]:
    return [_field(row) for row in orjson.loads(text)]


def _field(row: dict[str, Any]) -> Field:
    options = tuple((value, label) for value, label in row["options"])
    attributes = frozenset(row["attributes"])
    return Field(**{**row, "type": FieldType(row["type"]), "options": options, "attributes": attributes})


def catalogue_of(folder: Folder, connector: Connector, refresh: bool = False) -> Catalogue:
    """The folder's field catalogue; asked from the app when none is stored or `refresh` says so."""
    if refresh or folder.catalogue in ("", "[]"):
        text = dump_fields(connector.fields(folder.remote_id))
        if text != folder.catalogue:
            folder.catalogue = text
            folder.save(update_fields=["catalogue"])
    return Catalogue(load_fields(folder.catalogue))


def mapping_specs(connection: Connection, a: Catalogue, b: Catalogue) -> list[MappingSpec]:
    """The mapping table of a connection, with lines that are switched off: its own ones, and beside them what follows
    from the meanings of both catalogues, where the connection wants that."""
    own = own_specs(connection)
    return combined(default_mappings(a, b), own) if connection.default_mappings else own


def own_specs(connection: Connection) -> list[MappingSpec]:
    return [row.spec() for row in connection.mappings.order_by("position", "id")]


def rule_specs(connection: Connection) -> list[RuleSpec]:
    return [row.spec() for row in connection.rules.order_by("position", "id")]


def mapping_table(connection: Connection, a: Catalogue, b: Catalogue) -> Table:
    """The lines in force, and those that rest. Raises MappingError where none of them can work."""
    specs = mapping_specs(connection, a, b)
    table = compile_table(specs, a, b, connection.tenant.region, Direction(connection.direction))
    if table.problems and not table.mappings:
        raise MappingError(str(table.problems[0]))
    return table


def rules_at_work(
    connection: Connection, a: Catalogue, b: Catalogue, specs: Sequence[RuleSpec] | None = None
) -> RuleSet:
    """The rules in force, or those of `specs`; `problems` says what of them rests."""
    listed = {Side.A: listed_labels(connection.folder_a), Side.B: listed_labels(connection.folder_b)}
    wanted = rule_specs(connection) if specs is None else specs
    return compile_rules(wanted, a, b, connection.tenant.region, listed)


def judge_rules_again(plant: Plant) -> None:
    """After the apps were asked which labels there are."""
    a, b = (plant.parts[side].catalogue for side in Side)
    table = mapping_table(plant.connection, a, b)
    rules = rules_at_work(plant.connection, a, b)
    plant.setup = replace(plant.setup, rules=rules)
    plant.problems = (*table.problems, *rules.problems)


def listed_labels(folder: Folder) -> frozenset[str] | None:
    return frozenset(orjson.loads(folder.listed_labels)) if folder.listed_labels else None


def build(connection: Connection, connectors: Mapping[str, Connector], refresh: bool = False) -> Plant:
    """Raises MappingError and ConnectorError, each with a sentence for people."""
    folders = {Side.A: connection.folder_a, Side.B: connection.folder_b}
    catalogues = {side: catalogue_of(folders[side], connectors[side], refresh) for side in Side}
    region = connection.tenant.region
    able = {side: connectors[side].capabilities for side in Side}
    setup, table = compiled(connection, catalogues, able)
    mappings, rules = table.mappings, setup.rules
    parts = {
        side: _part(side, folders[side], connectors[side], catalogues[side], region, _needed(side, mappings, rules))
        for side in Side
    }
    forgotten = of_tenant(connection.tenant)
    for part in parts.values():
        part.intake.forgotten = forgotten
    by_account = {folders[side].account_id: dict(setup.targets[side].label_names) for side in Side}
    names = {side: by_account[folders[side].account_id] for side in Side}
    targets = {side: replace(setup.targets[side], label_names=names[side]) for side in Side}
    order = tiers(connection.match_keys or ["email"])
    setup = replace(setup, targets=targets)
    problems: tuple[Problem | RuleProblem, ...] = (*table.problems, *rules.problems)
    labels = _rule_labels(connection), _given_labels(connection)
    return Plant(connection, setup, parts, order, names, *labels, problems, forgotten)


def _rule_labels(connection: Connection) -> dict[Side, frozenset[str]]:
    """Ids, or names where a rule has no id."""
    found: dict[Side, set[str]] = {Side.A: set(), Side.B: set()}
    for spec in rule_specs(connection):
        labels = {part.label_id or part.subject for part in spec.conditions if part.kind is ConditionKind.LABEL}
        for side in Side if spec.mirror else (source_of(spec),):
            found[side] |= labels if spec.enabled else set()
    return {side: frozenset(labels) for side, labels in found.items()}


def _given_labels(connection: Connection) -> dict[Side, frozenset[str]]:
    """As `_rule_labels`."""
    found: dict[Side, set[str]] = {Side.A: set(), Side.B: set()}
    for spec in rule_specs(connection):
        labels = {part.label_id or part.subject for part in spec.actions if part.kind is not ActionKind.SET}
        found[source_of(spec).other] |= labels if spec.enabled else set()
    return {side: frozenset(labels) for side, labels in found.items()}


def compiled(
    connection: Connection,
    catalogues: Mapping[Side, Catalogue],
    able: Mapping[Side, Capabilities],
    rules: Sequence[RuleSpec] | None = None,
) -> tuple[Setup, Table]:
    """What decisions are made by. `rules`: others than those that are saved. Raises MappingError."""
    a, b = catalogues[Side.A], catalogues[Side.B]
    folders = {Side.A: connection.folder_a, Side.B: connection.folder_b}
    table = mapping_table(connection, a, b)
    direction = Direction(connection.direction)
    setup = Setup(
        mappings=table.mappings,
        rules=rules_at_work(connection, a, b, rules),
        policy=Policy(Side(connection.winner), _conflicts(connection), direction, connection.restore_target),
        direction=direction,
        delete_beats_update=connection.delete_beats_update,
        targets={side: _target(side, connection, folders[side], able[side]) for side in Side},
        names={side: str(folders[side].account) for side in Side},
        new=frozenset(mapping.name for mapping in table.mappings if connection.lines.get(digest(mapping.spec))),
    )
    return setup, table


def _conflicts(connection: Connection) -> Literal["winner", "newest", "ask"]:
    if connection.conflicts == ConflictPolicy.NEWEST:
        return "newest"
    return "ask" if connection.conflicts == ConflictPolicy.ASK else "winner"


def _needed(side: Side, mappings: Sequence[CompiledMapping], rules: RuleSet) -> set[str]:
    keys = {key for mapping in mappings for key in (mapping.a_keys if side is Side.A else mapping.b_keys)}
    return keys | rules.fields(side)


def _part(
    side: Side, folder: Folder, connector: Connector, catalogue: Catalogue, region: str, needed: set[str]
) -> Part:
    """A folder holds all ordinary fields, and of the custom ones those that some connection has needed."""
    plain = {field.key for field in catalogue if not field.custom}
    held = set(orjson.loads(folder.fields))
    fields = sorted((plain | needed | held) & set(catalogue.by_key))
    intake = Intake(folder.pk, catalogue, region, connector.capabilities.visible_after)
    return Part(side, folder, connector, catalogue, intake, fields)


def _target(side: Side, connection: Connection, folder: Folder, able: Capabilities) -> Target:
    incoming = "b_to_a" if side is Side.A else "a_to_b"
    labels = Label.objects.filter(account=folder.account_id).values_list("remote_id", "name")
    return Target(
        writable=able.two_way and not folder.read_only,
        can_delete=able.can_delete,
        deletions=getattr(connection, f"deletions_{incoming}"),
        deletion_label=getattr(connection, f"deletion_label_{incoming}"),
        label_names=dict(labels),
    )
