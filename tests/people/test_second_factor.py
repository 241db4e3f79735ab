"""Staff, and members of tenants that want it, have a second factor or reach nothing."""

from __future__ import annotations

import base64
import hmac
import re
import struct
import time
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse

from connections.checks import OURS
from connections.models import Membership, Tenant, User
from connections.secondfactor import WHY
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"  # noqa: S105


def code(secret: str, at: float | None = None) -> str:
    """RFC 6238 with the usual thirty seconds and six digits."""
    counter = struct.pack(">Q", int((at or time.time()) // 30))
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    place = digest[-1] & 15
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def log_in(client: Client, email: str) -> Any:
    return client.post(reverse("account_login"), {"login": email, "password": PASSWORD}, follow=True)


def test_a_first_member_of_staff_sets_up_the_factor_and_then_reaches_the_admin(client: Client) -> None:
    User.objects.create_superuser("root@example.com", PASSWORD)
    page = log_in(client, "root@example.com").content.decode()
    assert WHY in page
    assert client.get(reverse("admin:index")).url == reverse("mfa_index")  # type: ignore[attr-defined]

    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    form = client.get(reverse("mfa_activate_totp")).content.decode()
    secret = re.search(r'value="([A-Z2-7]{16,})"', form)
    assert secret
    client.post(reverse("mfa_activate_totp"), {"code": code(secret[1])})
    assert client.get(reverse("admin:index")).status_code == 200

    stored = Authenticator.objects.get(type=Authenticator.Type.TOTP)
    assert secret[1] not in str(stored.data), "kept encrypted"


def test_the_password_alone_does_not_sign_staff_in(client: Client) -> None:
    user = User.objects.create_superuser("root@example.com", PASSWORD)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    log_in(client, user.email)
    assert "_auth_user_id" not in client.session


def test_the_admin_has_no_sign_in_of_its_own(client: Client) -> None:
    User.objects.create_superuser("root@example.com", PASSWORD)
    form = {"username": "root@example.com", "password": PASSWORD}
    for answer in (client.get(reverse("admin:login")), client.post(reverse("admin:login"), form)):
        assert answer["Location"].startswith(reverse("account_login"))
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(("asked", "stopped"), [(True, True), (False, False)])
def test_a_tenant_may_ask_its_members_for_one(client: Client, asked: bool, stopped: bool) -> None:
    person = User.objects.create_user("anna@example.com", PASSWORD)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    Membership.objects.create(tenant=make_tenant(second_factor=asked), user=person)
    page = log_in(client, person.email).content.decode()
    assert (WHY in page) is stopped


def test_the_demo_on_this_machine_does_without(client: Client, settings: Any) -> None:
    settings.DEMO = True
    User.objects.create_superuser("admin@demo.example", PASSWORD)
    log_in(client, "admin@demo.example")
    assert client.get(reverse("admin:index")).status_code == 200


def test_a_demo_for_the_world_is_refused_and_asks_for_the_factor(client: Client, settings: Any) -> None:
    settings.DEMO, settings.PUBLIC_URL = True, "https://pairwise.example.com"
    assert [problem.id for problem in run_checks(tags=[OURS])] == ["connections.E005"]
    User.objects.create_superuser("admin@demo.example", PASSWORD)
    log_in(client, "admin@demo.example")
    assert client.get(reverse("admin:index")).status_code == 302


def test_signing_in_is_limited(client: Client) -> None:
    user = User.objects.create_superuser("root@example.com", PASSWORD)
    for _ in range(6):
        client.post(reverse("account_login"), {"login": user.email, "password": "wrong"})
    log_in(client, user.email)
    assert "_auth_user_id" not in client.session


def test_tenants_ask_for_no_factor_unless_told() -> None:
    assert not Tenant().second_factor
