from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from connections.services.examining import examine


class Command(BaseCommand):
    help = "Checks settings, keys, database, cache, queue and every account, and says how to cure what is wrong."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")
        parser.add_argument("--mail", default="", metavar="ADDRESS", help="send a test mail there")
        parser.add_argument("--no-accounts", action="store_true", help="ask no app")

    def handle(self, *args: Any, **options: Any) -> None:
        found = []
        for finding in examine(accounts=not options["no_accounts"], mail_to=options["mail"]):
            found.append(finding)
            if not options["json"]:
                mark = self.style.SUCCESS("ok  ") if finding.ok else self.style.ERROR("BAD ")
                self.stdout.write(f"{mark} {finding.what}: {finding.text}")
                if finding.cure:
                    self.stdout.write(f"     {finding.cure}")
        healthy = all(finding.ok for finding in found)
        if options["json"]:
            report = {"ok": healthy, "findings": [finding.as_dict() for finding in found]}
            self.stdout.write(json.dumps(report, ensure_ascii=False))
        if not healthy:
            sys.exit(1)
