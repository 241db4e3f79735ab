"""One link from the mail to the connected account: for strangers, members, and accounts to be connected again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import Account, AccountState, ConnectRequest, Membership, Role, Tenant, User
from connections.services import asking, inviting
from connectors.registry import app as app_of
from tests.admin.conftest import sign_in
from tests.factories import make_account, make_connection, make_folder
from tests.people.conftest import Person, member

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"  # noqa: S105
MAIL = "anna@contoso.example"
CONNECT = "/tenants/acme/accounts/add/outlook/"


def path(link: str) -> str:
    return link.removeprefix("http://localhost:8000")


def asked(tenant: Tenant, email: str = "new@example.com", **more: Any) -> tuple[ConnectRequest, str]:
    request, link = asking.ask(tenant, app_of(more.pop("app", "outlook")), email, None, **more)
    return request, path(link)


def test_a_stranger_signs_up_and_connects_in_one_go(acme: Tenant, outlook: Any, client: Client) -> None:
    outlook.add_account(MAIL)
    request, link = asked(acme)
    sign_up = client.get(link)
    form = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD, "next": link}
    arrived = client.post(sign_up["Location"], form, follow=True)
    assert arrived.redirect_chain[-1][0] == CONNECT
    user = User.objects.get()
    assert Membership.objects.get().role == Role.EDITOR
    request.refresh_from_db()
    assert request.state == "opened"
    person = Person(user, acme, client)
    assert person.connect(MAIL).status_code == 302
    request.refresh_from_db()
    assert (request.state, request.made, request.made and request.made.owner) == (
        "connected",
        Account.objects.get(),
        user,
    )
    assert client.get(link).status_code == 404, "it works once"


def test_who_has_a_sign_in_uses_it(acme: Tenant, outlook: Any, client: Client) -> None:
    person = User.objects.create_user("new@example.com", PASSWORD)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    _, link = asked(acme)
    answer = client.get(link)
    assert answer["Location"].startswith(reverse("account_login"))
    form = {"login": person.email, "password": PASSWORD, "next": link}
    arrived = client.post(answer["Location"], form, follow=True)
    assert arrived.redirect_chain[-1][0] == CONNECT


def test_a_member_arrives_at_once_and_a_viewer_may(acme: Tenant, outlook: Any) -> None:
    viewer = Person(member(acme, role=Role.VIEWER), acme)
    assert viewer.client.get(CONNECT).status_code == 403
    _, link = asked(acme, viewer.user.email)
    assert viewer.client.get(link)["Location"] == CONNECT
    assert viewer.client.get(CONNECT).status_code == 200


def test_an_owner_stays_one(acme: Tenant, outlook: Any) -> None:
    owner = Person(member(acme, role=Role.OWNER), acme)
    owner.client.get(asked(acme, owner.user.email)[1])
    assert Membership.objects.get().role == Role.OWNER


def test_an_invitation_that_promised_more_is_kept(acme: Tenant, outlook: Any, client: Client) -> None:
    inviting.invite(acme, "new@example.com", Role.OWNER, None)
    link = asked(acme)[1]
    form = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD, "next": link}
    client.post(client.get(link)["Location"], form)
    assert Membership.objects.get().role == Role.OWNER


def test_it_is_for_one_address(acme: Tenant, globex: Tenant) -> None:
    eve = Person(member(globex, "eve@example.com"), globex)
    request, link = asked(acme)
    answer = eve.client.get(link)
    assert answer.status_code == 403
    assert "for new@example.com" in answer.content.decode()
    assert not Membership.objects.filter(tenant=acme).exists()
    request.refresh_from_db()
    assert request.state == "sent"


@pytest.mark.parametrize("spoil", ["used", "expired", "replaced", "withdrawn", "invented"])
def test_what_opens_nothing_always_looks_the_same(acme: Tenant, anna: Person, client: Client, spoil: str) -> None:
    request, link = asked(acme)
    if spoil == "used":
        ConnectRequest.objects.update(done_at=timezone.now())
    elif spoil == "expired":
        ConnectRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        request.refresh_from_db()
        assert request.state == "expired"
    elif spoil == "replaced":
        asked(acme)
    elif spoil == "withdrawn":
        request.delete()
    else:
        link = link[:-4] + "abc/"
    for visitor in (client, anna.client):
        answer = visitor.get(link)
        assert (answer.status_code, "cannot be used" in answer.content.decode()) == (404, True)
    assert "invitation" not in client.session


def test_another_app_or_tenant_does_not_fulfil_it(anna: Person, globex: Tenant, outlook: Any) -> None:
    outlook.add_account(MAIL)
    here, _ = asked(anna.tenant, anna.user.email, app="salesforce")
    there, _ = asked(globex, anna.user.email)
    ours, _ = asked(anna.tenant, anna.user.email)
    assert anna.connect(MAIL).status_code == 302
    for request in (here, there, ours):
        request.refresh_from_db()
    assert [request.state for request in (here, there, ours)] == ["sent", "sent", "connected"]


def test_an_account_is_connected_again_by_a_link(acme: Tenant, outlook: Any) -> None:
    outlook.add_account(MAIL)
    viewer = Person(member(acme), acme)
    assert viewer.connect(MAIL).status_code == 302
    Membership.objects.update(role=Role.VIEWER)
    account = Account.objects.get()
    make_connection(make_folder(account))
    Account.objects.filter(pk=account.pk).update(state=AccountState.NEEDS_AUTHORISATION)
    request, link = asked(acme, viewer.user.email, account=account)
    assert viewer.client.get(link)["Location"] == reverse("account-again", args=["acme", account.pk])
    assert Membership.objects.get().role == Role.VIEWER, "one's own account needs no more"
    assert viewer.connect(MAIL, account=account).status_code == 302
    request.refresh_from_db()
    account.refresh_from_db()
    assert (request.state, account.state) == ("connected", AccountState.ACTIVE)


def test_the_link_itself_is_not_stored(acme: Tenant) -> None:
    _, link = asked(acme)
    assert link.rstrip("/").rpartition("/")[2] not in str(ConnectRequest.objects.values().get())


# ---- staff


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    sign_in(client, User.objects.create_superuser("root@example.com", "irrelevant"))
    return client


def test_staff_make_a_link_to_hand_over_and_see_what_becomes_of_it(admin: Client, acme: Tenant, outlook: Any) -> None:
    page = reverse("admin:connections_tenant_ask", args=[acme.pk])
    shown = admin.get(page).content.decode()
    assert "Mail is not set up" in shown
    assert "Salesforce" not in shown, "apps that are not set up are not offered"
    answer = admin.post(page, {"email": "New@Example.com", "app": "outlook"}).content.decode()
    assert "/connect-requests/" in answer
    assert "No mail was sent" in answer
    assert mail.outbox == []
    tenant = admin.get(reverse("admin:connections_tenant_change", args=[acme.pk])).content.decode()
    assert "new@example.com" in tenant
    assert "sent" in tenant


def test_staff_ask_for_an_account_again(admin: Client, anna: Person) -> None:
    account = make_account(anna.tenant, app="outlook", owner=anna.user, remote_name=MAIL)
    page = reverse("admin:connections_account_ask", args=[account.pk])
    assert 'value="anna@example.com"' in admin.get(page).content.decode()
    admin.post(page, {"email": "anna@example.com"})
    request = ConnectRequest.objects.get()
    assert (request.account, request.app, request.role) == (account, "outlook", Role.VIEWER)


def test_it_is_mailed_where_mail_is_set_up(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "mail_is_set_up", lambda: True)
    request, link = asking.ask(acme, app_of("outlook"), "new@example.com", None)
    assert asking.post(request, link)
    [message] = mail.outbox
    assert message.subject == "Please connect Outlook for Acme"
    assert link in message.body
