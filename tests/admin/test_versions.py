"""Every change of a connection's configuration is kept, and can be gone back to or taken over."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from connections.engine import setup
from connections.models import ConfigurationVersion, Connection, Template
from connections.services import arranging, ending, setting_up
from connections.services.configuration import describing, export, versions
from connections.services.setting_up import CannotSetUp
from syncrules.models import Rule
from syncrules.specs import RuleSpec
from tests.admin.conftest import Apps
from tests.factories import make_account, make_folder, make_tenant, set_rules

pytestmark = pytest.mark.django_db


def change(connection: Connection, **options: Any) -> None:
    Connection.objects.filter(pk=connection.pk).update(**options)
    arranging.configured(connection)


def numbers(connection: Connection) -> list[int]:
    rows = ConfigurationVersion.objects.filter(connection=connection).order_by("number")
    return list(rows.values_list("number", flat=True))


def test_each_change_is_a_version_and_none_is_none(connection: Connection) -> None:
    arranging.configured(connection)
    arranging.configured(connection)
    assert numbers(connection) == [1]
    change(connection, winner="b")
    [line] = versions.step(ConfigurationVersion.objects.get(number=2)).lines
    assert line == "winner: a → b"


def test_a_new_connection_begins_with_a_version(apps: Apps, accounts: Any) -> None:
    a, b = make_folder(accounts[0], "customers"), make_folder(accounts[1], "book")
    made = setting_up.make_connection("fresh", a, b, setting_up.Configuration(), {"match_keys": ["email"]})
    assert ConfigurationVersion.objects.get(connection=made).note == "made"


def test_going_back_restores_options_mappings_and_rules(apps: Apps, connection: Connection) -> None:
    arranging.refresh(connection)
    arranging.configured(connection)
    before = describing.of_connection(connection)
    rule = Rule.objects.filter(connection=connection).first()
    change(connection, winner="b", deletions_a_to_b="delete")
    set_rules(connection, [RuleSpec.from_dict({"name": "Nobody", "direction": "a_to_b", "enabled": False})])
    arranging.copy_default_mappings(connection)
    told = [entry.path for entry in versions.differences(ConfigurationVersion.objects.get(number=1))]
    assert {"winner", "mappings", "rules"} <= set(told)

    versions.go_back(ConfigurationVersion.objects.get(connection=connection, number=1))
    connection.refresh_from_db()
    assert describing.of_connection(connection) == before
    assert rule is not None
    last = ConfigurationVersion.objects.filter(connection=connection).latest("number")
    assert last.note == "went back to version 1"


def test_going_back_finds_a_label_that_was_renamed(apps: Apps, connection: Connection) -> None:
    vip = apps.remotes["anna"].label_id("VIP")
    arranging.refresh(connection)
    rule = {"name": "R", "direction": "a_to_b", "if": [{"label": "VIP", "in": True, "label_id": vip}]}
    set_rules(connection, [RuleSpec.from_dict(rule)])
    arranging.configured(connection)
    version = ConfigurationVersion.objects.filter(connection=connection).latest("number")
    change(connection, winner="b")
    apps.remotes["anna"].tags[vip] = "Gold"
    arranging.forget_answers(connection)
    arranging.refresh(connection)
    assert [entry.path for entry in versions.differences(version)] == ["winner"]
    versions.go_back(version)
    (found,) = setup.rule_specs(connection)
    assert found.conditions[0].label_id == vip


def test_going_back_to_what_no_longer_can_work_changes_nothing(apps: Apps, connection: Connection) -> None:
    arranging.refresh(connection)
    mapped = {"name": "Old", "a": ["gone"], "b": ["note"]}
    version = ConfigurationVersion.objects.create(
        tenant=connection.tenant,
        connection=connection,
        number=1,
        made_by="root@example.com",
        entries={**describing.of_connection(connection), "winner": "b", "mappings": [mapped]},
    )
    with pytest.raises(CannotSetUp, match="gone"):
        versions.go_back(version)
    connection.refresh_from_db()
    assert (connection.winner, connection.default_mappings) == ("a", True)


def test_a_connection_made_like_another_has_its_configuration_and_waits(apps: Apps, connection: Connection) -> None:
    change(connection, winner="b", conflicts="ask")
    set_rules(connection, [RuleSpec.from_dict({"name": "All", "direction": "a_to_b"})])
    customers = make_folder(connection.folder_a.account, "customers")
    made = versions.make_like(connection, "second", customers, connection.folder_b, arranging.NEW)
    old, new = describing.of_connection(connection), describing.of_connection(made)
    assert new == old
    assert made.paused_reason == arranging.NEW


def test_a_template_outlives_its_connection_and_is_for_its_apps_only(apps: Apps, connection: Connection) -> None:
    change(connection, winner="b")
    connection.refresh_from_db()
    template = versions.keep_as_template(connection, "Sales", for_all=False)
    tenant = connection.tenant_id
    a, b = connection.folder_a, connection.folder_b
    ending.remove_for_good(connection)
    assert versions.make_like(template, "again", a, b, arranging.NEW).winner == "b"
    assert list(versions.templates_for(tenant, a.account.app, b.account.app)) == [template]
    assert not versions.templates_for(tenant, "outlook", "hubspot").exists()
    assert not versions.templates_for(make_tenant().pk, a.account.app, b.account.app).exists()


def test_the_admin_names_who_changed_and_goes_back(admin: Client, apps: Apps, synced: Any) -> None:
    connection = Connection.objects.get()
    arranging.refresh(connection)
    arranging.configured(connection)
    page = reverse("admin:connections_connection_default_mappings", args=[connection.pk])
    admin.post(reverse("admin:connections_connection_copy_mappings", args=[connection.pk]))
    version = ConfigurationVersion.objects.get(number=2)
    assert version.made_by == "root@example.com"
    first = ConfigurationVersion.objects.get(number=1)
    seen = admin.get(reverse("admin:connections_configurationversion_change", args=[first.pk])).content.decode()
    assert "What going back to it would change now" in seen
    assert admin.get(page.replace("default-mappings", "change")).status_code == 200
    admin.post(reverse("admin:connections_configurationversion_go_back", args=[first.pk]))
    connection.refresh_from_db()
    assert connection.default_mappings


def test_staff_who_may_not_change_connections_cannot_go_back(staff: Any, apps: Apps, connection: Connection) -> None:
    arranging.configured(connection)
    version = ConfigurationVersion.objects.get()
    client = staff("view_configurationversion")
    page = reverse("admin:connections_configurationversion_go_back", args=[version.pk])
    assert client.post(page).status_code == 403


def test_the_wizard_begins_with_a_template(admin: Client, apps: Apps, connection: Connection) -> None:
    change(connection, winner="b")
    connection.refresh_from_db()
    keep = reverse("admin:connections_connection_keep_as_template", args=[connection.pk])
    admin.post(keep, {"name": "Sales"})
    template = Template.objects.get()
    a, b = connection.folder_a.account, connection.folder_b.account
    page = f"{reverse('admin:connections_connection_add')}?tenant={a.tenant_id}&account_a={a.pk}&account_b={b.pk}"
    assert "Sales" in admin.get(page).content.decode()
    customers = a.folders.get(remote_id="customers") if hasattr(a, "folders") else make_folder(a, "customers")
    form = {"name": "second", "folder_a": customers.pk, "folder_b": connection.folder_b_id}
    answer = admin.post(page, {**form, "direction": "both", "winner": "a", "template": template.pk})
    assert answer.status_code == 302, answer.content.decode()
    assert Connection.objects.get(name="second").winner == "b"


def test_what_is_exported_says_nothing_of_versions(connection: Connection) -> None:
    arranging.configured(connection)
    assert "version" not in export([connection.tenant])


def test_an_account_elsewhere_is_not_offered(connection: Connection) -> None:
    other = make_account(make_tenant(), app=connection.folder_a.account.app)
    app = other.app
    assert not versions.models_for(other.tenant_id, app, app).exists()
    assert versions.models_for(connection.tenant_id, app, app).get() == connection
