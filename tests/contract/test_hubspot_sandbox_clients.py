"""The vendor's own Python client uses the HubSpot sandbox, unchanged but for the base address."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4 import AssociationSpec
from hubspot.crm.companies import SimplePublicObjectInputForCreate as NewCompany
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchInputSimplePublicObjectId,
    BatchReadInputSimplePublicObjectId,
    PublicGdprDeleteInput,
    PublicMergeInput,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.contacts.exceptions import ApiException
from hubspot.crm.lists import ListCreateRequest, ListSearchRequest, MembershipChangeRequest
from hubspot.crm.properties import PropertyCreate, PropertyUpdate
from hubspot.oauth.exceptions import ApiException as OAuthException
from hubspot.utils.signature import Signature
from hubspot.webhooks import SettingsChangeRequest, SubscriptionCreateRequest, ThrottlingSettings

from connectors.sandbox import Sandbox
from tests.connectors.hubspot.served import hubspot_sandbox
from tests.connectors.server import Reply, Request, serve

EMAIL = "anna@example.com"
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with hubspot_sandbox() as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    tokens = sandbox.part("hubspot").add_account(EMAIL, {"search_lag": 0, "search_per_second": 0})
    return HubSpot(access_token=tokens["access_token"], host=f"{sandbox.url}/hubspot")


def create(client: Any, **properties: str) -> Any:
    return client.crm.contacts.basic_api.create(SimplePublicObjectInputForCreate(properties=properties))


def test_creates_reads_updates_and_archives_a_contact(client: Any) -> None:
    api = client.crm.contacts.basic_api
    made = create(client, email="Ada@Example.com", firstname="Ada", numemployees="5-25")
    shown = api.get_by_id(made.id, properties=["email", "numemployees", "phone", "nonsense"])
    assert (shown.properties["email"], shown.properties["numemployees"]) == ("ada@example.com", "5-25")
    assert shown.properties["phone"] is None
    assert "nonsense" not in shown.properties
    api.update(made.id, SimplePublicObjectInput(properties={"phone": "+32 2 555 12 12", "firstname": ""}))
    shown = api.get_by_id("ADA@example.com", id_property="email", properties=["firstname", "phone"])
    assert (shown.id, shown.properties["firstname"], shown.properties["phone"]) == (made.id, "", "+32 2 555 12 12")
    assert shown.updated_at > shown.created_at
    api.archive(made.id)
    with pytest.raises(ApiException) as refused:
        api.get_by_id(made.id)
    assert refused.value.status == 404
    assert api.get_by_id(made.id, archived=True).archived
    assert [one.id for one in api.get_page(archived=True).results] == [made.id]


def test_walks_through_all_contacts(client: Any, sandbox: Sandbox) -> None:
    ids = sandbox.part("hubspot").load(EMAIL, ({"firstname": f"Person {number}"} for number in range(105)))
    found = client.crm.contacts.get_all()
    assert [int(one.id) for one in found] == sorted(map(int, ids))
    assert len(client.crm.contacts.get_all(limit=20)) == 20


def test_sends_all_five_batches(client: Any) -> None:
    api = client.crm.contacts.batch_api
    people = [
        {"properties": {"email": f"p{number}@example.com"}, "objectWriteTraceId": str(number)} for number in "123"
    ]
    made = api.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=people))
    assert {one.properties["email"] for one in made.results} == {"p1@example.com", "p2@example.com", "p3@example.com"}
    ids = [one.id for one in made.results]
    changes = [{"id": id, "properties": {"city": "Ghent"}} for id in ids]
    api.update(BatchInputSimplePublicObjectBatchInput(inputs=changes))
    wanted = {"inputs": [{"id": id} for id in [*ids, "99"]], "properties": ["city"], "properties_with_history": []}
    seen = api.read(BatchReadInputSimplePublicObjectId(**wanted))
    assert seen.num_errors == 1
    assert {one.properties["city"] for one in seen.results} == {"Ghent"}
    puts = [
        {"id": address, "idProperty": "email", "properties": {"city": "Bruges"}}
        for address in ("p1@example.com", "p9@example.com")
    ]
    put = api.upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=puts))
    assert sorted(one.new for one in put.results) == [False, True]
    api.archive(BatchInputSimplePublicObjectId(inputs=[{"id": id} for id in ids]))
    assert [one.properties["email"] for one in client.crm.contacts.get_all()] == ["p9@example.com"]


def test_searches_merges_and_erases(client: Any) -> None:
    first = create(client, email="ada@example.com", firstname="Ada")
    second = create(client, email="countess@example.com", lastname="Lovelace")
    api = client.crm.contacts
    group = {"filters": [{"propertyName": "email", "operator": "CONTAINS_TOKEN", "value": "*@example.com"}]}
    asked = PublicObjectSearchRequest(filter_groups=[group], sorts=["-createdate"], limit=1, properties=["email"])
    page = api.search_api.do_search(asked)
    assert (page.total, page.paging.next.after, len(page.results)) == (2, "1", 1)
    merged = api.basic_api.merge(PublicMergeInput(primary_object_id=first.id, object_id_to_merge=second.id))
    assert merged.id not in (first.id, second.id)
    kept = api.basic_api.get_by_id(second.id, properties=["firstname", "lastname", "hs_additional_emails"])
    assert kept.id == merged.id
    assert kept.properties["hs_additional_emails"] == "countess@example.com"
    api.basic_api.purge(PublicGdprDeleteInput(object_id="ada@example.com", id_property="email"))
    assert not api.get_all()


def test_defines_properties(client: Any) -> None:
    api = client.crm.properties.core_api
    body = {"group_name": "contactinformation", "label": "Mark", "type": "string", "field_type": "text"}
    api.create("contacts", PropertyCreate(name="pairwise_mark", has_unique_value=True, **body))
    assert api.update("contacts", "pairwise_mark", PropertyUpdate(label="Pairwise mark")).label == "Pairwise mark"
    made = create(client, firstname="Ada", pairwise_mark="m1")
    found = client.crm.contacts.basic_api.get_by_id("m1", id_property="pairwise_mark")
    assert found.id == made.id
    names = {one.name: one for one in api.get_all("contacts").results}
    assert names["pairwise_mark"].has_unique_value
    assert names["lastmodifieddate"].modification_metadata.read_only_value
    api.archive("contacts", "pairwise_mark")
    assert "pairwise_mark" not in {one.name for one in api.get_all("contacts").results}
    assert "contactinformation" in {one.name for one in client.crm.properties.groups_api.get_all("contacts").results}


def test_keeps_lists(client: Any) -> None:
    ids = [create(client, firstname=name).id for name in ("Ada", "Grace")]
    api = client.crm.lists.lists_api
    made = api.create(ListCreateRequest(name="VIP", object_type_id="0-1", processing_type="MANUAL")).list
    members = client.crm.lists.memberships_api
    added = members.add(made.list_id, [*ids, "77"])
    assert (sorted(added.records_ids_added), added.record_ids_missing) == (sorted(ids), ["77"])
    members.add_and_remove(made.list_id, MembershipChangeRequest(record_ids_to_add=[], record_ids_to_remove=ids[:1]))
    assert [one.record_id for one in members.get_page(made.list_id).results] == ids[1:]
    assert [one.list_id for one in members.get_lists("0-1", ids[1]).results] == [made.list_id]
    api.update_name(made.list_id, list_name="Very important")
    asked = ListSearchRequest(query="import", additional_properties=["hs_list_size"], offset=0, count=10)
    [found] = api.do_search(asked).lists
    assert (found.name, found.additional_properties["hs_list_size"]) == ("Very important", "1")
    assert api.get_by_name("very IMPORTANT", "0-1").list.list_id == made.list_id
    api.remove(made.list_id)
    assert not api.get_all(list_ids=[made.list_id]).lists
    api.restore(made.list_id)
    assert api.get_by_id(made.list_id).list.name == "Very important"


def test_reads_owners(client: Any, sandbox: Sandbox) -> None:
    hubspot = sandbox.part("hubspot")
    id = hubspot.add_owner(EMAIL, "olga@example.com", firstName="Olga")
    hubspot.add_owner(EMAIL, "gone@example.com", archived=True)
    api = client.crm.owners.owners_api
    assert [one.email for one in api.get_page().results] == ["olga@example.com"]
    assert [one.email for one in api.get_page(archived=True).results] == ["gone@example.com"]
    assert api.get_by_id(int(id)).first_name == "Olga"
    assert len(client.crm.owners.get_all()) == 1


def test_associates_contacts_with_companies(client: Any) -> None:
    person = create(client, firstname="Ada")
    companies = [
        client.crm.companies.basic_api.create(NewCompany(properties={"name": name, "domain": f"{name}.example"}))
        for name in ("acme", "bolt")
    ]
    api = client.crm.associations.v4.basic_api
    api.create_default("contacts", person.id, "companies", companies[0].id)
    primary = AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=1)
    api.create("contacts", person.id, "companies", companies[1].id, [primary])
    page = api.get_page("contacts", person.id, "companies")
    kinds = {str(one.to_object_id): sorted(kind.type_id for kind in one.association_types) for one in page.results}
    assert kinds == {companies[0].id: [279], companies[1].id: [1, 279]}
    shown = client.crm.contacts.basic_api.get_by_id(person.id, properties=["associatedcompanyid"])
    assert shown.properties["associatedcompanyid"] == companies[1].id
    api.archive("contacts", person.id, "companies", companies[1].id)
    assert len(api.get_page("contacts", person.id, "companies").results) == 1


def test_signs_in_and_renews(sandbox: Sandbox) -> None:
    hubspot = sandbox.part("hubspot")
    hubspot.register_app("pairwise", ["https://pairwise.example.com/back"], SECRET)
    refresh = hubspot.add_account(EMAIL)["refresh_token"]
    client: Any = HubSpot(host=f"{sandbox.url}/hubspot")
    body = {"grant_type": "refresh_token", "client_id": "pairwise", "client_secret": SECRET}
    answer = client.oauth.tokens_api.create(refresh_token=refresh, **body)
    assert (answer.refresh_token, answer.expires_in, answer.token_type) == (refresh, 1800, "bearer")
    about = client.oauth.access_tokens_api.get(answer.access_token)
    assert about.user == EMAIL
    client.access_token = answer.access_token
    assert client.crm.contacts.get_all() == []
    client.oauth.refresh_tokens_api.archive(refresh)
    with pytest.raises(OAuthException) as refused:
        client.oauth.tokens_api.create(refresh_token=refresh, **body)
    assert json.loads(refused.value.body)["status"] == "BAD_REFRESH_TOKEN"


def test_receives_webhooks_that_its_own_check_accepts(sandbox: Sandbox) -> None:
    letters: queue.Queue[Request] = queue.Queue()

    def inbox(request: Request) -> Reply:
        letters.put(request)
        return Reply(204)

    hubspot = sandbox.part("hubspot")
    app = hubspot.register_app("pairwise", ["https://pairwise.example.com/back"], SECRET, developer_key="dev")
    hubspot.add_account(EMAIL)
    client: Any = HubSpot(api_key="dev", host=f"{sandbox.url}/hubspot")
    with serve(inbox) as address:
        target = f"{address}/hook?from=hubspot%2Ftest"
        throttling = ThrottlingSettings(max_concurrent_requests=10)
        client.webhooks.settings_api.configure(app, SettingsChangeRequest(target_url=target, throttling=throttling))
        assert client.webhooks.settings_api.get_all(app).target_url == target
        api = client.webhooks.subscriptions_api
        api.create(app, SubscriptionCreateRequest(event_type="contact.creation", active=True))
        named = {"event_type": "contact.propertyChange", "property_name": "email"}
        api.create(app, SubscriptionCreateRequest(active=True, **named))
        assert len(api.get_all(app).results) == 2
        hubspot.load(EMAIL, [{"email": "ada@example.com"}])
        letter = letters.get(timeout=5)
    kinds = {event["subscriptionType"] for event in json.loads(letter.body)}
    assert kinds == {"contact.creation", "contact.propertyChange"}
    common = {"client_secret": SECRET, "request_body": letter.body.decode(), "http_method": "POST"}
    assert Signature.is_valid(
        signature=letter.headers["X-HubSpot-Signature-v3"],
        http_uri=f"{address}/hook?from=hubspot/test",
        signature_version="v3",
        timestamp=letter.headers["X-HubSpot-Request-Timestamp"],
        **common,
    )
    assert Signature.is_valid(signature=letter.headers["X-HubSpot-Signature"], signature_version="v1", **common)
