from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import pytest

from connectors.base import Connector
from connectors.sandbox import Sandbox
from tests.connectors.conformance import ANNA, Conformance, addresses, done, emails, read, update, write
from tests.connectors.listed import Listed
from tests.connectors.salesforce.conftest import Account
from tests.connectors.subject import Person, Subject


class SalesforceSubject(Subject):
    given, family, email, note = "FirstName", "LastName", "Email", "Description"
    tells_moves = False

    def __init__(self, account: Account, object: str) -> None:
        self.account = account
        self.object = object
        self.folder = object
        self.connector = self.reconnect()

    def _body(self, person: Person) -> dict[str, Any]:
        body: dict[str, Any] = {
            "FirstName": person.given or None,
            "LastName": person.family or "[not provided]",
            "Email": person.email or None,
            "Description": person.note or None,
        }
        return {**body, "Company": "Acme"} if self.object == "Lead" else body

    def add(self, person: Person) -> str:
        return self.account.load(self.object, self._body(person))[0]

    def edit(self, record_id: str, person: Person) -> None:
        self.account.edit(record_id, **self._body(person))

    def remove(self, record_id: str) -> None:
        self.account.api.remove(self.account.user, record_id)

    def reconnect(self) -> Connector:
        return Listed(self.account.connect(), "Email")

    def pass_time(self) -> None:
        self.account.sandbox.clock.advance(5)

    def expired(self, cursor: str) -> str:
        self.account.sandbox.clock.advance(20 * 86400)
        return cursor

    def lose_answer(self) -> bool:
        self.account.fault("drop", path=r"composite/sobjects$", when="after")
        return True

    def requests(self) -> int:
        return self.account.requests()

    def cost_of_no_news(self) -> int:
        return 2  # contacts, and members of campaigns

    def cost_of_writes(self, count: int) -> int:
        return 2 * ceil(count / 200)  # and what the records look like then


class OneEmail(Conformance):
    def test_a_list_is_replaced_whole_and_keeps_its_order(self, subject: Subject) -> None:
        record = read(subject, subject.add(ANNA))
        for wanted in ("b@example.com", "anna@example.com"):
            record = done(write(subject, update(record, values={subject.email: emails(wanted)}))[0])
            assert addresses(record, subject) == [wanted]


class TestContacts(OneEmail):
    @pytest.fixture
    def subject(self, account: Account) -> Subject:
        return SalesforceSubject(account, "Contact")


class TestLeads(OneEmail):
    @pytest.fixture
    def subject(self, account: Account) -> Subject:
        return SalesforceSubject(account, "Lead")


class TestContactsWithMiddleNamesAndRotatedTokens(OneEmail):
    @pytest.fixture
    def subject(self, sandbox: Sandbox) -> Iterator[Subject]:
        account = Account(sandbox, middle_name=True, rotates_refresh_tokens=True)
        yield SalesforceSubject(account, "Contact")
        account.close()
        sandbox.faults.clear()
