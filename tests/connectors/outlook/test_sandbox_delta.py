"""Delta queries of the Outlook sandbox: whoever follows the links ends with what the folder holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sandbox import Sandbox
from tests.connectors.outlook.graph_client import CONTACTS, DELTA, EMAIL, GraphClient


@pytest.fixture
def graph() -> Iterator[GraphClient]:
    sandbox = Sandbox()
    yield GraphClient(sandbox)
    sandbox.stop()


def prefer(size: int) -> dict[str, str]:
    return {"Prefer": f'IdType="ImmutableId", odata.maxpagesize={size}'}


class Replica:
    """A copy of a folder that knows it from delta pages alone."""

    def __init__(self, graph: GraphClient, folder: str = "contacts", size: int = 200) -> None:
        self.graph = graph
        self.link = f"/me/contactFolders/{folder}/contacts/delta?$select=givenName"
        self.size = size
        self.names: dict[str, str] = {}

    def step(self) -> bool:
        """Takes a page; whether it was the round's last."""
        page = self.graph.get(self.link, prefer(self.size))
        assert len({line["id"] for line in page["value"]}) <= self.size
        for line in page["value"]:
            if "@removed" in line:
                assert line["@removed"] == {"reason": "deleted"}
                self.names.pop(line["id"], None)
            else:
                self.names[line["id"]] = line["givenName"]
        self.link = page.get("@odata.nextLink") or page["@odata.deltaLink"]
        return "@odata.deltaLink" in page

    def round(self) -> dict[str, str]:
        while not self.step():
            pass
        return self.names


def held(graph: GraphClient, folder: str = "Contacts") -> dict[str, str]:
    return {contact["id"]: contact["givenName"] for contact in graph.api.contacts(EMAIL, folder)}


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["add", "edit", "remove", "away", "back", "page"]), st.integers(0, 50)), max_size=40
)


@settings(max_examples=60, deadline=None)
@given(OPERATIONS, st.integers(1, 4))
def test_a_replica_equals_the_folder_whatever_happens_between_its_pages(
    operations: list[tuple[str, int]], size: int
) -> None:
    sandbox = Sandbox()
    graph = GraphClient(sandbox)
    graph.api.add_folder(EMAIL, "Contacts/Away")
    graph.api.load(EMAIL, [{"givenName": f"first {number}"} for number in range(3)])
    replica = Replica(graph, size=size)
    for number, (operation, choice) in enumerate(operations):
        here, away = sorted(held(graph)), sorted(held(graph, "Contacts/Away"))
        if operation == "add":
            graph.api.load(EMAIL, [{"givenName": f"new {number}"}])
        elif operation == "page":
            replica.step()
        elif operation == "back" and away:
            graph.api.move(EMAIL, away[choice % len(away)], "Contacts")
        elif operation == "away" and here:
            graph.api.move(EMAIL, here[choice % len(here)], "Contacts/Away")
        elif operation == "edit" and here:
            graph.api.edit(EMAIL, here[choice % len(here)], {"givenName": f"edited {number}"})
        elif operation == "remove" and here:
            graph.api.remove(EMAIL, here[choice % len(here)], for_good=choice % 2 == 0)
    replica.round()
    assert replica.round() == held(graph)
    assert graph.get(replica.link, prefer(size))["value"] == []
    sandbox.stop()


def test_polling_without_news_gives_the_same_link_again(graph: GraphClient) -> None:
    graph.create(givenName="Ada")
    replica = Replica(graph)
    replica.round()
    link = replica.link
    assert graph.get(link, prefer(200))["@odata.deltaLink"] == link


def test_a_page_holds_ten_unless_preferred_otherwise_and_never_over_two_hundred(graph: GraphClient) -> None:
    graph.api.load(EMAIL, ({"givenName": str(number)} for number in range(450)))
    assert len(graph.get(DELTA)["value"]) == 10
    page = graph.get(DELTA, prefer(1000))
    assert (len(page["value"]), "@odata.nextLink" in page) == (200, True)
    answer = graph.ask("GET", DELTA, headers=prefer(1000))
    applied = 'IdType="ImmutableId", odata.track-changes, odata.maxpagesize=200'
    assert answer.headers["Preference-Applied"] == applied


@pytest.mark.parametrize("option", ["$top", "$filter", "$orderby", "$search", "$expand"])
def test_options_beside_select_are_refused(graph: GraphClient, option: str) -> None:
    status, code, message = graph.refusal("GET", DELTA, query={option: "1"})
    assert (status, code) == (400, "ErrorInvalidUrlQuery")
    assert message.endswith(f"not supported with change tracking over the 'Contacts' resource: '{option}'.")


def test_expanding_extended_properties_breaks_the_service(graph: GraphClient) -> None:
    wanted = "singleValueExtendedProperties($filter=id eq 'String 0x3A24')"
    assert graph.refusal("GET", DELTA, query={"$expand": wanted})[:2] == (500, "ErrorInternalServerError")


def test_a_move_leaves_one_folder_and_enters_another_under_its_immutable_id(graph: GraphClient) -> None:
    target = graph.api.add_folder(EMAIL, "Contacts/Old")
    [moved] = graph.api.load(EMAIL, [{"givenName": "Ada"}])
    source, other = Replica(graph), Replica(graph, target)
    source.round()
    other.round()
    graph.api.move(EMAIL, moved, "Contacts/Old")
    assert source.round() == {}
    assert other.round() == {moved: "Ada"}


def test_a_category_is_a_change_and_a_photo_is_not(graph: GraphClient) -> None:
    contact = graph.create(givenName="Ada")
    replica = Replica(graph)
    replica.round()
    address = f"{CONTACTS}/{contact['id']}"
    graph.ask("PUT", f"{address}/photo/$value", content=b"x", headers={"Content-Type": "image/png"})
    assert graph.get(replica.link)["value"] == []
    graph.patch(contact, categories=["VIP"])
    assert len(graph.get(replica.link)["value"]) == 1


@pytest.mark.parametrize(("options", "status", "code"), [({}, 410, "SyncStateNotFound"), ({"status": 400}, 400, "")])
def test_a_lost_token_is_reported_and_a_new_round_starts_over(
    graph: GraphClient, options: dict[str, Any], status: int, code: str
) -> None:
    graph.create(givenName="Ada")
    replica = Replica(graph)
    replica.round()
    graph.sandbox.fault("cursor_expired", **options)
    refused = graph.refusal("GET", replica.link)
    assert refused[0] == status
    assert refused[1] == (code or "SyncStateNotFound")
    graph.get(replica.link)
    graph.api.expire_cursors()
    assert graph.refusal("GET", replica.link)[0] == 410
    assert len(graph.get(DELTA)["value"]) == 1


def test_a_token_of_one_folder_does_not_open_another(graph: GraphClient) -> None:
    folder = graph.api.add_folder(EMAIL, "Contacts/Old")
    replica = Replica(graph)
    replica.round()
    stolen = replica.link.replace("/contactFolders/contacts/", f"/contactFolders/{folder}/")
    assert graph.refusal("GET", stolen)[:2] == (400, "SyncStateInvalid")


def test_folders_have_a_delta_too(graph: GraphClient) -> None:
    folder = graph.create("/me/contactFolders", displayName="Customers")
    first = graph.get("/me/contactFolders/delta")
    assert [row["displayName"] for row in first["value"]] == ["Customers"]
    graph.ask("DELETE", f"/me/contactFolders/{folder['id']}")
    assert graph.get(first["@odata.deltaLink"])["value"] == [{"id": folder["id"], "@removed": {"reason": "deleted"}}]


# ---- views that lag behind


def test_a_lagging_view_shows_the_past_and_catches_up(graph: GraphClient) -> None:
    [kept, gone] = graph.api.load(EMAIL, [{"givenName": "old"}, {"givenName": "gone"}])
    replica = Replica(graph)
    replica.round()
    graph.sandbox.clock.advance(60)
    lag = graph.sandbox.fault("lag", seconds=30)
    graph.api.edit(EMAIL, kept, {"givenName": "new"})
    graph.api.remove(EMAIL, gone)
    [added] = graph.api.load(EMAIL, [{"givenName": "added"}])

    assert replica.round() == {kept: "old", gone: "gone"}
    assert [contact["givenName"] for contact in graph.get(CONTACTS)["value"]] == ["old", "gone"]
    assert graph.get(f"{CONTACTS}/{kept}")["givenName"] == "new", "a read by id never lags"
    graph.sandbox.clock.advance(31)
    assert replica.round() == {kept: "new", added: "added"}
    assert lag.hits > 0


def test_a_lagging_search_does_not_find_a_new_marker_yet(graph: GraphClient) -> None:
    marker = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name sync"
    wanted = f"singleValueExtendedProperties/Any(ep: ep/id eq '{marker}' and ep/value eq 'c0ffee')"
    graph.sandbox.fault("lag", seconds=30)
    graph.create(singleValueExtendedProperties=[{"id": marker, "value": "c0ffee"}])
    assert graph.get(CONTACTS, filter=wanted)["value"] == []
    graph.sandbox.clock.advance(31)
    assert len(graph.get(CONTACTS, filter=wanted)["value"]) == 1


@settings(max_examples=40, deadline=None)
@given(OPERATIONS)
def test_a_replica_of_a_lagging_view_is_right_in_the_end(operations: list[tuple[str, int]]) -> None:
    sandbox = Sandbox()
    graph = GraphClient(sandbox)
    graph.api.load(EMAIL, [{"givenName": f"first {number}"} for number in range(3)])
    sandbox.fault("lag", seconds=3)
    replica = Replica(graph, size=2)
    for number, (operation, choice) in enumerate(operations):
        sandbox.clock.advance(1)
        here = sorted(held(graph))
        if operation in ("add", "back"):
            graph.api.load(EMAIL, [{"givenName": f"new {number}"}])
        elif operation == "page":
            replica.step()
        elif operation in ("edit", "away") and here:
            graph.api.edit(EMAIL, here[choice % len(here)], {"givenName": f"edited {number}"})
        elif here:
            graph.api.remove(EMAIL, here[choice % len(here)])
    sandbox.clock.advance(4)
    replica.round()
    assert replica.round() == held(graph)
    sandbox.stop()


@pytest.mark.parametrize("kind", ["reorder", "duplicate"])
def test_disturbed_pages_still_tell_the_truth(graph: GraphClient, kind: str) -> None:
    ids = graph.api.load(EMAIL, ({"givenName": str(number)} for number in range(4)))
    plain = [line["id"] for line in graph.get(DELTA, prefer(200))["value"]]
    graph.sandbox.fault(kind, count=0)
    disturbed = [line["id"] for line in graph.get(DELTA, prefer(200))["value"]]
    assert disturbed != plain
    assert set(disturbed) == set(ids)
    replica = Replica(graph, size=2)
    replica.round()
    graph.api.add_folder(EMAIL, "Contacts/Old")
    graph.api.move(EMAIL, ids[0], "Contacts/Old")
    graph.api.move(EMAIL, ids[0], "Contacts")
    graph.api.remove(EMAIL, ids[1])
    assert replica.round() == held(graph)
