"""Undo on the pages: since a moment, who approved, and what is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.models import Change, Connection, Run, RunKind
from connections.services import syncing, undoing
from tests.admin.conftest import Apps
from tests.admin.test_working import messages_of, work_off

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def test_everything_since_a_moment_is_planned_approved_and_taken_back(
    admin: Client, apps: Apps, synced: Run, queue: list[Any]
) -> None:
    queue.clear()
    dav = apps.remotes["dav"]
    (grace,) = (key for key, row in dav.rows().items() if row.values.get("given") == "Grace")
    dav.edit(grace, note="I know her")
    where = f"/admin/connections/connection/{synced.connection_id}/undo-since/"
    admin.post(where, {"since": "2020-01-01T00:00"})
    work_off(queue)
    plan = Run.objects.get(kind=RunKind.UNDO)
    assert plan.preview
    text = admin.get(f"/admin/connections/run/{plan.pk}/change/").content.decode()
    assert "Left alone, because it changed since" in text
    assert "Grace Hopper" in text
    admin.post(f"/admin/connections/run/{plan.pk}/take-back/")
    work_off(queue)
    done = Change.objects.filter(state="done").exclude(undo_of=None)
    assert done.exists()
    assert {str(change.decided_by) for change in done} == {"root@example.com"}
    assert not Change.objects.filter(run=plan, state="approved").exists()
    assert "Grace" in {row.values.get("given") for row in dav.rows().values()}


@pytest.mark.parametrize(
    ("since", "answer"), [("", "is no moment"), ("soon", "is no moment"), ("2100-01-01", "nothing")]
)
def test_a_moment_that_makes_no_sense_is_refused(
    admin: Client, synced: Run, queue: list[Any], since: str, answer: str
) -> None:
    queue.clear()
    where = f"/admin/connections/connection/{synced.connection_id}/undo-since/"
    assert answer in messages_of(admin.post(where, {"since": since}, follow=True))
    assert queue == []


def test_what_was_taken_back_says_so_when_it_is_taken_back_once_more(apps: Apps, synced: Run) -> None:
    first = undoing.undo_run(synced)
    assert first.counters
    again = undoing.undo_run(synced)
    assert (again.counters, again.message) == ({}, "Nothing is left to take back")


def test_a_connection_that_only_looks_writes_nothing_in_an_undo_either(synced: Run) -> None:
    Connection.objects.update(look_only=True)
    run = Run.objects.get(pk=synced.pk)
    with pytest.raises(undoing.NothingToUndo, match="only looks"):
        undoing.undo_run(run)
    assert undoing.undo_run(run, preview=True).state == "planned"


def test_moments_are_written_as_people_write_them() -> None:
    now = timezone.now()
    assert 7_190 < (now - undoing.moment_of("2h")).total_seconds() < 7_210
    assert undoing.moment_of("2026-05-01 14:30").minute == 30
    assert timezone.is_aware(undoing.moment_of("2026-05-01"))


def test_a_change_names_who_approved_it(admin: Client, apps: Apps, connection: Connection, queue: list[Any]) -> None:
    apps.remotes["anna"].add({"givenName": "Ada", "emailAddresses": [{"value": "ada@example.com"}]})
    plan = syncing.preview(connection)
    admin.post(f"/admin/connections/run/{plan.pk}/approve/")
    work_off(queue)
    done = Change.objects.get(kind="create", state="done")
    assert str(done.decided_by) == "root@example.com"
    assert "root@example.com" in admin.get("/admin/connections/change/").content.decode().split("result_list")[1]
