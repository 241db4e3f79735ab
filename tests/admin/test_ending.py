"""Deleting a connection: what the pages say, what goes, what stays, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.engine.halts import Stopped
from connections.models import Account, Change, Connection, DeletedConnection, Pair, Run, RunKind
from connections.services import ending, setting_up, syncing
from connections.services.configuration import applying
from tests.admin.conftest import Apps
from tests.admin.test_working import messages_of, work_off
from tests.factories import make_connection

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def names(apps: Apps, account: str) -> set[str]:
    rows = apps.remotes[account].rows().values()
    return {str(row.values.get("givenName") or row.values.get("given")) for row in rows}


def where(connection: Connection) -> str:
    return f"/admin/connections/connection/{connection.pk}/delete/"


def delete(admin: Client, connection: Connection, choice: str) -> Any:
    return admin.post(where(connection), {"choice": choice, "step": "do"}, follow=True)


@pytest.fixture
def deleted(admin: Client, synced: Run, queue: list[Any]) -> Connection:
    queue.clear()
    delete(admin, synced.connection, "keep")
    return Connection.every.get(pk=synced.connection_id)


def test_the_first_page_says_what_stays_where(admin: Client, apps: Apps, synced: Run) -> None:
    survey = admin.get(where(synced.connection)).context["survey"]
    assert [(side.name, side.contacts, side.created, side.untouched) for side in survey.sides] == [
        ("anna", 3, 1, 1),
        ("dav", 4, 1, 1),
    ]
    assert Connection.objects.exists()


def test_the_second_page_says_what_will_be_done_and_does_nothing(admin: Client, synced: Run) -> None:
    text = admin.post(where(synced.connection), {"choice": "take_back"}).content.decode()
    assert "1 contacts are deleted in anna" in text
    assert Connection.objects.exists()
    assert "All contacts stay in both apps" in admin.post(where(synced.connection), {"choice": "keep"}).content.decode()
    assert Connection.objects.exists()


def test_a_deleted_connection_keeps_all_contacts_and_does_nothing_more(
    admin: Client, apps: Apps, deleted: Connection, queue: list[Any]
) -> None:
    there = names(apps, "anna"), names(apps, "dav")
    assert not Connection.objects.exists()
    assert str(deleted.deleted_by) == "root@example.com"
    with pytest.raises(Stopped, match="deleted"):
        syncing.sync(deleted)
    work_off(queue)
    assert (names(apps, "anna"), names(apps, "dav")) == there
    assert admin.get(f"/admin/connections/connection/{deleted.pk}/change/").status_code == 302
    assert "both" in admin.get("/admin/connections/deletedconnection/").content.decode()


def test_what_it_created_is_taken_back_unless_somebody_touched_it(
    admin: Client, apps: Apps, synced: Run, queue: list[Any]
) -> None:
    dav = apps.remotes["dav"]
    (grace,) = (key for key, row in dav.rows().items() if row.values.get("given") == "Grace")
    dav.edit(grace, note="I know her")
    queue.clear()
    delete(admin, synced.connection, "take_back")
    work_off(queue)
    assert "Grace" in names(apps, "dav")
    assert apps.remotes["anna"].written["delete"] == 1
    assert names(apps, "anna") == {"Ada", "Grace"}
    run = Run.objects.get(kind=RunKind.UNDO)
    assert "changed since" in run.message
    assert {str(change.decided_by) for change in Change.objects.filter(run=run, state="done")} == {"root@example.com"}


def test_the_last_copy_of_a_contact_is_never_taken_back(
    admin: Client, apps: Apps, synced: Run, queue: list[Any]
) -> None:
    anna = apps.remotes["anna"]
    (grace,) = (key for key, row in anna.rows().items() if row.values.get("givenName") == "Grace")
    anna.delete(grace)
    syncing.sync(synced.connection)
    queue.clear()
    delete(admin, synced.connection, "take_back")
    work_off(queue)
    assert "Grace" in names(apps, "dav")


def test_what_another_connection_keeps_the_same_is_not_taken_back(synced: Run, apps: Apps) -> None:
    connection = synced.connection
    made = list(ending.untouched(connection))
    assert len(made) == 2
    third = make_connection(connection.folder_b, make_connection().folder_b, tenant=connection.tenant, name="third")
    pair = Pair.objects.get(pk=made[0].pair_id)
    Pair.objects.create(connection=third, item_a=pair.item_b, item_b=Pair.objects.get(pk=made[1].pair_id).item_a)
    assert [one.pair_id for one in ending.untouched(connection)] == []


def test_a_restored_connection_makes_nobody_twice(
    admin: Client, apps: Apps, deleted: Connection, queue: list[Any]
) -> None:
    apps.remotes["anna"].add({"givenName": "Tim", "emailAddresses": [{"value": "tim@example.com"}]})
    before = len(apps.remotes["anna"].rows()), len(apps.remotes["dav"].rows())
    page = f"/admin/connections/deletedconnection/{deleted.pk}"
    assert "Restore" in admin.get(f"{page}/change/").content.decode()
    answer = admin.post(f"{page}/restore/", follow=True)
    assert "is back, and paused" in messages_of(answer)
    connection = Connection.objects.get(pk=deleted.pk)
    assert connection.paused_reason == ending.RESTORED
    syncing.resume(connection)
    syncing.sync(Connection.objects.get(pk=deleted.pk))
    assert (len(apps.remotes["anna"].rows()), len(apps.remotes["dav"].rows())) == (before[0], before[1] + 1)


def test_taken_back_contacts_are_not_made_again_after_a_restore(
    admin: Client, apps: Apps, synced: Run, queue: list[Any]
) -> None:
    queue.clear()
    delete(admin, synced.connection, "take_back")
    work_off(queue)
    there = names(apps, "anna"), names(apps, "dav")
    ending.restore(Connection.every.get(pk=synced.connection_id))
    connection = Connection.objects.get(pk=synced.connection_id)
    syncing.resume(connection)
    run = syncing.sync(Connection.objects.get(pk=connection.pk))
    assert run.state == "done", run.message
    assert (names(apps, "anna"), names(apps, "dav")) == there


def test_a_connection_is_not_restored_beside_one_that_took_its_place(admin: Client, deleted: Connection) -> None:
    made = make_connection(deleted.folder_b, deleted.folder_a, name="another")
    page = f"/admin/connections/deletedconnection/{deleted.pk}/restore/"
    assert "connects the same two folders now" in messages_of(admin.post(page, follow=True))
    made.delete()
    make_connection(name="both", tenant=deleted.tenant)
    assert "another connection called both" in messages_of(admin.post(page, follow=True))
    assert not Connection.objects.filter(pk=deleted.pk).exists()


def test_after_thirty_days_nothing_is_left_but_the_contacts(apps: Apps, deleted: Connection) -> None:
    there = names(apps, "anna"), names(apps, "dav")
    assert ending.remove_expired() == 0
    Connection.every.filter(pk=deleted.pk).update(deleted_at=timezone.now() - timedelta(days=31))
    with pytest.raises(ending.CannotRestore, match="30 days"):
        ending.restore(deleted)
    assert ending.remove_expired() == 1
    assert not Connection.every.exists()
    assert not Pair.objects.exists()
    assert not Change.objects.exists()
    assert (names(apps, "anna"), names(apps, "dav")) == there


def test_an_account_stays_while_its_connection_can_be_restored(admin: Client, deleted: Connection) -> None:
    account = f"/admin/connections/account/{deleted.folder_a.account_id}/delete/"
    assert admin.get(account).status_code == 403
    page = f"/admin/connections/deletedconnection/{deleted.pk}/remove/"
    assert "cannot be undone" in admin.get(page).content.decode()
    assert Connection.every.exists()
    admin.post(page)
    assert not Connection.every.exists()
    assert admin.post(account, {"post": "yes"}).status_code == 302
    assert not Account.objects.filter(pk=deleted.folder_a.account_id).exists()


def test_the_same_folders_and_name_are_free_at_once(deleted: Connection) -> None:
    setting_up.refuse_used(deleted.folder_a, deleted.folder_b)
    make_connection(deleted.folder_a, deleted.folder_b, name=deleted.name)
    assert DeletedConnection.objects.exclude(deleted_at=None).count() == 1


def test_who_may_only_look_deletes_and_restores_nothing(
    staff: Callable[..., Client], synced: Run, deleted: Connection
) -> None:
    client = staff("view_connection", "view_deletedconnection")
    page = f"/admin/connections/deletedconnection/{deleted.pk}"
    assert client.get(f"{page}/change/").status_code == 200
    assert client.post(f"{page}/restore/").status_code == 403
    assert client.post(f"{page}/remove/").status_code == 403
    assert client.post(where(deleted), {"choice": "keep", "step": "do"}).status_code == 403
    assert Connection.every.exists()


def test_a_pruned_connection_can_be_restored_unless_its_account_goes_too(synced: Run) -> None:
    text = "tenants: [{slug: acme, connections: []}]"
    applying.apply(text, prune=True) if hasattr(applying, "apply") else pytest.skip("named otherwise")
    assert Connection.every.exclude(deleted_at=None).exists()
