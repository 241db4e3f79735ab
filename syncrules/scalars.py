"""Merging one value on each side, possibly made of several fields."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from syncrules.draft import A, B, Draft, Verdict, form
from syncrules.fitting import Refused, edit_of_shortened, is_shortened
from syncrules.mapping import CompiledMapping
from syncrules.optouts import opted_out
from syncrules.specs import Mode, Side


def merge_scalar(draft: Draft, mapping: CompiledMapping) -> None:
    left, right = mapping.lens_a.get(draft.state[A].values), mapping.lens_b.get(draft.state[B].values)
    if left == right:
        return
    shared = {A: left, B: right}
    forms = {A: form(mapping, left), B: form(mapping, right)}
    if forms[A] == forms[B] or _shown_in_full(mapping, shared, forms):
        return
    verdict = opted_out(draft, mapping) if mapping.opts_out else _verdict(draft, mapping, forms)
    if verdict is None:
        return
    target = verdict.source.other
    if not draft.flows(mapping, target):
        return
    if not mapping.opts_out and not _mode_allows(mapping, forms, verdict.source):
        return
    value = _whole(draft, mapping, shared, verdict.source)
    if value is None and shared[verdict.source] is not None:
        reason = "it was edited where only its beginning fits, so the whole text was kept"
        draft.warn(mapping, mapping.keys(target)[0], target, reason)
    elif value is None:
        draft.clear(mapping, target, verdict)
    else:
        draft.put(mapping, target, value, verdict)


def _verdict(draft: Draft, mapping: CompiledMapping, forms: Mapping[Side, Hashable]) -> Verdict | None:
    """Which side's value goes to the other; None for neither."""
    if not draft.based(mapping):
        return _first(draft, mapping, forms)
    changed = {}
    for side in (A, B):
        before = mapping.lens(side).get(draft.state[side].base)
        changed[side] = form(mapping, before) != forms[side]
    if not any(changed.values()):
        return None
    if changed[A] and changed[B]:
        return draft.both_changed(mapping, forms)
    source = A if changed[A] else B
    if not draft.flows(mapping, source.other):
        return Verdict(source.other, f"put back on {source}") if draft.restores(mapping, source) else None
    return Verdict(source, f"{'cleared' if forms[source] is None else 'changed'} on {source}")


def _first(draft: Draft, mapping: CompiledMapping, forms: Mapping[Side, Hashable]) -> Verdict | None:
    """Empties fill both ways, the winner decides where both are filled, an empty winner never erases."""
    winner = draft.winner(mapping)
    if forms[winner] is None:
        if mapping.spec.mode is Mode.CLEAR:
            return Verdict(winner, f"empty on {winner}", winner)
        return Verdict(winner.other, "filled")
    if forms[winner.other] is None:
        return Verdict(winner, "filled")
    return Verdict(winner, f"both filled, {winner} wins", winner)


def _mode_allows(mapping: CompiledMapping, forms: Mapping[Side, Hashable], source: Side) -> bool:
    if mapping.spec.mode is Mode.FILL:
        return forms[source.other] is None
    return True


def _shown_in_full(mapping: CompiledMapping, shared: Mapping[Side, Any], forms: Mapping[Side, Hashable]) -> bool:
    """Whether one side shows as much of the other's text as fits."""
    for side in (A, B):
        if not is_shortened(shared[side]) or shared[side.other] is None:
            continue
        try:
            shown = mapping.lens(side).put(shared[side.other], {})
        except Refused:
            continue
        if form(mapping, mapping.lens(side).get(shown)) == forms[side]:
            return True
    return False


def _whole(draft: Draft, mapping: CompiledMapping, shared: Mapping[Side, Any], source: Side) -> Any:
    """The source's value; an edited beginning is put before the rest that only the other side holds."""
    value, other = shared[source], shared[source.other]
    before = mapping.lens(source).get(draft.state[source].base)
    if other is None or not (is_shortened(value) or is_shortened(before)) or is_shortened(other):
        return value
    if value is None:
        return None
    whole = mapping.lens(source.other).get(draft.state[source.other].base)
    return edit_of_shortened(value, before or "", whole or other)
