"""HubSpot posts news to the installation: what it names is read at once, also what no search shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from connections import scheduling
from connections.models import AppRegistration, Connection, Item, ToldRecord
from connectors.sandbox import Sandbox
from tests.connectors.hubspot.test_through_the_engine import ANNA, BERT, Make, Stage, body
from tests.connectors.hubspot.test_through_the_engine import stage as stage

EVENTS = ("contact.creation", "contact.deletion", "contact.merge", "contact.propertyChange:lastname")
SECRET = "s" * 36


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One for each test: a vendor's clock that many tests have set forward makes signatures that are not believed."""
    with Sandbox() as running:
        yield running


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


@pytest.fixture
def told(stage: Make, live_server: LiveServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A connection at rest whose account tells of its edits."""
    monkeypatch.setattr(scheduling, "async_task", lambda *rest: None)
    settings.PUBLIC_URL, settings.WEBHOOKS = live_server.url, "on"
    both = stage(lag=0.0)
    both.crm.load(body(ANNA), body(BERT))
    both.settle()
    both.settle()
    both.crm.api.set_switches(both.crm.user, search_lag=600.0)
    app = both.crm.api.register_app("pairwise", ["http://localhost:8000/connect/hubspot/"], SECRET)
    AppRegistration.objects.create(app="hubspot", client_id="pairwise", secrets={"client_secret": SECRET})
    account = both.connection.folder_b.account
    account.remote_id, account.client_id = both.crm.secrets["hub_id"], "pairwise"
    account.save()
    both.crm.api.set_webhooks(app, f"{live_server.url}/news/hubspot/", EVENTS, first_wait=0.05)
    Connection.objects.update(due_at=timezone.now() + timedelta(hours=1))
    return both


def named() -> set[str]:
    return set(ToldRecord.objects.values_list("remote_id", flat=True))


def test_an_edit_shows_before_any_search_does(told: Stage) -> None:
    anna = told.id_of("Anna")
    told.crm.edit(anna, lastname="Peeters")
    eventually(lambda: named() == {anna})
    assert Connection.objects.filter(due_at__lte=timezone.now()).exists()
    told.run()
    assert {one.family for one in told.mailbox.people()} == {"Peeters", "Claes"}
    assert named() == set()


def test_a_deletion_is_known_without_the_recycle_bin(told: Stage) -> None:
    anna = told.id_of("Anna")
    told.crm.api.remove(told.crm.user, anna)
    eventually(lambda: named() == {anna})
    told.run()
    assert Item.objects.get(remote_id=anna).departed == "deleted"


def test_a_merge_is_known_at_once(told: Stage) -> None:
    anna, bert = told.id_of("Anna"), told.id_of("Bert")
    new = told.crm.api.merge(told.crm.user, anna, bert)
    eventually(lambda: {anna, bert, new} <= named())
    told.run()
    gone = Item.objects.filter(remote_id__in=[anna, bert])
    assert set(gone.values_list("departed", "successor")) == {("left", new)}
    assert Item.objects.get(remote_id=new).departed == ""
    assert len(told.mailbox.contacts()) == 2
