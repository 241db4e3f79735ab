"""The merge of one pair: per mapping four values, each side now and as it was when both agreed.

Pure functions. A base per side is what stops ping-pong: a side is compared with what it showed itself, never with
what the other holds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from connectors.base import Value, Values
from syncrules.draft import Draft
from syncrules.fullnames import merge_full_name
from syncrules.lists import merge_list
from syncrules.mapping import Base, CompiledMapping, FullNameMapping, ListMapping
from syncrules.scalars import merge_scalar
from syncrules.sets import rebased
from syncrules.specs import Side
from syncrules.states import MergeWarning, Note, PairMerge, Policy, SideState

__all__ = ["MergeWarning", "Note", "PairMerge", "Policy", "SideState", "bases_after", "bases_after_write", "merge_pair"]

_NO_BASE = object()


def merge_pair(mappings: Sequence[CompiledMapping], a: SideState, b: SideState, policy: Policy) -> PairMerge:
    draft: Draft | None = None
    values_a, values_b, base_a, base_b = a.values, b.values, a.base, b.base
    for mapping in mappings:
        if mapping.follows:
            continue
        for key in mapping.a_keys:
            if values_a.get(key) != base_a.get(key, _NO_BASE):
                break
        else:
            for key in mapping.b_keys:
                if values_b.get(key) != base_b.get(key, _NO_BASE):
                    break
            else:
                continue
        if not mapping.enabled:
            continue
        if draft is None:
            draft = Draft(a, b, policy)
        draft.judged.add(mapping.name)
        if not _unset(mapping, values_a, values_b):
            _merge(draft, mapping)
    if draft is not None:
        for mapping in mappings:
            if isinstance(mapping, FullNameMapping) and mapping.enabled:
                merge_full_name(draft, mapping)
    draft = _carry_on([mapping for mapping in mappings if mapping.follows], draft, a, b, policy)
    return PairMerge({}, {}) if draft is None else draft.result()


def _carry_on(
    mappings: Sequence[CompiledMapping], draft: Draft | None, a: SideState, b: SideState, policy: Policy
) -> Draft | None:
    """Lines that take further what other lines write: they see what those have just decided."""
    for mapping in mappings:
        if draft is None:
            draft = Draft(a, b, policy)
        for side in Side:
            known = draft.state[side]
            now = {key: value for key, value in {**known.values, **draft.patch[side]}.items() if value is not None}
            draft.state[side] = known._replace(values=now)
        here, there = draft.state[Side.A], draft.state[Side.B]
        if mapping.enabled and not _rests(mapping, here, there):
            draft.judged.add(mapping.name)
            if not _unset(mapping, here.values, there.values):
                _merge(draft, mapping)
    return draft


def _rests(mapping: CompiledMapping, a: SideState, b: SideState) -> bool:
    return all(
        state.values.get(key) == state.base.get(key, _NO_BASE)
        for state, keys in ((a, mapping.a_keys), (b, mapping.b_keys))
        for key in keys
    )


def _unset(mapping: CompiledMapping, values_a: Values, values_b: Values) -> bool:
    """Whether neither side shows anything, so that nothing can flow."""
    for key in mapping.a_keys:
        if values_a.get(key) is not None:
            return False
    return all(values_b.get(key) is None for key in mapping.b_keys)


def _merge(draft: Draft, mapping: CompiledMapping) -> None:
    if isinstance(mapping, FullNameMapping) or not (draft.flows(mapping, Side.A) or draft.flows(mapping, Side.B)):
        return
    if isinstance(mapping, ListMapping):
        merge_list(draft, mapping)
    else:
        merge_scalar(draft, mapping)


def bases_after(
    mappings: Sequence[CompiledMapping], values_a: Values, values_b: Values, held: Collection[str] = ()
) -> tuple[dict[str, Value | None], dict[str, Value | None]]:
    """The bases once both sides agree, for all mapped keys but those of the mappings named in `held`."""
    base_a: dict[str, Value | None] = {}
    base_b: dict[str, Value | None] = {}
    waiting: list[CompiledMapping] = []
    for mapping in mappings:
        if mapping.name in held:
            waiting.append(mapping)
        elif mapping.enabled:
            for key in mapping.a_keys:
                base_a[key] = values_a.get(key)
            for key in mapping.b_keys:
                base_b[key] = values_b.get(key)
    for mapping in waiting:
        for key in mapping.a_keys:
            base_a.pop(key, None)
        for key in mapping.b_keys:
            base_b.pop(key, None)
    return base_a, base_b


def bases_after_write(
    mapping: CompiledMapping, target: Side, before: Values, after: Values, source: SideState, base: Base
) -> tuple[dict[str, Value | None], dict[str, Value | None]]:
    """The bases of the target and of the source when only the write to the target is known to be done. What has still
    to flow the other way goes on to look changed. `before` and `after` are what the target showed around the write,
    `base` is its base, `source` what the other side showed when the write was decided."""
    if not isinstance(mapping, ListMapping):
        mine, theirs = mapping.keys(target), mapping.keys(target.other)
        return {key: after.get(key) for key in mine}, {key: source.values.get(key) for key in theirs}
    here, there = (mapping.set_a, mapping.set_b) if target is Side.A else (mapping.set_b, mapping.set_a)
    if here.key not in base or there.key not in source.base:
        return {}, {}  # a first sync of this list: it is united anew
    mine_now, theirs_now = rebased(here, there, before, after, source.values, base, source.base)
    return {here.key: here.shape(mine_now)}, {there.key: there.shape(theirs_now)}
