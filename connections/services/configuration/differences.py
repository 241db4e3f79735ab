"""What a file would change, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connections.services.configuration.options import Entries

SIGNS = {"create": "+", "change": "~", "delete": "-"}
LONG = 70  # characters of a value that a line shows


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry that changes. `by_hand`: it is no longer what the file applied last said, `applied`."""

    path: str
    old: Any
    new: Any
    by_hand: bool = False
    applied: Any = None

    def line(self) -> str:
        if _has_lines(self.old) or _has_lines(self.new):
            text = f"{self.path}: {_lists(self.old, self.new)}"
        else:
            text = f"{self.path}: {shown(self.old)} → {shown(self.new)}"
        if not self.by_hand:
            return text
        was = "a list" if isinstance(self.applied, list) else shown(self.applied)
        return f"{text}   (changed by hand since the last apply, which said {was}; now overwritten)"


@dataclass(frozen=True, slots=True)
class Difference:
    """`verb`: create, change or delete. `note`: what else happens."""

    verb: str
    kind: str
    name: str
    entries: Sequence[Entry] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    def lines(self) -> Iterator[str]:
        yield f"{SIGNS[self.verb]} {self.kind} {self.name}"
        yield from (f"    {entry.line()}" for entry in self.entries)
        yield from (f"    {note}" for note in self.notes)

    def as_dict(self) -> dict[str, Any]:
        return {
            "verb": self.verb,
            "kind": self.kind,
            "name": self.name,
            "entries": [
                {"path": entry.path, "old": entry.old, "new": entry.new, "by_hand": entry.by_hand}
                for entry in self.entries
            ],
            "notes": list(self.notes),
        }


def compare(now: Entries, wanted: Entries, applied: Entries) -> list[Entry]:
    """The entries in which they differ. Both sides are in canonical form."""
    return [
        Entry(path, now.get(path), value, path in applied and applied[path] != now.get(path), applied.get(path))
        for path, value in wanted.items()
        if now.get(path) != value
    ]


def wanted_of(entries: Entries, applied: Entries, defaults: Entries) -> dict[str, Any]:
    """What the file says, and the defaults of what only the file applied last said."""
    gone = {path: defaults[path] for path in applied if path not in entries and path in defaults}
    return {**gone, **entries}


def shown(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(shown(inner) for inner in value)
    text = str(value)
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


def _lists(old: Any, new: Any) -> str:
    """Of lists of lines and rules: which came, went and changed, by name."""
    if _beside_default(old) and _beside_default(new):
        old, new = _own(old), _own(new)
    if not (_is_named(old) and _is_named(new)):
        return f"{_whole(old)} → {_whole(new)}"
    before, after = ({_key(row): row for row in rows} for rows in (old, new))
    parts = [f"+ {key}" for key in after if key not in before]
    parts += [f"- {key}" for key in before if key not in after]
    parts += [f"~ {key}" for key in after if key in before and before[key] != after[key]]
    return ", ".join(parts) or "another order"


def _has_lines(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, Mapping) and "lines" in value)


def _beside_default(value: Any) -> bool:
    return value == "default" or (isinstance(value, Mapping) and "lines" in value)


def _own(value: Any) -> Any:
    return value["lines"] if isinstance(value, Mapping) else []


def _is_named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, Mapping) and "name" in row for row in value)


def _key(row: Mapping[str, Any]) -> str:
    direction = {"a_to_b": " (a to b)", "b_to_a": " (b to a)"}.get(row.get("direction", ""), "")
    return f"“{row['name']}”{direction if 'a' not in row else ''}"


def _whole(value: Any) -> str:
    if _beside_default(value) and _own(value):
        return f"default and {len(_own(value))} of its own"
    return f"{len(value)} of its own" if _is_named(value) else shown(value)
