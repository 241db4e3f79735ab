"""The options of a connection: where each stands in a file, in which columns it is kept, and what it may be.

An option has one canonical form, which is what a file would say: ``5m``, ``10%``, ``{label: Gone}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connections.engine.match import TIERS
from connections.models import ConflictPolicy, Connection, DeletionPolicy, DirectionChoice, SideChoice
from syncrules.specs import SpecError

Entries = Mapping[str, Any]  # path of an entry -> its canonical form

DURATION = re.compile(r"([1-9][0-9]{0,8})\s*([smhd]?)")
SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1, "": 1}
LONGEST_INTERVAL = 31 * 86_400
SHARE = re.compile(r"([0-9]{1,3})\s*%?")
GREATEST = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Option:
    """`read` makes the canonical form of what a file says, or raises SpecError; `store` makes the columns' values of
    it and `show` takes them back."""

    path: str
    columns: tuple[str, ...]
    read: Callable[[Any, str], Any]
    store: Callable[[Any], tuple[Any, ...]] = lambda value: (value,)
    show: Callable[..., Any] = lambda value: value
    decides: bool = True  # a change of it may change what is decided about contacts

    def of(self, connection: Connection) -> Any:
        return self.show(*(getattr(connection, column) for column in self.columns))

    def columns_for(self, value: Any) -> dict[str, Any]:
        return dict(zip(self.columns, self.store(value), strict=True))

    @property
    def default(self) -> Any:
        return self.of(Connection())


def _flag(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise SpecError(path, "must be true or false")
    return value


def _one_of(choices: Any) -> Callable[[Any, str], Any]:
    def read(value: Any, path: str) -> str:
        if value not in choices.values:
            raise SpecError(path, f"{value!r} is not one of {', '.join(choices.values)}")
        return str(value)

    return read


def _deletion(value: Any, path: str) -> Any:
    if value in (DeletionPolicy.KEEP.value, DeletionPolicy.DELETE.value):
        return value
    if isinstance(value, Mapping) and set(value) == {"label"}:
        label = value["label"]
        if isinstance(label, str) and 0 < len(label.strip()) <= 255:
            return {"label": label}
        raise SpecError(f"{path}.label", "must be the name of a label")
    raise SpecError(path, "must be keep, delete or {label: NAME}")


def _deletion_columns(value: Any) -> tuple[str, str]:
    return (DeletionPolicy.LABEL.value, value["label"]) if isinstance(value, Mapping) else (value, "")


def _deletion_shown(policy: str, label: str) -> Any:
    return {"label": label} if policy == DeletionPolicy.LABEL else str(policy)


def _duration(value: Any, path: str) -> str:
    found = DURATION.fullmatch(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
    seconds = int(found[1]) * SECONDS[found[2]] if found else 0
    if not 1 <= seconds <= LONGEST_INTERVAL:
        raise SpecError(path, "must be a time such as 30s, 5m, 2h or 1d, at most 31 days")
    return _duration_shown(seconds)


def _duration_columns(value: str) -> tuple[int]:
    return (int(value[:-1]) * SECONDS[value[-1]],)


def _duration_shown(seconds: int) -> str:
    unit = next(unit for unit, size in SECONDS.items() if seconds % size == 0)
    return f"{seconds // SECONDS[unit]}{unit}"


def _keys(value: Any, path: str) -> list[str]:
    if not isinstance(value, list) or not value or any(key not in TIERS for key in value):
        raise SpecError(path, f"must be a list of one or more of {', '.join(TIERS)}")
    if len(set(value)) < len(value):
        raise SpecError(path, "names a key twice")
    return list(value)


def _share(value: Any, path: str) -> str:
    found = SHARE.fullmatch(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if not found:
        raise SpecError(path, "must be a share such as 10%")
    return f"{int(found[1])}%"


def _count(value: Any, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= GREATEST:
        raise SpecError(path, "must be a whole number, 0 or more")
    return value


def _plain(column: str, read: Callable[[Any, str], Any], path: str = "", decides: bool = True) -> Option:
    return Option(path or column, (column,), read, decides=decides)


def _deletions(way: str) -> Option:
    columns = (f"deletions_{way}", f"deletion_label_{way}")
    return Option(f"deletions.{way}", columns, _deletion, _deletion_columns, _deletion_shown)


def _guard(kind: str) -> tuple[Option, Option]:
    share = Option(
        f"guard.{kind}.share",
        (f"guard_{kind}_share",),
        _share,
        lambda value: (int(value[:-1]),),
        lambda value: f"{value}%",
        decides=False,
    )
    return share, _plain(f"guard_{kind}_least", _count, f"guard.{kind}.least", decides=False)


OPTIONS: tuple[Option, ...] = (
    _plain("direction", _one_of(DirectionChoice)),
    _plain("winner", _one_of(SideChoice)),
    _plain("conflicts", _one_of(ConflictPolicy)),
    _plain("delete_beats_update", _flag),
    _plain("restore_target", _flag),
    _deletions("a_to_b"),
    _deletions("b_to_a"),
    Option("every", ("interval",), _duration, _duration_columns, _duration_shown, decides=False),
    _plain("enabled", _flag, decides=False),
    _plain("look_only", _flag),
    _plain("approve_first_run", _flag),
    _plain("approve_above", _count, decides=False),
    _plain("avoid_duplicates", _flag, "match.avoid_duplicates"),
    Option("match.keys", ("match_keys",), _keys, show=lambda keys: list(keys or ["email"])),
    *_guard("deletes"),
    *_guard("blanks"),
    *_guard("creates"),
)
