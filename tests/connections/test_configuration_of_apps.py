"""App registrations as code."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml

from connections.models import AppRegistration, Tenant
from connections.services.configuration import Application, BadFile, export

pytestmark = pytest.mark.django_db
FILE = """
apps:
  - app: outlook
    client_id: for-all
    client_secret: s3cret
    secret_expires_on: "2030-01-31"
    account_types: organizations
    scopes: [MailboxSettings.Read]
tenants:
  - slug: acme
    apps:
      - {app: outlook, client_id: for-acme, client_secret: "${ACME_SECRET}"}
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_SECRET", "of-acme")


def apply(text: str = FILE) -> list[str]:
    application = Application(text, "site.yaml")
    told = [line for difference in application.differences for line in difference.lines()]
    application.write()
    return told


def test_a_file_registers_for_all_and_for_one_tenant() -> None:
    told = apply()
    assert "+ app registration outlook" in told
    assert "+ app registration acme/outlook" in told
    for_all, for_acme = AppRegistration.objects.order_by("pk")
    assert (for_all.tenant, for_acme.tenant) == (None, Tenant.objects.get())
    assert (for_all.secret_expires_on, for_all.scopes) == (date(2030, 1, 31), ["MailboxSettings.Read"])
    assert [row.secrets["client_secret"] for row in (for_all, for_acme)] == ["s3cret", "of-acme"]
    assert apply() == []


def test_a_secret_entered_by_hand_stays_until_the_files_own_changes() -> None:
    apply()
    row = AppRegistration.objects.get(tenant=None)
    row.secrets = {"client_secret": "by hand"}
    row.save()
    assert apply() == []
    row.refresh_from_db()
    assert row.secrets["client_secret"] == "by hand"
    assert apply(FILE.replace("s3cret", "newer")) == [
        "~ app registration outlook",
        "    its secret is that of the file",
    ]
    row.refresh_from_db()
    assert row.secrets["client_secret"] == "newer"


def test_what_changed_by_hand_is_told_before_it_is_overwritten() -> None:
    apply()
    AppRegistration.objects.filter(tenant=None).update(account_types="common")
    assert any("account_types: common → organizations   (changed by hand" in line for line in apply())


def test_an_entry_that_is_gone_goes_back_to_its_default_and_a_registration_stays() -> None:
    apply()
    assert any("scopes" in line for line in apply(FILE.replace("    scopes: [MailboxSettings.Read]\n", "")))
    assert AppRegistration.objects.get(tenant=None).scopes == []
    apply("tenants: [{slug: acme}]")
    assert AppRegistration.objects.count() == 2


def test_a_file_may_speak_of_apps_alone() -> None:
    apply("apps: [{app: salesforce, client_id: x, client_secret: y}]")
    assert not Tenant.objects.exists()
    assert AppRegistration.objects.get().app == "salesforce"


def test_export_writes_the_same_without_secrets() -> None:
    apply()
    text = export()
    assert "s3cret" not in text
    assert yaml.safe_load(text)["apps"][0]["client_id"] == "for-all"
    assert apply(text) == []
    assert AppRegistration.objects.get(tenant=None).secrets["client_secret"] == "s3cret"


@pytest.mark.parametrize(
    ("entry", "path", "reason"),
    [
        ("{app: carddav, client_id: x}", "apps[0].app", "those that do are"),
        ("{app: outlook}", "apps[0].client_id", "is missing"),
        ("{app: outlook, client_id: x, color: red}", "apps[0].color", "not known"),
        ("{app: outlook, client_id: x, scopes: [Mail.Read]}", "apps[0].scopes", "no optional permission Mail.Read"),
        ("{app: outlook, client_id: x, scopes: all}", "apps[0].scopes", "must be a list"),
        ("{app: outlook, client_id: x, secret_expires_on: soon}", "apps[0].secret_expires_on", "is no day"),
        ("{app: outlook, client_id: x, account_types: a/b}", "apps[0].account_types", "Letters, digits"),
        ("{app: salesforce, client_id: x, account_types: common}", "apps[0].account_types", "knows no types"),
        ("{app: outlook, client_id: x, login_url: 'javascript:1'}", "apps[0].login_url", "valid URL"),
        ("{app: outlook, client_id: x, client_secret: 12}", "apps[0].client_secret", "must be a text"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(entry: str, path: str, reason: str) -> None:
    with pytest.raises(BadFile) as error:
        apply(f"apps: [{entry}]\ntenants: [{{slug: acme}}]")
    assert f"site.yaml: {path}: " in str(error.value)
    assert reason in str(error.value)
    assert not Tenant.objects.exists()


def test_no_secret_stands_in_an_error(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    with pytest.raises(BadFile) as error:
        apply("apps: [{app: outlook, client_secret: swordfish}]")
    assert "swordfish" not in str(error.value)
