from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from pytest_django.fixtures import Settings

from config.environment import new_encryption_key
from connections import canary, host
from connections.models import Account, AccountState
from connectors.base import AuthLost, Unavailable

pytestmark = [pytest.mark.django_db, pytest.mark.postgres, pytest.mark.redis]


class Well:
    def check(self) -> str:
        return "anna@example.com"

    def folders(self) -> list[str]:
        return ["contacts", "family"]


def doctor(monkeypatch: pytest.MonkeyPatch, connector: Any = None) -> tuple[int, dict[str, dict[str, Any]]]:
    monkeypatch.setattr(host, "connect", lambda account: connector or Well())
    out, code = io.StringIO(), 0
    try:
        call_command("doctor", "--json", stdout=out)
    except SystemExit as end:
        code = int(end.code or 0)
    report = json.loads(out.getvalue())
    assert report["ok"] == (code == 0)
    return code, {finding["what"]: finding for finding in report["findings"]}


@pytest.fixture(autouse=True)
def _working_cluster(db: None) -> None:
    canary.sing()


def test_a_healthy_installation_has_nothing_to_cure(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    code, found = doctor(monkeypatch)
    assert code == 0
    assert set(found) == {
        *("settings", "database", "migrations", "keys", "cache", "broker", "cluster"),
        "account acme/anna",
    }
    assert found["account acme/anna"]["text"] == "Signed in as anna@example.com, sees 2 folders."
    assert not any(finding["cure"] for finding in found.values())


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (AuthLost("Anna must connect again."), "Open the account in the admin"),
        (Unavailable("dav.example.com cannot be reached."), "may pass by itself"),
        (KeyError("token=secret"), "Please report"),
    ],
)
def test_an_account_that_does_not_work_says_why(
    account: Account, monkeypatch: pytest.MonkeyPatch, error: Exception, cure: str
) -> None:
    class Broken(Well):
        def check(self) -> str:
            raise error

    code, found = doctor(monkeypatch, Broken())
    finding = found["account acme/anna"]
    assert code == 1
    assert cure in finding["cure"]
    assert "secret" not in finding["text"]


def test_a_paused_account_is_not_asked(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    Account.objects.update(state=AccountState.PAUSED, reason="holidays")
    code, found = doctor(monkeypatch, object())
    assert code == 0
    assert "holidays" in found["account acme/anna"]["text"]


def test_a_lost_key_and_a_silent_cluster_are_found(
    account: Account, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [new_encryption_key()]
    settings.SUPERVISE_STALL = 0
    code, found = doctor(monkeypatch)
    assert code == 1
    assert "credentials of: anna" in found["keys"]["text"]
    assert "supervise" in found["cluster"]["cure"]


def test_wrong_settings_are_named(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["short"]
    code, found = doctor(monkeypatch)
    assert code == 1
    assert "connections.E002" in found["settings"]["text"]
    assert "rotate_keys --new" in found["settings"]["cure"]


def test_without_a_database_the_rest_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> Any:
        raise DatabaseError("password=secret")

    monkeypatch.setattr(connection, "cursor", down)
    code, found = doctor(monkeypatch)
    assert code == 1
    assert list(found) == ["settings", "database"]
    assert "secret" not in found["database"]["text"]


def test_people_read_one_line_per_finding_and_its_cure(settings: Settings) -> None:
    settings.SUPERVISE_STALL = 0
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", "--no-accounts", "--no-color", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[1] == "ok   database: SQLite answers." or lines[1] == "ok   database: PostgreSQL answers."
    assert lines[-1] == "     Start `python manage.py supervise`, and see what it prints."
