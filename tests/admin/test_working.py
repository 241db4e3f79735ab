"""What people do on the pages of connections, runs, changes and pairs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from connections.models import Change, ChangeState, Connection, Decision, Health, Pair, Run, RunKind, RunState
from connections.services import background, syncing
from tests.admin.conftest import Apps, fill

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def work_off(queue: list[tuple[Any, ...]]) -> None:
    """Does what a cluster would do."""
    while queue:
        task, *arguments = queue.pop(0)
        if task == "connections.tasks.run":
            syncing.run_slice(arguments[0])
        else:
            getattr(background, task.rpartition(".")[2])(*arguments)


def messages_of(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


@pytest.fixture
def planned(admin: Client, apps: Apps, connection: Connection, queue: list[Any]) -> Run:
    fill(apps)
    admin.post(f"/admin/connections/connection/{connection.pk}/plan/")
    work_off(queue)
    return Run.objects.get(connection=connection)


def test_sync_now_leads_to_the_run(admin: Client, apps: Apps, connection: Connection, queue: list[Any]) -> None:
    fill(apps)
    answer = admin.post(f"/admin/connections/connection/{connection.pk}/sync/")
    waiting = admin.get(answer["Location"])
    assert "waiting for a worker" in waiting.content.decode()
    work_off(queue)
    run = Run.objects.get()
    assert admin.get(answer["Location"])["Location"] == f"/admin/connections/run/{run.pk}/change/"
    text = admin.get(f"/admin/connections/run/{run.pk}/change/").content.decode()
    assert "created on dav" in text
    assert "htmx" not in text


def test_a_running_run_shows_progress_and_refreshes_itself(admin: Client, synced: Run) -> None:
    Run.objects.filter(pk=synced.pk).update(state=RunState.RUNNING, done_items=40, total_items=100)
    text = admin.get(f"/admin/connections/run/{synced.pk}/change/").content.decode()
    assert '<progress max="100" value="40"' in text
    assert 'hx-trigger="every 2s"' in text
    assert "Undo: show" not in text


def test_a_paused_connection_does_not_pretend_to_sync(
    admin: Client, apps: Apps, connection: Connection, queue: list[Any]
) -> None:
    where = f"/admin/connections/connection/{connection.pk}"
    assert "Say why" in messages_of(admin.post(f"{where}/pause/", {"reason": " "}, follow=True))
    admin.post(f"{where}/pause/", {"reason": "holidays"})
    connection.refresh_from_db()
    assert "holidays" in connection.paused_reason
    assert "is paused: holidays" in messages_of(admin.post(f"{where}/sync/", follow=True))
    assert queue == []
    admin.post(f"{where}/resume/")
    connection.refresh_from_db()
    assert connection.paused_reason == ""


def test_the_list_pauses_with_one_reason_and_runs_again(
    admin: Client, apps: Apps, connection: Connection, queue: list[Any]
) -> None:
    where = "/admin/connections/connection/"
    chosen = {"action": "pause", "_selected_action": [connection.pk]}
    asked = admin.post(where, chosen)
    assert "Reason" in asked.content.decode()
    connection.refresh_from_db()
    assert connection.paused_reason == ""
    admin.post(where, {**chosen, "apply": "Pause", "reason": "moving house"})
    connection.refresh_from_db()
    assert "moving house" in connection.paused_reason
    admin.post(where, {"action": "resume", "_selected_action": [connection.pk]})
    admin.post(where, {"action": "sync_now", "_selected_action": [connection.pk]})
    assert [call[0] for call in queue] == ["connections.tasks.run"]


def test_a_plan_is_approved_by_kind_and_line_and_the_rest_rejected(
    admin: Client, apps: Apps, planned: Run, queue: list[Any]
) -> None:
    assert planned.state == RunState.PLANNED
    Connection.objects.update(look_only=False, approve_first_run=True)
    creates = Change.objects.filter(run=planned, kind="create").order_by("id")
    first, *others = creates
    answer = admin.post(f"/admin/connections/change/{first.pk}/approve/", follow=True)
    assert "Approved." in messages_of(answer)
    chosen = {"action": "reject", "_selected_action": [change.pk for change in others]}
    assert f"{len(others)} rejected" in messages_of(admin.post("/admin/connections/change/", chosen, follow=True))
    answer = admin.post(f"/admin/connections/run/{planned.pk}/approve/", {"kind": "pair"}, follow=True)
    assert "approved" in messages_of(answer)
    states = dict(Change.objects.filter(run=planned).values_list("id", "state"))
    assert states[first.pk] == ChangeState.APPROVED
    assert {states[change.pk] for change in others} == {ChangeState.REJECTED}
    work_off(queue)
    first.refresh_from_db()
    assert first.state == ChangeState.DONE
    total = sum(remote.written["create"] for remote in apps.remotes.values())
    assert total == 1


def test_a_rejection_for_good_can_be_reverted(admin: Client, planned: Run, queue: list[Any]) -> None:
    line = Change.objects.filter(run=planned, kind="create").first()
    assert line is not None
    admin.post(f"/admin/connections/change/{line.pk}/reject/", {"for_good": "yes"})
    line.refresh_from_db()
    assert (line.state, line.for_good) == (ChangeState.REJECTED, True)
    assert line.decided_by is not None
    answer = admin.post("/admin/connections/change/", {"action": "revert", "_selected_action": [line.pk]}, follow=True)
    assert "1 may be proposed again" in messages_of(answer)
    line.refresh_from_db()
    assert (line.state, line.for_good) == (ChangeState.SUPERSEDED, False)


def test_undo_shows_first_what_it_would_do_and_then_does_it(
    admin: Client, apps: Apps, synced: Run, queue: list[Any]
) -> None:
    queue.clear()
    before = {name: dict(remote.written) for name, remote in apps.remotes.items()}
    admin.post(f"/admin/connections/run/{synced.pk}/undo/")
    work_off(queue)
    plan = Run.objects.get(kind=RunKind.UNDO)
    assert (plan.state, plan.preview) == (RunState.PLANNED, True)
    assert {name: dict(remote.written) for name, remote in apps.remotes.items()} == before
    text = admin.get(f"/admin/connections/run/{plan.pk}/change/").content.decode()
    assert "Take all this back" in text
    admin.post(f"/admin/connections/run/{plan.pk}/take-back/")
    work_off(queue)
    assert apps.remotes["anna"].written["delete"] + apps.remotes["dav"].written["delete"] > 0


def test_undo_cannot_be_done_without_looking(admin: Client, synced: Run, queue: list[Any]) -> None:
    queue.clear()
    answer = admin.post(f"/admin/connections/run/{synced.pk}/take-back/", follow=True)
    assert "Look at what the undo would do first" in messages_of(answer)
    assert queue == []


def test_what_wrote_nothing_cannot_be_undone(admin: Client, planned: Run, queue: list[Any]) -> None:
    queue.clear()
    pair = Pair.objects.first()
    assert pair is not None
    answer = admin.post(f"/admin/connections/pair/{pair.pk}/undo/", follow=True)
    assert "Nothing was written" in messages_of(answer)
    assert queue == []


def test_a_change_tells_what_was_written_where_and_why(admin: Client, synced: Run) -> None:
    change = Change.objects.filter(kind="update", state="done").first() or Change.objects.filter(kind="create").first()
    assert change is not None
    text = admin.get(f"/admin/connections/change/{change.pk}/change/").content.decode()
    assert "What is written" in text
    assert "Everything" in text
    assert "version" in text


def test_a_pair_shows_both_sides_with_what_they_showed_when_they_agreed(admin: Client, apps: Apps, synced: Run) -> None:
    pair = Pair.objects.get(title="Ada Byron")
    text = admin.get(f"/admin/connections/pair/{pair.pk}/change/").content.decode()
    assert "when both agreed" in text
    assert text.count("Countess") >= 4  # base and present value, on both sides
    assert "First name" in text


def test_pairs_are_found_by_name_and_by_email(admin: Client, synced: Run) -> None:
    for asked in ("byron", "ada@example.com"):
        rows = admin.get("/admin/connections/pair/", {"q": asked}).context["cl"].result_list
        assert [pair.title for pair in rows] == ["Ada Byron"], asked
    items = admin.get("/admin/connections/item/", {"q": "grace@example.com"}).context["cl"].result_list
    assert {item.title for item in items} == {"Grace Hopper"}
    changes = admin.get("/admin/connections/change/", {"q": "hopper"}).context["cl"].result_list
    assert {change.title for change in changes} == {"Grace Hopper"}


def test_pairs_are_filtered_by_connection_and_health(admin: Client, synced: Run) -> None:
    where = "/admin/connections/pair/"
    excluded = {"connection": str(synced.connection_id), "health__exact": "excluded"}
    rows = admin.get(where, excluded).context["cl"].result_list
    assert {pair.health for pair in rows} == {Health.EXCLUDED}
    assert len(rows) > 0
    assert not admin.get(where, {"connection": synced.connection_id + 1}).context["cl"].result_count
    assert not admin.get(where, {"connection": "nonsense"}).context["cl"].result_count


def test_pairs_of_which_something_is_to_know_are_listed(admin: Client, synced: Run) -> None:
    where = "/admin/connections/pair/"
    pair = Pair.objects.get(title="Ada Byron")
    Pair.objects.update(warnings="[]")
    Pair.objects.filter(pk=pair.pk).update(warnings='[["Full name", "fn", "b", "look at it"]]')
    page = admin.get(where, {"connection": str(synced.connection_id), "notes": "some"})
    assert list(page.context["cl"].result_list) == [pair]
    assert "something to look at" in admin.get(where).content.decode()
    assert "Full name: look at it" in admin.get(f"{where}{pair.pk}/change/").content.decode()


def test_a_person_creates_anyway_what_the_connection_left_out(
    admin: Client, apps: Apps, synced: Run, queue: list[Any]
) -> None:
    queue.clear()
    pair = Pair.objects.get(title__contains="Keyless")
    assert pair.health == Health.EXCLUDED
    where = f"/admin/connections/pair/{pair.pk}"
    assert "Create it on the other side anyway" in admin.get(f"{where}/change/").content.decode()
    answer = admin.post(f"{where}/decide/", {"verdict": "create"}, follow=True)
    assert "Decided: create anyway" in messages_of(answer)
    decision = Decision.objects.get()
    assert str(decision.by) == "root@example.com"
    work_off(queue)
    pair.refresh_from_db()
    assert pair.item_a is not None
    assert pair.item_b is not None


def test_a_person_says_that_two_are_the_same(
    admin: Client, apps: Apps, connection: Connection, queue: list[Any]
) -> None:
    shared = [{"value": "info@example.com"}]
    apps.remotes["anna"].add({"givenName": "Jo", "surname": "Bloggs", "emailAddresses": shared})
    apps.remotes["dav"].add({"given": "Joseph", "family": "Bloggs", "emails": shared})
    syncing.sync(connection)
    pair = Pair.objects.get(item_a__isnull=False)
    assert pair.health == Health.REVIEW
    where = f"/admin/connections/pair/{pair.pk}"
    text = admin.get(f"{where}/change/").content.decode()
    assert "Joseph Bloggs" in text
    other = Pair.objects.get(item_b__isnull=False).item_b
    assert other is not None
    assert "Choose what you decide" in messages_of(admin.post(f"{where}/decide/", {"verdict": "x"}, follow=True))
    admin.post(f"{where}/decide/", {"verdict": "same", "other": other.pk})
    work_off(queue)
    assert Pair.objects.get(item_a__isnull=False, item_b__isnull=False).health == Health.IN_SYNC


def test_a_person_tries_failed_contacts_again(admin: Client, synced: Run, queue: list[Any]) -> None:
    queue.clear()
    pair = Pair.objects.get(title="Ada Byron")
    Pair.objects.filter(pk=pair.pk).update(health=Health.FAILED, blocked_a_until=9e9, pending=False)
    admin.post("/admin/connections/pair/", {"action": "retry", "_selected_action": [pair.pk]})
    pair.refresh_from_db()
    assert (pair.pending, pair.blocked_a_until) == (True, 0)
    work_off(queue)
    pair.refresh_from_db()
    assert pair.health == Health.IN_SYNC


def test_the_overview_names_what_waits_for_a_person(admin: Client, synced: Run, queue: list[Any]) -> None:
    assert "Nothing. All is well." in admin.get("/admin/").content.decode()
    Pair.objects.filter(title="Ada Byron").update(health=Health.REVIEW)
    Run.objects.filter(pk=synced.pk).update(state=RunState.HELD, message="600 deletes wait.")
    text = admin.get("/admin/").content.decode()
    assert "some need review" in text
    assert "600 deletes wait." in text
    assert "waits for approval" in text
    states = admin.get("/admin/connections/connection/", {"state": "held"}).context["cl"].result_list
    assert [connection.name for connection in states] == ["both"]


def test_a_suddenly_empty_side_is_accepted_by_a_person(
    admin: Client, apps: Apps, synced: Run, queue: list[Any]
) -> None:
    dav = apps.remotes["dav"]
    for key in list(dav.rows()):
        dav.delete(key)
    held = syncing.sync(synced.connection)
    assert held.state == RunState.HELD
    text = admin.get(f"/admin/connections/run/{held.pk}/change/").content.decode()
    assert "It is right that the side is empty" in text
    queue.clear()
    admin.post(f"/admin/connections/run/{held.pk}/approve/")
    work_off(queue)
    assert Run.objects.latest("id").state == RunState.DONE


def test_of_an_undo_only_the_approved_lines_are_taken_back(
    admin: Client, apps: Apps, synced: Run, queue: list[Any]
) -> None:
    queue.clear()
    admin.post(f"/admin/connections/run/{synced.pk}/undo/")
    work_off(queue)
    plan = Run.objects.get(kind=RunKind.UNDO)
    line = Change.objects.filter(run=plan, kind="delete", side="a").get()
    admin.post(f"/admin/connections/change/{line.pk}/approve/")
    assert "Take back the approved lines" in admin.get(f"/admin/connections/run/{plan.pk}/change/").content.decode()
    admin.post(f"/admin/connections/run/{plan.pk}/take-back/", {"only": "approved"})
    work_off(queue)
    assert apps.remotes["anna"].written["delete"] == 1
    assert apps.remotes["dav"].written["delete"] == 0
