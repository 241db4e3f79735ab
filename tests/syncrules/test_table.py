"""The mapping table as a whole: value tables, owners, lines that get in each other's way, and what is not mapped."""

from __future__ import annotations

import time
from typing import Any

import pytest

from connectors.base import Field, FieldType
from syncrules.catalogue import Catalogue
from syncrules.defaults import default_mappings
from syncrules.fitting import Refused
from syncrules.mapping import MappingError, compile_mapping
from syncrules.specs import Direction, MappingSpec, Mode, Side
from syncrules.table import combined, compile_table, digest, fields_of, notes, unmapped
from tests.syncrules.catalogues import POOR, RICH, Pair, compiled, many, text

A = Catalogue([*(text(key) for key in "vwxyz"), text("locked", read_only=True)])
B = Catalogue([*(text(key) for key in "mnopq"), text("shut", read_only=True)])


def spec(name: str, a: str, b: str, direction: Direction = Direction.BOTH, **more: Any) -> MappingSpec:
    return MappingSpec(name, tuple(a), tuple(b), direction, **more)


def problems(*specs: MappingSpec, direction: Direction = Direction.BOTH) -> dict[str, str]:
    return {one.line: one.reason for one in compile_table(specs, A, B, "BE", direction).problems}


# ---- lines in each other's way


def test_the_second_line_that_writes_a_field_rests_and_the_first_goes_on() -> None:
    found = problems(spec("One", "x", "m"), spec("Two", "x", "n"), spec("Three", "y", "o"))
    assert found == {
        "Two": "the line “One” writes “x” already; switch one of the two off, or let one of them flow the other way "
        "only"
    }


def test_one_field_may_be_carried_to_several() -> None:
    assert not problems(spec("One", "x", "m"), spec("Copy", "x", "n", Direction.A_TO_B))
    assert not problems(spec("One", "x", "m"), spec("Two", "x", "n"), direction=Direction.A_TO_B)


def test_a_line_that_is_switched_off_is_in_nobodys_way() -> None:
    assert not problems(spec("One", "x", "m"), spec("Two", "x", "n", enabled=False))


def test_a_circle_is_named_with_all_its_lines() -> None:
    there, back = Direction.A_TO_B, Direction.B_TO_A
    assert not problems(spec("1", "x", "m", there), spec("2", "y", "m", back), spec("3", "y", "n", there))
    found = problems(
        spec("1", "x", "m", there), spec("2", "y", "m", back), spec("3", "y", "n", there), spec("4", "x", "n", back)
    )
    assert list(found) == ["4"]
    assert "“4” → “1” → “2” → “3” → “4” would go round for ever" in found["4"]
    assert list(problems(spec("1", "x", "m", there), spec("2", "x", "m", back))) == ["2"]


def test_what_one_line_writes_the_next_one_carries_on_at_once() -> None:
    table = compile_table([spec("Copy", "x", "n", Direction.A_TO_B), spec("One", "x", "m")], A, B, "BE")
    pair = Pair({"x": "old"}, {"m": "old", "n": "old"}, table.mappings)
    pair.b["m"] = "new"
    pair.sync()
    assert (pair.a, pair.b) == ({"x": "new"}, {"m": "new", "n": "new"})
    assert pair.merge().empty
    pair.b["n"] = "edited"
    assert pair.merge().empty


def test_a_line_that_could_never_write_rests_with_the_cure() -> None:
    found = problems(
        MappingSpec("In", ("locked",), ("m",), Direction.B_TO_A), MappingSpec("Both", ("locked",), ("shut",))
    )
    assert found["In"] == "“locked” is read-only; let it flow the other way"
    assert "both sides are read-only" in found["Both"]
    table = compile_table([MappingSpec("Out", ("locked",), ("m",))], A, B, "BE")
    assert notes(table.mappings[0]) == ["“locked” is read-only, so values flow one way"]


# ---- own lines beside the default ones


def test_an_own_line_replaces_switches_off_or_pushes_aside_a_default_one() -> None:
    defaults = default_mappings(POOR, RICH)
    names = {fields_of(line) for line in defaults}
    title = "jobTitle = role"
    assert title in names
    off = MappingSpec("Title", ("jobTitle",), ("role",), enabled=False)
    assert [line for line in combined(defaults, [off]) if fields_of(line) == title] == [off]
    other = MappingSpec("Other", ("nickName",), ("role",))
    found = {fields_of(line) for line in combined(defaults, [other])}
    assert found == names - {title, "nickName = nickname"} | {"nickName = role"}
    copy = MappingSpec("Copy", ("jobTitle",), ("nickname",), Direction.A_TO_B)
    assert title in {fields_of(line) for line in combined(defaults, [copy])}


def test_no_two_lines_are_called_the_same() -> None:
    taken = MappingSpec("jobTitle", ("companyName",), ("sort",))
    found = [line.name for line in combined(default_mappings(POOR, RICH), [taken])]
    assert len(set(found)) == len(found)


def test_how_a_line_is_called_and_directed_is_not_what_it_maps() -> None:
    line = spec("One", "x", "m")
    assert digest(line) == digest(spec("Two", "x", "m", Direction.A_TO_B, mode=Mode.FILL, winner=Side.B))
    assert digest(line) != digest(spec("One", "x", "n"))
    assert digest(line) != digest(spec("One", "x", "m", values=(("1", "2"),)))


# ---- types


@pytest.mark.parametrize(
    ("left", "right", "works"),
    [
        (FieldType.OPTION, FieldType.OPTIONS, True),
        (FieldType.OPTION, FieldType.BOOLEAN, True),
        (FieldType.OPTION, FieldType.NUMBER, True),
        (FieldType.OPTION, FieldType.TEXT, True),
        (FieldType.OPTION, FieldType.DATE, False),
        (FieldType.OPTION, FieldType.EMAIL, False),
        (FieldType.BOOLEAN, FieldType.NUMBER, False),
        (FieldType.DATE, FieldType.DATETIME, True),
        (FieldType.DATE, FieldType.NUMBER, False),
        (FieldType.PHONE, FieldType.EMAIL, False),
        (FieldType.URL, FieldType.MULTILINE, True),
    ],
)
def test_only_types_that_can_hold_each_other_are_mapped(left: FieldType, right: FieldType, works: bool) -> None:
    options = (("1", "One"), ("2", "Two"))
    here = Catalogue([Field("l", "Left", left, options=options if "option" in left else ()), text("spare")])
    there = Catalogue([Field("r", "Right", right), text("notes")])
    line = MappingSpec("Line", ("l",), ("r",))
    for a, b, one in ((here, there, line), (there, here, MappingSpec("Line", ("r",), ("l",)))):
        if works:
            compile_mapping(one, a, b, "BE")
        else:
            with pytest.raises(MappingError, match="map “.*” to “(notes|spare)” .text."):
                compile_mapping(one, a, b, "BE")


def test_the_nearest_field_of_the_same_type_is_offered() -> None:
    here = Catalogue([text("birthday", type=FieldType.DATE)])
    there = Catalogue([text("score", type=FieldType.NUMBER), text("notes"), text("born", type=FieldType.DATE)])
    with pytest.raises(MappingError, match="map “birthday” to “born” .date."):
        compile_mapping(MappingSpec("Line", ("birthday",), ("score",)), here, there, "BE")


def test_joined_fields_make_a_text() -> None:
    there = Catalogue([text("n", type=FieldType.NUMBER)])
    with pytest.raises(MappingError, match="Joined fields make a text, and “n” holds a number"):
        compile_mapping(MappingSpec("Line", ("x", "y"), ("n",)), A, there, "BE")


def test_a_text_that_could_be_taken_apart_in_a_million_ways_is_refused_in_time() -> None:
    line = MappingSpec("Line", ("v", "w", "x", "y", "z"), ("m",), pattern="{0} {1} {2} {3} {4}")
    mapping = compile_mapping(line, A, B, "BE")
    began = time.monotonic()
    with pytest.raises(Refused, match="too many ways"):
        mapping.put_a("word " * 3_000, {})
    assert time.monotonic() - began < 5


# ---- value tables


SIZES = Catalogue([text("size", type=FieldType.OPTION, options=(("S", "Small"), ("M", "Middle"), ("L", "Large")))])
STEPS = Catalogue([text("step", type=FieldType.OPTION, options=(("1", "First"), ("2", "Second")))])


def sized(*values: tuple[str, str]) -> MappingSpec:
    return MappingSpec("Size", ("size",), ("step",), values=values)


def test_two_options_that_mean_one_are_never_rewritten() -> None:
    pair = Pair(
        {"size": "M"}, {"step": "1"}, compiled(SIZES, STEPS, sized(("S", "1"), ("M", "1"))), False, winner=Side.B
    )
    assert pair.merge().empty
    pair.sync()
    pair.a["size"] = "S"
    assert pair.merge().empty
    pair.b["step"] = "2"
    merged = pair.merge()
    assert merged.empty
    assert merged.warnings[0].reason == "the field does not offer this option"


def test_a_table_says_its_options_by_value_or_by_label() -> None:
    (mapping,) = compiled(SIZES, STEPS, sized(("Small", "First"), ("l", "2")))
    assert mapping.put_b("S", {}) == {"step": "1"}
    assert mapping.put_a(mapping.get_b({"step": "2"}), {}) == {"size": "L"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((("S", "1"), ("Small", "First")), "stands twice"),
        ((("S", "1"), ("S", "2"), ("M", "1")), "cannot be told what goes with what"),
    ],
)
def test_a_table_that_is_not_clear_is_refused(values: Any, reason: str) -> None:
    with pytest.raises(MappingError, match=reason):
        compiled(SIZES, STEPS, sized(*values))


def test_an_option_that_vanished_is_named_and_its_contacts_keep_what_they_have() -> None:
    fewer = Catalogue([text("step", type=FieldType.OPTION, options=(("1", "First"),))])
    (mapping,) = compiled(SIZES, fewer, sized(("S", "1"), ("L", "2")))
    assert "not offered any more: “2” of “step”" in notes(mapping)[0]
    pair = Pair({"size": "L"}, {"step": "1"}, (mapping,))
    pair.a["size"] = "S"
    pair.sync()
    pair.a["size"] = "L"
    merged = pair.sync()
    assert merged.warnings[0].reason == "the field does not offer this option"
    assert pair.b == {"step": "1"}


def test_ten_thousand_options_are_compiled_in_a_moment() -> None:
    numbers = range(10_000)
    here = Catalogue([text("l", type=FieldType.OPTIONS, options=tuple((f"a{n}", f"A {n}") for n in numbers))])
    there = Catalogue([text("r", type=FieldType.OPTIONS, options=tuple((f"b{n}", f"B {n}") for n in numbers))])
    began = time.monotonic()
    line = MappingSpec("Line", ("l",), ("r",), values=tuple((f"A {n}", f"B {n}") for n in numbers))
    (mapping,) = compiled(here, there, line)
    assert notes(mapping) == []
    assert time.monotonic() - began < 5
    pair = Pair({"l": ["a1", "a9999"]}, {"r": ["b5"]}, (mapping,), agreed=False)
    pair.sync()
    assert (pair.a["l"], pair.b["r"]) == (["a1", "a5", "a9999"], ["b1", "b5", "b9999"])


def test_several_options_cross_by_their_table_and_unknown_ones_are_kept() -> None:
    here = Catalogue([text("l", type=FieldType.OPTIONS, options=(("r", "Red"), ("g", "Green"), ("x", "Own")))])
    there = Catalogue([text("r", type=FieldType.OPTIONS, options=(("1", "Rouge"), ("2", "Vert"), ("9", "Autre")))])
    line = MappingSpec("Line", ("l",), ("r",), values=(("r", "1"), ("g", "2")))
    pair = Pair({"l": ["r", "x"]}, {"r": ["2", "9"]}, compiled(here, there, line), agreed=False)
    merged = pair.sync()
    assert (pair.a["l"], pair.b["r"]) == (["g", "r", "x"], ["1", "2", "9"])
    assert {warning.reason for warning in merged.warnings} == {"the field does not offer this option"}
    pair.a["l"] = ["g", "x"]
    pair.sync()
    assert (pair.a["l"], pair.b["r"]) == (["g", "x"], ["2", "9"])
    assert pair.merge().empty


# ---- owners


def owners(*people: tuple[str, str]) -> Catalogue:
    return Catalogue([text("owner", "owner", FieldType.OPTION, options=people)])


def test_owners_are_mapped_by_email_and_by_nothing_else() -> None:
    here = owners(("1", "Anna Smith (Anna@X.com)"), ("2", "Bert <bert@x.com>"), ("3", "Cara"))
    there = owners(("2", "A. Smith <anna@x.com>"), ("3", "Cara"), ("7", "bert@x.com"))
    assert default_mappings(here, there) == [], "nobody's contacts change hands by themselves"
    (mapping,) = compiled(here, there, MappingSpec("Owner", ("owner",), ("owner",)))
    assert mapping.put_b("1", {}) == {"owner": "2"}
    assert mapping.put_b("2", {}) == {"owner": "7"}
    assert mapping.put_a(mapping.get_b({"owner": "7"}), {}) == {"owner": "2"}
    for side in Side:
        held: dict[Side, dict[str, str]] = {Side.A: {}, Side.B: {}} | {side: {"owner": "3"}}
        pair = Pair(held[Side.A], held[Side.B], (mapping,), agreed=False)
        merged = pair.merge()
        assert merged.empty
        assert merged.warnings[0].reason == "nobody there has the email of this owner"


@pytest.mark.parametrize("target", Side)
def test_an_owner_whose_email_several_people_share_is_not_guessed(target: Side) -> None:
    one, many_people = owners(("1", "team@x.com")), owners(("7", "A <team@x.com>"), ("8", "B <Team@x.com>"))
    here, there = (one, many_people) if target is Side.B else (many_people, one)
    (mapping,) = compiled(here, there, MappingSpec("Owner", ("owner",), ("owner",)))
    alone: dict[Side, dict[str, str]] = {target: {}, target.other: {"owner": "1"}}
    merged = Pair(alone[Side.A], alone[Side.B], (mapping,), agreed=False).merge()
    assert merged.empty
    assert merged.warnings[0].reason == "several people there have the email of this owner"
    for somebody in ("7", "8"):
        held: dict[Side, dict[str, str]] = {target: {"owner": somebody}, target.other: {"owner": "1"}}
        same = Pair(held[Side.A], held[Side.B], (mapping,), agreed=False).merge()
        assert same.empty
        assert not same.warnings, "each of them is the one person there"
        back: dict[Side, dict[str, str]] = {target: {"owner": somebody}, target.other: {}}
        pair = Pair(back[Side.A], back[Side.B], (mapping,), agreed=False)
        pair.sync()
        assert (pair.a, pair.b)[target.other is Side.B] == {"owner": "1"}, "there is one of them only"


# ---- notes, and what is not mapped


def test_the_first_value_rule_is_told_where_it_applies() -> None:
    told = {
        mapping.name: notes(mapping)
        for mapping in compile_table(default_mappings(POOR, RICH), POOR, RICH, "BE").mappings
    }
    assert told["companyName"] == []
    assert "“mobilePhone” holds one value: the first of “tel.mobile” goes there" in told["mobilePhone"][0]
    assert told["emailAddresses"] == ["“emailAddresses” holds 3 values; what is more stays on the other side alone"]


def test_every_field_is_mapped_or_has_its_reason() -> None:
    here = Catalogue([*POOR, text("id", reason="The app gives it."), text("born", read_only=True), many("tags", "")])
    specs = combined(default_mappings(here, RICH), [MappingSpec("Off", ("jobTitle",), ("role",), enabled=False)])
    table = compile_table(specs, here, RICH, "BE")
    found = {(one.side, one.field.key): one for one in unmapped(here, RICH, specs, table, {Side.A: "A", Side.B: "B"})}
    carried = {(side, key) for mapping in table.mappings for side in Side for key in mapping.keys(side)}
    assert not carried & found.keys()
    assert carried | found.keys() == {
        (side, field.key) for side, some in ((Side.A, here), (Side.B, RICH)) for field in some
    }
    assert all(one.reason for one in found.values())
    assert found[Side.A, "id"].reason == "not offered by the app: The app gives it."
    assert not found[Side.A, "id"].mappable
    assert found[Side.A, "born"].reason.startswith("read-only")
    assert found[Side.A, "jobTitle"].reason == "its line “Off” rests: it is switched off"
    assert found[Side.A, "tags"].reason == "no counterpart: no field of B means the same"
    assert found[Side.A, "tags"].mappable
