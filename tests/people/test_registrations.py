"""How the installation is known to the vendors: in the admin, by environment; what counts; when a secret ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections import registrations
from connections.checks import OURS
from connections.models import AppRegistration, Tenant, User
from connections.services import examining, offering, registering
from connectors.registry import app as app_of
from connectors.registry import apps
from tests.admin.conftest import sign_in
from tests.apps import run
from tests.factories import make_account
from tests.people.conftest import SECRET, Person, registered

pytestmark = pytest.mark.django_db
ADD = "/admin/connections/appregistration/add/?app=outlook"
FORM = {"client_id": "0a1b", "secret": SECRET, "secret_expires_on": "2030-01-31", "kind": "organizations"}


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    sign_in(client, User.objects.create_superuser("root@example.com", "irrelevant"))
    return client


def change(row: AppRegistration, page: str = "change") -> str:
    return reverse(f"admin:connections_appregistration_{page}", args=[row.pk])


# ---- in the admin


def test_the_page_says_what_to_copy_and_what_to_tick(admin: Client) -> None:
    page = admin.get(ADD).content.decode()
    assert 'readonly value="http://localhost:8000/connect/outlook/"' in page
    assert "<strong>Contacts.ReadWrite</strong> to read and write contacts" in page
    assert "MailboxSettings.Read: to show your list of categories" in page
    assert "Outlook" in admin.get("/admin/connections/appregistration/add/").content.decode()
    assert "CardDAV" not in admin.get("/admin/connections/appregistration/add/").content.decode()


@pytest.mark.parametrize("key", [key for key, app in apps().items() if app.oauth])
def test_every_app_with_a_sign_in_page_can_be_registered(admin: Client, key: str) -> None:
    add = f"/admin/connections/appregistration/add/?app={key}"
    kinds = app_of(key).oauth.account_types  # type: ignore[union-attr]
    form = {"client_id": "0a1b", "secret": SECRET, **({"kind": kinds[0].value} if kinds else {})}
    assert admin.get(add).status_code == 200
    answer = admin.post(add, form)
    assert answer.status_code == 302, answer.content.decode()
    row = AppRegistration.objects.get()
    assert (row.app, row.secrets["client_secret"]) == (key, SECRET)
    assert admin.get(change(row)).status_code == 200


def test_an_installation_is_registered_and_the_secret_never_shown(admin: Client) -> None:
    answer = admin.post(ADD, {**FORM, "scopes": ["MailboxSettings.Read"]})
    assert answer.status_code == 302, answer.content.decode()
    row = AppRegistration.objects.get()
    assert (row.app, row.tenant, row.client_id, row.account_types) == ("outlook", None, "0a1b", "organizations")
    assert (dict(row.secrets), row.scopes) == ({"client_secret": SECRET}, ["MailboxSettings.Read"])
    assert SECRET not in admin.get(change(row)).content.decode()
    admin.post(change(row), {**FORM, "secret": "", "client_id": "0a1c"})
    row.refresh_from_db()
    assert (row.client_id, row.secrets["client_secret"]) == ("0a1c", SECRET), "left empty: kept"


def test_one_organisation_alone_is_named_by_its_directory(admin: Client) -> None:
    page = admin.post(ADD, {**FORM, "kind": "one", "directory": ""}).content.decode()
    assert "Enter the id of the organisation&#x27;s directory" in page
    admin.post(ADD, {**FORM, "kind": "one", "directory": "contoso.onmicrosoft.com"})
    row = AppRegistration.objects.get()
    assert row.account_types == "contoso.onmicrosoft.com"
    shown = admin.get(change(row)).content.decode()
    assert 'value="contoso.onmicrosoft.com"' in shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": ""},
        {"client_id": ""},
        {"scopes": ["Mail.ReadWrite"]},
        {"kind": "everybody"},
        {"kind": "one", "directory": "a/b"},
        {"login_url": "javascript:alert(1)"},
    ],
)
def test_bad_input_is_refused_before_anything_is_stored(admin: Client, wrong: dict[str, Any]) -> None:
    assert admin.post(ADD, {**FORM, **wrong}).status_code == 200
    assert not AppRegistration.objects.exists()


def test_there_is_one_for_all_and_one_for_each_tenant(admin: Client, acme: Tenant) -> None:
    for tenant in ("", acme.pk):
        assert admin.post(ADD, {**FORM, "tenant": tenant}).status_code == 302
        page = admin.post(ADD, {**FORM, "tenant": tenant})
        assert "already" in page.content.decode()
    for whose in (None, acme):
        with pytest.raises(IntegrityError), transaction.atomic():
            AppRegistration.objects.create(app="outlook", tenant=whose, client_id="twice")


def test_the_button_tells_whether_the_vendor_knows_it(admin: Client, sandbox: Any) -> None:
    row = registered(sandbox, "outlook")
    page = admin.post(change(row, "test"), follow=True).content.decode()
    assert "Microsoft answers and has no objection" in page
    row.secrets = {"client_secret": "mistyped"}
    row.save()
    page = admin.post(change(row, "test"), follow=True).content.decode()
    assert "does not accept this installation" in page
    assert "AADSTS7000215" in page
    AppRegistration.objects.update(client_id="unknown")
    assert "AADSTS700016" in admin.post(change(row, "test"), follow=True).content.decode()


def test_an_address_inside_the_network_is_not_asked(admin: Client, sandbox: Any, settings: Any) -> None:
    row = registered(sandbox, "outlook")
    settings.ALLOWED_PRIVATE_HOSTS = []
    assert "without encryption" in admin.post(change(row, "test"), follow=True).content.decode()


# ---- which counts


def test_the_environment_registers_as_well(anna: Person, settings: Any) -> None:
    app = app_of("outlook")
    settings.APP_SETTINGS = {}
    assert "not registered at Microsoft here yet" in offering.offer(app, anna.tenant).reason
    assert "Pairwise is not registered at Microsoft" in anna.page("account-add")
    settings.APP_SETTINGS = {
        "OUTLOOK_CLIENT_ID": "of-env",
        "OUTLOOK_CLIENT_SECRET": "e",
        "OUTLOOK_TENANT": "organizations",
        "OUTLOOK_SCOPES": "MailboxSettings.Read",
        "OUTLOOK_PAGE_SIZE": "7",
    }
    found = offering.offer(app, anna.tenant).registration
    assert found is not None
    assert (found.client_id, found.scopes, found.settings["tenant"]) == (
        "of-env",
        ("MailboxSettings.Read",),
        "organizations",
    )
    row = AppRegistration.objects.create(app="outlook", client_id="of-all")
    counted = registrations.registration_for(app, anna.tenant)
    assert counted is not None
    assert counted.client_id == "of-all"
    assert counted.settings["client_secret"] == "", "nothing of the environment's registration is mixed in"
    assert counted.settings["page_size"] == "7", "other settings of the app stay"
    row.delete()
    AppRegistration.objects.create(app="outlook", tenant=anna.tenant, client_id="of-acme")
    assert registrations.registration_for(app, anna.tenant).client_id == "of-acme"  # type: ignore[union-attr]


def test_an_account_is_renewed_through_the_registration_it_came_through(acme: Tenant, settings: Any) -> None:
    settings.APP_SETTINGS = {"OUTLOOK_CLIENT_ID": "of-env"}
    AppRegistration.objects.create(app="outlook", client_id="of-all")
    AppRegistration.objects.create(app="outlook", tenant=acme, client_id="of-acme")
    account = make_account(acme, app="outlook")
    for known, used in (("", "of-env"), ("of-all", "of-all"), ("of-acme", "of-acme"), ("gone", "of-acme")):
        account.client_id = known
        assert registrations.settings_for(account)["client_id"] == used
    settings.APP_SETTINGS = {}
    account.client_id = ""
    assert registrations.settings_for(account)["client_id"] == "of-acme"


def test_a_key_that_is_lost_is_told(anna: Person, settings: Any) -> None:
    AppRegistration.objects.create(app="outlook", client_id="x", secrets={"client_secret": "y"})
    settings.FIELD_ENCRYPTION_KEYS = ["b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItISE="]
    assert "cannot be opened" in offering.offer(app_of("outlook"), anna.tenant).reason
    [finding] = [one for one in examining.examine(accounts=False) if one.what == "keys"]
    assert not finding.ok
    assert "Outlook for all tenants" in finding.text


def test_changing_keys_takes_registrations_along(settings: Any) -> None:
    row = AppRegistration.objects.create(app="outlook", client_id="x", secrets={"client_secret": "y"})
    settings.FIELD_ENCRYPTION_KEYS = ["b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItISE=", *settings.FIELD_ENCRYPTION_KEYS]
    call_command("rotate_keys")
    settings.FIELD_ENCRYPTION_KEYS = settings.FIELD_ENCRYPTION_KEYS[:1]
    row.refresh_from_db()
    assert row.secrets["client_secret"] == "y"


# ---- when a secret ends


@pytest.mark.parametrize(("days", "told"), [(-1, "ended on"), (12, "in 12 days"), (30, "in 30 days"), (31, "")])
def test_the_end_of_a_secret_is_told_in_time(admin: Client, days: int, told: str) -> None:
    ends = timezone.localdate() + timedelta(days=days)
    AppRegistration.objects.create(app="outlook", client_id="x", secret_expires_on=ends)
    texts = [reminder.text for reminder in registering.reminders()]
    assert (told in " ".join(texts)) if told else texts == []
    findings = [one for one in examining.examine(accounts=False) if one.what == "registration"]
    assert [one.ok for one in findings] == ([days >= 0] if told else []), "wrong only once it has ended"
    assert all("Make a new secret" in one.cure for one in findings)
    assert bool(told) == ("Make a new secret at https://entra.microsoft.com" in run("status")[1])
    assert bool(told) == ("secret of the registration" in admin.get("/admin/").content.decode())


def test_the_environments_secret_ends_too(settings: Any) -> None:
    settings.APP_SETTINGS = {"OUTLOOK_CLIENT_ID": "x", "OUTLOOK_SECRET_EXPIRES_ON": "2020-01-31"}
    [reminder] = registering.reminders()
    assert "the secret of the environment ended on 31 January 2020" in reminder.text
    assert "APP_" in reminder.cure


def test_a_date_that_cannot_be_read_is_told(settings: Any) -> None:
    settings.APP_SETTINGS = {"OUTLOOK_SECRET_EXPIRES_ON": "next year"}
    assert [problem.id for problem in run_checks(tags=[OURS])] == ["connections.E006"]
