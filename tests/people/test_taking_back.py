"""People take back what was written: first they see what that would do."""

# ruff: noqa: F811 - fixtures are imported, and asked for by their names
from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from connections.models import Change, Connection, Pair, Run
from connections.services import background, stopping, syncing
from tests.admin.conftest import Apps, accounts, apps, connection, fill, queue  # noqa: F401 - fixtures
from tests.people.conftest import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(acme: Any) -> Any:
    return acme


@pytest.fixture
def synced(apps: Apps, connection: Connection, queue: list[Any]) -> Connection:
    fill(apps)
    assert syncing.sync(connection).state == "done"
    queue.clear()
    return connection


def ask(person: Person, row: Connection, **what: Any) -> Any:
    return person.client.post(reverse("connection-undo", args=["acme", row.pk]), what)


def planned(person: Person, row: Connection, queue: list[Any], **what: Any) -> str:
    """Asks, lets the worker plan it, and returns the address of the plan."""
    waiting = ask(person, row, **what)["Location"]
    assert "Both sides are looked at" in person.client.get(waiting).content.decode()
    work(queue)
    return str(person.client.get(waiting)["Location"])


def work(queue: list[Any]) -> None:
    for name, *arguments in queue:
        getattr(background, name.rsplit(".", 1)[1])(*arguments)
    queue.clear()


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def in_dav(apps: Apps) -> int:
    return len(apps.remotes["dav"].shelf("book").rows)


@pytest.mark.parametrize("what", ["run", "pair", "change", "since"])
def test_what_was_written_is_planned_shown_and_taken_back(
    anna: Person, apps: Apps, synced: Connection, queue: list[Any], what: str
) -> None:
    created = Change.objects.filter(kind="create", state="done", side="b").order_by("pk")
    before, first = in_dav(apps), created[0]
    meant = {"run": first.run_id, "pair": first.pair_id, "change": first.pk, "since": "1970-01-02T00:00"}
    where = planned(anna, synced, queue, **{what: meant[what]})
    page = anna.client.get(where).content.decode()
    assert first.title in page
    assert "What taking it back would do" in page
    assert in_dav(apps) == before
    told = anna.client.post(where, {"scope": "all"})
    assert "taken back as soon as a worker is free" in said(told)
    work(queue)
    count = 1 if what in ("pair", "change") else created.count()
    assert in_dav(apps) == before - count
    assert (
        Change.objects.filter(undo_of__in=created, state="done").values_list("decided_by", flat=True)[0] == anna.user.pk
    )
    assert "Nothing of this plan is left" in anna.client.get(where).content.decode()


def test_only_the_ticked_lines_are_taken_back(anna: Person, apps: Apps, synced: Connection, queue: list[Any]) -> None:
    before = in_dav(apps)
    where = planned(anna, synced, queue, run=Run.objects.get().pk)
    assert "Tick at least one line" in said(anna.client.post(where, {"scope": "ticked"}))
    line = Change.objects.filter(state="proposed", kind="delete", side="b").first()
    assert line is not None
    anna.client.post(where, {"scope": "ticked", "line": line.pk})
    work(queue)
    assert in_dav(apps) == before - 1


def test_what_somebody_changed_since_is_named_and_left_alone(
    anna: Person, apps: Apps, synced: Connection, queue: list[Any]
) -> None:
    pair = Pair.objects.get(title="Grace Hopper")
    created = Change.objects.get(pair=pair, kind="create")
    remote = apps.remotes["dav" if created.side == "b" else "anna"]
    assert created.target_item is not None
    remote.edit(created.target_item.remote_id, "", family="Murray")
    page = anna.client.get(planned(anna, synced, queue, pair=pair.pk)).content.decode()
    assert "Left alone, because it changed since" in page
    assert "Nothing of this plan is left" in page


def test_the_history_offers_to_take_back_what_it_lists(anna: Person, synced: Connection) -> None:
    run = Run.objects.get()
    page = anna.page("connection-history", synced.pk)
    assert "Take back: create of Grace Hopper" in page
    assert f"history/?run={run.pk}" in anna.page("connection", synced.pk)
    of_run = anna.client.get(reverse("connection-history", args=["acme", synced.pk]), {"run": run.pk}).content.decode()
    assert "Take back this run" in of_run
    none = anna.client.get(reverse("connection-history", args=["acme", synced.pk]), {"run": run.pk + 1})
    assert "Nothing yet" in none.content.decode()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"since": "yesterday"}, "is no moment"),
        ({"since": "2999-01-01T00:00"}, "has written nothing since then"),
        ({"run": "99999999"}, "not known any more"),
        ({"change": "1; drop"}, "not known any more"),
        ({"pair": "9" * 40}, "not known any more"),
        ({}, "is no moment"),
    ],
)
def test_what_cannot_be_taken_back_is_said_and_nothing_is_begun(
    anna: Person, synced: Connection, queue: list[Any], what: dict[str, str], words: str
) -> None:
    assert words in said(ask(anna, synced, **what))
    assert queue == []


def test_nothing_is_taken_back_while_it_is_stopped_or_only_looks(
    anna: Person, synced: Connection, queue: list[Any]
) -> None:
    where = planned(anna, synced, queue, run=Run.objects.get().pk)
    Connection.objects.filter(pk=synced.pk).update(look_only=True)
    assert "only looks and never writes" in said(anna.client.post(where, {"scope": "all"}))
    Connection.objects.filter(pk=synced.pk).update(look_only=False)
    stopping.stop("the server moves", tenant=synced.tenant)
    assert "the server moves" in said(anna.client.post(where, {"scope": "all"}))
    assert "the server moves" in said(ask(anna, synced, since="1970-01-02T00:00"))
    assert queue == []
    assert Change.objects.filter(state="proposed").exists()
