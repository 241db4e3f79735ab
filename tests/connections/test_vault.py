from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection
from pytest_django.fixtures import Settings

from config.environment import new_encryption_key
from connections.engine.leases import claim
from connections.host import SystemClock
from connections.models import Account, AccountState
from connections.vault import RENEWAL, DatabaseVault
from connectors.base import AuthLost, Secrets, Unavailable
from tests.connectors.host import VirtualClock

pytestmark = pytest.mark.postgres


@pytest.mark.django_db(transaction=True)
def test_eight_workers_with_a_refused_token_renew_it_once(account: Account) -> None:
    asked: list[str] = []
    together = threading.Barrier(8)

    def refresh(old: Mapping[str, str]) -> Mapping[str, str]:
        assert not connection.in_atomic_block
        asked.append(old["password"])
        threading.Event().wait(0.05)
        return {"password": f"new {len(asked)}"}

    def work() -> Secrets:
        try:
            vault = DatabaseVault(account.pk, SystemClock())
            failed = vault.current().version
            together.wait(20)
            return vault.renew(refresh, failed)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = [future.result() for future in [pool.submit(work) for _ in range(8)]]
    assert asked == ["old"]
    assert found == [Secrets({"password": "new 1"}, 2)] * 8
    account.refresh_from_db()
    assert dict(account.secrets) == {"password": "new 1"}


def test_what_the_app_does_not_repeat_is_kept(account: Account) -> None:
    Account.objects.update(secrets={"access_token": "a", "refresh_token": "r"})
    secrets = DatabaseVault(account.pk, VirtualClock()).renew(lambda old: {"access_token": "b"}, 1)
    assert secrets == Secrets({"access_token": "b", "refresh_token": "r"}, 2)
    assert dict(Account.objects.get().secrets) == secrets.values


def test_somebody_elses_newer_token_is_taken_without_asking(account: Account) -> None:
    vault = DatabaseVault(account.pk, VirtualClock())
    assert vault.current().version == 1
    Account.objects.update(secrets={"password": "newer"}, token_version=2)
    secrets = vault.renew(lambda old: pytest.fail("asked the app"), 1)
    assert secrets == Secrets({"password": "newer"}, 2) == vault.current()


def test_a_refused_renewal_marks_the_account(account: Account) -> None:
    def refresh(old: Mapping[str, str]) -> Mapping[str, str]:
        raise AuthLost("Anna must connect again.")

    with pytest.raises(AuthLost, match="connect again"):
        DatabaseVault(account.pk, VirtualClock()).renew(refresh, 1)
    account.refresh_from_db()
    assert (account.state, account.reason) == (AccountState.NEEDS_AUTHORISATION, "Anna must connect again.")
    DatabaseVault(account.pk, VirtualClock()).renew(lambda old: {"password": "new"}, 1)
    account.refresh_from_db()
    assert (account.state, account.reason) == (AccountState.ACTIVE, "")


def test_credentials_entered_during_a_renewal_win(account: Account) -> None:
    def refresh(old: Mapping[str, str]) -> Mapping[str, str]:
        Account.objects.update(secrets={"password": "entered"}, token_version=2)
        raise AuthLost("the old one is refused")

    assert DatabaseVault(account.pk, VirtualClock()).renew(refresh, 1) == Secrets({"password": "entered"}, 2)
    account.refresh_from_db()
    assert account.state == AccountState.ACTIVE


def test_a_rotated_token_survives_a_busy_database(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    vault, attempts = DatabaseVault(account.pk, VirtualClock()), []
    row = vault._row

    def busy(version: int) -> object:
        attempts.append(version)
        if len(attempts) < 4:
            raise OperationalError("database is locked")
        return row(version)

    monkeypatch.setattr(vault, "_row", busy)
    vault.renew(lambda old: {"password": "rotated"}, 1)
    assert dict(Account.objects.get().secrets) == {"password": "rotated"}


def test_a_worker_that_died_while_renewing_blocks_nobody_for_ever(account: Account) -> None:
    clock = VirtualClock()
    claim(f"renewal:{account.pk}", "dead", clock, RENEWAL)
    secrets = DatabaseVault(account.pk, clock).renew(lambda old: {"password": "new"}, 1)
    assert secrets.version == 2
    assert sum(clock.slept) == pytest.approx(RENEWAL, abs=1)


def test_a_renewal_that_never_ends_is_reported(account: Account) -> None:
    clock = VirtualClock()
    claim(f"renewal:{account.pk}", "alive", clock, 10 * RENEWAL)
    with pytest.raises(Unavailable, match="Another worker renews"):
        DatabaseVault(account.pk, clock).renew(lambda old: {}, 1)


def test_a_lost_encryption_key_asks_for_the_credentials(account: Account, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [new_encryption_key()]
    with pytest.raises(AuthLost, match="Account anna: .* enter the credentials again"):
        DatabaseVault(account.pk, VirtualClock()).current()
