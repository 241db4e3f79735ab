"""A real Radicale server in a process of its own, for tests and for whoever needs an address book to talk to."""

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
from requests.auth import HTTPBasicAuth

_CONFIG = """
[server]
hosts = 127.0.0.1:{port}
max_connections = 50
[auth]
type = htpasswd
htpasswd_filename = {root}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {root}/store
[rights]
type = owner_only
[web]
type = none
[logging]
level = error
"""
_MKCOL = """<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop>
<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype><D:displayname>{name}</D:displayname>
</D:prop></D:set></D:mkcol>"""


class RadicaleServer:
    """`with RadicaleServer() as server`: a running server with one user and one empty address book.

    `url` is its root, `folder` the path of the book, `username` and `password` open it.
    """

    username = "anna"
    password = "pässword"  # noqa: S105

    def __init__(self, books: tuple[str, ...] = ("contacts",)) -> None:
        self._books = books
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> RadicaleServer:
        self._root = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="radicale-")))
        (self._root / "users").write_text(f"{self.username}:{self.password}\n", encoding="utf-8")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        (self._root / "config").write_text(_CONFIG.format(port=port, root=self._root))
        self.url = f"http://127.0.0.1:{port}/"
        self.folder = f"/{self.username}/{self._books[0]}/"
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "radicale", "--config", str(self._root / "config")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._stack.callback(self._stop)
        self.session = self._stack.enter_context(requests.Session())
        self.session.trust_env = False
        self.session.auth = HTTPBasicAuth(self.username.encode(), self.password.encode())
        try:
            self._wait()
            for book in self._books:
                self.make_book(book)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def make_book(self, name: str) -> str:
        """Makes an address book; returns its path."""
        path = f"/{self.username}/{name}/"
        self.request("MKCOL", path, _MKCOL.format(name=name.capitalize()))
        return path

    def put_card(self, name: str, text: str, folder: str = "") -> str:
        """Stores a card as another client would; returns its path."""
        path = f"{folder or self.folder}{name}.vcf"
        self.request("PUT", path, text, {"Content-Type": "text/vcard; charset=utf-8"})
        return path

    def delete_card(self, name: str, folder: str = "") -> None:
        self.request("DELETE", f"{folder or self.folder}{name}.vcf")

    def cards(self, folder: str = "") -> dict[str, str]:
        """What is stored, by file name without its ending."""
        files = self.directory(folder).glob("*.vcf")
        return {file.stem: file.read_text(encoding="utf-8") for file in files if not file.name.startswith(".")}

    def directory(self, folder: str = "") -> Path:
        """Where a book's files lie, for what no client could store."""
        return self._root / "store" / "collection-root" / (folder or self.folder).strip("/")

    def empty(self) -> None:
        """Makes all books empty and new."""
        for book in self._books:
            self.request("DELETE", f"/{self.username}/{book}/")
            self.make_book(book)

    def request(
        self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
    ) -> requests.Response:
        answer = self.session.request(
            method, self.url.rstrip("/") + path, data=body.encode(), headers=headers, timeout=30
        )
        answer.raise_for_status()
        return answer

    def _wait(self) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(f"Radicale did not start: {self._process.communicate()[1].decode()[-2000:]}")
            with contextlib.suppress(requests.ConnectionError):
                self.session.request("OPTIONS", self.url, timeout=5)
                return
            time.sleep(0.05)
        raise RuntimeError("Radicale did not start in 30 seconds.")

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
