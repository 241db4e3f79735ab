from __future__ import annotations

import re

import pytest
import requests

from connectors.sandbox import Sandbox
from tests.connectors.salesforce.conftest import Account


class Browser:
    def __init__(self, sandbox: Sandbox, account: Account) -> None:
        self.base = f"{sandbox.url}/salesforce/pages/{account.api.org(account.user).id}"
        self.session = requests.Session()

    def get(self, path: str, status: int = 200) -> str:
        answer = self.session.get(self.base + path, timeout=5)
        assert answer.status_code == status
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        return answer.text

    def post(self, path: str, **form: str) -> requests.Response:
        return self.session.post(self.base + path, data=form, timeout=5, allow_redirects=False)

    def filled(self, path: str) -> dict[str, str]:
        """What the form holds."""
        inputs = re.findall(r'<input type="(\w+)" name="(\w+)"([^>]*)>', self.get(path))
        found = {}
        for kind, name, rest in inputs:
            value = re.search(r'value="([^"]*)"', rest)
            if kind != "checkbox" or " checked" in rest:
                found[name] = value[1] if value else "on"
        return found


@pytest.fixture
def browser(sandbox: Sandbox, account: Account) -> Browser:
    return Browser(sandbox, account)


def test_a_contact_is_made_edited_and_deleted_on_the_pages(browser: Browser, account: Account) -> None:
    assert browser.post("/Contact/new", LastName="<b>Maes</b>", Email="a@example.com").status_code == 303
    [made] = account.records("Contact")
    assert "&lt;b&gt;Maes&lt;/b&gt;" in browser.get("/Contact")
    form = browser.filled(f"/Contact/{made['Id']}")
    assert form["Email"] == "a@example.com"
    assert browser.post(f"/Contact/{made['Id']}", **{**form, "Title": "Buyer", "DoNotCall": "on"}).status_code == 303
    [edited] = account.records("Contact")
    assert (edited["Title"], edited["DoNotCall"], edited["Email"]) == ("Buyer", True, "a@example.com")
    assert browser.post(f"/Contact/{made['Id']}/delete").status_code == 303
    assert account.records("Contact") == []
    browser.get(f"/Contact/{made['Id']}", 404)


def test_what_is_refused_is_said_and_nothing_typed_is_lost(browser: Browser, account: Account) -> None:
    answer = browser.post("/Lead/new", LastName="Maes", Email="none")
    assert answer.status_code == 422
    assert "invalid email address" in answer.text
    assert 'value="Maes"' in answer.text
    assert account.records("Lead") == []


def test_a_form_that_is_out_of_date_overwrites_nobody(browser: Browser, account: Account) -> None:
    [id] = account.load("Contact", {"LastName": "Maes"})
    form = browser.filled(f"/Contact/{id}")
    account.sandbox.clock.advance(2)
    account.edit(id, Title="Someone else")
    answer = browser.post(f"/Contact/{id}", **{**form, "Title": "Mine"})
    assert answer.status_code == 422
    assert account.records("Contact")[0]["Title"] == "Someone else"


def test_campaigns_are_ticked_on_and_off(browser: Browser, account: Account) -> None:
    [id] = account.load("Contact", {"LastName": "Maes"})
    one, other = account.load("Campaign", {"Name": "Fair"}, {"Name": "Letter"})
    browser.post(f"/Contact/{id}/members", **{one: "on"})
    browser.post(f"/Contact/{id}/members", **{other: "on"})
    assert [member["CampaignId"] for member in account.records("CampaignMember")] == [other]
    assert "Fair" in browser.get("/Campaign")


def test_forms_of_other_sites_are_refused(browser: Browser, account: Account) -> None:
    answer = requests.post(
        f"{browser.base}/Contact/new", data={"LastName": "A"}, headers={"Origin": "http://evil.example"}, timeout=5
    )
    assert answer.status_code == 403
    assert account.records("Contact") == []


def test_the_control_addresses_do_what_tests_do(sandbox: Sandbox) -> None:
    base = f"{sandbox.url}/control/salesforce/accounts"
    made = requests.post(base, json={"username": "control@example.com"}, timeout=5).json()
    assert {"access_token", "instance_url"} <= set(made)
    records = f"{base}/control@example.com/records/Lead"
    loaded = requests.post(records, json={"records": [{"LastName": "A", "Company": "B"}]}, timeout=5).json()
    converted = requests.post(f"{base}/control@example.com/convert", json={"lead": loaded["ids"][0]}, timeout=5).json()
    assert converted["contact"].startswith("003")
    wrong = requests.post(records, json={"records": [{"LastName": "A"}]}, timeout=5)
    assert (wrong.status_code, "Company" in wrong.json()["error"]) == (400, True)
    assert requests.patch(f"{base}/control@example.com", json={"switches": {"x": 1}}, timeout=5).status_code == 400
    assert requests.delete(f"{records}/{loaded['ids'][0]}", timeout=5).status_code == 204
