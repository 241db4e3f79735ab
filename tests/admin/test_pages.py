"""Every page answers, to those who may see it, and none shows a secret."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import quote
from django.core.checks import run_checks
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.encryption import EncryptedField
from connections.models import Connection, Decision, DeletedConnection, Item, Lease, Run, User
from tests.admin.conftest import SECRET

pytestmark = pytest.mark.django_db


import_module("config.urls")  # registers the pages


def pages() -> list[tuple[str, type[models.Model]]]:
    return [(model._meta.label_lower, model) for model in django_admin.site._registry]


def address(model: type[models.Model], page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def ensure_a_row(model: type[models.Model], run: Run) -> models.Model | None:
    """What the synced connection did not make by itself."""
    if model is Lease:
        Lease.objects.get_or_create(key="connection:0")
    if model is Decision:
        item = Item.objects.filter(folder=run.connection.folder_a).first()
        Decision.objects.get_or_create(connection=run.connection, item_a=item, verdict="exclude")
    if model is DeletedConnection:
        Connection.every.update(deleted_at=timezone.now())
    return model._default_manager.first()


@pytest.mark.parametrize("model", [model for _, model in pages()], ids=[name for name, _ in pages()])
def test_pages_of_every_model_answer_and_show_no_secret(admin: Client, synced: Run, model: type[models.Model]) -> None:
    page: ModelAdmin[Any] = django_admin.site._registry[model]
    row = ensure_a_row(model, synced)
    asked = [address(model, "changelist")]
    if row is not None:
        asked += [address(model, "change", quote(row.pk)), address(model, "history", quote(row.pk))]
    for where in asked:
        answer = admin.get(where)
        assert answer.status_code == 200, where
        assert_no_secret(answer.content.decode())
    request = answer.wsgi_request
    added = admin.get(address(model, "add"))
    assert added.status_code == (200 if page.has_add_permission(request) else 403)
    assert_no_secret(added.content.decode())


def assert_no_secret(text: str) -> None:
    assert SECRET not in text
    for model, field in secret_columns():
        for sealed in model._default_manager.values_list(field, flat=True):
            if sealed is not None and len(sealed):
                assert sealed.sealed not in text


def secret_columns() -> list[tuple[type[models.Model], str]]:
    from django.apps import apps

    return [
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, EncryptedField)
    ]


def test_there_is_a_secret_to_be_kept(synced: Run) -> None:
    found = [row for model, field in secret_columns() for row in model._default_manager.values_list(field, flat=True)]
    assert any(SECRET in row.values() for row in found)


@pytest.mark.parametrize("model", [model for _, model in pages()], ids=[name for name, _ in pages()])
def test_anonymous_visitors_are_asked_to_sign_in(client: Client, synced: Run, model: type[models.Model]) -> None:
    row = ensure_a_row(model, synced)
    for where in [address(model, "changelist"), address(model, "add")] + (
        [address(model, "change", quote(row.pk))] if row else []
    ):
        assert client.get(where).status_code == 302, where


def test_no_form_holds_an_encrypted_field(admin: Client, synced: Run) -> None:
    request = admin.get("/admin/").wsgi_request
    for model, field in secret_columns():
        page = django_admin.site._registry.get(model)
        row = model._default_manager.first()
        if page is None:
            continue
        for shown in (page.get_fields(request, row), page.get_readonly_fields(request, row), page.list_display):
            assert field not in shown


def test_packages_that_would_show_secrets_have_no_pages() -> None:
    registered = {model._meta.label_lower for model in django_admin.site._registry}
    hidden = {"mfa.authenticator", "usersessions.usersession", "social_django.usersocialauth"}
    assert not registered & hidden


def test_the_queue_is_for_superusers(staff: Callable[..., Client], admin: Client) -> None:
    queue = [model for model in django_admin.site._registry if model._meta.app_label == "django_q"]
    assert queue
    names = [f"{verb}_{model._meta.model_name}" for model in queue for verb in ("view", "add", "change", "delete")]
    ordinary = staff(*names)
    for model in queue:
        assert admin.get(address(model, "changelist")).status_code == 200
        assert ordinary.get(address(model, "changelist")).status_code == 403


def test_what_the_engine_owns_can_be_looked_at_only(admin: Client, synced: Run) -> None:
    for name in ("run", "change", "pair", "item", "folder", "label", "lease"):
        model = next(model for label, model in pages() if label == f"connections.{name}")
        row = ensure_a_row(model, synced)
        assert admin.get(address(model, "add")).status_code == 403
        if row is not None:
            assert admin.post(address(model, "change", row.pk), {"state": "done"}).status_code == 403
            assert admin.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_buttons_refuse_who_may_only_look(staff: Callable[..., Client], synced: Run) -> None:
    client = staff("view_run", "view_connection", "view_pair")
    pair = synced.connection.pairs.first()
    assert pair is not None
    assert client.get(f"/admin/connections/run/{synced.pk}/change/").status_code == 200
    for where in (
        f"/admin/connections/run/{synced.pk}/undo/",
        f"/admin/connections/connection/{synced.connection_id}/sync/",
        f"/admin/connections/connection/{synced.connection_id}/copy-mappings/",
        f"/admin/connections/pair/{pair.pk}/retry/",
    ):
        assert client.post(where).status_code == 403, where


def test_buttons_do_nothing_on_a_mere_visit(admin: Client, synced: Run, queue: list[Any]) -> None:
    queue.clear()
    for route in ("sync", "plan", "pause", "resume", "copy-mappings", "default-mappings"):
        assert admin.get(f"/admin/connections/connection/{synced.connection_id}/{route}/").status_code == 403
    assert queue == []


def test_contact_data_is_escaped(admin: Client, synced: Run) -> None:
    pair = synced.connection.pairs.get(item_b__uid="", title__contains="script")
    for where in (
        "/admin/connections/pair/",
        f"/admin/connections/pair/{pair.pk}/change/",
        f"/admin/connections/item/{pair.item_b_id}/change/",
        "/admin/connections/change/",
    ):
        text = admin.get(where).content.decode()
        assert "<script>alert(1)" not in text
        assert "<b>bold" not in text
        assert "alert(1)" in text


def test_pages_say_which_user_adds_and_keep_passwords(admin: Client) -> None:
    answer = admin.post(
        "/admin/connections/user/add/",
        {
            "email": "new@example.com",
            "name": "New",
            "usable_password": "true",
            "password1": "a-long-enough-phrase",
            "password2": "a-long-enough-phrase",
            "memberships-TOTAL_FORMS": 0,
            "memberships-INITIAL_FORMS": 0,
        },
    )
    assert answer.status_code == 302
    made = User.objects.get(email="new@example.com")
    assert made.check_password("a-long-enough-phrase")
    assert made.password not in admin.get(f"/admin/connections/user/{made.pk}/change/").content.decode()


def test_what_staff_may_see_is_decided_in_one_place(
    admin: Client, synced: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing visible no page shows a row: lists, filters, single pages, buttons, set-up, overview, searches."""
    from connections.admin import base

    ours = [model for _, model in pages() if model._meta.app_label == "connections"]
    rows = {model: row for model in ours if (row := ensure_a_row(model, synced)) is not None}
    monkeypatch.setattr(base, "visible", lambda rows, request: rows.none())
    for model in ours:
        changelist = admin.get(address(model, "changelist"))
        assert changelist.context["cl"].result_count == 0, model
        assert "anna" not in changelist.content.decode(), model
    for model, row in rows.items():
        assert admin.get(address(model, "change", row.pk)).status_code == 302, model
        assert admin.get(address(model, "history", row.pk)).status_code == 302, model
    assert admin.post(f"/admin/connections/run/{synced.pk}/undo/").status_code == 403
    assert synced.connection.name not in admin.get("/admin/").content.decode()
    assert "Acme" not in admin.get("/admin/connections/connection/add/").content.decode()
    found = admin.get("/admin/autocomplete/?app_label=connections&model_name=membership&field_name=tenant&term=a")
    assert found.json()["results"] == []


def test_every_page_of_a_demo_says_that_it_is_one(admin: Client, client: Client, settings: Any) -> None:
    settings.DEMO = True
    signing_in = client.get(reverse("account_login")).content.decode()
    for page in (admin.get(reverse("admin:index")).content.decode(), signing_in):
        assert "Demo: made-up people" in page
    settings.DEMO = False
    assert "Demo:" not in admin.get(reverse("admin:index")).content.decode()


def test_system_checks_find_nothing_wrong_with_the_pages() -> None:
    assert run_checks(include_deployment_checks=False) == []
