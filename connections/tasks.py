"""What runs inside a cluster. Names and arguments are stored in queues: keep them when code moves."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from connections import canary
from connections.models import Connection
from connections.scheduling import Dispatcher
from connections.services import notifying, retention, subscribing, syncing

log = logging.getLogger(__name__)

AFTER_FAILURE = timedelta(seconds=60)


def run(connection_id: int) -> str:
    """One slice of a due connection; a call that came late or twice does nothing."""
    canary.sing()
    rows = Connection.objects.filter(pk=connection_id)
    now = timezone.now()
    if not rows.exclude(due_at__gt=now).exists():
        rows.update(queued_at=None)
        return "not due"
    try:
        return syncing.run_slice(connection_id)
    except Exception:
        log.exception("Connection %s failed unexpectedly; it is tried again.", connection_id)
        rows.update(due_at=now + AFTER_FAILURE, queued_at=None)
        raise  # the queue keeps it among the failed tasks
    finally:
        canary.sing()


def purge() -> str:
    """Old history goes, and what could not be forgotten at once is tried again."""
    canary.sing()
    return str(retention.purge() or "another worker is at it")


def subscribe() -> str:
    """News is ordered from vendors, or its subscriptions are renewed or ended."""
    canary.sing()
    return subscribing.keep()


def notify() -> str:
    """People are told of what needs them."""
    canary.sing()
    return notifying.notify()


def dispatch() -> int:
    """The fallback clock, for a cluster that runs without `supervise`."""
    return Dispatcher(settings.Q_WORKERS * 2).dispatch()
