"""An operator sets a connection up, from credentials to the first run, without typing an id or a field key."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client

from connections.admin.accounts import CREDENTIAL
from connections.models import Account, AccountState, Connection, DeclaredField, Folder, Tenant
from connections.services import arranging, background, syncing
from connectors.base import AuthLost, Field, Unavailable, Unsupported
from syncrules.models import FieldMapping, Rule
from tests.admin.conftest import SECRET, Apps, fill

pytestmark = pytest.mark.django_db

ADD = "/admin/connections/connection/add/"


def form_of(client: Client, where: str, form_id: str) -> dict[str, Any]:
    """What a browser would send back untouched, with every select and box as the page shows it."""
    text = client.get(where).content.decode()
    form = text[text.index(f'id="{form_id}"') :]
    form = form[: form.index("</form>")]
    data: dict[str, list[str]] = {}
    for tag in re.finditer(r"<input\b[^>]*>", form):
        name, value = attribute(tag[0], "name"), attribute(tag[0], "value")
        kind = attribute(tag[0], "type")
        if not name or kind in ("submit", "button") or (kind in ("checkbox", "radio") and " checked" not in tag[0]):
            continue
        data.setdefault(name, []).append(value or ("on" if kind == "checkbox" else ""))
    for name, body in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', form, re.S):
        chosen = re.findall(r'<option value="([^"]*)"[^>]* selected', body)
        first = re.findall(r'<option value="([^"]*)"', body)
        data.setdefault(name, []).append((chosen or first or [""])[0])
    for name, body in re.findall(r'<textarea name="([^"]+)".*?>\n?(.*?)</textarea>', form, re.S):
        data.setdefault(name, []).append(body)
    return dict(data)


def attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return str(found[1]) if found else ""


def option(text: str, select: str, label: str) -> str:
    """The value of the option that a person finds by its label."""
    body = re.search(rf'<select name="{re.escape(select)}".*?</select>', text, re.S)
    assert body, select
    found = re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)</option>', body[0])
    matching: list[str] = [value for value, shown in found if label in shown]
    assert matching, (label, found)
    return matching[0]


def test_account_credentials_go_in_and_never_come_out(admin: Client, tenant: Tenant) -> None:
    assert "CardDAV" in admin.get("/admin/connections/account/add/").content.decode()
    where = "/admin/connections/account/add/?app=carddav"
    data = {"tenant": tenant.pk, "name": "dav", "base_url": "https://dav.example.com/", "shared": "on"}
    missing = admin.post(where, data)
    assert "needs this" in missing.content.decode()
    answer = admin.post(where, {**data, f"{CREDENTIAL}username": "anna", f"{CREDENTIAL}password": SECRET})
    assert answer.status_code == 302
    account = Account.objects.get(name="dav")
    assert dict(account.secrets) == {"username": "anna", "password": SECRET}
    page = admin.get(f"/admin/connections/account/{account.pk}/change/").content.decode()
    assert SECRET not in page
    assert "leave empty to keep it" in page


def test_a_form_with_errors_does_not_send_credentials_back(admin: Client, tenant: Tenant) -> None:
    data = {"tenant": tenant.pk, "name": "", f"{CREDENTIAL}username": "annas-name", f"{CREDENTIAL}password": SECRET}
    text = admin.post("/admin/connections/account/add/?app=carddav", data).content.decode()
    assert "correct the error" in text
    assert SECRET not in text
    assert "annas-name" not in text


def test_empty_credentials_keep_what_is_stored(admin: Client, accounts: tuple[Account, Account]) -> None:
    account = accounts[1]
    where = f"/admin/connections/account/{account.pk}/change/"
    admin.post(where, {**form_of(admin, where, "account_form"), "name": "dav2"})
    account.refresh_from_db()
    assert account.name == "dav2"
    assert (account.secrets["password"], account.token_version) == (SECRET, 1)
    admin.post(where, {**form_of(admin, where, "account_form"), f"{CREDENTIAL}password": "another"})
    account = Account.objects.get(pk=account.pk)
    assert dict(account.secrets) == {"username": "anna", "password": "another"}
    assert account.token_version == 2


def test_new_credentials_wake_an_account_that_lost_its_grant(admin: Client, accounts: tuple[Account, Account]) -> None:
    account = accounts[1]
    Account.objects.filter(pk=account.pk).update(state=AccountState.NEEDS_AUTHORISATION, reason="wrong password")
    where = f"/admin/connections/account/{account.pk}/change/"
    admin.post(where, {**form_of(admin, where, "account_form"), f"{CREDENTIAL}password": "right"})
    account = Account.objects.get(pk=account.pk)
    assert (account.state, account.reason) == (AccountState.ACTIVE, "")


def test_the_test_button_asks_the_app(admin: Client, apps: Apps, accounts: tuple[Account, Account]) -> None:
    where = f"/admin/connections/account/{accounts[1].pk}/test/"
    assert "works: the app knows it as somebody" in admin.post(where, follow=True).content.decode()
    apps.down["dav"] = AuthLost("The password is wrong; enter it again.")
    assert "The password is wrong" in admin.post(where, follow=True).content.decode()
    assert Account.objects.get(pk=accounts[1].pk).state == AccountState.NEEDS_AUTHORISATION


def test_a_connection_is_set_up_from_live_folders_and_runs(
    admin: Client, apps: Apps, accounts: tuple[Account, Account], queue: list[Any]
) -> None:
    fill(apps)
    tenant, (anna, dav) = accounts[0].tenant, accounts
    assert tenant.name in admin.get(ADD).content.decode()
    second = admin.get(ADD, {"tenant": tenant.pk}).content.decode()
    assert option(second, "account_a", "anna") == str(anna.pk)
    where = f"{ADD}?tenant={tenant.pk}&account_a={anna.pk}&account_b={dav.pk}"
    third = admin.get(where).content.decode()
    data = {
        "name": "outlook-to-dav",
        "folder_a": option(third, "folder_a", "contacts — 2 contacts"),
        "folder_b": option(third, "folder_b", "book — 3 contacts"),
        "direction": "both",
        "winner": "a",
    }
    answer = admin.post(where, data)
    made = Connection.objects.get(name="outlook-to-dav")
    assert answer["Location"] == f"/admin/connections/connection/{made.pk}/change/"
    assert made.paused_reason == arranging.NEW
    assert [rule.direction for rule in made.rules.all()] == ["a_to_b", "b_to_a"]
    admin.post(f"/admin/connections/connection/{made.pk}/plan/")
    task, *arguments = queue[-1]
    assert task.endswith("background.plan")
    background.plan(*arguments)
    planned = made.runs.get()
    assert (planned.state, planned.preview) == ("planned", True)
    assert "create on dav" in admin.get(f"/admin/connections/run/{planned.pk}/change/").content.decode()
    assert not apps.remotes["dav"].written
    admin.post(f"/admin/connections/connection/{made.pk}/resume/")
    made.refresh_from_db()
    assert syncing.sync(made).state == "done"
    assert apps.remotes["dav"].written["create"] == 1


def test_folders_are_nested_and_an_unreachable_account_shows_those_seen_last(
    admin: Client, apps: Apps, accounts: tuple[Account, Account]
) -> None:
    anna, dav = accounts
    Folder.objects.create(tenant=dav.tenant, account=dav, remote_id="old", name="old", path="seen before")
    apps.down["dav"] = Unavailable("The server does not answer. It will be tried again.")
    where = f"{ADD}?tenant={dav.tenant_id}&account_a={anna.pk}&account_b={dav.pk}"
    text = admin.get(where).content.decode()
    assert "Account dav cannot be asked now: The server does not answer." in text
    assert option(text, "folder_b", "seen before")


def test_one_folder_on_both_sides_is_refused_with_a_sentence(
    admin: Client, apps: Apps, accounts: tuple[Account, Account]
) -> None:
    anna = accounts[0]
    where = f"{ADD}?tenant={anna.tenant_id}&account_a={anna.pk}&account_b={anna.pk}"
    folder = option(admin.get(where).content.decode(), "folder_a", "contacts")
    data = {"name": "loop", "folder_a": folder, "folder_b": folder, "direction": "both", "winner": "a"}
    assert "Both sides are the same folder" in admin.post(where, data).content.decode()
    assert not Connection.objects.exists()


def test_folders_that_are_connected_already_are_refused_with_a_sentence(
    admin: Client, apps: Apps, connection: Connection
) -> None:
    a, b = connection.folder_b, connection.folder_a  # the other way round
    where = f"{ADD}?tenant={connection.tenant_id}&account_a={a.account_id}&account_b={b.account_id}"
    data = {"name": "twice", "folder_a": a.pk, "folder_b": b.pk, "direction": "both", "winner": "a"}
    assert "are connected already, by both" in admin.post(where, data).content.decode()
    free = Folder.objects.get(remote_id="customers")
    data = {**data, "name": "both", "folder_b": free.pk}
    assert "has a connection of this name already" in admin.post(where, data).content.decode()
    assert Connection.objects.count() == 1


def test_accounts_of_another_tenant_cannot_be_chosen(
    admin: Client, apps: Apps, accounts: tuple[Account, Account]
) -> None:
    from tests.factories import make_account

    stranger = make_account()
    where = f"{ADD}?tenant={accounts[0].tenant_id}&account_a={accounts[0].pk}&account_b={stranger.pk}"
    text = admin.get(where).content.decode()
    assert "Between which accounts?" in text
    assert stranger.name not in text


# ---- editing


def page_of(connection: Connection) -> str:
    return f"/admin/connections/connection/{connection.pk}/change/"


def save(client: Client, connection: Connection, **changed: Any) -> str:
    data = form_of(client, page_of(connection), "connection_form")
    data = {name: value for name, value in data.items() if "__prefix__" not in name}
    answer = client.post(page_of(connection), {**data, **changed})
    return "" if answer.status_code == 302 else answer.content.decode()


def test_saving_untouched_changes_nothing(admin: Client, apps: Apps, connection: Connection, queue: list[Any]) -> None:
    admin.post(f"{page_of(connection)}../copy-mappings/")
    connection.refresh_from_db()
    before, version = list(FieldMapping.objects.values()), connection.config_version
    rules = list(Rule.objects.values())
    assert save(admin, connection) == ""
    connection.refresh_from_db()
    assert list(FieldMapping.objects.values()) == before
    assert list(Rule.objects.values()) == rules
    assert connection.config_version == version


def test_an_unreachable_account_leaves_the_stored_catalogue(
    admin: Client, apps: Apps, connection: Connection, queue: list[Any]
) -> None:
    admin.get(page_of(connection))
    from django.core.cache import cache

    cache.clear()
    apps.down["anna"] = Unavailable("The app does not answer.")
    text = admin.get(page_of(connection)).content.decode()
    assert (
        "Account anna cannot be asked now, so its fields and labels are those seen last: The app does not answer."
        in text
    )
    rule = f"/admin/connections/connection/{connection.pk}/rule/?direction=a_to_b"
    assert "Company" in admin.get(rule).content.decode()


def test_looking_again_asks_the_apps_only_when_told_to(admin: Client, apps: Apps, connection: Connection) -> None:
    admin.get(page_of(connection))
    asked = len(apps.asked)
    admin.get(page_of(connection))
    assert len(apps.asked) == asked
    apps.remotes["anna"].label_id("Brand new")
    choices = f"/admin/connections/connection/{connection.pk}/rule-choices/?side=a&subject=label"
    assert admin.get(choices).json()["names"] == []
    admin.post(f"/admin/connections/connection/{connection.pk}/ask-again/")
    admin.get(page_of(connection))
    assert admin.get(choices).json()["names"] == ["Brand new"]


@pytest.mark.django_db(transaction=True)
def test_a_declared_field_is_tried_when_it_is_saved(
    admin: Client, apps: Apps, accounts: tuple[Account, Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    def tried(folder: str, field: Field) -> None:
        assert not database.in_atomic_block
        raise Unsupported(f"The app does not take {field.label!r} as the name of a field.")

    where = f"/admin/connections/account/{accounts[0].pk}/change/"
    declared = {"declared_fields-TOTAL_FORMS": 1, "declared_fields-0-name": "Tier", "declared_fields-0-type": "text"}
    monkeypatch.setattr(apps.remotes["anna"], "try_declared", tried, raising=False)
    answer = admin.post(where, {**form_of(admin, where, "account_form"), **declared}, follow=True)
    told = " ".join(str(message) for message in answer.context["messages"])
    assert "does not take 'Tier' as the name of a field" in told
    row = DeclaredField.objects.get()
    assert (row.tenant, row.account) == (accounts[0].tenant, accounts[0])


@pytest.mark.django_db(transaction=True)
def test_no_app_is_asked_inside_a_transaction(
    admin: Client, apps: Apps, accounts: tuple[Account, Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connections.scheduling.async_task", lambda *call: None)
    apps.strict = True
    tenant, (anna, dav) = accounts[0].tenant, accounts
    where = f"{ADD}?tenant={tenant.pk}&account_a={anna.pk}&account_b={dav.pk}"
    text = admin.get(where).content.decode()
    sides = (("folder_a", "contacts"), ("folder_b", "book"))
    folders = {name: option(text, name, label) for name, label in sides}
    assert admin.post(where, {"name": "x", "direction": "both", "winner": "a", **folders}).status_code == 302
    made = Connection.objects.get()
    assert save(admin, made, interval=60) == ""
    admin.post(f"/admin/connections/account/{anna.pk}/test/")
    assert len(apps.asked) >= 6
