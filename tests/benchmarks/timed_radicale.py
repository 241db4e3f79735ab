"""Radicale as it is, but for a line per request that says when it came and when it was answered.

Usage: ``timed_radicale.py CONFIG LOG``. A line is JSON: ``[method, start, end]``, in seconds of the monotonic clock,
from the accepted connection to the last byte of the answer. Radicale speaks HTTP/1.0: a request is a connection.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import radicale.config
import radicale.server


def main(configuration: str, log: Path) -> None:
    with log.open("a", buffering=1) as out:

        class Timed(radicale.server.RequestHandler):
            def __init__(self, *args: Any) -> None:
                start = time.monotonic()
                super().__init__(*args)  # socketserver handles the whole request in its constructor
                out.write(json.dumps([getattr(self, "command", None), start, time.monotonic()]) + "\n")

        setattr(radicale.server, "RequestHandler", Timed)  # noqa: B010 - its type is no variable
        settings = radicale.config.load([(configuration, False)])
        # The disk's speed is not what is compared.
        settings.update({"storage": {"_filesystem_fsync": "False"}}, "no fsync", privileged=True)
        radicale.server.serve(settings)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
