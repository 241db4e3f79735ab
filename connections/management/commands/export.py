from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from connections.cli import Exit, PairwiseCommand, WrongUse
from connections.models import Tenant
from connections.services.configuration import export


class Command(PairwiseCommand):
    help = "Prints the configuration as a YAML file without secrets, ready for apply."

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", nargs="*", help="slugs; left out: all tenants")

    def work(self, tenant: list[str] | None = None, **options: Any) -> Exit:
        wanted = tenant or []
        rows = Tenant.objects.order_by("slug")
        missing = set(wanted) - set(rows.values_list("slug", flat=True))
        if missing:
            raise WrongUse(f"There is no tenant {', '.join(sorted(missing))}.")
        text = export(rows.filter(slug__in=wanted) if wanted else rows)
        self.say(text.rstrip("\n"))
        self.answer({"yaml": text})
        return Exit.DONE
