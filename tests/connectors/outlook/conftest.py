from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from connectors.base import Connector, Field
from connectors.outlook.connector import Outlook
from connectors.outlook.sandbox.control import OutlookSandbox
from connectors.sandbox import Sandbox
from connectors.sandboxkit.faults import Fault
from tests.connectors.host import make_host

_numbers = count(1)


class Account:
    """A fresh mailbox of the sandbox, with a connector on it and the hands of its owner."""

    def __init__(self, sandbox: Sandbox, kind: str = "work", **options: Any) -> None:
        self.sandbox = sandbox
        self.api: OutlookSandbox = sandbox.part("outlook")
        self.email = f"person{next(_numbers)}@example.com"
        self.secrets = self.api.add_account(self.email, kind=kind, **options)
        self.opened: list[Outlook] = []
        self.settings = {"page_size": "5", "client_id": "pairwise"}

    def connect(self, secrets: Mapping[str, str] | None = None, declared: tuple[Field, ...] = ()) -> Outlook:
        names = ("access_token", "refresh_token", "scope")
        held = {name: self.secrets[name] for name in names}
        host = make_host(
            f"{self.sandbox.url}/graph",
            {**held, **(secrets or {})},
            login_url=f"{self.sandbox.url}/microsoft",
            settings=self.settings,
            declared=declared,
        )
        connector = Outlook(host)
        self.opened.append(connector)
        return connector

    def load(self, *contacts: dict[str, Any], folder: str = "Contacts") -> list[str]:
        return self.api.load(self.email, contacts, folder)

    def edit(self, id: str, **changes: Any) -> None:
        self.api.edit(self.email, id, changes)

    def contacts(self, folder: str = "Contacts") -> list[dict[str, Any]]:
        return self.api.contacts(self.email, folder)

    def fault(self, kind: str, *, path: str = "", inner: bool | None = None, **options: Any) -> Fault:
        """Strikes this account's requests alone. (A request with a bad token has no account.)"""
        match = {"account": self.email, "path": path, "inner": inner}
        return self.sandbox.fault(kind, match={name: value for name, value in match.items() if value}, **options)

    def requests(self) -> int:
        """What the account sent, a batch counted as one."""
        return sum(one.account == self.email and not one.inner for one in self.sandbox.journal.requests())

    def close(self) -> None:
        for connector in self.opened:
            connector.graph.http.close()


def contacts_of(connector: Connector) -> str:
    """The id of the folder Contacts."""
    return next(folder.id for folder in connector.folders() if folder.path == "Contacts")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def account(sandbox: Sandbox) -> Iterator[Account]:
    made = Account(sandbox)
    yield made
    made.close()
    sandbox.faults.clear()
