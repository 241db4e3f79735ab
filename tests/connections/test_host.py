from __future__ import annotations

from typing import Any

import orjson
import pytest
from pytest_django.fixtures import Settings

from connections.engine.observe import StoredVersions
from connections.host import connect, host_for
from connections.models import Account, DeclaredField, Item, Label, Tenant
from connectors.base import Field, FieldType, Unsupported
from tests.factories import make_account, make_connection, make_folder, set_rules


def test_a_host_brings_what_belongs_to_the_account(account: Account, settings: Settings) -> None:
    settings.APP_SETTINGS = {"CARDDAV_SETTLE_AFTER": "3", "OUTLOOK_CLIENT_ID": "x"}
    DeclaredField.objects.create(tenant=account.tenant, account=account, name="Shoe", type="number")
    host = host_for(account)
    assert host.base_url == "http://127.0.0.1:1/"
    assert host.vault.current().values == {"password": "old"}
    assert host.settings == {"settle_after": "3"}
    assert host.declared == [Field("Shoe", "Shoe", FieldType.NUMBER, custom=True)]
    assert "old" not in repr(host.vault.current())


def test_an_account_of_an_app_that_is_gone_is_named(account: Account) -> None:
    account.app = "fax"
    with pytest.raises(Unsupported, match="Account anna: the app 'fax' is not part"):
        connect(account)


def test_the_labels_that_matter_are_those_of_which_its_connections_speak(tenant: Tenant) -> None:
    mine, other = make_account(tenant, name="mine"), make_account(tenant, name="other")
    connection = make_connection(
        make_folder(mine, "m"), make_folder(other, "o"), deletions_b_to_a="label", deletion_label_b_to_a="Gone"
    )
    names = ("In", "Put", "Back", "Gone", "Unused")
    for account in (mine, other):
        for name in names:
            Label.objects.create(tenant=tenant, account=account, remote_id=name.lower(), name=name, kind="list")
    assert host_for(mine).watched() == {"gone"}
    set_rules(
        connection,
        [
            {"name": "1", "direction": "a_to_b", "if": [{"label": "in", "in": True}], "then": [{"add_label": "Put"}]},
            {"name": "2", "direction": "b_to_a", "enabled": False, "if": [{"label": "Back", "in": False}]},
        ],
    )
    assert host_for(mine).watched() == {"gone", "in"}
    assert host_for(other).watched() == {"put", "back"}


def test_the_mirror_of_a_rule_speaks_of_labels_on_the_other_side(tenant: Tenant) -> None:
    mine, other = make_account(tenant, name="mine"), make_account(tenant, name="other")
    connection = make_connection(make_folder(mine, "m"), make_folder(other, "o"))
    Label.objects.create(tenant=tenant, account=other, remote_id="7", name="In", kind="list")
    lines = {"name": "1", "direction": "a_to_b", "if": [{"label": "In", "in": True}], "then": [{"add_label": "In"}]}
    set_rules(connection, [{**lines, "mirror": True}])
    assert host_for(other).watched() == {"7"}


def test_what_is_known_to_carry_a_label_is_told_for_each_folder(tenant: Tenant) -> None:
    folder, other = (make_folder(make_account(tenant, name=name), name) for name in "ab")
    items: list[tuple[Any, str, list[str], str]] = [
        (folder, "1", ["12"], ""),
        (folder, "2", ["1", "2"], ""),
        (folder, "3", ["12"], "left"),
        (other, "4", ["12"], ""),
    ]
    for place, id, labels, departed in items:
        Item.objects.create(folder=place, remote_id=id, labels=orjson.dumps(labels).decode(), departed=departed)
    known = StoredVersions(folder.pk)
    assert (known.labelled("12"), known.labelled("2"), known.labelled("")) == (["1"], ["2"], [])
