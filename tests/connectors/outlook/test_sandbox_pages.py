"""The sandbox's pages: what a person sees, and what their forms do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

import pytest

from connectors.sandbox import Sandbox
from connectors.sandboxkit.web import Request, Response
from tests.connectors.outlook.graph_client import EMAIL, ORIGIN, GraphClient, form

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def graph() -> Iterator[GraphClient]:
    sandbox = Sandbox()
    yield GraphClient(sandbox, name="Anna Peeters")
    sandbox.stop()


class Browser:
    def __init__(self, graph: GraphClient) -> None:
        self.sandbox = graph.sandbox
        self.home = f"/outlook/{graph.api.mailbox(EMAIL).guid}/"

    def get(self, path: str = "", **query: str) -> str:
        answer = self.sandbox.handle(Request("GET", self.home + path, query, {}, origin=ORIGIN))
        assert answer.status == 200, answer.status
        return answer.body.decode()

    def post(self, path: str, values: Mapping[str, str], **headers: str) -> Response:
        return self.sandbox.handle(Request("POST", self.home + path, {}, headers, form(values), origin=ORIGIN))

    def fields(self, path: str) -> dict[str, str]:
        """A page's form as the browser would send it back."""
        page = self.get(path)
        found = {}
        for opening in re.findall(r"<input [^>]*>", page):
            attributes = {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', opening)}
            if attributes.get("type") != "checkbox" or " checked" in opening:
                found[attributes["name"]] = attributes.get("value", "on")
        for name, text in re.findall(r'<textarea name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL):
            found[name] = unescape(text).replace("\n", "\r\n")
        return found


@pytest.fixture
def browser(graph: GraphClient) -> Browser:
    return Browser(graph)


def test_every_page_is_escaped_and_keeps_foreign_scripts_out(graph: GraphClient, browser: Browser) -> None:
    [key] = graph.api.load(EMAIL, [{"givenName": EVIL, "categories": [EVIL], "personalNotes": f"</textarea>{EVIL}"}])
    graph.api.add_folder(EMAIL, f"Contacts/{EVIL.replace('/', '')}")
    for path in ("", key, f"{key}/edit"):
        answer = graph.sandbox.handle(Request("GET", browser.home + path, {}, {}, origin=ORIGIN))
        assert b"&lt;script&gt;" in answer.body
        assert EVIL.encode() not in answer.body
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert not re.search(rb"(src|href)=\"https?:", answer.body)


def test_the_search_finds_names_companies_and_addresses(graph: GraphClient, browser: Browser) -> None:
    people: list[dict[str, Any]] = [
        {"givenName": "Ada"},
        {"companyName": "Adamant"},
        {"emailAddresses": [{"address": "x@ada.example"}]},
    ]
    graph.api.load(EMAIL, [*people, {"givenName": "Grace"}])
    page = browser.get(q="ADA")
    assert all(name in page for name in (">Ada<", "Adamant", "x@ada.example"))
    assert "Grace" not in page
    assert "No contact matches" in browser.get(q="nobody")


def test_long_folders_have_pages(graph: GraphClient, browser: Browser) -> None:
    graph.api.load(EMAIL, ({"givenName": f"Person {number:03}"} for number in range(150)))
    first, second = browser.get(order="name"), browser.get(order="name", page="2")
    assert "Person 099" in first
    assert "Person 100" not in first
    assert "Next page" in first
    assert "Person 149" in second
    assert "Next page" not in second


def test_a_form_sent_back_untouched_changes_nothing(graph: GraphClient, browser: Browser) -> None:
    whole = {
        "givenName": "Ada",
        "displayName": 'The "Countess"',
        "emailAddresses": [{"name": "Ada L.", "address": "ada@example.com"}],
        "businessPhones": ["1", "2"],
        "imAddresses": ["ada@chat.example", "sip:ada"],
        "children": ["Byron"],
        "birthday": "1815-12-10",
        "homeAddress": {"street": "12 St James's Square", "city": "London"},
        "categories": ["Customers", "Red category"],
        "personalNotes": "\nfirst\nsecond",
    }
    [key] = graph.api.load(EMAIL, [whole])
    [before] = graph.api.contacts(EMAIL)
    assert browser.post(f"{key}/edit", browser.fields(f"{key}/edit")).status == 303
    assert graph.api.contacts(EMAIL) == [before]


def test_an_edit_changes_what_was_edited(graph: GraphClient, browser: Browser) -> None:
    email = {"name": "Ada L.", "address": "ada@example.com"}
    [key] = graph.api.load(EMAIL, [{"givenName": "Ada", "emailAddresses": [email]}])
    fields = browser.fields(f"{key}/edit")
    fields |= {"jobTitle": "Analyst", "homePhones.1": "+32 2 555", "category.Blue category": "on"}
    fields |= {"otherCategories": "VIP, Old", "businessAddress.city": "London", "children": "Byron\r\nAnnabella"}
    assert browser.post(f"{key}/edit", fields, origin=ORIGIN).status == 303
    [stored] = graph.api.contacts(EMAIL)
    assert (stored["jobTitle"], stored["homePhones"]) == ("Analyst", ["+32 2 555"])
    assert stored["categories"] == ["Blue category", "VIP", "Old"]
    assert stored["businessAddress"] == {"city": "London"}
    assert stored["children"] == ["Byron", "Annabella"]
    assert stored["emailAddresses"] == [email]
    assert "Analyst" in browser.get(key)


def test_a_contact_is_made_in_the_folder_one_is_in_and_deleted(graph: GraphClient, browser: Browser) -> None:
    folder = graph.api.add_folder(EMAIL, "Contacts/Customers")
    made = graph.sandbox.handle(
        Request("POST", f"{browser.home}new", {"folder": folder}, {}, form({"givenName": "Ada"}), origin=ORIGIN)
    )
    assert made.status == 303
    [stored] = graph.api.contacts(EMAIL, "Contacts/Customers")
    assert made.headers["Location"].endswith(stored["id"])
    assert browser.post(f"{stored['id']}/delete", {}).status == 303
    assert graph.api.contacts(EMAIL) == []


def test_an_edit_does_not_overwrite_what_came_meanwhile(graph: GraphClient, browser: Browser) -> None:
    [key] = graph.api.load(EMAIL, [{"givenName": "Ada"}])
    fields = browser.fields(f"{key}/edit")
    graph.api.edit(EMAIL, key, {"jobTitle": "Analyst"})
    answer = browser.post(f"{key}/edit", {**fields, "nickName": "Addy"})
    assert answer.status == 422
    assert b"Someone changed this contact" in answer.body
    assert b'value="Addy"' in answer.body
    assert graph.api.contacts(EMAIL)[0]["nickName"] is None


def test_what_the_service_refuses_is_said_on_the_form(graph: GraphClient, browser: Browser) -> None:
    answer = browser.post("new", {"givenName": "Ada", **{f"homePhones.{number}": "1" for number in range(3)}})
    assert answer.status == 422
    assert b"HomePhones has 3 entries" in answer.body
    assert graph.api.contacts(EMAIL) == []


def test_forms_from_other_sites_are_refused(graph: GraphClient, browser: Browser) -> None:
    [key] = graph.api.load(EMAIL, [{"givenName": "Ada"}])
    assert browser.post(f"{key}/delete", {}, origin="https://evil.example").status == 403
    assert len(graph.api.contacts(EMAIL)) == 1


@pytest.mark.parametrize("path", ["nonsense", "nonsense/edit", "a/b/c", "../../etc/passwd"])
def test_what_is_not_there_says_so(browser: Browser, path: str) -> None:
    answer = browser.sandbox.handle(Request("GET", browser.home + path, {}, {}, origin=ORIGIN))
    assert answer.status == 404
    assert b"There is nothing here" in answer.body


def test_the_index_and_the_list_of_mailboxes_say_what_is_here(graph: GraphClient) -> None:
    graph.api.load(EMAIL, [{"givenName": "Ada"}])
    index = graph.sandbox.handle(Request("GET", "/", {}, {}, origin=ORIGIN)).body.decode()
    assert 'href="/outlook/"' in index
    boxes = graph.sandbox.handle(Request("GET", "/outlook/", {}, {}, origin=ORIGIN)).body.decode()
    assert "Anna Peeters" in boxes
    assert "1 contact<" in boxes


@pytest.mark.parametrize(
    ("path", "status"),
    [("sandbox.css", 200), ("sandbox.js", 200), ("missing.css", 404), ("../html.py", 404), ("%2e%2e/html.py", 404)],
)
def test_assets_are_the_two_files_and_nothing_else(graph: GraphClient, path: str, status: int) -> None:
    assert graph.sandbox.handle(Request("GET", f"/assets/{path}", {}, {}, origin=ORIGIN)).status == status
