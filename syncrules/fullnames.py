"""Merging full names of two sides that hold the parts too.

The parts have lines of their own, so a full name that the parts explain is derived: it is never pushed as an edit.
Where a merge writes parts, a derived name follows them. A name that the parts do not explain was chosen by a person
and flows like any other value; if it says another given or family name than the parts do, the pair says so, because
only a person knows which is right. Merged last, because it depends on what the parts become.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

from syncrules import names
from syncrules.draft import A, B, Draft, Verdict, form
from syncrules.mapping import FullNameLens, FullNameMapping
from syncrules.specs import Mode, Side

CONTRADICTED: Final = "the full name says another name than its parts; look which is right and correct the other"


def merge_full_name(draft: Draft, mapping: FullNameMapping) -> None:
    names_of_both = _FullNames(draft, mapping)
    names_of_both.merge()
    names_of_both.compare_with_parts()


class _FullNames:
    def __init__(self, draft: Draft, mapping: FullNameMapping) -> None:
        self.draft = draft
        self.mapping = mapping
        self.lenses: dict[Side, FullNameLens] = {A: mapping.full_a, B: mapping.full_b}
        values = {side: draft.state[side].values for side in (A, B)}
        self.full = {side: values[side].get(self.lenses[side].key) for side in (A, B)}
        self.now = {side: self.lenses[side].named(values[side]) for side in (A, B)}
        self.then = {side: self.lenses[side].named({**values[side], **draft.patch[side]}) for side in (A, B)}

    def merge(self) -> None:
        forms = {side: form(self.mapping, self.full[side]) for side in (A, B)}
        based = self.draft.based(self.mapping)
        chosen = {side: self._chosen(side) and not (based and self._as_before(side, forms)) for side in (A, B)}
        if any(chosen.values()):
            if forms[A] != forms[B]:
                self._carry(forms, chosen, based)
            return
        for side in (A, B):
            self._follow(side, based)

    def _chosen(self, side: Side) -> bool:
        full = self.full[side]
        explanations = (self.now[side], self.then[A], self.then[B])
        return full is not None and not any(names.explains(parts, full) for parts in explanations)

    def _as_before(self, side: Side, forms: Mapping[Side, Hashable]) -> bool:
        before = self.draft.state[side].base.get(self.lenses[side].key)
        return form(self.mapping, before) == forms[side]

    def _carry(self, forms: Mapping[Side, Hashable], chosen: Mapping[Side, bool], based: bool) -> None:
        """A name that a person chose goes to the other side."""
        if not (chosen[A] and chosen[B]):
            source = A if chosen[A] else B
            verdict: Verdict | None = Verdict(source, f"changed on {source}" if based else "filled")
        elif based:
            verdict = self.draft.both_changed(self.mapping, forms)
        else:
            winner = self.draft.winner(self.mapping)
            verdict = Verdict(winner, f"both filled, {winner} wins", winner)
        if verdict:
            self._write(verdict, self.full[verdict.source])

    def _follow(self, side: Side, based: bool) -> None:
        """A derived name follows the parts that this merge writes; without a base an empty one is filled."""
        full, theirs = self.full[side], self.full[side.other]
        if full is None and (based or theirs is None):
            return
        if full is not None and (self.then[side] == self.now[side] or not names.explains(self.now[side], full)):
            return
        if full is not None and names.explains(self.then[side], full):
            return
        new = self._derived(side)
        if new and form(self.mapping, new) != form(self.mapping, full):
            why = "filled" if full is None else "follows the parts of the name"
            self._write(Verdict(side.other, why), new)

    def _derived(self, side: Side) -> str:
        """What the parts make: in the full name's own style, else in the other side's, else in the usual order."""
        full, theirs, now, then = self.full[side], self.full[side.other], self.now[side], self.then[side]
        if full is not None and names.explains(then, own := names.revised(full, now, then)):
            return own
        if theirs is not None and names.explains(then, theirs):
            return str(theirs)
        return names.usual(names.of_parts(then)) or str(theirs or "")

    def compare_with_parts(self) -> None:
        """Lists a pair whose full name, once all is written, contradicts its parts."""
        if not (self.mapping.name in self.draft.judged or any(map(self._moved, (A, B)))):
            return
        self.draft.judged.add(self.mapping.name)
        for side in (A, B):
            key = self.lenses[side].key
            full = self.draft.patch[side].get(key, self.full[side])
            if full is not None and names.contradicts(self.then[side], full):
                self.draft.warn(self.mapping, key, side, CONTRADICTED)
                return

    def _moved(self, side: Side) -> bool:
        """Whether a part is not what it was when both sides agreed, or is written now."""
        base = self.lenses[side].named(self.draft.state[side].base)
        return self.now[side] != base or self.then[side] != self.now[side]

    def _write(self, verdict: Verdict, full: Any) -> None:
        target = verdict.source.other
        filled_already = self.mapping.spec.mode is Mode.FILL and self.full[target] is not None
        if self.draft.flows(self.mapping, target) and not filled_already:
            self.draft.put(self.mapping, target, full, verdict)
