"""How the contacts of a connection are, who is who, and what people decide about it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from connections.models import Connection, Decision, Pair, Run
from connections.services import neighbours, syncing
from syncrules.models import Rule
from tests.admin.conftest import Apps
from tests.admin.test_working import messages_of
from tests.factories import make_account, make_connection, make_folder, make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def page(admin: Client, connection: Connection, name: str, **query: str) -> str:
    return admin.get(reverse(f"admin:connections_connection_{name}", args=[connection.pk]), query).content.decode()


def decide(admin: Client, pair: Pair, **values: Any) -> str:
    return messages_of(admin.post(reverse("admin:connections_pair_decide", args=[pair.pk]), values, follow=True))


def again(connection: Connection) -> Run:
    return syncing.sync(Connection.objects.get(pk=connection.pk))


def namesakes(apps: Apps, connection: Connection) -> Pair:
    """One on each side with the same role address and another name, of whom nobody can tell who is who."""
    apps.remotes["anna"].add({"givenName": "Jo", "emailAddresses": [{"value": "info@example.com"}]})
    apps.remotes["dav"].add({"given": "Kim", "emails": [{"value": "info@example.com"}]})
    again(connection)
    return Pair.objects.get(connection=connection, title="Jo")


def test_every_state_has_its_count_its_causes_and_what_to_do(admin: Client, synced: Run) -> None:
    Pair.objects.filter(title__contains="Grace").update(health="failed", reason="The app said no.")
    text = page(admin, synced.connection, "health")
    for wanted in ("In sync: 2", "Failed: 1", "The app said no.", "tried again by themselves", "Excluded: 1", "<svg"):
        assert wanted in text, wanted


def test_all_that_failed_for_one_cause_is_tried_again(admin: Client, synced: Run) -> None:
    Pair.objects.filter(title__contains="Grace").update(health="failed", reason="no", pending=True, next_at=9e9)
    url = reverse("admin:connections_connection_retry_cause", args=[synced.connection_id])
    assert "1 are tried again" in messages_of(admin.post(url, {"reason": "no"}, follow=True))
    assert Pair.objects.get(title__contains="Grace").next_at == 0
    assert "0 are tried again" in messages_of(admin.post(url, {"reason": "another"}, follow=True))


def test_a_connection_that_never_ran_says_so(admin: Client, connection: Connection) -> None:
    assert "No contact has been looked at yet" in page(admin, connection, "health")


def test_the_queue_shows_both_with_what_they_have_in_common(
    admin: Client, apps: Apps, connection: Connection, queue: list[Any]
) -> None:
    namesakes(apps, connection)
    text = page(admin, connection, "review")
    for wanted in ("Jo", "Kim", "the same email: info@example.com", "The same person", "Two people"):
        assert wanted in text, wanted
    assert text.count("The same person</button>") == 1, "once, not from both sides"


@pytest.mark.parametrize(("verdict", "people"), [("same", 1), ("apart", 2)])
def test_a_decision_leads_back_to_the_queue_and_is_never_asked_for_again(
    admin: Client, apps: Apps, connection: Connection, queue: list[Any], verdict: str, people: int
) -> None:
    pair = namesakes(apps, connection)
    other = connection.folder_b.items.get(title="Kim")
    told = decide(admin, pair, verdict=verdict, other=other.pk, next="review")
    assert "Decided" in told
    again(connection)
    again(connection)
    assert len(apps.remotes["dav"].rows()) == len(apps.remotes["anna"].rows()) == people
    assert "Nobody waits for a decision here" in page(admin, connection, "review")


def test_two_who_were_paired_become_two_people_and_one_again(admin: Client, apps: Apps, synced: Run) -> None:
    ada = Pair.objects.get(title="Ada Byron")
    decide(admin, ada, verdict="exclude")
    again(synced.connection)
    assert set(Pair.objects.filter(title="Ada Byron").values_list("health", flat=True)) == {"excluded"}
    before = len(apps.remotes["dav"].rows())
    Decision.objects.get().delete()
    Pair.objects.filter(title="Ada Byron").update(pending=True)
    again(synced.connection)
    assert Pair.objects.get(title="Ada Byron").health == "in_sync"
    assert len(apps.remotes["dav"].rows()) == before


def test_a_contact_is_linked_to_another_that_was_searched_for(admin: Client, apps: Apps, synced: Run) -> None:
    ada = Pair.objects.get(title="Ada Byron")
    text = admin.get(reverse("admin:connections_pair_change", args=[ada.pk]), {"link": "Nobody"}).content.decode()
    assert "Nobody Keyless" in text
    keyless = synced.connection.folder_b.items.get(title="Nobody Keyless")
    old = ada.item_b_id
    decide(admin, ada, verdict="same", other=keyless.pk)
    again(synced.connection)
    ada.refresh_from_db()
    assert (ada.item_b_id, ada.health) == (keyless.pk, "in_sync")
    assert Pair.objects.get(item_b=old).health == "excluded"


def test_a_contact_of_another_tenant_is_neither_found_nor_linked(admin: Client, synced: Run) -> None:
    other = make_account(make_tenant(slug="globex"), name="theirs")
    stranger = make_folder(other, "x").items.create(remote_id="s", title="Nobody Stranger")
    ada = Pair.objects.get(title="Ada Byron")
    text = admin.get(reverse("admin:connections_pair_change", args=[ada.pk]), {"link": "Stranger"}).content.decode()
    assert "Nobody Stranger" not in text
    assert "already" in decide(admin, ada, verdict="same", other=stranger.pk)
    assert not Decision.objects.exists()


def test_other_connections_of_a_person_and_settings_that_contradict_are_named(
    admin: Client, apps: Apps, accounts: Any, synced: Run, queue: list[Any]
) -> None:
    folder = make_folder(accounts[0], "customers")
    second = make_connection(folder, synced.connection.folder_b, name="second", winner="b", deletions_a_to_b="delete")
    for connection, value in ((synced.connection, "lead"), (second, "customer")):
        action = {"set": {"field": "role", "value": value}}
        Rule.objects.create(connection=connection, name="x", direction="a_to_b", actions=[action])
    again(second)
    ada = Pair.objects.get(title="Ada Byron", connection=synced.connection)
    text = admin.get(reverse("admin:connections_pair_change", args=[ada.pk])).content.decode()
    assert "Also held by" in text
    assert "second" in text
    found = " ".join(neighbours.contradictions(synced.connection))
    for wanted in ("values of", "A deletion elsewhere", "set role of"):
        assert wanted in found, wanted
    assert "A deletion elsewhere" in page(admin, synced.connection, "health")


def test_the_pages_cost_few_queries_however_many_wait(
    admin: Client, apps: Apps, connection: Connection, queue: list[Any]
) -> None:
    namesakes(apps, connection)
    for number in range(14):
        apps.remotes["anna"].add({"givenName": f"Jo{number}", "emailAddresses": [{"value": "info@example.com"}]})
    again(connection)
    for name, most in (("review", 20), ("health", 20)):
        with CaptureQueriesContext(database) as queries:
            page(admin, connection, name)
        assert len(queries) < most, name
