"""Full names taken apart and put together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncrules import compare
from syncrules.catalogue import Catalogue
from syncrules.mapping import compile_mapping
from syncrules.names import Name, explains, join, plain, split, usual
from syncrules.specs import MappingSpec
from tests.syncrules.catalogues import POOR, RICH, applied, text

# full name -> prefix, given, middle, family, suffix
SHAPES = {
    "John Smith": ("", "John", "", "Smith", ""),
    "Anna Maria Smith": ("", "Anna", "Maria", "Smith", ""),
    "Mary-Jane O'Neill": ("", "Mary-Jane", "", "O'Neill", ""),
    "John F. Kennedy": ("", "John", "F.", "Kennedy", ""),
    "J. R. R. Tolkien": ("", "J.", "R. R.", "Tolkien", ""),
    "Dr. Gregory House": ("Dr.", "Gregory", "", "House", ""),
    "Dr. House": ("Dr.", "", "", "House", ""),
    "Mr. Jones": ("Mr.", "", "", "Jones", ""),
    "Sir Elton": ("Sir", "Elton", "", "", ""),
    "Sister Mary": ("Sister", "Mary", "", "", ""),
    "Prof. Dr. Angela Merkel": ("Prof. Dr.", "Angela", "", "Merkel", ""),
    "Dr. med. Eckart von Hirschhausen": ("Dr. med.", "Eckart", "", "von Hirschhausen", ""),
    "Martin Luther King Jr.": ("", "Martin", "Luther", "King", "Jr."),
    "Martin Luther King, Jr.": ("", "Martin", "Luther", "King", "Jr."),
    "Robert Downey Jr": ("", "Robert", "", "Downey", "Jr"),
    "John Smith III": ("", "John", "", "Smith", "III"),
    "Jane Doe, PhD": ("", "Jane", "", "Doe", "PhD"),
    "Jane Doe, MD, PhD": ("", "Jane", "", "Doe", "MD, PhD"),
    "Jane Doe MBA": ("", "Jane", "", "Doe", "MBA"),
    "Smith, John": ("", "John", "", "Smith", ""),
    "SMITH, John": ("", "John", "", "SMITH", ""),
    "Smith,John": ("", "John", "", "Smith", ""),
    "Smith, John A.": ("", "John", "A.", "Smith", ""),
    "Smith, Dr. John": ("Dr.", "John", "", "Smith", ""),
    "Smith, John, Jr.": ("", "John", "", "Smith", "Jr."),
    "Smith Jr., John": ("", "John", "", "Smith", "Jr."),
    "van der Berg, Jan": ("", "Jan", "", "van der Berg", ""),
    "Beethoven, Ludwig van": ("", "Ludwig", "van", "Beethoven", ""),
    "Ludwig van Beethoven": ("", "Ludwig", "", "van Beethoven", ""),
    "Jan van der Berg": ("", "Jan", "", "van der Berg", ""),
    "Vincent Van Gogh": ("", "Vincent", "", "Van Gogh", ""),
    "van Gogh": ("", "", "", "van Gogh", ""),
    "Van Morrison": ("", "Van", "", "Morrison", ""),
    "Rembrandt Harmenszoon van Rijn": ("", "Rembrandt", "Harmenszoon", "van Rijn", ""),
    "Charles de Gaulle": ("", "Charles", "", "de Gaulle", ""),
    "Jean de La Fontaine": ("", "Jean", "", "de La Fontaine", ""),
    "Johann Wolfgang von Goethe": ("", "Johann", "Wolfgang", "von Goethe", ""),
    "Karl-Theodor zu Guttenberg": ("", "Karl-Theodor", "", "zu Guttenberg", ""),
    "Leonardo da Vinci": ("", "Leonardo", "", "da Vinci", ""),
    "Oscar De La Hoya": ("", "Oscar", "", "De La Hoya", ""),
    "José Ortega y Gasset": ("", "José", "", "Ortega y Gasset", ""),
    "Maria da Silva e Souza": ("", "Maria", "", "da Silva e Souza", ""),
    "João dos Santos Filho": ("", "João", "", "dos Santos", "Filho"),
    "Sra. Carmen Díaz": ("Sra.", "Carmen", "", "Díaz", ""),
    "Mme Élise Dupont": ("Mme", "Élise", "", "Dupont", ""),
    "Herr Jörg Müller": ("Herr", "Jörg", "", "Müller", ""),
    "Muhammad al-Khwarizmi": ("", "Muhammad", "", "al-Khwarizmi", ""),
    "Mohammed bin Salman": ("", "Mohammed", "", "bin Salman", ""),
    "Mohammed bin Rashid Al Maktoum": ("", "Mohammed", "bin Rashid", "Al Maktoum", ""),
    "Salman bin Abdul Aziz": ("", "Salman", "bin Abdul", "Aziz", ""),
    "David Ben Gurion": ("", "David", "", "Ben Gurion", ""),
    "Björk Guðmundsdóttir": ("", "Björk", "", "Guðmundsdóttir", ""),
    "Иван Иванович Петров": ("", "Иван", "Иванович", "Петров", ""),
    "Петров Иван Иванович": ("", "Иван", "Иванович", "Петров", ""),
    "Анна Каренина": ("", "Анна", "", "Каренина", ""),
    "Γιώργος Παπαδόπουλος": ("", "Γιώργος", "", "Παπαδόπουλος", ""),
    "محمد بن سلمان": ("", "محمد", "", "بن سلمان", ""),
    "דוד בן גוריון": ("", "דוד", "", "בן גוריון", ""),
    "山田太郎": ("", "太郎", "", "山田", ""),
    "山田 太郎": ("", "太郎", "", "山田", ""),
    "山田太郎 様": ("", "太郎", "", "山田", "様"),
    "高橋みなみ": ("", "みなみ", "", "高橋", ""),
    "王小明": ("", "小明", "", "王", ""),
    "李娜": ("", "娜", "", "李", ""),
    "欧阳修": ("", "修", "", "欧阳", ""),
    "김철수": ("", "철수", "", "김", ""),
    "남궁민수": ("", "민수", "", "남궁", ""),
    "ジョン・スミス": ("", "ジョン・スミス", "", "", ""),
    "Nguyễn Văn Minh": ("", "Minh", "Văn", "Nguyễn", ""),
    "Yo-Yo Ma": ("", "Yo-Yo", "", "Ma", ""),
    "Suharto": ("", "Suharto", "", "", ""),
    "Madonna": ("", "Madonna", "", "", ""),
    "सचिन तेंदुलकर": ("", "सचिन", "", "तेंदुलकर", ""),
    "M. Karunanidhi": ("", "M.", "", "Karunanidhi", ""),
    "Shri Narendra Modi": ("Shri", "Narendra", "", "Modi", ""),
    "Dato Lee Chong Wei": ("Dato", "Lee", "Chong", "Wei", ""),
    "🎉 Party Planner": ("", "🎉", "Party", "Planner", ""),
    "a, b, c, d": ("", "a, b, c, d", "", "", ""),
}


@pytest.mark.parametrize(("full", "parts"), SHAPES.items())
def test_a_name_falls_into_its_parts(full: str, parts: tuple[str, ...]) -> None:
    name = split(full)
    assert (name.prefix, name.given, name.middle, name.family, name.suffix) == parts
    assert join(name) == full


ANNA = Name(given="Anna", family="Smith")
# new full name, old parts -> new parts
EDITS = [
    ("Anna Jones", ANNA, ("", "Anna", "", "Jones", "")),
    ("Annie Smith", ANNA, ("", "Annie", "", "Smith", "")),
    ("Anna Maria Smith", ANNA, ("", "Anna", "Maria", "Smith", "")),
    ("Anna M. Jones", ANNA, ("", "Anna", "M.", "Jones", "")),
    ("Dr. Anna Smith", ANNA, ("Dr.", "Anna", "", "Smith", "")),
    ("Anna Smith Jr.", ANNA, ("", "Anna", "", "Smith", "Jr.")),
    ("Smith, Anna", ANNA, ("", "Anna", "", "Smith", "")),
    ("Smith Anna", ANNA, ("", "Anna", "", "Smith", "")),
    ("Jones, Anna", ANNA, ("", "Anna", "", "Jones", "")),
    ("Anna van Smith", ANNA, ("", "Anna", "", "van Smith", "")),
    ("Anna van den Berg", ANNA, ("", "Anna", "", "van den Berg", "")),
    ("Anna Smith Jones", ANNA, ("", "Anna", "", "Smith Jones", "")),
    ("Anna", ANNA, ("", "Anna", "", "", "")),
    ("Smith", ANNA, ("", "", "", "Smith", "")),
    ("Bob Dylan", ANNA, ("", "Bob", "", "Dylan", "")),
    ("Nagy Jánosné", Name(given="János", family="Nagy"), ("", "Jánosné", "", "Nagy", "")),
    ("Nagy Péter", Name(given="János", family="Nagy"), ("", "Péter", "", "Nagy", "")),
    ("Gabriel Pérez Gómez", Name(given="Gabriel", family="García Márquez"), ("", "Gabriel", "", "Pérez Gómez", "")),
    ("Ana Lucía Torres", Name(given="Ana María", family="Torres"), ("", "Ana Lucía", "", "Torres", "")),
    ("Ana María Torres", Name(given="Ana María", family="Gil"), ("", "Ana María", "", "Torres", "")),
    ("Jan van der Meer", Name(given="Jan", family="van der Berg"), ("", "Jan", "", "van der Meer", "")),
    ("山田次郎", Name(given="太郎", family="山田"), ("", "次郎", "", "山田", "")),
    ("鈴木太郎", Name(given="太郎", family="山田"), ("", "太郎", "", "鈴木", "")),
    ("森鴎外", Name(given="外", family="森鴎"), ("", "外", "", "森鴎", "")),
    ("Anna Anna", Name(given="Anna", family="Anna"), ("", "Anna", "", "Anna", "")),
    ("Dr. Anna Smith", Name("Dr.", "Anna", "", "Jones"), ("Dr.", "Anna", "", "Smith", "")),
    ("Anna Beth Smith", Name(given="Anna", middle="Carol", family="Smith"), ("", "Anna", "Beth", "Smith", "")),
    ("Trần Minh", Name(given="Minh", middle="Văn", family="Nguyễn"), ("", "Minh", "", "Trần", "")),
]


@pytest.mark.parametrize(("full", "old", "parts"), EDITS)
def test_an_edited_full_name_changes_only_what_changed(full: str, old: Name, parts: tuple[str, ...]) -> None:
    name = split(full, old)
    assert (name.prefix, name.given, name.middle, name.family, name.suffix) == parts
    assert join(name) == full


SOME_WORDS = """
Anna Smith van der de la al- bin Jr. III Dr. Prof. y e O'Neill M. , ، 山田 太郎 김 철수 さくら 様 Nguyễn Lê
Иванович Петров محمد بن given family prefix {0} ( ) ''
"""
WORDS = st.sampled_from(SOME_WORDS.split())
NAMES = st.lists(WORDS, max_size=7).flatmap(lambda words: st.sampled_from([" ".join(words), "".join(words)]))
ANY = NAMES | st.text(max_size=30)


@given(ANY)
def test_what_was_split_joins_to_the_same(full: str) -> None:
    assert join(split(full)) == compare.text(full)


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
