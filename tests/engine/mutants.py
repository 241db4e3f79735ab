"""The engine with one of its safety rules switched off, to show that the tests would see it missing.

Only here, by patching: the product has no switch that makes it unsafe.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from connections.engine import guard
from connections.engine.apply import Sender
from connections.engine.items import Intake
from connections.engine.leases import Lease
from connections.engine.pairing import Partners
from connections.engine.recover import Recovery
from connections.engine.work import Job
from connections.models import Lease as LeaseRow

Switch = Callable[[pytest.MonkeyPatch], None]


def without_intent_log(patch: pytest.MonkeyPatch) -> None:
    """Writes leave without a durable row that carries their marker."""

    def unlogged(sender: Sender, jobs: list[Job]) -> list[Job]:
        for job in jobs:
            job.marker = str(uuid.uuid4())
        return jobs

    patch.setattr(Sender, "_commit_sent", unlogged)


def without_fence(patch: pytest.MonkeyPatch) -> None:
    """A worker that lost its lease is not stopped, neither before it sends nor before it commits."""

    def renewed(lease: Lease) -> None:
        LeaseRow.objects.filter(key=lease.key).update(expires_at=lease.clock.now() + lease.seconds)

    patch.setattr(Lease, "renew", renewed)
    patch.setattr(Lease, "check", lambda lease: None)
    patch.setattr(Lease, "keep", lambda lease: None)


def without_hold(patch: pytest.MonkeyPatch) -> None:
    """New records of a folder in which a create is unanswered are taken for somebody new."""
    patch.setattr(Partners, "held", lambda *arguments: False)


def without_wait(patch: pytest.MonkeyPatch) -> None:
    """An unanswered create is looked up at once, and given up when it is not visible yet."""
    patch.setattr(Recovery, "_is_due", lambda *arguments: True)


def without_late_read_rule(patch: pytest.MonkeyPatch) -> None:
    """News from before our own write is believed."""
    patch.setattr(Intake, "_is_late", lambda *arguments: False)


def without_guard(patch: pytest.MonkeyPatch) -> None:
    """No share of deletes is too much, and no side suspiciously empty."""

    def nothing(*arguments: Any) -> dict[str, str]:
        return {}

    patch.setattr(guard, "verdict", nothing)
    patch.setattr(guard, "suddenly_empty", lambda *arguments: "")
