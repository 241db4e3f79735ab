from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Any

import pytest
import requests

from connectors.base import Forbidden, Outcome, Record, Sent, Value, Write, WriteKind, WriteResult
from connectors.hubspot.connector import HubSpot
from connectors.hubspot.fields import MARK
from tests.connectors.conformance import marker
from tests.connectors.hubspot.conftest import Account

KEYS = ["firstname", "lastname", "email", "jobtitle", "lifecyclestage", "hubspot_owner_id", "hs_email_optout"]
CONTACTS = "contacts"


def create(**values: Value) -> Write:
    return Write(WriteKind.CREATE, marker(), values=values)


def update(record: Record, **values: Value) -> Write:
    return Write(WriteKind.UPDATE, marker(), record.id, record.version, values, current=dict(record.values))


def delete(record: Record) -> Write:
    return Write(WriteKind.DELETE, marker(), record.id, record.version, current=dict(record.values))


def send(connector: HubSpot, *writes: Write, folder: str = CONTACTS) -> list[WriteResult]:
    return list(connector.write(folder, writes, KEYS))


def read(connector: HubSpot, id: str) -> Record:
    found = connector.read(CONTACTS, [id], KEYS)[id]
    assert isinstance(found, Record)
    return found


def outcomes(results: Sequence[WriteResult]) -> list[Outcome]:
    return [result.outcome for result in results]


def made(result: WriteResult) -> Record:
    assert result.record is not None, result.reason
    return result.record


@pytest.fixture
def connector(account: Account) -> HubSpot:
    found = account.connect()
    found.portal.ensure_marks()
    found.portal.catalogue()
    return found


@pytest.fixture
def unmarked(account: Account) -> HubSpot:
    found = account.connect(marks="no")
    found.portal.catalogue()
    return found


# ---- what writes cost


@pytest.mark.parametrize("count", [1, 100])
def test_creates_cost_one_request_for_a_hundred(account: Account, connector: HubSpot, count: int) -> None:
    before = account.requests()
    results = send(connector, *(create(firstname=f"N{number}", lastname="Maes") for number in range(count)))
    assert outcomes(results) == [Outcome.DONE] * count
    assert [made(one).values["firstname"] for one in results] == [f"N{number}" for number in range(count)]
    assert account.requests() - before == ceil(count / 100)


@pytest.mark.parametrize("count", [1, 100])
def test_updates_and_deletes_cost_one_look_and_one_request(account: Account, connector: HubSpot, count: int) -> None:
    ids = account.load(*({"firstname": f"N{number}"} for number in range(count)))
    held = connector.read(CONTACTS, ids, KEYS)
    before = account.requests()
    results = send(connector, *(update(held[id], lastname=f"L{id}") for id in ids))  # type: ignore[arg-type]
    assert [made(one).values["lastname"] for one in results] == [f"L{id}" for id in ids]
    assert account.requests() - before == 2
    before = account.requests()
    assert outcomes(send(connector, *(delete(made(one)) for one in results))) == [Outcome.DONE] * count
    assert account.requests() - before == 2
    assert account.records() == []


# ---- somebody else is at work


def test_what_a_person_changed_meanwhile_is_not_overwritten(account: Account, connector: HubSpot) -> None:
    [anna] = account.load({"firstname": "Anna", "lastname": "Maes"})
    before = read(connector, anna)
    account.edit(anna, lastname="Peeters")
    assert outcomes(send(connector, update(before, lastname="Claes"))) == [Outcome.STALE]
    assert outcomes(send(connector, delete(before))) == [Outcome.STALE]
    assert read(connector, anna).values["lastname"] == "Peeters"


def test_an_edit_of_another_field_is_no_hindrance_and_shows_in_the_answer(account: Account, connector: HubSpot) -> None:
    [anna] = account.load({"firstname": "Anna", "lastname": "Maes"})
    before = read(connector, anna)
    account.edit(anna, jobtitle="Chef")
    [result] = send(connector, update(before, lastname="Claes"))
    assert made(result).values == {"firstname": "Anna", "lastname": "Claes", "jobtitle": "Chef"}
    assert made(result) == replace(read(connector, anna), modified=made(result).modified)


def test_a_stamp_that_moved_by_itself_makes_nothing_stale(account: Account, connector: HubSpot) -> None:
    [anna] = account.load({"firstname": "Anna"})
    before = read(connector, anna)
    account.api.touch(account.user, anna)
    assert outcomes(send(connector, update(before, lastname="Maes"))) == [Outcome.DONE]


def test_who_is_gone_or_merged_is_gone(account: Account, connector: HubSpot) -> None:
    ids = account.load({"firstname": "A"}, {"firstname": "B"}, {"firstname": "C"})
    held = [read(connector, id) for id in ids]
    account.api.remove(account.user, ids[0])
    account.api.merge(account.user, ids[1], ids[2])
    assert outcomes(send(connector, *(update(one, lastname="X") for one in held))) == [Outcome.GONE] * 3


# ---- one bad contact does not hold up the others


@pytest.mark.parametrize(
    ("bad", "field", "words"),
    [
        ({"email": "no address"}, "email", "no email address"),
        ({"lifecyclestage": "guru"}, "lifecyclestage", "only the options"),
        ({"hubspot_owner_id": "nobody@example.com"}, "hubspot_owner_id", "No user"),
        ({"jobtitle": "x" * 70_000}, "jobtitle", "longer"),
    ],
)
def test_a_bad_value_names_its_field_and_the_others_are_written(
    connector: HubSpot, account: Account, bad: dict[str, Any], field: str, words: str
) -> None:
    [anna, bert] = account.load({"firstname": "Anna"}, {"firstname": "Bert"})
    results = send(
        connector,
        create(firstname="First"),
        create(firstname="Bad", **bad),
        update(read(connector, anna), lastname="Maes"),
        update(read(connector, bert), **bad),
        create(firstname="Last"),
    )
    expected = [Outcome.DONE, Outcome.REFUSED, Outcome.DONE, Outcome.REFUSED, Outcome.DONE]
    assert outcomes(results) == expected
    for result in (results[1], results[3]):
        assert (result.field, words in result.reason) == (field, True)
        assert str(next(iter(bad.values()))) not in result.reason


def test_a_field_that_was_deleted_meanwhile_is_said_to_be_gone(account: Account) -> None:
    account.api.add_property(account.user, "shoe_size", "number")
    connector = account.connect(marks="no")
    connector.fields(CONTACTS)
    address = f"{account.sandbox.url}/hubspot/crm/v3/properties/contacts/shoe_size"
    requests.delete(address, headers={"Authorization": f"Bearer {account.secrets['access_token']}"}, timeout=10)
    first, second = connector.write(CONTACTS, [create(firstname="A", shoe_size=43), create(firstname="B")], KEYS)
    assert (first.outcome, first.field) == (Outcome.REFUSED, "shoe_size")
    assert "does not exist in HubSpot any more" in first.reason
    assert second.outcome is Outcome.DONE
    assert "shoe_size" not in connector.portal.catalogue().fields


def test_rules_of_the_account_are_told_at_the_contact(account: Account, connector: HubSpot) -> None:
    rule = {"property": "jobtitle", "rule": "MAX_LENGTH", "value": "5"}
    account.api.set_switches(account.user, validation_rules=[rule])
    results = send(connector, create(firstname="A", jobtitle="Director"), create(firstname="B", jobtitle="Chef"))
    assert outcomes(results) == [Outcome.REFUSED, Outcome.DONE]
    assert results[0].field == "jobtitle"
    assert "rule of the HubSpot account" in results[0].reason


def test_what_an_administrator_requires_or_forbids_is_said(account: Account, connector: HubSpot) -> None:
    account.api.set_switches(account.user, required_on_create=["jobtitle"], no_edit=["lastname"])
    results = send(
        connector,
        create(firstname="A"),
        create(firstname="B", jobtitle="Chef", lastname="Maes"),
        create(firstname="C", jobtitle="Chef"),
    )
    assert outcomes(results) == [Outcome.REFUSED, Outcome.REFUSED, Outcome.DONE]
    assert (results[0].field, "Job Title is required" in results[0].reason) == ("", True)
    assert (results[1].field, "may not change Last Name" in results[1].reason) == ("lastname", True)


def test_a_batch_that_is_refused_as_a_whole_is_sent_in_halves(account: Account, connector: HubSpot) -> None:
    account.fault("error", path="batch/create$", status=400)
    results = send(connector, *(create(firstname=f"N{number}") for number in range(4)))
    assert outcomes(results) == [Outcome.DONE] * 4
    assert len(account.records()) == 4


def test_a_contact_that_is_locked_is_tried_later_and_holds_nobody_up(account: Account, connector: HubSpot) -> None:
    ids = account.load(*({"firstname": f"N{number}"} for number in range(40)))
    account.api.set_switches(account.user, locked=[ids[7]])
    held = connector.read(CONTACTS, ids, KEYS)
    results = send(connector, *(update(held[id], lastname="Maes") for id in ids))  # type: ignore[arg-type]
    late = [number for number, result in enumerate(results) if result.outcome is Outcome.LATER]
    assert (late, results[7].after) == ([7], 2.0)
    assert sum(one.get("lastname") == "Maes" for one in account.records()) == 39


def test_where_everything_is_locked_it_stops_asking(account: Account, connector: HubSpot) -> None:
    ids = account.load(*({"firstname": f"N{number}"} for number in range(100)))
    account.api.set_switches(account.user, locked=ids)
    held = connector.read(CONTACTS, ids, KEYS)
    before = account.requests()
    results = send(connector, *(update(held[id], lastname="Maes") for id in ids))  # type: ignore[arg-type]
    assert set(outcomes(results)) == {Outcome.LATER}
    assert account.requests() - before < 30


# ---- the same person


def test_who_has_the_address_already_is_named(account: Account, connector: HubSpot) -> None:
    [anna, bert] = account.load(
        {"firstname": "Anna", "email": "anna@example.com", "further_emails": "a.maes@example.com"},
        {"firstname": "Bert", "email": "bert@example.com"},
    )
    results = send(
        connector,
        create(firstname="A", email="ANNA@example.com"),
        create(firstname="New"),
        create(firstname="A", email="a.maes@example.com"),
        create(firstname="B", email="bert@example.com"),
    )
    assert outcomes(results) == [Outcome.REFUSED, Outcome.DONE, Outcome.REFUSED, Outcome.REFUSED]
    assert [result.existing for result in results] == [anna, "", anna, bert]
    assert results[0].field == "email"


def test_an_address_that_another_contact_has_is_refused_by_an_update(account: Account, connector: HubSpot) -> None:
    _, bert = account.load({"email": "anna@example.com"}, {"firstname": "Bert"})
    [result] = send(connector, update(read(connector, bert), email="anna@example.com"))
    assert (result.outcome, result.field, result.existing) == (Outcome.REFUSED, "email", "")


def test_a_further_address_is_not_made_the_first_at_the_cost_of_that_one(account: Account, connector: HubSpot) -> None:
    [anna] = account.load({"firstname": "Anna", "email": "anna@example.com", "further_emails": "a.maes@example.com"})
    [result] = send(connector, update(read(connector, anna), email="A.Maes@example.com", lastname="Maes"))
    assert (result.outcome, result.field) == (Outcome.REFUSED, "email")
    assert "as a further one" in result.reason
    assert [(one["email"], one["hs_additional_emails"]) for one in account.records()] == [
        ("anna@example.com", "a.maes@example.com")
    ]


def test_two_new_contacts_with_one_address_become_one(account: Account, connector: HubSpot) -> None:
    results = send(
        connector, create(firstname="A", email="a@example.com"), create(firstname="B", email="A@example.com")
    )
    assert sorted(outcomes(results)) == [Outcome.DONE, Outcome.REFUSED]
    [record] = account.records()
    assert [one.existing for one in results if one.existing] == [record["id"]]


def test_a_create_that_is_repeated_finds_its_own_contact_and_overwrites_nothing(
    account: Account, connector: HubSpot
) -> None:
    sent = create(firstname="Anna", email="anna@example.com")
    first = made(send(connector, sent)[0])
    account.edit(first.id, firstname="Annie", email="other@example.com")
    again, other = send(connector, sent, create(firstname="Bert"))
    assert made(again).id == first.id
    assert made(again).values["firstname"] == "Annie"
    assert other.outcome is Outcome.DONE
    assert len(account.records()) == 2


# ---- marks


def test_the_field_for_marks_is_made_once_when_the_first_contact_is(account: Account) -> None:
    connector = account.connect()
    send(connector, create(firstname="Anna"))
    send(account.connect(), create(firstname="Bert"))
    assert sum("properties" in one and one.startswith("POST") for one in account.asked()) == 2  # group and field
    assert all(one[MARK] for one in account.records())
    assert MARK not in {field.key for field in connector.fields(CONTACTS)}


def test_a_token_that_may_not_make_it_says_what_to_do(account: Account) -> None:
    scopes = [one for one in account.secrets["scope"].split() if one != "crm.schemas.contacts.write"]
    poor = Account(account.sandbox, static=True, scopes=scopes)
    with pytest.raises(Forbidden, match="enter “no” under Marks"):
        send(poor.connect(), create(firstname="Anna"))
    assert outcomes(send(poor.connect(marks="no"), create(firstname="Anna"))) == [Outcome.DONE]
    poor.close()


def test_an_authorisation_without_that_permission_keeps_no_marks(account: Account) -> None:
    scopes = [one for one in account.secrets["scope"].split() if one != "crm.schemas.contacts.write"]
    poor = Account(account.sandbox, scopes=scopes)
    connector = poor.connect()
    assert not connector.capabilities.keeps_markers
    assert not connector.capabilities.idempotent_creates
    assert outcomes(send(connector, create(firstname="Anna"))) == [Outcome.DONE]
    poor.close()


# ---- answers that are lost


@pytest.mark.parametrize("when", ["before", "after"])
def test_without_an_answer_it_is_unknown_and_found_by_its_mark(account: Account, connector: HubSpot, when: str) -> None:
    account.fault("drop", path="batch/create$", when=when)
    sent = [create(firstname="Anna"), create(firstname="Bert", email="bert@example.com")]
    assert outcomes(send(connector, *sent)) == [Outcome.UNKNOWN] * 2
    found = account.connect().find(CONTACTS, [one.marker for one in sent], KEYS)
    assert set(found) == ({one.marker for one in sent} if when == "after" else set())


def test_an_unknown_half_does_not_make_the_other_forgotten(account: Account, connector: HubSpot) -> None:
    [anna] = account.load({"firstname": "Anna"})
    held = read(connector, anna)
    account.fault("drop", path="batch/update$", when="after")
    results = send(connector, create(firstname="Bert"), update(held, lastname="Maes"))
    assert outcomes(results) == [Outcome.DONE, Outcome.UNKNOWN]


def test_trouble_after_the_first_request_comes_later(account: Account, connector: HubSpot) -> None:
    [anna] = account.load({"firstname": "Anna"})
    held = read(connector, anna)
    account.fault("throttle", path="batch/update$", retry_after=7)
    results = send(connector, create(firstname="Bert"), update(held, lastname="Maes"))
    assert outcomes(results) == [Outcome.DONE, Outcome.LATER]
    assert results[1].after == 7.0


def test_without_marks_it_is_found_by_what_was_sent(account: Account, unmarked: HubSpot) -> None:
    now = account.sandbox.clock.now()
    account.load({"firstname": "Old", "lastname": "Hand"})
    account.sandbox.clock.advance(2000)
    at = now + 2000
    people: list[Mapping[str, Value]] = [
        {"firstname": "Anna", "email": "anna@example.com"},
        {"firstname": "Old", "lastname": "Hand"},
        {"firstname": "Plato"},
        {"firstname": "Plato"},
        {"lastname": "Never"},
    ]
    account.load(*(dict(one) for one in people[:4]))
    unmarked.host.clock.time = account.sandbox.clock.now()  # type: ignore[attr-defined]
    sent = [Sent(f"m{number}", values, at) for number, values in enumerate(people)]
    found = unmarked.find_sent(CONTACTS, sent, KEYS)
    assert set(found) == {"m0", "m1", "m2", "m3"}
    assert len({record.id for record in found.values()}) == 4
    assert found["m0"].values["firstname"] == "Anna"
    assert unmarked.find_sent(CONTACTS, [], KEYS) == {}


# ---- fields of a kind of their own


def test_the_owner_is_written_by_address(account: Account, connector: HubSpot) -> None:
    boss = account.api.add_owner(account.user, "boss@example.com")
    [result] = send(connector, create(firstname="Anna", hubspot_owner_id="Boss@example.com"))
    assert made(result).values["hubspot_owner_id"] == "boss@example.com"
    assert account.records()[0]["hubspot_owner_id"] == boss


def test_a_stage_that_would_go_back_is_refused_and_the_rest_can_be_written(
    account: Account, connector: HubSpot
) -> None:
    [anna] = account.load({"firstname": "Anna", "lifecyclestage": "customer"})
    [result] = send(connector, update(read(connector, anna), lifecyclestage="lead", lastname="Maes"))
    assert (result.outcome, result.field) == (Outcome.REFUSED, "lifecyclestage")
    assert "only forward" in result.reason
    [result] = send(connector, update(read(connector, anna), lifecyclestage="evangelist", lastname="Maes"))
    assert made(result).values["lifecyclestage"] == "evangelist"
    field = next(one for one in connector.fields(CONTACTS) if one.key == "lifecyclestage")
    assert field.forward_only


def test_opting_out_goes_through_the_preferences_of_the_address(account: Account, connector: HubSpot) -> None:
    [anna] = account.load({"firstname": "Anna", "email": "anna@example.com"})
    results = send(
        connector,
        update(read(connector, anna), hs_email_optout=True, lastname="Maes"),
        create(firstname="Bert", email="bert@example.com", hs_email_optout=True),
        create(firstname="Nobody", hs_email_optout=True),
        create(firstname="Carl", hs_email_optout=False),
    )
    assert outcomes(results) == [Outcome.DONE, Outcome.DONE, Outcome.REFUSED, Outcome.DONE]
    assert made(results[0]).values["hs_email_optout"] is True
    assert made(results[0]).values["lastname"] == "Maes"
    assert results[2].field == "hs_email_optout"
    for result in results[:2]:
        assert read(connector, made(result).id).values == made(result).values


def test_nobody_else_is_opted_out_by_an_address_that_is_refused(account: Account, connector: HubSpot) -> None:
    anna, bert = account.load({"email": "anna@example.com"}, {"email": "bert@example.com"})
    [result] = send(connector, update(read(connector, anna), email="bert@example.com", hs_email_optout=True))
    assert (result.outcome, result.field) == (Outcome.REFUSED, "email")
    assert "hs_email_optout" not in read(connector, bert).values
    [result] = send(connector, update(read(connector, anna), email="new@example.com", hs_email_optout=True))
    assert made(result).values == read(connector, anna).values
    assert made(result).values["hs_email_optout"] is True


def test_without_the_permission_nobody_is_opted_out_and_the_field_says_so(account: Account) -> None:
    scopes = [one for one in account.secrets["scope"].split() if "preferences" not in one]
    poor = Account(account.sandbox, scopes=scopes)
    [field] = [one for one in poor.connect().fields(CONTACTS) if one.key == "hs_email_optout"]
    assert field.read_only
    assert "permission" in field.reason
    poor.close()


def test_nobody_is_opted_in_again(account: Account, connector: HubSpot) -> None:
    [anna] = account.load({"firstname": "Anna", "email": "anna@example.com"})
    account.api.opt_out(account.user, "anna@example.com")
    [result] = send(connector, update(read(connector, anna), hs_email_optout=False))
    assert (result.outcome, result.field) == (Outcome.REFUSED, "hs_email_optout")
    assert read(connector, anna).values["hs_email_optout"] is True


# ---- lists


def test_labels_go_with_creates_and_updates(account: Account, connector: HubSpot) -> None:
    vip = account.api.add_list(account.user, "VIP")
    account.watched = lambda: frozenset({vip})
    [result] = send(connector, replace(create(firstname="Anna"), add_labels=frozenset({vip})))
    assert made(result).labels == {vip}
    assert read(connector, made(result).id) == replace(made(result), modified=read(connector, made(result).id).modified)
    before = account.requests()
    [result] = send(connector, replace(update(made(result)), remove_labels=frozenset({vip})))
    assert made(result).labels == frozenset()
    assert account.requests() - before == 2
    assert account.api.lists(account.user)[0]["members"] == []


def test_a_create_in_a_list_makes_the_contact_a_member(account: Account, connector: HubSpot) -> None:
    vip = account.api.add_list(account.user, "VIP")
    [result] = send(connector, create(firstname="Anna"), folder=f"list-{vip}")
    assert account.api.lists(account.user)[0]["members"] == [made(result).id]
    assert isinstance(connector.read(f"list-{vip}", [made(result).id], KEYS)[made(result).id], Record)


def test_who_is_there_outside_of_the_list_is_said_to_be(account: Account, connector: HubSpot) -> None:
    vip = account.api.add_list(account.user, "VIP")
    anna, bert = account.load({"email": "anna@example.com"}, {"email": "bert@example.com"})
    account.api.change_members(account.user, vip, add=[bert])
    results = send(connector, create(email="anna@example.com"), create(email="bert@example.com"), folder=f"list-{vip}")
    assert outcomes(results) == [Outcome.ELSEWHERE, Outcome.REFUSED]
    assert "outside of this list" in results[0].reason
    assert results[1].existing == bert


def test_a_create_whose_list_was_not_filled_is_completed_when_it_is_repeated(
    account: Account, connector: HubSpot
) -> None:
    vip = account.api.add_list(account.user, "VIP")
    sent = create(firstname="Anna")
    account.fault("drop", path="memberships/add$", when="before")
    assert outcomes(send(connector, sent, folder=f"list-{vip}")) == [Outcome.UNKNOWN]
    assert connector.find(f"list-{vip}", [sent.marker], KEYS) == {}
    [result] = send(connector, sent, folder=f"list-{vip}")
    assert account.api.lists(account.user)[0]["members"] == [made(result).id]
    assert len(account.records()) == 1
