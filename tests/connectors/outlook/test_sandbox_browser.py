"""The sandbox's pages in a real browser, which alone obeys security headers as browsers do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from connectors.outlook.sandbox.control import OutlookSandbox
from connectors.sandbox import Sandbox

EMAIL = "anna@example.com"
pytestmark = pytest.mark.browser


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        running.part("outlook").add_account(EMAIL, name="Anna Peeters")
        yield running


@pytest.fixture
def page() -> Iterator[Page]:
    """Fails the test on what the browser complains about."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 390, "height": 844})
        opened.set_default_timeout(10_000)
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        yield opened
        browser.close()
    assert complaints == []


def test_a_change_arrives_on_the_page_and_one_is_made_by_keyboard(sandbox: Sandbox, page: Page) -> None:
    api: OutlookSandbox = sandbox.part("outlook")
    page.goto(f"{sandbox.url}/outlook/")
    page.get_by_role("link", name="Anna Peeters").click()
    page.get_by_text("This folder is empty.").wait_for()
    api.load(EMAIL, [{"givenName": "Ada", "surname": "Lovelace"}])
    page.get_by_role("link", name="Ada Lovelace").click()
    page.get_by_role("link", name="Edit").press("Enter")
    page.get_by_label("Nickname").fill("The Countess")
    page.get_by_label("Nickname").press("Enter")
    page.get_by_text("The Countess").wait_for()
    assert api.contacts(EMAIL)[0]["nickName"] == "The Countess"
    page.get_by_role("button", name="Delete").press("Enter")
    page.get_by_text("This folder is empty.").wait_for()
    assert api.contacts(EMAIL) == []


def test_nothing_is_wider_than_a_phone(sandbox: Sandbox, page: Page) -> None:
    api: OutlookSandbox = sandbox.part("outlook")
    person = {
        "givenName": "A" * 80,
        "emailAddresses": [{"address": "b" * 60 + "@example.com"}],
        "categories": ["C" * 60],
    }
    [key] = api.load(EMAIL, [person])
    home = f"{sandbox.url}/outlook/{api.mailbox(EMAIL).guid}/"
    for address in (f"{sandbox.url}/", f"{sandbox.url}/outlook/", home, home + key, f"{home}{key}/edit"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address


def test_signing_in_leads_back_to_the_app(sandbox: Sandbox, page: Page) -> None:
    back = f"{sandbox.url}/control"
    query = f"client_id=x&response_type=code&redirect_uri={back}&scope=openid&state=s-1"
    page.goto(f"{sandbox.url}/microsoft/common/oauth2/v2.0/authorize?{query}")
    page.get_by_role("button", name="Accept").click()
    page.wait_for_url(f"{back}?code=*&state=s-1")
