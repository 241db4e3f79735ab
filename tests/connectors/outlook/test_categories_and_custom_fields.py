"""The connector against the sandbox, over real HTTP."""

from __future__ import annotations

import pytest

from connectors.base import (
    FieldType,
    Forbidden,
    Outcome,
    Write,
    WriteKind,
)
from connectors.outlook import extended
from tests.connectors.outlook.conftest import Account, contacts_of
from tests.connectors.outlook.steps import ANNA, KEYS, listed, news, record_of, update

# ---- categories


def test_categories_are_labels_by_the_master_lists_id(account: Account) -> None:
    account.load({**ANNA, "categories": ["VIP", "Stray"]})
    connector = account.connect()
    folder = contacts_of(connector)
    vip = connector.create_label(folder, "VIP")
    assert vip.id != "VIP"
    assert connector.create_label(folder, "vip") == vip
    assert {label.name for label in connector.labels(folder)} >= {"VIP", "Red category"}
    [anna] = listed(connector, folder)[0].values()
    assert anna.labels == {vip.id, "Stray"}
    assert anna.values["categories"] == [{"value": "VIP"}, {"value": "Stray"}]
    red = next(label.id for label in connector.labels(folder) if label.name == "Red category")
    change = Write(
        WriteKind.UPDATE,
        "u",
        anna.id,
        anna.version,
        {"surname": "P"},
        frozenset({red, vip.id}),
        frozenset({"stray"}),
        anna.values,
        anna.body,
    )
    shown = record_of(connector.write(folder, [change], ["surname"])[0])
    assert shown.labels == {vip.id, red}
    assert account.contacts()[0]["categories"] == ["VIP", "Red category"]


def test_without_the_scope_the_carried_categories_are_the_labels(account: Account) -> None:
    issued = account.api.issue_tokens(account.email, scope="openid offline_access User.Read Contacts.ReadWrite")
    account.load({**ANNA, "categories": ["VIP"]}, {**ANNA, "categories": ["Team"]})
    for scope in (issued["scope"], ""):
        secrets = {**{name: issued[name] for name in ("access_token", "refresh_token")}, "scope": scope}
        connector = account.connect(secrets)
        folder = contacts_of(connector)
        assert [label.id for label in connector.labels(folder)] == ["Team", "VIP"]
        new = connector.create_label(folder, "New")
        assert new.id == "New"
        [first, *_] = listed(connector, folder)[0].values()
        assert first.labels == {"VIP"}
        change = Write(WriteKind.UPDATE, "u", first.id, first.version, add_labels=frozenset({"New"}), body=first.body)
        shown = record_of(connector.write(folder, [change], KEYS)[0])
        assert shown.labels == {"VIP", "New"}
        undo = Write(WriteKind.UPDATE, "u", shown.id, shown.version, remove_labels=frozenset({"New"}), body=shown.body)
        assert record_of(connector.write(folder, [undo], KEYS)[0]).labels == {"VIP"}


def test_a_category_that_is_no_more_is_refused_not_written_as_its_id(account: Account) -> None:
    connector = account.connect()
    folder = contacts_of(connector)
    lost = frozenset({"5a9a6aa8-b65f-4357-b1f9-60c6bf6330d8"})
    [result] = connector.write(folder, [Write(WriteKind.CREATE, "m", values={"surname": "X"}, add_labels=lost)], KEYS)
    assert (result.outcome, result.field) == (Outcome.REFUSED, "categories")
    assert account.contacts() == []


def test_a_passing_refusal_of_the_list_does_not_change_what_labels_are_called(account: Account) -> None:
    account.load({**ANNA, "categories": ["Red category"]})
    connector = account.connect()
    folder = contacts_of(connector)
    account.fault("error", path="/masterCategories$", status=403)
    with pytest.raises(Forbidden):
        listed(connector, folder)
    [anna] = listed(connector, folder)[0].values()
    assert anna.labels
    assert anna.labels != {"Red category"}


# ---- declared fields


def test_declared_fields_are_written_read_and_cleared(account: Account) -> None:
    tier, size = extended.declare("Tier"), extended.declare("Size", FieldType.NUMBER)
    born, fax = (
        extended.declare("SystemTime 0x3A41", FieldType.DATE),
        extended.declare("String 0x3A24", FieldType.PHONE),
    )
    declared = (tier, size, born, fax)
    connector = account.connect(declared=declared)
    folder = contacts_of(connector)
    assert connector.fields(folder)[-4:] == list(declared)
    keys = ["givenName", *(field.key for field in declared)]
    values = {"givenName": "A", tier.key: "gold", size.key: 42, born.key: "2001-02-03", fax.key: "+32 9"}
    before = account.requests()
    made = record_of(connector.write(folder, [Write(WriteKind.CREATE, "m", values=values)], keys)[0])
    assert account.requests() - before == 2
    assert made.values == values
    assert listed(connector, folder, keys)[0][made.id].values == values
    patch = {tier.key: None, size.key: 1.5, born.key: None}
    after = record_of(connector.write(folder, [update(made, **patch)], keys)[0])
    assert after.values == {"givenName": "A", size.key: 1.5, fax.key: "+32 9"}


def test_only_changed_contacts_are_read_for_declared_fields(account: Account) -> None:
    tier = extended.declare("Tier")
    id = tier.key.removeprefix(extended.PREFIX)
    ids = account.load(*[{**ANNA, "singleValueExtendedProperties": [{"id": id, "value": "gold"}]} for _ in range(30)])
    account.settings["page_size"] = "200"
    connector = account.connect(declared=(tier,))
    folder = contacts_of(connector)
    before = account.requests()
    records, cursor = listed(connector, folder, [tier.key])
    assert account.requests() - before == 1 + 2
    assert {record.values[tier.key] for record in records.values()} == {"gold"}
    for one in ids[:3]:
        account.edit(one, surname="Edited")
    before = account.requests()
    [page] = news(connector, folder, cursor, *records.values(), fields=[tier.key])
    assert [record.values for record in page.records] == [{tier.key: "gold"}] * 3
    assert account.requests() - before == 1 + 1
    before = account.requests()
    news(connector, folder, page.cursor, fields=[tier.key])
    assert account.requests() - before == 1


def test_a_declared_field_is_tried_on_a_contact(account: Account) -> None:
    connector = account.connect()
    folder = contacts_of(connector)
    tier = extended.declare("Tier")
    assert connector.try_declared(folder, tier) is None
    account.load({**ANNA, "singleValueExtendedProperties": [{"id": tier.key.removeprefix("ext:"), "value": "gold"}]})
    assert connector.try_declared(folder, tier) == "gold"
    assert connector.try_declared(folder, extended.declare("Other")) is None


# ---- settings


def test_waiting_times_can_be_set(account: Account) -> None:
    assert account.connect().capabilities.settle_after == 420
    account.settings |= {"settle_after": "2", "visible_after": "0.5"}
    capabilities = account.connect().capabilities
    assert (capabilities.settle_after, capabilities.visible_after) == (2.0, 0.5)
