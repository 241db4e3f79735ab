"""Limits, rights, errors and faults of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
import requests

from connectors.sandbox import Sandbox
from tests.connectors.hubspot.caller import CONTACTS, Caller
from tests.connectors.hubspot.served import hubspot_sandbox

SEARCH = f"{CONTACTS}/search"
_numbers = count(1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with hubspot_sandbox() as running:
        yield running


@pytest.fixture
def call(sandbox: Sandbox) -> Iterator[Caller]:
    yield Caller(sandbox)
    sandbox.faults.clear()
    sandbox.clock.reset()


def test_a_burst_ends(call: Caller) -> None:
    call.api.set_switches(call.user, burst_limit=3)
    headers = [call("GET", CONTACTS, 200).headers for _ in range(3)]
    assert [one["X-HubSpot-RateLimit-Remaining"] for one in headers] == ["2", "1", "0"]
    assert headers[0]["X-HubSpot-RateLimit-Max"] == "3"
    assert headers[0]["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    refusal = call("GET", CONTACTS, 429)
    assert refusal.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert "Retry-After" not in refusal.headers
    call("POST", SEARCH, 200, {})  # searches count apart
    call.sandbox.clock.advance(10.1)
    call("GET", CONTACTS, 200)


def test_searches_are_counted_by_the_second(call: Caller) -> None:
    call.api.set_switches(call.user, search_per_second=5)
    answers = [call.session.post(f"{call.sandbox.url}/hubspot{SEARCH}", json={}, timeout=5) for _ in range(6)]
    assert [one.status_code for one in answers] == [*[200] * 5, 429]
    refusal = answers[-1]
    assert refusal.json()["message"] == "You have reached your secondly limit."
    assert not {"policyName", "errorType"} & set(refusal.json())
    assert not [name for name in refusal.headers if name.startswith(("X-HubSpot-RateLimit", "Retry"))]
    call.sandbox.clock.advance(1.1)
    call("POST", SEARCH, 200, {})


def test_the_day_of_a_static_token_ends_at_midnight(call: Caller) -> None:
    assert "X-HubSpot-RateLimit-Daily" not in call("GET", CONTACTS, 200).headers
    call.use(call.secrets["static_token"])
    call.api.set_switches(call.user, daily_limit=10)
    assert call("GET", CONTACTS, 200).headers["X-HubSpot-RateLimit-Daily-Remaining"] == "9"
    call.api.set_used(call.user, 10)
    assert call("GET", CONTACTS, 429).json()["policyName"] == "DAILY"
    call.sandbox.clock.advance(86_400)
    call("GET", CONTACTS, 200)


@pytest.mark.parametrize(
    ("missing", "method", "path"),
    [
        ("crm.objects.contacts.read", "GET", CONTACTS),
        ("crm.objects.contacts.write", "POST", CONTACTS),
        ("crm.schemas.contacts.write", "POST", "/crm/v3/properties/contacts"),
        ("crm.lists.read", "GET", "/crm/v3/lists"),
        ("crm.lists.write", "POST", "/crm/v3/lists"),
        ("crm.objects.owners.read", "GET", "/crm/v3/owners"),
        ("crm.objects.companies.read", "GET", "/crm/v3/objects/companies"),
    ],
)
def test_what_was_not_granted_is_refused(call: Caller, missing: str, method: str, path: str) -> None:
    """Whether the account never had it, or the token was not given it."""
    every = call.api.account(call.user).on("scopes")
    fewer = [scope for scope in every if scope != missing]
    call.use(call.api.add_account(call.user, scopes=fewer)["access_token"])
    refusal = call(method, path, 403, {} if method == "POST" else None).json()
    assert refusal["category"] == "MISSING_SCOPES"
    assert refusal["errors"][0]["context"]["requiredGranularScopes"] == [missing]
    call.use(call.secrets["access_token"])
    call.api.set_switches(call.user, scopes=fewer)
    call(method, path, 403, {} if method == "POST" else None)


def test_the_envelope_of_errors(call: Caller) -> None:
    answer = call("GET", f"{CONTACTS}/1", 404)
    body = answer.json()
    assert (body["status"], body["message"]) == ("error", "resource not found")
    assert answer.headers["X-HubSpot-Correlation-Id"] == body["correlationId"]
    assert call("GET", CONTACTS, 200).headers["X-HubSpot-Correlation-Id"]
    call("GET", f"{CONTACTS}?properties={'x' * 17_000}", 414)
    call("POST", CONTACTS, 415, data="properties=1", headers={"Content-Type": "application/x-www-form-urlencoded"})
    broken = call("POST", CONTACTS, 400, data="{,", headers={"Content-Type": "application/json"}).json()
    assert broken["message"].startswith("Invalid input JSON on line 1, column 2")
    call("PATCH", CONTACTS, 405, {})
    call("GET", "/crm/v3/objects/unicorns", 404)
    [id] = call.load({"firstname": "Ada"})
    nothing = call("PATCH", f"{CONTACTS}/{id}", 400, {"properties": {}}).json()
    assert nothing["message"] == "No properties found to update, please provide at least one."
    call.api.set_switches(call.user, locked=[id])
    call("PATCH", f"{CONTACTS}/{id}", 423, {"properties": {"city": "Ghent"}})


def test_tokens_expire(call: Caller) -> None:
    call.session.headers.pop("Authorization")
    assert call("GET", CONTACTS, 401).json()["category"] == "INVALID_AUTHENTICATION"
    call.use(call.secrets["access_token"])
    call.sandbox.clock.advance(1801)
    refusal = call("GET", CONTACTS, 401).json()
    assert refusal["category"] == "EXPIRED_AUTHENTICATION"
    assert "expired 1 second(s) ago" in refusal["message"]
    call.use(call.secrets["static_token"])
    call("GET", CONTACTS, 200)


@pytest.mark.parametrize("status", [423, 477, 502, 503])
def test_errors_that_come_from_outside(call: Caller, status: int) -> None:
    call.fault("error", status=status, retry_after=7)
    answer = call("GET", CONTACTS, status)
    assert answer.headers["Retry-After"] == "7"
    assert answer.json()["status"] == "error"
    call("GET", CONTACTS, 200)


def test_faults_strike_before_or_after_the_effect(call: Caller) -> None:
    body = {"properties": {"firstname": "Ada"}}
    for when, there in (("before", 0), ("after", 1)):
        call.fault("drop", path="contacts$", when=when)
        with pytest.raises(requests.ConnectionError):
            call("POST", CONTACTS, 201, body)
        assert len(call.api.records(call.user)) == there
    call.fault("error", status=500, when="after")
    call("POST", CONTACTS, 500, body)
    assert len(call.api.records(call.user)) == 2
    call.fault("truncate")
    with pytest.raises(requests.JSONDecodeError):
        call("GET", CONTACTS, 200).json()
    call.fault("token_expired")
    assert call("GET", CONTACTS, 401).json()["category"] == "EXPIRED_AUTHENTICATION"
    call.fault("throttle", retry_after=None)
    assert "Retry-After" not in call("GET", CONTACTS, 429).headers


def test_values_can_be_stored_in_another_form(call: Caller) -> None:
    call.fault("rewrite", phones="digits", case="upper")
    id = call.create(firstname="Ada", phone="+32 2 555 12 12")
    assert call.shown(id, "firstname", "phone") == {"firstname": "ADA", "phone": "3225551212"}


def test_cursors_can_be_lost(call: Caller) -> None:
    call.load({"firstname": "Ada"}, {"firstname": "Bea"})
    after = call("GET", f"{CONTACTS}?limit=1", 200).json()["paging"]["next"]["after"]
    call.fault("cursor_expired")
    call("GET", f"{CONTACTS}?limit=1&after={after}", 400)
    call("GET", f"{CONTACTS}?limit=1&after={after}", 200)


def test_the_log_holds_neither_tokens_nor_addresses(call: Caller) -> None:
    call("GET", f"/oauth/v1/access-tokens/{call.secrets['access_token']}", 200)
    call("GET", f"{CONTACTS}/ada@example.com?idProperty=email", 404)
    call("GET", "/communication-preferences/v3/status/email/ada@example.com", 200)
    log = str([(one.path, one.route) for one in call.sandbox.journal.requests()])
    assert call.secrets["access_token"] not in log
    assert "ada@" not in log
