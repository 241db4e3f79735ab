"""The shapes that a value may have, as the contract in `connectors.base` says."""

from __future__ import annotations

import re

from connectors.base import Field, FieldType, Value


def assert_shape(field: Field, value: Value) -> None:
    if not field.is_list:
        assert_scalar(field, value)
        return
    assert isinstance(value, list)
    assert value, f"{field.key}: an unset list is absent"
    assert field.multiple is None or len(value) <= field.multiple
    for element in value:
        assert set(element) - {"value"} <= field.attributes, field.key
        assert_scalar(field, element["value"])


def assert_scalar(field: Field, value: Value) -> None:
    if field.type == FieldType.BOOLEAN:
        assert isinstance(value, bool)
    elif field.type == FieldType.NUMBER:
        assert isinstance(value, int | float)
        assert not isinstance(value, bool)
    elif field.type == FieldType.OPTIONS:
        assert value == sorted(value)
    else:
        assert isinstance(value, str)
        assert value, f"{field.key}: an unset field is absent"
    if field.type == FieldType.DATE:
        assert re.fullmatch(r"(\d{4}|-)-\d\d-\d\d", value)
    if field.type == FieldType.DATETIME:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", value)
