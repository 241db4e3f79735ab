"""History goes when it is old; what keeps the apps the same stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from connections import scheduling, supervisor, tasks
from connections.engine.leases import claim
from connections.host import SystemClock
from connections.models import Change, Connection, Item, Pair, Run, Tenant
from connections.services import retention, syncing
from tests.apps import FILE, Apps, installed, run
from tests.connections.test_configuration import apply
from tests.factories import make_connection

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def apps(monkeypatch: pytest.MonkeyPatch) -> Apps:
    return installed(monkeypatch)


@pytest.fixture
def people(apps: Apps) -> Connection:
    apply(FILE)
    apps.people("Ada", "Bob", "Cleo")
    syncing.sync(Connection.objects.get())
    return Connection.objects.get()


def age(days: int) -> None:
    """All history happened so long ago."""
    moment = timezone.now() - timedelta(days=days)
    Change.objects.update(made_at=moment.timestamp(), done_at=moment.timestamp())
    Run.objects.update(started_at=moment)
    Item.objects.exclude(departed="").update(observed_at=moment.timestamp())


def test_old_changes_go_and_the_next_run_still_has_nothing_to_do(apps: Apps, people: Connection) -> None:
    age(366)
    assert str(retention.purge()).startswith("3 changes")
    assert not Change.objects.exists()
    run_row = syncing.sync(people, full=True)
    assert (run_row.state, run_row.counters) == ("done", {})
    (ada,) = (key for key, row in apps.anna.rows().items() if row.values["givenName"] == "Ada")
    apps.anna.edit(ada, jobTitle="Countess")
    syncing.sync(people)
    assert "Countess" in {row.values.get("title") for row in apps.dav.rows().values()}
    assert apps.contents("dav") == ["Ada", "Bob", "Cleo"]


def test_younger_history_and_what_a_tenant_keeps_for_ever_stays(people: Connection) -> None:
    age(364)
    retention.purge()
    assert Change.objects.count() == 3
    age(5_000)
    Tenant.objects.update(history_days=0)
    retention.purge()
    assert Change.objects.count() == 3


def test_each_tenant_has_its_own_time(people: Connection) -> None:
    other = make_connection()
    Tenant.objects.filter(pk=other.tenant_id).update(history_days=30)
    moment = timezone.now().timestamp() - 60 * 86_400
    Change.objects.create(
        tenant=other.tenant, connection=other, kind="update", side="a", target_folder=other.folder_a, marker="m",
        state="done", made_at=moment, done_at=moment,
    )  # fmt: skip
    age(60)
    retention.purge()
    assert {change.tenant_id for change in Change.objects.all()} == {people.tenant_id}


@pytest.mark.parametrize("state", ["proposed", "approved", "sent", "unknown", "rejected"])
def test_open_lines_and_what_was_rejected_stay_however_old(people: Connection, state: str) -> None:
    one = Change.objects.earliest("id")
    Change.objects.filter(pk=one.pk).update(state=state)
    age(1_000)
    retention.purge()
    assert [change.pk for change in Change.objects.all()] == [one.pk]


def test_the_newest_run_of_a_connection_stays(people: Connection) -> None:
    syncing.sync(people, full=True)
    newest = Run.objects.latest("id")
    age(1_000)
    retention.purge()
    assert [row.pk for row in Run.objects.all()] == [newest.pk]


def test_contacts_gone_on_both_sides_are_not_remembered_for_ever(apps: Apps, people: Connection) -> None:
    for remote in (apps.anna, apps.dav):
        first = "givenName" if remote is apps.anna else "given"
        (key,) = (key for key, row in remote.rows().items() if row.values[first] == "Ada")
        remote.delete(key)
    apps.anna.delete(next(iter(apps.anna.rows())))
    syncing.sync(people)
    age(366)
    retention.purge()
    assert not Item.objects.filter(title__contains="Ada").exists()
    assert Pair.objects.count() == 2
    syncing.sync(people, full=True)
    assert len(apps.contents("anna")) == 1  # the survivor of the other deletion is not made again
    assert len(apps.contents("dav")) == 2


def test_two_workers_do_not_purge_at_once(people: Connection) -> None:
    assert claim("purge", "somebody", SystemClock()) is not None
    assert retention.purge() is None
    assert tasks.purge() == "another worker is at it"


def test_the_command_counts_first(people: Connection) -> None:
    age(366)
    code, text = run("purge", "--preview")
    assert (code, "3 changes" in text, Change.objects.count()) == (0, True, 3)
    assert run("purge")[0] == 0
    assert not Change.objects.exists()


def test_the_supervisor_calls_for_it_every_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(scheduling, "async_task", lambda task, *rest: calls.append(task))
    clock = [1_000.0]
    monkeypatch.setattr("connections.supervisor.time.time", lambda: clock[0])
    watch = supervisor.Supervisor(0, 90.0)
    for moment in (1_000.0, 1_299.0, 1_301.0, 4_800.0, 4_902.0):
        clock[0] = moment
        watch._tick()
    assert calls.count("connections.tasks.purge") == 2


def test_a_file_says_how_long(people: Connection) -> None:
    assert Tenant.objects.get().history_days == 365
    apply(FILE.replace("region: BE", "region: BE\n    history_days: 90"))
    assert Tenant.objects.get().history_days == 90
    assert "history_days: 90" in run("export")[1]
