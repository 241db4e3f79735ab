"""What the merge of a pair starts from and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

from connectors.base import Values
from syncrules.lenses import Patch
from syncrules.mapping import Base
from syncrules.specs import Direction, Side

NO_TIMES: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Policy:
    """`skew`: seconds by which two apps' clocks may differ; nearer than that is no evidence of who was later."""

    winner: Side = Side.A
    conflicts: Literal["winner", "newest", "ask"] = "winner"
    direction: Direction = Direction.BOTH
    restore_target: bool = False
    skew: float = 2.0


class SideState(NamedTuple):
    """`base`: field key -> what this side showed when both agreed, None for unset; an absent key has no base.
    `evidence`: POSIX seconds at which the app says a field changed; `modified`: when the record did."""

    values: Values
    base: Base
    evidence: Mapping[str, float] = NO_TIMES
    modified: float | None = None


class Note(NamedTuple):
    """Why a mapping writes. `lost`: field key -> value of the side that gave way."""

    mapping: str
    why: str
    winner: Side | None
    lost: Values


@dataclass(frozen=True, slots=True)
class MergeWarning:
    """A value that a field would not take, so that it was left as it is."""

    mapping: str
    field: str
    side: Side
    reason: str


@dataclass(frozen=True, slots=True)
class PairMerge:
    """`judged`: the lines that were looked at; of all others nothing changed since both sides agreed, so what was said
    about them before (a warning, for example) still holds."""

    to_a: Patch
    to_b: Patch
    notes: tuple[Note, ...] = ()
    conflicts: tuple[str, ...] = ()
    warnings: tuple[MergeWarning, ...] = ()
    judged: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        return not (self.to_a or self.to_b)
