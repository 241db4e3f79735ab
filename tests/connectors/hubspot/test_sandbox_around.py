"""What lies around contacts in the sandbox: properties, lists, companies, owners, consent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.sandbox import Sandbox
from tests.connectors.hubspot.caller import CONTACTS, Caller
from tests.connectors.hubspot.served import hubspot_sandbox

PROPERTIES, LISTS = "/crm/v3/properties/contacts", "/crm/v3/lists"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with hubspot_sandbox() as running:
        yield running


@pytest.fixture
def call(sandbox: Sandbox) -> Iterator[Caller]:
    yield Caller(sandbox)
    sandbox.faults.clear()


# ---- properties


def body(name: str, type: str = "string", field_type: str = "text", **more: object) -> dict[str, object]:
    named = {"name": name, "label": name, "groupName": "contactinformation", "type": type, "fieldType": field_type}
    return {**named, **more}


def test_every_account_has_the_same_properties_to_begin_with(call: Caller) -> None:
    found = {one["name"]: one for one in call("GET", PROPERTIES, 200).json()["results"]}
    assert len(found) > 260
    stages = [option["value"] for option in found["lifecyclestage"]["options"]]
    assert stages[:3] == ["subscriber", "lead", "marketingqualifiedlead"]
    assert found["hubspot_owner_id"]["externalOptions"]
    assert found["hubspot_owner_id"]["referencedObjectType"] == "OWNER"
    assert found["date_of_birth"]["type"] == "string"
    for name in ("hs_object_id", "lastmodifieddate", "hs_additional_emails", "hs_email_optout"):
        assert found[name]["modificationMetadata"]["readOnlyValue"], name
    for name in ("email", "firstname", "hs_lead_status", "salutation"):
        assert not found[name]["modificationMetadata"]["readOnlyValue"], name


def test_a_property_of_ones_own(call: Caller) -> None:
    call("POST", PROPERTIES, 201, body("tier", "enumeration", "select", options=[{"label": "Gold", "value": "gold"}]))
    call("POST", PROPERTIES, 409, body("tier"))
    id = call.create(tier="gold")
    assert call.problems("PATCH", f"{CONTACTS}/{id}", {"properties": {"tier": "Gold"}}) == {"tier": "INVALID_OPTION"}
    call("DELETE", f"{PROPERTIES}/tier", 204)
    assert "tier" not in call("GET", f"{CONTACTS}/{id}?properties=tier", 200).json()["properties"]
    archived = call("GET", PROPERTIES, 200, params={"archived": "true"}).json()["results"]
    assert [one["name"] for one in archived] == ["tier"]


@pytest.mark.parametrize(
    "wrong",
    [body("Upper"), body("ok", "string", "select"), body("ok", groupName="nowhere"), {"name": "ok"}],
)
def test_properties_that_are_refused(call: Caller, wrong: dict[str, object]) -> None:
    call("POST", PROPERTIES, 400, wrong)


def test_ten_properties_have_unique_values(call: Caller) -> None:
    for number in range(9):
        call("POST", PROPERTIES, 201, body(f"mark{number}", hasUniqueValue=True))
    call("POST", PROPERTIES, 400, body("mark10", hasUniqueValue=True))


def test_own_properties_of_hubspot_stay(call: Caller) -> None:
    call("DELETE", f"{PROPERTIES}/firstname", 400)
    call("PATCH", f"{PROPERTIES}/firstname", 400, {"label": "Given name"})
    more = [{"label": "New", "value": "NEW"}, {"label": "Cold", "value": "COLD"}]
    changed = call("PATCH", f"{PROPERTIES}/hs_lead_status", 200, {"options": more}).json()
    assert [one["value"] for one in changed["options"]] == ["NEW", "COLD"]
    call.create(hs_lead_status="COLD")


# ---- lists


def test_members_of_a_list(call: Caller) -> None:
    ids = call.load({"firstname": "Ada"}, {"firstname": "Bea"}, {"firstname": "Cyd"})
    made = call("POST", LISTS, 200, {"name": "VIP", "objectTypeId": "0-1", "processingType": "MANUAL"}).json()["list"]
    members = f"/crm/lists/2026-03/{made['listId']}/memberships"
    added = call("PUT", f"{members}/add", 200, [*ids[:2], "1"]).json()
    assert added == {"recordsIdsAdded": ids[:2], "recordIdsRemoved": [], "recordIdsMissing": ["1"]}
    assert call("PUT", f"{members}/add", 200, ids[:1]).json()["recordsIdsAdded"] == []
    both = {"recordIdsToAdd": [ids[2]], "recordIdsToRemove": [ids[0]]}
    assert call("PUT", f"{members}/add-and-remove", 200, both).json()["recordIdsRemoved"] == ids[:1]
    first = call("GET", f"{members}?limit=1", 200).json()
    second = call("GET", f"{members}?limit=1&after={first['paging']['next']['after']}", 200).json()
    assert {one["recordId"] for one in (*first["results"], *second["results"])} == set(ids[1:])
    assert (first["total"], "paging" in second) == (2, False)
    call("DELETE", f"{CONTACTS}/{ids[1]}", 204)
    assert call.api.lists(call.user)[0]["members"] == [ids[2]]
    call("DELETE", members, 204)
    assert call("GET", members, 200).json()["total"] == 0
    call("GET", f"{members}?limit=251", 400)


def test_lists_are_found_and_go_and_come_back(call: Caller) -> None:
    made = [call.api.add_list(call.user, name) for name in ("VIP", "Customers")]
    call("POST", LISTS, 400, {"name": "vip", "objectTypeId": "0-1", "processingType": "MANUAL"})
    found = call("POST", f"{LISTS}/search", 200, {"query": "custom", "count": 500}).json()
    assert [one["listId"] for one in found["lists"]] == [made[1]]
    assert (found["total"], found["hasMore"]) == (1, False)
    page = call("POST", f"{LISTS}/search", 200, {"count": 1, "additionalProperties": ["hs_list_size"]}).json()
    assert (page["hasMore"], page["offset"], page["lists"][0]["additionalProperties"]) == (
        True,
        1,
        {"hs_list_size": "0"},
    )
    both = call("GET", f"{LISTS}?listIds={made[0]}&listIds={made[1]}", 200).json()["lists"]
    assert {one["listId"] for one in both} == set(made)
    assert call("GET", f"{LISTS}/object-type-id/0-1/name/vip", 200).json()["list"]["listId"] == made[0]
    call("DELETE", f"{LISTS}/{made[0]}", 204)
    call("GET", f"{LISTS}/{made[0]}", 404)
    call("PUT", f"{LISTS}/{made[0]}/restore", 204)
    call("GET", f"{LISTS}/{made[0]}", 200)


def test_a_dynamic_list_follows_its_filters(call: Caller) -> None:
    ids = call.load({"firstname": "Ada", "city": "Ghent"}, {"firstname": "Bea", "city": "Paris"})
    operation = {"operationType": "MULTISTRING", "operator": "IS_EQUAL_TO", "values": ["ghent"]}
    leaf = {"filterType": "PROPERTY", "property": "city", "operation": operation}
    inner = {"filterBranchType": "AND", "filterBranches": [], "filters": [leaf]}
    branch = {"filterBranchType": "OR", "filterBranches": [inner], "filters": []}
    dynamic, snapshot = (
        call("POST", LISTS, 200, {"name": kind, "objectTypeId": "0-1", "processingType": kind, "filterBranch": branch})
        for kind in ("DYNAMIC", "SNAPSHOT")
    )
    id = dynamic.json()["list"]["listId"]
    assert call.api.lists(call.user)[0]["members"] == ids[:1]
    call("PATCH", f"{CONTACTS}/{ids[1]}", 200, {"properties": {"city": "Ghent"}})
    assert [len(one["members"]) for one in call.api.lists(call.user)] == [2, 1]
    call("PUT", f"{LISTS}/{id}/memberships/add", 400, ids)
    call("PUT", f"{LISTS}/{snapshot.json()['list']['listId']}/memberships/add", 200, ids)


# ---- companies


def test_companies_and_what_they_are_to_contacts(call: Caller) -> None:
    [person] = call.load({"firstname": "Ada"})
    companies = call.load({"domain": "Acme.example", "name": "Acme"}, {"name": "Bolt"}, object="companies")
    acme = call("GET", f"/crm/v3/objects/companies/{companies[0]}?properties=website", 200).json()["properties"]
    assert (acme["website"], "hs_lastmodifieddate" in acme) == ("acme.example", True)
    pair = f"/crm/objects/2026-03/contacts/{person}/associations"
    answer = call("PUT", f"{pair}/default/companies/{companies[0]}", 200).json()
    assert {one["associationSpec"]["associationTypeId"] for one in answer["results"]} == {279, 280}
    primary = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    made = call("PUT", f"{pair}/companies/{companies[1]}", 201, primary).json()
    assert made["labels"] == ["Primary"]
    shown = call("GET", f"{pair}/companies", 200).json()["results"]
    kinds = {one["toObjectId"]: {kind["typeId"] for kind in one["associationTypes"]} for one in shown}
    assert kinds == {int(companies[0]): {279}, int(companies[1]): {1, 279}}
    inside = call("GET", f"{CONTACTS}/{person}?associations=companies&properties=associatedcompanyid", 200).json()
    assert {one["id"] for one in inside["associations"]["companies"]["results"]} == set(companies)
    assert inside["properties"]["associatedcompanyid"] == companies[1]
    call("PATCH", f"{CONTACTS}/{person}", 200, {"properties": {"associatedcompanyid": companies[0]}})
    back = call("GET", f"/crm/v4/objects/companies/{companies[0]}/associations/contacts", 200).json()["results"]
    assert {kind["typeId"] for kind in back[0]["associationTypes"]} == {2, 280}
    call("DELETE", f"{pair}/companies/{companies[0]}", 204)
    assert call.shown(person, "associatedcompanyid") == {"associatedcompanyid": ""}


def test_a_contact_is_created_with_its_company_and_labels(call: Caller) -> None:
    [acme] = call.load({"name": "Acme"}, object="companies")
    labels = "/crm/v4/associations/contacts/companies/labels"
    [made, inverse] = call("POST", labels, 200, {"name": "boss", "label": "Boss", "inverseLabel": "Led by"}).json()[
        "results"
    ]
    kinds = [
        {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279},
        {"associationCategory": made["category"], "associationTypeId": made["typeId"]},
    ]
    wanted = {"properties": {"firstname": "Ada"}, "associations": [{"to": {"id": acme}, "types": kinds}]}
    id = call("POST", CONTACTS, 201, wanted).json()["id"]
    read = {"inputs": [{"id": id}]}
    [found] = call("POST", "/crm/v4/associations/contacts/companies/batch/read", 200, read).json()["results"]
    assert {kind["label"] for kind in found["to"][0]["associationTypes"]} == {None, "Primary", "Boss"}
    back = call("GET", f"/crm/v4/objects/companies/{acme}/associations/contacts", 200).json()["results"]
    assert inverse["typeId"] in {kind["typeId"] for kind in back[0]["associationTypes"]}
    bad = {"properties": {}, "associations": [{"to": {"id": "1"}, "types": kinds}]}
    call("POST", CONTACTS, 404, bad)
    assert len(call.api.records(call.user)) == 1


def test_an_account_may_associate_companies_by_itself(call: Caller) -> None:
    call.api.set_switches(call.user, companies_by_domain=True)
    first, second = (call.create(email=f"{name}@acme.example") for name in ("ada", "bea"))
    [company] = call.api.records(call.user, "companies")
    assert company["domain"] == "acme.example"
    for id in (first, second):
        assert call.shown(id, "associatedcompanyid") == {"associatedcompanyid": company["id"]}


# ---- owners and consent


def test_owners(call: Caller) -> None:
    olga = call.api.add_owner(call.user, "olga@example.com", firstName="Olga")
    id = call.create(hubspot_owner_id=olga)
    call.api.add_owner(call.user, "olga@example.com", archived=True)
    assert call("GET", "/crm/v3/owners", 200).json()["results"] == []
    [gone] = call("GET", "/crm/owners/2026-03?archived=true", 200).json()["results"]
    assert (gone["id"], gone["archived"]) == (olga, True)
    assert call.shown(id, "hubspot_owner_id") == {"hubspot_owner_id": olga}
    call("GET", f"/crm/v3/owners/{olga}", 404)
    call("GET", f"/crm/v3/owners/{olga}?archived=true", 200)


def test_opting_out_shows_on_the_contact(call: Caller) -> None:
    id = call.create(email="ada@example.com")
    assert call.shown(id, "hs_email_optout") == {"hs_email_optout": None}
    address = "/communication-preferences/v4/statuses/ada@example.com/unsubscribe-all"
    call("POST", f"{address}?channel=EMAIL", 200)
    assert call.shown(id, "hs_email_optout") == {"hs_email_optout": "true"}
    assert call("GET", f"{address}?channel=EMAIL", 200).json()["results"][0]["status"] == "UNSUBSCRIBED"
    call.api.opt_out(call.user, "ada@example.com", back=True)
    assert call.shown(id, "hs_email_optout") == {"hs_email_optout": "false"}
    call("PATCH", f"{CONTACTS}/{id}", 200, {"properties": {"email": "new@example.com"}})
    call.api.opt_out(call.user, "other@example.com")
    other = call.create(email="other@example.com")
    assert call.shown(other, "hs_email_optout") == {"hs_email_optout": "true"}


def test_one_subscription_and_its_legal_basis(call: Caller) -> None:
    call.api.set_switches(call.user, legal_basis_required=True)
    address = "/communication-preferences/2026-03/statuses/ada@example.com"
    change = {"subscriptionId": 101, "statusState": "SUBSCRIBED", "channel": "EMAIL"}
    call("POST", address, 400, change)
    basis = {"legalBasis": "CONSENT_WITH_NOTICE", "legalBasisExplanation": "asked in person"}
    [status] = call("POST", address, 200, {**change, **basis}).json()["results"]
    assert (status["status"], status["setStatusSuccessReason"]) == ("SUBSCRIBED", "REQUESTED_CHANGE_OCCURRED")
    old = call("GET", "/communication-preferences/v3/status/email/ada@example.com", 200).json()["subscriptionStatuses"]
    assert [one["status"] for one in old] == ["SUBSCRIBED", "NOT_SUBSCRIBED"]


def test_a_definition_that_was_taken_back_is_not_remembered(call: Caller) -> None:
    """A batch that fails as a whole leaves no property behind, nor one in memory."""
    store, account = call.api.store, call.api.account(call.user)

    def interrupted() -> None:
        with store.database.transaction():
            call.api.add_property(call.user, "tier")
            assert "tier" in store.properties(account, "0-1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert "tier" not in store.properties(account, "0-1")
    assert call.problems("POST", CONTACTS, {"properties": {"tier": "1"}}) == {"tier": "PROPERTY_DOESNT_EXIST"}
