from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from connections.cli import Exit, PairwiseCommand, WrongUse, find_connection
from connections.models import Item
from connections.services import explaining
from connections.services.explaining import MOST


class Command(PairwiseCommand):
    help = "Says why a contact is, or is not, the same in both apps."

    def options(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="connection or tenant/connection")
        parser.add_argument("contact", help="name, email address, phone number, or the app's own id")

    def work(self, name: str = "", contact: str = "", **options: Any) -> Exit:
        connection = find_connection(name)
        pairs = explaining.find(connection, contact)
        if not pairs:
            raise WrongUse(self._unknown(connection.pk, contact))
        found = [explaining.explain(pair) for pair in pairs[:MOST]]
        self.answer({"contacts": [one.as_dict() for one in found], "more": len(pairs) > MOST})
        for one in found:
            self.say(f"{one.text}\n")
        if len(pairs) > MOST:
            self.say(f"There are more than {MOST}; ask with more of the name, or with an email address.")
        return Exit.DONE

    def _unknown(self, connection: int, contact: str) -> str:
        if not Item.objects.filter(folder__connections_a=connection).exists():
            return f"No contact “{contact}” is known: the connection has not looked at side A yet. Run `sync` first."
        return (
            f"No contact “{contact}” is known on either side. Ask by whole email address, phone number, app's id or a "
            "part of the name; one that was just made is known after the next `sync`."
        )
