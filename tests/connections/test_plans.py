from __future__ import annotations

import pytest

from connections.engine.planned import Planned
from connections.services import plans
from connectors.base import Value
from syncrules.specs import Side


@pytest.mark.parametrize(
    ("kind", "patch", "before", "sort"),
    [
        ("create", {"given": "Ada"}, {}, "create"),
        ("delete", {}, {"given": "Ada"}, "delete"),
        ("pair", {}, {}, "pair"),
        ("update", {"note": "x"}, {"note": None}, "fill"),
        ("update", {"note": "x", "url": "y"}, {"note": None, "url": ""}, "fill"),
        ("update", {"note": "x", "url": "y"}, {"note": None, "url": "z"}, "overwrite"),
        ("update", {"note": None}, {"note": "x"}, "overwrite"),
        ("update", {}, {}, "label"),
    ],
)
def test_lines_are_sorted_by_what_they_do_to_the_contact(
    kind: str, patch: dict[str, Value], before: dict[str, Value], sort: str
) -> None:
    assert Planned(kind, Side.A, patch, before).sort == sort


NAMES = {"a": "anna", "b": "dav"}


def test_reasons_name_the_key_of_a_pair_and_the_rule_of_a_create() -> None:
    assert plans.reasons("pair", {"mappings": ["e:ada@example.com"]}, NAMES) == ["same email"]
    assert plans.reasons("create", {"mappings": ["new"], "rules": ["VIPs"]}, NAMES) == ["rule “VIPs”"]
    assert plans.reasons("update", {"mappings": ["Notes: filled"], "rules": ["VIPs"]}, NAMES) == ["Notes: filled"]
    assert plans.reasons("update", {"mappings": [], "rules": ["VIPs"]}, NAMES) == ["rule “VIPs”"]
    assert plans.reasons("delete", {"mappings": ["deleted on dav"], "rules": []}, NAMES) == ["deleted on dav"]


def test_reasons_call_the_sides_by_their_accounts_and_leave_names_of_lines_alone() -> None:
    told = ["Cards on a: changed on a", "Title: both changed, b wins", "Note: changed on b, cleared on a"]
    assert plans.reasons("update", {"mappings": told}, NAMES) == [
        "Cards on a: changed on anna",
        "Title: both changed, dav wins",
        "Note: changed on dav, cleared on anna",
    ]
