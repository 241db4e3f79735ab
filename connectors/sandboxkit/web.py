"""Requests and answers of the sandbox, and the threaded HTTP/1.1 server that carries them (WSGI, PEP 3333)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

MAX_BODY = 64 * 1024 * 1024
IDLE_SECONDS = 120

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Dropped(Exception):  # noqa: N818 - an event, not a fault of this program
    """The connection is to be cut without an answer."""


class BadJson(ValueError):
    """The request's body is not a JSON object."""


@dataclass(slots=True)
class Request:
    """One request. `path` is decoded, without the prefix of the part that handles it; header names are lower-case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    origin: str = ""  # scheme and host as the caller sees them
    prefix: str = ""  # of the part, for example /graph
    account: str = ""  # set by the part once it knows
    inner: bool = False  # one of the requests inside a batch
    query_string: str = ""  # as it was sent, for options that come more than once

    @property
    def segments(self) -> list[str]:
        return [segment for segment in self.path.split("/") if segment]

    def json(self) -> dict[str, Any]:
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise BadJson(str(error)) from error
        if not isinstance(value, dict):
            raise BadJson("a JSON object is expected")
        return value

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        return orjson.loads(self.body) if self.body else None


Handler = Callable[[Request], Response]


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, orjson.dumps(value), {"Content-Type": "application/json", **(headers or {})})


def redirect(location: str, status: int = 303) -> Response:
    return Response(status, b"", {"Location": location})


def request_from(environ: Environ) -> Request:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    host = headers.get("host") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
        headers=headers,
        body=environ["wsgi.input"].read(length) if length else b"",
        origin=f"{environ.get('wsgi.url_scheme', 'http')}://{host}",
        query_string=environ.get("QUERY_STRING", ""),
    )


class Server(ThreadingHTTPServer):
    """A thread per connection; connections are kept alive."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], application: Application) -> None:
        self.application = application
        self.open_sockets: set[socket.socket] = set()
        super().__init__(address, ServerHandler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no news."""

    def close_connections(self) -> None:
        """Ends kept-alive connections, so that stopping does not wait for idle callers."""
        for connection in list(self.open_sockets):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class ServerHandler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.server.open_sockets.add(self.connection)

    def finish(self) -> None:
        self.server.open_sockets.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """The sandbox keeps its own log of requests."""

    def serve(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            self.close_connection = True
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            self._answer(self.rfile.read(length) if length else b"")
        except Dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, body: bytes) -> None:
        head: list[Any] = []
        chunks = self.server.application(self._environ(body), lambda status, headers: head.extend((status, headers)))
        content = b"".join(chunks)
        code, _, reason = head[0].partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in head[1]:
            self.send_header(name, value)
        if int(code) != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def _environ(self, body: bytes) -> Environ:
        path, _, query = self.path.partition("?")
        environ: Environ = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "SERVER_NAME": str(self.server.server_address[0]),
            "SERVER_PORT": str(self.server.server_address[1]),
            "SERVER_PROTOCOL": self.request_version,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        return environ

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = serve
