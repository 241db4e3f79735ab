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
    pages,
    read,
    update,
    write,
)
from tests.connectors.hubspot.conftest import Account
from tests.connectors.listed import Listed
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
        return Listed(self.account.connect(), "email")

    def pass_time(self) -> None:
        self.account.sandbox.clock.advance(5)

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


class TestContactsByTokenInTheOldVersion(OneEmail):
    @pytest.fixture
    def subject(self, sandbox: Sandbox) -> Iterator[Subject]:
        account = Account(sandbox, static=True)
        account.settings["api_version"] = "v3"
        yield HubSpotSubject(account)
        account.close()
        sandbox.faults.clear()


class ListSubject(HubSpotSubject):
    """A list that people fill, among contacts that are not in it."""

    tells_moves = True
    pages = False  # members come in pages of 250

    def __init__(self, account: Account) -> None:
        self.list = account.api.add_list(account.user, "Customers")
        self.folder = f"list-{self.list}"
        account.load({"firstname": "Outside", "lastname": "Side", "email": "outside@example.com"})
        super().__init__(account)

    def add(self, person: Person) -> str:
        made = super().add(person)
        self.account.api.change_members(self.account.user, self.list, add=[made])
        return made

    def move(self, record_id: str) -> None:
        self.account.api.change_members(self.account.user, self.list, remove=[record_id])

    def cost_of_no_news(self) -> int:
        return 3  # and the members

    def cost_of_writes(self, count: int) -> int:
        return 2 * ceil(count / 100)  # and to the list


class TestAListAsAFolder(OneEmail):
    @pytest.fixture
    def subject(self, account: Account) -> Subject:
        return ListSubject(account)

    def test_a_lost_answer_is_unknown_and_the_record_is_found(self, subject: Subject) -> None:
        """A contact that did not become a member is not found: the create is repeated, which completes it."""
        fields = keys(subject)
        sent = create(subject)
        subject.lose_answer()
        assert write(subject, sent)[0].outcome == Outcome.UNKNOWN
        assert subject.connector.find(subject.folder, [sent.marker], fields) == {}
        made = done(write(subject, sent)[0])
        assert set(subject.connector.find(subject.folder, [sent.marker], fields)) == {sent.marker}
        assert [record.id for page in pages(subject) for record in page.records] == [made.id]


class UnmarkedSubject(HubSpotSubject):
    def __init__(self, account: Account) -> None:
        self.account = account
        account.watch_all()
        self.connector = self.reconnect()

    def reconnect(self) -> Connector:
        return Listed(self.account.connect(marks="no"), "email")


class TestContactsWithoutMarks(OneEmail):
    @pytest.fixture
    def subject(self, account: Account) -> Subject:
        return UnmarkedSubject(account)

    def found(self, subject: Subject, *sent: Sent) -> dict[str, str]:
        connector = subject.reconnect()
        connector.inner.host.clock.time = subject.account.sandbox.clock.now()  # type: ignore[attr-defined]
        found = connector.find_sent(subject.folder, sent, keys(subject))  # type: ignore[attr-defined]
        return {marker: record.id for marker, record in found.items()}

    def test_a_sent_create_is_found_by_its_marker(self, subject: Subject) -> None:
        at = subject.account.sandbox.clock.now()  # type: ignore[attr-defined]
        sent = [create(subject, Person(f"Given{n}")) for n in range(2)]
        made = {one.marker: done(write(subject, one)[0]).id for one in sent}
        assert self.found(subject, *(Sent(one.marker, one.values, at) for one in sent)) == made

    def test_a_repeated_create_makes_a_second_record_only_where_the_app_says_so(self, subject: Subject) -> None:
        """But for one thing: no two contacts have one address."""
        first = done(write(subject, create(subject, ANNA))[0])
        [again] = write(subject, create(subject, ANNA))
        assert (again.outcome, again.existing) == (Outcome.REFUSED, first.id)
        nameless = create(subject, Person("Plato"))
        assert done(write(subject, nameless)[0]).id != done(write(subject, nameless)[0]).id

    def test_a_lost_answer_is_unknown_and_the_record_is_found(self, subject: Subject) -> None:
        at = subject.account.sandbox.clock.now()  # type: ignore[attr-defined]
        sent = create(subject)
        subject.lose_answer()
        assert write(subject, sent)[0].outcome == Outcome.UNKNOWN
        assert set(self.found(subject, Sent(sent.marker, sent.values, at))) == {sent.marker}
