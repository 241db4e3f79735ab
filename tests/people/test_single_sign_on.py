"""Signing in through an OpenID Connect provider, played by the sandbox: whom it may let in, and whom not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from connections.models import Membership, Role, User
from connections.services import inviting
from connectors.outlook.sandbox.control import OutlookSandbox
from connectors.sandbox import Sandbox
from tests.factories import make_tenant
from tests.people.test_invitations import PASSWORD, path

pytestmark = pytest.mark.django_db
ANNA = "anna@example.com"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def provider(sandbox: Sandbox, settings: LazySettings) -> OutlookSandbox:
    """One that does not say of any address that it is verified."""
    settings.SOCIALACCOUNT_PROVIDERS = made = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [{}]}}
    made["openid_connect"]["APPS"] = [
        {
            "provider_id": "sso",
            "name": "Acme's sign-in",
            "client_id": "pairwise",
            "secret": "",
            "settings": {
                "server_url": f"{sandbox.url}/microsoft/acme.example/v2.0",
                "verified_email": ["trusted.example"],
            },
        }
    ]
    api: OutlookSandbox = sandbox.part("outlook")
    for email in (ANNA, "anna@trusted.example"):
        if email not in {mailbox.email for mailbox in api.store.mailboxes()}:
            api.add_account(email)
    return api


def sign_in(client: Client, email: str, decision: str = "accept") -> Any:
    away = client.post(reverse("openid_connect_login", args=["sso"]))
    assert away.status_code == 302, away.content
    address, _, query = away["Location"].partition("?")
    data = dict(parse_qsl(query))
    assert "code_challenge" in data
    back = requests.post(
        address, data={**data, "account": email, "decision": decision}, allow_redirects=False, timeout=10
    )
    where = urlsplit(back.headers["Location"])
    return client.get(f"{where.path}?{where.query}", follow=True)


def known(email: str) -> User:
    user = User.objects.create_user(email, PASSWORD)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def test_the_page_offers_the_provider_only_where_there_is_one(client: Client, provider: OutlookSandbox) -> None:
    assert "Sign in with Acme&#x27;s sign-in" in client.get(reverse("account_login")).content.decode()


def test_without_a_provider_the_page_offers_none(client: Client) -> None:
    assert "Sign in with" not in client.get(reverse("account_login")).content.decode().replace("passkey", "")


def test_who_is_known_by_an_address_the_provider_vouches_for_is_signed_in(
    client: Client, provider: OutlookSandbox
) -> None:
    user = known("anna@trusted.example")
    sign_in(client, user.email)
    assert client.session["_auth_user_id"] == str(user.pk)
    assert User.objects.count() == 1


def test_an_address_that_nobody_vouches_for_opens_nobodys_door(client: Client, provider: OutlookSandbox) -> None:
    known(ANNA)
    page = sign_in(client, ANNA)
    assert "_auth_user_id" not in client.session
    assert "By invitation" in page.content.decode()


def test_a_stranger_is_not_let_in(client: Client, provider: OutlookSandbox) -> None:
    page = sign_in(client, "anna@trusted.example")
    assert "By invitation" in page.content.decode()
    assert not User.objects.exists()


def test_an_invited_person_joins_through_the_provider_without_a_password(
    client: Client, provider: OutlookSandbox
) -> None:
    tenant = make_tenant(slug="acme")
    _, link = inviting.invite(tenant, ANNA, Role.EDITOR, None)
    client.get(path(link))
    sign_in(client, ANNA)
    user = User.objects.get()
    assert (user.email, user.has_usable_password()) == (ANNA, False)
    assert Membership.objects.get(user=user, tenant=tenant).role == Role.EDITOR


def test_an_invitation_for_another_address_is_not_used_up(client: Client, provider: OutlookSandbox) -> None:
    _, link = inviting.invite(make_tenant(), "bert@example.com", Role.OWNER, None)
    client.get(path(link))
    sign_in(client, ANNA)
    assert not User.objects.exists()
    assert not Membership.objects.exists()


def test_the_second_factor_is_asked_for_all_the_same(client: Client, provider: OutlookSandbox) -> None:
    user = known("anna@trusted.example")
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    page = sign_in(client, user.email)
    assert "_auth_user_id" not in client.session
    assert page.redirect_chain[-1][0] == reverse("mfa_authenticate")


def test_who_says_no_at_the_provider_is_told_so_and_can_begin_again(client: Client, provider: OutlookSandbox) -> None:
    page = sign_in(client, ANNA, decision="decline").content.decode()
    assert "so nothing has changed" in page
    assert reverse("account_login") in page
    assert not User.objects.exists()
