"""The stop switches in the admin: what they hold is said first, then done, and lifted again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from connections.models import Connection, Stop, Tenant
from connections.services import stopping, syncing

pytestmark = pytest.mark.django_db
ADD = reverse("admin:connections_stop_add")


def entered(what: str, connection: Connection) -> dict[str, Any]:
    scope = {"app": "carddav", "tenant": connection.tenant_id, "connection": connection.pk}
    return {"what": what, "reason": "an outage", **({what: scope[what]} if what in scope else {})}


@pytest.mark.parametrize("what", ["everything", "app", "tenant", "connection"])
def test_a_stop_says_first_what_it_holds(admin: Client, connection: Connection, what: str) -> None:
    form = entered(what, connection)
    shown = admin.post(ADD, form)
    assert "1 connection stands still:" in shown.content.decode()
    assert not Stop.objects.exists()
    made = admin.post(ADD, {**form, "confirmed": "1"}, follow=True)
    text = made.content.decode()
    assert "Nothing of it is sent any more" in text
    switch = Stop.objects.get()
    assert (switch.reason, str(switch.made_by)) == ("an outage", "root@example.com")
    assert stopping.concerned(switch).get() == connection
    assert syncing.why_not(connection).endswith("an outage")
    assert "an outage" in admin.get(reverse("admin:index")).content.decode()  # wherever staff are
    admin.post(reverse("admin:connections_stop_lift", args=[switch.pk]))
    assert syncing.why_not(connection) == ""


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"what": "app", "reason": "an outage"}, "Choose which."),
        ({"what": "tenant", "tenant": "999", "reason": "an outage"}, "not one of the available choices"),
        ({"what": "everything", "reason": " "}, "This field is required"),
        ({"what": "the moon", "reason": "an outage"}, "not one of the available choices"),
    ],
)
def test_a_stop_of_nothing_in_particular_is_refused(admin: Client, form: dict[str, Any], said: str) -> None:
    assert said in admin.post(ADD, {**form, "confirmed": "1"}).content.decode()
    assert not Stop.objects.exists()


def test_two_operators_stop_the_same_once(admin: Client, connection: Connection) -> None:
    stopping.stop("we were first", tenant=connection.tenant)
    answer = admin.post(ADD, {**entered("tenant", connection), "confirmed": "1"})
    assert "That is stopped already." in answer.content.decode()
    assert Stop.objects.get().reason == "we were first"


def test_two_operators_lift_the_same_once(admin: Client, tenant: Tenant) -> None:
    switch = stopping.stop("an outage", tenant=tenant)
    stopping.lift(switch)
    answer = admin.post(reverse("admin:connections_stop_lift", args=[switch.pk]), follow=True)
    assert "Lifted already" in answer.content.decode()


def test_the_form_comes_filled_in_from_the_page_of_a_connection(admin: Client, connection: Connection) -> None:
    where = f"{ADD}?connection={connection.pk}"
    assert where in admin.get(reverse("admin:connections_connection_change", args=[connection.pk])).content.decode()
    text = admin.get(where).content.decode()
    assert f'<option value="{connection.pk}" selected>' in text


def test_who_may_only_look_neither_stops_nor_lifts(staff: Callable[..., Client], tenant: Tenant) -> None:
    looker = staff("view_stop")
    switch = stopping.stop("an outage", tenant=tenant)
    lift = reverse("admin:connections_stop_lift", args=[switch.pk])
    assert looker.get(reverse("admin:connections_stop_change", args=[switch.pk])).status_code == 200
    assert [looker.get(ADD).status_code, looker.post(lift).status_code] == [403, 403]
    switch.refresh_from_db()
    assert switch.lifted_at is None
