"""What the Outlook sandbox takes and answers fits the description of the vendor's API.

The description lies outside the project: in the folder `PAIRWISE_SPECS`, or in `../shared/specs` beside the checkout.
"""

from __future__ import annotations

import os
import queue
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests
import yaml
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_schema_validator import OAS30Validator

from connectors.sandbox import Sandbox
from tests.connectors.server import Reply, Request, serve

EMAIL = "anna@example.com"
PHOTO = b"\xff\xd8\xff\xe0 a photo"
MARKER = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name sync"
SPEC = (
    Path(os.environ.get("PAIRWISE_SPECS", Path(__file__).resolve().parents[3] / "shared" / "specs"))
    / "microsoft-graph-contacts.openapi.yaml"
)
pytestmark = pytest.mark.skipif(not SPEC.is_file(), reason="the description of Graph is not on this machine")


class Traveller:
    """Sends requests and holds each, and its answer, against the description."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.root = f"{sandbox.url}/graph/v1.0"
        description = yaml.load(SPEC.read_bytes(), Loader=yaml.CSafeLoader)  # noqa: S506 - it is the safe one, in C
        description["servers"] = [{"url": self.root}]
        self.components = {"components": description["components"]}
        self.api = OpenAPI.from_dict(description)
        self.session = requests.Session()
        token = sandbox.part("outlook").add_account(EMAIL)["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(
        self, method: str, path: str, status: int, json: Any = None, *, wrong: bool = False, **options: Any
    ) -> requests.Response:
        """`wrong`: the request itself does not fit, so only the answer is held against the description."""
        address = path if path.startswith("http") else self.root + path
        answer = self.session.request(method, address, json=json, **options)
        assert answer.status_code == status, answer.text
        asked = RequestsOpenAPIRequest(answer.request)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of the security scheme, which is not looked at
            if not wrong:
                self.api.validate_request(asked)
            self.api.validate_response(asked, RequestsOpenAPIResponse(answer))
        return answer

    def fits(self, schema: str, value: Any) -> None:
        OAS30Validator({"$ref": f"#/components/schemas/{schema}", **self.components}).validate(value)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def graph(sandbox: Sandbox) -> Traveller:
    return Traveller(sandbox)


def test_a_contact_from_its_creation_to_its_end_fits_the_description(graph: Traveller) -> None:
    body = {
        "givenName": "Garth",
        "surname": "Fort",
        "emailAddresses": [{"address": "garth@fabrikam.example", "name": "Garth Fort"}],
        "businessPhones": ["+1 732 555 0102"],
        "birthday": "1974-07-22T11:59:00Z",
        "businessAddress": {"street": "1 Main St", "city": "Seattle"},
        "categories": ["Customers"],
        "singleValueExtendedProperties": [{"id": MARKER, "value": "c0ffee"}],
    }
    contact = graph.call("POST", "/me/contacts", 201, body).json()
    address = f"/me/contacts/{contact['id']}"
    graph.call("GET", f"{address}?$select=displayName,emailAddresses", 200)
    graph.call("GET", address, 200, params={"$expand": f"singleValueExtendedProperties($filter=id eq '{MARKER}')"})
    old = {"If-Match": contact["@odata.etag"]}
    graph.call("PATCH", address, 200, {"jobTitle": "Buyer", "birthday": None, "homePhones": []}, headers=old)
    graph.call("PATCH", address, 412, {"jobTitle": "Seller"}, headers=old)
    graph.call("POST", f"{address}/extensions", 201, {"extensionName": "Com.Example.Sync", "crmId": "4711"})
    graph.call("GET", f"{address}/extensions", 200)
    graph.call("GET", f"{address}/photo", 404)
    graph.call("PUT", f"{address}/photo/$value", 200, data=PHOTO, headers={"Content-Type": "image/jpeg"})
    graph.call("GET", f"{address}/photo", 200)
    graph.call("DELETE", address, 204)
    graph.call("GET", f"{address}x", 400)


def test_lists_fit_the_description(graph: Traveller, sandbox: Sandbox) -> None:
    sandbox.part("outlook").load(EMAIL, ({"givenName": f"Person {number}"} for number in range(25)))
    page = graph.call("GET", "/me/contacts?$top=10&$count=true&$orderby=displayName", 200).json()
    page = graph.call("GET", page["@odata.nextLink"], 200).json()
    assert len(graph.call("GET", page["@odata.nextLink"], 200).json()["value"]) == 5
    graph.call("GET", "/me/contacts", 200, params={"$filter": "emailAddresses/any(a:a/address eq 'a@example.com')"})
    graph.call("GET", "/me/contacts", 400, params={"$filter": "contains(displayName,'a')"})
    wanted = f"singleValueExtendedProperties/Any(ep: ep/id eq '{MARKER}' and ep/value eq 'x')"
    graph.call("GET", "/me/contacts", 200, params={"$filter": wanted})
    graph.call("GET", f"/users/{EMAIL}/contacts?$top=1", 200)
    graph.call("GET", "/me", 200)


def test_delta_rounds_fit_the_description(graph: Traveller, sandbox: Sandbox) -> None:
    api = sandbox.part("outlook")
    ids = api.load(EMAIL, ({"givenName": f"Person {number}"} for number in range(5)))
    prefer = {"Prefer": 'IdType="ImmutableId", odata.maxpagesize=3'}
    address = "/me/contactFolders/contacts/contacts/delta?$select=displayName,categories"
    page = graph.call("GET", address, 200, headers=prefer).json()
    page = graph.call("GET", page["@odata.nextLink"], 200, headers=prefer).json()
    api.remove(EMAIL, ids[0])
    api.edit(EMAIL, ids[1], {"categories": ["VIP"]})
    news = graph.call("GET", page["@odata.deltaLink"], 200, headers=prefer).json()
    assert [line.get("@removed") for line in news["value"]] == [{"reason": "deleted"}, None]
    graph.call("GET", f"{address}&$top=5", 400, wrong=True)
    api.expire_cursors()
    graph.call("GET", page["@odata.deltaLink"], 410)


def test_folders_and_categories_fit_the_description(graph: Traveller) -> None:
    folder = graph.call("POST", "/me/contactFolders", 201, {"displayName": "Customers"}).json()
    address = f"/me/contactFolders/{folder['id']}"
    graph.call("POST", f"{address}/childFolders", 201, {"displayName": "Old"})
    graph.call("GET", f"{address}/childFolders", 200)
    graph.call("PATCH", address, 200, {"displayName": "Clients"})
    graph.call("POST", f"{address}/contacts", 201, {"givenName": "Ada"})
    graph.call("GET", f"{address}/contacts", 200)
    graph.call("GET", "/me/contactFolders", 200)
    graph.call("GET", "/me/contactFolders/delta", 200)
    graph.call("DELETE", address, 204)
    graph.call("GET", address, 404)

    category = {"displayName": "Customers", "color": "preset7"}
    made = graph.call("POST", "/me/outlook/masterCategories", 201, category).json()
    graph.call("POST", "/me/outlook/masterCategories", 409, category)
    graph.call("GET", "/me/outlook/masterCategories", 200)
    graph.call("PATCH", f"/me/outlook/masterCategories/{made['id']}", 200, {"color": "preset9"})
    graph.call("DELETE", f"/me/outlook/masterCategories/{made['id']}", 204)


def test_batches_and_what_is_inside_fit_the_description(graph: Traveller) -> None:
    kind = {"Content-Type": "application/json"}
    steps = [
        {"id": "1", "method": "POST", "url": "/me/contacts", "headers": kind, "body": {"givenName": "Ada"}},
        {"id": "2", "method": "GET", "url": "/me/contacts/nonsense"},
        {"id": "3", "method": "GET", "url": "/me/contacts?$top=1", "dependsOn": ["2"]},
    ]
    answer = graph.call("POST", "/$batch", 200, {"requests": steps}).json()
    inner = {item["id"]: item for item in answer["responses"]}
    assert {key: item["status"] for key, item in inner.items()} == {"1": 201, "2": 400, "3": 424}
    graph.fits("microsoft.graph.contact", inner["1"]["body"])
    for key in ("2", "3"):
        graph.fits("microsoft.graph.ODataErrors.ODataError", inner[key]["body"])
    graph.call("POST", "/$batch", 400, {"requests": steps[:1] * 21}, wrong=True)


def test_throttling_fits_the_description(graph: Traveller, sandbox: Sandbox) -> None:
    sandbox.fault("throttle", retry_after=2.128)
    assert graph.call("GET", "/me/contacts", 429).headers["Retry-After"] == "2.128"


def test_subscriptions_and_notifications_fit_the_description(graph: Traveller, sandbox: Sandbox) -> None:
    letters: queue.Queue[bytes] = queue.Queue()

    def inbox(request: Request) -> Reply:
        _, _, token = request.path.partition("validationToken=")
        if token:
            return Reply(200, unquote(token).encode(), {"Content-Type": "text/plain"})
        letters.put(request.body)
        return Reply(202)

    with serve(inbox) as address:
        body = {
            "changeType": "created,updated,deleted",
            "notificationUrl": f"{address}/hook",
            "resource": "me/contacts",
            "expirationDateTime": (datetime.now(UTC) + timedelta(days=3)).isoformat(),
            "clientState": "secret",
        }
        made = graph.call("POST", "/subscriptions", 201, body).json()
        graph.call("POST", "/subscriptions", 409, body)
        graph.call("GET", "/subscriptions", 200)
        later = (datetime.now(UTC) + timedelta(days=5)).isoformat()
        graph.call("PATCH", f"/subscriptions/{made['id']}", 200, {"expirationDateTime": later})
        graph.call("POST", "/me/contacts", 201, {"givenName": "Ada"})
        letter = yaml.safe_load(letters.get(timeout=5))
        assert letter["value"][0]["changeType"] == "created"
        graph.fits("microsoft.graph.changeNotificationCollection", letter)
        graph.call("DELETE", f"/subscriptions/{made['id']}", 204)
        graph.call("GET", f"/subscriptions/{made['id']}", 404)
