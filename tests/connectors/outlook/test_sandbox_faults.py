"""Faults of the sandbox, over real sockets: what a caller meets, and what took effect behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import pytest
import requests

from connectors.sandbox import Sandbox
from connectors.sandboxkit.faults import UnknownFault
from tests.connectors.outlook.graph_client import CONTACTS, EMAIL

OTHER = "bob@example.com"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


class Caller:
    def __init__(self, sandbox: Sandbox, email: str = EMAIL) -> None:
        self.sandbox = sandbox
        self.root = f"{sandbox.url}/graph/v1.0"
        self.session = requests.Session()
        token = sandbox.part("outlook").add_account(email)["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str = CONTACTS) -> requests.Response:
        return self.session.get(self.root + path, timeout=5)

    def create(self) -> requests.Response:
        return self.session.post(
            self.root + CONTACTS, json={"givenName": "Ada", "mobilePhone": "+32 470 12"}, timeout=5
        )

    def held(self) -> int:
        return len(self.sandbox.part("outlook").contacts(EMAIL))


@pytest.fixture
def caller(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


@pytest.mark.parametrize(("wait", "header"), [(7, "7"), (2.128, "2.128"), (None, None)])
def test_throttling_may_say_how_long_or_not(caller: Caller, wait: float | None, header: str | None) -> None:
    caller.sandbox.fault("throttle", retry_after=wait)
    answer = caller.create()
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, header)
    assert answer.json()["error"]["code"] == "ApplicationThrottled"
    assert caller.held() == 0
    assert caller.create().status_code == 201


@pytest.mark.parametrize(("when", "held"), [("before", 0), ("after", 1)])
def test_a_cut_connection_comes_before_or_after_the_effect(caller: Caller, when: str, held: int) -> None:
    caller.sandbox.fault("drop", when=when)
    with pytest.raises(requests.ConnectionError):
        caller.create()
    assert caller.held() == held
    assert caller.sandbox.journal.requests()[-1].status == 0
    assert caller.get().status_code == 200


@pytest.mark.parametrize(("when", "held"), [("before", 0), ("after", 1)])
def test_a_gateways_error_comes_before_or_after_the_effect(caller: Caller, when: str, held: int) -> None:
    caller.sandbox.fault("error", status=504, when=when, html=True)
    answer = caller.create()
    assert (answer.status_code, answer.headers["Content-Type"]) == (504, "text/html")
    assert caller.held() == held


def test_an_error_speaks_the_vendors_words(caller: Caller) -> None:
    caller.sandbox.fault("error", status=500)
    assert caller.get().json()["error"]["code"] == "ErrorInternalServerError"


def test_half_an_answer_is_no_json(caller: Caller) -> None:
    caller.sandbox.fault("truncate")
    with pytest.raises(requests.JSONDecodeError):
        caller.get().json()


def test_a_late_answer_outlasts_the_callers_patience(caller: Caller) -> None:
    caller.sandbox.fault("delay", seconds=0.3)
    with pytest.raises(requests.ReadTimeout):
        caller.session.post(caller.root + CONTACTS, json={"givenName": "Ada"}, timeout=0.05)
    deadline = time.monotonic() + 5
    while caller.held() == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert caller.held() == 1


def test_too_many_requests_at_a_time_are_turned_away(caller: Caller) -> None:
    caller.sandbox.part("outlook").set_switches(EMAIL, concurrency_limit=1)
    slow = caller.sandbox.fault("delay", match={"method": "POST"}, seconds=0.3)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(caller.create)
        deadline = time.monotonic() + 5
        while slow.hits == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        refused = requests.get(caller.root + CONTACTS, headers=dict(caller.session.headers), timeout=5)
        assert first.result().status_code == 201
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert "MailboxConcurrency" in refused.json()["error"]["message"]
    assert caller.get().status_code == 200


def test_a_refused_token_is_refused_as_often_as_told(caller: Caller) -> None:
    caller.sandbox.fault("token_expired", count=2)
    assert [caller.get().status_code for _ in range(3)] == [401, 401, 200]


def test_a_fault_strikes_the_nth_request_that_fits(caller: Caller) -> None:
    caller.sandbox.fault("error", match={"method": "POST", "path": "/contacts$"}, nth=2)
    assert caller.get().status_code == 200
    assert [caller.create().status_code for _ in range(3)] == [201, 503, 201]


def test_a_fault_strikes_one_account_and_spares_others(caller: Caller) -> None:
    caller.sandbox.fault("error", match={"account": EMAIL.upper()}, count=0)
    assert Caller(caller.sandbox, OTHER).get().status_code == 200
    assert [caller.get().status_code for _ in range(3)] == [503, 503, 503]
    caller.sandbox.faults.clear()
    assert caller.get().status_code == 200


def test_a_fault_ends_with_its_time(caller: Caller) -> None:
    caller.sandbox.fault("error", duration=0.1)
    assert caller.get().status_code == 503
    assert caller.get().status_code == 503
    time.sleep(0.12)
    assert caller.get().status_code == 200
    assert caller.sandbox.faults.all() == []


@pytest.mark.parametrize(("form", "shown"), [("e164", "+3247012"), ("digits", "3247012"), ("dotted", "+3.247.012")])
def test_values_can_be_stored_in_another_form(caller: Caller, form: str, shown: str) -> None:
    caller.sandbox.fault("rewrite", phones=form, case="upper")
    contact = caller.create().json()
    assert (contact["mobilePhone"], contact["givenName"]) == (shown, "ADA")
    address = f"{caller.root}{CONTACTS}/{contact['id']}"
    assert caller.session.patch(address, json={"mobilePhone": shown}).json()["mobilePhone"] == shown


def test_a_skewed_clock_shows_in_dates_and_ends_tokens_early(caller: Caller) -> None:
    skew = caller.sandbox.fault("skew", seconds=3000)
    answer = caller.create()
    ahead = parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()
    assert 2990 < ahead < 3010
    caller.sandbox.fault("skew", seconds=4000)
    caller.sandbox.faults.remove(skew.id)
    assert caller.get().status_code == 401


def test_an_unknown_fault_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(UnknownFault, match="'earthquake'"):
        sandbox.fault("earthquake")
    with pytest.raises(UnknownFault, match="magnitude"):
        sandbox.fault("error", magnitude=7)
    with pytest.raises(UnknownFault, match="colour"):
        sandbox.fault("error", match={"colour": "red"})
