"""Merging a list mapping: the sets of both sides, within what the line and its mode allow."""

from __future__ import annotations

from collections.abc import Mapping

from syncrules.draft import A, B, Draft, Verdict
from syncrules.mapping import ListMapping
from syncrules.sets import Elements, Half, Merged, Stance, merge_half
from syncrules.specs import Mode, Side


def merge_list(draft: Draft, mapping: ListMapping) -> None:
    halves = _halves(draft, mapping)
    if mapping.match_key and _crossed(halves):
        halves = {side: Half(half.lens, half.now, None) for side, half in halves.items()}
    winner = draft.winner(mapping)
    for target in (A, B):
        if draft.flows(mapping, target):
            _list_half(draft, mapping, halves, target, winner)


def _halves(draft: Draft, mapping: ListMapping) -> dict[Side, Half]:
    based = draft.based(mapping)
    halves = {}
    for side, lens in ((A, mapping.set_a), (B, mapping.set_b)):
        state = draft.state[side]
        now = Elements.of(lens, lens.get(state.values))
        base = Elements.of(lens, lens.get(state.base)) if based else None
        halves[side] = Half(lens, now, base)
    return halves


def _crossed(halves: Mapping[Side, Half]) -> bool:
    """Each side removed all that the other kept: together that would leave no key, so what is left is united."""
    return all(
        halves[side].now.items and all(halves[side.other].removed(key) for key in halves[side].now.by_key)
        for side in (A, B)
    )


def _list_half(draft: Draft, mapping: ListMapping, halves: dict[Side, Half], target: Side, winner: Side) -> None:
    mine, theirs = halves[target], halves[target.other]
    if mapping.spec.mode is Mode.FILL and mine.now.items:
        return
    if not theirs.now.items and theirs.base is None and mapping.spec.mode is not Mode.CLEAR:
        return
    if _stays_cleared(draft, mapping, halves, target):
        return
    if mapping.spec.mode is Mode.CLEAR and not theirs.now.items and winner is not target and mine.now.items:
        draft.clear(mapping, target, Verdict(target.other, f"empty on {target.other}", target.other))
        return
    merged = merge_half(mine, theirs, _stance(draft, mapping, halves, target, winner))
    key = mine.lens.key
    for reason in dict.fromkeys(merged.refused):
        draft.warn(mapping, key, target, reason)
    if merged.left_out:
        draft.warn(mapping, key, target, f"the field holds {mine.lens.capacity}; {merged.left_out} more stay away")
    if merged.items == list(mine.now.items):
        return
    if not merged.items:
        draft.clear(mapping, target, Verdict(target.other, f"cleared on {target.other}"))
        return
    why = _why_list(halves, target)
    draft.write(mapping, target, {key: mine.lens.shape(merged.items)}, why, _displaced(merged, mine, target))


def _stays_cleared(draft: Draft, mapping: ListMapping, halves: dict[Side, Half], target: Side) -> bool:
    """The match key: what was wholly cleared on the other side is kept here."""
    theirs, mine = halves[target.other], halves[target]
    if not mapping.match_key or theirs.now.items or theirs.base is None or not theirs.base.items:
        return False
    if mine.now.items:
        draft.keep_key(mapping, target)
    return True


def _stance(draft: Draft, mapping: ListMapping, halves: dict[Side, Half], target: Side, winner: Side) -> Stance:
    mine = halves[target]
    emptied = mapping.match_key and not mine.now.items and mine.base is not None and bool(mine.base.items)
    return Stance(
        yields=winner is not target,
        restores=draft.restores(mapping, target),
        returns=_returns(draft, mapping, halves, target),
        refills=not emptied,
    )


def _returns(draft: Draft, mapping: ListMapping, halves: dict[Side, Half], target: Side) -> bool:
    """Whether what is displaced on the target finds a place on the other side. Of a line that flows one way the
    source decides a single value, as for any single value."""
    mine, theirs = halves[target], halves[target.other]
    if not draft.flows(mapping, target.other):
        return mine.lens.capacity == 1
    together = mine.now.by_key.keys() | theirs.now.by_key.keys()
    return theirs.lens.capacity is None or len(together) <= theirs.lens.capacity


def _why_list(halves: Mapping[Side, Half], target: Side) -> str:
    if halves[target].base is None:
        return "united" if halves[target].now.items else "filled"
    return f"changed on {target.other}"


def _displaced(merged: Merged, mine: Half, target: Side) -> Side | None:
    """The winner, where an element gave way that nobody removed."""
    if mine.base is not None:
        return None
    kept = {mine.lens.normal(item["value"]) for item in merged.items}
    return None if all(key in kept for key in mine.now.by_key) else target.other
