from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import pytest

from connectors.base import Connector
from connectors.sandbox import Sandbox
from tests.connectors.conformance import Conformance
from tests.connectors.outlook.conftest import Account
from tests.connectors.subject import Person, Subject


class OutlookSubject(Subject):
    given, family, email, note = "givenName", "surname", "emailAddresses", "personalNotes"

    def __init__(self, account: Account, path: str = "Contacts", *, shared: Account | None = None) -> None:
        """`shared`: the mailbox that holds the folder, where it is not the account's own."""
        self.account = account
        self.owner = shared or account
        self.path = path
        if path != "Contacts":
            self.owner.api.add_folder(self.owner.email, path)
        self.owner.api.add_folder(self.owner.email, "Contacts/Elsewhere")
        self.connector = self.reconnect()
        whole = f"{self.owner.email}/{path}" if shared else path
        self.folder = next(folder.id for folder in self.connector.folders() if folder.path == whole)

    def _body(self, person: Person) -> dict[str, Any]:
        return {
            "givenName": person.given or None,
            "surname": person.family or None,
            "displayName": f"{person.given} {person.family}".strip(),
            "emailAddresses": [{"address": person.email, "name": ""}] if person.email else [],
            "personalNotes": person.note,
        }

    def add(self, person: Person) -> str:
        return self.owner.load(self._body(person), folder=self.path)[0]

    def edit(self, record_id: str, person: Person) -> None:
        self.owner.edit(record_id, **self._body(person))

    def remove(self, record_id: str) -> None:
        self.owner.api.remove(self.owner.email, record_id)

    def move(self, record_id: str) -> None:
        self.owner.api.move(self.owner.email, record_id, "Contacts/Elsewhere")

    def reconnect(self) -> Connector:
        secrets = {"shared_mailboxes": self.owner.email} if self.owner is not self.account else {}
        return self.account.connect(secrets)

    def pass_time(self) -> None:
        self.account.sandbox.clock.advance(5)

    def expired(self, cursor: str) -> str:
        self.owner.api.expire_cursors()
        return cursor

    def lose_answer(self) -> bool:
        self.account.fault("drop", path=r"\$batch$", when="after")
        return True

    def requests(self) -> int:
        return self.account.requests()

    def cost_of_writes(self, count: int) -> int:
        return ceil(count / 20)


class TestDefaultFolder(Conformance):
    @pytest.fixture
    def subject(self, account: Account) -> Subject:
        return OutlookSubject(account)


class TestNestedFolderOfAPersonalAccount(Conformance):
    @pytest.fixture
    def subject(self, sandbox: Sandbox) -> Iterator[Subject]:
        account = Account(sandbox, "personal")
        yield OutlookSubject(account, "Contacts/Customers/Old")
        account.close()


class TestSharedMailbox(Conformance):
    @pytest.fixture
    def subject(self, sandbox: Sandbox, account: Account) -> Subject:
        owner = Account(sandbox, switches={"shared_with": [account.email]})
        return OutlookSubject(account, shared=owner)
