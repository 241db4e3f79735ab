"""Forgetting a person on the pages: shown first, done by those who may and say that they know what it means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from connections.models import Forgetting, Item, Pair, Run
from connections.services import forgetting
from tests.admin.conftest import Apps
from tests.admin.test_working import messages_of, work_off
from tests.factories import make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def where(run: Run) -> str:
    pair = Pair.objects.get(connection=run.connection, title="Grace Hopper")
    return f"/admin/connections/pair/{pair.pk}/forget/"


def test_a_person_is_forgotten_by_somebody_who_says_to_know_what_it_means(
    admin: Client, apps: Apps, synced: Run, queue: list[Any]
) -> None:
    queue.clear()
    page = where(synced)
    assert "Forget this person" in admin.get(page.replace("forget/", "change/")).content.decode()
    text = admin.get(page).content.decode()
    assert "This cannot be undone" in text
    assert text.count("Grace Hopper") >= 3
    admin.post(page)
    assert (queue, Forgetting.objects.count()) == ([], 0)
    assert "erased as soon as" in messages_of(admin.post(page, {"understood": "on"}, follow=True))
    work_off(queue)
    asked = Forgetting.objects.get()
    assert (str(asked.asked_by), asked.items) == ("root@example.com", [])
    assert asked.done_at is not None
    assert not Item.objects.filter(title__contains="Grace").exists()
    assert "Hopper" not in str([row.values for remote in apps.remotes.values() for row in remote.rows().values()])
    shown = admin.get(f"/admin/connections/forgetting/{asked.pk}/change/").content.decode()
    assert "1 deleted in anna" in shown
    assert "Grace" not in shown


def test_what_could_not_be_finished_is_tried_again(admin: Client, apps: Apps, synced: Run, queue: list[Any]) -> None:
    one = forgetting.person(synced.tenant, [Pair.objects.get(title="Grace Hopper").item_a_id or 0])
    asked = forgetting.ask(synced.tenant, one)
    page = f"/admin/connections/forgetting/{asked.pk}"
    assert admin.get(f"{page}/delete/").status_code == 403
    assert "Try again now" in admin.get(f"{page}/change/").content.decode()
    queue.clear()
    admin.post(f"{page}/again/")
    work_off(queue)
    asked.refresh_from_db()
    assert asked.done_at is not None
    assert admin.post(f"{page}/delete/", {"post": "yes"}).status_code == 302
    assert not forgetting.is_forgotten(synced.tenant, "grace@example.com")


def test_changing_contacts_is_not_enough_to_forget_one(staff: Callable[..., Client], synced: Run) -> None:
    client = staff("view_pair", "change_pair", "view_forgetting")
    page = where(synced)
    assert "Forget this person" not in client.get(page.replace("forget/", "change/")).content.decode()
    assert client.get(page).status_code == 403
    assert client.post(page, {"understood": "on"}).status_code == 403
    assert not Forgetting.objects.exists()


def test_a_contact_of_another_tenant_with_the_same_address_stays(synced: Run) -> None:
    other = make_tenant()
    mine = forgetting.people(synced.tenant, "grace@example.com")
    assert len(mine) == 1
    assert forgetting.people(other, "grace@example.com") == []
