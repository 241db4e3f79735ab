"""The page of a plan: groups, search, single lines, and what is decided about them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from connections.models import Change, Connection, Run
from connections.services import syncing
from tests.admin.conftest import Apps, fill
from tests.admin.test_working import messages_of
from tests.factories import make_connection, make_folder

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def plan(apps: Apps, connection: Connection, queue: list[Any]) -> Run:
    fill(apps)
    return syncing.preview(connection)


def show(admin: Client, run: Run, **query: str) -> str:
    return admin.get(reverse("admin:connections_run_plan", args=[run.pk]), query).content.decode()


def decide(admin: Client, run: Run, **values: Any) -> str:
    url = reverse("admin:connections_run_decide", args=[run.pk])
    return messages_of(admin.post(url, values, follow=True))


def states(run: Run) -> dict[str, str]:
    rows = Change.objects.filter(run=run).order_by("id")
    return {f"{sort} {title}".strip(): state for sort, title, state in rows.values_list("sort", "title", "state")}


def test_each_line_is_shown_field_by_field_with_before_after_and_why(admin: Client, plan: Run) -> None:
    page = show(admin, plan)
    for text in ("Grace Hopper", "to create on dav", "to pair", "same email", "rule “Everything", "hopper", "Countess"):
        assert text.lower() in page.lower(), text
    assert "<script>alert(1)" not in page


def test_the_groups_name_each_count(admin: Client, plan: Run) -> None:
    page = show(admin, plan, sort="create", side="b")
    assert "Grace Hopper" in page
    assert "evil@example.com" not in page


@pytest.mark.parametrize("text", ["grace", "HOPPER", "grace@example.com"])
def test_a_search_finds_names_and_values(admin: Client, plan: Run, text: str) -> None:
    page = show(admin, plan, q=text)
    assert "Grace Hopper" in page
    assert "Countess" not in page


def test_ticked_lines_are_approved_and_written_and_the_others_wait(
    admin: Client, apps: Apps, connection: Connection, plan: Run
) -> None:
    line = Change.objects.get(run=plan, title="Grace Hopper")
    assert "1 approved" in decide(admin, plan, scope="ticked", line=[line.pk], verdict="approve")
    assert states(plan)["create Grace Hopper"] == "approved"
    connection.approve_first_run = True
    connection.save()
    syncing.sync(connection)
    assert "Grace" in {row.values.get("given") for row in apps.remotes["dav"].rows().values()}
    assert len(apps.remotes["anna"].rows()) == 2


def test_nothing_ticked_is_no_decision(admin: Client, plan: Run) -> None:
    assert "Tick at least one" in decide(admin, plan, scope="ticked", verdict="approve")
    assert set(states(plan).values()) == {"proposed"}


def test_a_group_is_rejected_for_good_and_taken_back(admin: Client, connection: Connection, plan: Run) -> None:
    decide(admin, plan, scope="shown", sort="create", side="a", verdict="never")
    rejected = Change.objects.filter(run=plan, state="rejected")
    assert {(line.sort, line.side, line.for_good) for line in rejected} == {("create", "a", True)}
    count = rejected.count()
    assert f"{count} rejected" not in show(admin, plan)
    newer = syncing.preview(connection)
    assert not Change.objects.filter(run=newer, sort="create", side="a", state="proposed").exists()
    shown = show(admin, plan, state="rejected")
    assert "rejected for good" in shown
    told = decide(admin, plan, scope="shown", state="rejected", verdict="revert")
    assert f"{count} may be proposed again" in told
    newest = syncing.preview(connection)
    assert Change.objects.filter(run=newest, sort="create", side="a", state="proposed").count() == count


def test_what_a_search_shows_is_decided_and_nothing_else(admin: Client, plan: Run) -> None:
    decide(admin, plan, scope="shown", q="grace@example.com", verdict="reject")
    assert [name for name, state in states(plan).items() if state == "rejected"] == ["create Grace Hopper"]


def test_the_export_has_a_row_per_field_and_no_formula(admin: Client, apps: Apps, connection: Connection) -> None:
    apps.remotes["anna"].add({"givenName": "=cmd|' /C calc'!A0", "emailAddresses": [{"value": "e@example.com"}]})
    run = syncing.preview(connection)
    answer = admin.get(reverse("admin:connections_run_plan_csv", args=[run.pk]))
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert {row["group"] for row in rows} == {"create"}
    assert {row["before"] for row in rows} == {""}
    cells = [cell for row in rows for cell in row.values()]
    assert "'=cmd|' /C calc'!A0" in cells
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


def test_a_plan_of_many_lines_costs_as_many_queries_and_shows_them_page_by_page(
    admin: Client, connection: Connection, plan: Run
) -> None:
    model = Change.objects.filter(run=plan, sort="create").first()
    assert model is not None

    def grow(count: int) -> None:
        rows = []
        for number in range(count):
            row = Change.objects.get(pk=model.pk)
            row.pk, row.marker, row.title = None, f"m{number}-{count}", f"Person {number}"
            rows.append(row)
        Change.objects.bulk_create(rows, 500)

    def cost() -> int:
        with CaptureQueriesContext(
            database,
        ) as queries:
            show(admin, plan)
        return len(queries)

    show(admin, plan)
    grow(60)
    few = cost()
    grow(1_500)
    assert cost() == few < 20
    page = show(admin, plan)
    assert page.count('name="line"') == 50
    assert "Further lines" in page


def test_who_may_only_look_decides_nothing(staff: Any, plan: Run) -> None:
    client = staff("view_run", "view_change")
    assert 'name="verdict"' not in show(client, plan)
    url = reverse("admin:connections_run_decide", args=[plan.pk])
    assert client.post(url, {"scope": "shown", "verdict": "approve"}).status_code == 403
    assert set(states(plan).values()) == {"proposed"}


# ---- several plans together


@pytest.fixture
def second(accounts: Any, apps: Apps, plan: Run) -> Run:
    """The plan of another connection, between other folders of the same accounts."""
    folders = make_folder(accounts[0], "customers"), make_folder(accounts[1], "book")
    apps.remotes["anna"].add({"givenName": "Zoe", "emailAddresses": [{"value": "zoe@example.com"}]}, folder="customers")
    return syncing.preview(make_connection(*folders, name="customers"))


def test_open_plans_stand_together_and_a_group_is_approved_everywhere(admin: Client, plan: Run, second: Run) -> None:
    page = admin.get(reverse("admin:connections_run_plans")).content.decode()
    assert "2 connections wait" in page
    assert all(text in page for text in ("to create on side B", "customers", "both"))
    url = reverse("admin:connections_run_plans_decide")
    values = {"run": [plan.pk, second.pk], "scope": "shown", "sort": "create", "side": "b", "verdict": "approve"}
    told = messages_of(admin.post(url, values, follow=True))
    assert "customers: 1 approved" in told
    assert "both: 1 approved" in told
    waiting = Change.objects.filter(run__in=(plan, second), state="proposed")
    assert not waiting.filter(sort="create", side="b").exists()
    assert waiting.filter(sort="create", side="a").exists()


def test_only_the_chosen_connections_stand_together(admin: Client, plan: Run, second: Run) -> None:
    action = {"action": "plans", "_selected_action": [second.connection_id]}
    page = admin.post(reverse("admin:connections_connection_changelist"), action, follow=True).content.decode()
    assert "1 connection waits" in page
    assert f"/run/{plan.pk}/plan/" not in page


def test_without_an_open_plan_the_page_says_so(admin: Client) -> None:
    assert "No plan waits" in admin.get(reverse("admin:connections_run_plans")).content.decode()
