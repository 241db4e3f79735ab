"""Mapping lines and rules as rows."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from syncrules.models import FieldMapping, Rule
from syncrules.specs import Direction, MappingSpec, Mode, RuleSpec, Side

MAPPINGS = [
    MappingSpec("Name", ("givenName", "surname"), ("fn",), pattern="{0} {1}"),
    MappingSpec("Size", ("a",), ("b",), Direction.A_TO_B, Mode.FILL, Side.B, values=(("S", "klein"),), enabled=False),
]
RULE = RuleSpec.from_dict(
    {
        "name": "VIPs",
        "direction": "b_to_a",
        "if": [{"label": "VIP", "in": True, "label_id": "7"}, {"field": "size", "one_of": ["S", "L"]}],
        "then": [{"add_label": "Customers"}, {"set": {"field": "stage", "value": "lead"}}],
        "undo": True,
        "mirror": True,
        "update_only": True,
        "enabled": False,
    },
    id="4",
)


@pytest.mark.parametrize("spec", MAPPINGS)
def test_a_mapping_line_survives_being_a_row(spec: MappingSpec) -> None:
    row = FieldMapping.from_spec(spec, position=3)
    assert row.spec() == spec
    assert row.position == 3
    row.clean()


def test_a_rule_survives_being_a_row() -> None:
    row = Rule.from_spec(RULE, pk=4)
    assert row.spec() == RULE
    row.clean()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"a": []}, "a"),
        ({"b": [3]}, "b"),
        ({"values": [["S"]]}, "values"),
        ({"pattern": "{0}", "a": ["x"]}, "pattern"),
        ({"b": ["x", "y"]}, "__all__"),
    ],
)
def test_a_wrong_mapping_line_is_refused_beside_its_field(changes: dict[str, Any], field: str) -> None:
    row = FieldMapping.from_spec(MAPPINGS[0])
    for name, value in changes.items():
        setattr(row, name, value)
    with pytest.raises(ValidationError) as caught:
        row.clean()
    assert field in (caught.value.message_dict if hasattr(caught.value, "error_dict") else {"__all__": ""})


@pytest.mark.parametrize(
    ("changes", "field", "path"),
    [
        ({"conditions": [{"label": "VIP", "out": True}]}, "conditions", "if[0].out"),
        ({"actions": [{"set": {"field": "x"}}]}, "actions", "then[0].set.value"),
        ({"conditions": "VIP"}, "conditions", "if"),
    ],
)
def test_a_wrong_rule_is_refused_beside_its_field(changes: dict[str, Any], field: str, path: str) -> None:
    row = Rule.from_spec(RULE)
    for name, value in changes.items():
        setattr(row, name, value)
    with pytest.raises(ValidationError) as caught:
        row.clean()
    assert path in caught.value.message_dict[field][0]
