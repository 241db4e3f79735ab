from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from connections.cli import Exit, PairwiseCommand, find_connection, full_name, scope_arguments, scope_of
from connections.models import Connection, Stop
from connections.services import stopping, syncing


class Command(PairwiseCommand):
    help = "Lets a paused connection go on; or lifts a stop of everything, an app or a tenant."

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="connection or tenant/connection")
        scope_arguments(parser)

    def work(self, name: str | None = None, **options: Any) -> Exit:
        scope = scope_of(name, options)
        if name is not None:
            return self._resume(find_connection(name))
        what = str(Stop(**scope))
        lifted = any(stopping.lift(one) for one in stopping.in_force_on(**scope))
        self.say(f"{what[0].upper()}{what[1:]} {'goes on' if lifted else 'was not stopped'}.")
        self.answer({"stop": what, "was_stopped": lifted})
        return Exit.DONE

    def _resume(self, connection: Connection) -> Exit:
        was = connection.paused_reason
        locks = [one for one in stopping.in_force_on(connection=connection) if stopping.lift(one)]
        syncing.resume(connection)
        text = f"{full_name(connection)} goes on" if was or locks else f"{full_name(connection)} was not paused"
        off = "" if connection.enabled else "; but it is switched off (enabled: false)"
        still = stopping.reason_for(connection, stopping.in_force())
        self.say(f"{text}{off}{f'; but operations have stopped more than it alone: {still}' if still else ''}.")
        self.answer(
            {
                "connection": full_name(connection),
                "was_paused": was,
                "was_locked": bool(locks),
                "enabled": connection.enabled,
                "stopped": still,
            }
        )
        return Exit.DONE
