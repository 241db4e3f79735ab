from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from connections.cli import Exit, PairwiseCommand, WrongUse
from connections.models import Tenant
from connections.services import forgetting


class Command(PairwiseCommand):
    help = "Forgets a person: erases the contact in all apps of a tenant, and here, for good. Cannot be undone."
    failures = (*PairwiseCommand.failures, forgetting.NotYet)

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="slug of the tenant")
        parser.add_argument("contact", help="a whole email address, an app's own id, or the whole name")
        parser.add_argument("--yes", action="store_true", help="do it; without this it is only shown what would go")

    def work(self, tenant: str = "", contact: str = "", yes: bool = False, **options: Any) -> Exit:
        row = Tenant.objects.filter(slug=tenant).first()
        if row is None:
            raise WrongUse(f"There is no tenant {tenant}.")
        person = self._person(row, contact)
        records = [f"{item} in {item.folder.account}, {item.folder}" for item in person.items]
        if not yes:
            self.say(forgetting.WARNING)
            for text in records:
                self.say(f"   {text}")
            self.say("Nothing was done. Say the same with --yes to do it.")
            self.answer({"done": False, "warning": forgetting.WARNING, "records": records})
            return Exit.WAITING
        asked = forgetting.ask(row, person)
        told = forgetting.carry_out(asked)
        self.say(f"Forgotten: {told}.")
        self.answer({"done": True, "forgetting": asked.pk, "told": told})
        return Exit.DONE

    def _person(self, tenant: Tenant, contact: str) -> forgetting.Person:
        found = forgetting.people(tenant, contact)
        if len(found) == 1:
            return found[0]
        if found:
            records = "; ".join(f"{item} {item.remote_id}" for one in found for item in one.items)
            raise WrongUse(f"{contact} means several people; name one by the app's own id: {records}")
        if "@" in contact and forgetting.is_forgotten(tenant, contact):
            raise WrongUse(f"{contact} belongs to somebody who is forgotten already.")
        raise WrongUse(f"Nothing is known of {contact} in tenant {tenant}.")
