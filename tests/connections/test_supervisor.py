from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_q.status import Stat

from connections import canary, scheduling
from connections.engine.leases import claim
from connections.host import SystemClock
from connections.models import Lease, Run, RunState
from connections.supervisor import Cluster, Supervisor
from tests.factories import make_account, make_connection, make_folder, make_tenant

STALL = 6.0


def database_url() -> str:
    """Of the test's own database, for processes that are started."""
    now = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{now['NAME']}"
    return f"postgres://{now['USER']}:{now['PASSWORD']}@{now['HOST']}:{now['PORT'] or 5432}/{now['NAME']}"


def wait_for(what: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parts = stat.read_text().rpartition(")")[2].split()
            if int(parts[1]) == pid and parts[0] != "Z":
                found.append(int(stat.parent.name))
    return found


def group(leader: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parts = stat.read_text().rpartition(")")[2].split()
            if int(parts[2]) == leader and parts[0] != "Z":
                found.append(int(stat.parent.name))
    return found


@pytest.fixture
def supervise(transactional_db: None) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "supervise", "--stall", str(STALL)]
    process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": database_url(), "Q_WORKERS": "2"})
    yield process
    groups = children(process.pid)
    process.terminate()
    try:
        process.wait(40)
    finally:
        for leader in groups:
            with suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGKILL)


def sung_since(moment: float) -> bool:
    age = canary.age()
    return age is not None and time.time() - age > moment


@pytest.mark.cluster
@pytest.mark.postgres
@pytest.mark.redis
def test_a_cluster_whose_idle_workers_were_killed_works_again(supervise: subprocess.Popen[bytes]) -> None:
    start = time.time()
    assert wait_for(lambda: sung_since(start), 40)
    [leader] = children(supervise.pid)
    time.sleep(0.5)  # until the workers are idle, which is when killing them hurts
    killed_at = time.time()
    workers = {worker for one in Stat.get_all() for worker in one.workers} & set(group(leader))
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    assert wait_for(lambda: sung_since(killed_at + STALL / 2), 60)
    if children(supervise.pid) != [leader]:  # not always does the queue block
        assert group(leader) == []


@pytest.mark.cluster
@pytest.mark.postgres
@pytest.mark.redis
def test_due_connections_run_and_a_stop_ends_every_process(supervise: subprocess.Popen[bytes]) -> None:
    tenant = make_tenant()
    a, b = (make_folder(make_account(tenant, base_url="http://127.0.0.1:9/")) for _ in range(2))
    due = make_connection(a, b, due_at=timezone.now())
    runs = Run.objects.filter(connection=due)
    assert wait_for(lambda: runs.filter(state=RunState.FAILED).exists(), 40)
    [leader] = children(supervise.pid)
    assert len(group(leader)) > 3
    supervise.terminate()
    assert supervise.wait(40) == 0
    assert group(leader) == []


@pytest.mark.cluster
def test_no_worker_outlives_a_killed_supervisor(supervise: subprocess.Popen[bytes]) -> None:
    assert wait_for(lambda: bool(children(supervise.pid)), 40)
    [leader] = children(supervise.pid)
    assert wait_for(lambda: len(group(leader)) > 3, 40)
    supervise.kill()
    assert wait_for(lambda: not group(leader), 20)


# ---- without processes


@pytest.fixture
def cluster(db: None, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster whose process is this one."""

    class Here:
        pid = os.getpgid(0)

        def poll(self) -> None:
            return None

    one = Cluster()
    one.process, one.started_at, one.released_at = Here(), 1000.0, 1000.0  # type: ignore[assignment]
    return one


def test_a_canary_is_proof_of_life(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cluster.alive_at() == 1000.0
    monkeypatch.setenv(canary.CLUSTER, cluster.id)
    canary.sing()
    assert cluster.alive_at() == pytest.approx(time.time(), abs=5)


def test_a_run_that_holds_its_lease_is_proof_of_life(cluster: Cluster) -> None:
    from connections.engine.leases import worker_name

    claim("connection:1", worker_name(), SystemClock())
    assert cluster.alive_at() == pytest.approx(time.time(), abs=5)
    Lease.objects.update(owner="elsewhere:1:abc")
    assert cluster.alive_at() == 1000.0


def test_a_canary_in_the_wrong_cluster_flies_on_for_a_while(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, float]] = []
    monkeypatch.setattr(canary, "async_task", lambda func, *arguments: sent.append(arguments))
    monkeypatch.setenv(canary.CLUSTER, "here")
    canary.land("elsewhere", time.time() + 5)
    canary.land("elsewhere", time.time() - 5)
    canary.land("here", time.time() + 5)
    assert [cluster for cluster, _ in sent] == ["elsewhere"]
    assert canary.heard("here")
    assert not canary.heard("elsewhere")


def test_a_cluster_that_keeps_ending_is_started_ever_more_slowly(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = Supervisor(1, 60)
    starts: list[float] = []
    monkeypatch.setattr(Cluster, "start", lambda self: starts.append(self.not_before - time.time()))
    monkeypatch.setattr(Cluster, "stop", lambda self, grace: None)
    monkeypatch.setattr(scheduling, "forget_calls", lambda: None)
    pauses = []
    for _ in range(8):
        cluster.started_at = time.time()
        supervisor._restart(cluster, "ended", grace=0)
        pauses.append(round(max(0.0, cluster.not_before - time.time())))
    assert pauses == [0, 2, 4, 8, 16, 30, 30, 30]
    assert len(starts) == 1


def test_people_are_told_every_five_minutes(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(scheduling, "async_task", called.append)
    now = time.time()
    supervisor = Supervisor(0, 60)
    for minute in range(61):
        monkeypatch.setattr(time, "time", lambda minute=minute: now + 1 + 60 * minute)
        supervisor._tick()
    assert called.count("connections.tasks.notify") == 12
