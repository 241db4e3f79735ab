"""Change notifications of the Outlook sandbox: handshake, delivery, lifecycle."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from connectors.sandbox import Sandbox
from tests.connectors.outlook.graph_client import CONTACTS, EMAIL, IMMUTABLE, GraphClient
from tests.connectors.server import Reply, Request, serve


class Inbox:
    """A notification address that shakes hands and keeps what comes. `ill`: how many letters it turns away first."""

    def __init__(self) -> None:
        self.letters: queue.Queue[dict[str, Any]] = queue.Queue()
        self.shaken: list[str] = []
        self.polite = True
        self.ill = 0

    def __call__(self, request: Request) -> Reply:
        query = parse_qs(urlsplit(request.path).query)
        if "validationToken" in query:
            self.shaken.append(urlsplit(request.path).path)
            token = query["validationToken"][0] if self.polite else "something else"
            return Reply(200, token.encode(), {"Content-Type": "text/plain"})
        if self.ill:
            self.ill -= 1
            return Reply(500)
        for letter in orjson.loads(request.body)["value"]:
            self.letters.put(letter)
        return Reply(202)

    def next(self) -> dict[str, Any]:
        return self.letters.get(timeout=5)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def hook(inbox: Inbox) -> Iterator[str]:
    with serve(inbox) as address:
        yield address


@pytest.fixture
def graph() -> Iterator[GraphClient]:
    sandbox = Sandbox()
    yield GraphClient(sandbox)
    sandbox.stop()


def order(hook: str, **changes: Any) -> dict[str, Any]:
    return {
        "changeType": "created,updated,deleted",
        "notificationUrl": f"{hook}/hook",
        "resource": "me/contacts",
        "expirationDateTime": in_(timedelta(days=2)),
        "clientState": "secret",
        **changes,
    }


def in_(time: timedelta) -> str:
    return (datetime.now(UTC) + time).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")


def test_subscribers_hear_of_every_change(graph: GraphClient, inbox: Inbox, hook: str) -> None:
    made = graph.create("/subscriptions", IMMUTABLE, **order(hook))
    assert inbox.shaken == ["/hook"]
    contact = graph.create(CONTACTS, IMMUTABLE, givenName="Ada")
    changed = graph.patch(contact, jobTitle="Analyst")
    graph.ask("DELETE", f"{CONTACTS}/{contact['id']}")
    letters = [inbox.next() for _ in range(3)]
    assert [letter["changeType"] for letter in letters] == ["created", "updated", "deleted"]
    for letter in letters:
        assert letter["clientState"] == "secret"
        assert letter["subscriptionId"] == made["id"]
        assert letter["resourceData"]["id"] == contact["id"]
        assert letter["resource"].endswith(f"/Contacts/{contact['id']}")
    assert letters[1]["resourceData"]["@odata.etag"] == changed["@odata.etag"]


def test_a_subscription_to_a_folder_hears_of_that_folder_alone(graph: GraphClient, inbox: Inbox, hook: str) -> None:
    folder = graph.api.add_folder(EMAIL, "Contacts/Customers")
    graph.create("/subscriptions", **order(hook, resource=f"/me/contactFolders('{folder}')/contacts"))
    graph.create(givenName="elsewhere")
    graph.create(f"/me/contactFolders/{folder}/contacts", givenName="here")
    assert inbox.next()["changeType"] == "created"
    assert inbox.letters.empty()


def test_a_letter_that_was_turned_away_comes_again(graph: GraphClient, inbox: Inbox, hook: str) -> None:
    graph.create("/subscriptions", **order(hook))
    inbox.ill = 2
    graph.create(givenName="Ada")
    assert inbox.next()["changeType"] == "created"


def test_without_a_handshake_there_is_no_subscription(graph: GraphClient, inbox: Inbox, hook: str) -> None:
    inbox.polite = False
    assert graph.refusal("POST", "/subscriptions", order(hook))[:2] == (400, "ValidationError")
    dead = graph.refusal("POST", "/subscriptions", order("http://127.0.0.1:9"))
    assert dead[:2] == (400, "ValidationError")
    assert graph.get("/subscriptions")["value"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"changeType": "moved"},
        {"resource": "me/messages"},
        {"expirationDateTime": in_(timedelta(days=8))},
        {"expirationDateTime": in_(timedelta(minutes=-1))},
        {"expirationDateTime": "tomorrow"},
        {"clientState": "x" * 129},
        {"notificationUrl": "http://example.com/hook"},
        {"lifecycleNotificationUrl": "https://elsewhere.example/hook"},
    ],
)
def test_orders_that_the_service_refuses(graph: GraphClient, inbox: Inbox, hook: str, changes: dict[str, str]) -> None:
    assert graph.refusal("POST", "/subscriptions", order(hook, **changes))[:2] == (400, "InvalidRequest")
    assert inbox.shaken == []


def test_a_short_life_is_made_forty_five_minutes(graph: GraphClient, hook: str) -> None:
    made = graph.create("/subscriptions", **order(hook, expirationDateTime=in_(timedelta(minutes=1))))
    ends = datetime.fromisoformat(made["expirationDateTime"][:26] + "+00:00")
    assert timedelta(minutes=44) < ends - datetime.now(UTC) < timedelta(minutes=46)


def test_a_subscription_is_renewed_ends_and_is_gone(graph: GraphClient, inbox: Inbox, hook: str) -> None:
    made = graph.create("/subscriptions", **order(hook))
    assert graph.refusal("POST", "/subscriptions", order(hook))[0] == 409
    address = f"/subscriptions/{made['id']}"
    assert graph.ask("PATCH", address, {"expirationDateTime": in_(timedelta(days=6))}).status == 200
    graph.sandbox.clock.advance(6 * 24 * 3600 + 60)
    graph.token = graph.api.issue_tokens(EMAIL)["access_token"]
    assert graph.refusal("GET", address)[:2] == (404, "ResourceNotFound")
    graph.create(givenName="Ada")
    assert inbox.letters.empty()


def test_lifecycle_events_go_to_their_own_address(graph: GraphClient, inbox: Inbox, hook: str) -> None:
    made = graph.create("/subscriptions", **order(hook, lifecycleNotificationUrl=f"{hook}/life"))
    assert inbox.shaken == ["/hook", "/life"]
    for event in ("reauthorizationRequired", "missed", "subscriptionRemoved"):
        assert graph.api.lifecycle(EMAIL, event) == 1
        letter = inbox.next()
        assert (letter["lifecycleEvent"], letter["subscriptionId"]) == (event, made["id"])
    assert graph.ask("GET", f"/subscriptions/{made['id']}").status == 404


def test_a_move_is_a_deletion_here_and_a_creation_there(graph: GraphClient, inbox: Inbox, hook: str) -> None:
    graph.api.add_folder(EMAIL, "Contacts/Old")
    [moved] = graph.api.load(EMAIL, [{"givenName": "Ada"}])
    graph.create("/subscriptions", IMMUTABLE, **order(hook))
    graph.api.move(EMAIL, moved, "Contacts/Old")
    letters = [inbox.next() for _ in range(2)]
    assert [letter["changeType"] for letter in letters] == ["deleted", "created"]
    assert {letter["resourceData"]["id"] for letter in letters} == {moved}
