from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F, Value
from pytest_django.fixtures import Settings

from config.environment import new_encryption_key
from connections.encryption import Secret, Undecryptable
from connections.models import Account


def stored(account: Account) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM connections_account WHERE id = %s", [account.pk])
        return str(cursor.fetchone()[0])


def test_the_column_holds_cipher_text_and_the_field_gives_it_back(account: Account) -> None:
    assert stored(account).startswith("gAAAA")
    assert "old" not in stored(account)
    assert dict(Account.objects.get().secrets) == {"password": "old"}


def test_update_and_bulk_create_encrypt_too(account: Account) -> None:
    Account.objects.update(secrets={"password": "new"})
    assert stored(account).startswith("gAAAA")
    [second] = Account.objects.bulk_create(
        [Account(tenant=account.tenant, name="b", app="carddav", secrets={"password": "b"})]
    )
    assert stored(second).startswith("gAAAA")
    assert [dict(secrets) for secrets in Account.objects.order_by("id").values_list("secrets", flat=True)] == [
        {"password": "new"},
        {"password": "b"},
    ]


def test_secrets_show_as_stars(account: Account) -> None:
    account.secrets = {"password": "hunter2"}
    for shown in (repr(account.secrets), str(account.secrets), f"{vars(account)}"):
        assert "hunter2" not in shown


def test_nothing_is_found_by_a_secret(account: Account) -> None:
    with pytest.raises(TypeError, match="nothing can be found"):
        Account.objects.filter(secrets={"password": "old"}).exists()
    assert Account.objects.filter(secrets__isnull=False).exists()


def test_a_dump_holds_no_secret_and_can_be_loaded(account: Account) -> None:
    dump = io.StringIO()
    call_command("dumpdata", "connections.account", "connections.tenant", stdout=dump)
    assert json.loads(dump.getvalue())[0]["fields"]["secrets"].startswith("gAAAA")
    for copy in _loaded(dump.getvalue()):
        if isinstance(copy, Account):
            assert dict(copy.secrets) == {"password": "old"}


def _loaded(text: str) -> list[object]:
    from django.core import serializers

    return [one.object for one in serializers.deserialize("json", text)]


def test_saving_a_row_again_leaves_the_cipher_text_alone(account: Account) -> None:
    before = stored(account)
    Account.objects.get().save()
    assert stored(account) == before


def test_an_old_key_still_opens_and_a_lost_one_is_said_so(account: Account, settings: Settings) -> None:
    new = new_encryption_key()
    settings.FIELD_ENCRYPTION_KEYS = [new, *settings.FIELD_ENCRYPTION_KEYS]
    assert Account.objects.get().secrets["password"] == "old"
    settings.FIELD_ENCRYPTION_KEYS = [new]
    [row] = Account.objects.all()  # a list still opens
    with pytest.raises(Undecryptable, match="FIELD_ENCRYPTION_KEYS"):
        row.secrets["password"]


def test_an_expression_can_be_assigned(account: Account) -> None:
    account.secrets = Value(Secret({"password": "x"}).sealed)  # type: ignore[assignment]
    account.token_version = F("token_version") + 1
    account.save()
    assert Account.objects.get().secrets["password"] == "x"
