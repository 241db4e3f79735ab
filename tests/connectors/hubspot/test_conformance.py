from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import pytest

from connectors.base import Connector, Outcome, Sent
from connectors.sandbox import Sandbox
from tests.connectors.conformance import (
    ANNA,
    Conformance,
    addresses,
    create,
    done,
    emails,
    keys,
    read,
    update,
    write,
)
from tests.connectors.hubspot.conftest import Account
from tests.connectors.hubspot.listed import Listed
from tests.connectors.subject import Person, Subject


class HubSpotSubject(Subject):
    given, family, email, note = "firstname", "lastname", "email", "message"
    tells_moves = False
    folder = "contacts"

    def __init__(self, account: Account) -> None:
        self.account = account
        account.watch_all()
        self.account.connect().portal.ensure_marks()
        self.connector = self.reconnect()

    def _body(self, person: Person) -> dict[str, Any]:
        return {
            "firstname": person.given,
            "lastname": person.family,
            "email": person.email,
            "message": person.note,
        }

    def add(self, person: Person) -> str:
        return self.account.load(self._body(person))[0]

    def edit(self, record_id: str, person: Person) -> None:
        self.account.edit(record_id, **self._body(person))

    def remove(self, record_id: str) -> None:
        self.account.api.remove(self.account.user, record_id)

    def reconnect(self) -> Connector:
        return Listed(self.account.connect())

    def expired(self, cursor: str) -> str:
        self.account.sandbox.clock.advance(85 * 86400)
        return cursor

    def lose_answer(self) -> bool:
        self.account.fault("drop", path=r"batch/create$", when="after")
        return True

    def requests(self) -> int:
        return self.account.requests()

    def cost_of_no_news(self) -> int:
        return 2  # what changed, and a page of the recycle bin

    def cost_of_writes(self, count: int) -> int:
        return ceil(count / 100)


class OneEmail(Conformance):
    def test_a_list_is_replaced_whole_and_keeps_its_order(self, subject: Subject) -> None:
        record = read(subject, subject.add(ANNA))
        for wanted in ("b@example.com", "anna@example.com"):
            record = done(write(subject, update(record, values={subject.email: emails(wanted)}))[0])
            assert addresses(record, subject) == [wanted]


class TestContacts(OneEmail):
    @pytest.fixture
    def subject(self, account: Account) -> Subject:
        return HubSpotSubject(account)
