"""The page of notifications in a real browser, wide and narrow, and the page behind the link of a mail."""

# ruff: noqa: F811 - fixtures are imported, and asked for by their names
from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from connections.models import Cause, Notification, NotificationChoice, OutgoingWebhook, Role, Tenant, User
from connections.services import choosing
from tests.admin.test_browser import WIDTHS, Visitor, _unsafe, browser  # noqa: F401 - fixtures
from tests.connectors.server import Reply, serve
from tests.people.conftest import member
from tests.people.test_browser import visitor_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def olga(acme: Tenant) -> User:
    return member(acme, "olga@example.com", Role.OWNER)


@pytest.fixture(params=list(WIDTHS))
def owner(
    request: pytest.FixtureRequest, browser: Browser, live_server: Any, olga: User, settings: Any
) -> Iterator[Visitor]:
    settings.PUBLIC_URL = live_server.url
    found = visitor_of(olga, browser, live_server.url, request.param)
    yield found
    found.page.context.close()
    assert found.complaints == []


def test_choices_and_webhooks_are_made_by_hand(owner: Visitor, olga: User, acme: Tenant, settings: Any) -> None:
    page = owner.page
    with serve(lambda request: Reply(200)) as url:
        settings.ALLOWED_PRIVATE_HOSTS = [urlsplit(url).netloc]
        long = "https://hooks.example/" + "services-with-a-long-path/" * 8
        OutgoingWebhook.objects.create(tenant=acme, url=long, last_result="hooks.example did not answer in time.")
        Notification.objects.create(
            tenant=acme, user=olga, cause=Cause.PLAN, key="connection:1", day="2026-01-01", state="failed", error="X"
        )
        owner.go("/tenants/acme/")
        page.click("text=Notifications")
        owner.look("notifications")
        page.locator("#on-digest").focus()
        page.keyboard.press("Space")
        page.click("button:text-is('Save')")
        page.wait_for_selector("text=Saved.")
        assert NotificationChoice.objects.get().on is False
        page.fill("input[name=url]", f"{url}/hook")
        page.click("button:text-is('Add it')")
        page.wait_for_selector("text=it is not shown again")
        owner.look("notifications-secret")
        page.locator("button[value=test]").last.click()
        page.wait_for_selector("text=The test arrived.")
        owner.look("notifications-tested")
        page.emulate_media(color_scheme="dark")
        owner.look("notifications-dark")


def test_the_link_of_a_mail_asks_first(owner: Visitor, olga: User, acme: Tenant) -> None:
    owner.page.context.clear_cookies()
    owner.go(urlsplit(choosing.stop_link(olga.pk, acme.pk, Cause.DIGEST)).path, "notifications-stop")
    owner.page.click("button:text-is('No more of these')")
    owner.page.wait_for_selector("text=You get no more of these")
    owner.look("notifications-stopped")
    choice = NotificationChoice.objects.get()
    assert (choice.user, choice.cause, choice.on) == (olga, Cause.DIGEST, False)
