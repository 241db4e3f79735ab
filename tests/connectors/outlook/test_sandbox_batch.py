"""JSON batches of the Outlook sandbox, and faults that strike them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.sandbox import Sandbox
from connectors.sandboxkit.web import Dropped
from tests.connectors.outlook.graph_client import CONTACTS, EMAIL, GraphClient

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def graph() -> Iterator[GraphClient]:
    sandbox = Sandbox()
    yield GraphClient(sandbox)
    sandbox.stop()


def step(id: str, method: str = "GET", url: str = CONTACTS, **more: Any) -> dict[str, Any]:
    return {"id": id, "method": method, "url": url, **more}


def make(id: str, **body: Any) -> dict[str, Any]:
    return step(id, "POST", headers=JSON, body=body)


def run(graph: GraphClient, *steps: dict[str, Any]) -> dict[str, Any]:
    answer = graph.ask("POST", "/$batch", {"requests": list(steps)})
    assert answer.status == 200, answer.body
    return {item["id"]: item for item in answer.json()["responses"]}


def names(graph: GraphClient) -> list[str]:
    return [contact["givenName"] for contact in graph.api.contacts(EMAIL)]


def test_each_step_is_answered_by_itself_and_in_another_order(graph: GraphClient) -> None:
    steps = [make("a", givenName="Ada"), make("b", shoeSize="42"), step("c")]
    answer = graph.ask("POST", "/$batch", {"requests": steps}).json()
    assert [item["id"] for item in answer["responses"]] != ["a", "b", "c"]
    inner = {item["id"]: item for item in answer["responses"]}
    assert {key: item["status"] for key, item in inner.items()} == {"a": 201, "b": 400, "c": 200}
    assert inner["a"]["headers"]["Content-Type"].startswith("application/json")
    assert inner["c"]["body"]["value"][0]["givenName"] == "Ada"


def test_each_step_has_its_own_headers(graph: GraphClient) -> None:
    contact = graph.create(givenName="Ada")
    url = f"{CONTACTS}/{contact['id']}"
    old = {**JSON, "If-Match": 'W/"old"'}
    lasting = {"Prefer": 'IdType="ImmutableId"'}
    inner = run(graph, step("1", "PATCH", url, headers=old, body={"title": "Dr"}), step("2", url=url, headers=lasting))
    assert inner["1"]["status"] == 412
    assert inner["2"]["body"]["id"] != contact["id"]


def test_steps_wait_for_those_they_depend_on_and_fail_with_them(graph: GraphClient) -> None:
    inner = run(
        graph,
        make("1", shoeSize="42"),
        {**make("2", givenName="never"), "dependsOn": ["1"]},
        {**make("3", givenName="never"), "dependsOn": ["2"]},
        make("4", givenName="Ada"),
    )
    assert {key: item["status"] for key, item in inner.items()} == {"1": 400, "2": 424, "3": 424, "4": 201}
    assert names(graph) == ["Ada"]


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [step(str(number)) for number in range(21)],
        [step("1"), step("1")],
        [{"id": "1", "method": "GET"}],
        [step("1", dependsOn=["2"]), step("2")],
        [step("1", "POST", body={"givenName": "Ada"})],
        [step("1", url="https://example.com/me/contacts")],
    ],
    ids=["empty", "over 20", "same id", "no url", "unknown id", "no content type", "absolute url"],
)
def test_a_batch_that_makes_no_sense_is_refused_whole(graph: GraphClient, steps: list[dict[str, Any]]) -> None:
    assert graph.refusal("POST", "/$batch", {"requests": steps})[:2] == (400, "BadRequest")


def test_a_batch_holds_no_batch(graph: GraphClient) -> None:
    assert run(graph, step("1", "POST", "/$batch", headers=JSON, body={"requests": []}))["1"]["status"] == 400


def test_photos_travel_as_base64url(graph: GraphClient) -> None:
    url = f"{CONTACTS}/{graph.create(givenName='Ada')['id']}/photo/$value"
    inner = run(graph, step("1", "PUT", url, headers={"Content-Type": "image/png"}, body="_-8="), step("2", url=url))
    assert inner["1"]["status"] == 200
    assert inner["2"]["body"] == "_-8="


def test_single_steps_can_be_throttled(graph: GraphClient) -> None:
    graph.sandbox.fault("throttle", match={"inner": True}, nth=2, retry_after=7)
    inner = run(graph, *(make(str(number), givenName=str(number)) for number in range(3)))
    assert {key: item["status"] for key, item in inner.items()} == {"0": 201, "1": 429, "2": 201}
    assert inner["1"]["headers"]["Retry-After"] == "7"
    assert inner["1"]["body"]["error"]["code"] == "ApplicationThrottled"
    assert names(graph) == ["0", "2"]


@pytest.mark.parametrize(("when", "done"), [("before", ["0", "1"]), ("after", ["0", "1", "2"])])
def test_a_batch_can_be_cut_in_its_middle(graph: GraphClient, when: str, done: list[str]) -> None:
    graph.sandbox.fault("drop", match={"inner": True}, nth=3, when=when)
    with pytest.raises(Dropped):
        run(graph, *(make(str(number), givenName=str(number)) for number in range(5)))
    assert names(graph) == done


def test_the_log_counts_batches_and_what_is_inside(graph: GraphClient) -> None:
    run(graph, make("1", givenName="Ada"), step("2", url=f"{CONTACTS}/nonsense"))
    assert graph.sandbox.journal.counters() == {
        "GET /graph/v1.0/me/contacts/{id}": 1,
        "POST /graph/v1.0/$batch": 1,
        "POST /graph/v1.0/me/contacts": 1,
    }
    logged = [(line.inner, line.status, line.account) for line in graph.sandbox.journal.requests()]
    assert logged == [(True, 201, EMAIL), (True, 400, EMAIL), (False, 200, EMAIL)]
