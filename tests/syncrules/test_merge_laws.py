"""What holds for every merge, whatever the values."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from connectors.base import Field, FieldType
from syncrules.catalogue import Catalogue
from syncrules.mapping import CompiledMapping, compile_mapping
from syncrules.merge import Policy, SideState, bases_after, merge_pair
from syncrules.specs import MappingSpec, Mode, Side
from tests.syncrules.catalogues import DEFAULT, POOR, RICH, applied, compiled, mails, many, text

ADDRESSES = st.sampled_from(["a@x.x", "A@x.x", "b@x.x", "c@x.x", "d@x.x", "e@x.x"])
KINDS = st.sampled_from(["", "work:", "home:"])
CAPACITIES = st.sampled_from([None, 3, 2, 1])
SIDES = st.sampled_from(list(Side))


def lists(capacity: int | None, typed: bool) -> st.SearchStrategy[Any]:
    """A list field's value, or a single one for a capacity of one; None for unset."""
    if capacity == 1:
        return st.none() | ADDRESSES
    entry = st.tuples(KINDS if typed else st.just(""), ADDRESSES).map("".join)
    unique = st.lists(entry, max_size=capacity or 5, unique_by=lambda value: value.rpartition(":")[2].lower())
    return unique.map(lambda values: mails(*values) or None)


@st.composite
def list_states(draw: st.DrawFn, agreed: bool | None = None) -> tuple[Any, ...]:
    """Two fields for the same meaning (not a match key), what they show now, and their bases if any."""
    fields: list[Field] = []
    nows, bases = [], []
    based = draw(st.booleans()) if agreed is None else agreed
    for key in ("a", "b"):
        capacity, typed = draw(CAPACITIES), draw(st.booleans())
        if capacity == 1 and fields and fields[0].multiple == 1:
            capacity = 2  # two single values are no lists
        kinds = frozenset({"type"}) if typed and capacity != 1 else frozenset()
        fields.append(many(key, "im", FieldType.EMAIL, capacity, attributes=kinds))
        value = lists(capacity, bool(kinds))
        nows.append({k: v for k, v in {key: draw(value)}.items() if v is not None})
        bases.append({key: draw(value)} if based else {})
    return fields[0], fields[1], nows[0], nows[1], bases[0], bases[1]


def line(a: Any, b: Any, **more: Any) -> CompiledMapping:
    return compile_mapping(MappingSpec("Line", (a.key,), (b.key,), **more), Catalogue([a]), Catalogue([b]), "BE")


def keys(value: Any) -> set[Hashable]:
    elements = value if isinstance(value, list) else [] if value is None else [{"value": value}]
    return {element["value"].lower() for element in elements}


@given(list_states(), SIDES)
def test_lists_merge_the_same_seen_from_either_side(state: tuple[Any, ...], winner: Side) -> None:
    a, b, now_a, now_b, base_a, base_b = state
    here = merge_pair([line(a, b)], SideState(now_a, base_a), SideState(now_b, base_b), Policy(winner))
    there = merge_pair([line(b, a)], SideState(now_b, base_b), SideState(now_a, base_a), Policy(winner.other))
    assert (here.to_a, here.to_b) == (there.to_b, there.to_a)


@given(list_states(), SIDES)
def test_no_element_is_invented(state: tuple[Any, ...], winner: Side) -> None:
    a, b, now_a, now_b, base_a, base_b = state
    merged = merge_pair([line(a, b)], SideState(now_a, base_a), SideState(now_b, base_b), Policy(winner))
    known = keys(now_a.get("a")) | keys(now_b.get("b"))
    assert keys(merged.to_a.get("a")) | keys(merged.to_b.get("b")) <= known


@given(list_states(), SIDES)
def test_no_element_is_lost_unless_it_was_removed_against_its_base(state: tuple[Any, ...], winner: Side) -> None:
    a, b, now_a, now_b, base_a, base_b = state
    merged = merge_pair([line(a, b)], SideState(now_a, base_a), SideState(now_b, base_b), Policy(winner))
    after_a, after_b = applied(now_a, merged.to_a), applied(now_b, merged.to_b)
    before = keys(now_a.get("a")) | keys(now_b.get("b"))
    removed = (keys(base_a.get("a")) - keys(now_a.get("a"))) | (keys(base_b.get("b")) - keys(now_b.get("b")))
    assert before - removed <= keys(after_a.get("a")) | keys(after_b.get("b"))


@given(list_states(agreed=True), SIDES)
def test_what_one_side_removed_goes_where_nobody_touched_it(state: tuple[Any, ...], winner: Side) -> None:
    a, b, now_a, _, base_a, base_b = state
    now_b = applied({}, base_b)
    merged = merge_pair([line(a, b)], SideState(now_a, base_a), SideState(now_b, base_b), Policy(winner))
    removed = keys(base_a.get("a")) - keys(now_a.get("a"))
    assert not removed & keys(applied(now_b, merged.to_b).get("b"))


@given(list_states(), SIDES)
def test_a_list_never_exceeds_its_capacity(state: tuple[Any, ...], winner: Side) -> None:
    a, b, now_a, now_b, base_a, base_b = state
    merged = merge_pair([line(a, b)], SideState(now_a, base_a), SideState(now_b, base_b), Policy(winner))
    for field, patch in ((a, merged.to_a), (b, merged.to_b)):
        value = patch.get(field.key)
        assert field.multiple is None or not isinstance(value, list) or len(value) <= field.multiple


@given(list_states(), SIDES)
def test_a_merge_whose_result_is_there_has_nothing_left_to_do(state: tuple[Any, ...], winner: Side) -> None:
    """Also when the bases were lost, and also when only they were not moved (our own write seen as a change)."""
    a, b, now_a, now_b, base_a, base_b = state
    mapping = line(a, b)
    merged = merge_pair([mapping], SideState(now_a, base_a), SideState(now_b, base_b), Policy(winner))
    after_a, after_b = applied(now_a, merged.to_a), applied(now_b, merged.to_b)
    moved_a, moved_b = bases_after([mapping], after_a, after_b)
    again = merge_pair([mapping], SideState(after_a, moved_a), SideState(after_b, moved_b), Policy(winner))
    assert again.empty
    if not base_a:
        lost = merge_pair([mapping], SideState(after_a, {}), SideState(after_b, {}), Policy(winner))
        assert lost.empty


# ---- whole records ------------------------------------------------------------------------------------------------

TEXTS = st.none() | st.sampled_from(
    ["Anna", "anna ", "Smith", "Anna Smith", "Boss", "Main 1\nBox 2", "Main 1", "x" * 70]
)
SINGLE = {
    FieldType.PHONE: st.none() | st.sampled_from(["+32 470 12 34 56", "0470 12 34 56", "+1 555 010 0000"]),
    FieldType.DATE: st.none() | st.sampled_from(["2001-02-28", "--02-29", "1980-12-31"]),
    FieldType.URL: st.none() | st.sampled_from(["x.be", "https://x.be/", "y.be"]),
}
SINGLE_ELEMENT = {
    FieldType.EMAIL: ADDRESSES,
    FieldType.PHONE: st.sampled_from(["+32 470 12 34 56", "0470 12 34 56", "+1 555 010 0000", "02 123 45 67"]),
    FieldType.URL: st.sampled_from(["x.be", "https://x.be/", "y.be"]),
}


@st.composite
def records(draw: st.DrawFn, catalogue: Catalogue) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in catalogue:
        if field.is_list:
            element = SINGLE_ELEMENT.get(field.type, st.sampled_from(["VIP", "vip", "Press"]))
            size = min(field.multiple or 4, 4)
            found[field.key] = [{"value": value} for value in draw(st.lists(element, max_size=size))] or None
        else:
            found[field.key] = draw(SINGLE.get(field.type, TEXTS))
    return applied({}, found)


@given(records(POOR), records(RICH), SIDES)
def test_after_a_first_sync_the_pair_really_is_equal(a: dict[str, Any], b: dict[str, Any], winner: Side) -> None:
    merged = merge_pair(DEFAULT, SideState(a, {}), SideState(b, {}), Policy(winner))
    after_a, after_b = applied(a, merged.to_a), applied(b, merged.to_b)
    again = merge_pair(DEFAULT, SideState(after_a, {}), SideState(after_b, {}), Policy(winner))
    assert again.empty, again.notes


MIRRORED = compiled(RICH, POOR)


@given(records(POOR), records(RICH), records(POOR), records(RICH), SIDES, st.booleans())
def test_records_merge_the_same_seen_from_either_side(
    a: dict[str, Any], b: dict[str, Any], a0: dict[str, Any], b0: dict[str, Any], winner: Side, based: bool
) -> None:
    bases = bases_after(DEFAULT, a0, b0) if based else ({}, {})
    left, right = SideState(a, bases[0]), SideState(b, bases[1])
    here = merge_pair(DEFAULT, left, right, Policy(winner))
    there = merge_pair(MIRRORED, right, left, Policy(winner.other))
    assert (here.to_a, here.to_b) == (there.to_b, there.to_a)


@given(records(POOR), records(RICH), SIDES)
def test_a_patch_names_only_fields_that_change(a: dict[str, Any], b: dict[str, Any], winner: Side) -> None:
    merged = merge_pair(DEFAULT, SideState(a, {}), SideState(b, {}), Policy(winner))
    assert all(a.get(key) != value for key, value in merged.to_a.items())
    assert all(b.get(key) != value for key, value in merged.to_b.items())
    written = {note.mapping for note in merged.notes}
    assert bool(written) == (not merged.empty)


def stored(values: dict[str, Any]) -> dict[str, Any]:
    """What a service makes of values: lower-case addresses, its own phone format, short texts, two elements."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, list):
            found[key] = [{**part, "value": part["value"].lower().replace(" ", "")} for part in value[:2]]
        else:
            found[key] = " ".join(value.split())[:50]
    return found


@given(records(POOR), records(RICH), records(POOR), records(RICH), SIDES)
def test_a_side_that_rewrites_values_comes_to_rest(
    a: dict[str, Any], b: dict[str, Any], edit_a: dict[str, Any], edit_b: dict[str, Any], winner: Side
) -> None:
    """Write, let b store it in its own way, observe: quiet at once; also after both sides were edited again."""
    policy = Policy(winner)
    bases: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    b = stored(b)
    for change_a, change_b in (({}, {}), (edit_a, edit_b)):
        a, b = {**a, **change_a}, {**b, **stored(change_b)}
        merged = merge_pair(DEFAULT, SideState(a, bases[0]), SideState(b, bases[1]), policy)
        a, b = applied(a, merged.to_a), stored(applied(b, merged.to_b))
        bases = bases_after(DEFAULT, a, b)
        assert merge_pair(DEFAULT, SideState(a, bases[0]), SideState(b, bases[1]), policy).empty


@given(records(POOR), records(RICH), SIDES)
def test_an_echo_seen_before_the_bases_moved_writes_nothing(a: dict[str, Any], b: dict[str, Any], winner: Side) -> None:
    """The response was lost: what we wrote is there, the bases are still those from before."""
    start = bases_after(DEFAULT, a, b)
    assume(a.get("jobTitle") != "Chief")
    edited = {**a, "jobTitle": "Chief", "surname": "Jones", "businessPhones": [{"value": "+32 2 999 99 99"}]}
    merged = merge_pair(DEFAULT, SideState(edited, start[0]), SideState(b, start[1]), Policy(winner))
    after_a, after_b = applied(edited, merged.to_a), applied(b, merged.to_b)
    again = merge_pair(DEFAULT, SideState(after_a, start[0]), SideState(after_b, start[1]), Policy(winner))
    assert again.empty, again.notes


VALUE = st.sampled_from([None, "x", "y", "z"])


@given(VALUE, VALUE, VALUE, VALUE, SIDES, st.sampled_from(list(Mode)), st.booleans())
def test_single_values_merge_the_same_seen_from_either_side(
    a: Any, b: Any, a0: Any, b0: Any, winner: Side, mode: Mode, based: bool
) -> None:
    left, right = text("a"), text("b")
    now_a, now_b = applied({}, {"a": a}), applied({}, {"b": b})
    base_a, base_b = ({"a": a0}, {"b": b0}) if based else ({}, {})
    here = merge_pair(
        [line(left, right, mode=mode)], SideState(now_a, base_a), SideState(now_b, base_b), Policy(winner)
    )
    there = merge_pair(
        [line(right, left, mode=mode)], SideState(now_b, base_b), SideState(now_a, base_a), Policy(winner.other)
    )
    assert (here.to_a, here.to_b) == (there.to_b, there.to_a)
    assert {*here.to_a.values(), *here.to_b.values()} <= {a, b}
    assert not (here.to_a and here.to_b)
