"""A real HTTP server in front of a real address book server: counts, loses answers, and bends them as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests

from tests.connectors.server import Reply, Request, serve

Bend = Callable[[Request, Reply], Reply | None]
_HOP = {"connection", "transfer-encoding", "content-encoding", "content-length", "date", "server"}


class Proxy:
    """`bend` may replace each answer, None cuts the connection; `requests` are all that came."""

    def __init__(self, target: str) -> None:
        self.target = target.rstrip("/")
        self.requests: list[Request] = []
        self.url = ""
        self.bend: Bend = lambda request, reply: reply
        self._session = requests.Session()
        self._session.trust_env = False

    def methods(self) -> list[str]:
        return [request.method for request in self.requests]

    def lose_next_write(self) -> None:
        """The next PUT or DELETE takes effect and its answer never arrives."""

        def lose(request: Request, reply: Reply) -> Reply | None:
            if request.method not in {"PUT", "DELETE"}:
                return reply
            self.bend = lambda request, reply: reply
            return None

        self.bend = lose

    def __call__(self, request: Request) -> Reply | None:
        self.requests.append(request)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP | {"host"}}
        answer = self._session.request(
            request.method,
            self.target + request.path,
            data=request.body,
            headers=headers,
            allow_redirects=False,
            timeout=30,
        )
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        return self.bend(request, Reply(answer.status_code, answer.content, kept))


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    one = Proxy(target)
    with serve(one) as one.url:
        yield one
