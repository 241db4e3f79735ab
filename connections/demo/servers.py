"""The processes of the demo: each in a group of its own, so that stopping the demo stops all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START = 30.0  # seconds a server may take to answer
STOP = 10.0  # seconds a server may take to go

RADICALE = """[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {root}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {root}/collections
[web]
type = internal
[logging]
level = error
"""


class NotStarted(Exception):
    """A server of the demo did not come up; the text says which, and where its log is."""


def free_port(wanted: int) -> int:
    """The wanted port if nobody has it, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise NotStarted("No port is free on 127.0.0.1.")


@dataclass
class Servers:
    root: Path
    running: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def start(
        self, name: str, command: Sequence[str], port: int | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        """Raises NotStarted when it does not answer on its port in time."""
        log = self.root / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                [sys.executable, *command],
                stdout=out,
                stderr=out,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        self.running.append((name, process))
        deadline = time.monotonic() + START
        while port is not None and not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"The {name} server did not start; {log} says why.")
            time.sleep(0.05)

    def start_radicale(self, port: int, user: str, password: str) -> None:
        (self.root / "users").write_text(f"{user}:{password}\n")
        (self.root / "radicale.conf").write_text(RADICALE.format(port=port, root=self.root))
        self.start("radicale", ["-m", "radicale", "--config", str(self.root / "radicale.conf")], port)

    def dead(self) -> str:
        """The name of a server that has stopped by itself, or empty."""
        return next((name for name, process in self.running if process.poll() is not None), "")

    def stop(self) -> None:
        for _, process in reversed(self.running):
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP
        for _, process in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
        for _, process in self.running:
            _signal(process, signal.SIGKILL)
            process.wait()
        self.running.clear()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
