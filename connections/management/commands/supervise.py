from __future__ import annotations

import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from connections.supervisor import Supervisor


class Command(BaseCommand):
    help = "Starts clusters of workers, keeps them at work, and calls connections that are due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--clusters", type=int, default=settings.SUPERVISE_CLUSTERS, help="how many clusters")
        parser.add_argument(
            "--stall",
            type=float,
            default=settings.SUPERVISE_STALL,
            help="seconds without a sign of life after which a cluster is started anew",
        )

    def handle(self, *args: Any, clusters: int, stall: float, **options: Any) -> None:
        supervisor = Supervisor(max(1, clusters), stall)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: supervisor.stop())
        supervisor.run()
