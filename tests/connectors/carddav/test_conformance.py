from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from connectors.base import Connector
from connectors.carddav.vcard import escape
from tests.connectors.carddav import another
from tests.connectors.carddav.another import AnotherServer
from tests.connectors.carddav.conftest import Server, connect
from tests.connectors.carddav.proxy import Proxy, proxy
from tests.connectors.carddav.radicale import RadicaleServer
from tests.connectors.carddav.xandikos import XandikosServer
from tests.connectors.conformance import Conformance
from tests.connectors.subject import Person, Subject


class CardDavSubject(Subject):
    given, family, email, note = "n.given", "n.family", "email", "note"
    tells_moves = False  # a card that moves keeps its UID, but the server only says that its old place is empty

    def __init__(self, server: Server, between: Proxy) -> None:
        self._server = server
        self._between = between
        self.connector = self.reconnect()
        self.folder = server.folder

    def reconnect(self) -> Connector:
        return connect(self._between.url + "/", self._server, page_size="3")

    def add(self, person: Person) -> str:
        return self._put(str(uuid4()), person)

    def edit(self, record_id: str, person: Person) -> None:
        self._put(record_id.rpartition("/")[2].removesuffix(".vcf"), person)

    def remove(self, record_id: str) -> None:
        self._server.request("DELETE", record_id)

    def expired(self, cursor: str) -> str:
        return cursor[:-8] + "00000000"

    def lose_answer(self) -> bool:
        self._between.lose_next_write()
        return True

    def requests(self) -> int:
        return len(self._between.requests)

    def cost_of_writes(self, count: int) -> int:
        return count + 1

    def _put(self, name: str, person: Person) -> str:
        lines = [
            "BEGIN:VCARD",
            "VERSION:3.0",
            f"UID:{name}",
            f"FN:{escape(person.given)} {escape(person.family)}",
            f"N:{escape(person.family)};{escape(person.given)};;;",
            *([f"EMAIL:{escape(person.email)}"] if person.email else []),
            *([f"NOTE:{escape(person.note)}"] if person.note else []),
            "END:VCARD\r\n",
        ]
        return self._server.put_card(name, "\r\n".join(lines))


class TestCardDavOnRadicale(Conformance):
    @pytest.fixture
    def subject(self, server: RadicaleServer, between: Proxy) -> Subject:
        return CardDavSubject(server, between)


@pytest.fixture(scope="module")
def running_xandikos() -> Iterator[XandikosServer]:
    with XandikosServer() as server:
        yield server


class TestCardDavOnXandikos(Conformance):
    @pytest.fixture
    def subject(self, running_xandikos: XandikosServer) -> Iterator[Subject]:
        running_xandikos.empty()
        with proxy(running_xandikos.url) as between:
            yield CardDavSubject(running_xandikos, between)


if another.HOME:

    class TestCardDavOnAnotherServer(Conformance):
        @pytest.fixture
        def subject(self) -> Iterator[Subject]:
            with AnotherServer().book() as server, proxy(server.url) as between:
                yield CardDavSubject(server, between)
