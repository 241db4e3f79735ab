from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.sandbox import Sandbox
from tests.connectors.carddav.radicale import RadicaleServer
from tests.faults.stage import SETTLE, Stage, address


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Sandbox, RadicaleServer]]:
    with Sandbox() as sandbox, RadicaleServer() as radicale:
        yield sandbox, radicale


@pytest.fixture
def allowed(servers: tuple[Sandbox, RadicaleServer], settings: Any) -> Iterator[list[str]]:
    """Addresses on this machine that connectors may reach; tests add those of their own servers."""
    settings.ALLOWED_PRIVATE_HOSTS = [address(server.url) for server in servers]
    settings.APP_SETTINGS = {
        "OUTLOOK_CLIENT_ID": "pairwise",
        "OUTLOOK_SETTLE_AFTER": str(SETTLE),
        "OUTLOOK_VISIBLE_AFTER": "0",
    }
    yield settings.ALLOWED_PRIVATE_HOSTS
    servers[0].faults.clear()


@pytest.fixture
def stage(servers: tuple[Sandbox, RadicaleServer], allowed: list[str], transactional_db: None) -> Stage:
    """A new mailbox and a new book."""
    return Stage(*servers)
