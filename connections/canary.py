"""The canary: a task whose only work is to leave a time stamp, the proof that a cluster still works.

Killing an idle worker can leave its cluster blocked for good while everything about it looks well (django-q2, issues
23 and 339); only a task that is not done in time shows it. Each cluster that `supervise` starts has an id of its own
in its environment; all of them read one queue, so a canary that lands in the wrong cluster flies on.
"""

from __future__ import annotations

import os
import time

from django.core.cache import cache
from django_q.tasks import async_task

CLUSTER = "PAIRWISE_CLUSTER"  # in the environment of a cluster's processes
LAST = "canary"


def release(cluster: str, lifetime: float) -> None:
    """Sends a canary to a cluster; it gives up after `lifetime` seconds on the wing."""
    async_task("connections.canary.land", cluster, time.time() + lifetime)


def land(cluster: str, until: float) -> None:
    """Runs inside a cluster."""
    sing()
    if cluster != os.environ.get(CLUSTER, "") and time.time() < until:
        async_task("connections.canary.land", cluster, until)


def sing() -> None:
    """Says that this cluster works; every task does."""
    now = time.time()
    cache.set_many({_key(os.environ.get(CLUSTER, "")): now, LAST: now}, timeout=None)


def heard(cluster: str) -> float:
    """When the cluster was heard last, in POSIX seconds; 0 if never."""
    return float(cache.get(_key(cluster)) or 0.0)


def forget(cluster: str) -> None:
    cache.delete(_key(cluster))


def age() -> float | None:
    """Seconds since any cluster was heard; None if never."""
    stamp = cache.get(LAST)
    return None if stamp is None else max(0.0, time.time() - stamp)


def _key(cluster: str) -> str:
    return f"{LAST}:{cluster}"
