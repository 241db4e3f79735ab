"""Full names beside their parts: derived ones are never pushed as an edit, chosen ones flow, nothing flips."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncrules import names
from syncrules.fullnames import CONTRADICTED
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


@pytest.mark.parametrize(
    ("shown", "becomes"),
    [
        ("Smith, Anna", "Jones, Anna"),
        ("SMITH Anna", "Jones Anna"),
        ("Smith Anna", "Jones Anna"),
        ("anna smith", "anna Jones"),
        ("Anna Smith", "Anna Jones"),
    ],
)
def test_each_side_keeps_its_own_style_of_the_full_name(shown: str, becomes: str) -> None:
    both = Pair(A, {**B, "fn": shown})
    both.a.update(surname="Jones", displayName="Anna Jones")
    assert both.sync().to_b == {"n.family": "Jones", "fn": becomes}
    assert both.merge().empty


def test_a_nickname_and_an_initial_in_the_full_name_stay_when_another_part_is_edited() -> None:
    a = {**A, "middleName": "Beth", "nickName": "Annie"}
    both = Pair(a, {**B, "n.middle": "Beth", "nickname": "Annie", "fn": 'Anna B. "Annie" Smith'})
    both.a.update(surname="Jones")
    assert both.sync().to_b == {"n.family": "Jones", "fn": 'Anna B. "Annie" Jones'}


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


def test_a_full_name_that_was_edited_alone_flows_alone_and_is_listed_for_a_person() -> None:
    for edited, key, there in (("b", "fn", "displayName"), ("a", "displayName", "fn")):
        both = Pair(A, B)
        getattr(both, edited)[key] = "Anna Jones"
        merged = both.sync()
        assert {**merged.to_a, **merged.to_b} == {there: "Anna Jones"}
        assert [warning.reason for warning in merged.warnings] == [CONTRADICTED]
        assert both.merge().empty
        both.b["n.family"] = "Jones"
        merged = both.sync()
        assert merged.to_a == {"surname": "Jones"}
        assert not merged.warnings
        assert "displayName" in merged.judged, "so that the old warning goes"


@pytest.mark.parametrize("chosen", ["The Boss", "Anna", "Anna Smith (Acme)", "Dr. Anna Smith, PhD", "Anna S."])
def test_a_chosen_name_that_says_no_other_name_needs_nobody(chosen: str) -> None:
    both = Pair(A, B)
    both.b["fn"] = chosen
    merged = both.sync()
    assert (merged.to_a, merged.warnings) == ({"displayName": chosen}, ())


@pytest.mark.parametrize("full", ["Madonna", "Anna Smith", "Acme Ltd", "Arthur Conan Doyle", "王小明", "Smith, Anna"])
def test_a_full_name_without_parts_stays_whole_on_both_sides(full: str) -> None:
    """Nothing is lost by it: both sides show the same name. Parts that nobody entered are not made up."""
    for a, b in (({}, {"fn": full}), ({"displayName": full}, {})):
        both = Pair(a, b, agreed=False)
        both.sync()
        assert (both.a, both.b) == ({"displayName": full}, {"fn": full})
        assert both.merge().empty


def test_parts_that_a_person_enters_later_leave_the_full_name_as_it_is() -> None:
    both = Pair({"displayName": "Arthur Conan Doyle"}, {"fn": "Arthur Conan Doyle"})
    both.a.update(givenName="Arthur", surname="Conan Doyle")
    assert both.sync().to_b == {"n.given": "Arthur", "n.family": "Conan Doyle"}
    both.b.update({"n.given": "Jean", "fn": "Jean Conan Doyle"})
    assert both.sync().to_a == {"givenName": "Jean", "displayName": "Jean Conan Doyle"}


def test_parts_without_a_full_name_make_none_where_the_app_makes_its_own() -> None:
    both = Pair({}, {key: value for key, value in B.items() if key != "fn"}, agreed=False)
    assert both.sync().to_a == {"givenName": "Anna", "surname": "Smith"}


A_KEYS = {"prefix": "title", "given": "givenName", "middle": "middleName", "family": "surname", "suffix": "generation"}
VALUES = st.sampled_from(["", "Anna", "Bob", "van der Berg", "María José", "M.", "Dr.", "Jr.", "山田", "Nguyễn"])
PARTS = st.fixed_dictionaries(dict.fromkeys(A_KEYS, VALUES)).filter(lambda parts: parts["given"] or parts["family"])
STYLES = st.sampled_from(["{usual}", "{family}, {given}", "{given} {family}", "The Boss", "{family} {given}"])


@given(PARTS, STYLES, STYLES, st.sampled_from(sorted(A_KEYS)), VALUES, st.sampled_from("ab"))
def test_an_edit_of_one_part_changes_that_part_only_and_comes_to_rest(
    parts: dict[str, str], style_a: str, style_b: str, part: str, new: str, side: str
) -> None:
    usual = names.usual(names.of_parts(parts))
    shown = [style.format(**parts, usual=usual).strip(" ,") or usual for style in (style_a, style_b)]
    said = {part: value for part, value in parts.items() if value}
    both = Pair(
        {**{A_KEYS[one]: value for one, value in said.items()}, "displayName": shown[0]},
        {**{f"n.{one}": value for one, value in said.items()}, "fn": shown[1]},
    )
    assert both.merge().empty, "nothing was changed, so nothing is written"
    before = {"a": dict(both.a), "b": dict(both.b)}
    key = {"a": A_KEYS[part], "b": f"n.{part}"}
    getattr(both, side)[key[side]] = new or None
    both.a, both.b = applied(both.a, {}), applied(both.b, {})
    both.sync()
    for one, full in (("a", "displayName"), ("b", "fn")):
        now = getattr(both, one)
        assert {**now, full: ""} == applied({**before[one], full: ""}, {key[one]: new or None})
    assert both.merge().empty


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
