"""Names between Outlook, which makes its own display name, and a vCard, which may hold any: each as it is stored."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.carddav.fields import Catalogue as Cards
from connectors.carddav.vcard import Card
from connectors.outlook.fields import CATALOGUE, FIELDS, body_of, patch_of, values_of
from connectors.outlook.sandbox import shape
from syncrules.catalogue import Catalogue
from syncrules.defaults import default_mappings
from syncrules.fullnames import CONTRADICTED
from syncrules.mapping import FullNameMapping, compile_mapping
from syncrules.merge import PairMerge, Policy, SideState, bases_after, merge_pair

NOW = 1_800_000_000.0
CARDS = Cards()
OUTLOOK, CARDDAV = Catalogue(CATALOGUE), Catalogue(CARDS.fields)
MAPPINGS = [compile_mapping(spec, OUTLOOK, CARDDAV, "BE") for spec in default_mappings(OUTLOOK, CARDDAV)]


class Both:
    """A contact on Outlook's sandbox and a card, kept the same as the engine does it."""

    def __init__(self, *lines: str, version: str = "4.0", **contact: Any) -> None:
        self.contact = shape.created(contact)
        self.card = Card("\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""]))
        self.bases: Any = ({}, {})

    @property
    def values(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return values_of(self.contact, FIELDS), CARDS.values(self.card)

    def sync(self) -> PairMerge:
        outlook, card = self.values
        merged = merge_pair(MAPPINGS, SideState(outlook, self.bases[0]), SideState(card, self.bases[1]), Policy())
        if merged.to_a:
            self.contact = shape.patched(self.contact, patch_of(merged.to_a, outlook, body_of(self.contact)))
        if merged.to_b:
            CARDS.patch(self.card, merged.to_b, NOW)
        self.bases = bases_after(MAPPINGS, *self.values)
        return merged

    def settle(self) -> PairMerge:
        """One sync must be enough."""
        merged = self.sync()
        again = self.sync()
        assert again.empty, (again.to_a, again.to_b)
        return merged

    def edit_outlook(self, **fields: Any) -> None:
        self.contact = shape.patched(self.contact, fields)

    def edit_card(self, old: str, new: str) -> None:
        assert old in self.card.text
        self.card = Card(self.card.text.replace(old, new))

    def shown(self, *keys: str) -> tuple[Any, ...]:
        outlook, card = self.values
        return tuple({**outlook, **card}.get(key) for key in keys)


def test_full_names_of_these_apps_are_lines_of_their_own_and_file_as_is_none() -> None:
    lines = {mapping.name: mapping for mapping in MAPPINGS}
    assert isinstance(lines["Full name"], FullNameMapping)
    assert not any("fileAs" in mapping.a_keys or "sort" in mapping.b_keys for mapping in MAPPINGS)


def test_a_first_sync_fills_every_part() -> None:
    both = Both("FN:Dr. Ada B. King Jr.", "N:King;Ada;B.;Dr.;Jr.")
    both.settle()
    parts = ("title", "givenName", "middleName", "surname", "generation", "displayName")
    assert both.shown(*parts) == ("Dr.", "Ada", "B.", "King", "Jr.", "Dr. Ada B. King Jr.")


@pytest.mark.parametrize("full", ["King, Ada", "Ada King", "KING Ada"])
def test_a_new_last_name_in_outlook_changes_that_part_of_the_card_alone(full: str) -> None:
    both = Both(f"FN:{full}", "N;SORT-AS=King:King;Ada;;;", "X-KEPT:1")
    both.settle()
    both.edit_outlook(surname="Byron")
    both.settle()
    becomes = full.replace("KING", "Byron").replace("King", "Byron")
    assert both.shown("fn", "n.family", "n.given", "sort") == (becomes, "Byron", "Ada", "Byron")
    assert "X-KEPT:1\n" in both.card.text


def test_a_new_first_name_on_the_card_changes_that_part_of_outlook_alone() -> None:
    both = Both(givenName="Ada", surname="King", displayName="King, Ada", fileAs="The Countess")
    both.settle()
    both.edit_card("King;Ada", "King;Augusta")
    both.settle()
    assert both.shown("givenName", "surname", "displayName") == ("Augusta", "King", "King, Augusta")
    assert both.shown("fileAs") == ("The Countess",)


def test_a_full_name_edited_alone_on_the_card_shows_in_outlook_and_is_listed() -> None:
    both = Both("FN:Ada King", "N:King;Ada;;;")
    both.settle()
    both.edit_card("FN:Ada King", "FN:Ada Byron")
    merged = both.settle()
    assert [warning.reason for warning in merged.warnings] == [CONTRADICTED]
    assert both.shown("displayName", "givenName", "surname", "n.family") == ("Ada Byron", "Ada", "King", "King")


def test_a_display_name_edited_alone_in_outlook_shows_on_the_card() -> None:
    both = Both("FN:Ada King", "N:King;Ada;;;")
    both.settle()
    both.edit_outlook(displayName="The Countess")
    assert not both.settle().warnings
    assert both.shown("fn", "n.given", "n.family") == ("The Countess", "Ada", "King")
    both.edit_outlook(givenName="Augusta", displayName="The Countess")
    both.settle()
    assert both.shown("fn", "n.given") == ("The Countess", "Augusta")


@pytest.mark.parametrize("name", ["N:;;;;", ""])
@pytest.mark.parametrize("full", ["Ada King", "Madonna", "Acme Ltd", "Arthur Conan Doyle", "王小明"])
def test_a_card_with_a_full_name_only_shows_the_same_name_in_outlook(full: str, name: str) -> None:
    both = Both(f"FN:{full}", *([name] if name else []), version="3.0")
    before = both.card.text
    both.settle()
    assert both.shown("displayName", "givenName", "surname") == (full, None, None)
    assert both.card.text == before, "a name that nobody edited is not rewritten"


def test_a_card_without_a_full_name_gets_one_with_its_first_edit() -> None:
    both = Both("N:King;Ada;;;")
    both.settle()
    assert both.shown("givenName", "surname", "displayName", "fn") == ("Ada", "King", "Ada King", None)
    both.edit_outlook(surname="Byron")
    both.settle()
    assert both.shown("fn", "n.family") == ("Ada Byron", "Byron")


def test_several_values_in_a_part_stay_apart_while_another_part_is_edited_in_outlook() -> None:
    both = Both("FN:Dr. Ada King, M.D., Jr.", "N:King;Ada,Augusta;;Dr.;M.D.,Jr.")
    both.settle()
    assert both.shown("givenName", "generation") == ("Ada Augusta", "M.D. Jr.")
    both.edit_outlook(surname="Byron")
    both.settle()
    assert "N:Byron;Ada,Augusta;;Dr.;M.D.,Jr.\n" in both.card.text


@pytest.mark.parametrize(
    ("given", "family", "full"),
    [
        ("太郎", "山田", "山田 太郎"),
        ("János", "Nagy", "Nagy János"),
        ("Minh", "Nguyễn", "Nguyễn Minh"),
        ("محمد", "بن سلمان", "محمد بن سلمان"),
        ("María José", "García Márquez", "García Márquez, María José"),
        ("Mohammed", "bin Salman", "Mohammed bin Salman"),
    ],
)
def test_names_of_any_order_come_to_rest_at_once(given: str, family: str, full: str) -> None:
    both = Both("FN:" + full.replace(",", "\\,"), f"N:{family};{given};;;")
    assert not both.settle().warnings
    assert both.shown("givenName", "surname", "fn") == (given, family, full)
    both.edit_outlook(givenName="Noor")
    both.settle()
    assert both.shown("fn", "n.given", "n.family") == (full.replace(given, "Noor"), "Noor", family)
