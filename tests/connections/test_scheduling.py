from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from connections import scheduling, tasks
from connections.engine.leases import claim
from connections.host import SystemClock
from connections.models import AccountState, Connection, Tenant
from connections.scheduling import PATIENCE, Dispatcher, due, wake
from connections.services import syncing
from tests.factories import make_account, make_connection, make_folder, make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The connections that were called, in order; nothing reaches a queue."""
    called: list[int] = []
    monkeypatch.setattr(scheduling, "call", called.append)
    return called


def due_connection(tenant: Tenant, since: float = 60, **values: Any) -> Connection:
    a, b = (make_folder(make_account(tenant)) for _ in range(2))
    at = timezone.now() - timedelta(seconds=since)
    return make_connection(a, b, **{"due_at": at, **values})


def test_what_is_due_is_neither_switched_off_nor_waiting_nor_at_work(now: datetime) -> None:
    tenant = make_tenant()
    wanted = [due_connection(tenant), due_connection(tenant, due_at=None)]
    due_connection(tenant, enabled=False)
    due_connection(tenant, paused_reason="by Anna")
    due_connection(tenant, since=-5)
    due_connection(tenant, queued_at=now - timedelta(seconds=3))
    wanted.append(due_connection(tenant, queued_at=now - PATIENCE - timedelta(seconds=3)))
    lost = due_connection(tenant)
    lost.folder_b.account.state = AccountState.NEEDS_AUTHORISATION
    lost.folder_b.account.save()
    running, was_running = due_connection(tenant), due_connection(tenant)
    claim(f"connection:{running.pk}", "worker", SystemClock())
    lease = claim(f"connection:{was_running.pk}", "worker", SystemClock())
    assert lease is not None
    lease.release()
    wanted.append(was_running)
    assert set(due(now)) == set(wanted)


def test_a_tenant_with_many_due_connections_does_not_starve_the_others(
    calls: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    big, small, tiny = (make_tenant() for _ in range(3))
    bigs = [due_connection(big, since=1000 - number).pk for number in range(10)]
    smalls = [due_connection(small, since=50 - number).pk for number in range(2)]
    tinies = [due_connection(tiny, since=10).pk]
    with django_capture_on_commit_callbacks(execute=True):
        assert Dispatcher(5).dispatch() == 5
    assert calls == [bigs[0], smalls[0], tinies[0], bigs[1], smalls[1]]


def test_one_place_at_a_time_goes_round_all_tenants(
    calls: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    tenants = [make_tenant() for _ in range(3)]
    owner = {
        due_connection(tenant, since=100 * (3 - n) + m).pk: n for n, tenant in enumerate(tenants) for m in range(3)
    }
    dispatcher = Dispatcher(1)
    for _ in range(6):
        with django_capture_on_commit_callbacks(execute=True):
            assert dispatcher.dispatch() == 1
        Connection.objects.filter(pk=calls[-1]).update(queued_at=None, due_at=timezone.now() + timedelta(seconds=300))
    assert [owner[pk] for pk in calls] == [0, 1, 2, 0, 1, 2]


def test_no_more_wait_in_the_queue_than_allowed(
    calls: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    tenant = make_tenant()
    for _ in range(6):
        due_connection(tenant)
    dispatcher = Dispatcher(4)
    with django_capture_on_commit_callbacks(execute=True):
        assert [dispatcher.dispatch(), dispatcher.dispatch()] == [4, 0]
    Connection.objects.filter(pk=calls[0]).update(queued_at=None, due_at=None)  # taken by a worker
    with django_capture_on_commit_callbacks(execute=True):
        assert dispatcher.dispatch() == 1


def test_two_dispatchers_that_see_the_same_connection_call_it_once(
    calls: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    connection = due_connection(make_tenant())
    one, other = Dispatcher(4), Dispatcher(4)
    moment = timezone.now()
    with django_capture_on_commit_callbacks(execute=True):
        assert [one._claim(connection.pk, moment), other._claim(connection.pk, moment)] == [True, False]
    assert calls == [connection.pk]


def test_waking_makes_a_connection_due_and_calls_it_once_on_commit(
    calls: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    connection = due_connection(make_tenant(), since=-300)
    with django_capture_on_commit_callbacks(execute=True):
        wake(connection.pk)
        wake(connection.pk)
        assert calls == []
    assert calls == [connection.pk]
    connection.refresh_from_db()
    assert connection.due_at is not None
    assert connection.due_at <= timezone.now()


def test_a_dispatch_with_nothing_due_costs_two_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(2):
        Dispatcher(4).dispatch()


# ---- the task


def test_a_call_that_came_late_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "run_slice", lambda pk: pytest.fail("ran"))
    connection = due_connection(make_tenant(), since=-300, queued_at=timezone.now())
    assert tasks.run(connection.pk) == "not due"
    connection.refresh_from_db()
    assert connection.queued_at is None
    assert tasks.run(connection.pk + 1) == "not due"


def test_a_due_connection_runs_one_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "run_slice", lambda pk: f"ran {pk}")
    connection = due_connection(make_tenant())
    assert tasks.run(connection.pk) == f"ran {connection.pk}"


def test_an_unexpected_failure_is_not_repeated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(pk: int) -> str:
        raise RuntimeError("a bug")

    monkeypatch.setattr(syncing, "run_slice", broken)
    connection = due_connection(make_tenant())
    with pytest.raises(RuntimeError):
        tasks.run(connection.pk)
    assert not due(timezone.now()).exists()
    assert due(timezone.now() + timedelta(seconds=61)).exists()
