"""The work list: everything that waits, a cause a line, and who sees to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.admin import base
from connections.models import (
    Account,
    AccountState,
    Change,
    Connection,
    Handling,
    Item,
    Pair,
    Run,
    Stop,
    Tenant,
    User,
)
from connections.services import handling, retention, worklist
from connections.services.overviews import everything
from connections.services.worklist import Group, Kind, Line
from tests.admin.conftest import sign_in
from tests.factories import make_account, make_connection, make_folder, make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
DOWN = "graph.example.com had an error of its own (status {})."


def made(tenant: Tenant | None = None, **values: Any) -> Connection:
    """A connection of two accounts of its own."""
    tenant = tenant or make_tenant()
    a, b = (make_folder(make_account(tenant, app=app)) for app in ("outlook", "carddav"))
    return make_connection(a, b, **values)


def ran(connection: Connection, state: str, ago: float, **values: Any) -> Run:
    """A run that ended so many hours ago."""
    moment = timezone.now() - timedelta(hours=ago)
    given = {"tenant": connection.tenant, "connection": connection, "kind": "incremental", "state": state}
    return Run.objects.create(**given, started_at=moment, ended_at=moment, **values)


def proposed(run: Run, number: int = 1) -> None:
    for place in range(number):
        Change.objects.create(
            tenant=run.tenant, connection=run.connection, run=run, kind="delete", side="b", state="proposed",
            target_folder=run.connection.folder_b, marker=f"m-{run.pk}-{place}",
        )  # fmt: skip


def waiting(connection: Connection, health: str, number: int, **values: Any) -> None:
    for place in range(number):
        item = Item.objects.create(folder=connection.folder_a, remote_id=f"{health}{place}", observed_at=1_700_000_000)
        Pair.objects.create(connection=connection, item_a=item, health=health, **values)


def down(connection: Connection, status: int = 503, ago: float = 1) -> Connection:
    """Its app does not answer."""
    for moment in (ago, ago / 2):
        ran(connection, "failed", moment, message=DOWN.format(status))
    return connection


@pytest.fixture
def everything_waits(db: None) -> dict[Kind, Connection]:
    found = {kind: made() for kind in Kind}
    proposed(ran(found[Kind.HELD], "held", 5, held={"deletes": "25 of 100 contacts would be deleted"}), 3)
    proposed(ran(found[Kind.PLAN], "planned", 4))
    account = found[Kind.ACCOUNT].folder_a.account
    Account.objects.filter(pk=account.pk).update(state=AccountState.NEEDS_AUTHORISATION, reason="The grant is revoked.")
    waiting(found[Kind.REVIEW], "review", 2, reason="could be somebody else")
    waiting(found[Kind.FAILURES], "failed", 11, reason="the app refuses the email")
    down(found[Kind.RUNS])
    return found


def lines() -> list[Line]:
    return worklist.lines(everything)


def rows(client: Client, **query: Any) -> list[Group]:
    answer = client.get("/admin/work/", query)
    assert answer.status_code == 200
    return list(answer.context["groups"])


# ---- what waits


def test_all_that_waits_for_a_person_is_there(admin: Client, everything_waits: dict[Kind, Connection]) -> None:
    found = {group.first.kind: group.first for group in rows(admin)}
    assert set(found) == set(Kind)
    for kind, line in found.items():
        expected = everything_waits[kind]
        assert line.about == (expected.folder_a.account if kind is Kind.ACCOUNT else expected)
    assert {kind: line.count for kind, line in found.items() if line.count} == {
        Kind.HELD: 3, Kind.PLAN: 1, Kind.REVIEW: 2, Kind.FAILURES: 11,
    }  # fmt: skip
    text = admin.get("/admin/work/").content.decode()
    for shown in ("unusually many deletions", "CardDAV", "The grant is revoked.", "the app refuses the email", "503"):
        assert shown in text, shown


def test_the_oldest_comes_first(admin: Client) -> None:
    for ago in (3, 30, 13):
        proposed(ran(made(name=f"waits-{ago}"), "held", ago, held={f"kind-{ago}": "x", "deletes": "x"}))
    assert [str(line.about) for line in lines()] == ["waits-30", "waits-13", "waits-3"]


def test_what_waits_since_long_is_not_young_because_it_ran_again(db: None) -> None:
    connection = made()
    ran(connection, "done", 50)
    ran(connection, "held", 40, held={"deletes": "x"})
    proposed(ran(connection, "held", 1, held={"deletes": "x"}))
    (line,) = lines()
    assert line.since is not None
    assert timezone.now() - line.since > timedelta(hours=39)


def test_an_outage_is_one_line_that_opens_to_its_members(admin: Client) -> None:
    affected = [down(made(name=f"down-{status}"), status) for status in (500, 502, 503)]
    down(made(name="other"))
    Run.objects.filter(connection__name="other").update(message="hubspot.example.com cannot be reached.")
    groups = rows(admin)
    assert sorted(len(group.lines) for group in groups) == [1, 3]
    outage = max(groups, key=lambda group: len(group.lines))
    closed = admin.get("/admin/work/").content.decode()
    assert "3 in 3 tenants" in closed
    assert "status …" in closed
    assert "down-500" not in closed
    opened = admin.get("/admin/work/", {"cause": outage.first.group}).content.decode()
    assert all(f"{connection.tenant}/{connection}" in opened for connection in affected)


def test_what_is_settled_disappears_by_itself(everything_waits: dict[Kind, Connection]) -> None:
    Change.objects.update(state="done")
    Account.objects.update(state=AccountState.ACTIVE)
    Pair.objects.update(health="in_sync")
    ran(everything_waits[Kind.RUNS], "done", 0)
    assert lines() == []


def test_one_failed_run_is_tried_again_before_anybody_looks(db: None) -> None:
    connection = made()
    ran(connection, "done", 2)
    ran(connection, "failed", 1)
    assert lines() == []
    ran(connection, "failed", 0.5)
    ran(connection, "running", 0)
    assert [line.kind for line in lines()] == [Kind.RUNS]


def test_what_is_paused_or_stopped_waits_for_nobody(db: None) -> None:
    down(made(paused_reason="by the customer"))
    stopped = down(made())
    Stop.objects.create(tenant=stopped.tenant, reason="moves house")
    assert lines() == []


# ---- narrowing


def test_the_list_can_be_narrowed(admin: Client, everything_waits: dict[Kind, Connection]) -> None:
    held = everything_waits[Kind.HELD]
    user = User.objects.get(email="root@example.com")
    Handling.objects.create(tenant=held.tenant, key=f"held:connection:{held.pk}", assignee=user)

    def kinds(**query: str) -> set[Kind]:
        return {group.first.kind for group in rows(admin, **query)}

    assert kinds(kind="review") == {Kind.REVIEW}
    assert kinds(tenant=held.tenant.slug.upper()) == {Kind.HELD}
    assert kinds(app="carddav") == set(Kind) - {Kind.ACCOUNT}
    assert kinds(app="hubspot") == set()
    assert kinds(who="mine") == {Kind.HELD}
    assert kinds(who="nobody") == set(Kind) - {Kind.HELD}
    assert kinds(snoozed="yes") == set()
    assert kinds(tenant="%", kind="x' or", page="-9", cause="<b>") == set()


def test_staff_see_what_their_permissions_let_them(
    staff: Callable[..., Client], everything_waits: dict[Kind, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = staff("view_handling", "view_run")
    assert {group.first.kind for group in rows(client)} == {Kind.HELD, Kind.PLAN, Kind.RUNS}
    assert "See to it" not in client.get("/admin/work/").content.decode()
    assert client.get("/admin/work/handle/").status_code == 403
    mine = everything_waits[Kind.PLAN].tenant
    monkeypatch.setattr(base, "visible", lambda rows, request: rows.filter(tenant=mine))
    assert [group.first.kind for group in rows(client)] == [Kind.PLAN]


def test_without_the_permission_there_is_no_list(staff: Callable[..., Client]) -> None:
    assert staff("view_run").get("/admin/work/").status_code == 403


# ---- seeing to it


def see_to(client: Client, where: str, **values: Any) -> Any:
    seen = client.get(where).context["seen"]
    return client.post(where, {"seen": seen, **values})


def test_somebody_sees_to_a_matter_and_puts_it_off(admin: Client) -> None:
    connection = down(made())
    key = f"runs:connection:{connection.pk}"
    where = f"/admin/work/handle/?key={key}"
    tomorrow = timezone.localdate() + timedelta(days=1)
    see_to(admin, where, take="yes", note="rang them", ticket="https://tickets.example/7")
    row = Handling.objects.get(key=key)
    assert (str(row.assignee), row.note, row.tenant) == ("root@example.com", "rang them", connection.tenant)
    text = admin.get("/admin/work/?who=mine").content.decode()
    assert 'href="https://tickets.example/7"' in text
    see_to(admin, where, note="rang them", snoozed_until=str(tomorrow))
    assert rows(admin) == []
    (group,) = rows(admin, snoozed="yes")
    assert group.first.key == key
    Handling.objects.update(snoozed_until=timezone.localdate())
    assert len(rows(admin)) == 1


def test_all_of_a_cause_are_seen_to_at_once_and_keep_what_is_not_said(admin: Client) -> None:
    first, second = down(made()), down(made())
    see_to(admin, f"/admin/work/handle/?key=runs:connection:{first.pk}", note="a note of its own")
    group = rows(admin)[0]
    see_to(admin, f"/admin/work/handle/?cause={group.first.group}", take="yes", ticket="https://tickets.example/8")
    found = {row.key: row for row in Handling.objects.all()}
    assert {row.ticket for row in found.values()} == {"https://tickets.example/8"}
    assert found[f"runs:connection:{first.pk}"].note == "a note of its own"
    assert found[f"runs:connection:{second.pk}"].note == ""


@pytest.mark.parametrize("known", [True, False], ids=["noted before", "new"])
def test_who_was_slower_is_told_and_overwrites_nothing(admin: Client, known: bool) -> None:
    connection = down(made())
    where = f"/admin/work/handle/?key=runs:connection:{connection.pk}"
    if known:
        see_to(admin, where, note="before")
    colleague = Client()
    sign_in(colleague, User.objects.create_superuser("colleague@example.com", "irrelevant"))
    seen = admin.get(where).context["seen"]
    see_to(colleague, where, take="yes", note="mine")
    answer = admin.post(where, {"seen": seen, "note": "also mine"})
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "colleague@example.com noted something about" in text
    assert "also mine" in text
    assert Handling.objects.get().note == "mine"
    admin.post(where, {"seen": answer.context["seen"], "note": "also mine"})
    assert Handling.objects.get().note == "also mine"


def test_two_who_begin_at_the_same_moment_do_not_both_win(db: None) -> None:
    connection = down(made())
    (line,) = lines()
    user = User.objects.create_user("one@example.com")
    handling.handle([line], {}, {"note": "first"}, user)
    with pytest.raises(handling.Overtaken, match="one@example.com noted something"):
        handling.handle([line], {}, {"note": "second"}, user)
    assert Handling.objects.get(tenant=connection.tenant).note == "first"


@pytest.mark.parametrize(
    ("field", "value"),
    [("ticket", "javascript:alert(1)"), ("snoozed_until", "2020-01-01"), ("assignee", "999999"), ("note", "x" * 2001)],
)
def test_what_cannot_be_is_refused(admin: Client, field: str, value: str) -> None:
    connection = down(made())
    answer = see_to(admin, f"/admin/work/handle/?key=runs:connection:{connection.pk}", **{field: value})
    assert answer.status_code == 200
    assert answer.context["form"].errors[field]
    assert not Handling.objects.exists()


@pytest.mark.parametrize("seen", ["", "x", "[1]", '{"runs:connection:0": 0}', '{"runs:connection:0": "x"}'])
def test_what_is_settled_or_made_up_cannot_be_seen_to(admin: Client, seen: str) -> None:
    answer = admin.post("/admin/work/handle/", {"seen": seen, "note": "x"}, follow=True)
    assert "settled meanwhile" in answer.content.decode()
    assert not Handling.objects.exists()


def test_what_was_noted_about_an_earlier_matter_is_not_about_this_one(admin: Client) -> None:
    connection = down(made(), ago=3)
    see_to(admin, f"/admin/work/handle/?key=runs:connection:{connection.pk}", note="the first outage")
    Handling.objects.update(changed_at=timezone.now() - timedelta(hours=5))
    (line,) = lines()
    assert line.handling is None
    see_to(admin, f"/admin/work/handle/?key={line.key}", take="yes")
    assert Handling.objects.get().note == ""


def test_what_was_noted_about_settled_matters_goes_with_the_purge(db: None) -> None:
    connection = down(made())
    long_ago = timezone.now() - handling.KEPT - timedelta(days=1)
    for key, moment in ((lines()[0].key, long_ago), ("runs:connection:0", long_ago), ("a:b:1", timezone.now())):
        Handling.objects.create(tenant=connection.tenant, key=key, changed_at=moment)
    retention.purge()
    assert set(Handling.objects.values_list("key", flat=True)) == {lines()[0].key, "a:b:1"}


# ---- what it costs


def test_the_list_costs_the_same_for_many_connections(
    admin: Client, everything_waits: dict[Kind, Connection], django_assert_max_num_queries: Any
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(database) as seen:
            rows(admin, cause=rows(admin)[0].first.group)
        return len(seen) // 2

    few = asked()
    tenant = make_tenant()
    for _ in range(30):
        down(made(tenant))
        waiting(made(tenant), "review", 1)
    assert asked() == few
    assert few < 20


def test_no_moment_is_later_than_now(everything_waits: dict[Kind, Connection]) -> None:
    now: datetime = timezone.now()
    assert all(line.since is None or line.since < now for line in lines())
