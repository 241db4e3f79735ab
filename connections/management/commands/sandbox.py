from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from connectors.sandbox import Sandbox


class Command(BaseCommand):
    help = "Serves stand-ins for the vendors' APIs on this machine, for trying things without touching a customer."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8400)
        parser.add_argument("--path", type=Path, default=settings.DATA_DIR / "sandbox.sqlite3", help="its database")

    def handle(self, *args: Any, host: str, port: int, path: Path, **options: Any) -> None:
        self.stdout.write(f"Sandbox on http://{host}:{port}/ - stop it with Ctrl-C.")
        try:
            Sandbox(str(path), host, port).serve_forever()
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
