"""The admin in a real browser, wide and narrow: no console errors, nothing refused by the content security policy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from connections.benchmark.catalogues import POOR, RICH
from connections.benchmark.remotes import InstantRemote
from connections.models import Account, Change, ConfigurationVersion, Connection, Pair, Run, RunState, User
from connections.services import arranging, ending, syncing, undoing
from connectors.base import Field, FieldType
from tests.accessibility import violations
from tests.admin.conftest import Apps, fill, sign_in
from tests.people.test_second_factor import code as totp
from tests.recording import Film

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
]
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}
# Rules of WCAG that pages of Django's admin break here and there; this list only shrinks.
STOCK = frozenset(
    {"aria-input-field-name", "label", "link-in-text-block", "scrollable-region-focusable", "target-size"}
)
SHOTS = os.environ.get("SCREENSHOTS", "")  # a folder for people who want to look with their own eyes


@pytest.fixture(scope="module", autouse=True)
def _unsafe() -> Iterator[None]:
    """Playwright runs an event loop in this thread, in which Django would refuse to ask the database."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=executable, headless=True, args=ARGUMENTS)
        yield found
        found.close()


class Visitor:
    """Somebody signed in, whose browser must not complain."""

    def __init__(self, context: BrowserContext, base: str, width: str) -> None:
        self.page: Page = context.new_page()
        self.base, self.width = base, width
        self.film: Film | None = None
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._hear(message))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def go(self, where: str, shot: str = "") -> None:
        answer = self.page.goto(self.base + where)
        assert answer is not None
        assert answer.status == 200, where
        self.look(shot)

    def tell(self, caption: str) -> None:
        """What is on the page, where a film is made of it."""
        if self.film is not None:
            self.film.shoot(self.page, caption)

    def look(self, shot: str = "") -> None:
        if SHOTS and shot:
            self.page.screenshot(path=str(Path(SHOTS) / f"{shot}-{self.width}.png"), full_page=True)
        self._serve_everybody()
        wide = self._excess()
        assert wide <= 1, f"{self.page.url} is {wide} pixels wider than the window"

    def _serve_everybody(self) -> None:
        """Our own pages break no rule; those of Django's admin only the ones that it breaks itself."""
        self.page.wait_for_load_state()
        if self.width == "phone" and self.page.url.startswith(self.base):
            heard = list(self.complaints)
            found = violations(self.page)
            self.complaints[:] = heard  # axe styles the page for a moment, which the policy refuses
            known = STOCK if "/admin/" in self.page.url.removeprefix(self.base) else frozenset()
            assert {rule: places for rule, places in found.items() if rule not in known} == {}, self.page.url

    def _excess(self) -> int:
        """Asked again where the page was just leaving for the next one."""
        for _ in range(3):
            self.page.wait_for_load_state()
            with suppress(Error):
                return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
        raise AssertionError(f"{self.page.url} does not come to rest")


@pytest.fixture(params=list(WIDTHS))
def visitor(
    request: pytest.FixtureRequest, browser: Browser, live_server: Any, apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Visitor]:
    monkeypatch.setattr("connections.scheduling.async_task", lambda *call: None)
    monkeypatch.setattr("connections.services.background.async_task", lambda *call: None)
    client = Client()
    sign_in(client, User.objects.create_superuser("root@example.com", "irrelevant"))
    width, height = WIDTHS[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    context.add_cookies([cookie])  # type: ignore[list-item]
    found = Visitor(context, live_server.url, request.param)
    yield found
    context.close()
    assert found.complaints == []


def test_every_kind_of_page_is_calm(visitor: Visitor, apps: Apps, connection: Connection) -> None:
    fill(apps)
    run = syncing.sync(connection)
    pair = Pair.objects.get(title="Ada Byron")
    change = Change.objects.filter(kind="create").earliest("id")
    Pair.objects.filter(title__contains="Keyless").update(health="review", reason="could be somebody else")
    pages = {
        "overview": "/admin/",
        "connections": "/admin/connections/connection/",
        "connection": f"/admin/connections/connection/{connection.pk}/change/",
        "account": f"/admin/connections/account/{connection.folder_a.account_id}/change/",
        "apps": "/admin/connections/account/add/",
        "runs": "/admin/connections/run/",
        "run": f"/admin/connections/run/{run.pk}/change/",
        "changes": f"/admin/connections/change/?connection={connection.pk}",
        "change": f"/admin/connections/change/{change.pk}/change/",
        "pairs": f"/admin/connections/pair/?connection={connection.pk}&health__exact=review",
        "pair": f"/admin/connections/pair/{pair.pk}/change/",
        "half": f"/admin/connections/pair/{Pair.objects.get(title__contains='Keyless').pk}/change/",
        "item": f"/admin/connections/item/{pair.item_a_id}/change/",
        "find": "/admin/find/?q=ada",
        "explain": f"/admin/connections/pair/{pair.pk}/explain/",
        "work": "/admin/work/",
        "handle": f"/admin/work/handle/?key=review:connection:{connection.pk}",
        "waiting": f"/admin/connections/connection/{connection.pk}/progress/?after={run.pk}",
    }
    for shot, where in pages.items():
        visitor.go(where, shot)


def test_a_connection_is_set_up_by_hand(visitor: Visitor, apps: Apps, accounts: tuple[Account, Account]) -> None:
    fill(apps)
    page = visitor.page
    visitor.go("/admin/connections/connection/add/", "setup-1")
    page.select_option("select[name=tenant]", label="Acme")
    page.click("input[type=submit]")
    page.select_option("select[name=account_a]", label="anna (carddav)")
    page.select_option("select[name=account_b]", label="dav (carddav)")
    visitor.look("setup-2")
    page.click("input[type=submit]")
    page.fill("input[name=name]", "outlook-to-dav")
    page.select_option("select[name=folder_a]", label="contacts — 2 contacts")
    page.select_option("select[name=folder_b]", label="book — 3 contacts")
    visitor.look("setup-3")
    page.click("input[type=submit]")
    page.wait_for_url("**/change/")
    made = Connection.objects.get(name="outlook-to-dav")
    assert made.paused_reason == arranging.NEW
    page.click("text=Look at the mapping and change it")
    page.wait_for_url("**/mappings/")
    visitor.look("mappings")
    page.click("text=Copy to edit")
    page.wait_for_url("**/change/")
    made.refresh_from_db()
    assert not made.default_mappings
    visitor.look("editing")
    visitor.look("saved")


def test_a_plan_is_approved_and_an_undo_is_shown(visitor: Visitor, apps: Apps, connection: Connection) -> None:
    fill(apps)
    plan = syncing.preview(connection)
    visitor.go(f"/admin/connections/run/{plan.pk}/change/", "plan")
    visitor.page.click("text=Approve all")
    visitor.page.wait_for_url("**/change/")
    assert "approved" in visitor.page.inner_text(".messagelist")
    visitor.look("approved")
    visitor.go(f"/admin/connections/change/?run__id__exact={plan.pk}", "plan-lines")


def test_an_undo_shows_what_it_does_and_what_it_leaves_alone(
    visitor: Visitor, apps: Apps, connection: Connection
) -> None:
    fill(apps)
    syncing.sync(connection)
    dav = apps.remotes["dav"]
    (grace,) = (key for key, row in dav.rows().items() if row.values.get("given") == "Grace")
    dav.edit(grace, note="I know her")
    plan = undoing.undo_since(connection, undoing.moment_of("1h"), preview=True)
    visitor.go(f"/admin/connections/run/{plan.pk}/change/", "undo")
    assert "Left alone" in visitor.page.inner_text("#pw-live")


def test_a_connection_is_deleted_in_two_steps_and_restored(
    visitor: Visitor, apps: Apps, connection: Connection
) -> None:
    fill(apps)
    syncing.sync(connection)
    page = visitor.page
    visitor.go(f"/admin/connections/connection/{connection.pk}/delete/", "delete-1")
    page.check("input[value=take_back]")
    page.click("input[type=submit]")
    visitor.look("delete-2")
    assert "1 contacts are deleted in anna" in page.inner_text("#content")
    page.click("input[type=submit]")
    page.wait_for_url("**/deletedconnection/")
    visitor.look("deleted")
    page.click("#result_list tbody th a")
    page.wait_for_url("**/deletedconnection/*/change/*")
    visitor.look("deleted-one")
    page.click("form[action$='/restore/'] button")
    page.wait_for_url("**/connection/*/change/")
    assert Connection.objects.get().paused_reason == ending.RESTORED


def test_a_person_is_forgotten_only_after_a_warning(visitor: Visitor, apps: Apps, connection: Connection) -> None:
    fill(apps)
    syncing.sync(connection)
    pair = Pair.objects.get(title="Grace Hopper")
    visitor.go(f"/admin/connections/pair/{pair.pk}/forget/", "forget")
    assert "cannot be undone" in visitor.page.inner_text("#content")
    visitor.page.check("input[name=understood]")
    visitor.page.click("input[type=submit]")
    visitor.page.wait_for_url("**/forgetting/*/change/")
    visitor.look("forgetting")


def test_the_page_of_a_run_follows_it(visitor: Visitor, apps: Apps, connection: Connection) -> None:
    fill(apps)
    run = syncing.sync(connection)
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING, done_items=1, total_items=5)
    visitor.go(f"/admin/connections/run/{run.pk}/change/", "running")
    Run.objects.filter(pk=run.pk).update(done_items=4)
    visitor.page.wait_for_selector("text=4 of 5 contacts")
    Run.objects.filter(pk=run.pk).update(state=RunState.DONE)
    visitor.page.wait_for_selector("text=Undo: show what it would do")


def test_the_wait_for_a_worker_leads_to_the_run(visitor: Visitor, apps: Apps, connection: Connection) -> None:
    visitor.go(f"/admin/connections/connection/{connection.pk}/progress/?after=0")
    run = syncing.sync(connection)
    visitor.page.wait_for_url(f"**/run/{run.pk}/change/")


def test_the_pages_on_losses_names_opt_outs_and_versions_are_calm(
    visitor: Visitor, apps: Apps, connection: Connection
) -> None:
    out = Field("out", "Wants no mail", FieldType.BOOLEAN, meaning="opt_out.email")
    whole_names = [one for one in RICH if one.meaning == "name.full" or not one.meaning.startswith("name.")]
    anna = InstantRemote([*POOR, out], folders=("contacts",))
    dav = InstantRemote([*whole_names, out], folders=("book",))
    apps.remotes |= {"anna": anna, "dav": dav}
    arranging.forget_answers(connection)
    anna.add({"givenName": "Ada", "surname": "Byron", "emailAddresses": [{"value": "ada@example.com"}]})
    eva = anna.add({"givenName": "Eva", "emailAddresses": [{"value": "eva@example.com"}], "out": True})
    dav.add({"fn": "Mario Vargas Llosa", "emails": [{"value": "mario@example.com"}]})
    dav.add({"fn": "Lin Chen", "emails": [{"value": f"lin{n}@example.com"} for n in range(5)], "bday": "--02-29"})
    plan = syncing.preview(connection)
    visitor.go(f"/admin/connections/run/{plan.pk}/change/", "losses")
    assert "cannot hold" in visitor.page.inner_text("#pw-live")
    syncing.sync(connection)
    anna.edit(eva, out=False)
    syncing.sync(connection)
    whole = Pair.objects.get(title__startswith="Mario")
    visitor.go(f"/admin/connections/pair/{whole.pk}/change/", "names")
    opted = Pair.objects.get(title__startswith="Eva")
    assert opted.health == "review"
    visitor.go(f"/admin/connections/pair/{opted.pk}/change/", "opted-in-again")
    assert "Opted in again on one side" in visitor.page.inner_text("main")
    visitor.page.click("text=Take that of anna")
    assert "Decided" in visitor.page.inner_text(".messagelist")
    arranging.configured(connection)
    Connection.objects.filter(pk=connection.pk).update(winner="b", deletions_a_to_b="delete")
    arranging.configured(connection)
    Connection.objects.filter(pk=connection.pk).update(winner="a")
    version = ConfigurationVersion.objects.filter(connection=connection).latest("number")
    visitor.go(f"/admin/connections/configurationversion/{version.pk}/change/", "version")


def test_dark_pages_are_calm_as_well(visitor: Visitor, apps: Apps, connection: Connection) -> None:
    visitor.page.emulate_media(color_scheme="dark")
    visitor.go("/admin/", "overview-dark")
    visitor.go(f"/admin/connections/connection/{connection.pk}/change/", "connection-dark")


def test_signing_in_and_setting_up_a_second_factor(browser: Browser, live_server: Any, db: None) -> None:
    User.objects.create_superuser("root@example.com", "correct horse")
    width, height = WIDTHS["phone"]
    visitor = Visitor(browser.new_context(viewport={"width": width, "height": height}), live_server.url, "phone")
    visitor.go("/admin/", "sign-in")
    page = visitor.page
    page.fill("input[name=login]", "root@example.com")
    page.fill("input[name=password]", "correct horse")
    page.click("main form button")
    page.wait_for_selector("text=Set up a second factor first")
    visitor.go("/accounts/2fa/", "second-factor")
    page.click("a[href*='totp/activate']")
    page.fill("input[name=password]", "correct horse")
    page.click("main form button")
    visitor.go("/accounts/2fa/totp/activate/", "second-factor-app")
    page.fill("input[name=code]", totp(page.input_value("#authenticator_secret")))
    page.click("main form button[type=submit]")
    page.wait_for_selector("text=Recovery Codes")
    visitor.go("/admin/", "overview-after-signing-in")
    page.wait_for_selector("text=Waits for a person")
    page.context.close()
    assert visitor.complaints == []


def test_a_rule_is_built_tried_and_its_scope_shown(visitor: Visitor, apps: Apps, connection: Connection) -> None:
    fill(apps)
    apps.remotes["anna"].label_id("VIP")
    apps.remotes["dav"].label_id("Customers")
    syncing.sync(connection)
    visitor.go(f"/admin/connections/connection/{connection.pk}/rules/", "rules")
    page = visitor.page
    page.click("text=Add a rule >> nth=0")
    page.wait_for_url("**/rule/?direction=a_to_b")
    page.fill("input[name=name]", "Customers")
    subjects, values = page.locator("select[name=conditions-subject]"), page.locator("input[name=conditions-value]")
    subjects.nth(0).select_option(label="its category")
    assert page.locator("select[name=conditions-operator]").nth(0).input_value() == "in"
    values.nth(0).fill("v")
    page.wait_for_selector("datalist option[value=VIP]", state="attached")
    values.nth(0).fill("VIP")
    for number in (1, 2):  # the third line is one that the page adds
        if number == 2:
            page.click(".pw-rows >> nth=0 >> text=Add a line")
        subjects.nth(number).select_option(label="Company")
        page.locator("select[name=conditions-operator]").nth(number).select_option(label="is not empty")
        assert not values.nth(number).is_visible()
    page.locator("select[name=actions-subject]").nth(0).select_option(label="add it to a category")
    page.locator("input[name=actions-value]").nth(0).fill("Customers")
    page.fill("input[name=who]", "grace@example.com")
    visitor.look("rule")
    page.click("button[name=try]")
    page.wait_for_selector("text=does not match")
    visitor.look("rule-tried")
    page.click("input[name=save]")
    page.wait_for_selector("text=would come in and")
    visitor.look("rule-scope")
    page.click("button[name=confirmed]")
    page.wait_for_url("**/rules/")
    visitor.look("rules-saved")
    made = connection.rules.get(name="Customers")
    assert [list(part)[0] for part in made.conditions] == ["label", "field", "field"]


def test_the_health_pages_and_the_queue_are_calm(visitor: Visitor, apps: Apps, connection: Connection) -> None:
    fill(apps)
    apps.remotes["anna"].add({"givenName": "Jo", "surname": "Reed", "emailAddresses": [{"value": "info@example.com"}]})
    apps.remotes["dav"].add({"given": "Kim", "family": "Reed", "emails": [{"value": "info@example.com"}]})
    syncing.sync(connection)
    Pair.objects.filter(title__contains="Grace").update(health="failed", reason="The app does not take this address.")
    page = visitor.page
    visitor.go(f"/admin/connections/connection/{connection.pk}/health/", "health")
    page.click("text=decide one after the other")
    visitor.look("review")
    page.click("text=Two people")
    assert "Decided" in page.inner_text(".messagelist")
    ada = Pair.objects.get(title="Ada Byron")
    visitor.go(f"/admin/connections/pair/{ada.pk}/change/?link=Keyless", "linking")
    page.click("text=Link to this one")
    assert "Decided" in page.inner_text(".messagelist")
