"""JSON batching: up to 20 requests in one, answered one by one and in any order
(learn.microsoft.com/graph/json-batching)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from connectors.http import retry_after
from connectors.outlook.errors import codes_in, is_throttled

LIMIT: Final = 20
MAX_BYTES: Final = 3_500_000  # the service takes 4 MB in one request
IMMUTABLE: Final = 'IdType="ImmutableId"'
WAIT_IF_UNTOLD: Final = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Request:
    """A request inside a batch; `url` is relative to the version root."""

    method: str
    url: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self, id: str) -> dict[str, Any]:
        headers = {"Prefer": IMMUTABLE, **self.headers}
        if self.body is None:
            return {"id": id, "method": self.method, "url": self.url, "headers": headers}
        headers["Content-Type"] = "application/json"
        return {"id": id, "method": self.method, "url": self.url, "headers": headers, "body": self.body}


@dataclass(frozen=True, slots=True)
class Inner:
    """The answer to one request of a batch; status 0 if none came."""

    status: int = 0
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def contact(self) -> dict[str, Any] | None:
        """The entity in the answer, if there is one."""
        return self.body if self.ok and isinstance(self.body, dict) and isinstance(self.body.get("id"), str) else None

    @property
    def is_throttled(self) -> bool:
        """Certainly without effect: turned away before it was looked at."""
        return self.status == 429 or (self.status == 503 and is_throttled(codes_in(self.body)))

    def wait(self, now: float) -> float:
        """Seconds until it may be asked again."""
        told = next((value for name, value in self.headers.items() if name.lower() == "retry-after"), None)
        seconds = retry_after(str(told) if told is not None else None, now)
        return WAIT_IF_UNTOLD if seconds is None else seconds


def payload(requests: Sequence[Request]) -> dict[str, Any]:
    return {"requests": [request.as_json(str(number)) for number, request in enumerate(requests)]}


def answers(body: Any, count: int) -> list[Inner]:
    """The answers in the order of the requests, whatever their order, and a status of 0 for each that is missing."""
    found: dict[str, Inner] = {}
    responses = body.get("responses") if isinstance(body, dict) else None
    for one in responses if isinstance(responses, list) else []:
        if isinstance(one, dict) and isinstance(one.get("status"), int):
            headers = one.get("headers")
            found[str(one.get("id"))] = Inner(
                one["status"], one.get("body"), headers if isinstance(headers, dict) else {}
            )
    return [found.get(str(number), Inner()) for number in range(count)]


def split(requests: Sequence[Request], limit: int = LIMIT, max_bytes: int = MAX_BYTES) -> Iterator[list[Request]]:
    """Cuts a sequence into batches that the service takes; one request larger than `max_bytes` goes alone."""
    batch: list[Request] = []
    size = 0
    for request in requests:
        bytes_ = len(orjson.dumps(request.as_json("00")))
        if batch and (len(batch) == limit or size + bytes_ > max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(request)
        size += bytes_
    if batch:
        yield batch
