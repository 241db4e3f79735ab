"""The in-memory apps keep the same contract as the real ones."""

from __future__ import annotations

import pytest

from connections.benchmark.catalogues import POOR, RICH
from connectors.base import Connector, Value
from tests.connectors.conformance import Conformance
from tests.connectors.subject import Person, Subject
from tests.engine.remotes import Fault, Manners, MemoryRemote
from tests.engine.world import World


class MemorySubject(Subject):
    folder = "contacts"

    def __init__(self, poor: bool, manners: Manners) -> None:
        self.world = World()
        self.remote = MemoryRemote(self.world, fields=POOR if poor else RICH, manners=manners)
        self.connector = self.remote
        names = ("givenName", "surname", "emailAddresses", "personalNotes")
        self.given, self.family, self.email, self.note = names if poor else ("given", "family", "emails", "note")

    def _values(self, person: Person) -> dict[str, Value]:
        return {
            self.given: person.given or None,
            self.family: person.family or None,
            self.email: [{"value": person.email}] if person.email else None,
            self.note: person.note or None,
        }

    def add(self, person: Person) -> str:
        return self.remote.add(self._values(person))

    def edit(self, record_id: str, person: Person) -> None:
        self.remote.edit(record_id, "", **self._values(person))

    def remove(self, record_id: str) -> None:
        self.remote.delete(record_id)

    def move(self, record_id: str) -> None:
        self.remote.move(record_id, "elsewhere")

    def reconnect(self) -> Connector:
        return self.remote

    def expired(self, cursor: str) -> str:
        self.remote.expire_cursors()
        return cursor

    def lose_answer(self) -> bool:
        self.remote.break_next("write", Fault.LOST_RESPONSE)
        return True

    def settle(self) -> None:
        self.world.advance(self.remote.manners.lag + self.remote.manners.find_lag + 1)

    def requests(self) -> int:
        return self.remote.total_requests


MANNERS = {
    "rich": (False, Manners(write_batch=25)),
    "poor": (True, Manners()),
    "idempotent": (False, Manners(idempotent=True, shows_markers=True)),
    "unconditional": (True, Manners(conditional=False)),
    "one at a time": (False, Manners(write_batch=1, page=2)),
    "late searches": (False, Manners(find_lag=30.0)),
    "no labels": (False, Manners(label_kind=None, deletes=False)),
}


class TestMemoryRemotes(Conformance):
    @pytest.fixture(params=sorted(MANNERS))
    def subject(self, request: pytest.FixtureRequest) -> Subject:
        poor, manners = MANNERS[request.param]
        return MemorySubject(poor, manners)
