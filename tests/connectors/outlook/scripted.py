"""A Graph that answers as a test says, over real HTTP: also what a well-behaved service does not give."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from connectors.base import (
    NothingKnown,
    Write,
    WriteKind,
)
from connectors.outlook.connector import Outlook
from connectors.outlook.fields import SELECT
from tests.connectors.host import make_host
from tests.connectors.server import Reply, Request, serve

FIELDS = ["givenName", "surname", "emailAddresses", "categories"]
Answer = Callable[[Request], Reply | None]
Inner = Callable[[dict[str, Any]], dict[str, Any] | None]


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(body).encode(), headers)


def error(code: str, message: str = "Words.") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def contact(id: str, version: str = "1", **parts: Any) -> dict[str, Any]:
    whole = dict.fromkeys(SELECT)
    times = {"createdDateTime": "2026-01-01T00:00:00Z", "lastModifiedDateTime": "2026-01-02T00:00:00Z"}
    return {**whole, "@odata.etag": f'W/"{version}"', "id": id, "parentFolderId": "F", **times, **parts}


def batched(inner: Inner) -> Answer:
    """Answers a batch: each request by `inner`, which gives id-less answers or None to leave one out."""

    def answer(request: Request) -> Reply:
        found = []
        for one in json.loads(request.body)["requests"]:
            given = inner(one)
            if given is not None:
                found.append({"headers": {}, "body": None, **given, "id": one["id"]})
        return reply({"responses": found[::-1]})

    return answer


def around(inner: Inner, trash: str = "TRASH", here: str = "F") -> Inner:
    """Answers what the connector asks when a contact lies elsewhere; an empty `trash` is not found."""

    def answer(one: dict[str, Any]) -> dict[str, Any] | None:
        if one["url"].endswith("/deleteditems"):
            return {"status": 200, "body": {"id": trash}} if trash else {"status": 404, "body": error("x")}
        if one["url"].endswith("$select=parentFolderId"):
            return {"status": 200, "body": {"value": [{"id": "ANY", "parentFolderId": here}]}}
        return inner(one)

    return answer


@dataclass
class Server:
    """`answers`: by the end of a path without query, one after the other, the last one for ever."""

    answers: dict[str, list[Answer | Reply | None]]
    requests: list[Request] = field(default_factory=list)
    url: str = ""

    def __call__(self, request: Request) -> Reply | None:
        self.requests.append(request)
        path = unquote(request.path.partition("?")[0])
        for end, answers in self.answers.items():
            if path.endswith(end):
                given = answers.pop(0) if len(answers) > 1 else answers[0]
                return given(request) if callable(given) else given
        return reply(error("ResourceNotFound"), 404)

    def batches(self) -> list[list[dict[str, Any]]]:
        return [json.loads(one.body)["requests"] for one in self.requests if one.path.endswith("/$batch")]


@contextmanager
def outlook(answers: Mapping[str, Any], **options: Any) -> Iterator[tuple[Outlook, Server]]:
    server = Server({end: given if isinstance(given, list) else [given] for end, given in answers.items()})
    with serve(server) as url:
        server.url = f"{url}/graph/v1.0"
        options["settings"] = {"client_id": "app", **options.get("settings", {})}
        secrets = options.pop("secrets", {"access_token": "old", "refresh_token": "r1"})
        host = make_host(f"{url}/graph", secrets, login_url=f"{url}/microsoft", **options)
        connector = Outlook(host)
        try:
            yield connector, server
        finally:
            connector.graph.http.close()


def creates(count: int, note: str = "x") -> list[Write]:
    values = {"givenName": note}
    return [Write(WriteKind.CREATE, f"m{number}", values=values) for number in range(count)]


def made(one: dict[str, Any]) -> dict[str, Any]:
    return {"status": 201, "body": contact("C" + one["id"], givenName=one["body"]["givenName"])}


class Known(NothingKnown):
    def __init__(self, **versions: str) -> None:
        self.known = {id: f'W/"{version}"' for id, version in versions.items()}

    def versions(self, ids: Any) -> Mapping[str, str]:
        return {id: self.known[id] for id in ids if id in self.known}


def delta(*entries: Mapping[str, Any], following: str = "", done: str = "") -> dict[str, Any]:
    return {
        "value": list(entries),
        **({"@odata.nextLink": following} if following else {}),
        **({"@odata.deltaLink": done} if done else {}),
    }


def paged(*pages: Mapping[str, Any]) -> list[Answer]:
    """Delta pages in order; `following` and `done` are query texts of our own address."""
    waiting = list(pages)

    def answer(request: Request) -> Reply:
        page = dict(waiting.pop(0) if len(waiting) > 1 else waiting[0])
        root = f"http://{request.headers['Host']}{request.path.partition('?')[0]}"
        for name in ("@odata.nextLink", "@odata.deltaLink"):
            if name in page and "://" not in page[name]:
                page[name] = f"{root}?{page[name]}"
        return reply(page)

    return [answer]


def news_cursor(server: Server) -> str:
    return f"news {server.url}/me/contactFolders/F/contacts/delta?$deltatoken=t0"
