"""Faults that can be switched on: what goes wrong, for which requests, how often and for how long."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.sandboxkit.web import Dropped, Handler, Request, Response

#: What each kind means; `options` of a fault are named in brackets.
KINDS: Mapping[str, str] = {
    "throttle": "429 in the vendor's words [retry_after: seconds, decimals or null for no header]",
    "error": "an error status [status, when: before|after the effect, html: true for a proxy's page, retry_after]",
    "drop": "the connection is cut without an answer [when: before|after the effect, seconds to hang first]",
    "delay": "the answer comes late [seconds]",
    "truncate": "half of the answer's body arrives, as if it were whole",
    "cursor_expired": "the change feed's token is refused [status, code]",
    "token_expired": "401, as for an access token past its time",
    "lag": "lists, searches and the change feed show the past [seconds]",
    "reorder": "pages come in another order",
    "duplicate": "records appear twice in a page",
    "rewrite": "values are stored in another form [phones: e164|national|dotted|digits, case: upper|lower]",
    "skew": "the server's clock is wrong [seconds]",
    "signature": "a webhook's signature does not fit [old: true for a good one with a stale time]",
}
LASTING = frozenset({"lag", "rewrite", "skew"})  # states rather than strokes: no count unless one is given
OPTIONS = frozenset({"retry_after", "status", "when", "html", "seconds", "code", "phones", "case", "old"})


class UnknownFault(ValueError):
    """The description of a fault names something that does not exist; the text says what."""


@dataclass(slots=True)
class Fault:
    """`count`: how many matching requests it hits (None: all). `nth`: the first of them to be hit, counted from 1.

    `until`: when it is over, by the clock that `Faults` was given. `path`: a regular expression searched in the
    path, prefix included.
    """

    id: int
    kind: str
    method: str = ""
    path: str = ""
    account: str = ""
    inner: bool | None = None
    nth: int = 1
    count: int | None = 1
    until: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    seen: int = 0
    hits: int = 0

    def fits(self, request: Request) -> bool:
        return (
            (not self.method or self.method == request.method)
            and (self.inner is None or self.inner == request.inner)
            and (not self.account or self.account.lower() == request.account.lower())
            and (not self.path or re.search(self.path, request.prefix + request.path) is not None)
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "match": {"method": self.method, "path": self.path, "account": self.account, "inner": self.inner},
            "nth": self.nth,
            "count": self.count,
            "seen": self.seen,
            "hits": self.hits,
            **self.options,
        }


class Faults:
    """The faults that are switched on. `now`: a steady clock in seconds (a skewed one has no say here)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._faults: list[Fault] = []

    def add(
        self,
        kind: str,
        *,
        match: Mapping[str, Any] | None = None,
        nth: int = 1,
        count: int | None = None,
        duration: float | None = None,
        **options: Any,
    ) -> Fault:
        """Switches a fault on. `count`: how many requests it strikes, 0 for all; left out it is all for a lasting
        kind or where `duration` (seconds) is given, else one."""
        match = dict(match or {})
        unknown = sorted(set(options) - OPTIONS) + sorted(set(match) - {"method", "path", "account", "inner"})
        if kind not in KINDS:
            raise UnknownFault(f"there is no fault {kind!r}; known: {', '.join(KINDS)}")
        if unknown:
            raise UnknownFault(f"a fault does not know {', '.join(unknown)}")
        try:
            re.compile(str(match.get("path", "")))
        except re.error as error:
            raise UnknownFault(f"the path of a fault is no regular expression: {error}") from error
        fault = Fault(
            id=next(self._ids),
            kind=kind,
            method=str(match.get("method", "")).upper(),
            path=str(match.get("path", "")),
            account=str(match.get("account", "")),
            inner=match.get("inner"),
            nth=int(nth),
            count=(None if kind in LASTING or duration is not None else 1) if count is None else int(count) or None,
            until=None if duration is None else self._now() + float(duration),
            options=options,
        )
        with self._lock:
            self._faults.append(fault)
        return fault

    def hit(self, request: Request, *kinds: str) -> Fault | None:
        """The first live fault of these kinds that strikes this request; counts the request for all that match."""
        if not self._faults:
            return None
        struck: Fault | None = None
        with self._lock:
            for fault in self._live():
                if fault.kind not in kinds or not fault.fits(request):
                    continue
                fault.seen += 1
                if struck is None and fault.seen >= fault.nth:
                    fault.hits += 1
                    struck = fault
            self._live()
        return struck

    def lasting(self, kind: str) -> Fault | None:
        """A live fault of a kind that is a state rather than a stroke (clock skew); nothing is counted."""
        if not self._faults:
            return None
        with self._lock:
            return next((fault for fault in self._live() if fault.kind == kind), None)

    def _live(self) -> list[Fault]:
        now = self._now()
        self._faults = [
            fault
            for fault in self._faults
            if (fault.count is None or fault.hits < fault.count) and (fault.until is None or now < fault.until)
        ]
        return list(self._faults)

    def all(self) -> list[Fault]:
        with self._lock:
            return self._live()

    def remove(self, number: int) -> bool:
        with self._lock:
            before = len(self._faults)
            self._faults = [fault for fault in self._faults if fault.id != number]
            return len(self._faults) < before

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()


Words = Callable[[int, float | None], Response]  # (status, seconds to wait or None) -> an error in the vendor's words
HTML_PAGE = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"


def strike(faults: Faults, request: Request, handler: Handler, words: Words) -> Response:
    """Handles a request as the faults of the connection, the gateway and the rate limit allow."""
    fault = faults.hit(request, "throttle", "error", "drop", "delay", "truncate", "token_expired")
    if fault is None:
        return handler(request)
    after = fault.options.get("when") == "after"
    seconds = float(fault.options.get("seconds", 0))
    if fault.kind == "delay":
        time.sleep(seconds)
        return handler(request)
    if fault.kind == "truncate":
        answer = handler(request)
        answer.body = answer.body[: len(answer.body) // 2]
        return answer
    if after:
        handler(request)
    if fault.kind == "drop":
        time.sleep(seconds)
        raise Dropped
    return _refusal(fault, words)


def _refusal(fault: Fault, words: Words) -> Response:
    wait = fault.options.get("retry_after")
    if fault.kind == "throttle":
        return words(429, 1.0 if "retry_after" not in fault.options else wait)
    if fault.kind == "token_expired":
        return words(401, None)
    status = int(fault.options.get("status", 503))
    if fault.options.get("html"):
        return Response(status, HTML_PAGE, {"Content-Type": "text/html"})
    return words(status, wait)
