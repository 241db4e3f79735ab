"""Full names taken apart and put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from syncrules import compare
from syncrules.catalogue import Catalogue
from syncrules.mapping import compile_mapping
from syncrules.names import PARTS, Name, contradicts, explains, guess, join, of_parts, plain, revised, split, usual
from syncrules.specs import MappingSpec, Side
from tests.syncrules.catalogues import POOR, RICH, applied, text

TABLE = yaml.safe_load((Path(__file__).parent / "names.yaml").read_text(encoding="utf-8"))
FIELDS = (*PARTS, "nickname")
SHAPES = [(full, parts) for group in TABLE["shapes"].values() for full, parts in group.items()]
WHOLE = [full for group in TABLE["whole"].values() for full in group]
EVERY = [*(full for full, _ in SHAPES), *WHOLE, *(edit["full"] for edit in TABLE["edits"])]


def parts_of(name: Name) -> dict[str, str]:
    return {part: getattr(name, part) for part in FIELDS if getattr(name, part)}


def expected(parts: Any) -> dict[str, str]:
    named = parts if isinstance(parts, dict) else dict(zip(("given", "middle", "family"), parts, strict=True))
    return {part: compare.text(value) for part, value in named.items() if value and part in FIELDS}


def test_the_table_is_as_long_as_names_are_manifold() -> None:
    assert len({full for full, _ in SHAPES} | set(WHOLE)) > 280


@pytest.mark.parametrize(("full", "parts"), SHAPES, ids=[full for full, _ in SHAPES])
def test_a_name_falls_into_its_parts(full: str, parts: Any) -> None:
    name = split(full)
    assert parts_of(name) == expected(parts)
    assert name.sure is not ("whole" in parts)
    assert join(name) == compare.text(full)


@pytest.mark.parametrize("full", WHOLE)
def test_a_name_that_cannot_be_told_stays_whole(full: str) -> None:
    name = split(full)
    assert (name.given, name.sure) == (full, False)
    assert join(name) == full


@pytest.mark.parametrize("edit", TABLE["edits"], ids=lambda edit: str(edit["full"]))
def test_an_edited_full_name_changes_only_what_changed(edit: Any) -> None:
    name = split(edit["full"], of_parts(edit["was"]))
    assert parts_of(name) == edit["now"]
    assert name.sure is not edit.get("unsure", False)
    assert join(name) == edit["full"]


@pytest.mark.parametrize("style", TABLE["styles"], ids=lambda style: f"{style['full']} to {style['becomes']}")
def test_an_edited_part_changes_that_part_in_the_style_of_the_full_name(style: Any) -> None:
    assert revised(style["full"], style["was"], {**style["was"], **style["change"]}) == style["becomes"]


SOME_WORDS = """
Anna Smith van der de la al- bin Jr. III Dr. Prof. y e O'Neill M. , ، 山田 太郎 김 철수 さくら 様 Nguyễn Lê
Иванович Петров محمد بن given family prefix {0} ( ) ''
"""
WORDS = st.sampled_from(SOME_WORDS.split()) | st.sampled_from(EVERY).map(str.split).flatmap(st.sampled_from)
NAMES = st.lists(WORDS, max_size=7).flatmap(lambda words: st.sampled_from([" ".join(words), "".join(words)]))
ODD = st.sampled_from(
    ["\u3000", "\u00a0", "\u2028", "\t", "e\u0301", "\u200f", "\u202b", "\u202c", "\ufeff", "\U0001f600", "\x00"]
)
TEXTS = st.text(max_size=30) | st.lists(ODD | WORDS, max_size=8).map("".join)
ANY = NAMES | st.sampled_from(EVERY) | TEXTS
SURE = st.sampled_from([full for full, _ in SHAPES]).map(split).filter(lambda name: name.sure)


@given(ANY)
def test_what_was_split_joins_to_the_same(full: str) -> None:
    assert join(split(full)) == compare.text(full)
    assert join(guess(full)) == compare.text(full)


@pytest.mark.parametrize(
    ("full", "given", "family"),
    [
        ("Arthur Conan Doyle", "Arthur", "Doyle"),
        ("Lee Chong Wei", "Lee", "Wei"),
        ("森鴎外", "鴎外", "森"),
        ("Rossi Mario", "Rossi", "Mario"),
    ],
)
def test_people_are_found_by_the_likeliest_parts(full: str, given: str, family: str) -> None:
    assert (guess(full).given, guess(full).family) == (given, family)


@given(ANY)
def test_splitting_what_was_joined_gives_the_same_parts(full: str) -> None:
    name = split(full)
    assert split(join(name)) == name
    assert split(usual(name), name).texts == {**of_parts(name.texts).texts, "nickname": ""} or name.nickname


@given(ANY, ANY, ANY, ANY)
def test_what_was_split_along_old_parts_joins_to_the_same(full: str, given: str, middle: str, family: str) -> None:
    old = Name(given=given, middle=middle, family=family)
    assert join(split(full, old)) == compare.text(full)


@given(NAMES, NAMES)
def test_old_parts_that_still_make_the_name_stay(given: str, family: str) -> None:
    old = Name(given=compare.text(given), family=compare.text(family))
    name = split(usual(old), old)
    assert (name.given, name.family) == (old.given, old.family) or not usual(old)


@given(ANY)
def test_the_comparing_form_is_its_own(full: str) -> None:
    assert plain(plain(full)) == plain(full)


PART = st.sampled_from(["prefix", "given", "middle", "family", "suffix"])
NEW = st.sampled_from(["Zebediah", "Zoë", "van Zanten", "Z.", "Zed-Zed", "张伟"])


@given(SURE, PART, NEW | st.just(""))
def test_an_edit_of_one_part_changes_that_part_only_in_the_full_name(name: Name, part: str, new: str) -> None:
    """Whatever the style of the full name, and there and back."""
    old = {one: getattr(name, one) for one in PARTS}
    now = {**old, part: new}
    full = revised(join(name), old, now)
    assert all(text in full for text in now.values())
    assert sorted(letters(full)) == sorted(letters("".join([*now.values(), name.nickname])))


@given(SURE, st.sampled_from(["given", "family"]), st.sampled_from(["Zebediah", "Zoë", "Zed-Zed"]))
def test_an_edited_part_of_a_full_name_comes_back_as_that_part_only(name: Name, part: str, new: str) -> None:
    old = {one: getattr(name, one) for one in PARTS}
    if not (name.given and name.family) or name.given == name.middle or name.form == ("", "family", "", "given", ""):
        return
    now = {**old, part: new}
    back = split(revised(join(name), old, now), of_parts(old))
    assert {one: getattr(back, one) for one in PARTS} == now


@given(SURE)
def test_a_name_whose_parts_did_not_change_is_never_rewritten(name: Name) -> None:
    parts = {one: getattr(name, one) for one in PARTS}
    assert revised(join(name), parts, parts) == join(name)


@pytest.mark.parametrize(
    ("parts", "full", "derived"),
    [
        ({"given": "Anna", "family": "Smith"}, "Anna Smith", True),
        ({"given": "Anna", "family": "Smith"}, "Smith, Anna", True),
        ({"given": "Anna", "family": "Smith"}, "smith anna", True),
        ({"given": "Anna", "family": "Smith", "prefix": "Dr."}, "Dr Anna Smith", True),
        ({"given": "Anna", "family": "Smith", "prefix": "Dr."}, "Anna Smith", True),
        ({"given": "Anna", "family": "Smith", "middle": "Beth"}, "Anna B. Smith", True),
        ({"given": "Anna", "family": "Smith", "nickname": "Annie"}, 'Anna "Annie" Smith', True),
        ({"given": "太郎", "family": "山田"}, "山田太郎", True),
        ({"given": "Anna", "family": "Smith"}, "Anna", False),
        ({"given": "Anna", "family": "Smith"}, "Anna Smith (Acme)", False),
        ({"given": "Anna", "family": "Smith"}, "The Boss", False),
        ({"given": "Anna"}, "Anna", True),
        ({"nickname": "Annie"}, "Annie", True),
        ({}, "Anna", False),
        ({"given": "Anna"}, "", False),
    ],
)
def test_a_derived_name_is_told_from_one_that_a_person_chose(parts: dict[str, Any], full: str, derived: bool) -> None:
    assert explains(parts, full) is derived


@pytest.mark.parametrize(
    ("parts", "full", "against"),
    [
        ({"given": "Anna", "family": "Smith"}, "Anna Jones", True),
        ({"given": "Anna", "family": "Smith"}, "Jones, Anna", True),
        ({"given": "Anna", "family": "Smith"}, "Bob Smith", True),
        ({"given": "Anna", "family": "Smith"}, "Anna Smith", False),
        ({"given": "Anna", "family": "Smith"}, "Dr. Anna Smith", False),
        ({"given": "Anna", "family": "Smith"}, "Anna Smith (Acme)", False),
        ({"given": "Anna", "family": "Smith"}, "Anna S.", False),
        ({"given": "Anna", "family": "Smith"}, "Anna", False),
        ({"given": "Anna", "family": "Smith"}, "Mrs. Smith", False),
        ({"given": "Anna", "family": "Smith"}, "The Boss", False),
        ({"given": "Anna", "family": "Smith", "nickname": "Annie"}, "Annie Smith", False),
        ({}, "Anna Smith", False),
    ],
)
def test_a_full_name_that_says_another_name_than_its_parts_is_noticed(
    parts: dict[str, Any], full: str, against: bool
) -> None:
    assert contradicts(parts, full) is against


FULL = Catalogue([text("name", "name.full")])
JOINED = compile_mapping(MappingSpec("Name", ("givenName", "surname"), ("name",)), POOR, FULL, "BE")
ALL_PARTS = compile_mapping(
    MappingSpec("Name", tuple(f"n.{part}" for part in ("family", "given", "middle", "prefix", "suffix")), ("name",)),
    RICH,
    FULL,
    "BE",
)


def test_parts_without_a_field_of_their_own_stay_beside_another() -> None:
    assert JOINED.put_a("Dr. Anna Beth van Dam Jr.", {}) == {"givenName": "Dr. Anna Beth", "surname": "van Dam Jr."}
    assert JOINED.get_a({"givenName": "Dr. Anna Beth", "surname": "van Dam Jr."}) == "Dr. Anna Beth van Dam Jr."


def test_a_full_name_touches_only_the_part_that_changed() -> None:
    old = {"n.given": "Anna", "n.family": "Smith", "n.prefix": "Dr."}
    assert ALL_PARTS.put_a("Dr. Anna Jones", old) == {"n.family": "Jones"}
    assert ALL_PARTS.put_a("Anna Smith", old) == {"n.prefix": None}
    assert ALL_PARTS.put_a("Smith, Dr. Anna", old) == {}
    assert ALL_PARTS.put_a(None, old) == {"n.given": None, "n.family": None, "n.prefix": None}


@given(NAMES, NAMES, NAMES)
def test_a_joined_name_that_was_put_is_got_again(full: str, given: str, family: str) -> None:
    old = {key: value for key, value in (("givenName", given), ("surname", family)) if value.strip()}
    if not full.strip():
        return
    shown = JOINED.get_a(applied(old, JOINED.put_a(full, old)))
    assert sorted(letters(shown)) == sorted(letters(full))


def letters(full: str) -> str:
    """What a name says, whatever the order and the signs between its words."""
    return "".join(char for char in full if char not in " ,،")


@given(ANY)
def test_a_joined_name_that_was_put_into_nothing_is_got_again(full: str) -> None:
    if not full.strip():
        return
    for mapping in (JOINED, ALL_PARTS):
        shown = mapping.get_a(mapping.put_a(full, {}))
        assert plain(shown) == plain(full)
        assert mapping.put_a(shown, mapping.put_a(full, {})) == {}


@given(ANY, ANY)
def test_a_full_name_that_was_put_is_got_again_and_put_back_changes_nothing(full: str, old: str) -> None:
    if not full.strip() or not old.strip():
        return
    after = applied({"name": old}, JOINED.put_b(full, {"name": old}))
    assert plain(JOINED.get_b(after)) == plain(full)
    assert JOINED.put_b(JOINED.get_b(after), after) == {}


def test_an_edited_part_keeps_the_style_of_the_full_name() -> None:
    assert ALL_PARTS.put_b("Anna Jones", {"name": "Smith, Anna"}) == {"name": "Jones, Anna"}
    assert ALL_PARTS.put_b("Anna Smith", {"name": "Smith, Anna"}) == {}


def test_a_nickname_stays_where_it_stood() -> None:
    assert JOINED.put_a('William "Bill" Gates', {}) == {"givenName": 'William "Bill"', "surname": "Gates"}
    old = {"n.given": "William", "n.middle": "Henry", "n.family": "Gates"}
    assert ALL_PARTS.put_a('William Henry "Bill" Gates', old) == {"n.middle": 'Henry "Bill"'}


def test_what_cannot_be_told_is_said_with_what_is_written() -> None:
    assert ALL_PARTS.put_a("Arthur Conan Doyle", {}) == {"n.given": "Arthur Conan Doyle"}
    assert ALL_PARTS.doubt(Side.A, "Arthur Conan Doyle", {})
    assert not ALL_PARTS.doubt(Side.A, "Arthur Conan Doyle", {"n.given": "Arthur", "n.family": "Conan Doyle"})
    assert not ALL_PARTS.doubt(Side.A, "Arthur Doyle", {})


def test_where_a_last_name_is_demanded_a_name_alone_is_it() -> None:
    strict = Catalogue([text("FirstName", "name.given"), text("LastName", "name.family", required=True)])
    mapping = compile_mapping(MappingSpec("Name", ("FirstName", "LastName"), ("name",)), strict, FULL, "BE")
    assert mapping.put_a("Madonna", {}) == {"LastName": "Madonna"}
    assert mapping.put_a("Arthur Conan Doyle", {}) == {"LastName": "Arthur Conan Doyle"}
    assert mapping.put_a("Anna Smith", {}) == {"FirstName": "Anna", "LastName": "Smith"}
    assert mapping.put_a("Anna", {"FirstName": "Anna", "LastName": "Smith"}) == {"FirstName": None, "LastName": "Anna"}
    assert mapping.put_a("Madonna", {"LastName": "Madonna"}) == {}
