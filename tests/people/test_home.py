from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from connections.models import Account, Connection, Membership, Pair, User
from tests.factories import make_account, make_connection, make_folder, make_tenant

pytestmark = pytest.mark.django_db


def connection_of(name: str) -> Connection:
    tenant = make_tenant(name=f"{name} Ltd")
    a, b = (make_folder(make_account(tenant, name=f"{name}-{side}")) for side in "ab")
    return make_connection(a, b, name=f"{name}-sync")


def test_a_member_sees_the_connections_of_the_own_organisation_and_of_no_other(client: Client) -> None:
    ours, theirs = connection_of("acme"), connection_of("globex")
    Account.objects.filter(name="acme-a").update(state="auth", reason="the password changed")
    Pair.objects.create(connection=ours, title="Ada Byron", health="in_sync")
    person = User.objects.create_user("anna@example.com")
    Membership.objects.create(tenant=ours.tenant, user=person)
    client.force_login(person)
    page = client.get(reverse("home")).content.decode()
    assert "acme-sync" in page
    assert "the password changed" in page
    assert "1 in sync" in page
    assert "Ada Byron" not in page, "numbers, no contacts"
    assert "globex" not in page
    assert theirs.name not in page


def test_who_belongs_nowhere_is_told_so(client: Client) -> None:
    connection_of("acme")
    client.force_login(User.objects.create_user("anna@example.com"))
    page = client.get(reverse("home")).content.decode()
    assert "You belong to no organisation here" in page
    assert "acme" not in page


def test_staff_arrive_in_the_admin(client: Client) -> None:
    user = User.objects.create_user("root@example.com", is_staff=True)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    client.force_login(user)
    assert client.get(reverse("home"))["Location"] == reverse("admin:index")


def test_nobody_arrives_without_signing_in(client: Client) -> None:
    assert client.get(reverse("home"))["Location"].startswith(reverse("account_login"))
