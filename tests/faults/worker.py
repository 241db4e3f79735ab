"""A worker process that syncs one connection as `manage.py sync` does, and can be made to stop at an exact moment.

    python -m tests.faults.worker CONNECTION --lease SECONDS [--stop before|after METHOD NUMBER]

It stops itself (SIGSTOP) before or after the writing request of that method and number, so that whoever started it can
let time pass before SIGCONT.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Callable
from functools import partial
from unittest import mock

import django


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("connection")
    parser.add_argument("--lease", type=float, required=True)
    parser.add_argument("--stop", nargs=3, default=())
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()

    from django.core.management import call_command  # noqa: PLC0415 - only after Django is set up

    from connections.engine.runner import Runner  # noqa: PLC0415
    from connections.services import syncing  # noqa: PLC0415

    mock.patch.object(syncing, "Runner", partial(Runner, lease_seconds=options.lease)).start()  # one to outwait
    if options.stop:
        moment, method, number = options.stop
        stop_at(moment, method, int(number))
    call_command("sync", options.connection)


def stop_at(moment: str, method: str, number: int) -> None:
    from connectors import http  # noqa: PLC0415

    send: Callable[..., http.Answer] = http._Call._send
    seen = 0

    def stopping(call: http._Call, url: str, signature: dict[str, str]) -> http.Answer:
        nonlocal seen
        seen += call.kind == "write" and call.method == method
        here = seen == number and call.kind == "write"
        if here and moment == "before":
            os.kill(os.getpid(), signal.SIGSTOP)
        answer = send(call, url, signature)
        if here and moment == "after":
            os.kill(os.getpid(), signal.SIGSTOP)
        return answer

    mock.patch.object(http._Call, "_send", stopping).start()


if __name__ == "__main__":
    main()
