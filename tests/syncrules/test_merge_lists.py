"""Lists merge as sets of elements against the base of each side."""

from __future__ import annotations

from typing import Any

import pytest

from syncrules.specs import Direction, MappingSpec, Mode, Side
from tests.syncrules.catalogues import POOR, RICH, Pair, compiled, mails, many

EMAILS = compiled(POOR, RICH, MappingSpec("Emails", ("emailAddresses",), ("email",)))
WEB = compiled(POOR, RICH, MappingSpec("Web", ("homePage",), ("url",)))


def emails(a: list[Any], b: list[Any], mappings: Any = EMAILS, **policy: Any) -> Pair:
    return Pair({"emailAddresses": mails(*a)} if a else {}, {"email": mails(*b)} if b else {}, mappings, **policy)


def now(pair: Pair) -> tuple[list[str], list[str]]:
    def shown(elements: Any) -> list[str]:
        return [":".join(filter(None, (part.get("type"), part["value"]))) for part in elements or ()]

    return shown(pair.a.get("emailAddresses")), shown(pair.b.get("email"))


def test_both_sides_add_and_all_have_everything() -> None:
    both = emails(["x@x.x"], ["work:x@x.x"])
    both.a["emailAddresses"] = mails("x@x.x", "a@a.a")
    both.b["email"] = mails("work:x@x.x", "home:b@b.b")
    both.sync()
    assert now(both) == (["x@x.x", "a@a.a", "b@b.b"], ["work:x@x.x", "home:b@b.b", "a@a.a"])


def test_one_side_removes_and_the_other_adds() -> None:
    both = emails(["x@x.x", "k@k.k"], ["x@x.x", "k@k.k"])
    both.a["emailAddresses"] = mails("k@k.k")
    both.b["email"] = mails("x@x.x", "k@k.k", "y@y.y")
    both.sync()
    assert now(both) == (["k@k.k", "y@y.y"], ["k@k.k", "y@y.y"])


def test_an_element_removed_here_and_edited_there_stays() -> None:
    both = emails(["x@x.x", "k@k.k"], ["work:x@x.x", "k@k.k"])
    both.a["emailAddresses"] = mails("k@k.k")
    both.b["email"] = mails("home:x@x.x", "k@k.k")
    both.sync()
    assert now(both) == (["k@k.k", "x@x.x"], ["home:x@x.x", "k@k.k"])


def test_reordering_behind_the_first_writes_nothing() -> None:
    both = emails(["x@x.x", "y@y.y", "z@z.z"], ["x@x.x", "y@y.y", "z@z.z"])
    both.a["emailAddresses"] = mails("x@x.x", "z@z.z", "y@y.y")
    assert both.merge().empty


def test_another_first_moves_the_preferred_one_and_loses_none() -> None:
    both = emails(["x@x.x", "y@y.y"], ["home:x@x.x", "work:y@y.y", "z@z.z"])
    both.a["emailAddresses"] = mails("y@y.y", "x@x.x")
    both.sync()
    assert now(both)[1] == ["work:y@y.y", "home:x@x.x", "z@z.z"]


def test_two_new_firsts_are_decided_by_the_winner() -> None:
    both = emails(["x@x.x", "y@y.y", "z@z.z"], ["x@x.x", "y@y.y", "z@z.z"], winner=Side.B)
    both.a["emailAddresses"] = mails("y@y.y", "x@x.x", "z@z.z")
    both.b["email"] = mails("z@z.z", "x@x.x", "y@y.y")
    both.sync()
    assert now(both)[0][0] == now(both)[1][0] == "z@z.z"


def test_a_side_with_fewer_slots_shows_a_projection_and_never_deletes_the_surplus() -> None:
    five = ["a@x.x", "b@x.x", "c@x.x", "d@x.x", "e@x.x"]
    both = emails([], five, agreed=False)
    merged = both.sync()
    assert now(both) == (five[:3], five)
    assert "2 more" in merged.warnings[0].reason
    assert both.merge().empty
    both.bases = ({}, {})
    assert both.merge().empty


def test_slots_are_stable_when_the_rich_side_grows() -> None:
    both = emails(["a@x.x", "b@x.x", "c@x.x"], ["a@x.x", "b@x.x", "c@x.x"])
    both.b["email"] = mails("a@x.x", "new@x.x", "b@x.x", "c@x.x")
    assert both.sync().empty
    assert both.merge().empty


def test_a_free_slot_is_taken_by_an_element_that_found_no_room_before() -> None:
    five = ["a@x.x", "b@x.x", "c@x.x", "d@x.x", "e@x.x"]
    both = emails(five[:3], five)
    both.a["emailAddresses"] = mails("a@x.x", "c@x.x")
    both.sync()
    assert now(both) == (["a@x.x", "c@x.x", "d@x.x"], ["a@x.x", "c@x.x", "d@x.x", "e@x.x"])


def test_a_new_preferred_element_gets_a_slot_of_a_full_side() -> None:
    both = emails(["a@x.x", "b@x.x", "c@x.x"], ["a@x.x", "b@x.x", "c@x.x"])
    both.b["email"] = mails("vip@x.x", "a@x.x", "b@x.x", "c@x.x")
    both.sync()
    assert now(both) == (["vip@x.x", "a@x.x", "b@x.x"], ["vip@x.x", "a@x.x", "b@x.x", "c@x.x"])


def test_what_a_side_silently_dropped_is_not_sent_again_and_again() -> None:
    both = emails(["a@x.x", "b@x.x"], ["a@x.x"])
    both.a["emailAddresses"] = mails("a@x.x", "b@x.x", "c@x.x")
    both.sync()
    assert now(both)[1] == ["a@x.x", "c@x.x"]


def test_a_changed_address_keeps_the_type_that_its_side_cannot_say() -> None:
    both = emails(["x@x.x", "y@y.y"], ["work:x@x.x", "home:y@y.y"])
    both.a["emailAddresses"] = mails("new@x.x", "y@y.y")
    both.sync()
    assert now(both)[1] == ["work:new@x.x", "home:y@y.y"]


def test_a_type_is_kept_by_the_side_that_has_it() -> None:
    both = emails(["x@x.x"], ["work:x@x.x"])
    both.a["emailAddresses"] = mails("X@x.x")
    assert both.merge().empty


def test_clearing_the_only_address_on_one_side_keeps_it_on_the_other() -> None:
    both = emails(["x@x.x"], ["work:x@x.x"])
    both.a = {}
    merged = both.sync()
    assert now(both) == ([], ["work:x@x.x"])
    assert "pairs are found by it" in merged.warnings[0].reason
    assert both.merge().empty
    both.b["email"] = mails("work:y@y.y")
    both.sync()
    assert now(both) == (["y@y.y"], ["work:y@y.y"])


def test_clearing_all_addresses_of_a_side_with_fewer_slots_removes_none_elsewhere() -> None:
    five = ["a@x.x", "b@x.x", "c@x.x", "d@x.x", "e@x.x"]
    both = emails(five[:3], five)
    both.a = {}
    merged = both.sync()
    assert now(both) == ([], five)
    assert "pairs are found by it" in merged.warnings[0].reason
    assert both.merge().empty


def test_an_element_removed_here_and_just_added_there_stays() -> None:
    both = emails(["a@x.x", "b@x.x", "c@x.x"], ["a@x.x", "b@x.x", "c@x.x", "d@x.x"])
    both.a["emailAddresses"] = mails("a@x.x", "b@x.x", "d@x.x")
    both.b["email"] = mails("a@x.x", "b@x.x", "c@x.x")
    both.sync()
    assert now(both) == (["a@x.x", "b@x.x", "d@x.x"], ["a@x.x", "b@x.x", "d@x.x"])


def test_both_sides_clearing_leaves_nothing() -> None:
    both = emails(["x@x.x"], ["x@x.x"])
    both.a, both.b = {}, {}
    assert both.merge().empty
    assert both.merge().warnings == ()


def test_other_lists_are_cleared() -> None:
    labels = compiled(POOR, RICH, MappingSpec("Labels", ("categories",), ("cats",)))
    both = Pair({"categories": mails("VIP")}, {"cats": mails("vip")}, labels)
    both.a = {}
    assert both.merge().to_b == {"cats": None}


def test_labels_have_no_order_and_no_case() -> None:
    labels = compiled(POOR, RICH, MappingSpec("Labels", ("categories",), ("cats",)))
    both = Pair({"categories": mails("VIP", "Press")}, {"cats": mails("vip", "press")}, labels)
    both.a["categories"] = mails("press", "VIP")
    assert both.merge().empty
    both.a["categories"] = mails("New", "press", "VIP")
    assert both.merge().to_b == {"cats": mails("vip", "press", "New")}


def test_an_address_that_the_target_would_refuse_stays_away_alone() -> None:
    both = emails(["x@x.x"], ["x@x.x"])
    both.b["email"] = mails("x@x.x", "nonsense", "good@x.x")
    merged = both.sync()
    assert now(both)[0] == ["x@x.x", "good@x.x"]
    assert [warning.reason for warning in merged.warnings] == ["it is not a mail address"]
    both.b["email"] = mails("x@x.x", "nonsense@x.x", "good@x.x")
    both.sync()
    assert now(both)[0] == ["x@x.x", "good@x.x", "nonsense@x.x"]


def test_a_refused_replacement_leaves_what_was_there() -> None:
    both = emails(["x@x.x"], ["x@x.x"])
    both.b["email"] = mails("nonsense")
    assert both.merge().empty


@pytest.mark.parametrize("winner", Side)
def test_first_sync_unites_and_the_winner_names_the_preferred(winner: Side) -> None:
    both = emails(["a@x.x", "k@x.x"], ["work:b@x.x", "home:k@x.x"], agreed=False, winner=winner)
    both.sync()
    here, there = now(both)
    assert set(here) == {"a@x.x", "b@x.x", "k@x.x"}
    assert set(there) == {"a@x.x", "work:b@x.x", "home:k@x.x"}
    assert here[0] == ("a@x.x" if winner is Side.A else "b@x.x")
    assert there[0] == ("a@x.x" if winner is Side.A else "work:b@x.x")


def test_first_sync_of_equal_sets_in_another_order_writes_nothing() -> None:
    assert emails(["a@x.x", "b@x.x"], ["B@x.x", "A@x.x"], agreed=False).merge().empty


def test_a_full_side_loses_nothing_in_the_first_sync() -> None:
    both = emails(["a@x.x", "b@x.x", "c@x.x"], ["d@x.x"], agreed=False, winner=Side.B)
    both.sync()
    assert now(both) == (["d@x.x", "a@x.x", "b@x.x"], ["d@x.x", "a@x.x", "b@x.x", "c@x.x"])


def web(a: str | None, b: list[str], **policy: Any) -> Pair:
    return Pair({"homePage": a} if a else {}, {"url": mails(*b)} if b else {}, WEB, **policy)


def test_a_single_value_replaces_its_own_element() -> None:
    both = web("x.be", ["x.be", "y.be"])
    both.a["homePage"] = "z.be"
    both.sync()
    assert both.b["url"] == mails("z.be", "y.be")
    assert both.merge().empty


def test_a_single_value_follows_its_own_element_and_no_other() -> None:
    both = web("x.be", ["x.be", "y.be"])
    both.b["url"] = mails("x.be", "y2.be", "more.be")
    assert both.merge().empty
    both.b["url"] = mails("x2.be", "y2.be", "more.be")
    assert both.merge().to_a == {"homePage": "x2.be"}


def test_a_single_value_follows_the_preferred_one() -> None:
    both = web("x.be", ["x.be", "y.be"])
    both.b["url"] = mails("y.be", "x.be")
    assert both.merge().to_a == {"homePage": "y.be"}


def test_an_empty_single_value_takes_the_first() -> None:
    both = web(None, ["x.be", "y.be"], agreed=False)
    assert both.merge().to_a == {"homePage": "x.be"}


@pytest.mark.parametrize(
    ("winner", "single", "several"), [("a", "a.be", ["a.be", "x.be"]), ("b", "x.be", ["x.be", "a.be"])]
)
def test_first_sync_of_single_and_list_unites_and_the_winner_shows(
    winner: str, single: str, several: list[str]
) -> None:
    both = web("a.be", ["x.be"], agreed=False, winner=Side(winner))
    both.sync()
    assert both.a["homePage"] == single
    assert both.b["url"] == mails(*several)


@pytest.mark.parametrize(("winner", "single"), [("a", "a.be"), ("b", "b.be")])
def test_both_replace_the_same_element_and_neither_value_is_lost(winner: str, single: str) -> None:
    both = web("x.be", ["x.be", "y.be"], winner=Side(winner))
    both.a["homePage"] = "a.be"
    both.b["url"] = mails("b.be", "y.be")
    both.sync()
    assert both.a["homePage"] == single
    assert {part["value"] for part in both.b["url"]} == {"a.be", "b.be", "y.be"}
    assert both.merge().empty


def test_a_single_value_that_goes_lets_the_next_move_up() -> None:
    both = web("x.be", ["x.be", "y.be"])
    both.a = {}
    both.sync()
    assert both.a["homePage"] == "y.be"
    assert both.b["url"] == mails("y.be")


def test_one_direction_leaves_what_the_target_added() -> None:
    one_way = {"direction": Direction.A_TO_B}
    both = emails(["x@x.x"], ["x@x.x"], **one_way)
    both.b["email"] = mails("x@x.x", "own@x.x")
    assert both.sync().empty
    both.a["emailAddresses"] = mails("x@x.x", "new@x.x")
    both.sync()
    assert now(both) == (["x@x.x", "new@x.x"], ["x@x.x", "own@x.x", "new@x.x"])


def test_one_direction_puts_a_list_back_where_the_connection_says_so() -> None:
    both = emails(["x@x.x", "y@y.y"], ["work:x@x.x", "y@y.y"], direction=Direction.A_TO_B, restore_target=True)
    both.b["email"] = mails("work:x@x.x", "own@x.x")
    both.sync()
    assert now(both)[1] == ["work:x@x.x", "y@y.y"]


def test_filling_touches_only_an_empty_list() -> None:
    fill = compiled(POOR, RICH, MappingSpec("Emails", ("emailAddresses",), ("email",), mode=Mode.FILL))
    assert emails(["x@x.x"], ["y@y.y"], fill, agreed=False).merge().empty
    assert emails(["x@x.x"], [], fill, agreed=False).merge().to_b == {"email": mails("x@x.x")}


def test_a_label_that_both_sides_hold_merges_as_an_attribute() -> None:
    rich = type(RICH)([many("email", "email", attributes=frozenset({"type", "label"}))])
    both_rich = compiled(rich, rich, MappingSpec("Emails", ("email",), ("email",)))
    both = Pair({"email": mails("work:x@x.x")}, {"email": mails("work:x@x.x")}, both_rich)
    both.a["email"] = [{"value": "x@x.x", "type": "home"}]
    both.b["email"] = [{"value": "x@x.x", "type": "work", "label": "Lab"}]
    both.sync()
    assert both.a["email"] == both.b["email"] == [{"value": "x@x.x", "type": "home", "label": "Lab"}]


def test_a_persons_duplicates_are_not_deleted() -> None:
    both = emails(["x@x.x", "X@x.x"], ["x@x.x"])
    both.b["email"] = mails("x@x.x", "y@x.x")
    both.sync()
    assert now(both)[0] == ["x@x.x", "X@x.x", "y@x.x"]
