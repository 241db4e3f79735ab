"""One intended write, as the decision makes it and the batch sends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

import orjson

from connectors.base import Value, Values
from syncrules.specs import Side

EMPTY: tuple[Value, ...] = (None, "", [])


@dataclass(frozen=True, slots=True)
class Planned:
    """One intended write, or a pairing. `kind` is create, update, delete or pair; `side` is the side that is written;
    `before` what it shows there; `partner` the id of the item that is paired."""

    kind: str
    side: Side
    patch: Values = field(default_factory=dict)
    before: Values = field(default_factory=dict)
    add_labels: frozenset[str] = frozenset()
    remove_labels: frozenset[str] = frozenset()
    why: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    winner: str = ""
    lost: Values = field(default_factory=dict)
    partner: int | None = None
    new: bool = False  # what a new line of the mapping would write on a contact that is in sync already

    @property
    def fingerprint(self) -> str:
        """The same write over the same values: what a person decided about it holds as long as this stays."""
        labels = sorted(self.add_labels), sorted(self.remove_labels)
        text = orjson.dumps(
            [self.kind, self.side, self.partner, self.patch, self.before, labels], option=orjson.OPT_SORT_KEYS
        )
        return blake2b(text, digest_size=12).hexdigest()

    @property
    def sort(self) -> str:
        """What it does to the contact: of updates, whether they only label, only fill what is empty, or overwrite (or
        clear) something."""
        if self.kind != "update":
            return self.kind
        if not self.patch:
            return "label"
        return "fill" if all(self.before.get(key) in EMPTY for key in self.patch) else "overwrite"

    @property
    def mark(self) -> str:
        """The write among the rounds of its pair, whichever side it goes to."""
        return f"{self.side}{self.fingerprint}"
