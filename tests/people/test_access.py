"""Every address of every role in the own and in a foreign tenant, generated from the table of addresses: a new page for
which nobody wrote down who may open it fails here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from connections.models import (
    Account,
    Change,
    Connection,
    ConnectionDraft,
    Invitation,
    Membership,
    OutgoingWebhook,
    Pair,
    Role,
    Run,
    Tenant,
)
from connections.services import inviting
from tests.factories import make_account, make_connection, make_folder
from tests.people.conftest import Person, member

pytestmark = pytest.mark.django_db
ALL = "owner editor viewer"
DOES = "owner editor"
NOBODY = ""

# Who may read and who may post; None: the address knows no such request. Accounts are shared ones of a colleague.
RULES: dict[str, tuple[str | None, str | None]] = {
    "accounts": (ALL, None),
    "account-add": (DOES, None),
    "account-connect": (DOES, DOES),
    "account-again": (DOES, DOES),
    "account-disconnect": ("owner", "owner"),
    "account-share": (None, "owner"),
    "tenant": (ALL, None),
    "notifications": (ALL, ALL),
    "activity": (ALL, None),
    "activity-csv": (ALL, None),
    "archive": ("owner", "owner"),
    "members": (ALL, "owner"),
    "member": ("owner", "owner"),
    "invitation-withdraw": (None, "owner"),
    "webhook-add": (None, "owner"),
    "webhook-do": (None, "owner"),
    "connection": (ALL, None),
    "connection-do": (None, DOES),
    "connection-settings": (DOES, DOES),
    "connection-mapping": (ALL, DOES),
    "connection-mapping-line": (DOES, DOES),
    "connection-rules": (ALL, DOES),
    "connection-rule": (DOES, DOES),
    "connection-rule-choices": (DOES, None),
    "connection-history": (ALL, None),
    "connection-undo": (DOES, DOES),
    "connection-take-back": (DOES, DOES),
    "connection-contacts": (ALL, None),
    "connection-contacts-csv": (ALL, None),
    "connection-contact": (ALL, None),
    "connection-decide": (None, DOES),
    "connection-review": (ALL, None),
    "connection-plan": (ALL, DOES),
    "connection-plan-csv": (ALL, None),
    "connection-add": (DOES, DOES),
    **{
        f"draft-{step}": (DOES, DOES)
        for step in ("accounts", "folders", "contacts", "direction", "mapping", "rules", "matching", "plan")
    },
    "draft-discard": (None, DOES),
}
# Addresses without a tenant in them: open to everybody, or to whoever is signed in.
OPEN = [
    *("connect-request", "connect-back", "invitation"),
    *("help", "help-app", "help-page"),
    *("news-of-app", "news-of-folder"),
    "notifications-stop",
    "language",
    *("health-live", "health-ready", "health-queue", "metrics"),
]
SIGNED_IN = ["home"]


def patterns() -> dict[str, URLPattern]:
    return {one.name or "": one for one in get_resolver().url_patterns if isinstance(one, URLPattern)}


def pages() -> list[str]:
    """The names of all addresses with the slug of a tenant."""
    return sorted(name for name, one in patterns().items() if "tenant" in one.pattern.converters)


@dataclass
class World:
    """A tenant with one of everything that an address can name."""

    tenant: Tenant
    account: Account = field(init=False)
    connection: Connection = field(init=False)
    pair: Pair = field(init=False)
    webhook: OutgoingWebhook = field(init=False)
    undo: Run = field(init=False)

    def __post_init__(self) -> None:
        colleague = member(self.tenant, f"colleague@{self.tenant.slug}.example")
        self.account = make_account(self.tenant, app="carddav", base_url="https://dav.example/", owner=colleague)
        self.connection = make_connection(make_folder(self.account), make_folder(make_account(self.tenant)))
        self.pair = Pair.objects.create(connection=self.connection, title=f"Contact of {self.tenant.slug}")
        self.webhook = OutgoingWebhook.objects.create(tenant=self.tenant, url="https://hooks.example/")
        runs = {"tenant": self.tenant, "connection": self.connection, "started_at": timezone.now(), "state": "planned"}
        run = Run.objects.create(kind="initial", **runs)
        self.undo = Run.objects.create(kind="undo", preview=True, **runs)
        Change.objects.create(
            tenant=self.tenant, connection=self.connection, run=run, pair=self.pair, kind="create", sort="create",
            side="b", target_folder=self.connection.folder_b, marker=f"marker-{run.pk}", state="proposed",
        )  # fmt: skip

    def person(self, role: str) -> Person:
        return Person(member(self.tenant, f"{role}@{self.tenant.slug}.example", role), self.tenant)

    def draft(self, person: Person) -> ConnectionDraft:
        return ConnectionDraft.objects.create(tenant=self.tenant, user=person.user, app_a="carddav", app_b="carddav")

    def values(self, person: Person) -> dict[str, Any]:
        return {
            "app": "carddav",
            "pk": self.account.pk,
            "draft": self.draft(person).pk,
            "connection": self.connection.pk,
            "pair": self.pair.pk,
            "webhook": self.webhook.pk,
            "run": self.undo.pk,
            "person": Membership.objects.get(tenant=self.tenant, user__email__startswith="colleague").pk,
            "invitation": inviting.make(self.tenant, "new@example.com", Role.VIEWER, None)[0].pk,
        }


def address(name: str, tenant: Tenant, values: dict[str, Any]) -> str:
    known = {"tenant": tenant.slug, **values}
    return reverse(name, kwargs={key: known[key] for key in patterns()[name].pattern.converters})


def test_every_page_has_a_rule() -> None:
    assert set(pages()) == set(RULES)
    assert {name for name in patterns() if name not in RULES} == {*OPEN, *SIGNED_IN}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("name", sorted(RULES))
def test_roles_are_respected(name: str, role: str, acme: Tenant) -> None:
    world = World(acme)
    person = world.person(role)
    for ask, may in zip(("get", "post"), RULES[name], strict=True):
        status = getattr(person.client, ask)(address(name, acme, world.values(person))).status_code
        allowed = [405] if may is None else [200, 302] if role in may.split() else [403]
        assert status in allowed, (ask, status)


@pytest.mark.parametrize("name", sorted(RULES))
def test_to_another_tenant_nothing_is_there(name: str, acme: Tenant, globex: Tenant) -> None:
    """Neither under that tenant's address nor under the own one with the other's numbers."""
    ours, theirs = World(acme), World(globex)
    stranger, owner = theirs.person(Role.OWNER), ours.person(Role.OWNER)
    nobody = Client()
    named = ours.values(owner)
    foreign = address(name, acme, named)
    mixed = address(name, globex, named)
    is_about_one = bool(numbers(name))
    for ask, may in zip(("get", "post"), RULES[name], strict=True):
        gone = [405] if may is None else [404]
        assert getattr(stranger.client, ask)(foreign).status_code in gone, ask
        if is_about_one:
            assert getattr(stranger.client, ask)(mixed).status_code in gone, ask
        answer = getattr(nobody, ask)(foreign)
        assert answer.status_code in ([302] if may is not None else [302, 405])
        if answer.status_code == 302:
            assert answer["Location"].startswith(reverse("account_login"))
    assert ConnectionDraft.objects.filter(pk=named["draft"]).exists()
    assert Account.objects.filter(pk=ours.account.pk, shared=True).exists()
    assert OutgoingWebhook.objects.count() == 2
    assert Membership.objects.filter(tenant=acme).count() == 2
    assert Invitation.objects.filter(tenant=acme).count() == 1
    assert Change.objects.filter(state="proposed").count() == 2


def numbers(name: str) -> set[str]:
    """What an address names beside tenant and app, by its id."""
    return set(patterns()[name].pattern.converters) - {"tenant", "app"}


@pytest.mark.parametrize("name", sorted(name for name in RULES if "connection" in patterns()[name].pattern.converters))
def test_private_connections_show_owners_no_contact_and_others_nothing(name: str, acme: Tenant) -> None:
    world = World(acme)
    Account.objects.filter(pk=world.account.pk).update(shared=False)
    about_state = name in ("connection", "connection-do")
    for role in Role:
        person = world.person(role)
        for ask, may in zip(("get", "post"), RULES[name], strict=True):
            answer = getattr(person.client, ask)(address(name, acme, world.values(person)))
            if may is None:
                assert answer.status_code == 405
            elif role != Role.OWNER:
                assert answer.status_code == 404, (role, ask)
            else:
                assert answer.status_code in ((200, 302) if about_state else (403,)), ask
                assert b"Contact of acme" not in answer.content
    assert Change.objects.filter(state="proposed").exists()


@pytest.mark.parametrize("name", SIGNED_IN)
def test_who_is_not_signed_in_is_led_to_sign_in(name: str, db: None) -> None:
    assert Client().get(reverse(name))["Location"].startswith(reverse("account_login"))
