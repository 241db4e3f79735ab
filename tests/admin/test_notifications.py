"""What staff see of notifications and webhooks."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import Cause, Notification, OutgoingWebhook, Tenant, User
from tests.admin.conftest import admin, staff  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(tenant: Tenant) -> Notification:
    user = User.objects.create_user("anna@example.com")
    return Notification.objects.create(
        tenant=tenant, user=user, cause=Cause.HELD, key="connection:1", day=timezone.localdate(), state="failed",
        error="The mail server did not take it (X).", facts={"count": 3},
    )  # fmt: skip


def test_what_failed_is_listed_with_its_reason(admin: Client, told: Notification) -> None:  # noqa: F811
    text = admin.get(reverse("admin:connections_notification_changelist") + "?state__exact=failed").content.decode()
    assert "anna@example.com" in text
    assert "The mail server did not take it (X)." in text
    page = admin.get(reverse("admin:connections_notification_change", args=[told.pk])).content.decode()
    assert "connection:1" in page
    assert 'name="_save"' not in page


def test_of_a_webhook_staff_see_the_server_and_neither_path_nor_secret(admin: Client, tenant: Tenant) -> None:  # noqa: F811
    secrets = {"secret": "swordfish"}
    hook = OutgoingWebhook.objects.create(tenant=tenant, url="https://hooks.example/s3cret-path", secrets=secrets)
    pages = [reverse("admin:connections_outgoingwebhook_change", args=[hook.pk])]
    pages.append(reverse("admin:connections_outgoingwebhook_changelist"))
    for where in pages:
        text = admin.get(where).content.decode()
        assert "hooks.example" in text
        assert "s3cret-path" not in text
        assert "swordfish" not in text


def test_a_person_who_was_told_something_can_be_deleted(admin: Client, told: Notification) -> None:  # noqa: F811
    assert told.user is not None
    where = reverse("admin:connections_user_delete", args=[told.user.pk])
    assert admin.post(where, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(email="anna@example.com").exists()
    assert not Notification.objects.exists()
