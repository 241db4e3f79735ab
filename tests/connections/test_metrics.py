"""Figures for Prometheus: who may read them, what they count, and that they cost the same however much there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from connections.models import Account, Cause, Item, Notification, OutgoingWebhook, Pair
from connections.services import stopping
from tests.factories import make_account, make_connection, make_folder, make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
GRAFANA = Path(__file__).resolve().parent.parent.parent / "docs" / "grafana"
TOKEN = "a-token-for-tests"


@pytest.fixture(autouse=True)
def reader(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    cache.delete("metrics:contacts")


def read(client: Client) -> dict[str, dict[tuple[str, ...], float]]:
    answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {one.name: {tuple(sample.labels.values()): sample.value for sample in one.samples} for one in families}


def populate(count: int) -> None:
    tenant = make_tenant()
    for number in range(count):
        account, other = make_account(tenant, app="outlook"), make_account(tenant, app="hubspot")
        made = make_connection(make_folder(account), make_folder(other), paused_reason="later" if number == 0 else "")
        item = Item.objects.create(folder=made.folder_a, remote_id="1", title="Ada Lovelace")
        Pair.objects.create(connection=made, item_a=item, health="in_sync", title="Ada Lovelace")
    Account.objects.filter(app="hubspot").update(state="needs_auth")
    webhook = OutgoingWebhook.objects.create(tenant=tenant, url="https://hooks.example.com/x")
    Notification.objects.create(tenant=tenant, webhook=webhook, cause=Cause.HELD, key="x", day="2026-01-01")


def test_it_counts_what_there_is_and_names_nobody(client: Client) -> None:
    populate(3)
    stopping.stop("an outage", app="salesforce")
    found = read(client)
    assert found["pairwise_connections"] == {("outlook", "hubspot", "paused"): 1, ("outlook", "hubspot", "auth"): 2}
    assert found["pairwise_accounts"] == {("outlook", "active"): 3, ("hubspot", "needs_auth"): 3}
    assert found["pairwise_contacts"]["in_sync",] == 3
    assert found["pairwise_stops"] == {(): 1}
    assert found["pairwise_notifications"] == {("failed",): 0, ("waiting",): 1}
    text = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).content.decode()
    assert "Ada" not in text
    assert "hooks.example.com" not in text


def test_it_asks_the_database_as_often_for_many_as_for_few(client: Client) -> None:
    counts = []
    for number in (1, 9):
        populate(number)
        cache.delete("metrics:contacts")
        with CaptureQueriesContext(connection) as captured:
            read(client)
        counts.append(len(captured))
    assert counts[0] == counts[1] < 25


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"])
def test_nobody_without_the_token_learns_that_it_is_there(client: Client, given: str) -> None:
    assert client.get("/metrics", headers={"authorization": given}).status_code == 404


@pytest.mark.parametrize(
    ("url", "proxies", "peer", "status"),
    [
        ("http://localhost:8000", 0, "127.0.0.1", 200),
        ("http://localhost:8000", 0, "10.0.0.7", 404),
        ("http://localhost:8000", 1, "127.0.0.1", 404),
        ("https://pairwise.example.com", 0, "127.0.0.1", 404),
    ],
)
def test_without_a_token_only_an_installation_of_this_machine_answers_this_machine(
    client: Client, settings: Any, url: str, proxies: int, peer: str, status: int
) -> None:
    settings.METRICS_TOKEN, settings.PUBLIC_URL, settings.TRUSTED_PROXIES = "", url, proxies
    forged = {"x-forwarded-for": "127.0.0.1"}
    assert client.get("/metrics", REMOTE_ADDR=peer, headers=forged).status_code == status


def test_the_dashboard_and_the_alerts_speak_of_what_there_is(client: Client) -> None:
    there = set(read(client))
    board = orjson.loads((GRAFANA / "pairwise.json").read_bytes())
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    rules = yaml.safe_load((GRAFANA / "alerts.yml").read_text())["groups"][0]["rules"]
    names = [set(re.findall(r"pairwise_\w+", " ".join(some))) for some in (shown, [rule["expr"] for rule in rules])]
    assert names[0] == there
    assert names[1] <= there
