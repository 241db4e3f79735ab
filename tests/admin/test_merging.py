"""Two contacts of one app that are one person: a member of staff lets the app make one of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from connections.engine.leases import claim
from connections.host import SystemClock
from connections.models import Change, ChangeState, Connection, Item, Pair, ToldRecord
from connections.services import merging, undoing
from tests.connectors.hubspot.test_through_the_engine import Stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def both(hubspot: Callable[..., Stage]) -> Stage:
    """Anna twice in HubSpot: with an address, and without one but with the same phone."""
    anna = {"firstname": "Anna", "lastname": "Maes", "phone": "+32 2 555 12 12"}
    twice = ({**anna, "email": "anna@example.com"}, {**anna, "jobtitle": "Buyer"})
    return hubspot(*twice, match_keys=["email", "phone+name"])


def chosen() -> tuple[Pair, Item, Item]:
    """The pair of the one with an address, that one, and the other."""
    items = {item.record.get("email", ""): item for item in Item.objects.filter(folder__account__app="hubspot")}
    winner, loser = items["anna@example.com"], items[""]
    return Pair.objects.get(item_b=winner), winner, loser


def post(admin: Client, pair: Pair, winner: Item, loser: Item, **more: Any) -> str:
    url = reverse("admin:connections_pair_merge", args=[pair.pk])
    answer = admin.post(url, {"winner": winner.pk, "loser": loser.pk, **more}, follow=True)
    return answer.content.decode()


def test_the_page_of_a_contact_offers_its_twin(admin: Client, both: Stage) -> None:
    pair, _, _ = chosen()
    page = admin.get(reverse("admin:connections_pair_change", args=[pair.pk])).content.decode()
    assert "More than once in HubSpot" in page
    assert "cannot be taken back" in page


def test_both_become_one_and_the_other_side_keeps_one(admin: Client, both: Stage) -> None:
    pair, winner, loser = chosen()
    assert "was merged into" in post(admin, pair, winner, loser, sure="1")
    [left] = both.crm.records()
    assert (left["email"], left["jobtitle"]) == ("anna@example.com", "Buyer")
    both.settle()
    living = Pair.objects.filter(item_b__departed="", item_b__isnull=False)
    assert [str(one.item_b.remote_id) for one in living if one.item_b] == [left["id"]]
    assert not ToldRecord.objects.exists()


@pytest.mark.parametrize("nobody", ["", "x", "9" * 30, "0"])
def test_nobody_is_merged_with_what_is_no_contact(admin: Client, both: Stage, nobody: str) -> None:
    pair, winner, _ = chosen()
    url = reverse("admin:connections_pair_merge", args=[pair.pk])
    answer = admin.post(url, {"winner": winner.pk, "loser": nobody, "sure": "1"}, follow=True)
    assert "Choose which of the two is kept" in answer.content.decode()
    assert len(both.crm.records()) == 2


def test_the_history_keeps_it_and_no_undo_touches_it(admin: Client, both: Stage) -> None:
    pair, winner, loser = chosen()
    post(admin, pair, winner, loser, sure="1")
    change = Change.objects.get(kind="merge")
    assert (change.state, change.why["mappings"]) == (ChangeState.DONE, [f"merged into {winner}"])
    assert change.decided_by is not None
    page = admin.get(reverse("admin:connections_change_change", args=[change.pk]))
    assert page.status_code == 200
    assert "Buyer" in page.content.decode()
    began = datetime.fromtimestamp(0, UTC)
    assert set(undoing.written_since(both.connection, began).values_list("kind", flat=True)) <= {"create", "update"}


def test_nothing_is_merged_without_saying_that_one_knows(admin: Client, both: Stage) -> None:
    pair, winner, loser = chosen()
    assert "Nothing was merged" in post(admin, pair, winner, loser)
    assert len(both.crm.records()) == 2


def test_what_the_app_refuses_is_told(admin: Client, both: Stage) -> None:
    pair, winner, loser = chosen()
    both.crm.fault("error", path="/merge$", status=403)
    text = post(admin, pair, winner, loser, sure="1")
    assert "was merged into" not in text
    assert not Change.objects.filter(kind="merge").exists()


def test_an_answer_that_is_lost_is_looked_for(admin: Client, both: Stage) -> None:
    pair, winner, loser = chosen()
    both.crm.fault("drop", path="/merge$", when="after")
    post(admin, pair, winner, loser, sure="1")
    assert len(both.crm.records()) == 1
    assert set(ToldRecord.objects.values_list("remote_id", flat=True)) == {winner.remote_id, loser.remote_id}
    both.settle()
    assert Item.objects.get(pk=loser.pk).departed == "left"


def test_contacts_of_two_folders_are_not_merged(both: Stage) -> None:
    pair = Pair.objects.exclude(item_a=None).exclude(item_b=None).get()
    assert pair.item_a is not None
    assert pair.item_b is not None
    with pytest.raises(merging.CannotMerge, match="cannot be merged here"):
        merging.merge(pair, pair.item_b, pair.item_a)


def test_somebody_else_is_not_merged_in(admin: Client, hubspot: Callable[..., Stage]) -> None:
    anna, ben = ({"firstname": name, "email": f"{name}@example.com"} for name in ("Anna", "Ben"))
    stage = hubspot(anna, ben)
    pairs = {str(pair.item_b): pair for pair in Pair.objects.all()}
    winner, loser = (pair.item_b for pair in pairs.values())
    assert winner is not None
    assert loser is not None
    assert "cannot be merged here" in post(admin, next(iter(pairs.values())), winner, loser, sure="1")
    assert len(stage.crm.records()) == 2


@pytest.mark.parametrize("options", [{"direction": "b_to_a"}, {"look_only": True}])
def test_nothing_is_merged_in_an_app_that_the_connection_only_reads(
    admin: Client, both: Stage, options: dict[str, Any]
) -> None:
    Connection.objects.update(**options)
    pair, winner, loser = chosen()
    assert merging.twins(pair) == []
    assert "cannot be merged here" in post(admin, pair, winner, loser, sure="1")
    assert len(both.crm.records()) == 2


def test_nothing_is_merged_while_a_run_is_under_way(admin: Client, both: Stage) -> None:
    pair, winner, loser = chosen()
    lease = claim(f"connection:{both.connection.pk}", "another worker", SystemClock())
    assert lease is not None
    assert "A run of this connection is under way" in post(admin, pair, winner, loser, sure="1")
    assert len(both.crm.records()) == 2
    lease.release()
    assert "was merged into" in post(admin, pair, winner, loser, sure="1")


def test_an_app_that_cannot_merge_is_not_asked(both: Stage) -> None:
    pair, _, _ = chosen()
    assert all(found.app == "HubSpot" for found in merging.twins(pair))
