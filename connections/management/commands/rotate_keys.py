from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand

from connections.services.rotating import rotate

NEXT = """Put it first into FIELD_ENCRYPTION_KEYS, before the old one and a comma, and restart everything.
Then run `python manage.py rotate_keys`; after that the old key may go."""


class Command(BaseCommand):
    help = "Encrypts all stored secrets with the first of FIELD_ENCRYPTION_KEYS; --new makes a key."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--new", action="store_true", help="print a new key and what to do with it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new"]:
            self.stdout.write(Fernet.generate_key().decode())
            self.stderr.write(NEXT)
            return
        done, lost = rotate()
        self.stdout.write(f"{done} secrets are encrypted with the first key.")
        if lost:
            self.stderr.write(f"No key opens: {', '.join(lost)}. Add the missing key, or enter the credentials again.")
            sys.exit(1)
