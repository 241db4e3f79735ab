"""The page of connected accounts: who sees what, who may do what, and what disconnecting does."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from connections import host
from connections.models import Account, AccountState, Connection, Item, Membership, Role, Tenant
from connections.scheduling import due
from connections.services import access
from connectors.base import AuthLost
from connectors.salesforce.oauth import refresher
from connectors.sandbox import Sandbox
from tests.factories import make_account, make_connection, make_folder
from tests.people.conftest import Person, member, registered

pytestmark = pytest.mark.django_db
MAIL = "anna@contoso.example"


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


# ---- roles


def address(name: str, tenant: Tenant, account: Account) -> str:
    [pattern] = [one for one in get_resolver().url_patterns if isinstance(one, URLPattern) and one.name == name]
    values: dict[str, Any] = {"tenant": tenant.slug, "pk": account.pk, "app": "carddav"}
    return reverse(name, kwargs={key: values[key] for key in pattern.pattern.converters})


def allowed(person: Person, account: Account) -> dict[str, bool]:
    found = {}
    for name in ("account-add", "account-again", "account-disconnect", "account-share"):
        where = address(name, person.tenant, account)
        answer = person.client.post(where) if name == "account-share" else person.client.get(where)
        assert answer.status_code in (200, 302, 403, 404)
        found[name.removeprefix("account-")] = answer.status_code in (200, 302)
    return found


@pytest.mark.parametrize(
    ("role", "whose", "shared", "may"),
    [
        (Role.OWNER, "other", True, "add again disconnect share"),
        (Role.OWNER, "other", False, "add again disconnect share"),
        (Role.OWNER, "nobody", True, "add again disconnect share"),
        (Role.EDITOR, "own", False, "add again disconnect share"),
        (Role.EDITOR, "other", True, "add again"),
        (Role.EDITOR, "other", False, "add"),
        (Role.VIEWER, "own", True, "again disconnect share"),
        (Role.VIEWER, "other", True, ""),
        (Role.VIEWER, "other", False, ""),
    ],
)
def test_roles_are_respected(acme: Tenant, role: Role, whose: str, shared: bool, may: str) -> None:
    person = Person(member(acme, role=role), acme)
    owners = {"own": person.user, "other": member(acme, "ben@example.com"), "nobody": None}
    account = make_account(
        acme,
        app="carddav",
        base_url="https://dav.example/",
        owner=owners[whose],
        shared=shared,
        remote_name="ben at dav",
    )
    seen = shared or whose == "own" or role == Role.OWNER
    assert ("ben at dav" in person.page("accounts")) is seen
    assert {name for name, yes in allowed(person, account).items() if yes} == set(may.split())


def test_the_page_says_whose_an_account_is_and_how_it_is_doing(anna: Person) -> None:
    ben = member(anna.tenant, "ben@example.com")
    make_account(anna.tenant, name="bens", owner=ben, remote_name="ben at dav.example")
    mine = make_account(
        anna.tenant, name="mine", owner=anna.user, shared=False, state="needs_auth", reason="the password changed"
    )
    make_connection(make_folder(mine))
    page = anna.page("accounts")
    for text in ("ben@example.com", "everybody of Acme may use it", "you, private", "the password changed"):
        assert text in " ".join(page.split()), text
    assert "<dt>Connections</dt><dd>1</dd>" in page
    assert reverse("accounts", args=["acme"]) in anna.client.get(reverse("home")).content.decode()


def test_the_page_costs_the_same_however_many_accounts_there_are(
    anna: Person, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        make_account(anna.tenant, name=f"number-{number}", owner=anna.user)
    with django_assert_max_num_queries(12):
        anna.page("accounts")


def test_an_account_becomes_private_and_shared_again(anna: Person) -> None:
    account = make_account(anna.tenant, owner=anna.user)
    for answer, shared in (("no", False), ("yes", True)):
        anna.client.post(reverse("account-share", args=["acme", account.pk]), {"shared": answer})
        account.refresh_from_db()
        assert account.shared is shared


def test_names_from_the_vendor_are_escaped(anna: Person) -> None:
    make_account(anna.tenant, owner=anna.user, remote_name="<script>alert(1)</script>", reason="<b>bold</b>")
    page = anna.page("accounts")
    assert "<script>alert" not in page
    assert "<b>bold" not in page


# ---- disconnecting


@pytest.fixture
def org(anna: Person, sandbox: Sandbox) -> Account:
    """A connected organisation, which a connection uses."""
    registered(sandbox, "salesforce")
    sandbox.part("salesforce").add_account("anna@acme.example")
    assert anna.connect("anna@acme.example", "salesforce", place="main").status_code == 302
    account = Account.objects.get()
    folder = make_folder(account, cursor="where-it-stood")
    make_connection(folder, name="people")
    Item.objects.create(folder=folder, remote_id="1", first_seen_at=0.0, seq=1)
    return account


def test_the_page_before_says_what_will_happen(anna: Person, org: Account) -> None:
    page = anna.page("account-disconnect", org.pk)
    for text in ("asks Salesforce to take it back", "No contact is deleted", "people"):
        assert text in page
    assert Account.objects.get(pk=org.pk).secrets


def test_disconnecting_takes_the_access_away_here_and_at_the_vendor(anna: Person, org: Account) -> None:
    old, lent = dict(org.secrets), host.host_for(org)
    answer = anna.client.post(reverse("account-disconnect", args=["acme", org.pk]))
    assert "Salesforce has taken the access back" in said(answer)
    org.refresh_from_db()
    assert not {"access_token", "refresh_token"} & set(org.secrets)
    assert org.state == AccountState.NEEDS_AUTHORISATION
    assert "Disconnected by anna@example.com" in org.reason
    with pytest.raises(AuthLost, match="invalid_grant"):
        refresher(lent)(old)
    with pytest.raises(AuthLost):
        org.declaration.connect(host.visit(org.declaration, old, lent.settings)).check()
    with pytest.raises(AuthLost):
        access.check(org)


def test_it_deletes_no_contact_and_reconnecting_goes_on(anna: Person, org: Account) -> None:
    anna.client.post(reverse("account-disconnect", args=["acme", org.pk]))
    assert Item.objects.get().departed == ""
    assert Connection.objects.get().folder_a.cursor == "where-it-stood"
    assert anna.connect("anna@acme.example", "salesforce", org).status_code == 302
    org.refresh_from_db()
    assert org.state == AccountState.ACTIVE
    assert host.connect(org).check() == "Acme"
    assert Item.objects.count() == 1


def test_a_vendor_that_cannot_be_told_is_named(anna: Person, org: Account, sandbox: Sandbox) -> None:
    sandbox.fault("error", status=503, match={"path": "/oauth2/revoke"}, count=0)
    answer = anna.client.post(reverse("account-disconnect", args=["acme", org.pk]))
    assert "Salesforce could not be told" in said(answer)
    org.refresh_from_db()
    assert "refresh_token" not in org.secrets, "here it is gone all the same"


def test_the_same_login_in_another_tenant_goes_on(anna: Person, org: Account, globex: Tenant) -> None:
    member(globex, anna.user.email)
    there = Person(anna.user, globex)
    assert there.connect("anna@acme.example", "salesforce", place="main").status_code == 302
    answer = anna.client.post(reverse("account-disconnect", args=["acme", org.pk]))
    assert "Globex" not in said(answer)
    assert host.connect(Account.objects.get(tenant=globex)).check() == "Acme"


def test_microsoft_has_no_way_to_take_it_back_and_its_page_is_named(anna: Person, outlook: Any) -> None:
    outlook.add_account(MAIL)
    anna.connect(MAIL)
    account = Account.objects.get()
    answer = anna.client.post(reverse("account-disconnect", args=["acme", account.pk]))
    assert "https://myapps.microsoft.com" in said(answer)


def test_an_account_that_nothing_uses_leaves_the_list(anna: Person) -> None:
    account = make_account(anna.tenant, owner=anna.user, base_url="https://dav.example/", secrets={"password": "x"})
    make_folder(account)
    assert "leaves the list" in anna.page("account-disconnect", account.pk)
    answer = anna.client.post(reverse("account-disconnect", args=["acme", account.pk]))
    assert "is removed. No contact was deleted" in said(answer)
    assert not Account.objects.exists()


def test_a_visit_alone_disconnects_nothing(anna: Person, org: Account) -> None:
    before = dict(org.secrets)
    anna.page("account-disconnect", org.pk)
    org.refresh_from_db()
    assert dict(org.secrets) == before


# ---- members who leave


@pytest.mark.parametrize("how", ["the membership", "the user"])
def test_when_a_member_leaves_a_colleague_takes_the_account_over(
    anna: Person, org: Account, sandbox: Sandbox, how: str
) -> None:
    owner = Person(member(anna.tenant, "owner@example.com", Role.OWNER), anna.tenant)
    others = make_account(anna.tenant, name="others", owner=owner.user, secrets={"password": "x"})
    Account.objects.filter(pk=org.pk).update(shared=False)
    (Membership.objects.get(user=anna.user) if how == "the membership" else anna.user).delete()
    org.refresh_from_db()
    assert (org.state, org.owner) == (AccountState.NEEDS_AUTHORISATION, None)
    assert not {"access_token", "refresh_token"} & set(org.secrets)
    assert "anna@example.com has left" in owner.page("accounts")
    assert not due(timezone.now()).exists(), "what ran on it stands still"
    others.refresh_from_db()
    assert (others.state, dict(others.secrets)) == (AccountState.ACTIVE, {"password": "x"})
    assert owner.connect("anna@acme.example", "salesforce", org).status_code == 302
    org.refresh_from_db()
    assert (org.owner, org.state) == (owner.user, AccountState.ACTIVE)
    assert Connection.objects.get().folder_a.cursor == "where-it-stood"
