"""Connecting accounts in a real browser, wide and narrow: through the vendor's pages and back, and by app password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import Browser

from connections.models import Account, AppRegistration, Tenant, User
from connectors.sandbox import Sandbox
from tests.admin.conftest import sign_in
from tests.admin.test_browser import WIDTHS, Visitor, _unsafe, browser  # noqa: F401 - fixtures
from tests.connectors.carddav.radicale import RadicaleServer
from tests.factories import make_account, make_connection, make_folder
from tests.people.conftest import member, registered
from tests.recording import picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MAIL = "anna@contoso.example"


def visitor_of(user: User, browser: Browser, url: str, width: str) -> Visitor:  # noqa: F811
    client = Client()
    sign_in(client, user) if user.is_staff else client.force_login(user)
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    context = browser.new_context(viewport=size)  # type: ignore[arg-type]
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])
    return Visitor(context, url, width)


@pytest.fixture(params=list(WIDTHS))
def anna(
    request: pytest.FixtureRequest,
    browser: Browser,  # noqa: F811
    live_server: Any,
    acme: Tenant,
    settings: Any,
) -> Iterator[Visitor]:
    settings.PUBLIC_URL = live_server.url
    found = visitor_of(member(acme), browser, live_server.url, request.param)
    yield found
    found.page.context.close()
    assert found.complaints == []


def test_a_person_connects_outlook_and_comes_back(anna: Visitor, sandbox: Sandbox) -> None:
    registered(sandbox, "outlook", scopes=["MailboxSettings.Read"])
    sandbox.part("outlook").add_account(MAIL, "Anna Maes")
    sandbox.part("outlook").add_account("other@contoso.example", "Somebody Else")
    page = anna.page
    anna.go("/")
    page.click("text=Connected accounts")
    anna.look("accounts-none")
    page.click("text=Connect an account")
    anna.look("accounts-choose")
    page.click("main h2 a:text-is('Outlook')")
    anna.look("accounts-outlook")
    page.click("text=Go to Microsoft")
    page.wait_for_url(f"{sandbox.url}/microsoft/common/oauth2/v2.0/authorize**")
    page.go_back()
    page.click("text=Go to Microsoft")
    page.wait_for_url(f"{sandbox.url}/microsoft/common/oauth2/v2.0/authorize**")
    page.click(f"label:has-text('{MAIL}')")
    page.click("button:text-is('Accept')")
    page.wait_for_url("**/tenants/acme/accounts/")
    assert f"Outlook of {MAIL} is connected" in page.inner_text(".messages")
    anna.look("accounts-connected")

    page.click("text=Connect again")
    anna.look("accounts-again")
    page.click("text=Go to Microsoft")
    page.wait_for_url(f"{sandbox.url}/**")
    page.click("label:has-text('other@contoso.example')")
    page.click("button:text-is('Accept')")
    page.wait_for_selector("text=is not connected")
    anna.complaints = [one for one in anna.complaints if "409" not in one]  # the page's own status
    anna.look("accounts-another")
    page.click("text=Connect other@contoso.example as a new account")
    page.click("text=Go to Microsoft")
    page.wait_for_url(f"{sandbox.url}/**")
    page.click("button:text-is('Cancel')")
    page.wait_for_selector("text=the answer was no")
    anna.complaints = [one for one in anna.complaints if "403" not in one]
    anna.look("accounts-declined")
    assert Account.objects.get().remote_name == MAIL


def test_a_person_connects_an_address_book(anna: Visitor, settings: Any) -> None:
    with RadicaleServer() as server:
        settings.ALLOWED_PRIVATE_HOSTS = [urlsplit(server.url).netloc]
        page = anna.page
        anna.go("/tenants/acme/accounts/add/carddav/", "accounts-carddav")
        page.fill("input[name=address]", server.url)
        page.fill("input[name=username]", server.username)
        page.fill("input[name=password]", "wrong")
        page.click("main form button")
        page.wait_for_selector(".errorlist")
        anna.look("accounts-carddav-refused")
        page.fill("input[name=password]", server.password)
        page.click("main form button")
        page.wait_for_url("**/tenants/acme/accounts/")
        assert "is connected" in page.inner_text(".messages")


def test_pages_of_accounts_are_calm(anna: Visitor, sandbox: Sandbox, acme: Tenant) -> None:
    """Also as the picture of the documentation."""
    registered(sandbox, "salesforce")
    owner = User.objects.get(email="anna@example.com")
    colleague = member(acme, "ben@example.com")
    outlook = make_account(
        acme, name="anna-outlook", app="outlook", owner=owner, shared=False, remote_name="anna@acme.example"
    )
    book = make_account(acme, name="nextcloud", owner=owner, remote_name="anna at cloud.acme.example (1 address book)")
    make_connection(make_folder(outlook), make_folder(book), name="people")
    make_account(
        acme, name="ben-salesforce", app="salesforce", owner=colleague, remote_name="Acme", state="needs_auth",
        reason="Salesforce asks for a new sign-in of this account (invalid_grant). Connect the account again.",
    )  # fmt: skip
    anna.go("/tenants/acme/accounts/", "accounts")
    anna.go(f"/tenants/acme/accounts/{outlook.pk}/disconnect/", "accounts-disconnect")
    anna.go("/tenants/acme/accounts/add/salesforce/", "accounts-salesforce")
    anna.page.emulate_media(color_scheme="dark")
    anna.go("/tenants/acme/accounts/", "accounts-dark")


@pytest.mark.parametrize("width", list(WIDTHS))
def test_staff_register_the_installation(
    browser: Browser,  # noqa: F811
    live_server: Any,
    sandbox: Sandbox,
    acme: Tenant,
    width: str,
    settings: Any,
) -> None:
    settings.PUBLIC_URL = live_server.url
    sandbox.part("outlook").register_app("0a1b", [f"{live_server.url}/connect/outlook/"], "s3cret")
    staff = visitor_of(User.objects.create_superuser("root@example.com", "x"), browser, live_server.url, width)
    page = staff.page
    staff.go("/admin/connections/appregistration/add/")
    page.click("text=Outlook")
    assert page.input_value("#id_redirect_url") == f"{live_server.url}/connect/outlook/"
    page.fill("#id_client_id", "0a1b")
    page.fill("#id_secret", "s3cret")
    page.fill("#id_secret_expires_on", "2030-01-31")
    page.check("input[value='MailboxSettings.Read']")
    staff.look("registration")
    page.click("input[name=_continue]")
    page.wait_for_url("**/change/**")
    AppRegistration.objects.update(login_url=f"{sandbox.url}/microsoft")
    page.click("text=Test")
    page.wait_for_selector("text=has no objection")
    staff.look("registration-tested")
    staff.go(f"/admin/connections/tenant/{acme.pk}/ask/")
    page.fill("#id_email", "new@example.com")
    page.click("text=Make the link")
    page.wait_for_selector("#id_link")
    staff.look("ask")
    staff.go(f"/admin/connections/tenant/{acme.pk}/change/", "tenant-asked")
    page.context.close()
    assert staff.complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("app", ["outlook", "hubspot", "salesforce"])
def test_the_pictures_of_the_guides_are_taken(
    browser: Browser,  # noqa: F811
    live_server: Any,
    sandbox: Sandbox,
    acme: Tenant,
    app: str,
    settings: Any,
) -> None:
    settings.PUBLIC_URL = "https://pairwise.example.com"
    staff = visitor_of(User.objects.create_superuser("root@example.com", "x"), browser, live_server.url, "desktop")
    name = {"outlook": "Outlook", "hubspot": "HubSpot", "salesforce": "Salesforce"}[app]
    staff.go("/admin/connections/appregistration/add/")
    staff.page.click(f"#content >> text={name}")
    assert f"/connect/{app}/" in staff.page.input_value("#id_redirect_url")
    picture(staff.page, f"{app}-registration")
    staff.page.context.close()
    registered(sandbox, app)
    anna = visitor_of(member(acme), browser, live_server.url, "desktop")
    anna.go(f"/tenants/acme/accounts/add/{app}/")
    assert "You are taken to" in anna.page.inner_text("main")
    picture(anna.page, f"{app}-connect")
    anna.page.context.close()
    assert staff.complaints == anna.complaints == []
