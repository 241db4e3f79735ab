"""Full names beside their parts: derived ones are never pushed as an edit, chosen ones flow, nothing flips."""

from __future__ import annotations

from typing import Any

import pytest

from syncrules.merge import bases_after
from syncrules.specs import Direction, Side
from tests.syncrules.catalogues import Pair, applied

A = {"displayName": "Anna Smith", "givenName": "Anna", "surname": "Smith"}
B = {"fn": "Anna Smith", "n.given": "Anna", "n.family": "Smith"}


def test_a_derived_name_follows_the_parts_that_are_written() -> None:
    both = Pair(A, B)
    both.a.update(surname="Jones", displayName="Anna Jones")
    assert both.sync().to_b == {"n.family": "Jones", "fn": "Anna Jones"}
    assert both.merge().empty


def test_it_follows_in_the_order_that_the_other_side_shows() -> None:
    both = Pair({**A, "displayName": "Smith, Anna"}, {**B, "fn": "Smith, Anna"})
    both.a.update(surname="Jones", displayName="Jones, Anna")
    assert both.sync().to_b == {"n.family": "Jones", "fn": "Jones, Anna"}


def test_a_name_that_its_app_did_not_renew_does_not_hold_the_other_back() -> None:
    both = Pair(A, B)
    both.a.update(surname="Jones")
    assert both.sync().to_b == {"n.family": "Jones", "fn": "Anna Jones"}
    assert both.merge().empty


def test_a_derived_name_in_another_order_is_no_difference() -> None:
    assert Pair({**A, "displayName": "Smith, Anna"}, B, agreed=False).merge().empty


def test_an_app_that_writes_derived_names_anew_causes_nothing() -> None:
    both = Pair(A, B)
    for shown in ("Smith, Anna", "anna smith", "Anna Smith"):
        both.a["displayName"] = shown
        assert both.sync().empty


def test_a_chosen_name_flows() -> None:
    both = Pair(A, B)
    both.a["displayName"] = "The Boss"
    assert both.sync().to_b == {"fn": "The Boss"}
    assert both.merge().empty


def test_a_chosen_name_survives_an_edit_of_the_parts() -> None:
    both = Pair({**A, "displayName": "The Boss"}, {**B, "fn": "The Boss"})
    both.b["n.family"] = "Jones"
    assert both.sync().to_a == {"surname": "Jones"}
    assert (both.a["displayName"], both.b["fn"]) == ("The Boss", "The Boss")


def test_a_chosen_name_is_not_pushed_away_by_one_that_an_app_derived_anew() -> None:
    both = Pair({**A, "displayName": "The Boss"}, {**B, "fn": "The Boss"})
    both.a["displayName"] = "Anna Smith"
    assert both.sync().empty
    assert both.b["fn"] == "The Boss"


def test_a_chosen_name_beats_a_derived_one_in_the_first_sync_whoever_wins() -> None:
    for winner in Side:
        both = Pair(A, {**B, "fn": "The Boss"}, agreed=False, winner=winner)
        assert both.merge().to_a == {"displayName": "The Boss"}


@pytest.mark.parametrize(("winner", "shown"), [("a", "The Boss"), ("b", "Chief")])
def test_two_chosen_names_are_decided_by_the_winner(winner: str, shown: str) -> None:
    both = Pair(A, B, winner=Side(winner))
    both.a["displayName"], both.b["fn"] = "The Boss", "Chief"
    both.sync()
    assert both.a["displayName"] == both.b["fn"] == shown


def test_two_chosen_names_can_be_asked_about() -> None:
    both = Pair(A, B, conflicts="ask")
    both.a["displayName"], both.b["fn"] = "The Boss", "Chief"
    merged = both.merge()
    assert merged.empty
    assert merged.conflicts == ("displayName",)


def test_an_empty_full_name_is_filled_once() -> None:
    parts = {key: value for key, value in A.items() if key != "displayName"}
    both = Pair(parts, B, agreed=False)
    assert both.sync().to_a == {"displayName": "Anna Smith"}
    del both.a["displayName"]
    assert both.sync().empty, "clearing it clears nothing elsewhere, and is not undone"


def test_where_neither_side_has_a_full_name_none_is_made() -> None:
    parts = {"givenName": "Anna"}, {"n.given": "Anna"}
    assert Pair(*parts, agreed=False).merge().empty


def test_first_sync_with_other_parts_ends_in_one_name() -> None:
    both = Pair(A, {"fn": "Anna Jones", "n.given": "Anna", "n.family": "Jones"}, agreed=False)
    both.sync()
    assert (both.b["n.family"], both.b["fn"]) == ("Smith", "Anna Smith")


def test_one_direction_writes_no_name_back() -> None:
    both = Pair(A, B, direction=Direction.A_TO_B)
    both.b["fn"] = "The Boss"
    assert both.merge().empty


def renewing(values: dict[str, Any]) -> dict[str, Any]:
    """An app that puts the display name together whenever it stores parts."""
    return {**values, "displayName": " ".join(filter(None, (values.get("givenName"), values.get("surname"))))}


def test_an_app_that_always_renews_the_name_and_a_card_that_follows_come_to_rest() -> None:
    both = Pair(A, {**B, "fn": "The Boss"}, agreed=False)
    for edit_a, edit_b in (({}, {}), ({"surname": "Jones"}, {}), ({}, {"n.given": "Annie"}), ({}, {"fn": "Chief"})):
        both.a, both.b = {**both.a, **edit_a}, {**both.b, **edit_b}
        merged = both.merge()
        both.a, both.b = renewing(applied(both.a, merged.to_a)), applied(both.b, merged.to_b)
        both.bases = bases_after(both.mappings, both.a, both.b)
        assert both.merge().empty
    assert both.b["fn"] == "Chief"
    assert (both.b["n.given"], both.b["n.family"]) == ("Annie", "Jones")
