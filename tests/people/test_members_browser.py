"""The page of members in a real browser, wide and narrow."""

# ruff: noqa: F811 - fixtures are imported, and asked for by their names
from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from connections.models import Membership, Role, Tenant
from tests.admin.test_browser import WIDTHS, _unsafe, browser  # noqa: F401 - fixtures
from tests.people.conftest import member
from tests.people.test_browser import visitor_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("width", list(WIDTHS))
def test_somebody_is_invited_and_somebody_removed(
    width: str, browser: Browser, live_server: Any, acme: Tenant, settings: Any
) -> None:
    settings.PUBLIC_URL = live_server.url
    olga = member(acme, "olga@example.com", Role.OWNER)
    member(acme, "somebody.with.a.very.long.name.indeed@department.of.an.organisation.example", Role.VIEWER)
    owner = visitor_of(olga, browser, live_server.url, width)
    page = owner.page
    owner.go("/tenants/acme/")
    page.click("text=Members")
    owner.look("members")
    page.fill("input[name=email]", "new@example.com")
    page.click("button:text-is('Invite')")
    page.wait_for_selector("text=It works once")
    owner.look("members-invited")
    page.locator("a:has-text('Remove')").click()
    owner.look("members-remove")
    page.click("button:has-text('Remove')")
    page.wait_for_selector("text=is no member any more")
    assert [row.user for row in Membership.objects.filter(tenant=acme)] == [olga]
    page.context.close()
    assert owner.complaints == []
