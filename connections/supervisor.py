"""Keeps clusters of workers at work, and is the clock of due connections.

A cluster is a group of processes of its own, started, watched and ended as a whole: its main process alone could
leave workers behind that nobody guards.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, close_old_connections
from redis.exceptions import RedisError

from connections import canary, scheduling
from connections.models import Lease
from connections.services import subscribing

log = logging.getLogger(__name__)

TICK = 1.0  # seconds between two looks
GRACE = 8.0  # seconds for the tasks in work to end; every slice survives being cut short
SLOWEST_RESTART = 30.0
PURGE_AFTER, PURGE_EVERY = 300.0, 3_600.0  # seconds since the start, and between two
SUBSCRIPTIONS_EVERY = 10.0
NOTIFICATIONS_EVERY = 300.0


@dataclass
class Cluster:
    """One `qcluster` with its workers."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    released_at: float = 0.0
    failures: int = 0
    not_before: float = 0.0

    def start(self) -> None:
        leash = [sys.executable, "-P", str(settings.BASE_DIR / "connections" / "leash.py")]
        command = [*leash, sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"]
        environment = {**os.environ, canary.CLUSTER: self.id}
        self.process = subprocess.Popen(  # noqa: S603 our own command
            command, stdin=subprocess.PIPE, start_new_session=True, env=environment
        )
        self.started_at = self.released_at = time.time()

    @property
    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def alive_at(self) -> float:
        """When the cluster last proved that it works: by a canary, or by a run that holds its lease."""
        return max(self.started_at, canary.heard(self.id), self._last_heartbeat())

    def _last_heartbeat(self) -> float:
        """A worker in the middle of a long slice takes no canary, but renews its lease."""
        leases = Lease.objects.filter(heartbeat_at__gt=self.started_at, owner__startswith=_this_host())
        return max((at for owner, at in leases.values_list("owner", "heartbeat_at") if self._has(owner)), default=0.0)

    def _has(self, owner: str) -> bool:
        try:
            return self.process is not None and os.getpgid(int(owner.split(":")[1])) == self.process.pid
        except (OSError, ValueError, IndexError):
            return False

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def stop(self, grace: float) -> None:
        """Ends all processes of the cluster, whatever state they are in."""
        if self.process is None:
            return
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None


def _this_host() -> str:
    return f"{socket.gethostname()[:24]}:"


class Supervisor:
    def __init__(self, clusters: int, stall: float) -> None:
        """`stall`: seconds without a sign of life after which a cluster is started anew."""
        self._clusters = [Cluster() for _ in range(clusters)]
        self._stall = stall
        self._dispatcher = scheduling.Dispatcher(clusters * settings.Q_WORKERS * 2)
        self._stopping = False
        self._purge_at = time.time() + PURGE_AFTER
        self._subscriptions_at = 0.0
        self._notifications_at = time.time() + NOTIFICATIONS_EVERY

    def stop(self) -> None:
        self._stopping = True

    def run(self) -> None:
        """Works until `stop` is called, then ends what it started."""
        try:
            while not self._stopping:
                try:
                    self._tick()
                except (DatabaseError, RedisError) as error:
                    log.error("Database or cache does not answer (%s); trying on.", type(error).__name__)
                close_old_connections()
                time.sleep(TICK)
        finally:
            for cluster in self._clusters:
                cluster.ask_to_stop()
            for cluster in self._clusters:
                cluster.stop(GRACE)

    def _tick(self) -> None:
        for cluster in self._clusters:
            self._look_after(cluster)
        self._dispatcher.dispatch()
        if time.time() >= self._purge_at:
            self._purge_at = time.time() + PURGE_EVERY
            scheduling.call_purge()
        if time.time() >= self._subscriptions_at:
            self._subscriptions_at = time.time() + SUBSCRIPTIONS_EVERY
            if subscribing.is_due() and cache.add("subscriptions-called", True, 60):
                scheduling.call_subscriptions()

        if time.time() >= self._notifications_at:
            self._notifications_at = time.time() + NOTIFICATIONS_EVERY
            scheduling.call_notifications()

    def _look_after(self, cluster: Cluster) -> None:
        now = time.time()
        if cluster.process is None:
            if now >= cluster.not_before:
                cluster.start()
            return
        if cluster.ended:
            self._restart(cluster, "ended", grace=0)
        elif now - cluster.alive_at() > self._stall:
            self._restart(cluster, f"gave no sign of life for {self._stall:.0f} seconds", grace=GRACE / 2)
        elif now - cluster.released_at > self._stall / 3:
            cluster.released_at = now
            canary.release(cluster.id, self._stall / 3)

    def _restart(self, cluster: Cluster, why: str, grace: float) -> None:
        lived = time.time() - cluster.started_at
        cluster.failures = 0 if lived > 2 * self._stall else cluster.failures + 1
        pause = min(2.0 ** (cluster.failures - 1), SLOWEST_RESTART) if cluster.failures > 1 else 0.0
        log.warning("A cluster %s; it is started again in %.0f seconds.", why, pause)
        cluster.stop(grace)
        canary.forget(cluster.id)
        scheduling.forget_calls()
        cluster.not_before = time.time() + pause
        if not pause:
            cluster.start()
