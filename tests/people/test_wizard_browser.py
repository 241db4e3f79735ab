"""The whole set-up in a real browser, wide and narrow: from an empty tenant to two apps that are kept the same."""

# ruff: noqa: F811 - fixtures are imported, and asked for by their names
from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from connections.models import Connection, Tenant
from connections.services import background, syncing
from connectors.sandbox import Sandbox
from tests.admin.test_browser import WIDTHS, Visitor, _unsafe, browser  # noqa: F401 - fixtures
from tests.connectors.carddav.radicale import RadicaleServer
from tests.people.conftest import member, registered
from tests.people.test_browser import visitor_of
from tests.recording import Film

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MAIL = "anna@contoso.example"
PEOPLE = [
    ("Ada", "Lovelace", "ada@example.com", "Analytical Engines"),
    ("Grace", "Hopper", "grace@example.com", "Navy"),
    ("Alan", "Turing", "alan@example.com", "Bletchley Park"),
    ("Edsger", "Dijkstra", "", "Eindhoven"),
]
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{last};{first};;;\r\nEMAIL:{mail}\r\nEND:VCARD\r\n"


def contact(first: str, last: str, mail: str, company: str) -> dict[str, Any]:
    mails = [{"name": f"{first} {last}", "address": mail}] if mail else []
    return {"givenName": first, "surname": last, "companyName": company, "emailAddresses": mails}


@pytest.fixture
def server() -> Iterator[RadicaleServer]:
    with RadicaleServer() as found:
        yield found


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was put into the queue."""
    found: list[tuple[Any, ...]] = []
    for module in ("connections.scheduling", "connections.services.background"):
        monkeypatch.setattr(f"{module}.async_task", lambda *call: found.append(call))
    return found


def work(calls: list[tuple[Any, ...]]) -> None:
    """What the workers would do with it."""
    waiting, calls[:] = list(calls), []
    for name, *arguments in waiting:
        if name.endswith(".plan"):
            background.plan(*arguments)


@pytest.fixture(params=list(WIDTHS))
def anna(
    request: pytest.FixtureRequest,
    browser: Browser,
    live_server: Any,
    acme: Tenant,
    settings: Any,
) -> Iterator[Visitor]:
    settings.PUBLIC_URL = live_server.url
    found = visitor_of(member(acme), browser, live_server.url, request.param)
    yield found
    found.page.context.close()
    assert found.complaints == []


@pytest.mark.slow
def test_from_an_empty_tenant_to_a_running_connection(
    anna: Visitor, sandbox: Sandbox, server: RadicaleServer, calls: list[Any], settings: Any
) -> None:
    settings.ALLOWED_PRIVATE_HOSTS = [*settings.ALLOWED_PRIVATE_HOSTS, urlsplit(server.url).netloc]
    registered(sandbox, "outlook")
    outlook = sandbox.part("outlook")
    outlook.add_account(MAIL, "Anna Maes")
    outlook.load(MAIL, [contact(*person) for person in PEOPLE])
    server.put_card("grace", CARD.format(uid="g", name="Grace Hopper", last="Hopper", first="Grace", mail=PEOPLE[1][2]))
    choose_apps(anna, sandbox, "CardDAV")
    connect_address_book(anna, server)
    choose_folders(anna, "CardDAV")
    say_how(anna)
    look_at_the_plan(anna, calls)
    assert len(server.cards()) == 1, "nothing is written before it is started"
    anna.page.click("button:text-is('Start')")
    anna.page.wait_for_selector("text=started: what the plan says")
    anna.look("wizard-10-started")
    assert syncing.run_slice(Connection.objects.get().pk) == "done"
    names = sorted(text.partition("FN:")[2].splitlines()[0] for text in server.cards().values())
    assert names == ["Ada Lovelace", "Alan Turing", "Grace Hopper"]
    anna.page.wait_for_selector("text=Listening")
    anna.look("connection-new")
    anna.page.emulate_media(color_scheme="dark")
    anna.go("/tenants/acme/connections/add/", "wizard-dark")


@pytest.mark.parametrize("anna", [pytest.param("desktop", marks=pytest.mark.slow), "phone"], indirect=True)
def test_from_an_empty_tenant_to_hubspot(anna: Visitor, sandbox: Sandbox, calls: list[Any]) -> None:
    registered(sandbox, "outlook")
    registered(sandbox, "hubspot")
    outlook, hubspot = sandbox.part("outlook"), sandbox.part("hubspot")
    outlook.add_account(MAIL, "Anna Maes")
    outlook.load(MAIL, [contact(*person) for person in PEOPLE])
    hubspot.add_account(MAIL)
    hubspot.load(MAIL, [{"firstname": "Grace", "lastname": "Hopper", "email": PEOPLE[1][2]}])
    anna.film = Film("outlook-hubspot")
    choose_apps(anna, sandbox, "HubSpot")
    connect_hubspot(anna, sandbox)
    choose_folders(anna, "HubSpot")
    say_how(anna)
    look_at_the_plan(anna, calls)
    assert len(hubspot.records(MAIL)) == 1, "nothing is written before it is started"
    start(anna)
    assert len(hubspot.records(MAIL)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("anna", ["desktop"], indirect=True)
def test_from_an_empty_tenant_to_salesforce(anna: Visitor, sandbox: Sandbox, calls: list[Any]) -> None:
    registered(sandbox, "outlook")
    registered(sandbox, "salesforce")
    outlook, salesforce = sandbox.part("outlook"), sandbox.part("salesforce")
    outlook.add_account(MAIL, "Anna Maes")
    outlook.load(MAIL, [contact(*person) for person in PEOPLE])
    salesforce.add_account(MAIL)
    salesforce.load(MAIL, "Contact", [{"FirstName": "Grace", "LastName": "Hopper", "Email": PEOPLE[1][2]}])
    anna.film = Film("outlook-salesforce")
    choose_apps(anna, sandbox, "Salesforce")
    connect_salesforce(anna, sandbox)
    choose_folders(anna, "Salesforce")
    say_how(anna)
    look_at_the_plan(anna, calls)
    assert len(salesforce.records(MAIL, "Contact")) == 1, "nothing is written before it is started"
    start(anna)
    assert len(salesforce.records(MAIL, "Contact")) == 3


def start(anna: Visitor) -> None:
    anna.page.click("button:text-is('Start')")
    anna.page.wait_for_selector("text=started: what the plan says")
    assert syncing.run_slice(Connection.objects.get().pk) == "done"
    anna.page.wait_for_selector("text=Listening")
    anna.tell("It is running. From now on an edit on either side shows on the other, and each can be taken back.")
    if anna.film:
        anna.film.save()


def choose_apps(anna: Visitor, sandbox: Sandbox, other: str) -> None:
    """And connects the mailbox, by signing in at Microsoft's stand-in."""
    page = anna.page
    anna.go("/")
    anna.tell("Your connections: none yet. “Set up a connection” begins one.")
    page.click("text=Set up a connection")
    page.check("#id_app_a >> text=Outlook")
    page.check(f"#id_app_b >> text={other}")
    anna.look("wizard-1-apps")
    anna.tell(f"First the two apps: Outlook and {other}.")
    page.click("button:text-is('Go on')")
    page.wait_for_selector("text=Whose contacts?")
    anna.look("wizard-2-accounts-none")
    anna.tell("Each side needs an account. An account is connected once and serves many connections.")
    page.click("text=Connect your Outlook")
    anna.tell("Pairwise says what it asks for and why, before you sign in at Microsoft.")
    page.click("text=Go to Microsoft")
    page.wait_for_url(f"{sandbox.url}/microsoft/**")
    page.click(f"label:has-text('{MAIL}')")
    page.click("button:text-is('Accept')")
    page.wait_for_selector("text=Whose contacts?")


def connect_address_book(anna: Visitor, server: RadicaleServer) -> None:
    page = anna.page
    page.click("text=Connect your CardDAV")
    page.fill("input[name=address]", server.url)
    page.fill("input[name=username]", server.username)
    page.fill("input[name=password]", server.password)
    page.click("main form button")
    page.wait_for_selector("text=Whose contacts?")
    anna.look("wizard-2-accounts")
    page.click("button:text-is('Go on')")


def connect_hubspot(anna: Visitor, sandbox: Sandbox) -> None:
    page = anna.page
    page.click("text=Connect your HubSpot")
    anna.tell("The same for HubSpot: you sign in there, and Pairwise never sees your password.")
    page.click("text=Go to HubSpot")
    page.wait_for_url(f"{sandbox.url}/hubspot/**")
    page.click("button:text-is('Connect app')")
    page.wait_for_selector("text=Whose contacts?")
    page.click("button:text-is('Go on')")


def connect_salesforce(anna: Visitor, sandbox: Sandbox) -> None:
    page = anna.page
    page.click("text=Connect your Salesforce")
    anna.tell("The same for Salesforce: production, a sandbox or your own domain.")
    page.click("text=Go to Salesforce")
    page.wait_for_url(f"{sandbox.url}/salesforce/**")
    page.click("button:text-is('Allow')")
    page.wait_for_selector("text=Whose contacts?")
    page.click("button:text-is('Go on')")


def choose_folders(anna: Visitor, other: str) -> None:
    page = anna.page
    page.wait_for_selector("h1:text-is('Which folders?')")
    page.check("fieldset:has-text('Outlook') li >> nth=0 >> input")
    page.check(f"fieldset:has-text('{other}') li >> nth=0 >> input")
    anna.look("wizard-3-folders")
    anna.tell("A folder on each side, with the number of contacts in it.")
    page.click("button:text-is('Go on')")
    page.wait_for_selector("h1:has-text('Are these the contacts')")
    assert "Grace Hopper" in page.inner_text("main")
    anna.tell("The contacts that were changed last: are they the ones that you see in your apps?")
    page.click("text=No, I see others")
    page.wait_for_selector("text=.pst")
    anna.look("wizard-4-contacts-no")
    page.click("text=Yes, these are the ones")
    page.wait_for_selector("h1:has-text('Which way')")
    page.go_back()
    page.wait_for_selector("h1:has-text('Are these the contacts')")


def say_how(anna: Visitor) -> None:
    """After leaving and coming back."""
    page = anna.page
    anna.go("/tenants/acme/connections/add/")
    page.click("text=Go on with")
    page.wait_for_selector("h1:has-text('Which way')")
    anna.look("wizard-5-direction")
    anna.tell("Which way contacts go, and whose value counts where both sides were changed.")
    page.click("button:text-is('Go on')")
    page.wait_for_selector("h1:has-text('Which fields')")
    anna.look("wizard-6-mapping")
    anna.tell("What means the same in both apps is connected by itself. Lines can be switched off.")
    page.click("button:text-is('Go on')")
    page.wait_for_selector("h1:has-text('Everybody')")
    anna.look("wizard-7-rules")
    anna.tell("Everybody, or only those with a label of your choice.")
    page.click("button:text-is('Go on')")


def look_at_the_plan(anna: Visitor, calls: list[Any]) -> None:
    page = anna.page
    page.wait_for_selector("h1:has-text('without an email')")
    work(calls)
    page.wait_for_selector("text=1 of 4 contacts")
    anna.look("wizard-8-matching")
    anna.tell("Contacts without an email are counted, so that nobody is doubled unseen.")
    page.click("text=Show me the plan")
    page.wait_for_selector("progress")
    anna.look("wizard-9-progress")
    work(calls)
    page.wait_for_selector("text=This is what would happen")
    anna.look("wizard-9-plan")
    anna.tell("The plan: what would be written on either side, with examples. Nothing was written yet.")
