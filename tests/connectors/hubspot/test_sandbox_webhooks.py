"""Webhooks of the sandbox: what is sent, how it is signed, and what happens where nobody takes it."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.hubspot.sandbox.sender import decoded, signed
from connectors.sandbox import Sandbox
from tests.connectors.hubspot.caller import Caller
from tests.connectors.hubspot.served import hubspot_sandbox
from tests.connectors.server import Reply, Request, serve

SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
EVERY = ["contact.creation", "contact.deletion", "contact.merge", "contact.restore", "contact.privacyDeletion"]


class Inbox:
    def __init__(self, sandbox: Sandbox, address: str, replies: queue.Queue[int]) -> None:
        self.letters: queue.Queue[Request] = queue.Queue()
        self.replies = replies
        self.target = f"{address}/hook"
        self.api = sandbox.part("hubspot")
        self.app: int = self.api.register_app("pairwise", [], SECRET)

    def subscribe(self, *events: str) -> None:
        self.api.set_webhooks(self.app, self.target, events, first_wait=0.02)

    def letter(self) -> Request:
        return self.letters.get(timeout=5)

    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.letter().body)
        return found

    def until(self, wanted: set[str]) -> dict[str, dict[str, Any]]:
        seen: dict[str, dict[str, Any]] = {}
        while not wanted <= set(seen):
            seen |= {one["subscriptionType"]: one for one in self.events()}
        return seen


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with hubspot_sandbox() as running:
        yield running


@pytest.fixture
def call(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


@pytest.fixture
def inbox(sandbox: Sandbox) -> Iterator[Inbox]:
    replies: queue.Queue[int] = queue.Queue()
    box: list[Inbox] = []

    def take(request: Request) -> Reply:
        box[0].letters.put(request)
        return Reply(204 if replies.empty() else replies.get())

    with serve(take) as address:
        box.append(Inbox(sandbox, address, replies))
        yield box[0]


def test_the_vendors_own_examples_of_signatures() -> None:
    body = b"{'example_field':'example_value'}"
    made = signed(SECRET, "POST", "https://www.example.com/webhook_uri", body, 1693657560000)
    assert made["X-HubSpot-Signature-v3"] == "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
    assert made["X-HubSpot-Signature"] == "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750"


def test_an_address_is_decoded_only_so_far() -> None:
    assert decoded("https://a.example/x%2Fy?q=a%20b%2c%3A%26") == "https://a.example/x/y?q=a%20b,:%26"


@given(st.text(alphabet="abc%2Fx?&=/ é", max_size=20))
def test_a_decoded_address_has_none_of_those_signs_left(tail: str) -> None:
    assert not {"%3A", "%2F", "%40", "%2C"} & {decoded(f"https://a.example/{tail}")[place:][:3] for place in range(60)}


def test_events_of_a_contact(call: Caller, inbox: Inbox) -> None:
    inbox.subscribe(*EVERY, "contact.propertyChange:email", "contact.propertyChange:jobtitle")
    first = call.create(email="ada@example.com", city="Ghent")
    seen = inbox.until({"contact.creation", "contact.propertyChange"})
    made = seen["contact.creation"]
    assert (made["objectId"], made["portalId"], made["appId"]) == (int(first), call.portal, inbox.app)
    assert (made["changeFlag"], made["attemptNumber"], made["changeSource"]) == ("NEW", 0, "INTEGRATION")
    change = seen["contact.propertyChange"]
    assert (change["propertyName"], change["propertyValue"]) == ("email", "ada@example.com")
    [second] = call.load({"email": "bea@example.com"})
    merged = call.api.merge(call.user, first, second)
    event = inbox.until({"contact.merge"})["contact.merge"]
    assert (event["primaryObjectId"], event["newObjectId"]) == (int(first), int(merged))
    call.api.remove(call.user, merged)
    call.api.restore(call.user, merged)
    assert inbox.until({"contact.deletion", "contact.restore"})["contact.deletion"]["changeSource"] == "CRM_UI"
    call.api.remove(call.user, merged, for_good=True)
    assert inbox.until({"contact.privacyDeletion", "contact.deletion"})


def test_both_directions_of_an_association_arrive(call: Caller, inbox: Inbox) -> None:
    [person], [company] = call.load({"firstname": "Ada"}), call.load({"name": "Acme"}, object="companies")
    inbox.subscribe("contact.associationChange")
    call.api.associate(call.user, person, company)
    seen = inbox.events()
    assert {(one["associationType"], one["associationTypeId"]) for one in seen} == {
        *(("CONTACT_TO_COMPANY", 279), ("COMPANY_TO_CONTACT", 280)),
        *(("CONTACT_TO_COMPANY", 1), ("COMPANY_TO_CONTACT", 2)),
    }
    assert {one["isPrimaryAssociation"] for one in seen} == {True, False}


def test_nothing_is_sent_of_what_was_rolled_back(call: Caller, inbox: Inbox) -> None:
    inbox.subscribe("contact.creation")
    bad = [{"properties": {"firstname": "Ada"}}, {"properties": {"nonsense": "1"}}]
    call("POST", "/crm/v3/objects/contacts/batch/create", 400, {"inputs": bad})
    id = call.create(firstname="Bea")
    assert [one["objectId"] for one in inbox.events()] == [int(id)]


def test_up_to_a_hundred_travel_together(call: Caller, inbox: Inbox) -> None:
    inbox.subscribe("contact.creation")
    call.load(*({"firstname": str(number)} for number in range(120)))
    sizes: list[int] = []
    while sum(sizes) < 120:
        sizes.append(len(inbox.events()))
    assert max(sizes) <= 100
    assert len(sizes) < 12


def test_what_is_not_taken_comes_again(call: Caller, inbox: Inbox) -> None:
    inbox.subscribe("contact.creation")
    for status in (500, 404):
        inbox.replies.put(status)
    call.create(firstname="Ada")
    assert [inbox.events()[0]["attemptNumber"] for _ in range(3)] == [0, 1, 2]


def test_one_target_for_all_accounts_where_the_app_is_installed(call: Caller, inbox: Inbox) -> None:
    other, gone = Caller(call.sandbox), Caller(call.sandbox)
    gone.sandbox.database.execute("DELETE FROM hubspot_token WHERE portal = ?", (gone.portal,))
    inbox.subscribe("contact.creation")
    for one in (gone, call, other):
        one.load({"firstname": "Ada"})
    assert {inbox.events()[0]["portalId"] for _ in range(2)} == {call.portal, other.portal}


@pytest.mark.parametrize(("kind", "count"), [("duplicate", 2), ("reorder", 1)])
def test_deliveries_can_be_disturbed(call: Caller, inbox: Inbox, kind: str, count: int) -> None:
    inbox.subscribe("contact.creation")
    call.fault(kind, path="/delivery$")
    ids = [int(id) for id in call.load({"firstname": "Ada"}, {"firstname": "Bea"})]
    seen = [one["objectId"] for one in inbox.events()]
    assert seen == (ids * count if kind == "duplicate" else ids[::-1])


def test_signatures_can_be_wrong_or_old(call: Caller, inbox: Inbox) -> None:
    inbox.subscribe("contact.creation")
    fits = []
    for options in ({}, {"old": True}):
        call.fault("signature", path="/delivery$", **options)
        call.create(firstname="Ada")
        letter = inbox.letter()
        at = int(letter.headers["X-HubSpot-Request-Timestamp"])
        right = signed(SECRET, "POST", inbox.target, letter.body, at)["X-HubSpot-Signature-v3"]
        fits.append((letter.headers["X-HubSpot-Signature-v3"] == right, call.sandbox.clock.now() - at / 1000 > 300))
    assert fits == [(False, False), (True, True)]


def test_settings_by_the_developers_key_or_the_apps_token(call: Caller, inbox: Inbox) -> None:
    address = f"/webhooks/v3/{inbox.app}/settings"
    body = {"targetUrl": inbox.target, "throttling": {"maxConcurrentRequests": 10}}
    call.session.headers.pop("Authorization")
    call("PUT", address, 401, body)
    call("PUT", f"{address}?hapikey=developer-key", 200, body)
    form = {
        "grant_type": "client_credentials",
        "client_id": "pairwise",
        "client_secret": SECRET,
        "scope": "developers-write",
    }
    call.use(call("POST", "/oauth/v3/token", 200, data=form).json()["access_token"])
    assert call("GET", address, 200).json()["targetUrl"] == inbox.target
    call("PUT", address, 400, {**body, "targetUrl": "http://example.com/hook"})
    call("PUT", address, 400, {**body, "throttling": {"maxConcurrentRequests": 5}})
    subscriptions = f"/app-webhooks/2026-09/{inbox.app}/subscriptions"
    wrong = {"eventType": "contact.propertyChange", "propertyName": "hs_lastmodifieddate", "active": True}
    call("POST", subscriptions, 400, wrong)
    made = call("POST", subscriptions, 201, {"eventType": "contact.creation", "active": False}).json()
    both = {"inputs": [{"id": int(made["id"]), "active": True}]}
    assert call("POST", f"{subscriptions}/batch/update", 200, both).json()["results"][0]["active"]
    call("DELETE", f"{subscriptions}/{made['id']}", 204)
    call("DELETE", address, 204)
    call("GET", address, 404)
