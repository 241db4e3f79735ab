from __future__ import annotations

import io

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.management import call_command
from pytest_django.fixtures import Settings

from config.environment import new_encryption_key
from connections.adapters import EncryptingMFAAdapter
from connections.models import Account, User

pytestmark = pytest.mark.postgres


def test_after_a_rotation_the_new_key_alone_opens_everything(
    account: Account, operator: User, settings: Settings
) -> None:
    adapter = EncryptingMFAAdapter()
    Authenticator.objects.create(
        user=operator, type="recovery_codes", data={"seed": adapter.encrypt("s33d"), "used": [1], "note": "x"}
    )
    new = new_encryption_key()
    settings.FIELD_ENCRYPTION_KEYS = [new, *settings.FIELD_ENCRYPTION_KEYS]
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    assert out.getvalue().startswith("3 secrets")
    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert dict(Account.objects.get().secrets) == {"password": "old"}
    data = Authenticator.objects.get().data
    assert (adapter.decrypt(data["seed"]), data["used"], data["note"]) == ("s33d", [1], "x")


def test_a_row_no_key_opens_is_named_and_left_as_it_is(account: Account, settings: Settings) -> None:
    old = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = [new_encryption_key()]
    err = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("rotate_keys", stdout=io.StringIO(), stderr=err)
    assert f"account {account.pk}" in err.getvalue()
    settings.FIELD_ENCRYPTION_KEYS = old
    assert Account.objects.get().secrets["password"] == "old"


def test_a_new_key_can_be_used_as_it_is_printed() -> None:
    out, err = io.StringIO(), io.StringIO()
    call_command("rotate_keys", "--new", stdout=out, stderr=err)
    Fernet(out.getvalue().strip())
    assert "FIELD_ENCRYPTION_KEYS" in err.getvalue()
