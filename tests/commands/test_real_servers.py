from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from connections.models import Connection
from tests.apps import run
from tests.connectors.carddav.radicale import RadicaleServer

CARD = """BEGIN:VCARD
VERSION:3.0
UID:{0}
FN:{0} Peeters
N:Peeters;{0};;;
EMAIL:{0}@example.com
END:VCARD
""".replace("\n", "\r\n")

FILE = """
tenants:
  - slug: acme
    accounts:
      - name: dav
        app: carddav
        base_url: {url}
        credentials: {{username: {user}, password: {password}}}
    connections:
      - name: books
        a: {{account: dav, folder: first}}
        b: {{account: dav, folder: second}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[RadicaleServer]:
    with RadicaleServer(("first", "second")) as running:
        yield running


@pytest.fixture
def file(server: RadicaleServer, tmp_path: Path, settings: Any) -> Path:
    settings.ALLOWED_PRIVATE_HOSTS = [urlsplit(server.url).netloc]
    server.empty()
    path = tmp_path / "site.yaml"
    path.write_text(FILE.format(url=server.url, user=server.username, password=server.password), encoding="utf-8")
    return path


@pytest.mark.django_db(transaction=True)
def test_a_file_a_plan_and_a_sync_between_two_books_of_a_server(server: RadicaleServer, file: Path) -> None:
    second = f"/{server.username}/second/"
    server.put_card("ada", CARD.format("Ada"))
    server.put_card("bob", CARD.format("Bob"), second)
    assert run("apply", str(file))[0] == 0
    plan = run("preview", "books")[1]
    assert plan.count("to create on dav") == 2
    assert len(server.cards(second)) == 1
    assert run("sync", "books")[0] == 0
    assert len(server.cards()) == len(server.cards(second)) == 2
    assert any("FN:Ada Peeters" in card for card in server.cards(second).values())
    assert "nothing to write" in run("sync", "books")[1]
    assert "In sync" in run("explain", "books", "ada@example.com")[1]


@pytest.mark.django_db(transaction=True)
def test_a_wrong_password_asks_for_authorisation_and_is_not_repeated(server: RadicaleServer, file: Path) -> None:
    file.write_text(FILE.format(url=server.url, user=server.username, password="not-the-one"))
    code, text = run("apply", str(file))
    assert code == 4
    assert "not-the-one" not in text
    assert not Connection.objects.exists()
