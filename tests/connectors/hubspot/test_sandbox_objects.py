"""Contacts in the sandbox: as the vendor documents, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sandbox import Sandbox
from tests.connectors.hubspot.caller import CONTACTS, Caller
from tests.connectors.hubspot.served import hubspot_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with hubspot_sandbox() as running:
        yield running


@pytest.fixture
def call(sandbox: Sandbox) -> Iterator[Caller]:
    yield Caller(sandbox)
    sandbox.faults.clear()


def people(*addresses: str) -> list[dict[str, Any]]:
    return [{"properties": {"email": one}, "objectWriteTraceId": one} for one in addresses]


# ---- one by one


@pytest.mark.parametrize("path", [CONTACTS, "/crm/objects/2026-03/contacts", "/crm/objects/2026-09/0-1/"])
def test_every_version_shows_the_same(call: Caller, path: str) -> None:
    made = call("POST", path, 201, {"properties": {"email": "ada@example.com", "hs_language": "de-at"}}).json()
    assert call("GET", path, 200).json()["results"][0]["id"] == made["id"]
    call("GET", path.replace("v3", "v9").replace("2026", "2027"), 404)


def test_unset_values_are_null_and_cleared_ones_empty(call: Caller) -> None:
    id = call.create(firstname="Ada", jobtitle="Countess", numemployees=None)
    call("PATCH", f"{CONTACTS}/{id}", 200, {"properties": {"jobtitle": ""}})
    assert call.shown(id, "firstname", "jobtitle", "phone", "numemployees") == {
        "firstname": "Ada",
        "jobtitle": "",
        "phone": None,
        "numemployees": None,
    }
    assert set(call.shown(id)) == {"createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"}


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"nonsense": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"lifecyclestage": "Lead"}, "INVALID_OPTION"),
        ({"hs_buying_role": "CHAMPION;BOSS"}, "INVALID_OPTION"),
        ({"email": "ada@example"}, "INVALID_EMAIL"),
        ({"hs_email_optout": "true"}, "READ_ONLY_VALUE"),
        ({"hs_latest_source_timestamp": "1730246400001"}, "INVALID_DATE"),
        ({"closedate": "soon"}, "INVALID_DATE"),
        ({"followercount": "1,000"}, "INVALID_LONG"),
        ({"hubspot_owner_id": "77"}, "INVALID_OWNER_ID"),
        ({"jobtitle": "x" * 65_537}, "INVALID_STRING"),
    ],
)
def test_values_that_are_refused(call: Caller, values: dict[str, str], error: str) -> None:
    body = {"properties": {"firstname": "Ada", **values}}
    assert call.problems("POST", CONTACTS, body) == {next(iter(values)): error}
    assert not call.api.records(call.user)


@pytest.mark.parametrize(
    ("name", "sent", "kept"),
    [
        ("closedate", "1730246400000", "2024-10-30T00:00:00.000Z"),
        ("closedate", "2024-10-30T01:00:00+01:00", "2024-10-30T00:00:00.000Z"),
        ("hs_latest_source_timestamp", "1730246400000", "2024-10-30"),
        ("hs_latest_source_timestamp", "2024-10-30", "2024-10-30"),
        ("hs_buying_role", "CHAMPION;BLOCKER", "CHAMPION;BLOCKER"),
        ("hs_facebook_ad_clicked", True, "true"),
        ("followercount", 7, "7"),
        ("email", " Ada@Example.COM ", "ada@example.com"),
    ],
)
def test_values_that_are_kept(call: Caller, name: str, sent: Any, kept: str) -> None:
    assert call.shown(call.create(**{name: sent}), name) == {name: kept}


def test_a_leading_semicolon_adds_to_the_options(call: Caller) -> None:
    id = call.create(hs_buying_role="CHAMPION")
    call("PATCH", f"{CONTACTS}/{id}", 200, {"properties": {"hs_buying_role": ";BLOCKER"}})
    assert call.shown(id, "hs_buying_role") == {"hs_buying_role": "CHAMPION;BLOCKER"}


def test_a_lifecycle_stage_goes_only_forward(call: Caller) -> None:
    id = call.create(lifecyclestage="customer")
    for stage, shown in (("lead", "customer"), ("", ""), ("lead", "lead"), ("opportunity", "opportunity")):
        answer = call("PATCH", f"{CONTACTS}/{id}", 200, {"properties": {"lifecyclestage": stage}}).json()
        assert answer["properties"]["lifecyclestage"] == shown


def test_stages_of_ones_own_have_their_place(call: Caller) -> None:
    stages = [{"label": name, "value": name} for name in ("lead", "trial", "customer")]
    call("PATCH", "/crm/v3/properties/contacts/lifecyclestage", 200, {"options": stages})
    id = call.create(lifecyclestage="trial")
    call("PATCH", f"{CONTACTS}/{id}", 200, {"properties": {"lifecyclestage": "lead"}})
    assert call.shown(id, "lifecyclestage") == {"lifecyclestage": "trial"}


def test_an_address_is_that_of_one_contact(call: Caller) -> None:
    [ada] = call.load({"email": "ada@example.com", "further_emails": "Countess@example.com"})
    [bea] = call.load({"email": "bea@example.com"})
    for address in ("ADA@example.com", "countess@example.com"):
        for method, path in (("POST", CONTACTS), ("PATCH", f"{CONTACTS}/{bea}")):
            refusal = call(method, path, 409, {"properties": {"email": address}}).json()
            assert refusal["message"] == f"Contact already exists. Existing ID: {ada}"
    by_second = call("GET", f"{CONTACTS}/COUNTESS@example.com", 200, params={"idProperty": "email"}).json()
    assert by_second["id"] == ada
    call("DELETE", f"{CONTACTS}/{ada}", 204)
    call("PATCH", f"{CONTACTS}/{bea}", 200, {"properties": {"email": "ada@example.com"}})


def test_a_contact_needs_no_address(call: Caller) -> None:
    assert call.create(phone="1", email="") != call.create(phone="1")
    call.api.set_switches(call.user, name_or_email_required=True)
    call("POST", CONTACTS, 400, {"properties": {"phone": "1"}})


def test_archived_contacts_are_listed_apart_and_can_come_back(call: Caller) -> None:
    id = call.create(email="ada@example.com")
    call("DELETE", f"{CONTACTS}/{id}", 204)
    call("DELETE", f"{CONTACTS}/{id}", 204)
    call("GET", f"{CONTACTS}/{id}", 404)
    assert call("GET", CONTACTS, 200).json()["results"] == []
    [gone] = call("GET", CONTACTS, 200, params={"archived": "true"}).json()["results"]
    assert (gone["id"], gone["archived"]) == (id, True)
    assert gone["archivedAt"] >= gone["createdAt"]
    call.api.restore(call.user, id)
    assert call("GET", f"{CONTACTS}/{id}", 200).json()["archived"] is False
    call.sandbox.clock.advance(91 * 86_400)
    try:
        call.use(call.api.add_account(call.user)["access_token"])
        call("DELETE", f"{CONTACTS}/{id}", 204)
        call.sandbox.clock.advance(91 * 86_400)
        call.use(call.api.add_account(call.user)["access_token"])
        assert call("GET", CONTACTS, 200, params={"archived": "true"}).json()["results"] == []
    finally:
        call.sandbox.clock.reset()


def test_the_stamp_moves_by_itself_after_a_creation(call: Caller) -> None:
    call.api.set_switches(call.user, settles_after=0.15)
    id = call.create(firstname="Ada")
    first = call.shown(id, "lastmodifieddate")
    call.sandbox.clock.advance(0.2)
    second = call.shown(id, "lastmodifieddate", "createdate")
    assert second["lastmodifieddate"] > first["lastmodifieddate"]
    call.sandbox.clock.advance(5)
    assert call.shown(id, "lastmodifieddate", "createdate") == second


def test_lists_go_by_cursor(call: Caller) -> None:
    ids = sorted(map(int, call.load(*({"firstname": str(number)} for number in range(7)))))
    path, seen = f"{CONTACTS}?limit=3&properties=firstname&properties=phone", []
    while path:
        page = call("GET", path, 200).json()
        seen += [int(one["id"]) for one in page["results"]]
        assert all("phone" in one["properties"] for one in page["results"])
        path = page.get("paging", {}).get("next", {}).get("link", "").partition("/hubspot")[2]
    assert seen == ids
    call("GET", CONTACTS, 400, params={"limit": 101})
    call("GET", CONTACTS, 400, params={"limit": 51, "propertiesWithHistory": "email"})


def test_ids_are_not_in_the_order_of_time(call: Caller) -> None:
    ids = [int(id) for id in call.load(*({"firstname": str(number)} for number in range(20)))]
    assert len(set(ids)) == 20
    assert ids != sorted(ids)


def test_history_tells_who_set_what(call: Caller) -> None:
    [id] = call.load({"jobtitle": "Countess"})
    call("PATCH", f"{CONTACTS}/{id}", 200, {"properties": {"jobtitle": "Analyst"}})
    record = call("GET", f"{CONTACTS}/{id}", 200, params={"propertiesWithHistory": "jobtitle"}).json()
    history = record["propertiesWithHistory"]["jobtitle"]
    assert [(one["value"], one["sourceType"]) for one in history] == [
        ("Analyst", "INTEGRATION"),
        ("Countess", "CRM_UI"),
    ]


def test_rights_and_rules_of_an_account(call: Caller) -> None:
    call.api.set_switches(
        call.user,
        no_edit=["jobtitle"],
        required_on_create=["phone"],
        validation_rules=[{"property": "zip", "rule": "MAX_LENGTH", "value": "4"}],
    )
    dated = "/crm/objects/2026-09/contacts"
    assert call.problems("POST", CONTACTS, {"properties": {"jobtitle": "x"}}) == {"jobtitle": "PERMISSION_DENIED"}
    refusal = call("POST", dated, 400, {"properties": {"firstname": "Ada"}}).json()
    assert refusal["context"] == {"properties": ["phone"]}
    call("POST", CONTACTS, 201, {"properties": {"firstname": "Ada", "zip": "12345"}})
    body = {"properties": {"phone": "1", "zip": "12345"}}
    assert call.problems("POST", dated, body) == {"zip": "FAILED_PROPERTY_VALIDATION"}
    rules = call("GET", "/crm/property-validations/2026-03/0-1", 200).json()["results"]
    assert [one["propertyName"] for one in rules] == ["zip"]


@settings(max_examples=40)
@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_is_kept_as_it_is(sandbox: Sandbox, value: str) -> None:
    call = Caller(sandbox)
    id = call.create(firstname="Ada", jobtitle=value)
    assert call.shown(id, "jobtitle") == {"jobtitle": value or None}


# ---- batches


def test_batches_answer_in_another_order(call: Caller) -> None:
    addresses = [f"p{number}@example.com" for number in range(6)]
    made = call("POST", f"{CONTACTS}/batch/create", 201, {"inputs": people(*addresses)}).json()["results"]
    assert [one["properties"]["email"] for one in made] != addresses
    assert {one["objectWriteTraceId"]: one["properties"]["email"] for one in made} == dict(
        zip(addresses, addresses, strict=True)
    )
    assert {"hs_all_contact_vids", "hs_email_domain", "hs_is_contact", "hs_is_unworked", "hs_pipeline"} <= set(
        made[0]["properties"]
    )


def test_a_batch_is_all_or_nothing_without_trace_ids(call: Caller) -> None:
    inputs = [{"properties": {"firstname": "Ada"}}, {"properties": {"nonsense": "1"}}]
    call("POST", f"{CONTACTS}/batch/create", 400, {"inputs": inputs})
    assert not call.api.records(call.user)
    [ada] = call.load({"email": "ada@example.com"})
    clash = [{"properties": {"firstname": "Bea"}}, {"properties": {"email": "ada@example.com"}}]
    refusal = call("POST", f"{CONTACTS}/batch/create", 409, {"inputs": clash}).json()
    assert refusal["message"].endswith(f"Existing ID: {ada}")
    assert len(call.api.records(call.user)) == 1


def test_trace_ids_let_the_good_ones_through(call: Caller) -> None:
    call.load({"email": "ada@example.com"})
    inputs = [*people("ada@example.com", "bea@example.com"), {"properties": {"x": "1"}, "objectWriteTraceId": "t"}]
    answer = call("POST", f"{CONTACTS}/batch/create", 207, {"inputs": inputs}).json()
    assert [one["objectWriteTraceId"] for one in answer["results"]] == ["bea@example.com"]
    assert answer["numErrors"] == 2
    errors = {one["context"]["objectWriteTraceId"][0]: one["category"] for one in answer["errors"]}
    assert errors == {"ada@example.com": "CONFLICT", "t": "VALIDATION_ERROR"}


def test_batch_read_groups_what_is_missing(call: Caller) -> None:
    ids = call.load({"email": "ada@example.com", "further_emails": "c@example.com"}, {"email": "bea@example.com"})
    body = {"properties": ["email"], "inputs": [{"id": id} for id in [*ids, "1", "2"]]}
    answer = call("POST", f"{CONTACTS}/batch/read", 207, body).json()
    assert {one["id"] for one in answer["results"]} == set(ids)
    assert (answer["numErrors"], answer["errors"][0]["context"]["ids"]) == (1, ["1", "2"])
    by_email = {"idProperty": "email", "properties": [], "inputs": [{"id": "C@example.com"}]}
    assert call("POST", f"{CONTACTS}/batch/read", 200, by_email).json()["results"][0]["id"] == ids[0]


@pytest.mark.parametrize("kind", ["read", "update", "upsert"])
def test_an_id_comes_once_in_a_batch(call: Caller, kind: str) -> None:
    item = {"id": "Ada@example.com", "idProperty": "email", "properties": {"city": "Ghent"}}
    if kind == "update":
        item = {"id": call.create(firstname="Ada"), "properties": {"city": "Ghent"}}
    twin = {**item, "id": item["id"].lower()}  # type: ignore[attr-defined]
    body = {"inputs": [item, twin], "properties": [], **({"idProperty": "email"} if kind == "read" else {})}
    refusal = call("POST", f"{CONTACTS}/batch/{kind}", 400, body).json()
    assert refusal["message"].startswith("Duplicate IDs found in batch input: [")
    assert len(refusal["context"]["ids"]) == 1


def test_batch_update_takes_ids_or_unique_values_alone(call: Caller) -> None:
    call.api.add_property(call.user, "mark", hasUniqueValue=True)
    [id] = call.load({"email": "ada@example.com", "mark": "m1"})
    address = f"{CONTACTS}/batch/update"

    def item(key: str, **more: str) -> dict[str, Any]:
        return {"inputs": [{"id": key, "properties": {"city": "Ghent"}, **more}]}

    call("POST", address, 400, item("ada@example.com", idProperty="email"))
    assert call("POST", address, 200, item("ada@example.com")).json()["results"] == []
    assert call.shown(id, "city") == {"city": None}
    answer = call("POST", address, 200, item("m1", idProperty="mark")).json()["results"][0]
    assert (answer["id"], "createdate" in answer["properties"]) == (id, False)
    assert call("POST", address, 207, item("5")).json()["errors"][0]["context"]["ids"] == ["5"]
    clash = call.problems("POST", CONTACTS, {"properties": {"mark": "m1"}})
    assert clash == {"mark": "CONFLICTING_UNIQUE_VALUE"}


def test_upserts(call: Caller) -> None:
    call.api.add_property(call.user, "mark", hasUniqueValue=True)
    [ada] = call.load({"email": "ada@example.com", "further_emails": "c@example.com"})

    def item(key: str, property: str, **properties: str) -> dict[str, Any]:
        return {"id": key, "idProperty": property, "properties": properties, "objectWriteTraceId": key}

    address = f"{CONTACTS}/batch/upsert"
    both = [item("c@example.com", "email", city="Ghent"), item("new@example.com", "email", city="Ghent")]
    answer = call("POST", address, 200, {"inputs": both}).json()["results"]
    assert {one["objectWriteTraceId"]: one["new"] for one in answer} == {
        "c@example.com": False,
        "new@example.com": True,
    }
    assert call.shown(ada, "email", "city") == {"email": "ada@example.com", "city": "Ghent"}
    # by email one bad input refuses all, by a unique property of one's own it does not
    call("POST", address, 400, {"inputs": [item("x@example.com", "email"), item("y@example.com", "email", zz="1")]})
    assert len(call.api.records(call.user)) == 2
    call("POST", address, 207, {"inputs": [item("m1", "mark"), item("m2", "mark", zz="1")]})
    assert len(call.api.records(call.user)) == 3
    call("POST", address, 400, {"inputs": [item("Ghent", "city")]})


def test_a_batch_has_a_hundred_inputs(call: Caller) -> None:
    inputs = [{"properties": {"firstname": str(number)}} for number in range(101)]
    call("POST", f"{CONTACTS}/batch/create", 400, {"inputs": inputs})
    many = [{"id": str(number)} for number in range(51)]
    call("POST", f"{CONTACTS}/batch/read", 400, {"inputs": many, "properties": [], "propertiesWithHistory": ["email"]})


# ---- merge and erasure


def test_a_merge_makes_a_new_record_that_both_ids_lead_to(call: Caller) -> None:
    first, second = call.load(
        {"email": "ada@example.com", "firstname": "Ada"},
        {"email": "countess@example.com", "firstname": "Augusta", "lastname": "Lovelace"},
    )
    made = call("POST", f"{CONTACTS}/merge", 200, {"primaryObjectId": first, "objectIdToMerge": second}).json()["id"]
    assert made not in (first, second)
    wanted = ("firstname", "lastname", "email", "hs_additional_emails", "hs_merged_object_ids")
    for id in (first, second, made):
        assert list(call.shown(id, *wanted).values()) == [
            *("Ada", "Lovelace", "ada@example.com", "countess@example.com", f"{first};{second}")
        ]
    call("PATCH", f"{CONTACTS}/{second}", 200, {"properties": {"city": "London"}})
    assert call.shown(made, "city") == {"city": "London"}
    body = {"inputs": [{"id": first, "properties": {"city": "Paris"}}]}
    assert call("POST", f"{CONTACTS}/batch/update", 207, body).json()["results"] == []
    for archived in ("true", "false"):
        listed = call("GET", CONTACTS, 200, params={"archived": archived}).json()["results"]
        assert {one["id"] for one in listed} == ({made} if archived == "false" else set())
    assert call.found() == [made]
    again = call("POST", f"{CONTACTS}/batch/read", 207, {"inputs": [{"id": first}], "properties": []}).json()
    assert again["results"] == []
    call.api.set_switches(call.user, batch_read_follows_merges=True)
    again = call("POST", f"{CONTACTS}/batch/read", 200, {"inputs": [{"id": first}], "properties": []}).json()
    assert again["results"][0]["id"] == made


def test_erasure_leaves_no_trace_and_can_block_an_address(call: Caller) -> None:
    id = call.create(email="ada@example.com")
    erase = f"{CONTACTS}/gdpr-delete"
    call("POST", erase, 204, {"objectId": "ada@example.com", "idProperty": "email"})
    call("GET", f"{CONTACTS}/{id}", 404)
    call("GET", f"{CONTACTS}/{id}", 404, params={"archived": "true"})
    assert call("GET", CONTACTS, 200, params={"archived": "true"}).json()["results"] == []
    call("POST", erase, 204, {"objectId": "bea@example.com", "idProperty": "email"})
    assert call.problems("POST", CONTACTS, {"properties": {"email": "Bea@example.com"}}) == {"email": "INVALID_EMAIL"}
    call("POST", erase, 404, {"objectId": "77"})
