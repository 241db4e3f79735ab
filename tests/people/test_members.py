"""Who belongs to a tenant: owners invite, change and remove, and somebody always owns it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from connections.models import Account, AccountState, Invitation, Membership, Role, Tenant, User
from connections.services import inviting, membering
from tests.factories import make_account, make_connection, make_folder
from tests.people.conftest import Person, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga(acme: Tenant) -> Person:
    return Person(member(acme, "olga@example.com", Role.OWNER), acme)


def membership(user: User) -> Membership:
    return Membership.objects.get(user=user)


def post(client: Client, name: str, *arguments: Any, **values: str) -> str:
    answer = client.post(reverse(name, args=["acme", *arguments]), values, follow=True)
    return answer.content.decode()


def test_without_mail_an_owner_gets_a_link_to_hand_over_that_works(olga: Person, acme: Tenant) -> None:
    text = post(olga.client, "members", email=" New@Example.com ", role="editor")
    link = text.partition("<code>")[2].partition("</code>")[0]
    invitation = inviting.open_invitation(link.rstrip("/").rpartition("/")[2])
    assert invitation is not None
    assert (invitation.email, invitation.role, str(invitation.invited_by)) == (
        "new@example.com",
        "editor",
        "olga@example.com",
    )
    assert "new@example.com, as editor" in olga.client.get(reverse("members", args=["acme"])).content.decode()
    assert "withdrawn" in post(olga.client, "invitation-withdraw", invitation.pk)
    assert inviting.open_invitation(link.rstrip("/").rpartition("/")[2]) is None


def test_with_mail_the_link_goes_to_the_invited_alone(olga: Person, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(inviting, "mail_is_set_up", lambda: True)
    text = post(olga.client, "members", email="new@example.com", role="viewer")
    assert "is invited by mail" in text
    assert [one.to for one in mail.outbox] == [["new@example.com"]]
    assert "<code>" not in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"email": "nobody", "role": "viewer"}, "valid email address"),
        ({"email": "new@example.com", "role": "king"}, "not one of the available choices"),
        ({"email": "OLGA@example.com", "role": "viewer"}, "is a member already"),
    ],
)
def test_an_invitation_that_makes_no_sense_is_refused(olga: Person, values: dict[str, str], said: str) -> None:
    assert said in post(olga.client, "members", **values)
    assert not Invitation.objects.exists()


def test_an_owner_changes_roles_but_there_stays_one(olga: Person, acme: Tenant) -> None:
    anna = member(acme, "anna@example.com", Role.VIEWER)
    assert "only owner" in post(olga.client, "member", membership(olga.user).pk, role="viewer")
    assert "is owner now" in post(olga.client, "member", membership(anna).pk, role="owner")
    assert "is viewer now" in post(olga.client, "member", membership(olga.user).pk, role="viewer")
    assert {row.user_id: row.role for row in acme.memberships.all()} == {anna.pk: "owner", olga.user.pk: "viewer"}


def test_the_only_owner_cannot_go(olga: Person) -> None:
    assert "only owner" in post(olga.client, "member", membership(olga.user).pk, remove="1")
    assert Membership.objects.count() == 1


def test_what_stands_still_is_said_before_somebody_is_removed(olga: Person, acme: Tenant) -> None:
    anna = member(acme, "anna@example.com")
    account = make_account(acme, name="annas mailbox", owner=anna, secrets={"access_token": "x"})
    make_connection(make_folder(account), make_folder(make_account(acme)), name="annas people")
    where = reverse("member", args=["acme", membership(anna).pk])
    text = olga.client.get(where).content.decode()
    assert "annas mailbox" in text
    assert "annas people" in text
    assert Membership.objects.filter(user=anna).exists()
    post(olga.client, "member", membership(anna).pk, remove="1")
    assert not Membership.objects.filter(user=anna).exists()
    account = Account.objects.get(pk=account.pk)
    assert (account.state, account.owner, "access_token" in account.secrets) == (
        AccountState.NEEDS_AUTHORISATION, None, False,
    )  # fmt: skip


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_everybody_may_leave_and_do_nothing_else(olga: Person, acme: Tenant, role: Role) -> None:
    anna = Person(member(acme, "anna@example.com", role), acme)
    mine, owners = membership(anna.user).pk, membership(olga.user).pk
    text = anna.client.get(reverse("members", args=["acme"])).content.decode()
    assert "olga@example.com" in text
    assert ("Invite somebody" in text, "Change<" in text) == (False, False)
    for pk in (mine, owners):
        assert anna.client.post(reverse("member", args=["acme", pk]), {"role": "owner"}).status_code == 403
    assert anna.client.post(reverse("member", args=["acme", owners]), {"remove": "1"}).status_code == 403
    assert membership(anna.user).role == role
    post(anna.client, "member", mine, remove="1")
    assert list(acme.memberships.values_list("user__email", flat=True)) == ["olga@example.com"]
    assert anna.client.get(reverse("members", args=["acme"])).status_code == 404


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_remove_each_other_at_once_one_stays(acme: Tenant) -> None:
    rows = [membership(member(acme, f"{name}@example.com", Role.OWNER)) for name in ("olga", "otto")]
    start = threading.Barrier(2)
    refused: list[str] = []

    def go(row: Membership) -> None:
        start.wait()
        try:
            membering.remove(row)
        except membering.CannotChange as reason:
            refused.append(str(reason))
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[row]) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Membership.objects.filter(tenant=acme).count(), len(refused)) == (1, 1)
