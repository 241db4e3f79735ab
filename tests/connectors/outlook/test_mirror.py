"""A mirror that is fed by the connector alone equals the folder, whatever people and the service do."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from connectors.base import CursorExpired, DepartureKind, NothingKnown, Record, Throttled, Unavailable
from connectors.outlook.connector import Outlook
from connectors.sandbox import Sandbox
from tests.connectors.host import VirtualClock
from tests.connectors.outlook.conftest import Account, contacts_of

FIELDS = ["givenName", "surname", "emailAddresses", "categories", "homeAddress.city"]
STEPS = 60


class Mirror(NothingKnown):
    """What the engine does with pages, in small."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.folder = contacts_of(account.connect())
        self.held: dict[str, Record] = {}
        self.departed: dict[str, DepartureKind] = {}
        self.cursor = ""
        self.named: set[str] = set()

    def versions(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {id: self.held[id].version for id in ids if id in self.held}

    def pull(self, connector: Outlook, pages: int | None = None) -> None:
        """Follows the changes, at most so many pages, as a process does that is killed after them."""
        for number, page in enumerate(connector.changes(self.folder, self.cursor, FIELDS, self), 1):
            self.held.update({record.id: record for record in page.records})
            for departure in page.departures:
                if self.held.pop(departure.id, None) is not None:
                    self.departed[departure.id] = departure.kind
            self.named |= {record.id for record in page.records} | set(page.unchanged)
            if page.listing and page.last:
                self.held = {id: record for id, record in self.held.items() if id in self.named}
            self.cursor = page.cursor
            if number == pages:
                return

    def pull_through_trouble(self, pages: int | None = None) -> None:
        connector = self.account.connect()
        try:
            self.pull(connector, pages)
        except CursorExpired:
            self.cursor, self.named = "", set()
        except (Throttled, Unavailable):
            clock = connector.host.clock
            assert isinstance(clock, VirtualClock)
            clock.sleep(60)


class People:
    """Who edit behind the connector's back."""

    def __init__(self, account: Account, chance: random.Random) -> None:
        self.account = account
        self.chance = chance
        self.alive: list[str] = []
        self.away: set[str] = set()
        self.deleted: set[str] = set()
        account.api.add_folder(account.email, "Contacts/Away")

    def act(self) -> None:
        action = self.chance.choice(["add", "add", "edit", "edit", "delete", "purge", "leave", "return"])
        if action == "add" or not self.alive:
            self.alive += self.account.load(self._body())
        elif action == "return" and self.away:
            id = sorted(self.away)[0]
            self.account.api.move(self.account.email, id, "Contacts")
            self.away.remove(id)
            self.alive.append(id)
        else:
            self._act_on(self.chance.choice(self.alive), action)

    def _act_on(self, id: str, action: str) -> None:
        if action == "edit":
            self.account.edit(id, **self._body())
            return
        if action == "leave":
            self.account.api.move(self.account.email, id, "Contacts/Away")
            self.away.add(id)
        elif action in ("delete", "purge"):
            self.account.api.remove(self.account.email, id, for_good=action == "purge")
            self.deleted.add(id)
        else:
            return
        self.alive.remove(id)

    def _body(self) -> dict[str, Any]:
        number = self.chance.randrange(1000)
        return {
            "givenName": f"G{number}",
            "surname": None if number % 3 else f"S{number}",
            "emailAddresses": [{"address": f"p{n}@example.com", "name": ""} for n in range(number % 4)],
            "categories": ["Red category"] if number % 2 else [],
            "homeAddress": {"city": f"C{number}"} if number % 5 else {},
        }


def trouble(account: Account, chance: random.Random) -> None:
    kind = chance.choice(["reorder", "duplicate", "throttle", "error", "drop", "truncate", "cursor", "token", "inner"])
    if kind == "cursor":
        account.api.expire_cursors()
    elif kind == "token":
        account.api.expire_tokens(account.email)
    elif kind == "inner":
        account.fault("throttle", inner=True, retry_after=1)
    elif kind in ("reorder", "duplicate"):
        account.fault(kind)
    elif kind == "error":
        account.fault(kind, status=chance.choice([500, 502, 503, 504]), html=chance.random() < 0.5)
    else:
        account.fault(kind)


def shown(record: Record) -> dict[str, Any]:
    return {key: record.values[key] for key in sorted(record.values)}


def kept(contact: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "givenName": contact["givenName"],
        "surname": contact["surname"],
        "emailAddresses": [{"value": one["address"]} for one in contact["emailAddresses"]],
        "categories": [{"value": one} for one in contact["categories"]],
        "homeAddress.city": contact["homeAddress"].get("city"),
    }
    return {key: found[key] for key in sorted(found) if found[key]}


@pytest.mark.parametrize("seed", range(6))
def test_the_mirror_equals_the_folder(sandbox: Sandbox, seed: int) -> None:
    chance = random.Random(seed)
    account = Account(sandbox, chance.choice(["work", "personal"]))
    mirror, people = Mirror(account), People(account, chance)
    for _ in range(STEPS):
        for _ in range(chance.randrange(4)):
            people.act()
        if chance.random() < 0.3:
            trouble(account, chance)
        if chance.random() < 0.5:
            mirror.pull_through_trouble(chance.choice([None, 1, 2]))
    sandbox.faults.clear()
    for _ in range(3):
        mirror.pull_through_trouble()
    assert {record.id: shown(record) for record in mirror.held.values()} == {
        contact["id"]: kept(contact) for contact in account.contacts()
    }
    called_deleted = {id for id, kind in mirror.departed.items() if kind is DepartureKind.DELETED}
    assert called_deleted <= people.deleted
    account.close()
