"""The pages of connections in a real browser, wide and narrow, with friendly and with hostile contacts."""

# ruff: noqa: F811 - fixtures are imported, and asked for by their names
from __future__ import annotations

from typing import Any

import pytest

from connections.models import Account, Change, Connection, Pair, Run, Subscription, Tenant
from connections.services import background, syncing
from tests.admin.conftest import Apps, accounts, apps, connection  # noqa: F401 - fixtures
from tests.admin.test_browser import Visitor, _unsafe, browser  # noqa: F401 - fixtures
from tests.people.test_wizard_browser import anna, calls  # noqa: F401 - fixtures

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PEOPLE = ["Ada Byron", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Barbara Liskov", "Donald Knuth"]


@pytest.fixture
def tenant(acme: Tenant) -> Tenant:
    return acme


@pytest.fixture
def running(apps: Apps, connection: Connection, calls: list[Any], settings: Any) -> Connection:
    """With contacts in many states, and some that wish us ill."""
    settings.WEBHOOKS = "on"
    Subscription.objects.create(tenant=connection.tenant, folder=connection.folder_a, remote_id="1", address_hash="1")
    Connection.objects.filter(pk=connection.pk).update(name="people")
    Account.objects.filter(name="anna").update(app="outlook", remote_name="anna@acme.example")
    here, there = apps.remotes["anna"], apps.remotes["dav"]
    for name in PEOPLE:
        given, _, family = name.partition(" ")
        here.add({"givenName": given, "surname": family, "emailAddresses": [{"value": f"{given}@example.com".lower()}]})
    there.add({"given": "Ada", "family": "Byron", "emails": [{"value": "ada@example.com"}], "title": "Countess"})
    there.add({"given": "Adele", "family": "Bloch", "emails": [{"value": "info@example.com"}]})
    here.add({"givenName": "Klara", "surname": "Bloch", "emailAddresses": [{"value": "info@example.com"}]})
    there.add(
        {"given": "<img src=x onerror=alert(1)>", "emails": [{"value": "evil@example.com"}], "note": "<b>bold</b>"}
    )
    there.add({"given": "Nobody", "family": "Keyless"})
    assert syncing.sync(connection).state == "done"
    for name in ("Hedy Lamarr", "Joan Clarke"):
        given, _, family = name.partition(" ")
        here.add({"givenName": given, "surname": family, "emailAddresses": [{"value": f"{given}@example.com".lower()}]})
    background.plan(connection.pk)
    return connection


def test_the_pages_of_a_connection_are_calm(anna: Visitor, apps: Apps, running: Connection) -> None:
    pair = Pair.objects.get(title="Ada Byron")
    first = Run.objects.earliest("pk")
    made = Change.objects.get(title="Donald Knuth", kind="create", state="done").target_item
    assert made is not None
    apps.remotes["dav"].edit(made.remote_id, "", family="Ervin")
    background.take_back("run", first.pk, True)
    undo = Run.objects.get(kind="undo")
    here = f"/tenants/acme/connections/{running.pk}/"
    pages = {
        "page-tenant": "/tenants/acme/",
        "page-home": "/",
        "page-connection": here,
        "page-settings": f"{here}settings/",
        "page-mapping": f"{here}mapping/",
        "page-mapping-line": f"{here}mapping/line/",
        "page-rules": f"{here}rules/?pair={pair.pk}",
        "page-rule": f"{here}rules/rule/?direction=a_to_b",
        "page-history": f"{here}history/",
        "page-takeback": f"{here}undo/{undo.pk}/",
        "page-contacts": f"{here}contacts/",
        "page-contact": f"{here}contacts/{pair.pk}/",
        "page-review": f"{here}review/",
        "page-plan": f"{here}plan/",
    }
    for shot, where in pages.items():
        anna.go(where, shot)
    assert anna.page.locator("img[src=x]").count() == 0
    anna.page.emulate_media(color_scheme="dark")
    for shot in ("page-connection", "page-contact", "page-plan"):
        anna.go(pages[shot], f"{shot}-dark")


def test_a_run_is_followed_while_it_works(anna: Visitor, running: Connection, calls: list[Any]) -> None:
    page = anna.page
    anna.go(f"/tenants/acme/connections/{running.pk}/")
    page.click("button:text-is('Sync now')")
    page.wait_for_selector("text=Waits for a worker")
    anna.look("page-waiting")
    assert syncing.run_slice(running.pk) == "done"
    page.wait_for_selector("text=Listening")
    assert "Waits for a worker" not in page.inner_text("main")


def test_who_is_who_and_a_plan_are_decided_by_keyboard_and_click(anna: Visitor, running: Connection) -> None:
    page = anna.page
    anna.go(f"/tenants/acme/connections/{running.pk}/review/")
    page.locator("button:text-is('The same person')").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Decided: the same person")
    anna.go(f"/tenants/acme/connections/{running.pk}/plan/")
    page.click("button:text-is('Approve')")
    page.wait_for_selector("text=approved. They are written")
    assert syncing.run_slice(running.pk) == "done"
    assert Pair.objects.get(title="Hedy Lamarr").item_b_id
