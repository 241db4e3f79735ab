from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from connectors.salesforce.connector import Salesforce
from connectors.salesforce.sandbox.control import SalesforceSandbox
from connectors.sandbox import Sandbox
from connectors.sandboxkit.faults import Fault
from tests.connectors.host import make_host

MARK = "Pairwise_Mark__c"
_numbers = count(1)


class Account:
    """A fresh organisation of the sandbox, with a connector on it and the hands of its user."""

    def __init__(self, sandbox: Sandbox, *, marks: bool = True, **switches: Any) -> None:
        self.sandbox = sandbox
        self.api: SalesforceSandbox = sandbox.part("salesforce")
        self.user = f"person{next(_numbers)}@example.com"
        self.secrets = self.api.add_account(self.user, switches)
        if marks:
            for name in ("Contact", "Lead"):
                self.api.add_field(self.user, name, MARK, label="Mark", length=40, external_id=True, unique=True)
        self.options = {"marker_field": MARK} if marks else {}
        self.opened: list[Salesforce] = []
        self.settings = {"page_size": "5", "client_id": "pairwise"}

    def connect(self, **secrets: str) -> Salesforce:
        names = ("access_token", "refresh_token", "instance_url", "id", "scope")
        held: Mapping[str, str] = {name: self.secrets[name] for name in names}
        host = make_host(
            "",
            {**held, **self.options, **secrets},
            login_url=f"{self.sandbox.url}/salesforce",
            settings=self.settings,
        )
        connector = Salesforce(host)
        self.opened.append(connector)
        return connector

    def load(self, object: str, *records: dict[str, Any], visible_in: float = 0.0) -> list[str]:
        return self.api.load(self.user, object, records, visible_in)

    def edit(self, id: str, **changes: Any) -> None:
        self.api.edit(self.user, id, changes)

    def records(self, object: str) -> list[dict[str, Any]]:
        return self.api.records(self.user, object)

    def fault(self, kind: str, *, path: str = "", inner: bool | None = None, **options: Any) -> Fault:
        """Strikes this account's requests alone."""
        match = {"account": self.user, "path": path, "inner": inner}
        return self.sandbox.fault(kind, match={name: value for name, value in match.items() if value}, **options)

    def requests(self) -> int:
        """What the account sent, a composite call counted as one."""
        return sum(one.account == self.user and not one.inner for one in self.sandbox.journal.requests())

    def close(self) -> None:
        for connector in self.opened:
            connector.api.http.close()


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
