"""A person who asked to be forgotten is gone in every app and in every table, and stays so."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.apps import apps as installed_apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection as database
from django.db import models

from connections import host
from connections.engine.leases import claim
from connections.models import Change, Connection, Forgetting, ForgottenKey, Handling, Item, Pair, Run, Tenant, User
from connections.services import forgetting, rotating, syncing, undoing
from connectors.base import Unavailable
from tests.apps import FILE, Apps, installed, run
from tests.connections.test_configuration import apply
from tests.factories import make_account, make_folder, make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def apps(monkeypatch: pytest.MonkeyPatch) -> Apps:
    return installed(monkeypatch)


@pytest.fixture
def people(apps: Apps) -> Connection:
    apply(FILE)
    for name in ("Zelda", "Bob"):
        apps.person(name, givenName=f"{name}", surname="Quux")
    apps.person("Cleo", "dav")
    syncing.sync(Connection.objects.get())
    return Connection.objects.get()


def forget(tenant: Tenant, text: str = "zelda@example.com") -> str:
    (one,) = forgetting.people(tenant, text)
    return forgetting.carry_out(forgetting.ask(tenant, one))


def everything_stored() -> str:
    """All that any of our tables holds, as one text."""
    parts = []
    for model in installed_apps.get_models():
        if model._meta.proxy:
            continue
        columns = ", ".join(f'"{field.column}"' for field in model._meta.local_concrete_fields)
        with database.cursor() as cursor:
            cursor.execute(f'SELECT {columns} FROM "{model._meta.db_table}"')  # noqa: S608 - our own tables
            parts.append(str(cursor.fetchall()))
    return " ".join(parts).lower()


def test_nothing_of_the_person_is_left_anywhere_but_a_hash(apps: Apps, people: Connection) -> None:
    syncing.preview(people)
    apps.dav.edit(*_row(apps, "dav", "Zelda"), title="Queen of everything")
    syncing.sync(people)
    undoing.undo_run(Run.objects.latest("id"))
    Run.objects.filter(connection=people).update(message="Zelda Quux was here", losses=[{"samples": ["Zelda Quux"]}])
    Handling.objects.create(tenant=people.tenant, key="held:run:1", note="ask Zelda Quux first")
    Pair.objects.filter(title__contains="Cleo").update(reason="could be Zelda Quux on the other side")
    assert "zelda" in everything_stored()
    assert forget(people.tenant) == "1 deleted in anna; 1 deleted in dav"
    assert (apps.contents("anna"), apps.contents("dav")) == (["Bob", "Cleo"], ["Bob", "Cleo"])
    stored = everything_stored()
    assert "zelda" not in stored
    assert "queen of everything" not in stored
    assert "bob@example.com" in stored
    assert ForgottenKey.objects.count() > 0
    assert all(re.fullmatch("[0-9a-f]{64}", key.digest) for key in ForgottenKey.objects.all())


def test_what_staff_did_to_other_things_stays_in_their_log(apps: Apps, people: Connection, admin_user: User) -> None:
    """Whoever is called like a tenant, or like a contact of another one, takes no log of it along."""
    pair = Pair.objects.get(title__contains="Zelda")
    elsewhere = make_tenant(slug="zelda-quux", name="Zelda Quux and Sons")
    folder = make_folder(make_account(elsewhere), "contacts")
    namesake = Item.objects.create(folder=folder, remote_id="1", title="Zelda Quux of elsewhere")
    for row in (pair, elsewhere, namesake):
        LogEntry.objects.log_actions(admin_user.pk, [row], CHANGE, "looked over", single_object=True)
    forget(people.tenant)
    assert set(LogEntry.objects.values_list("object_repr", "change_message")) == {
        ("(forgotten)", ""),
        (str(elsewhere), "looked over"),
        (str(namesake), "looked over"),
    }


def _row(apps: Apps, remote: str, name: str) -> tuple[str]:
    first = "givenName" if remote == "anna" else "given"
    rows = apps.remotes[remote].rows()
    return (next(key for key, row in rows.items() if row.values.get(first) == name),)


def test_the_person_is_never_created_again_whoever_brings_them_back(apps: Apps, people: Connection) -> None:
    forget(people.tenant)
    apps.person("zelda", "dav", family="Another")
    run = syncing.sync(people, full=True)
    assert run.state == "done", run.message
    assert apps.contents("anna") == ["Bob", "Cleo"]
    assert not Item.objects.filter(title__icontains="zelda").exists()


def test_a_known_contact_that_takes_the_address_over_is_not_created_either(apps: Apps, people: Connection) -> None:
    key = apps.dav.add({"given": "Nobody", "family": "Keyless"})
    syncing.sync(people)
    forget(people.tenant)
    apps.dav.edit(key, emails=[{"value": "Zelda@Example.com"}])
    syncing.sync(people)
    assert apps.contents("anna") == ["Bob", "Cleo"]
    assert "forgotten" in Pair.objects.get(title__contains="Keyless").reason


def test_others_with_the_same_switchboard_or_company_are_not_forgotten(apps: Apps, people: Connection) -> None:
    shared = [{"value": "info@example.com"}, {"value": "zoe@example.com"}]
    apps.anna.add({"givenName": "Zoe", "surname": "Z", "companyName": "Acme", "emailAddresses": shared})
    syncing.sync(people)
    forget(people.tenant, "zoe@example.com")
    apps.anna.add({"givenName": "Yan", "emailAddresses": [{"value": "info@example.com"}], "companyName": "Acme"})
    syncing.sync(people)
    assert "Yan" in apps.contents("dav")


def test_a_write_without_an_answer_is_waited_for(apps: Apps, people: Connection, monkeypatch: Any) -> None:
    pair = Pair.objects.get(title__contains="Zelda")
    now = host.SystemClock().now()
    change = Change.objects.filter(pair=pair, kind="create").get()
    Change.objects.filter(pk=change.pk).update(state="unknown", sent_at=now)
    abilities = apps.dav.capabilities
    monkeypatch.setattr(apps.dav, "capabilities", type(abilities)(settle_after=600.0))
    with pytest.raises(forgetting.NotYet, match="not answered yet"):
        forget(people.tenant)
    asked = Forgetting.objects.get()
    assert (asked.done_at, "Not finished" in asked.message) == (None, True)
    assert "Zelda" in apps.contents("dav")
    Change.objects.filter(pk=change.pk).update(sent_at=now - 601)
    assert "deleted in dav" in forgetting.carry_out(asked)
    assert "Zelda" not in apps.contents("dav")


def test_it_waits_for_a_run_and_for_an_app_that_does_not_answer(apps: Apps, people: Connection) -> None:
    lease = claim(f"connection:{people.pk}", "somebody", host.SystemClock())
    assert lease is not None
    with pytest.raises(forgetting.NotYet, match="under way"):
        forget(people.tenant)
    lease.release()
    apps.broken["dav"] = Unavailable("The app does not answer.")
    (asked,) = forgetting.unfinished()
    with pytest.raises(forgetting.NotYet, match="does not answer"):
        forgetting.carry_out(asked)
    assert Item.objects.filter(title__icontains="zelda").exists()
    apps.broken.clear()
    asked.refresh_from_db()
    forgetting.carry_out(asked)
    assert apps.contents("dav") == ["Bob", "Cleo"]
    assert list(forgetting.unfinished()) == []


def test_where_nothing_may_be_deleted_it_says_so_and_erases_the_rest(
    apps: Apps, people: Connection, monkeypatch: Any
) -> None:
    abilities = apps.dav.capabilities
    monkeypatch.setattr(apps.dav, "capabilities", type(abilities)(can_delete=False))
    assert "dav does not let Pairwise delete: look for 1 records there by hand" in forget(people.tenant)
    assert "Zelda" in apps.contents("dav")
    syncing.sync(people, full=True)
    assert apps.contents("anna") == ["Bob", "Cleo"]
    assert "zelda" not in everything_stored()


def test_another_tenant_is_not_concerned(apps: Apps, people: Connection) -> None:
    other = make_tenant()
    assert forgetting.people(other, "zelda@example.com") == []
    ids = list(Item.objects.filter(title__contains="Zelda").values_list("id", flat=True))
    assert forgetting.person(other, ids).items == []
    forget(people.tenant)
    assert not forgetting.is_forgotten(other, "zelda@example.com")
    assert forgetting.is_forgotten(Tenant.objects.get(pk=people.tenant_id), " Zelda@example.com")


def test_the_hashes_outlive_a_change_of_keys(apps: Apps, people: Connection, settings: Any) -> None:
    forget(people.tenant)
    old = settings.FIELD_ENCRYPTION_KEYS[0]
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), old]
    rotating.rotate()
    settings.FIELD_ENCRYPTION_KEYS = settings.FIELD_ENCRYPTION_KEYS[:1]
    assert forgetting.is_forgotten(Tenant.objects.get(), "zelda@example.com")


def test_whoever_is_let_in_again_is_created_again(apps: Apps, people: Connection) -> None:
    forget(people.tenant)
    Forgetting.objects.all().delete()
    apps.person("Zelda", "dav")
    syncing.sync(people)
    assert "Zelda" in apps.contents("anna")


def test_the_command_shows_first_and_does_it_when_told_so(apps: Apps, people: Connection) -> None:
    code, text = run("forget", "acme", "zelda@example.com")
    assert (code, "cannot be undone" in text, "in dav" in text) == (3, True, True)
    assert "Zelda" in apps.contents("dav")
    assert run("forget", "acme", "zelda@example.com", "--yes")[0] == 0
    assert "Zelda" not in apps.contents("dav")
    code, text = run("forget", "acme", "zelda@example.com")
    assert (code, "forgotten already" in text) == (2, True)
    assert run("forget", "nowhere", "zelda@example.com")[0] == 2


def test_models_that_could_hold_contact_data_are_all_looked_at() -> None:
    """A new table must be thought of here and in `forgetting`."""
    texts = (models.TextField, models.JSONField)
    ours = installed_apps.get_app_config("connections").get_models()
    holding = {model.__name__ for model in ours if any(isinstance(field, texts) for field in model._meta.local_fields)}
    assert holding <= {
        "Account", "AppRegistration", "Change", "ConfigurationVersion", "Connection", "ConnectionDraft", "Folder",
        "Forgetting", "Handling", "Item", "Notification", "OutgoingWebhook", "Pair", "Run", "Template", "Tenant",
    }  # fmt: skip
