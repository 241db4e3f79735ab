"""The sandbox's traffic, held against descriptions of HubSpot's API. Skipped where they are not at hand: they are no
part of the checkout."""

from __future__ import annotations

import json
import os
import queue
import re
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_schema_validator import OAS30Validator

from connectors.sandbox import Sandbox
from tests.connectors.hubspot.served import hubspot_sandbox
from tests.connectors.server import Reply, Request, serve

EMAIL = "anna@example.com"
SPECS = Path(os.environ.get("PAIRWISE_SPECS", Path(__file__).resolve().parents[3] / "shared" / "specs"))
#: Which description tells about which addresses; the first that fits counts.
PLACES = (
    (r"/crm/v3/objects/contacts", "contacts-v3"),
    (r"/crm/v3/objects/companies", "companies-v3"),
    (r"/crm/v3/properties", "properties-v3"),
    (r"/crm/v3/lists", "lists-v3"),
    (r"/crm/v3/owners", "owners-v3"),
    (r"/crm/v4/associations/.*/labels$", "associations-schema-v4"),
    (r"/crm/v4/", "associations-v4"),
    (r"/oauth/v1", "oauth-v1"),
    (r"/webhooks/v3", "webhooks-v3"),
    (r"/communication-preferences/v3", "communication-preferences-v3"),
    (r"/", "extras"),
)
pytestmark = pytest.mark.skipif(
    not (SPECS / "hubspot-extras.json").is_file(), reason="the descriptions of HubSpot are not on this machine"
)


@cache
def description(name: str) -> dict[str, Any]:
    """Loosened where the traffic that others recorded is known to differ: a property that was never set is null, the
    id at the other end of an association is a number, the sub-category of an error is a text."""
    found: dict[str, Any] = json.loads((SPECS / f"hubspot-{name}.json").read_bytes())
    schemas = found["components"]["schemas"]
    for schema in schemas.values():
        properties = schema.get("properties", {})
        if "properties" in properties and "createdAt" in properties:
            properties["properties"]["additionalProperties"] = {"type": "string", "nullable": True}
        if "toObjectId" in properties and "associationTypes" in properties:
            properties["toObjectId"] = {"type": "integer"}
            properties["associationTypes"] = {"type": "array", "items": {"$ref": "#/components/schemas/Kind"}}
        if properties.get("subCategory") == {"type": "object"}:
            properties["subCategory"] = {"type": "string"}
    label = {"type": "string", "nullable": True}
    schemas["Kind"] = {"type": "object", "properties": {"label": label, "typeId": {"type": "integer"}}}
    if name == "associations-schema-v4":
        schemas["AssociationSpecWithLabel"]["properties"]["label"] = label
    return found


class Traveller:
    """Sends requests and holds each, and its answer, against the description."""

    def __init__(self, sandbox: Sandbox, token: str = "") -> None:
        self.root = f"{sandbox.url}/hubspot"
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"
        self.known: dict[str, OpenAPI] = {}

    def api(self, path: str) -> OpenAPI:
        name = next(name for pattern, name in PLACES if re.match(pattern, path))
        if name not in self.known:
            self.known[name] = OpenAPI.from_dict({**description(name), "servers": [{"url": self.root}]})
        return self.known[name]

    def call(
        self, method: str, path: str, status: int, json: Any = None, *, wrong: bool = False, **options: Any
    ) -> requests.Response:
        """`wrong`: the request itself does not fit, so only the answer is held against the description."""
        answer = self.session.request(method, self.root + path, json=json, **options)
        assert answer.status_code == status, answer.text
        asked = RequestsOpenAPIRequest(answer.request)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of the security scheme, which is not looked at
            if not wrong:
                self.api(path).validate_request(asked)
            self.api(path).validate_response(asked, RequestsOpenAPIResponse(answer))
        return answer


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with hubspot_sandbox() as running:
        yield running


@pytest.fixture
def hubspot(sandbox: Sandbox) -> Traveller:
    tokens = sandbox.part("hubspot").add_account(EMAIL, {"search_lag": 0, "search_per_second": 0})
    return Traveller(sandbox, tokens["access_token"])


def test_contacts_one_by_one(hubspot: Traveller) -> None:
    address = "/crm/v3/objects/contacts"
    body = {"properties": {"email": "ada@example.com", "firstname": "Ada"}, "associations": []}
    id = hubspot.call("POST", address, 201, body).json()["id"]
    hubspot.call("POST", address, 409, body)
    hubspot.call("POST", address, 400, {"properties": {"nonsense": "1"}, "associations": []})
    hubspot.call("PATCH", f"{address}/{id}", 200, {"properties": {"jobtitle": "Countess"}})
    hubspot.call("GET", f"{address}/{id}", 200, params={"properties": "jobtitle", "propertiesWithHistory": "jobtitle"})
    hubspot.call("GET", address, 200, params={"limit": 1, "properties": "email"})
    hubspot.call("DELETE", f"{address}/{id}", 204)
    hubspot.call("GET", f"{address}/{id}", 404)
    hubspot.call("GET", address, 200, params={"archived": "true"})


def test_contacts_in_batches(hubspot: Traveller) -> None:
    address = "/crm/v3/objects/contacts/batch"
    people = [{"properties": {"email": f"p{number}@example.com"}, "associations": []} for number in range(3)]
    made = hubspot.call("POST", f"{address}/create", 201, {"inputs": people}).json()["results"]
    traced = [
        {"properties": {"nonsense": "1"}, "associations": [], "objectWriteTraceId": "a"},
        {"properties": {"firstname": "Ada"}, "associations": [], "objectWriteTraceId": "b"},
    ]
    hubspot.call("POST", f"{address}/create", 207, {"inputs": traced})
    inputs = [{"id": one["id"], "properties": {"city": "Ghent"}} for one in made]
    hubspot.call("POST", f"{address}/update", 200, {"inputs": inputs})
    wanted = {"inputs": [{"id": made[0]["id"]}], "properties": ["city"], "propertiesWithHistory": ["city"]}
    hubspot.call("POST", f"{address}/read", 200, wanted)
    hubspot.call("POST", f"{address}/read", 207, {**wanted, "inputs": [{"id": "1"}]})
    put = [{"id": "new@example.com", "idProperty": "email", "properties": {}}]
    hubspot.call("POST", f"{address}/upsert", 200, {"inputs": put})
    hubspot.call("POST", f"{address}/archive", 204, {"inputs": [{"id": made[0]["id"]}]})


def test_search_merge_and_erasure(hubspot: Traveller, sandbox: Sandbox) -> None:
    ids = sandbox.part("hubspot").load(EMAIL, [{"email": f"p{number}@example.com"} for number in range(3)])
    address = "/crm/v3/objects/contacts"
    group = {"filters": [{"propertyName": "createdate", "operator": "GTE", "value": "0"}]}
    page = hubspot.call("POST", f"{address}/search", 200, {"filterGroups": [group], "limit": 2}).json()
    assert page["total"] == 3
    hubspot.call("POST", f"{address}/search", 400, {"limit": 201})
    hubspot.call("POST", f"{address}/merge", 200, {"primaryObjectId": ids[0], "objectIdToMerge": ids[1]})
    hubspot.call("POST", f"{address}/gdpr-delete", 204, {"objectId": ids[2]})


def test_properties(hubspot: Traveller) -> None:
    address = "/crm/v3/properties/contacts"
    hubspot.call("GET", address, 200)
    body = {
        "name": "tier",
        "label": "Tier",
        "groupName": "contactinformation",
        "type": "enumeration",
        "fieldType": "checkbox",
        "options": [{"label": "Gold", "value": "gold", "hidden": False, "displayOrder": 0}],
    }
    hubspot.call("POST", address, 201, body)
    hubspot.call("POST", address, 409, body)
    hubspot.call("GET", f"{address}/tier", 200)
    hubspot.call("PATCH", f"{address}/tier", 200, {"label": "Rank"})
    hubspot.call("POST", f"{address}/batch/read", 207, {"archived": False, "inputs": [{"name": "tier"}, {"name": "x"}]})
    hubspot.call("GET", f"{address}/groups", 200)
    hubspot.call("POST", f"{address}/groups", 201, {"name": "pairwise", "label": "Pairwise"})
    hubspot.call("DELETE", f"{address}/groups/pairwise", 204)
    hubspot.call("DELETE", f"{address}/tier", 204)
    hubspot.call("GET", f"{address}/tier", 404)


def test_lists_and_owners(hubspot: Traveller, sandbox: Sandbox) -> None:
    part = sandbox.part("hubspot")
    [id] = part.load(EMAIL, [{"firstname": "Ada"}])
    part.add_owner(EMAIL, "olga@example.com", teams=[{"id": "1", "name": "Sales", "primary": True}])
    hubspot.call("GET", "/crm/v3/owners/", 200)
    body = {"name": "VIP", "objectTypeId": "0-1", "processingType": "MANUAL"}
    made = hubspot.call("POST", "/crm/v3/lists/", 200, body).json()["list"]["listId"]
    address = f"/crm/v3/lists/{made}"
    hubspot.call("PUT", f"{address}/memberships/add", 200, [id, "1"])
    hubspot.call("GET", f"{address}/memberships", 200)
    hubspot.call("GET", f"/crm/v3/lists/records/0-1/{id}/memberships", 200)
    both = {"recordIdsToAdd": [], "recordIdsToRemove": [id]}
    hubspot.call("PUT", f"{address}/memberships/add-and-remove", 200, both)
    asked = {"query": "", "additionalProperties": ["hs_list_size"], "offset": 0, "count": 5}
    hubspot.call("POST", "/crm/v3/lists/search", 200, asked)
    hubspot.call("GET", "/crm/v3/lists/", 200, params={"listIds": made})
    hubspot.call("PUT", f"{address}/update-list-name", 200, params={"listName": "Others"})
    hubspot.call("DELETE", address, 204)
    hubspot.call("PUT", f"{address}/restore", 204)
    hubspot.call("POST", "/crm/v3/lists/", 400, {**body, "name": "others"})


def test_associations(hubspot: Traveller, sandbox: Sandbox) -> None:
    part = sandbox.part("hubspot")
    [person] = part.load(EMAIL, [{"firstname": "Ada"}])
    company = hubspot.call(
        "POST", "/crm/v3/objects/companies", 201, {"properties": {"name": "Acme"}, "associations": []}
    ).json()["id"]
    pair = {"from": {"id": person}, "to": {"id": company}}
    batch = "/crm/v4/associations/contacts/companies/batch"
    default = f"/crm/v4/objects/contacts/{person}/associations/default/companies/{company}"
    hubspot.call("PUT", default, 200)
    hubspot.call("POST", f"{batch}/associate/default", 200, {"inputs": [pair]})
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    hubspot.call("PUT", f"/crm/v4/objects/contacts/{person}/associations/companies/{company}", 201, types)
    hubspot.call("POST", f"{batch}/create", 201, {"inputs": [{**pair, "types": types}]})
    hubspot.call("POST", f"{batch}/read", 200, {"inputs": [{"id": person}]})
    hubspot.call("GET", f"/crm/v4/objects/contacts/{person}/associations/companies", 200)
    hubspot.call("POST", f"{batch}/archive", 204, {"inputs": [{"from": {"id": person}, "to": [{"id": company}]}]})
    hubspot.call("POST", f"{batch}/read", 207, {"inputs": [{"id": person}]})
    hubspot.call("GET", "/crm/v4/associations/contacts/companies/labels", 200)


def test_tokens_and_the_account(hubspot: Traveller, sandbox: Sandbox) -> None:
    tokens = sandbox.part("hubspot").add_account(EMAIL)
    form = {"grant_type": "refresh_token", "client_id": "x", "client_secret": "y"}
    asked = {**form, "refresh_token": tokens["refresh_token"]}
    hubspot.call("POST", "/oauth/v1/token", 200, data=asked)
    made = hubspot.call("POST", "/oauth/v3/token", 200, data=asked).json()
    assert made["hub_id"]
    hubspot.call("GET", f"/oauth/v1/access-tokens/{made['access_token']}", 200)
    hubspot.call("GET", f"/oauth/v1/refresh-tokens/{tokens['refresh_token']}", 200)
    about = {"client_id": "x", "client_secret": "y", "token": made["access_token"], "token_type_hint": "access_token"}
    hubspot.call("POST", "/oauth/v3/token/introspect", 200, data=about)
    hubspot.call("GET", "/account-info/v3/details", 200)
    revoked = {**about, "token": tokens["refresh_token"], "token_type_hint": "refresh_token"}
    hubspot.call("POST", "/oauth/v3/token/revoke", 200, data=revoked)
    hubspot.call("POST", "/oauth/v3/token", 400, data=asked)


def test_consent(hubspot: Traveller) -> None:
    old, new = "/communication-preferences/v3", "/communication-preferences/v4"
    hubspot.call("GET", f"{old}/definitions", 200)
    body = {"emailAddress": "ada@example.com", "subscriptionId": "101", "legalBasis": "CONSENT_WITH_NOTICE"}
    hubspot.call("POST", f"{old}/subscribe", 200, body)
    hubspot.call("POST", f"{old}/unsubscribe", 200, body)
    hubspot.call("GET", f"{old}/status/email/ada@example.com", 200)
    hubspot.call("POST", f"{old}/subscribe", 400, body)
    hubspot.call("GET", f"{new}/definitions", 200)
    hubspot.call("GET", f"{new}/statuses/ada@example.com?channel=EMAIL", 200)
    change = {"subscriptionId": 102, "statusState": "UNSUBSCRIBED", "channel": "EMAIL"}
    hubspot.call("POST", f"{new}/statuses/ada@example.com", 200, change)
    hubspot.call("POST", f"{new}/statuses/ada@example.com/unsubscribe-all?channel=EMAIL", 200)
    hubspot.call("GET", f"{new}/statuses/ada@example.com/unsubscribe-all?channel=EMAIL", 200)


def test_errors_of_limits_and_rights(hubspot: Traveller, sandbox: Sandbox) -> None:
    part = sandbox.part("hubspot")
    sandbox.fault("throttle")
    hubspot.call("GET", "/crm/v3/objects/contacts", 429)
    sandbox.fault("token_expired")
    hubspot.call("GET", "/crm/v3/objects/contacts", 401)
    part.set_switches(EMAIL, scopes=["oauth"])
    hubspot.call("GET", "/crm/v3/objects/contacts", 403)


def test_webhooks(sandbox: Sandbox) -> None:
    letters: queue.Queue[bytes] = queue.Queue()

    def inbox(request: Request) -> Reply:
        letters.put(request.body)
        return Reply(204)

    part = sandbox.part("hubspot")
    app = part.register_app("pairwise", [], "secret")
    part.add_account(EMAIL)
    [first, second] = part.load(EMAIL, [{"email": "ada@example.com"}, {"email": "bea@example.com"}])
    hubspot = Traveller(sandbox)
    address, key = f"/webhooks/v3/{app}", {"hapikey": "developer-key"}
    kinds = ("creation", "deletion", "merge", "restore", "associationChange", "privacyDeletion")
    with serve(inbox) as target:
        body = {"targetUrl": f"{target}/hook", "throttling": {"maxConcurrentRequests": 10}}
        hubspot.call("PUT", f"{address}/settings", 200, body, params=key)
        hubspot.call("GET", f"{address}/settings", 200, params=key)
        for kind in kinds:
            wanted = {"eventType": f"contact.{kind}", "active": True}
            made = hubspot.call("POST", f"{address}/subscriptions", 201, wanted, params=key).json()
        hubspot.call("GET", f"{address}/subscriptions", 200, params=key)
        hubspot.call("PATCH", f"{address}/subscriptions/{made['id']}", 200, {"active": True}, params=key)
        merged = part.merge(EMAIL, first, second)
        part.remove(EMAIL, merged)
        part.restore(EMAIL, merged)
        company = part.load(EMAIL, [{"name": "Acme"}], "companies")[0]
        part.associate(EMAIL, merged, company)
        part.remove(EMAIL, merged, for_good=True)
        seen: set[str] = set()
        while seen != {f"contact.{kind}" for kind in kinds} - {"contact.creation"}:
            events = json.loads(letters.get(timeout=5))
            schema = {"$ref": "#/components/schemas/WebhookDelivery", "components": description("extras")["components"]}
            OAS30Validator(schema).validate(events)
            seen |= {event["subscriptionType"] for event in events}
