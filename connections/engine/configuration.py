"""A change of the configuration of a live connection: what it would write by itself goes live where it is little, and
waits for approval where it is more. Whatever people change in the apps flows meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from connections.engine.gate import Gate, Mode
from connections.engine.leases import Lease
from connections.engine.pages import Pages
from connections.models import Connection


def weigh(connection: Connection, gate: Gate, pages: Callable[[Gate], Pages], lease: Lease) -> None:
    """Tells the gate whether what the configuration changes may be written. That is counted once for each version, so
    that a plan which is decided in parts keeps waiting to its end."""
    if gate.mode is Mode.FREE and connection.first_run_done and connection.live_version != connection.config_version:
        if connection.held_version != connection.config_version:
            count = _count(pages(Gate(connection, Mode.PLAN)), lease)
            _keep(connection, "live_version" if count <= connection.approve_above else "held_version", lease)
        gate.holds_configuration = connection.live_version != connection.config_version
    gate.lines_live = connection.live_version == connection.config_version


def settled(connection: Connection) -> None:
    """To be called inside a transaction, when a run has left nothing waiting."""
    if connection.live_version != connection.config_version:
        connection.live_version = connection.config_version
        Connection.every.filter(pk=connection.pk).update(live_version=connection.live_version)


def _count(pages: Pages, lease: Lease) -> int:
    after = count = 0
    while works := pages.load(after):
        after = works[-1].id
        count += pages.caused_by_configuration(works)
        lease.renew()
    return count


def _keep(connection: Connection, name: str, lease: Lease) -> None:
    with transaction.atomic():
        lease.renew()
        setattr(connection, name, connection.config_version)
        Connection.every.filter(pk=connection.pk).update(**{name: connection.config_version})
