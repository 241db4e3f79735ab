"""Lines of the mapping table: the default ones, and what a line may join."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import FieldType
from syncrules.catalogue import Catalogue
from syncrules.defaults import default_mappings
from syncrules.fitting import Refused
from syncrules.mapping import CompiledMapping, MappingError, compile_mapping
from syncrules.specs import Direction, MappingSpec
from tests.syncrules.catalogues import POOR, RICH, Pair, applied, compiled, many, text


def line(*a: str, b: tuple[str, ...] = ("x",), **more: Any) -> MappingSpec:
    return MappingSpec("Line", a, b, **more)


def one(a: Catalogue, b: Catalogue, spec: MappingSpec) -> CompiledMapping:
    return compile_mapping(spec, a, b, "BE")


def test_the_default_table_follows_from_meanings_alone() -> None:
    table = {(spec.a, spec.b) for spec in default_mappings(POOR, RICH)}
    assert (("givenName",), ("n.given",)) in table
    assert (("displayName",), ("fn",)) in table
    assert (("emailAddresses",), ("email",)) in table
    assert (("homePage",), ("url",)) in table
    assert (("categories",), ("cats",)) in table
    assert (("work.street",), ("adr.work.po_box", "adr.work.extended", "adr.work.street")) in table
    assert not any("fileAs" in a for a, _ in table)
    assert len({spec.name for spec in default_mappings(POOR, RICH)}) == len(table)
    places = [list(POOR.by_key).index(spec.a[0]) for spec in default_mappings(POOR, RICH)]
    assert places == sorted(places)


def test_the_default_table_is_the_same_seen_from_the_other_side() -> None:
    here = {(spec.a, spec.b) for spec in default_mappings(POOR, RICH)}
    assert here == {(spec.b, spec.a) for spec in default_mappings(RICH, POOR)}


def test_a_full_name_is_joined_where_the_other_side_has_no_parts() -> None:
    only = Catalogue([text("name", "name.full")])
    (spec,) = default_mappings(POOR, only)
    assert spec.a == ("title", "givenName", "middleName", "surname", "generation")
    assert spec.b == ("name",)


def test_read_only_fields_flow_one_way_and_unmappable_ones_not_at_all() -> None:
    locked = Catalogue(
        [
            text("Name", "name.full", read_only=True),
            text("org", "org.name", reason="It is a link to another record."),
            text("email", "email", FieldType.EMAIL),
        ]
    )
    specs = default_mappings(POOR, locked)
    assert [(spec.b[0], spec.direction) for spec in specs] == [("Name", Direction.B_TO_A), ("email", Direction.BOTH)]


def test_a_read_only_field_is_never_written() -> None:
    locked = Catalogue([text("role", read_only=True)])
    both = Pair({"jobTitle": "x"}, {"role": "y"}, compiled(POOR, locked, line("jobTitle", b=("role",))), agreed=False)
    assert both.sync().to_a == {"jobTitle": "y"}
    both.a["jobTitle"] = "z"
    assert both.merge().empty


@pytest.mark.parametrize(
    ("a", "b", "more", "reason"),
    [
        (("givenNam",), ("x",), {}, "did you mean “givenName”"),
        (("emailAddresses", "surname"), ("x",), {}, "several values"),
        (("givenName", "surname"), ("x", "y"), {}, "one side only"),
        (("givenName",), ("x",), {"pattern": "{0} {1}"}, "two or more"),
        (("givenName", "surname"), ("x",), {"pattern": "{0}{1}"}, "some text between"),
        (("givenName", "surname"), ("x",), {"pattern": "{0} and"}, "each field once"),
        (("birthday",), ("number",), {}, "map “birthday” to “y” (text)"),
        (("givenName",), ("closed",), {}, "It is a secret."),
    ],
)
def test_a_line_that_cannot_work_says_why_and_what_could(a: Any, b: Any, more: Any, reason: str) -> None:
    other = Catalogue(
        [text("x"), text("y"), text("number", type=FieldType.NUMBER), text("closed", reason="It is a secret.")]
    )
    with pytest.raises(MappingError) as caught:
        one(POOR, other, MappingSpec("Line", a, b, **more))
    assert reason in str(caught.value)


X = Catalogue([text("x")])


def test_a_pattern_joins_and_changes_only_the_part_that_changed() -> None:
    mapping = one(POOR, X, line("jobTitle", "companyName", pattern="{0} at {1}"))
    old = {"jobTitle": "Boss", "companyName": "Acme at Sea"}
    assert mapping.get_a(old) == "Boss at Acme at Sea"
    assert mapping.put_a("Chief at Acme at Sea", old) == {"jobTitle": "Chief"}
    assert mapping.put_a("Boss at Acme", old) == {"companyName": "Acme"}
    assert mapping.put_a("Boss", old) == {"companyName": None}
    assert mapping.put_a("Boss at Acme at Sea", {}) == {"jobTitle": "Boss at Acme", "companyName": "Sea"}


@pytest.mark.parametrize(
    ("old", "text", "patch"),
    [
        ({"companyName": "Acme"}, "Acme Ltd", {"companyName": "Acme Ltd"}),
        ({"jobTitle": "Boss"}, "Chief", {"jobTitle": "Chief"}),
        ({"companyName": "Acme"}, "Boss at Acme Ltd", {"jobTitle": "Boss", "companyName": "Acme Ltd"}),
        ({}, "Acme", {"jobTitle": "Acme"}),
    ],
)
def test_the_only_filled_part_of_a_joined_text_keeps_what_becomes_of_it(old: Any, text: str, patch: Any) -> None:
    mapping = one(POOR, X, line("jobTitle", "companyName", pattern="{0} at {1}"))
    assert mapping.put_a(text, old) == patch


def test_a_text_that_is_not_of_the_patterns_form_is_refused() -> None:
    mapping = one(POOR, X, line("jobTitle", "companyName", pattern="[{0}] {1}"))
    assert mapping.get_a({"companyName": "Acme"}) == "Acme"
    assert mapping.get_a({"jobTitle": "Boss"}) == "[Boss]"
    assert mapping.put_a("[Boss] Acme", {}) == {"jobTitle": "Boss", "companyName": "Acme"}
    only_first = one(POOR, X, line("jobTitle", "companyName", pattern="<{0}> <{1}>"))
    with pytest.raises(Refused, match="form of the pattern"):
        only_first.put_a("anything", {})


def test_street_lines_stay_in_their_fields() -> None:
    (mapping,) = [made for made in compiled() if made.a_keys == ("work.street",)]
    old = {"adr.work.po_box": "Box 5", "adr.work.extended": "Floor 2", "adr.work.street": "Main 1"}
    assert mapping.get_b(old) == "Box 5\nFloor 2\nMain 1"
    assert mapping.put_b("Box 5\nFloor 2\nMain 2", old) == {"adr.work.street": "Main 2"}
    assert mapping.put_b("Floor 2\nMain 1", old) == {"adr.work.po_box": None}
    assert mapping.put_b("Main 1", old) == {"adr.work.po_box": None, "adr.work.extended": None}
    assert mapping.put_b("Suite 9\nMain 1", {}) == {"adr.work.street": "Suite 9\nMain 1"}


SIZES = Catalogue([text("size", type=FieldType.OPTION, options=(("S", "Small"), ("L", "Large")))])


def test_options_are_translated_by_their_table() -> None:
    mapping = one(SIZES, X, line("size", values=(("S", "klein"), ("L", "groß"))))
    assert mapping.get_b({"x": "Klein"}) == "S"
    assert mapping.put_b("L", {}) == {"x": "groß"}
    assert mapping.put_a("S", {"size": "L"}) == {"size": "S"}


def test_options_with_equal_labels_need_no_table() -> None:
    other = Catalogue([text("x", type=FieldType.OPTION, options=(("1", "small"), ("2", "LARGE")))])
    mapping = one(SIZES, other, line("size"))
    assert mapping.put_b("S", {}) == {"x": "1"}
    assert mapping.get_b({"x": "2"}) == "L"


def test_a_text_finds_its_option_by_value_or_label_and_an_unknown_one_is_refused() -> None:
    mapping = one(SIZES, X, line("size"))
    assert mapping.put_a("large", {}) == {"size": "L"}
    both = Pair({}, {"x": "huge"}, (mapping,), agreed=False)
    merged = both.merge()
    assert merged.empty
    assert merged.warnings[0].reason == "the field does not offer this option"


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        (FieldType.NUMBER, "12", 12),
        (FieldType.NUMBER, "1.5", 1.5),
        (FieldType.BOOLEAN, "yes", True),
        (FieldType.DATE, "2001-02-28", "2001-02-28"),
        (FieldType.DATETIME, "2001-02-28", "2001-02-28T00:00:00Z"),
    ],
)
def test_texts_are_stored_in_the_fields_own_type(kind: FieldType, value: str, stored: Any) -> None:
    mapping = one(Catalogue([text("y", type=kind)]), X, line("y"))
    assert mapping.put_a(value, {}) == {"y": stored}
    assert mapping.put_a(value, {"y": stored}) == {}
    with pytest.raises(Refused):
        mapping.put_a("neither", {})


def test_options_of_several_values_are_a_set() -> None:
    left = Catalogue([text("o", type=FieldType.OPTIONS, options=(("a", "Art"), ("b", "Books"), ("c", "Cars")))])
    right = Catalogue([many("tags", "")])
    both = Pair({"o": ["a", "b"]}, {"tags": [{"value": "Cars"}]}, compiled(left, right, line("o", b=("tags",))), False)
    both.sync()
    assert both.a["o"] == ["a", "b", "c"]
    assert [part["value"] for part in both.b["tags"]] == ["Cars", "a", "b"]
    assert applied(both.a, both.merge().to_a) == both.a


def test_the_last_address_of_a_single_field_is_kept_too() -> None:
    left, right = Catalogue([text("m", "email", FieldType.EMAIL)]), Catalogue([text("n", "email", FieldType.EMAIL)])
    both = Pair({"m": "a@x.com"}, {"n": "a@x.com"}, compiled(left, right, line("m", b=("n",))))
    both.a = {}
    merged = both.sync()
    assert merged.empty
    assert len(merged.warnings) == 1
    assert both.merge().empty


def test_a_required_field_is_not_emptied() -> None:
    left, right = Catalogue([text("m")]), Catalogue([text("n", required=True)])
    both = Pair({"m": "x"}, {"n": "x"}, compiled(left, right, line("m", b=("n",))))
    both.a = {}
    merged = both.merge()
    assert merged.empty
    assert merged.warnings[0].reason == "the field must not be empty"
