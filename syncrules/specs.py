"""Mappings and rules as plain data, in exactly the form that configuration files use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

Data = Mapping[str, Any]
E = TypeVar("E", bound=StrEnum)


class SpecError(ValueError):
    """A wrong or unknown entry: `path` is where in the data, `reason` a sentence for people."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


class Side(StrEnum):
    A = "a"
    B = "b"

    other: Side


Side.A.other, Side.B.other = Side.B, Side.A


class Direction(StrEnum):
    BOTH = "both"
    A_TO_B = "a_to_b"
    B_TO_A = "b_to_a"

    def carries(self, source: Side) -> bool:
        """Whether values of `source` may flow to the other side."""
        if self is Direction.BOTH:
            return True
        return (self is Direction.A_TO_B) == (source is Side.A)

    @classmethod
    def away_from(cls, source: Side) -> Direction:
        return cls.A_TO_B if source is Side.A else cls.B_TO_A


class Mode(StrEnum):
    OVERWRITE = "overwrite"  # an empty source erases only what a person cleared since the base
    FILL = "fill"  # writes only where the target is empty
    CLEAR = "clear"  # an empty source always clears


# ---- reading ------------------------------------------------------------------------------------------------------


def _known(data: Any, path: str, keys: Sequence[str]) -> Data:
    if not isinstance(data, Mapping):
        raise SpecError(path, f"a table with {', '.join(keys)} is expected here")
    for key in data:
        if key not in keys:
            raise SpecError(_at(path, str(key)), f"this entry is not known; known here are {', '.join(keys)}")
    return data


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _text(data: Data, path: str, key: str, default: str | None = "") -> str:
    value = data.get(key, default)
    if value is None:
        raise SpecError(_at(path, key), "is missing")
    if not isinstance(value, str):
        raise SpecError(_at(path, key), "must be text")
    return value


def _flag(data: Data, path: str, key: str, default: bool = False) -> bool:
    value = data.get(key, default)
    if not isinstance(value, bool):
        raise SpecError(_at(path, key), "must be true or false")
    return value


def _choice(data: Data, path: str, key: str, kind: type[E], default: E) -> E:
    value = data.get(key, default)
    try:
        return kind(value)
    except ValueError:
        choices = ", ".join(kind)
        raise SpecError(_at(path, key), f"{value!r} is not one of {choices}") from None


def _keys(data: Data, path: str, key: str) -> tuple[str, ...]:
    value = data.get(key)
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence) or not value or not all(isinstance(part, str) and part for part in value):
        raise SpecError(_at(path, key), "must be a list of one or more field keys")
    return tuple(value)


def _several(data: Data, path: str, key: str, read: Callable[[Any, str], Any]) -> tuple[Any, ...]:
    value = data.get(key, ())
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise SpecError(_at(path, key), "must be a list")
    return tuple(read(part, f"{_at(path, key)}[{number}]") for number, part in enumerate(value))


def _couple(value: Any, path: str) -> tuple[str, str]:
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence)
        or len(value) != 2
        or not all(isinstance(part, str | int) for part in value)
    ):
        raise SpecError(path, "must be a pair of texts [left, right]")
    left, right = (str(part).lower() if isinstance(part, bool) else str(part) for part in value)
    return left, right


# ---- mappings -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MappingSpec:
    """One line of the field mapping table. `values` translates options, (value on a, value on b)."""

    name: str
    a: tuple[str, ...]
    b: tuple[str, ...]
    direction: Direction = Direction.BOTH
    mode: Mode = Mode.OVERWRITE
    winner: Side | None = None
    pattern: str = ""
    values: tuple[tuple[str, str], ...] = ()
    enabled: bool = True

    @classmethod
    def from_dict(cls, data: Any, path: str = "") -> MappingSpec:
        entries = ("name", "a", "b", "direction", "mode", "winner", "pattern", "values", "enabled")
        data = _known(data, path, entries)
        a, b = _keys(data, path, "a"), _keys(data, path, "b")
        winner = data.get("winner")
        return cls(
            name=_text(data, path, "name") or f"{' + '.join(a)} = {' + '.join(b)}",
            a=a,
            b=b,
            direction=_choice(data, path, "direction", Direction, Direction.BOTH),
            mode=_choice(data, path, "mode", Mode, Mode.OVERWRITE),
            winner=None if winner is None else _choice(data, path, "winner", Side, Side.A),
            pattern=_text(data, path, "pattern"),
            values=_several(data, path, "values", _couple),
            enabled=_flag(data, path, "enabled", True),
        )

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {"name": self.name, "a": list(self.a), "b": list(self.b)}
        if self.direction is not Direction.BOTH:
            data["direction"] = self.direction.value
        if self.mode is not Mode.OVERWRITE:
            data["mode"] = self.mode.value
        if self.winner:
            data["winner"] = self.winner.value
        if self.pattern:
            data["pattern"] = self.pattern
        if self.values:
            data["values"] = [list(couple) for couple in self.values]
        if not self.enabled:
            data["enabled"] = False
        return data


# ---- rules --------------------------------------------------------------------------------------------------------


class ConditionKind(StrEnum):
    LABEL = "label"
    FIELD = "field"
    EXISTS_IN_OTHER = "exists_in_other"
    WAS_DELETED = "was_deleted"
    OPTED_OUT = "opted_out"


class Operator(StrEnum):
    IN = "in"  # of labels: value true or false
    IS = "is"
    IS_NOT = "is_not"
    CONTAINS = "contains"
    STARTS = "starts"
    EMPTY = "empty"  # value true or false
    BEFORE = "before"
    AFTER = "after"
    GREATER = "greater"
    LESS = "less"
    ONE_OF = "one_of"


FIELD_OPERATORS = tuple(operator for operator in Operator if operator is not Operator.IN)
_FLAGS = (Operator.IN, Operator.EMPTY)
_NUMBERS = (Operator.GREATER, Operator.LESS)


@dataclass(frozen=True, slots=True)
class ConditionSpec:
    """One condition. `subject` is the label's name or the field's key; `label_id` the label's id once it is known."""

    kind: ConditionKind
    subject: str = ""
    operator: Operator = Operator.IS
    value: Any = True
    label_id: str = ""

    @property
    def field(self) -> str:
        """The field's key, empty where the condition is about something else."""
        return self.subject if self.kind is ConditionKind.FIELD else ""

    @classmethod
    def from_dict(cls, data: Any, path: str = "") -> ConditionSpec:
        if not isinstance(data, Mapping):
            raise SpecError(path, "a condition is a table such as {label: VIP, in: true}")
        kinds = [kind for kind in ConditionKind if kind.value in data]
        if len(kinds) != 1:
            raise SpecError(path, f"a condition names exactly one of {', '.join(ConditionKind)}")
        kind = kinds[0]
        if kind is ConditionKind.LABEL:
            return cls._label(data, path)
        if kind is ConditionKind.FIELD:
            return cls._field(data, path)
        _known(data, path, (kind.value,))
        return cls(kind, value=_flag(data, path, kind.value))

    @classmethod
    def _label(cls, data: Data, path: str) -> ConditionSpec:
        _known(data, path, ("label", "in", "label_id"))
        name = _text(data, path, "label", None)
        if not name:
            raise SpecError(_at(path, "label"), "the name of a label is expected here")
        return cls(ConditionKind.LABEL, name, Operator.IN, _flag(data, path, "in", True), _text(data, path, "label_id"))

    @classmethod
    def _field(cls, data: Data, path: str) -> ConditionSpec:
        _known(data, path, ("field", *FIELD_OPERATORS))
        key = _text(data, path, "field", None)
        used = [operator for operator in FIELD_OPERATORS if operator.value in data]
        if len(used) != 1:
            raise SpecError(path, f"a field condition has exactly one of {', '.join(FIELD_OPERATORS)}")
        operator = used[0]
        value = data[operator.value]
        where = _at(path, operator.value)
        if operator in _FLAGS and not isinstance(value, bool):
            raise SpecError(where, "must be true or false")
        if operator is Operator.ONE_OF:
            if isinstance(value, str) or not isinstance(value, Sequence) or not all(map(_is_plain, value)):
                raise SpecError(where, "must be a list of values")
            value = tuple(value)
        elif not _is_plain(value):
            raise SpecError(where, "must be a text, a number, true or false")
        if operator in _NUMBERS and _as_number(value) is None:
            raise SpecError(where, "must be a number")
        return cls(ConditionKind.FIELD, key, operator, value)

    def to_dict(self) -> dict[str, Any]:
        if self.kind is ConditionKind.LABEL:
            data: dict[str, Any] = {"label": self.subject, "in": self.value}
            return data | {"label_id": self.label_id} if self.label_id else data
        if self.kind is ConditionKind.FIELD:
            value = list(self.value) if self.operator is Operator.ONE_OF else self.value
            return {"field": self.subject, self.operator.value: value}
        return {self.kind.value: self.value}


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _as_number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


class ActionKind(StrEnum):
    ADD_LABEL = "add_label"
    REMOVE_LABEL = "remove_label"
    SET = "set"


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action. `subject` is the label's name or the field's key on the target; `value` what a field is set to."""

    kind: ActionKind
    subject: str
    value: Any = None
    label_id: str = ""

    @property
    def field(self) -> str:
        """The field's key, empty where the action is about a label."""
        return self.subject if self.kind is ActionKind.SET else ""

    @classmethod
    def from_dict(cls, data: Any, path: str = "") -> ActionSpec:
        if not isinstance(data, Mapping):
            raise SpecError(path, "an action is a table such as {add_label: Customers}")
        kinds = [kind for kind in ActionKind if kind.value in data]
        if len(kinds) != 1:
            raise SpecError(path, f"an action names exactly one of {', '.join(ActionKind)}")
        kind = kinds[0]
        if kind is ActionKind.SET:
            _known(data, path, ("set",))
            where = _at(path, "set")
            inner = _known(data["set"], where, ("field", "value"))
            if not _is_plain(inner.get("value")):
                raise SpecError(_at(where, "value"), "must be a text, a number, true or false")
            return cls(kind, _text(inner, where, "field", None), inner["value"])
        _known(data, path, (kind.value, "label_id"))
        name = _text(data, path, kind.value, None)
        if not name:
            raise SpecError(_at(path, kind.value), "the name of a label is expected here")
        return cls(kind, name, None, _text(data, path, "label_id"))

    def to_dict(self) -> dict[str, Any]:
        if self.kind is ActionKind.SET:
            return {"set": {"field": self.subject, "value": self.value}}
        data: dict[str, Any] = {self.kind.value: self.subject}
        return data | {"label_id": self.label_id} if self.label_id else data


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """IF all conditions THEN actions, for one direction. `id` tells the rule apart for good; empty in a file."""

    id: str
    name: str
    direction: Direction
    enabled: bool = True
    update_only: bool = False
    conditions: tuple[ConditionSpec, ...] = ()
    actions: tuple[ActionSpec, ...] = ()
    undo: bool = False
    mirror: bool = False

    @classmethod
    def from_dict(cls, data: Any, path: str = "", id: str = "") -> RuleSpec:
        entries = ("name", "direction", "enabled", "update_only", "if", "then", "undo", "mirror")
        data = _known(data, path, entries)
        name = _text(data, path, "name", None)
        if not name:
            raise SpecError(_at(path, "name"), "a rule needs a name")
        if "direction" not in data:
            raise SpecError(_at(path, "direction"), "is missing; a_to_b or b_to_a is expected")
        direction = _choice(data, path, "direction", Direction, Direction.A_TO_B)
        if direction is Direction.BOTH:
            raise SpecError(_at(path, "direction"), "a rule has one direction; for both use `mirror: true`")
        return cls(
            id=id,
            name=name,
            direction=direction,
            enabled=_flag(data, path, "enabled", True),
            update_only=_flag(data, path, "update_only"),
            conditions=_several(data, path, "if", ConditionSpec.from_dict),
            actions=_several(data, path, "then", ActionSpec.from_dict),
            undo=_flag(data, path, "undo"),
            mirror=_flag(data, path, "mirror"),
        )

    def to_dict(self) -> dict[str, Any]:
        """The file's form; the id is not part of it, in a file the name identifies a rule."""
        data: dict[str, Any] = {"name": self.name, "direction": self.direction.value}
        if not self.enabled:
            data["enabled"] = False
        if self.update_only:
            data["update_only"] = True
        if self.conditions:
            data["if"] = [condition.to_dict() for condition in self.conditions]
        if self.actions:
            data["then"] = [action.to_dict() for action in self.actions]
        if self.undo:
            data["undo"] = True
        if self.mirror:
            data["mirror"] = True
        return data
