from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Field, FieldType
from connectors.hubspot.fields import MEANINGS, OWNER, Catalogue, Refusal, seconds_of
from syncrules.catalogue import Catalogue as Fields
from syncrules.keys import KeyReader


def definition(name: str, type: str = "string", look: str = "text", **more: Any) -> dict[str, Any]:
    rules = {"archivable": True, "readOnlyDefinition": False, "readOnlyValue": more.pop("locked", False)}
    return {"name": name, "label": name.title(), "type": type, "fieldType": look, "modificationMetadata": rules, **more}


def options(*values: str) -> list[dict[str, Any]]:
    return [{"value": one, "label": one.title(), "displayOrder": place} for place, one in enumerate(values)]


DEFINITIONS = [
    definition("points", "number", "number"),
    definition("tags", "enumeration", "checkbox", options=options("b", "a", "c")),
    definition("firstname"),
    definition("email"),
    definition("message", look="textarea"),
    definition("hs_additional_emails", "enumeration", "select", hidden=True, calculated=True, locked=True),
    definition("hs_email_optout", "bool", "booleancheckbox", locked=True),
    definition("hubspot_owner_id", "enumeration", "select", externalOptions=True, referencedObjectType="OWNER"),
    definition("lifecyclestage", "enumeration", "radio", options=options("subscriber", "lead", "customer")),
    definition("since", "date", "date"),
    definition("seen", "datetime", "date"),
    definition("vip", "bool", "booleancheckbox"),
    definition("score", "number", "calculation_equation"),
    definition("secret", hidden=True),
    definition("lastmodifieddate", "datetime", "date", locked=True),
    definition("gone", archived=True),
    definition("associatedcompanyid", "number", "number", hidden=True),
]
CATALOGUE = Catalogue.of(DEFINITIONS)


def field(name: str) -> Field:
    return CATALOGUE.fields[name]


def shown(**properties: Any) -> dict[str, Any]:
    return CATALOGUE.values_of(properties, properties, {"7": "boss@example.com"}, {"name": "Acme", "annualrevenue": ""})


def sent(**values: Any) -> dict[str, str]:
    return CATALOGUE.properties_of(values, {"boss@example.com": "7"}, creating=False)


def test_the_definitions_of_the_account_say_what_a_field_is() -> None:
    kinds = {key: one.type for key, one in CATALOGUE.fields.items()}
    assert kinds["points"] is FieldType.NUMBER
    assert kinds["tags"] is FieldType.OPTIONS
    assert kinds["message"] is FieldType.MULTILINE
    assert kinds["since"] is FieldType.DATE
    assert kinds["lifecyclestage"] is FieldType.OPTION
    assert {"secret", "lastmodifieddate", "gone", "associatedcompanyid"}.isdisjoint(kinds)
    assert [one for one, _ in field("tags").options] == ["b", "a", "c"]
    assert next(iter(CATALOGUE.fields)) == "firstname", "what everybody maps comes first"


def test_what_cannot_be_written_says_why() -> None:
    locked = {key for key, one in CATALOGUE.fields.items() if one.read_only}
    assert locked == {"hs_additional_emails", "score", *(f"company.{name}" for name in COMPANY)}
    assert all(CATALOGUE.fields[key].reason for key in locked)


COMPANY = ("name", "domain", "industry", "annualrevenue", "numberofemployees")


def test_fields_that_few_need_are_read_only_where_something_needs_them() -> None:
    assert {key for key, one in CATALOGUE.fields.items() if not one.custom} == {
        *("firstname", "email", "message", "hs_additional_emails", "hs_email_optout", OWNER, "lifecyclestage"),
    }


def test_without_the_permissions_there_are_neither_companies_nor_opt_outs_to_write() -> None:
    poor = Catalogue.of(DEFINITIONS, companies=False, preferences=False)
    assert not any(key.startswith("company.") for key in poor.fields)
    assert poor.fields["hs_email_optout"].reason


def test_further_addresses_are_keys_of_the_person_and_no_line_of_the_mapping() -> None:
    further = field("hs_additional_emails")
    assert (further.is_list, further.meaning) == (True, "")
    values = shown(email="anna@example.com", hs_additional_emails="a@example.com;b@example.com")
    keys = KeyReader(Fields(list(CATALOGUE.fields.values())), "BE").read(values)
    assert set(keys.emails) == {"anna@example.com", "a@example.com", "b@example.com"}


@pytest.mark.parametrize("empty", [None, ""])
def test_cleared_and_never_set_are_the_same(empty: Any) -> None:
    assert shown(firstname=empty, points=empty, tags=empty, hubspot_owner_id=empty) == {}


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("points", "12", 12),
        ("points", "12.50", 12.5),
        ("points", "1E+3", 1000),
        ("tags", ";b;a;", ["a", "b"]),
        ("vip", "true", True),
        ("vip", "false", False),
        ("since", "2001-02-28", "2001-02-28"),
        ("since", "983318400000", "2001-02-28"),
        ("seen", "2026-10-30T03:30:18.100Z", "2026-10-30T03:30:18.100Z"),
        ("seen", "1793331018000", "2026-10-30T03:30:18Z"),
        ("hubspot_owner_id", "7", "boss@example.com"),
        ("hubspot_owner_id", "8", "8"),
        ("message", "a\r\nb", "a\nb"),
        ("company.name", "", "Acme"),
    ],
)
def test_values_have_the_shapes_of_the_contract(key: str, raw: str, value: Any) -> None:
    assert shown(**{key: raw})[key] == value


@pytest.mark.parametrize(("key", "raw"), [("points", "many"), ("points", "nan"), ("vip", "maybe"), ("since", "soon")])
def test_an_unknown_shape_names_the_field(key: str, raw: str) -> None:
    with pytest.raises(ValueError, match=f"^{key} "):
        shown(**{key: raw})


@pytest.mark.parametrize(
    ("key", "value", "raw"),
    [
        ("firstname", None, ""),
        ("points", 12, "12"),
        ("points", 0.1, "0.1"),
        ("points", 1e15, "1000000000000000"),
        ("tags", ["a", "b"], "a;b"),
        ("tags", None, ""),
        ("vip", False, "false"),
        ("email", " Anna@Example.COM ", "anna@example.com"),
        ("since", "2001-02-28", "2001-02-28"),
        ("hubspot_owner_id", "Boss@example.com", "7"),
        ("hubspot_owner_id", "7", "7"),
    ],
)
def test_values_are_sent_as_text(key: str, value: Any, raw: str) -> None:
    assert sent(**{key: value}) == {key: raw}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("score", 3),
        ("company.name", "Acme"),
        ("unheard_of", "x"),
        ("since", "--02-28"),
        ("hubspot_owner_id", "nobody@example.com"),
        ("message", "x" * 65_537),
        ("firstname", "\ud83d"),
        ("firstname", 3),
    ],
)
def test_what_hubspot_cannot_hold_is_refused_without_the_value(key: str, value: Any) -> None:
    with pytest.raises(Refusal) as refused:
        sent(**{key: value})
    assert refused.value.field == key
    assert refused.value.reason.endswith(".")
    assert str(value) not in refused.value.reason


def test_a_create_names_no_empty_field() -> None:
    assert CATALOGUE.properties_of({"firstname": None, "email": "a@b.c"}, {}, creating=True) == {"email": "a@b.c"}


@pytest.mark.parametrize(
    ("now", "wanted", "back"),
    [("lead", "subscriber", True), ("lead", "customer", False), ("lead", "lead", False), ("", "lead", False),
     ("custom", "lead", False), ("lead", None, False)],
)  # fmt: skip
def test_a_stage_that_would_go_back_is_known_beforehand(now: str, wanted: Any, back: bool) -> None:
    assert CATALOGUE.goes_back("lifecyclestage", now, wanted) is back
    assert not CATALOGUE.goes_back("firstname", now, wanted)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=80))
def test_text_comes_back_as_it_was_but_for_ends_of_lines(text: str) -> None:
    back = shown(message=sent(message=text)["message"])
    assert back == ({"message": text.replace("\r\n", "\n")} if text.strip() else {})


@given(st.integers(-(10**15), 10**15) | st.floats(-1e9, 1e9).map(lambda one: round(one, 4)))
def test_numbers_come_back_as_they_were(number: float) -> None:
    assert shown(points=sent(points=number)["points"])["points"] == number


@given(st.sets(st.sampled_from("abc"), min_size=1).map(sorted))
def test_options_come_back_as_they_were(chosen: list[str]) -> None:
    assert shown(tags=sent(tags=chosen)["tags"])["tags"] == chosen


def test_meanings_are_said_once() -> None:
    assert len(set(MEANINGS.values())) == len(MEANINGS)


def test_a_time_that_is_none_is_long_ago() -> None:
    assert seconds_of("") == seconds_of(None) == 0.0
