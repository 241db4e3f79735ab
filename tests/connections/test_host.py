from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from connections.host import connect, host_for
from connections.models import Account, DeclaredField
from connectors.base import Field, FieldType, Unsupported


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
