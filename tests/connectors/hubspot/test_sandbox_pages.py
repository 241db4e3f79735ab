"""The pages of the HubSpot sandbox, and the control addresses behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connectors.sandbox import Sandbox
from tests.connectors.hubspot.caller import Caller
from tests.connectors.hubspot.served import hubspot_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with hubspot_sandbox() as running:
        yield running


@pytest.fixture
def call(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


class Person:
    """Someone with a browser who looks at one account."""

    def __init__(self, call: Caller) -> None:
        self.home = f"{call.sandbox.url}/hubspot/pages/{call.portal}"

    def look(self, path: str, status: int = 200) -> str:
        answer = requests.get(f"{self.home}/{path}", timeout=5)
        assert answer.status_code == status
        return answer.text

    def send(self, path: str, status: int = 200, **form: str) -> str:
        answer = requests.post(f"{self.home}/{path}", data=form, timeout=5)
        assert answer.status_code == status
        return answer.text

    def stamp(self, path: str) -> str:
        found = re.search(r'name="stamp" value="(\d*)"', self.look(path))
        assert found
        return found[1]


@pytest.fixture
def person(call: Caller) -> Person:
    return Person(call)


def test_a_contact_is_made_found_changed_and_deleted(call: Caller, person: Person) -> None:
    page = person.send("contacts/new", firstname="Ada", lastname="<Lovelace>", email="Ada@example.com")
    assert "Ada &lt;Lovelace&gt;" in page
    [held] = call.api.records(call.user)
    assert held["email"] == "ada@example.com"
    assert "Ada" in person.look("contacts?q=lovelace")
    assert "Nothing here" in person.look("contacts?q=nobody")
    place = f"contacts/{held['id']}"
    person.send(place, stamp=person.stamp(place), jobtitle="Countess", further_emails="c@example.com")
    [held] = call.api.records(call.user)
    assert (held["jobtitle"], held["hs_additional_emails"], held["firstname"]) == ("Countess", "c@example.com", "Ada")
    person.send(f"{place}/delete")
    assert not call.api.records(call.user)
    person.look(place, 404)


def test_a_refusal_is_shown_and_nothing_typed_is_lost(call: Caller, person: Person) -> None:
    page = person.send("contacts/new", 422, firstname="Ada", email="nonsense")
    assert "Email address nonsense is invalid" in page
    assert 'value="Ada"' in page
    call.load({"email": "ada@example.com"})
    assert "already exists" in person.send("contacts/new", 422, email="ada@example.com")


def test_someone_else_was_faster(call: Caller, person: Person) -> None:
    [id] = call.load({"firstname": "Ada"})
    stamp = person.stamp(f"contacts/{id}")
    call.api.touch(call.user, id)
    person.send(f"contacts/{id}", stamp=stamp, city="Ghent")
    stamp = person.stamp(f"contacts/{id}")
    call.api.edit(call.user, id, {"city": "Paris"})
    assert "Someone changed this record" in person.send(f"contacts/{id}", 422, stamp=stamp, city="London")


def test_merging_and_lists(call: Caller, person: Person) -> None:
    first, second = call.load({"firstname": "Ada"}, {"lastname": "Lovelace"})
    assert "VIP" in person.send("lists", name="VIP")
    assert "already exists" in person.send("lists", 422, name="vip")
    [vip] = call.api.lists(call.user)
    ticked: dict[str, Any] = {vip["id"]: "on"}
    person.send(f"contacts/{first}/lists", **ticked)
    assert "Ada" in person.look(f"lists/{vip['id']}")
    assert "Ada Lovelace" in person.send(f"contacts/{first}/merge", other=second)
    [held] = call.api.records(call.user)
    assert call.api.lists(call.user)[0]["members"] == [held["id"]]
    person.send(f"lists/{vip['id']}/delete")
    assert "Nothing here" in person.look("lists")


def test_companies_owners_and_the_way_home(call: Caller, person: Person) -> None:
    call.api.add_owner(call.user, "olga@example.com", firstName="Olga", lastName="Peeters", archived=True)
    assert "deactivated" in person.look("owners")
    assert "Acme" in person.send("companies/new", name="Acme", domain="acme.example")
    assert str(call.portal) in requests.get(f"{call.sandbox.url}/hubspot/pages/", timeout=5).text
    person.look("nonsense", 404)


def test_forms_of_other_sites_are_refused(call: Caller, person: Person) -> None:
    headers = {"Origin": "https://evil.example"}
    answer = requests.post(f"{person.home}/contacts/new", data={"firstname": "x"}, headers=headers, timeout=5)
    assert answer.status_code == 403


def test_the_control_addresses(call: Caller) -> None:
    root = f"{call.sandbox.url}/control/hubspot"

    def control(method: str, path: str, status: int, json: object = None) -> requests.Response:
        answer = requests.request(method, f"{root}/{path}", json=json, timeout=5)
        assert answer.status_code == status, answer.text
        return answer

    user = f"control-{call.user}"
    made = control("POST", "accounts", 201, {"email": user}).json()
    assert made["static_token"].startswith("pat-")
    account = f"accounts/{user}"
    control("POST", f"{account}/properties", 204, {"name": "mark", "hasUniqueValue": True})
    records = f"{account}/records/contacts"
    people = [{"firstname": "Ada", "mark": "1"}, {"firstname": "Bea"}]
    ids = control("POST", records, 201, {"records": people, "settles": False}).json()["ids"]
    control("PATCH", f"{records}/{ids[0]}", 204, {"city": "Ghent"})
    made = control("POST", f"{account}/merge", 200, {"primary": ids[0], "other": ids[1]}).json()["id"]
    vip = control("POST", f"{account}/lists", 201, {"name": "VIP"}).json()["id"]
    control("PATCH", f"{account}/lists/{vip}", 204, {"add": [made]})
    assert control("GET", f"{account}/lists", 200).json()["lists"][0]["members"] == [made]
    control("DELETE", f"{records}/{made}", 204)
    control("POST", f"{records}/{made}/restore", 204)
    control("POST", f"{account}/opt-out", 204, {"email": "ada@example.com"})
    control("PATCH", account, 204, {"switches": {"search_lag": 9}})
    control("PATCH", account, 400, {"switches": {"nonsense": 9}})
    control("POST", records, 400, {"records": [{"nonsense": "1"}]})
    control("GET", "accounts/nobody@example.com/records/contacts", 404)
    [held] = control("GET", records, 200).json()["records"]
    assert (held["city"], held["mark"]) == ("Ghent", "1")
    control("DELETE", f"{account}/properties/mark", 204)
    control("DELETE", f"{account}/properties/mark", 404)
    control("DELETE", f"{account}/properties/firstname", 400)
