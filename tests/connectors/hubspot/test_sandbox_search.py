"""Search in the sandbox: filters, caps, and an index that lags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sandbox import Sandbox
from tests.connectors.hubspot.caller import CONTACTS, Caller
from tests.connectors.hubspot.served import hubspot_sandbox

SEARCH = f"{CONTACTS}/search"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with hubspot_sandbox() as running:
        yield running


@pytest.fixture
def call(sandbox: Sandbox) -> Iterator[Caller]:
    yield Caller(sandbox)
    sandbox.faults.clear()


def where(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, **({} if value is None else {"value": value}), **more}


PEOPLE = (
    {"firstname": "Ada", "email": "ada@acme.example", "closedate": "2024-01-10", "followercount": "9"},
    {"firstname": "Bea", "jobtitle": "Head of Sales", "closedate": "2024-03-01", "followercount": "10"},
    {
        "firstname": "Cyd",
        "lifecyclestage": "lead",
        "hs_buying_role": "CHAMPION;BLOCKER",
        "further_emails": "c@x.example",
    },
)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([where("firstname", "EQ", "ADA")], "Ada"),
        ([where("firstname", "NEQ", "ada")], "Bea Cyd"),
        ([where("jobtitle", "NEQ", "x")], "Bea"),
        ([where("firstname", "IN", values=["ada", "cyd"])], "Ada Cyd"),
        ([where("firstname", "IN", values=["Ada", "Cyd"])], ""),
        ([where("firstname", "NOT_IN", values=["ada"])], "Bea Cyd"),
        ([where("lifecyclestage", "EQ", "lead")], "Cyd"),
        ([where("lifecyclestage", "EQ", "LEAD")], ""),
        ([where("hs_buying_role", "IN", values=["BLOCKER"])], "Cyd"),
        ([where("email", "HAS_PROPERTY")], "Ada"),
        ([where("email", "NOT_HAS_PROPERTY")], "Bea Cyd"),
        ([where("email", "CONTAINS_TOKEN", "*@acme.example")], "Ada"),
        ([where("email", "EQ", "c@x.example")], ""),
        ([where("hs_additional_emails", "CONTAINS_TOKEN", "c@x.example")], "Cyd"),
        ([where("hs_additional_emails", "IN", values=["c@x.example"])], "Cyd"),
        ([where("jobtitle", "CONTAINS_TOKEN", "sales")], "Bea"),
        ([where("jobtitle", "CONTAINS_TOKEN", "sal")], ""),
        ([where("jobtitle", "NOT_CONTAINS_TOKEN", "boss")], "Bea"),
        ([where("followercount", "GT", "9")], "Bea"),
        ([where("followercount", "BETWEEN", "1", highValue="9")], "Ada"),
        ([where("closedate", "LT", "1709251200000")], "Ada"),
        ([where("closedate", "GTE", "2024-03-01")], "Bea"),
        ([where("createdate", "GTE", "0"), where("firstname", "LTE", "bea")], "Ada Bea"),
    ],
)
def test_filters(call: Caller, filters: list[dict[str, Any]], found: str) -> None:
    ids = dict(zip(call.load(*PEOPLE), ("Ada", "Bea", "Cyd"), strict=True))
    assert sorted(ids[id] for id in call.found(*filters)) == found.split()


def test_groups_are_alternatives_and_a_query_looks_into_names(call: Caller) -> None:
    ids = call.load(*PEOPLE)
    groups = [{"filters": [where("firstname", "EQ", name)]} for name in ("ada", "cyd")]
    found = call("POST", SEARCH, 200, {"filterGroups": groups}).json()
    assert {one["id"] for one in found["results"]} == {ids[0], ids[2]}
    assert call.found(query="be") == [ids[1]]
    assert call.found(query="c@x.example") == [ids[2]]


def test_associated_companies_can_be_filtered_by(call: Caller) -> None:
    ids = call.load(*PEOPLE)
    [acme] = call.load({"name": "Acme"}, object="companies")
    call.api.associate(call.user, ids[1], acme)
    assert call.found(where("associations.company", "EQ", acme)) == [ids[1]]


def test_one_sort_and_the_oldest_first_without_one(call: Caller) -> None:
    ids = call.load(*PEOPLE)
    back = [{"propertyName": "followercount", "direction": "DESCENDING"}]
    assert call.found(sorts=back) == [ids[1], ids[0], ids[2]]
    assert call.found(sorts=["hs_object_id"]) == sorted(ids, key=int)
    assert set(call.found()) == set(ids)
    call("POST", SEARCH, 400, {"sorts": ["firstname", "lastname"]})


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"filterGroups": [{"filters": [where("firstname", "EQ", "a")]}] * 6},
        {"filterGroups": [{"filters": [where("firstname", "EQ", "a")] * 7}]},
        {"filterGroups": [{"filters": [where("firstname", "EQ", "a")] * 5}] * 4},
        {"filterGroups": [{"filters": [where("firstname", "EQ", "a" * 3_000)]}]},
        {"filterGroups": [{"filters": [where("nonsense", "EQ", "a")]}]},
        {"filterGroups": [{"filters": [where("firstname", "LIKE", "a")]}]},
        {"filterGroups": [{"filters": [where("firstname", "EQ")]}]},
    ],
)
def test_caps(call: Caller, body: dict[str, Any]) -> None:
    assert call("POST", SEARCH, 400, body).json()["category"] == "VALIDATION_ERROR"


def test_paging_ends_at_the_window(call: Caller) -> None:
    call.api.set_switches(call.user, search_window=5)
    call.load(*({"firstname": str(number)} for number in range(8)))
    body: dict[str, Any] = {"limit": 3, "sorts": ["createdate"]}
    page = call("POST", SEARCH, 200, body).json()
    assert (page["total"], page["paging"]["next"]["after"]) == (8, "3")
    page = call("POST", SEARCH, 200, {**body, "after": "3"}).json()
    assert (len(page["results"]), page["paging"]["next"]["after"]) == (2, "6")
    call("POST", SEARCH, 400, {**body, "after": "6"})


def test_the_index_shows_the_past(call: Caller) -> None:
    """A total counts what the index holds, though archived records no longer come with it."""
    ada, bea = call.load({"firstname": "Ada"}, {"firstname": "Bea"})
    call.sandbox.clock.advance(60)
    try:
        call.api.set_switches(call.user, search_lag=30)
        call("PATCH", f"{CONTACTS}/{ada}", 200, {"properties": {"firstname": "Augusta"}})
        new = call.create(firstname="Cyd")
        call("DELETE", f"{CONTACTS}/{bea}", 204)
        page = call("POST", SEARCH, 200, {"properties": ["firstname"]}).json()
        assert page["total"] == 2
        assert [(one["id"], one["properties"]["firstname"]) for one in page["results"]] == [(ada, "Ada")]
        assert call.shown(ada, "firstname") == {"firstname": "Augusta"}
        call.sandbox.clock.advance(31)
        assert set(call.found()) == {ada, new}
        assert call("POST", SEARCH, 200, {}).json()["total"] == 2
        call.fault("lag", seconds=60)
        assert call.found() == [ada]
    finally:
        call.sandbox.clock.reset()


def test_a_change_is_found_by_its_stamp(call: Caller) -> None:
    ids = call.load(*PEOPLE)
    call.sandbox.clock.advance(10)
    try:
        mark = int(call.sandbox.clock.now() * 1000)
        call("PATCH", f"{CONTACTS}/{ids[1]}", 200, {"properties": {"city": "Ghent"}})
        assert call.found(where("lastmodifieddate", "GTE", str(mark))) == [ids[1]]
        call.api.touch(call.user, ids[0])
        by_stamp = call.found(where("lastmodifieddate", "GTE", str(mark)), sorts=["lastmodifieddate"])
        assert by_stamp == [ids[1], ids[0]]
    finally:
        call.sandbox.clock.reset()


NUMBERS = {"lastmodifieddate": "updatedAt", "createdate": "createdAt", "hs_object_id": "id"}


@settings(max_examples=40)
@given(data=st.data())
def test_one_group_finds_what_two_equal_groups_find(crowd: Caller, data: st.DataObject) -> None:
    """The sandbox answers the first out of its database and the second record by record."""
    held = crowd.api.records(crowd.user)
    name = data.draw(st.sampled_from(sorted(NUMBERS)))
    key = "id" if name == "hs_object_id" else "updatedAt"
    operator = data.draw(st.sampled_from(["EQ", "LT", "LTE", "GT", "GTE", "BETWEEN"]))
    values = sorted(int(data.draw(st.sampled_from(held))[key]) for _ in range(2))
    one = where(name, operator, str(values[0]), **({"highValue": str(values[1])} if operator == "BETWEEN" else {}))
    order = {
        "propertyName": data.draw(st.sampled_from(sorted(NUMBERS))),
        "direction": data.draw(st.sampled_from(["ASCENDING", "DESCENDING"])),
    }
    body = {"limit": 5, "after": data.draw(st.sampled_from(["0", "3"])), "sorts": [order]}
    group = {"filters": [one]}
    single, double = (
        crowd("POST", SEARCH, 200, {**body, "filterGroups": groups}).json() for groups in ([group], [group, group])
    )
    assert single == double


@pytest.fixture(scope="module")
def crowd(sandbox: Sandbox) -> Caller:
    call = Caller(sandbox)
    for number in range(12):
        [id] = call.load({"firstname": str(number)})
        if number % 3 == 0:
            call.api.touch(call.user, id)
    return call


def test_pages_can_be_disturbed(call: Caller) -> None:
    ids = call.load(*PEOPLE)
    call.fault("reorder")
    assert call.found(sorts=["createdate"]) != ids
    call.fault("duplicate")
    assert len(call.found()) == 4
