from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Field, FieldType, Value
from connectors.outlook import extended
from connectors.outlook.fields import (
    ADDRESS_PARTS,
    ADDRESSES,
    CATALOGUE,
    FIELDS,
    Refusal,
    body_of,
    patch_of,
    values_of,
    version_of,
)

EMPTY: dict[str, Any] = {
    **{field.key: None for field in CATALOGUE if "." not in field.key},
    **{field.key: [] for field in CATALOGUE if field.is_list},
    **{name: {} for name, _, _ in ADDRESSES},
    "id": "AAMk=",
    "personalNotes": "",
}
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)
WRITABLE = [field for field in CATALOGUE if field.key != "categories"]


def value_for(field: Field) -> st.SearchStrategy[Value]:
    if field.key == "emailAddresses":
        text: st.SearchStrategy[str] = st.emails()
    else:
        text = TEXT
    if field.is_list:
        elements = st.builds(lambda one: {"value": one}, text)
        return st.lists(elements, min_size=1, max_size=field.multiple or 4, unique_by=lambda one: one["value"])
    if field.type is FieldType.DATE:
        return st.dates().filter(lambda day: day.year not in (1, 4501)).map(str)
    return text


def values() -> st.SearchStrategy[dict[str, Value]]:
    return st.fixed_dictionaries({}, optional={field.key: value_for(field) for field in WRITABLE})


KEYS = [field.key for field in WRITABLE]


def taken(contact: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The contact after a PATCH: properties replaced one by one, addresses and collections whole."""
    return {**contact, **patch}


def contact_with(values: dict[str, Value]) -> dict[str, Any]:
    return taken(EMPTY, patch_of(values, {}, "", creating=True))


@given(values())
def test_what_is_created_is_what_is_read(wanted: dict[str, Value]) -> None:
    assert values_of(contact_with(wanted), KEYS) == wanted


@given(values(), values(), st.sets(st.sampled_from(KEYS)))
def test_an_update_changes_what_it_names_and_nothing_else(
    before: dict[str, Value], patch: dict[str, Value], cleared: set[str]
) -> None:
    contact = contact_with(before)
    wanted = {**patch, **dict.fromkeys(cleared)}
    after = taken(contact, patch_of(wanted, before, body_of(contact)))
    expected = {key: value for key, value in {**before, **wanted}.items() if value is not None}
    assert values_of(after, KEYS) == expected


@given(values())
def test_writing_what_is_there_changes_nothing(held: dict[str, Value]) -> None:
    contact = contact_with(held)
    assert values_of(taken(contact, patch_of(held, held, body_of(contact))), KEYS) == held


@given(values())
def test_absent_null_and_empty_are_all_unset(held: dict[str, Value]) -> None:
    contact = contact_with(held)
    bare = {name: value for name, value in contact.items() if value not in (None, [], {}, "")}
    assert values_of(bare, KEYS) == values_of(contact, KEYS)


def test_each_meaning_occurs_once() -> None:
    meanings = [field.meaning for field in CATALOGUE]
    assert all(meanings)
    assert len(set(meanings)) == len(meanings)


def test_the_name_beside_an_email_stays_with_its_address() -> None:
    entries = [{"address": "a@example.com", "name": "Work"}, {"address": "b@example.com", "name": "Home"}]
    body = body_of({**EMPTY, "emailAddresses": entries})
    patch = patch_of({"emailAddresses": [{"value": "B@example.com"}, {"value": "c@example.com"}]}, {}, body)
    assert patch["emailAddresses"] == [{"address": "B@example.com", "name": "Home"}, {"address": "c@example.com"}]


def test_a_directory_address_is_no_email_but_is_not_lost() -> None:
    hidden = {"address": "/o=Org/cn=Recipients/cn=abc", "name": "Abc"}
    contact = {**EMPTY, "emailAddresses": [hidden, {"address": "a@example.com", "name": ""}]}
    assert values_of(contact, ["emailAddresses"]) == {"emailAddresses": [{"value": "a@example.com"}]}
    assert patch_of({"emailAddresses": None}, {}, body_of(contact))["emailAddresses"] == [hidden]


@pytest.mark.parametrize(
    "address", ["nobody", "a@example.com,", "a b@example.com", "a@example.com; b@example.com", "@"]
)
def test_an_email_that_outlook_would_drop_is_refused_for_that_field(address: str) -> None:
    with pytest.raises(Refusal) as refusal:
        patch_of({"emailAddresses": [{"value": "a@example.com"}, {"value": address}]}, {}, "")
    assert refusal.value.field == "emailAddresses"
    assert "a@" not in refusal.value.reason


def test_a_part_of_an_address_is_sent_with_the_parts_that_nobody_mapped() -> None:
    contact = {**EMPTY, "businessAddress": {"street": "Main 1", "city": "Ghent", "countryOrRegion": "BE"}}
    patch = patch_of({"businessAddress.city": "Bruges", "businessAddress.street": None}, {}, body_of(contact))
    assert patch == {
        "businessAddress": {
            "street": None,
            "city": "Bruges",
            "state": None,
            "postalCode": None,
            "countryOrRegion": "BE",
        }
    }


def test_without_a_body_the_known_values_complete_an_address() -> None:
    patch = patch_of({"homeAddress.city": "Bruges"}, {"homeAddress.street": "Main 1"}, "")
    assert patch["homeAddress"] == {
        **dict.fromkeys(part for part, _, _ in ADDRESS_PARTS),
        "street": "Main 1",
        "city": "Bruges",
    }


def test_a_create_names_no_empty_address() -> None:
    assert patch_of({"homeAddress.city": None, "givenName": None, "children": []}, {}, "", creating=True) == {}


@pytest.mark.parametrize(
    ("held", "current", "expected"),
    [
        ({"displayName": "Anna Maes", "givenName": "Anna", "surname": "Maes"}, {}, {"surname": "Peeters"}),
        (
            {"displayName": "Mum", "givenName": "Anna", "surname": "Maes"},
            {},
            {"surname": "Peeters", "displayName": "Mum"},
        ),
        (
            {"displayName": "Anna Maes", "givenName": "Anna", "surname": "Maes"},
            {"displayName": "Anna Maes", "fileAs": "Maes, Anna"},
            {"surname": "Peeters", "displayName": "Anna Maes", "fileAs": "Maes, Anna"},
        ),
    ],
)
def test_a_full_name_is_sent_along_unless_it_should_follow(
    held: dict[str, Any], current: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert patch_of({"surname": "Peeters"}, current, body_of({**EMPTY, **held})) == expected


def test_a_mapped_full_name_wins_over_the_old_one() -> None:
    body = body_of({**EMPTY, "displayName": "Mum", "givenName": "Anna"})
    patch = patch_of({"givenName": "Ann", "displayName": "Ann M."}, {"displayName": "Mum"}, body)
    assert patch == {"givenName": "Ann", "displayName": "Ann M."}


def test_a_birthday_is_a_day_in_no_zone() -> None:
    assert patch_of({"birthday": "2000-02-29"}, {}, "") == {"birthday": "2000-02-29T11:59:00Z"}
    assert values_of({"birthday": "1815-12-10T11:59:00Z"}, ["birthday"]) == {"birthday": "1815-12-10"}
    assert values_of({"birthday": "1974-07-22"}, ["birthday"]) == {"birthday": "1974-07-22"}
    assert values_of({"birthday": "4501-01-01T00:00:00Z"}, ["birthday"]) == {}
    assert patch_of({"birthday": None}, {}, "") == {"birthday": None}


@pytest.mark.parametrize(
    ("value", "reason"), [("--02-29", "without a year"), ("soon", "no date"), ("2001-02-29", "no date")]
)
def test_a_date_that_outlook_cannot_keep_is_refused_for_that_field(value: str, reason: str) -> None:
    with pytest.raises(Refusal, match=reason) as refusal:
        patch_of({"birthday": value}, {}, "")
    assert refusal.value.field == "birthday"
    assert value not in refusal.value.reason


def test_half_a_character_is_refused_for_that_field() -> None:
    with pytest.raises(Refusal) as refusal:
        patch_of({"givenName": "A\ud83d"}, {}, "")
    assert refusal.value.field == "givenName"


def test_a_note_keeps_its_lines_but_does_not_begin_with_an_empty_one() -> None:
    assert patch_of({"personalNotes": "\n\r\nA\n\nB"}, {}, "") == {"personalNotes": "A\n\nB"}
    assert values_of({"personalNotes": "A\r\n\r\nB"}, ["personalNotes"]) == {"personalNotes": "A\n\nB"}


@pytest.mark.parametrize("name", ["displayName", "emailAddresses", "homeAddress.city", "children", "birthday"])
def test_an_unknown_shape_is_named_and_its_content_is_not(name: str) -> None:
    with pytest.raises(ValueError, match=name.partition(".")[0]) as error:
        values_of({name.partition(".")[0]: 12345}, [name])
    assert "12345" not in str(error.value)


def test_the_version_is_what_if_match_takes() -> None:
    assert version_of({"@odata.etag": 'W/"abc"', "changeKey": "xyz"}) == 'W/"abc"'
    assert version_of({"changeKey": "xyz"}) == 'W/"xyz"'
    assert version_of({}) == ""


# ---- extended properties

DECLARED = {
    FieldType.TEXT: TEXT,
    FieldType.BOOLEAN: st.booleans(),
    FieldType.NUMBER: st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6),
    FieldType.DATE: st.dates().filter(lambda day: day.year not in (1, 4501)).map(str),
    FieldType.DATETIME: st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
}


@pytest.mark.parametrize("type", DECLARED)
@given(data=st.data())
def test_a_declared_field_gives_back_what_was_put_in(type: FieldType, data: st.DataObject) -> None:
    field = extended.declare("Customer No", type)
    value = data.draw(DECLARED[type])
    contact = {"singleValueExtendedProperties": [extended.property_for(field, value)]}
    assert extended.values_of(contact, [field.key], [field]) == {field.key: value}


def test_a_plain_name_is_a_user_field_of_outlook() -> None:
    field = extended.declare(" Customer No ", FieldType.TEXT)
    assert field.key == "ext:String {00020329-0000-0000-c000-000000000046} Name Customer No"
    assert (field.label, field.custom) == ("Customer No", True)


def test_a_full_id_is_taken_as_it_is() -> None:
    field = extended.declare("String 0x3A24", FieldType.PHONE)
    assert (field.key, field.meaning) == ("ext:String 0x3A24", "phone.work_fax")
    assert extended.declare("SystemTime 0x3A41", FieldType.DATE).needs_year


@pytest.mark.parametrize(
    ("name", "type"),
    [("", FieldType.TEXT), ("a\nb", FieldType.TEXT), ("Size", FieldType.OPTIONS), ("Integer 0x1234", FieldType.TEXT)]
    + [("Binary 0x1234", FieldType.TEXT), ("x" * 201, FieldType.TEXT)],
)
def test_what_outlook_cannot_hold_cannot_be_declared(name: str, type: FieldType) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        extended.declare(name, type)


def test_ids_are_the_same_in_any_spelling_but_for_the_name() -> None:
    field = extended.declare("String {ABCDEF00-0000-0000-0000-000000000046} Name Foo")
    entry = {"id": "string {abcdef00-0000-0000-0000-000000000046} Name Foo", "value": "x"}
    assert extended.values_of({"singleValueExtendedProperties": [entry]}, [field.key], []) == {field.key: "x"}
    entry["id"] = entry["id"].replace("Foo", "foo")
    assert extended.values_of({"singleValueExtendedProperties": [entry]}, [field.key], []) == {}


def test_a_value_of_the_wrong_type_is_refused_for_that_field() -> None:
    field = extended.declare("Integer 0x4000", FieldType.NUMBER)
    for value in ("many", True, 1.5):
        with pytest.raises(Refusal) as refusal:
            extended.property_for(field, value)
        assert refusal.value.field == field.key


def test_a_quote_in_a_name_does_not_end_the_filter() -> None:
    assert "Name it''s'" in extended.expand([extended.declare("it's").key])
    assert extended.having("a'b").endswith("'a''b')")


def test_every_field_of_the_catalogue_has_its_own_property() -> None:
    assert set(FIELDS) == {field.key for field in CATALOGUE}
    assert len(FIELDS) == len(CATALOGUE)


def test_a_field_declared_by_its_bare_name_gets_its_key() -> None:
    plain = extended.declared(Field("Tier", "Tier of the customer", FieldType.TEXT, custom=True))
    assert (plain.key, plain.label) == (extended.declare("Tier").key, "Tier of the customer")
    assert extended.declared(Field("String 0x3A24", "String 0x3A24", FieldType.PHONE)).label == "Work fax"
    assert extended.declared(plain) == plain


def test_a_declaration_that_cannot_be_says_why_and_is_not_written() -> None:
    field = extended.declared(Field("Size", "Size", FieldType.OPTIONS))
    assert field.read_only
    assert "cannot be of the type options" in field.reason
    assert not extended.is_extended(field.key)
    with pytest.raises(Refusal):
        extended.field_of(field.key, [field])
