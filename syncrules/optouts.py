"""Opt-outs move towards “opted out” by themselves and never back: whether somebody wants mail again is for a person to
say."""

from __future__ import annotations

from typing import Final

from syncrules.draft import A, B, Draft, Verdict
from syncrules.mapping import CompiledMapping

CHOSEN: Final = ""  # as the base of a field: a person decided that its value goes to the other side


def opted_out(draft: Draft, mapping: CompiledMapping) -> Verdict | None:
    """Which side's value goes to the other; None for neither. That one side took an opt-out back is a conflict, which
    waits for a person."""
    said = {side: draft.state[side].values.get(mapping.keys(side)[0]) is True for side in (A, B)}
    if said[A] == said[B]:
        return None
    out = A if said[A] else B
    before = draft.state[out.other].base.get(mapping.keys(out.other)[0])
    if before == CHOSEN:
        return Verdict(out.other, f"taken back on {out.other}, passed on by a person")
    if before and draft.based(mapping):
        draft.conflicts.append(mapping.name)
        return None
    return Verdict(out, f"opted out on {out}")
