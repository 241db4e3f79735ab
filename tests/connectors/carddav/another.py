"""Any CardDAV server that is already running, named by the environment, to be asked what is asked of Radicale."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from tests.connectors.carddav.xandikos import MAKE_BOOK

HOME = os.environ.get("CARDDAV_HOME", "")  # address of the collection in which books are made


class AnotherServer:
    """`with AnotherServer().book() as server`: a new book there, removed on leaving."""

    username = os.environ.get("CARDDAV_USER", "")
    password = os.environ.get("CARDDAV_PASSWORD", "")

    def __init__(self) -> None:
        parts = urlsplit(HOME)
        self.url = f"{parts.scheme}://{parts.netloc}/"
        self._home = parts.path.rstrip("/")
        self.folder = ""
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.auth = (self.username, self.password)

    @contextmanager
    def book(self) -> Iterator[AnotherServer]:
        self.folder = f"{self._home}/{uuid4().hex}/"
        self.request("MKCOL", self.folder, MAKE_BOOK, {"Content-Type": "application/xml"})
        try:
            yield self
        finally:
            with suppress(requests.HTTPError):  # Cyrus says that it is not there
                self.request("DELETE", self.folder)

    def put_card(self, name: str, text: str) -> str:
        """Stores a card as another client would; returns its path."""
        path = f"{self.folder}{name}.vcf"
        self.request("PUT", path, text, {"Content-Type": "text/vcard; charset=utf-8"})
        return path

    def request(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> None:
        where = self.url.rstrip("/") + path
        answer = self._session.request(method, where, data=body.encode(), headers=headers or {}, timeout=30)
        answer.raise_for_status()
