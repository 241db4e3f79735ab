"""Stop switches of the operators: what stands still, from when on, and that it goes on where it stood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.benchmark.remotes import InstantRemote
from connections.engine.halts import Stopped
from connections.models import Connection, Forgetting, Membership, Run, RunState, Stop, Tenant, User
from connections.scheduling import due
from connections.services import background, forgetting, stopping, syncing
from connections.services.status import statuses
from connectors.base import Write
from tests.apps import FILE, Apps
from tests.connections.test_configuration import apply
from tests.factories import make_account, make_connection, make_folder, make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def people(apps: Apps) -> Connection:
    apply(FILE)
    return Connection.objects.select_related("tenant", "folder_a__account", "folder_b__account").get()


def connected(tenant: Tenant, *apps: str) -> Connection:
    a, b = (make_folder(make_account(tenant, app=app)) for app in apps)
    return make_connection(a, b, name="-".join(apps))


Switch = Callable[[Connection], dict[str, Any]]
SCOPES: dict[str, Switch] = {
    "everything": lambda one: {},
    "app": lambda one: {"app": "carddav"},
    "tenant": lambda one: {"tenant": one.tenant},
    "connection": lambda one: {"connection": one},
}


@pytest.mark.parametrize("scope", SCOPES)
def test_what_is_stopped_is_not_due_and_all_else_is(scope: str) -> None:
    acme, globex = make_tenant(), make_tenant()
    ours, other_app = connected(acme, "outlook", "carddav"), connected(acme, "outlook", "hubspot")
    theirs = connected(globex, "carddav", "outlook")
    held = {
        "everything": {ours, other_app, theirs},
        "app": {ours, theirs},
        "tenant": {ours, other_app},
        "connection": {ours},
    }[scope]
    switch = stopping.stop("an outage", **SCOPES[scope](ours))
    assert set(due(timezone.now())) == {ours, other_app, theirs} - held
    assert set(stopping.concerned(switch)) == held
    shown = {one.connection: one for one in statuses(Connection.objects.all())}
    assert {row for row, one in shown.items() if one.state == "stopped" and one.stopped == "an outage"} == held
    assert {row for row, one in shown.items() if one.stopped} == held
    assert stopping.lift(switch)
    assert not stopping.lift(switch), "once"
    assert set(due(timezone.now())) == {ours, other_app, theirs}


@pytest.mark.parametrize("scope", SCOPES)
def test_nothing_begins_while_it_is_stopped(apps: Apps, people: Connection, scope: str) -> None:
    apps.people("Ada", "Bea")
    switch = stopping.stop("an outage", **SCOPES[scope](people))
    for begin in (syncing.sync, syncing.preview):
        with pytest.raises(Stopped, match="an outage"):
            begin(people)
    assert "an outage" in syncing.run_slice(people.pk)
    assert "an outage" in background.plan(people.pk)
    assert apps.contents("dav") == []
    assert not Run.objects.exists()
    stopping.lift(switch)
    assert syncing.sync(people).state == RunState.DONE
    assert apps.contents("dav") == ["Ada", "Bea"]


@pytest.mark.parametrize("halt", ["stop", "pause"])
def test_a_run_under_way_sends_no_further_batch_and_goes_on_from_there(
    apps: Apps, people: Connection, monkeypatch: pytest.MonkeyPatch, halt: str
) -> None:
    names = sorted(f"Person{number:02}" for number in range(12))
    apps.people(*names)
    apps.dav.capabilities = replace(apps.dav.capabilities, write_batch=5)
    sent: list[int] = []
    real = InstantRemote.write

    def write(remote: InstantRemote, folder: str, writes: list[Write], fields: list[str]) -> Any:
        sent.append(len(writes))
        if len(sent) == 1:
            stopping.stop("an outage", app="carddav") if halt == "stop" else syncing.pause(people, "wait")
        return real(remote, folder, writes, fields)

    monkeypatch.setattr(InstantRemote, "write", write)
    syncing.run_slice(people.pk)
    assert sent == [5], "the batch that was on its way, and no other"
    assert "stands still" in Run.objects.latest("id").message
    for switch in stopping.in_force():
        stopping.lift(switch)
    syncing.resume(people)
    while syncing.run_slice(people.pk) == RunState.RUNNING:
        pass
    assert apps.contents("dav") == names, "nobody twice, nobody lost"
    assert syncing.sync(people).counters == {}


def test_the_same_is_stopped_once_and_only_with_a_reason(people: Connection) -> None:
    stopping.stop("an outage", app="carddav")
    with pytest.raises(stopping.CannotStop, match="stopped already"):
        stopping.stop("again", app="carddav")
    with pytest.raises(stopping.CannotStop, match="Say why"):
        stopping.stop("  ")
    with pytest.raises(stopping.CannotStop, match="There is no app lotus"):
        stopping.stop("an outage", app="lotus")
    assert Stop.objects.count() == 1


def test_nobody_is_erased_in_an_app_while_it_is_stopped(apps: Apps, people: Connection) -> None:
    apps.people("Ada")
    syncing.sync(people)
    (one,) = forgetting.people(people.tenant, "ada@example.com")
    asked = forgetting.ask(people.tenant, one)
    switch = stopping.stop("an outage")
    with pytest.raises(forgetting.NotYet, match="stopped"):
        forgetting.carry_out(Forgetting.objects.get(pk=asked.pk))
    assert apps.contents("dav") == ["Ada"]
    stopping.lift(switch)
    forgetting.carry_out(Forgetting.objects.get(pk=asked.pk))
    assert apps.contents("dav") == []


def test_the_people_concerned_read_why_and_no_others(client: Client) -> None:
    acme, globex = make_tenant(name="Acme"), make_tenant(name="Globex")
    connected(acme, "outlook", "carddav")
    connected(globex, "outlook", "hubspot")
    pages = {}
    stopping.stop("iCloud does not answer", app="carddav")
    stopping.stop("Acme asked for it", tenant=acme)
    for tenant in (acme, globex):
        person = User.objects.create_user(f"anna@{tenant.slug}.example.com")
        Membership.objects.create(tenant=tenant, user=person)
        client.force_login(person)
        pages[tenant] = client.get(reverse("tenant", args=[tenant.slug])).content.decode()
    for text in ("Everything with CardDAV is stopped", "iCloud does not answer", "Acme asked for it"):
        assert text in pages[acme]
        assert text not in pages[globex]


def test_a_member_cannot_run_what_operations_stopped(client: Client) -> None:
    acme = make_tenant(name="Acme")
    connection = connected(acme, "outlook", "carddav")
    stopping.stop("an outage", connection=connection)
    person = User.objects.create_user("anna@example.com")
    Membership.objects.create(tenant=acme, user=person, role="owner")
    client.force_login(person)
    where = [acme.slug, connection.pk]
    for what in ("sync", "resume", "recheck"):
        client.post(reverse("connection-do", args=where), {"do": what})
    page = client.get(reverse("connection", args=where)).content.decode()
    assert "Stopped by those who run Pairwise: an outage" in page
    assert list(due(timezone.now())) == []
