"""What a line of the mapping does in an update, and which fields of a pair were never compared by it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from connectors.base import Values
from syncrules.merge import Note, PairMerge
from syncrules.specs import Side

if TYPE_CHECKING:
    from connections.engine.decide import PairState, Setup
    from connections.engine.planned import Planned


def described(update: Planned, merged: PairMerge, setup: Setup) -> Planned:
    notes = [note for note in merged.notes if _concerns(note, update.side, update.patch, setup)]
    return replace(
        update,
        why=tuple(f"{note.mapping}: {note.why}" for note in notes),
        winner=next((str(note.winner) for note in notes if note.winner), ""),
        lost={key: value for note in notes for key, value in note.lost.items()},
    )


def newly_mapped(pair: PairState, side: Side, setup: Setup) -> set[str]:
    """Fields of new lines by which both sides, in sync otherwise, were never compared."""
    if not (setup.new and pair.base_a and pair.base_b):
        return set()
    return {
        key
        for mapping in setup.mappings
        if mapping.name in setup.new
        and not (pair.base_a.keys() >= set(mapping.a_keys) and pair.base_b.keys() >= set(mapping.b_keys))
        for key in mapping.keys(side)
    }


def _concerns(note: Note, side: Side, patch: Values, setup: Setup) -> bool:
    for mapping in setup.mappings:
        if mapping.name == note.mapping:
            return any(key in patch for key in (mapping.a_keys if side is Side.A else mapping.b_keys))
    return False
