from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.carddav.connector import CardDav
from tests.connectors.carddav.another import AnotherServer
from tests.connectors.carddav.proxy import Proxy, proxy
from tests.connectors.carddav.radicale import RadicaleServer
from tests.connectors.carddav.xandikos import XandikosServer
from tests.connectors.host import make_host

Server = RadicaleServer | XandikosServer | AnotherServer


@pytest.fixture(scope="session")
def running() -> Iterator[RadicaleServer]:
    with RadicaleServer() as server:
        yield server


@pytest.fixture
def server(running: RadicaleServer) -> RadicaleServer:
    """Radicale with one empty address book."""
    running.empty()
    return running


@pytest.fixture
def between(server: RadicaleServer) -> Iterator[Proxy]:
    """A proxy in front of it."""
    with proxy(server.url) as one:
        yield one


@pytest.fixture
def connector(server: RadicaleServer, between: Proxy) -> CardDav:
    """A connector that goes through the proxy."""
    return connect(between.url + "/", server)


def connect(url: str, server: Server, **settings: str) -> CardDav:
    return CardDav(make_host(url, {"username": server.username, "password": server.password}, settings=settings))
