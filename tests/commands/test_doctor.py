from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import DatabaseError, connection
from pytest_django.fixtures import Settings

from config.environment import new_encryption_key
from connections import canary, host
from connections.models import Account, AccountState
from connections.services import inviting
from connectors.base import AuthLost, Unavailable
from connectors.sandbox import Sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.postgres, pytest.mark.redis]


class Well:
    def check(self) -> str:
        return "anna@example.com"

    def folders(self) -> list[str]:
        return ["contacts", "family"]


def doctor(monkeypatch: pytest.MonkeyPatch, connector: Any = None, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    monkeypatch.setattr(host, "connect", lambda account: connector or Well())
    out, code = io.StringIO(), 0
    try:
        call_command("doctor", "--json", *more, stdout=out)
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
        *("settings", "database", "migrations", "keys", "cache", "broker", "cluster", "mail", "news"),
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
    assert "     Start `python manage.py supervise`, and see what it prints." in lines


def test_a_test_mail_goes_out_or_says_what_to_check(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(inviting, "SILENT", ())
    code, found = doctor(monkeypatch, None, "--mail", "root@example.com")
    assert (code, found["mail"]["text"]) == (0, "The mail server took a mail to root@example.com.")
    assert [letter.to for letter in mail.outbox] == [["root@example.com"]]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    code, found = doctor(monkeypatch, None, "--mail", "root@example.com")
    assert code == 1
    assert "EMAIL_URL" in found["mail"]["cure"]


def test_without_mail_set_up_a_test_mail_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    code, found = doctor(monkeypatch, None, "--mail", "root@example.com")
    assert (code, found["mail"]["cure"]) == (1, "Set EMAIL_URL to your mail server.")


def test_a_provider_for_signing_in_is_asked_whether_it_is_one(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    with Sandbox() as sandbox:
        settings.SIGN_IN_ISSUER = f"{sandbox.url}/microsoft/contoso.example/v2.0"
        assert doctor(monkeypatch)[1]["sign-in"]["ok"]
        settings.SIGN_IN_ISSUER = f"{sandbox.url}/elsewhere"
        found = doctor(monkeypatch)[1]["sign-in"]
        assert (found["ok"], "SIGN_IN_ISSUER" in found["cure"]) == (False, True)
