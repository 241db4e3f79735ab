"""A real Xandikos server in a process of its own: a second CardDAV server, so that no test fits Radicale alone."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

import requests

MAKE_BOOK = """<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop>
<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype><D:displayname>Contacts</D:displayname>
</D:prop></D:set></D:mkcol>"""


class XandikosServer:
    """`with XandikosServer() as server`: a running server with one user, who needs no password, and one address book.

    `url` is its root, `folder` the path of the book.
    """

    username = "anna"
    password = "any"  # noqa: S105

    def __enter__(self) -> XandikosServer:
        self._stack = contextlib.ExitStack()
        root = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="xandikos-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{port}/"
        self._books = 0
        program = str(Path(sys.executable).with_name("xandikos"))
        where = ["--directory", root, "--listen-address", "127.0.0.1", "--port", port]
        self._process = subprocess.Popen(  # noqa: S603
            [program, "serve", *where, "--current-user-principal", "/anna/", "--defaults"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(self._stop)
        self._session = self._stack.enter_context(requests.Session())
        self._session.trust_env = False
        try:
            self._wait()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def put_card(self, name: str, text: str) -> str:
        """Stores a card as another client would; returns its path."""
        path = f"{self.folder}{name}.vcf"
        self.request("PUT", path, text, {"Content-Type": "text/vcard; charset=utf-8"})
        return path

    def empty(self) -> None:
        """Makes a new book, which is `folder` from now on."""
        self._books += 1
        self.folder = f"/anna/contacts/book-{self._books}/"
        self.request("MKCOL", self.folder, MAKE_BOOK, {"Content-Type": "application/xml"})

    def request(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> None:
        answer = self._session.request(
            method, self.url.rstrip("/") + path, data=body.encode(), headers=headers or {}, timeout=30
        )
        answer.raise_for_status()

    def _wait(self) -> None:
        until = time.monotonic() + 30
        while True:
            try:
                self._session.get(self.url, timeout=5)
                return
            except requests.ConnectionError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError("Xandikos did not start") from None
                time.sleep(0.05)

    def _stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
