"""One value on each side: the four-value merge, its policies, directions and modes."""

from __future__ import annotations

from typing import Any

import pytest

from syncrules.merge import Note
from syncrules.specs import Direction, MappingSpec, Mode, Side
from tests.syncrules.catalogues import DEFAULT, POOR, RICH, Pair, compiled, mails

TITLE = MappingSpec("Title", ("jobTitle",), ("role",))


def title(**changes: Any) -> Any:
    return compiled(POOR, RICH, MappingSpec(**{**{"name": "Title", "a": ("jobTitle",), "b": ("role",)}, **changes}))


def pair(a: str | None, b: str | None, a_now: str | None, b_now: str | None, **policy: Any) -> Pair:
    """A pair that agreed on (a, b) and now shows (a_now, b_now)."""
    mappings = policy.pop("mappings", compiled(POOR, RICH, TITLE))
    made = Pair({"jobTitle": a} if a else {}, {"role": b} if b else {}, mappings, **policy)
    made.a = {"jobTitle": a_now} if a_now else {}
    made.b = {"role": b_now} if b_now else {}
    return made


@pytest.mark.parametrize(
    ("a_now", "b_now", "to_a", "to_b"),
    [
        ("old", "old", {}, {}),
        ("new", "old", {}, {"role": "new"}),
        ("old", "new", {"jobTitle": "new"}, {}),
        ("new", "new", {}, {}),
        ("new", " new  ", {}, {}),
        ("new", "other", {}, {"role": "new"}),
        (None, "old", {}, {"role": None}),
        ("old", None, {"jobTitle": None}, {}),
        (None, None, {}, {}),
        (None, "new", {"jobTitle": "new"}, {}),
        ("new", None, {}, {"role": "new"}),
    ],
)
def test_each_side_is_judged_against_its_own_base(a_now: Any, b_now: Any, to_a: Any, to_b: Any) -> None:
    merged = pair("old", "old", a_now, b_now).merge()
    assert (merged.to_a, merged.to_b) == (to_a, to_b)
    assert bool(merged.notes) == bool(to_a or to_b)


def test_a_side_that_shows_a_value_in_its_own_way_has_changed_nothing() -> None:
    assert pair("Boss", "BOSS (by robot)", "Boss", "BOSS (by robot)").merge().empty
    edited = pair("Boss", "BOSS (by robot)", "Chief", "BOSS (by robot)").merge()
    assert (edited.to_a, edited.to_b) == ({}, {"role": "Chief"})


@pytest.mark.parametrize(
    ("a", "b", "winner", "to_a", "to_b"),
    [
        ("x", None, "b", {}, {"role": "x"}),
        (None, "y", "a", {"jobTitle": "y"}, {}),
        ("x", "y", "a", {}, {"role": "x"}),
        ("x", "y", "b", {"jobTitle": "y"}, {}),
        ("x", "x ", "a", {}, {}),
    ],
)
def test_first_sync_fills_empties_and_lets_the_winner_decide(a: Any, b: Any, winner: str, to_a: Any, to_b: Any) -> None:
    merged = pair(None, None, a, b, agreed=False, winner=Side(winner)).merge()
    assert (merged.to_a, merged.to_b) == (to_a, to_b)


def test_a_field_without_base_follows_the_first_sync_rule_alone() -> None:
    both = Pair({"companyName": "Acme", "jobTitle": "Boss"}, {"org": "Acme", "role": "Chief"})
    for base, key in ((both.bases[0], "jobTitle"), (both.bases[1], "role")):
        del base[key]
    both.b["org"] = "Acme Ltd"
    merged = both.merge()
    assert (merged.to_a, merged.to_b) == ({"companyName": "Acme Ltd"}, {"role": "Boss"})


def test_the_loser_of_a_conflict_is_named_in_the_note() -> None:
    (note,) = pair("old", "old", "x", "y", winner=Side.B).merge().notes
    assert note == Note("Title", "both changed, b wins", Side.B, {"jobTitle": "x"})


def test_a_plain_change_has_no_loser() -> None:
    (note,) = pair("old", "old", "x", "old").merge().notes
    assert note == Note("Title", "changed on a", None, {})


@pytest.mark.parametrize(
    ("times", "to_a"),
    [
        ({"evidence_a": {"jobTitle": 100.0}, "evidence_b": {"role": 200.0}}, {"jobTitle": "y"}),
        ({"evidence_a": {"jobTitle": 300.0}, "evidence_b": {"role": 200.0}}, {}),
        ({"modified_a": 100.0, "modified_b": 200.0}, {"jobTitle": "y"}),
        ({"modified_a": 100.0, "modified_b": 101.5}, {}),
        ({"modified_b": 200.0}, {}),
        ({"evidence_a": {"jobTitle": 300.0}, "modified_a": 500.0, "modified_b": 400.0}, {"jobTitle": "y"}),
    ],
)
def test_the_newest_wins_only_on_clear_evidence(times: Any, to_a: Any) -> None:
    merged = pair("old", "old", "x", "y", conflicts="newest", winner=Side.A).merge(**times)
    assert merged.to_a == to_a
    assert bool(merged.to_b) == (not to_a)


def test_a_conflict_for_a_person_holds_that_field_alone() -> None:
    both = Pair({"jobTitle": "old", "companyName": "Acme"}, {"role": "old", "org": "Acme"}, conflicts="ask")
    both.a.update(jobTitle="x", companyName="Acme Ltd")
    both.b.update(role="y")
    merged = both.sync()
    assert merged.conflicts == ("jobTitle",)
    assert (merged.to_a, merged.to_b) == ({}, {"org": "Acme Ltd"})
    assert "jobTitle" not in both.bases[0]
    assert "role" not in both.bases[1]


def test_a_line_with_its_own_winner_does_not_ask() -> None:
    merged = pair("old", "old", "x", "y", conflicts="ask", mappings=title(winner=Side.B)).merge()
    assert (merged.to_a, merged.conflicts) == ({"jobTitle": "y"}, ())


def test_a_line_in_one_direction_never_writes_its_source() -> None:
    line = title(direction=Direction.A_TO_B)
    assert pair("old", "old", "old", "y", mappings=line).merge().empty
    assert pair("old", "old", "x", "y", mappings=line, winner=Side.B).merge().to_b == {"role": "x"}
    assert pair(None, None, None, "y", mappings=line, agreed=False).merge().empty


def test_a_connection_in_one_direction_leaves_edits_on_the_target_until_the_source_changes() -> None:
    one_way = {"direction": Direction.B_TO_A, "winner": Side.A}
    assert pair("old", "old", "x", "old", **one_way).merge().empty
    assert pair("old", "old", "x", "y", **one_way).merge().to_a == {"jobTitle": "y"}


def test_edits_on_the_target_are_put_back_where_the_connection_says_so() -> None:
    one_way = {"direction": Direction.B_TO_A, "restore_target": True}
    assert pair("old", "old", "x", "old", **one_way).merge().to_a == {"jobTitle": "old"}
    assert pair("old", "old", None, "old", **one_way).merge().to_a == {"jobTitle": "old"}
    assert pair(None, None, "x", None, **one_way).merge().to_a == {"jobTitle": None}
    (note,) = pair("old", "old", "x", "old", **one_way).merge().notes
    assert note.why == "put back on a"


def test_restoring_does_not_concern_a_single_line_of_a_two_way_connection() -> None:
    line = title(direction=Direction.A_TO_B)
    assert pair("old", "old", "old", "y", mappings=line, restore_target=True).merge().empty


def test_filling_writes_only_where_the_target_is_empty() -> None:
    fill = title(mode=Mode.FILL)
    assert pair("old", "old", "x", "old", mappings=fill).merge().empty
    assert pair("old", "old", None, "old", mappings=fill).merge().empty
    assert pair(None, None, "x", None, mappings=fill, agreed=False).merge().to_b == {"role": "x"}
    assert pair(None, None, "x", "y", mappings=fill, agreed=False).merge().empty


def test_clearing_mode_lets_an_empty_winner_erase_from_the_start() -> None:
    clear = title(mode=Mode.CLEAR, direction=Direction.A_TO_B)
    assert pair(None, None, None, "y", mappings=clear, agreed=False).merge().to_b == {"role": None}
    assert pair(None, None, None, "y", mappings=title(), agreed=False).merge().to_a == {"jobTitle": "y"}


def test_a_disabled_line_does_nothing_and_gets_no_base() -> None:
    off = pair("old", "old", "x", "old", mappings=title(enabled=False))
    assert off.merge().empty
    assert off.bases == ({}, {})


def test_a_value_that_is_too_long_stays_away_and_says_so() -> None:
    both = pair("old", "old", "old", "x" * 41)
    merged = both.sync()
    (warning,) = merged.warnings
    assert merged.empty
    assert (warning.field, warning.side) == ("jobTitle", Side.A)
    assert "40" in warning.reason
    assert merged.judged == {"Title"}
    assert both.merge().judged == frozenset(), "nothing changed since, so the warning still holds"
    both.b["role"] = "short now"
    assert both.merge().to_a == {"jobTitle": "short now"}


def test_a_birthday_without_a_year_gets_no_year_invented() -> None:
    merged = Pair({"givenName": "Ana"}, {"n.given": "Ana", "bday": "--02-29"}, agreed=False).merge()
    assert "birthday" not in merged.to_a
    assert [warning.field for warning in merged.warnings] == ["birthday"]


def test_a_long_note_is_shortened_on_one_side_and_never_shortened_back() -> None:
    whole = "The beginning of a long story.\n" + "and so on " * 20 + "the end."
    both = Pair({}, {"note": whole}, agreed=False)
    both.sync()
    shown = both.a["personalNotes"]
    assert len(shown) <= 60
    assert whole.startswith(shown.partition("\n[")[0])
    assert both.merge().empty
    both.bases = ({}, {})
    assert both.merge().empty, "not even when the bases are lost"


def test_an_edit_of_a_shortened_note_keeps_the_rest_of_the_whole_one() -> None:
    whole = "The beginning of a long story.\n" + "and so on " * 20 + "the end."
    both = Pair({}, {"note": whole}, agreed=False)
    both.sync()
    both.a["personalNotes"] = both.a["personalNotes"].replace("The beginning", "The true beginning")
    assert both.merge().to_b == {"note": whole.replace("The beginning", "The true beginning")}
    both.a["personalNotes"] = "something else"
    merged = both.merge()
    assert merged.empty
    assert len(merged.warnings) == 1


def test_clearing_a_shortened_note_clears_the_whole_one() -> None:
    both = Pair({}, {"note": "story " * 30}, agreed=False)
    both.sync()
    del both.a["personalNotes"]
    assert both.merge().to_b == {"note": None}


def test_what_means_the_same_is_never_written() -> None:
    a = {"businessPhones": [{"value": "02 123 45 67"}], "work.countryOrRegion": "Belgium", "homePage": "https://x.be/"}
    a["emailAddresses"] = mails("Ana@Example.com")
    b = {"tel.work": [{"value": "+3221234567"}], "adr.work.country": "België", "url": [{"value": "x.be"}]}
    b["email"] = mails("ana@example.com")
    merged = Pair(a, b, agreed=False).merge()
    assert merged.empty
    assert merged.notes == ()


def test_a_create_carries_all_that_the_other_side_can_hold() -> None:
    source = {
        "displayName": "Dr. Ana García",
        "title": "Dr.",
        "givenName": "Ana",
        "surname": "García",
        "emailAddresses": mails("ana@example.com"),
        "work.street": "Box 5\nCalle Mayor 1",
    }
    merged = Pair(source, {}, agreed=False).merge()
    assert merged.to_a == {}
    assert merged.to_b == {
        "fn": "Dr. Ana García",
        "n.prefix": "Dr.",
        "n.given": "Ana",
        "n.family": "García",
        "email": mails("ana@example.com"),
        "adr.work.street": "Box 5\nCalle Mayor 1",
    }


def test_bases_hold_every_mapped_key_but_those_of_held_lines() -> None:
    a, b = Pair({"jobTitle": "x"}, {}).bases
    assert a["jobTitle"] == "x"
    assert b["role"] is None
    assert set(a) == {key for mapping in DEFAULT for key in mapping.a_keys}
