"""The list of deeds: written once, by everything that people do, and without anybody's contacts in it."""

# ruff: noqa: F811 - fixtures are imported, and asked for by their names
from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import models
from django.test import Client
from django.urls import reverse

from connections.authors import Author, working
from connections.models import AuditEntry, Connection, Deed, Membership, Role, Tenant, User
from connections.models.audit import AppendOnly
from connections.services import audit, background, deciding, ending, inviting, membering, stopping, syncing
from tests.admin.conftest import Apps, accounts, apps, connection, fill, queue, sign_in  # noqa: F401 - fixtures
from tests.factories import make_account, make_connection, make_folder, make_tenant
from tests.people.conftest import Person, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(slug="acme", name="Acme")


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return Person(member(tenant, "olga@example.com", Role.OWNER), tenant)


@pytest.fixture
def synced(apps: Apps, connection: Connection, queue: list[Any]) -> Connection:
    fill(apps)
    assert syncing.sync(connection).state == "done"
    return connection


def told(*deeds: Deed) -> list[str]:
    rows = AuditEntry.objects.filter(deed__in=deeds).order_by("id")
    return [f"{row.who} {row.deed} {row.about} {row.detail}".strip() for row in rows]


def test_a_line_is_written_once(tenant: Tenant) -> None:
    audit.note(Deed.EXPORTED, tenant, about="everything")
    row = AuditEntry.objects.get()
    row.who = "somebody else"
    for attempt in (row.save, row.delete, AuditEntry.objects.all().delete):
        with pytest.raises(AppendOnly):
            attempt()
    with pytest.raises(AppendOnly):
        AuditEntry.objects.update(who="somebody else")
    assert AuditEntry.objects.get().who == "a command"


def test_who_goes_stays_named_and_a_tenant_takes_its_lines_along(tenant: Tenant) -> None:
    user = member(tenant, "gone@example.com")
    with working(Author(str(user), user.pk)):
        audit.note(Deed.EXPORTED, tenant)
    audit.note(Deed.EXPORTED, make_tenant(slug="globex"))
    user.delete()
    row = AuditEntry.objects.get(tenant=tenant)
    assert (row.who, row.person) == ("gone@example.com", None)
    models.QuerySet.delete(Tenant.objects.filter(pk=tenant.pk))
    assert AuditEntry.objects.count() == 1


def test_members_and_invitations_are_told(tenant: Tenant, owner: Person) -> None:
    with working(Author("olga@example.com", owner.user.pk)):
        invitation, _ = inviting.make(tenant, "new@example.com", Role.VIEWER, owner.user)
        newcomer = User.objects.create_user("new@example.com")
        membership = inviting.accept(invitation, newcomer)
        membering.change_role(membership, Role.EDITOR)
        membering.remove(Membership.objects.get(pk=membership.pk))
    assert told(Deed.INVITED, Deed.JOINED, Deed.ROLE, Deed.LEFT) == [
        "olga@example.com invited new@example.com viewer",
        "new@example.com joined new@example.com viewer",
        "olga@example.com role new@example.com viewer to editor",
        "olga@example.com left new@example.com removed",
    ]


def test_what_is_done_with_a_connection_is_told_without_its_contacts(synced: Connection, owner: Person) -> None:
    AuditEntry.objects.all()._raw_delete("default")
    syncing.pause(synced, "moving", by=owner.user)
    syncing.resume(synced)
    pair = synced.pairs.filter(title="Ada Byron").get()
    deciding.decide(pair, "apart", by=owner.user)
    background.start_undo(synced.runs.latest("pk"), preview=False)
    stopping.stop("fire", owner.user, connection=synced)
    ending.delete(synced, by=owner.user)
    ending.restore(synced)
    rows = AuditEntry.objects.order_by("id")
    assert [row.deed for row in rows] == ["ran", "ran", "decided", "undone", "stopped", "ended", "ended"]
    assert {row.connection_id for row in rows} == {synced.pk}
    everything = " ".join(f"{row.about} {row.detail}" for row in rows)
    assert "moving" in everything
    assert "Ada" not in everything
    assert "ada@" not in everything


def test_sign_ins_are_told_in_the_persons_tenants_and_refused_ones_without_what_was_typed(
    client: Client, tenant: Tenant
) -> None:
    user = User.objects.create_user("anna@example.com", "s3cret-enough")
    Membership.objects.create(user=user, tenant=tenant, role=Role.EDITOR)
    where = reverse("account_login")
    client.post(where, {"login": "anna@example.com", "password": "wrong"})
    client.post(where, {"login": "hunter2@typed.example", "password": "wrong"})
    client.force_login(user)
    assert told(Deed.REFUSED) == [
        "somebody refused anna@example.com",
        "somebody refused an unknown address",
    ]
    row = AuditEntry.objects.get(deed=Deed.SIGNED_IN)
    assert (row.who, row.tenant) == ("anna@example.com", tenant)


def test_staff_who_open_a_contact_are_told_to_the_owners(client: Client, synced: Connection, owner: Person) -> None:
    sign_in(client, User.objects.create_superuser("root@example.com", "irrelevant"))
    pair = synced.pairs.filter(title="Ada Byron").get()
    assert client.get(f"/admin/connections/pair/{pair.pk}/change/").status_code == 200
    page = owner.page("activity")
    assert "root@example.com" in page
    assert "for those who run Pairwise" in page
    assert f"contact {pair.pk}" in page
    assert "Ada Byron" not in page


def test_others_see_what_they_did_and_what_was_done_about_connections_that_they_see(
    tenant: Tenant, owner: Person
) -> None:
    editor = Person(member(tenant, "ed@example.com", Role.EDITOR), tenant)
    private = make_connection(make_folder(make_account(tenant, owner=owner.user, shared=False)), tenant=tenant)
    shared = make_connection(make_folder(make_account(tenant)), tenant=tenant, name="ours")
    AuditEntry.objects.all()._raw_delete("default")
    audit.note(Deed.RAN, connection=private, detail="paused: secret reason")
    audit.note(Deed.RAN, connection=shared, detail="paused: known reason")
    audit.note(Deed.INVITED, tenant, about="new@example.com")
    audit.note(Deed.EXPORTED, tenant, about="what I took", by=editor.user)
    audit.note(Deed.EXPORTED, make_tenant(slug="globex"), about="of others")
    page = editor.page("activity")
    assert "known reason" in page
    assert "what I took" in page
    for hidden in ("secret reason", "new@example.com", "of others"):
        assert hidden not in page
    everything = owner.page("activity")
    assert all(text in everything for text in ("secret reason", "known reason", "new@example.com", "what I took"))
    assert "of others" not in everything


def test_activity_is_narrowed_turned_page_by_page_and_downloaded(
    tenant: Tenant, owner: Person, django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        audit.note(Deed.CONFIGURED, tenant, about=f"=line {number:02}")
    audit.note(Deed.INVITED, tenant, about="new@example.com")
    with django_assert_max_num_queries(15):
        page = owner.page("activity")
    assert page.count("<tr>") == 51
    where = reverse("activity", args=["acme"])
    [onward] = re.findall(r'href="(\?[^"]*)" rel="next"', page)
    assert "=line 00" in owner.client.get(where + onward).content.decode()
    narrowed = owner.client.get(where, {"deed": "invited"}).content.decode()
    assert "new@example.com" in narrowed
    assert "=line" not in narrowed
    table = owner.client.get(reverse("activity-csv", args=["acme"]), {"deed": "configured"}).getvalue().decode()
    assert table.count("'=line") == 60
    assert told(Deed.EXPORTED) == ["olga@example.com exported the activity"]


def test_the_list_of_staff_is_searched_narrowed_and_downloaded(
    client: Client, tenant: Tenant, django_assert_max_num_queries: Any
) -> None:
    sign_in(client, User.objects.create_superuser("root@example.com", "irrelevant"))
    for number in range(5):
        audit.note(Deed.CONFIGURED, tenant, about=f"connection {number}")
    audit.note(Deed.INVITED, make_tenant(slug="globex"), about="new@example.com")
    where = "/admin/connections/auditentry/"
    with django_assert_max_num_queries(20):
        assert "connection 4" in client.get(where).content.decode()
    page = client.get(where, {"tenant": str(tenant.pk)}).content.decode()
    assert "connection 4" in page
    assert "new@example.com" not in page
    assert "new@example.com" in client.get(where, {"q": "new@"}).content.decode()
    assert client.get(f"{where}add/").status_code == 403
    table = client.get(reverse("admin:audit_csv"), {"deed": "invited"}).getvalue().decode()
    assert "new@example.com" in table
    assert "connection 4" not in table
