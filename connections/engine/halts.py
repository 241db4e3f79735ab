"""Why a connection does not run now."""

from __future__ import annotations

from django.utils.translation import gettext

from connections.models import Connection, Stop


class Busy(Exception):
    """Another worker runs this connection."""


class Stopped(Exception):
    """The connection does not run; the text says why and what to do."""


def refuse_stopped(connection: Connection) -> None:
    """Raises Stopped. To be asked with the connection's lease in hand: a stop takes leases away once it stands."""
    folders = (connection.folder_a, connection.folder_b)
    for stop in Stop.objects.concerning(connection.pk, connection.tenant_id, [one.account.app for one in folders]):
        raise Stopped(
            gettext("%(connection)s is stopped by operations (%(stop)s): %(reason)s")
            % {"connection": connection, "stop": stop, "reason": stop.reason}
        )
