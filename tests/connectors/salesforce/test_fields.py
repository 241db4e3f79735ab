from __future__ import annotations

import logging

import pytest

from connectors.base import FieldType, NothingKnown, Outcome, Record, Value, Write, WriteKind
from connectors.outlook.fields import CATALOGUE
from connectors.sandbox import Sandbox
from syncrules.catalogue import Catalogue
from syncrules.defaults import default_mappings
from tests.connectors.salesforce.conftest import MARK, Account
from tests.connectors.salesforce.test_writing import create, keys, read, send, update
from tests.connectors.shapes import assert_shape

CUSTOM: list[tuple[str, dict[str, object], FieldType, Value]] = [
    ("Text__c", {"type": "string", "length": 20}, FieldType.TEXT, "a text"),
    ("Long__c", {"type": "textarea", "length": 2000}, FieldType.MULTILINE, "two\nlines"),
    ("Email__c", {"type": "email"}, FieldType.EMAIL, "second@example.com"),
    ("Count__c", {"type": "double"}, FieldType.NUMBER, 2.5),
    ("Vip__c", {"type": "boolean"}, FieldType.BOOLEAN, True),
    ("Since__c", {"type": "date"}, FieldType.DATE, "2001-02-28"),
    ("Seen__c", {"type": "datetime"}, FieldType.DATETIME, "2026-11-23T08:00:00Z"),
    ("Tier__c", {"type": "picklist", "picklist": ["Gold", "Silver"]}, FieldType.OPTION, "Gold"),
    ("Likes__c", {"type": "multipicklist", "picklist": ["Art", "Jazz", "Wine"]}, FieldType.OPTIONS, ["Art", "Wine"]),
]


@pytest.mark.parametrize(("name", "details", "kind", "value"), CUSTOM)
def test_a_custom_field_is_found_written_read_and_cleared(
    account: Account, name: str, details: dict[str, object], kind: FieldType, value: Value
) -> None:
    account.api.add_field(account.user, "Contact", name, label="Ours", **details)
    connector = account.connect()
    field = next(one for one in connector.fields("Contact") if one.key == name)
    assert (field.type, field.label, field.custom, field.read_only, field.meaning) == (kind, "Ours", True, False, "")
    assert tuple(value for value, _ in field.options) == tuple(details.get("picklist", ()))  # type: ignore[arg-type]
    [made] = send(connector, create(LastName="Maes", **{name: value}))
    assert made.record is not None, made.reason
    assert made.record.values[name] == value
    assert_shape(field, made.record.values[name])
    [cleared] = send(connector, update(made.record, values={name: None}))
    assert cleared.record is not None
    assert cleared.record.values.get(name) == (False if kind is FieldType.BOOLEAN else None)


@pytest.mark.parametrize("object", ["Contact", "Lead"])
def test_owners_are_offered_with_their_addresses_and_chosen_by_them(account: Account, object: str) -> None:
    ben = account.api.add_user(account.user, "ben@example.com")
    account.api.add_user(account.user, "eva@example.com", active=False)
    connector = account.connect()
    owner = next(one for one in connector.fields(object) if one.key == "OwnerId")
    assert (owner.type, owner.meaning, owner.read_only) == (FieldType.OPTION, "owner", False)
    people = {label.partition("<")[2].rstrip(">"): value for value, label in owner.options}
    assert people.keys() == {account.user, "ben@example.com"}
    [id] = account.load(object, {"LastName": "Maes", **({"Company": "Acme"} if object == "Lead" else {})})
    shown = connector.read(object, [id], ["OwnerId"])[id]
    assert isinstance(shown, Record)
    assert shown.values == {"OwnerId": people[account.user]}
    change = Write(WriteKind.UPDATE, "m", id, shown.version, {"OwnerId": ben}, current=shown.values)
    [done] = connector.write(object, [change], ["OwnerId"])
    assert done.record is not None, done.reason
    assert done.record.values == {"OwnerId": ben}
    clearing = Write(WriteKind.UPDATE, "m", id, done.record.version, {"OwnerId": None}, current=done.record.values)
    [refused] = connector.write(object, [clearing], ["OwnerId"])
    assert (refused.outcome, refused.field) == (Outcome.REFUSED, "OwnerId")


def test_owners_are_not_mapped_unless_a_person_says_so(account: Account) -> None:
    fields = Catalogue(account.connect().fields("Contact"))
    assert "OwnerId" not in {key for spec in default_mappings(fields, fields) for key in spec.a}


def test_what_salesforce_works_out_itself_can_only_be_read(account: Account) -> None:
    account.api.add_field(account.user, "Contact", "Score__c", type="double", formula=True)
    fields = {one.key: one for one in account.connect().fields("Contact")}
    assert {key for key, one in fields.items() if one.read_only} >= {"Name", "Score__c", "IsEmailBounced"}
    assert all(one.reason for one in fields.values() if one.read_only)
    [result] = send(account.connect(), create(LastName="Maes", Score__c=3.0))
    assert (result.outcome, result.field) == (Outcome.REFUSED, "Score__c")


def test_ids_stamps_and_the_field_for_marks_are_no_content(account: Account) -> None:
    connector = account.connect()
    shown = {one.key for one in connector.fields("Contact")} | {one.key for one in connector.fields("Lead")}
    inner = {"Id", "AccountId", "SystemModstamp", "LastModifiedDate", "IsDeleted", "IsConverted", MARK}
    assert shown & inner == set()
    assert not any(key.endswith(("Latitude", "GeocodeAccuracy")) for key in shown)


def test_hidden_opt_outs_are_unknown_not_false(sandbox: Sandbox) -> None:
    account = Account(sandbox, hidden=["Contact.HasOptedOutOfEmail"])
    connector = account.connect()
    [id] = account.load("Contact", {"LastName": "Maes"})
    assert "HasOptedOutOfEmail" not in read(connector, id).values
    assert read(connector, id).values["DoNotCall"] is False
    account.close()


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        (
            "Contact",
            {"givenName": "FirstName", "surname": "LastName", "companyName": "Account.Name", "jobTitle": "Title"},
        ),
        (
            "Lead",
            {"givenName": "FirstName", "surname": "LastName", "companyName": "Company", "businessHomePage": "Website"},
        ),
    ],
)
def test_a_new_connection_with_outlook_pairs_what_means_the_same(
    sandbox: Sandbox, folder: str, expected: dict[str, str]
) -> None:
    account = Account(sandbox, middle_name=True)
    theirs = Catalogue(account.connect().fields(folder))
    pairs = {spec.a[0]: spec.b[0] for spec in default_mappings(Catalogue(CATALOGUE), theirs) if len(spec.a) == 1}
    prefix = "Mailing" if folder == "Contact" else ""
    expected |= {
        "title": "Salutation",
        "generation": "Suffix",
        "emailAddresses": "Email",
        "mobilePhone": "MobilePhone",
        "businessPhones": "Phone",
        "personalNotes": "Description",
        "businessAddress.city": f"{prefix}City",
        "businessAddress.countryOrRegion": f"{prefix}Country",
    }
    assert expected.items() <= pairs.items()
    assert "categories" not in pairs
    assert "displayName" not in pairs
    account.close()


def test_nothing_of_a_contact_comes_into_the_log(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connector = account.connect()
    values = {"LastName": "Secretname", "Email": "secret@example.com", "FirstName": "x" * 50}
    send(connector, create(**values), create(LastName="Secretname", Email="secret@example.com"))
    for page in connector.changes("Contact", "", keys(connector), NothingKnown()):
        assert page.records
    text = caplog.text.lower()
    assert "secret" not in text
    assert account.secrets["access_token"].lower() not in text
