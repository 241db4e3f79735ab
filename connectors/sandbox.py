"""Stand-ins for the vendors' APIs on loopback: one process, one SQLite file, put together from the parts that the
apps declare (`APP.sandbox`). For the demo, for tests and for trying rules without touching anyone's contacts.

`python -m connectors.sandbox --port 8400 --file sandbox.sqlite3`
"""

from __future__ import annotations

import argparse
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from email.utils import formatdate
from http import HTTPStatus
from pkgutil import resolve_name
from typing import Any, Self

from connectors.registry import apps
from connectors.sandboxkit.control import Control
from connectors.sandboxkit.database import Database
from connectors.sandboxkit.faults import Fault, Faults
from connectors.sandboxkit.html import asset, join, page, tag
from connectors.sandboxkit.kit import Journal, Kit, Part, SandboxClock
from connectors.sandboxkit.web import (
    Dropped,
    Environ,
    Handler,
    Request,
    Response,
    Server,
    StartResponse,
    json_response,
    request_from,
)

log = logging.getLogger(__name__)
QUIET_PREFIXES = ("/control", "/assets")


class Sandbox:
    """All parts behind one address. It is a WSGI application too, so tests can call it without a socket.

    `path`: the SQLite file, or ":memory:". `port` 0 takes a free one. As a context manager it serves in a thread.
    """

    def __init__(self, path: str = ":memory:", host: str = "127.0.0.1", port: int = 0) -> None:
        self.database = Database(path)
        self.faults = Faults(time.monotonic)
        self.clock = SandboxClock(self.faults)
        self.journal = Journal()
        self._address = (host, port)
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        kit = Kit(self.database, self.clock, self.faults, self.journal, lambda: self.url)
        self.parts = {part.key: part for part in _parts(kit)}
        routes: dict[str, Handler] = {"/control": Control(kit, self.parts, self.reset).handle, "/assets": asset}
        for part in self.parts.values():
            routes.update(part.routes)
        self._routes = sorted(routes.items(), key=lambda route: -len(route[0]))

    # ---- life

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        host, port = self._server.server_address[:2] if self._server else self._address
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"

    def _bind(self) -> Server:
        if self._server is None:
            self._server = Server(self._address, self)
        return self._server

    def start(self) -> Self:
        """Serves in a thread until `stop`."""
        server = self._bind()
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True
        )
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        server = self._bind()
        log.info("the sandbox listens on %s", self.url)
        server.serve_forever()

    def stop(self) -> None:
        if self._server is not None:
            if self._thread is not None:
                self._server.shutdown()
                self._thread.join()
            self._server.close_connections()
            self._server.server_close()
        for part in self.parts.values():
            part.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- for tests in Python

    def part(self, key: str) -> Any:
        """An app's own object, such as `OutlookSandbox` for outlook."""
        return self.parts[key].api

    def fault(self, kind: str, **details: Any) -> Fault:
        """Switches a fault on; see `Faults.add`."""
        return self.faults.add(kind, **details)

    def reset(self) -> None:
        """Forgets all data, faults and requests."""
        self.faults.clear()
        self.clock.reset()
        self.journal.clear()
        for part in self.parts.values():
            part.reset()

    # ---- requests

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI. Raises Dropped where a fault cuts the connection."""
        response = self.handle(request_from(environ))
        response.headers.setdefault("Date", formatdate(self.clock.now(), usegmt=True))
        start_response(f"{response.status} {_reason(response.status)}", list(response.headers.items()))
        return [response.body]

    def handle(self, request: Request) -> Response:
        for prefix, handler in self._routes:
            if request.path == prefix or request.path.startswith(f"{prefix}/"):
                request.prefix, request.path = prefix, request.path[len(prefix) :] or "/"
                return self._guarded(handler, request)
        if request.path == "/":
            return self._index()
        if request.path == "/favicon.ico":
            return Response(204)
        return json_response({"error": "there is nothing here; / says what there is"}, 404)

    def _guarded(self, handler: Handler, request: Request) -> Response:
        try:
            return handler(request)
        except Dropped:
            raise
        except Exception:  # a fault of the sandbox itself must reach its user, not look like the vendor's
            log.exception("the sandbox failed on %s %s", request.method, request.prefix)
            return json_response({"error": "the sandbox itself failed; its log says where"}, 500)

    def _index(self) -> Response:
        cards = [
            tag(
                "li",
                tag("h2", tag("a", part.name, href=part.pages) if part.pages else part.name),
                tag("p", part.summary),
                class_="card",
            )
            for part in self.parts.values()
        ]
        intro = (
            "Stand-ins for the vendors' APIs, for demo and tests. What lies here is made up, stays on this machine and "
            "can be thrown away. Change a contact on one of these pages and watch it arrive on the other side."
        )
        control = tag("p", "Faults, clock and loading: ", tag("a", "/control", href="/control"))
        return page("Contacts", tag("h1", "Pairwise sandbox"), tag("p", intro), tag("ul", join(cards)), control)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _parts(kit: Kit) -> Iterator[Part]:
    for app in apps().values():
        if app.sandbox:
            yield resolve_name(app.sandbox)(kit)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m connectors.sandbox", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8400)
    parser.add_argument("--file", default=":memory:", help="its SQLite file; left out, all is forgotten at the end")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    sandbox = Sandbox(options.file, options.host, options.port)
    try:
        sandbox.serve_forever()
    except KeyboardInterrupt:
        log.info("the sandbox stops")
    finally:
        sandbox.stop()


if __name__ == "__main__":
    main()
