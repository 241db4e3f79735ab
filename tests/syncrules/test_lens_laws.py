"""The laws of the lenses, for every line of the default table and for joined ones."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Field, FieldType
from syncrules import compare
from syncrules.catalogue import Catalogue
from syncrules.fitting import Refused
from syncrules.mapping import CompiledMapping, FullNameMapping, ListMapping
from syncrules.specs import MappingSpec, Side
from tests.syncrules.catalogues import DEFAULT, POOR, RICH, Pair, applied, compiled, many, text

PATTERNS = compiled(
    POOR,
    RICH,
    MappingSpec("Pattern", ("jobTitle", "companyName"), ("role",), pattern="{0}, {1}"),
    MappingSpec("Three", ("givenName", "middleName", "surname"), ("nickname",), pattern="{0} ({1}) {2}!"),
)
OPTIONS = Catalogue([text("size", type=FieldType.OPTION, options=(("S", "Small"), ("L", "Large")))])
TRANSLATED = compiled(OPTIONS, RICH, MappingSpec("Size", ("size",), ("role",), values=(("S", "klein"), ("L", "groß"))))
COLOURS = (("r", "Red"), ("g", "Green"), ("b", "Blue"))
SHADES = (("1", "Scarlet"), ("2", "Crimson"), ("3", "Lime"))
PEOPLE = (("u1", "Anna <anna@x.com>"), ("u2", "Bert <bert@x.com>"))
STAFF = (("u2", "anna@x.com"), ("9", "Cara <cara@x.com>"))
CHOICES_A = Catalogue(
    [
        text("one", type=FieldType.OPTION, options=COLOURS),
        text("some", type=FieldType.OPTIONS, options=COLOURS),
        text("yes", type=FieldType.BOOLEAN),
        text("owner", "owner", FieldType.OPTION, options=PEOPLE),
    ]
)
CHOICES_B = Catalogue(
    [
        text("one", type=FieldType.OPTION, options=SHADES),
        text("some", type=FieldType.OPTIONS, options=SHADES),
        many("tags", ""),
        text("yes", type=FieldType.OPTION, options=(("on", "Yes"), ("off", "No"))),
        text("owner", "owner", FieldType.OPTION, options=STAFF),
    ]
)
SEVERAL = (("r", "1"), ("r", "2"), ("g", "3"))
TABLES = compiled(
    CHOICES_A,
    CHOICES_B,
    MappingSpec("One", ("one",), ("one",), values=SEVERAL),
    MappingSpec("Some", ("some",), ("some",), values=SEVERAL),
    MappingSpec("One of some", ("one",), ("some",), values=SEVERAL),
    MappingSpec("Some of one", ("some",), ("one",), values=SEVERAL),
    MappingSpec("Tags", ("some",), ("tags",), values=(("r", "Anna"), ("g", "anna b"))),
    MappingSpec("Yes", ("yes",), ("yes",)),
    MappingSpec("Yes or a colour", ("yes",), ("one",), values=(("true", "1"), ("false", "3"))),
    MappingSpec("Owner", ("owner",), ("owner",)),
)
TURNED = compiled(
    CHOICES_B,
    CHOICES_A,
    MappingSpec("Several to one", ("one",), ("one",), values=tuple((right, left) for left, right in SEVERAL)),
    MappingSpec("Several to some", ("some",), ("some",), values=tuple((right, left) for left, right in SEVERAL)),
)
TABLES = (*TABLES, *TURNED)
MAPPINGS = (*DEFAULT, *PATTERNS, *TRANSLATED, *TABLES)

TEXTS = st.sampled_from(["Anna", "anna", "Anna  Maria", "Smith", "van Dam", "a, b", "Main 1\nBox 2", "Box 2", "Ω", "S"])
PHONES = st.sampled_from(["+32 470 12 34 56", "0470/12.34.56", "+1 (555) 010-0000", "call me", "02 123 45 67 ext. 8"])
EMAILS = st.sampled_from(["a@x.com", "A@X.com", "b@x.com", "ü@bücher.de", "nonsense", "c@x.com"])
DATES = st.sampled_from(["2001-02-28", "--02-29", "1980-12-31"])
URLS = st.sampled_from(["x.be", "https://x.be/", "http://x.be/Path"])


def plain_values(field: Field) -> st.SearchStrategy[Any]:
    return {
        FieldType.PHONE: PHONES,
        FieldType.EMAIL: EMAILS,
        FieldType.DATE: DATES,
        FieldType.URL: URLS,
        FieldType.OPTION: st.sampled_from([value for value, _ in field.options] or ["S", "L"]),
        FieldType.BOOLEAN: st.booleans(),
    }.get(field.type, TEXTS)


def values_of(field: Field) -> st.SearchStrategy[Any]:
    single = plain_values(field)
    if field.type is FieldType.OPTIONS:
        return st.sets(st.sampled_from([value for value, _ in field.options]), min_size=1).map(sorted)
    if not field.is_list:
        return single
    optional = {name: st.sampled_from(["work", "home"]) for name in sorted(field.attributes)}
    element = st.fixed_dictionaries({"value": single}, optional=optional)
    return st.lists(element, min_size=1, max_size=field.multiple or 5)


@st.composite
def records(draw: st.DrawFn, mapping: CompiledMapping, side: Side) -> dict[str, Any]:
    found = {field.key: draw(st.none() | values_of(field)) for field in mapping.fields[side]}
    found["untouched"] = "stays"
    return {key: value for key, value in found.items() if value is not None}


MAPPED = st.sampled_from(MAPPINGS)
SIDES = st.sampled_from(list(Side))


def form(mapping: CompiledMapping, shared: Any) -> Any:
    if isinstance(mapping, ListMapping):
        return [mapping.normal(element["value"]) for element in shared or ()]
    return None if shared is None else mapping.normal(shared)


@given(st.data(), MAPPED, SIDES)
def test_what_is_got_and_put_back_changes_nothing(data: st.DataObject, mapping: CompiledMapping, side: Side) -> None:
    values = data.draw(records(mapping, side))
    lens = mapping.lens(side)
    assert lens.put(lens.get(values), values) == {}


@given(st.data(), MAPPED, SIDES)
def test_what_was_put_is_got_again(data: st.DataObject, mapping: CompiledMapping, side: Side) -> None:
    values = data.draw(records(mapping, side))
    shared = mapping.lens(side.other).get(data.draw(records(mapping, side.other)))
    lens = mapping.lens(side)
    try:
        after = applied(values, lens.put(shared, values))
    except Refused:
        return
    if isinstance(mapping, FullNameMapping):
        assert shared is None or compare.text(after[lens.fields[0].key]) == compare.text(shared)
    elif isinstance(mapping, ListMapping):
        capacity = mapping.set_a.capacity if side is Side.A else mapping.set_b.capacity
        known = form(mapping, shared)[:capacity]
        several = lens.fields[0].type is FieldType.OPTIONS  # a set: neither order nor how often counts
        got = form(mapping, lens.get(after))
        assert (set(got) == set(known)) if several else (got == known)
    else:
        assert form(mapping, lens.get(after)) == form(mapping, shared)


@given(st.data(), MAPPED, SIDES)
def test_what_a_line_does_not_speak_of_is_never_touched(
    data: st.DataObject, mapping: CompiledMapping, side: Side
) -> None:
    values = data.draw(records(mapping, side))
    shared = mapping.lens(side.other).get(data.draw(records(mapping, side.other)))
    try:
        patch = mapping.lens(side).put(shared, values)
    except Refused:
        return
    assert set(patch) <= set(mapping.keys(side))
    assert all(values.get(key) != value for key, value in patch.items())


@given(st.data(), st.sampled_from(TABLES))
def test_a_value_table_loses_nothing_and_comes_to_rest(data: st.DataObject, mapping: CompiledMapping) -> None:
    """Whatever both sides hold: a second sync writes nothing, and what a list held it holds still."""
    before = {side: data.draw(records(mapping, side)) for side in Side}
    pair = Pair(before[Side.A], before[Side.B], (mapping,), agreed=False)
    pair.sync()
    assert pair.merge().empty
    for side, after in ((Side.A, pair.a), (Side.B, pair.b)):
        (key,) = mapping.keys(side)
        if mapping.fields[side][0].type is FieldType.OPTIONS:
            assert set(before[side].get(key, ())) <= set(after.get(key, ()))
        assert key in after or key not in before[side]
