"""Mappings and rules in the form of configuration files."""

from __future__ import annotations

from typing import Any

import pytest

from syncrules.specs import (
    ActionSpec,
    ConditionKind,
    ConditionSpec,
    Direction,
    MappingSpec,
    Mode,
    Operator,
    RuleSpec,
    Side,
    SpecError,
)

RULE: dict[str, Any] = {
    "name": "VIPs",
    "direction": "a_to_b",
    "if": [{"label": "VIP", "in": True}, {"field": "companyName", "is_not": ""}],
    "then": [{"add_label": "Customers"}, {"set": {"field": "lifecyclestage", "value": "lead"}}],
    "undo": True,
}


def test_a_mapping_is_read_from_its_short_form() -> None:
    assert MappingSpec.from_dict({"a": ["givenName"], "b": "firstname"}) == MappingSpec(
        "givenName = firstname", ("givenName",), ("firstname",)
    )


@pytest.mark.parametrize(
    "spec",
    [
        MappingSpec("Name", ("givenName", "surname"), ("fn",), pattern="{0} {1}"),
        MappingSpec("Size", ("a",), ("b",), Direction.A_TO_B, Mode.FILL, Side.B, values=(("S", "klein"),)),
        MappingSpec("Off", ("a",), ("b",), mode=Mode.CLEAR, enabled=False),
    ],
)
def test_a_mapping_survives_being_written_and_read(spec: MappingSpec) -> None:
    assert MappingSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("data", "path", "reason"),
    [
        ({"a": ["x"], "b": ["y"], "modus": "fill"}, "m.modus", "not known"),
        ({"a": ["x"]}, "m.b", "one or more field keys"),
        ({"a": [], "b": ["y"]}, "m.a", "one or more field keys"),
        ({"a": ["x"], "b": ["y"], "mode": "replace"}, "m.mode", "overwrite, fill, clear"),
        ({"a": ["x"], "b": ["y"], "direction": "left"}, "m.direction", "both, a_to_b, b_to_a"),
        ({"a": ["x"], "b": ["y"], "winner": "c"}, "m.winner", "a, b"),
        ({"a": ["x"], "b": ["y"], "values": [["S"]]}, "m.values[0]", "pair"),
        ({"a": ["x"], "b": ["y"], "values": "S"}, "m.values", "list"),
        ({"a": ["x"], "b": ["y"], "enabled": "yes"}, "m.enabled", "true or false"),
        ({"a": ["x"], "b": ["y"], "pattern": 3}, "m.pattern", "text"),
        (["x"], "m", "table"),
    ],
)
def test_a_wrong_mapping_is_refused_with_path_and_reason(data: Any, path: str, reason: str) -> None:
    with pytest.raises(SpecError) as caught:
        MappingSpec.from_dict(data, "m")
    assert caught.value.path == path
    assert reason in caught.value.reason


def test_a_rule_is_read() -> None:
    rule = RuleSpec.from_dict(RULE, id="7")
    assert rule == RuleSpec(
        id="7",
        name="VIPs",
        direction=Direction.A_TO_B,
        conditions=(
            ConditionSpec(ConditionKind.LABEL, "VIP", Operator.IN, True),
            ConditionSpec(ConditionKind.FIELD, "companyName", Operator.IS_NOT, ""),
        ),
        actions=(ActionSpec.from_dict({"add_label": "Customers"}), ActionSpec.from_dict(RULE["then"][1])),
        undo=True,
    )
    assert [part.field for part in rule.conditions] == ["", "companyName"]
    assert [part.field for part in rule.actions] == ["", "lifecyclestage"]


def test_a_rule_survives_being_written_and_read() -> None:
    conditions = [
        {"label": "VIP", "in": False, "label_id": "4"},
        {"field": "size", "one_of": ["S", 3]},
        {"field": "born", "before": "2000-01-01"},
        {"field": "score", "greater": 3.5},
        {"field": "name", "empty": False},
        {"exists_in_other": True},
        {"was_deleted": False},
        {"opted_out": True},
    ]
    actions = [{"remove_label": "Old", "label_id": "9"}]
    data = {**RULE, "if": conditions, "then": actions, "mirror": True, "update_only": True, "enabled": False}
    assert RuleSpec.from_dict(data).to_dict() == data


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"name": ""}, "r.name", "name"),
        ({"direction": "both"}, "r.direction", "one direction"),
        ({"direction": "x"}, "r.direction", "not one of"),
        ({"when": []}, "r.when", "not known"),
        ({"if": {"label": "VIP"}}, "r.if", "list"),
        ({"if": [{"label": "VIP", "out": True}]}, "r.if[0].out", "not known"),
        ({"if": [{"label": ""}]}, "r.if[0].label", "name of a label"),
        ({"if": [{"in": True}]}, "r.if[0]", "exactly one of"),
        ({"if": [{"field": "x"}]}, "r.if[0]", "exactly one of"),
        ({"if": [{"field": "x", "is": "1", "is_not": "2"}]}, "r.if[0]", "exactly one of"),
        ({"if": [{"field": "x", "like": "1"}]}, "r.if[0].like", "not known"),
        ({"if": [{"field": "x", "one_of": "1"}]}, "r.if[0].one_of", "list"),
        ({"if": [{"field": "x", "greater": "many"}]}, "r.if[0].greater", "number"),
        ({"if": [{"field": "x", "is": None}]}, "r.if[0].is", "text"),
        ({"if": [{"field": "x", "empty": "yes"}]}, "r.if[0].empty", "true or false"),
        ({"if": [{"was_deleted": "yes"}]}, "r.if[0].was_deleted", "true or false"),
        ({"then": [{"add_label": "x", "remove_label": "y"}]}, "r.then[0]", "exactly one of"),
        ({"then": [{"set": {"field": "x"}}]}, "r.then[0].set.value", "text"),
        ({"then": [{"set": {"value": "x"}}]}, "r.then[0].set.field", "missing"),
        ({"then": ["add"]}, "r.then[0]", "table"),
        ({"undo": 1}, "r.undo", "true or false"),
    ],
)
def test_a_wrong_rule_is_refused_with_path_and_reason(change: Any, path: str, reason: str) -> None:
    with pytest.raises(SpecError) as caught:
        RuleSpec.from_dict({**RULE, **change}, "r")
    assert caught.value.path == path
    assert reason in caught.value.reason


def test_directions_carry_from_their_source() -> None:
    assert [Direction.BOTH.carries(side) for side in Side] == [True, True]
    assert [Direction.A_TO_B.carries(side) for side in Side] == [True, False]
    assert [Direction.B_TO_A.carries(side) for side in Side] == [False, True]
    assert Side.A.other is Side.B
