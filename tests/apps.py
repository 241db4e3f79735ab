"""Apps in memory behind the one seam through which all services reach real ones, and a configuration that uses them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.management import call_command

from connections import host
from connections.benchmark.catalogues import POOR, RICH
from connections.benchmark.remotes import InstantRemote
from connections.models import Account
from connectors.base import Connector

FILE = """
tenants:
  - slug: acme
    name: Acme
    region: BE
    accounts:
      - name: anna
        app: outlook
        credentials: {access_token: first, refresh_token: second}
      - name: dav
        app: carddav
        base_url: https://dav.example.com/
        credentials: {username: anna, password: secret}
    connections:
      - name: people
        a: {account: anna, folder: contacts}
        b: {account: dav, folder: contacts}
"""


@dataclass
class Apps:
    """`anna` is poor in fields, `dav` rich, as the two apps they are said to be. `broken`: account name -> error."""

    remotes: dict[str, InstantRemote] = field(
        default_factory=lambda: {"anna": InstantRemote(POOR), "dav": InstantRemote(RICH)}
    )
    broken: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def anna(self) -> InstantRemote:
        return self.remotes["anna"]

    @property
    def dav(self) -> InstantRemote:
        return self.remotes["dav"]

    def connect(self, account: Account, fence: Callable[[], None] = lambda: None, clock: Any = None) -> Connector:
        self.asked.append(account.name)
        if account.name in self.broken:
            raise self.broken[account.name]
        return self.remotes[account.name]

    def people(self, *names: str, remote: str = "anna") -> list[str]:
        return [self.person(name, remote) for name in names]

    def person(self, name: str, remote: str = "anna", **values: Any) -> str:
        first, emails = ("givenName", "emailAddresses") if remote == "anna" else ("given", "emails")
        return self.remotes[remote].add({first: name, emails: [{"value": f"{name}@example.com"}], **values})

    def contents(self, remote: str) -> list[str]:
        first = "givenName" if remote == "anna" else "given"
        return sorted(str(row.values.get(first)) for row in self.remotes[remote].rows().values())


def installed(monkeypatch: pytest.MonkeyPatch) -> Apps:
    apps = Apps()
    monkeypatch.setattr(host, "connect", apps.connect)
    return apps


def run(*arguments: str) -> tuple[int, str]:
    """A management command's exit code and what it printed, errors included."""
    out, code = io.StringIO(), 0
    try:
        call_command(*arguments, stdout=out, stderr=out)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, out.getvalue()


def lines_with(text: str, parts: Iterable[str]) -> bool:
    """Whether some line of the text holds all parts."""
    return any(all(part in line for part in parts) for line in text.splitlines())
