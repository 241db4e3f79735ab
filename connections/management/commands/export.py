from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from connections.cli import Exit, PairwiseCommand, WrongUse
from connections.models import Deed, Tenant
from connections.services import archiving, audit
from connections.services.configuration import export


class Command(PairwiseCommand):
    help = "Prints the configuration as a YAML file without secrets, ready for apply."

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", nargs="*", help="slugs; left out: all tenants")
        told = "all that is held of one tenant, contacts included, as a ZIP file"
        parser.add_argument("--everything", metavar="FILE", help=told)

    def work(self, tenant: list[str] | None = None, everything: str | None = None, **options: Any) -> Exit:
        wanted = tenant or []
        rows = Tenant.objects.order_by("slug")
        missing = set(wanted) - set(rows.values_list("slug", flat=True))
        if missing:
            raise WrongUse(f"There is no tenant {', '.join(sorted(missing))}.")
        if everything:
            return self._everything(rows.filter(slug__in=wanted), Path(everything))
        text = export(rows.filter(slug__in=wanted) if wanted else rows)
        self.say(text.rstrip("\n"))
        self.answer({"yaml": text})
        return Exit.DONE

    def _everything(self, rows: QuerySet[Tenant], file: Path) -> Exit:
        tenant = rows.first()
        if tenant is None or rows.count() > 1:
            raise WrongUse("Name one tenant: everything of it goes into the file.")
        try:
            target = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except OSError as error:
            raise WrongUse(f"{file} cannot be written: {error.strerror}.") from None
        with target:
            target.writelines(archiving.archive(tenant))
        audit.note(Deed.EXPORTED, tenant, about="everything")
        size = file.stat().st_size
        self.say(f"All that is held of {tenant} is in {file}, {size:,} bytes. Only you can read it.")
        self.answer({"file": str(file), "bytes": size})
        return Exit.DONE
