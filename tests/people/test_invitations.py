"""A person comes in by an invitation and in no other way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import Invitation, Membership, Role, User
from connections.services import inviting
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"  # noqa: S105


def path(link: str) -> str:
    return link.removeprefix("http://localhost:8000")


def sign_up(client: Client, email: str) -> Any:
    return client.post(reverse("account_signup"), {"email": email, "password1": PASSWORD, "password2": PASSWORD})


def test_nobody_signs_up_without_an_invitation(client: Client) -> None:
    assert "By invitation" in client.get(reverse("account_signup")).content.decode()
    sign_up(client, "eve@example.com")
    assert not User.objects.exists()


def test_an_invited_person_chooses_a_password_and_is_a_member(client: Client) -> None:
    tenant = make_tenant(slug="acme", name="Acme")
    _, link = inviting.invite(tenant, "Anna@Example.com", Role.EDITOR, None)
    page = client.get(path(link), follow=True)
    assert "anna@example.com" in page.content.decode()
    answer = sign_up(client, "anna@example.com")
    assert answer.status_code == 302
    user = User.objects.get()
    assert (user.email, user.is_staff) == ("anna@example.com", False)
    assert Membership.objects.get(user=user, tenant=tenant).role == Role.EDITOR
    assert EmailAddress.objects.get(user=user).verified, "the link proved the address"
    assert client.session["_auth_user_id"] == str(user.pk)


def test_an_invitation_is_for_the_address_it_was_sent_to(client: Client) -> None:
    _, link = inviting.invite(make_tenant(), "anna@example.com", Role.OWNER, None)
    client.get(path(link))
    answer = sign_up(client, "eve@example.com")
    assert "This invitation is for anna@example.com" in answer.content.decode()
    assert not User.objects.exists()


def test_who_has_a_sign_in_joins_by_signing_in(client: Client) -> None:
    tenant = make_tenant()
    User.objects.create_superuser("root@example.com", PASSWORD)
    person = User.objects.create_user("anna@example.com", PASSWORD)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    _, link = inviting.invite(tenant, person.email, Role.VIEWER, None)
    sign_in = client.get(path(link))
    assert sign_in.url.startswith(reverse("account_login"))  # type: ignore[attr-defined]
    client.post(sign_in.url, {"login": person.email, "password": PASSWORD, "next": path(link)}, follow=True)  # type: ignore[attr-defined]
    assert Membership.objects.get(tenant=tenant).user == person


def test_somebody_else_who_is_signed_in_does_not_take_it(client: Client) -> None:
    tenant = make_tenant(name="Acme")
    other = User.objects.create_user("eve@example.com", PASSWORD)
    client.force_login(other)
    _, link = inviting.invite(tenant, "anna@example.com", Role.OWNER, None)
    page = client.get(path(link))
    assert page.status_code == 403
    assert "This invitation is for anna@example.com" in page.content.decode()
    assert not Membership.objects.exists()


@pytest.mark.parametrize("spoil", ["used", "expired", "replaced", "invented"])
def test_what_opens_nothing_always_looks_the_same(client: Client, spoil: str) -> None:
    tenant = make_tenant()
    invitation, link = inviting.invite(tenant, "anna@example.com", Role.OWNER, None)
    if spoil == "used":
        inviting.accept(invitation, User.objects.create_user("anna@example.com"))
    elif spoil == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif spoil == "replaced":
        inviting.invite(tenant, "anna@example.com", Role.VIEWER, None)
    else:
        link = link[:-3] + "abc/"
    page = client.get(path(link))
    assert (page.status_code, "cannot be used" in page.content.decode()) == (404, True)
    assert INVITED not in client.session
    sign_up(client, "anna@example.com")
    assert User.objects.count() == (spoil == "used")


INVITED = "invitation"


def test_an_invitation_never_weakens_a_member() -> None:
    tenant = make_tenant()
    owner = User.objects.create_user("anna@example.com")
    Membership.objects.create(tenant=tenant, user=owner, role=Role.OWNER)
    invitation, _ = inviting.invite(tenant, owner.email, Role.VIEWER, None)
    assert inviting.accept(invitation, owner).role == Role.OWNER


def test_the_link_itself_is_not_stored() -> None:
    _, link = inviting.invite(make_tenant(), "anna@example.com", Role.OWNER, None)
    token = link.rstrip("/").rpartition("/")[2]
    assert token not in str(Invitation.objects.values().get())


def test_staff_get_the_link_to_hand_over_where_no_mail_is_set_up(client: Client, settings: Any) -> None:
    tenant = make_tenant()
    staff = User.objects.create_superuser("root@example.com", PASSWORD)
    Authenticator.objects.create(user=staff, type=Authenticator.Type.TOTP, data={})
    client.force_login(staff)
    page = reverse("admin:connections_tenant_invite", args=[tenant.pk])
    assert "Mail is not set up" in client.get(page).content.decode()
    answer = client.post(page, {"email": "anna@example.com", "role": "editor"}).content.decode()
    assert "/invitations/" in answer
    assert "No mail was sent" in answer
    assert Invitation.objects.get().invited_by == staff
    assert mail.outbox == []


def test_the_invitation_is_mailed_where_mail_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "mail_is_set_up", lambda: True)
    invitation, link = inviting.invite(make_tenant(name="Acme"), "anna@example.com", Role.OWNER, None)
    assert inviting.post(invitation, link)
    [message] = mail.outbox
    assert (message.to, link in message.body) == (["anna@example.com"], True)


def test_a_password_link_works_once_and_asks_for_no_mail(client: Client) -> None:
    person = User.objects.create_user("anna@example.com", "forgotten")
    link = path(inviting.password_link(person))
    form = client.get(link, follow=True)
    address = form.redirect_chain[-1][0]
    client.post(address, {"password1": PASSWORD, "password2": PASSWORD})
    person.refresh_from_db()
    assert person.check_password(PASSWORD)
    again = Client().get(link, follow=True)
    assert 'name="password1"' not in again.content.decode()
