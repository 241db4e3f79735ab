"""Deleting a connection with the wish that our markers go from the apps, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from connections.models import Change, ChangeState, Connection
from connections.services import background, ending, retention, unmarking
from connectors.hubspot.fields import MARK
from tests.admin.test_ending import where
from tests.connectors.hubspot.test_through_the_engine import Stage
from tests.factories import make_connection, make_folder
from tests.faults.stage import Person

pytestmark = pytest.mark.django_db

ANNA = Person("Anna", "Maes", "Buyer", "Bakery Maes", "anna@example.com")
BEN = {"firstname": "Ben", "lastname": "Peeters", "email": "ben@example.com"}
FIELD = f"/crm/v3/properties/contacts/{MARK}"


@pytest.fixture
def stage(hubspot: Callable[..., Stage]) -> Stage:
    """Anna was made in HubSpot, Ben in Outlook."""
    return hubspot(BEN, people=[ANNA])


def delete(admin: Client, stage: Stage, **more: Any) -> Connection:
    url = where(stage.connection)
    shown = admin.post(url, {"choice": "keep", **more}).content.decode()
    assert ("Our markers are taken off" in shown) == bool(more)
    admin.post(url, {"choice": "keep", "step": "do", **more})
    return Connection.every.get(pk=stage.connection.pk)


def marked(stage: Stage) -> dict[str, bool]:
    return {str(one["firstname"]): bool(one.get(MARK)) for one in stage.crm.records()}


def note(connection: Connection) -> str:
    connection.refresh_from_db()
    return str(connection.markers_note)


def test_they_stay_unless_somebody_wants_them_gone(admin: Client, stage: Stage, queue: list[Any]) -> None:
    delete(admin, stage)
    assert queue == []
    assert unmarking.unfinished() == []
    assert marked(stage) == {"Anna": True, "Ben": False}


def test_they_go_with_the_field_that_was_made_for_them(admin: Client, stage: Stage, queue: list[Any]) -> None:
    before = [(one["firstname"], one["email"]) for one in stage.crm.records()]
    deleted = delete(admin, stage, markers="1")
    assert unmarking.unfinished() == [deleted]
    assert queue == [("connections.services.background.remove_markers", deleted.pk)]
    background.remove_markers(deleted.pk)
    assert "crm: markers taken off 1 contacts. The field 'Pairwise mark' is removed." in note(deleted)
    assert "mail: markers taken off 1 contacts." in note(deleted)
    assert unmarking.unfinished() == []
    assert [(one["firstname"], one["email"]) for one in stage.crm.records()] == before
    shown = admin.get(f"/admin/connections/deletedconnection/{deleted.pk}/change/").content.decode()
    assert "markers taken off 1 contacts" in shown
    ending.restore(deleted)
    assert note(deleted) == ""
    Connection.objects.filter(pk=deleted.pk).update(paused_reason="")
    stage.mailbox.add(Person("Cem", "Kaya", "Chef", "Kaya", "cem@example.com"))
    stage.settle()
    assert marked(stage) == {"Anna": False, "Ben": False, "Cem": True}


def test_the_field_stays_while_another_connection_of_the_account_is_left(
    admin: Client, stage: Stage, queue: list[Any]
) -> None:
    outlook = stage.connection.folder_a.account
    make_connection(make_folder(outlook, "other"), stage.connection.folder_b, name="other")
    deleted = delete(admin, stage, markers="1")
    background.remove_markers(deleted.pk)
    assert "is removed" not in note(deleted)
    assert marked(stage) == {"Anna": False, "Ben": False}
    assert not any(one.startswith("DELETE") for one in stage.crm.asked())


def test_a_create_without_an_answer_keeps_its_marker(admin: Client, stage: Stage, queue: list[Any]) -> None:
    Change.objects.filter(kind="create", side="b").update(state=ChangeState.UNKNOWN)
    deleted = delete(admin, stage, markers="1")
    background.remove_markers(deleted.pk)
    assert marked(stage) == {"Anna": True, "Ben": False}


def test_what_an_app_does_not_do_now_is_done_by_the_hourly_purge(admin: Client, stage: Stage, queue: list[Any]) -> None:
    deleted = delete(admin, stage, markers="1")
    stage.crm.fault("error", path="/batch/read", count=0)
    background.remove_markers(deleted.pk)
    assert "It will be tried again." in note(deleted)
    assert unmarking.unfinished() == [deleted]
    stage.sandbox.faults.clear()
    retention.purge()
    assert "It will be tried again." not in note(deleted)
    assert marked(stage)["Anna"] is False
    assert unmarking.unfinished() == []


def test_nothing_is_removed_of_a_connection_that_was_restored(admin: Client, stage: Stage, queue: list[Any]) -> None:
    deleted = delete(admin, stage, markers="1")
    ending.restore(deleted)
    assert background.remove_markers(deleted.pk) == "restored"
    assert marked(stage) == {"Anna": True, "Ben": False}
