from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from connectors.hubspot.connector import HubSpot
from connectors.hubspot.sandbox.control import HubSpotSandbox
from connectors.sandbox import Sandbox
from connectors.sandboxkit.faults import Fault
from tests.connectors.host import make_host

_numbers = count(1)


class Account:
    """A fresh account of the sandbox, with connectors on it and the hands of its user. Searches show changes at once
    and are not counted, since our time here is not the sandbox's, unless a test says otherwise."""

    def __init__(
        self, sandbox: Sandbox, *, static: bool = False, scopes: Iterable[str] | None = None, **switches: Any
    ) -> None:
        self.sandbox = sandbox
        self.api: HubSpotSandbox = sandbox.part("hubspot")
        self.user = f"person{next(_numbers)}@example.com"
        answer = self.api.add_account(
            self.user, {"search_lag": 0.0, "search_per_second": 0, **switches}, scopes, "pairwise"
        )
        self.secrets: dict[str, str] = {"access_token": answer["static_token"]}
        if not static:
            self.secrets = {name: str(answer[name]) for name in ("access_token", "refresh_token", "hub_id")}
            self.secrets["scope"] = " ".join(answer["scopes"])
        self.opened: list[HubSpot] = []
        self.settings = {"page_size": "5", "client_id": "pairwise", "list_interval": "0"}
        self.watched: Callable[[], frozenset[str]] = frozenset

    def watch_all(self) -> None:
        """As if a rule spoke of each list."""
        self.watched = lambda: frozenset(one["id"] for one in self.api.lists(self.user))

    def connect(self, **secrets: str) -> HubSpot:
        held: Mapping[str, str] = {**self.secrets, **secrets}
        address = f"{self.sandbox.url}/hubspot"
        host = make_host(address, held, login_url=address, settings=self.settings, watched=lambda: self.watched())
        connector = HubSpot(host)
        self.opened.append(connector)
        return connector

    def load(self, *records: dict[str, Any], object: str = "contacts") -> list[str]:
        return self.api.load(self.user, records, object)

    def edit(self, id: str, **changes: Any) -> None:
        self.api.edit(self.user, id, changes)

    def records(self, object: str = "contacts") -> list[dict[str, Any]]:
        return self.api.records(self.user, object)

    def fault(self, kind: str, *, path: str = "", method: str = "", **options: Any) -> Fault:
        """Strikes this account's requests alone."""
        match = {"account": self.user, "path": path, "method": method}
        return self.sandbox.fault(kind, match={name: value for name, value in match.items() if value}, **options)

    def asked(self) -> list[str]:
        """Method and path of each request of the account."""
        return [f"{one.method} {one.path}" for one in self.sandbox.journal.requests() if one.account == self.user]

    def requests(self) -> int:
        return len(self.asked())

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
