from __future__ import annotations

import pytest
from django.db import DatabaseError
from django.test import Client
from pytest_django.fixtures import Settings

from connections import canary
from connections.views import health

pytestmark = [pytest.mark.django_db, pytest.mark.redis]


def test_probes_need_no_sign_in_and_say_whether_all_is_well(client: Client) -> None:
    canary.sing()
    for probe in ("live", "ready", "queue"):
        answer = client.get(f"/health/{probe}")
        assert (answer.status_code, answer.json()["ok"]) == (200, True)


def test_a_queue_that_nobody_works_off_is_reported(client: Client, settings: Settings) -> None:
    canary.sing()
    settings.SUPERVISE_STALL = 0
    assert client.get("/health/queue").status_code == 503


def test_a_database_that_does_not_answer_is_reported(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(connection: object) -> None:
        raise DatabaseError("secret host name")

    monkeypatch.setattr(health, "MigrationExecutor", down)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert b"secret" not in answer.content
    assert client.get("/health/live").status_code == 200


def test_every_page_carries_the_strict_policy_and_is_closed(client: Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_nobody_can_sign_up_uninvited(client: Client) -> None:
    data = {"email": "eve@example.com", "password1": "correct horse battery", "password2": "correct horse battery"}
    client.post("/accounts/signup/", data)
    from connections.models import User

    assert not User.objects.exists()
