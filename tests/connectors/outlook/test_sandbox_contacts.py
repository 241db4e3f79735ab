"""Contacts in the Outlook sandbox behave as the vendor's do (documentation and published reports)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.sandbox import Sandbox
from tests.connectors.outlook.graph_client import CONTACTS, EMAIL, IMMUTABLE, GraphClient

SYNC = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name sync"
FAX = "String 0x3A24"


@pytest.fixture
def graph() -> Iterator[GraphClient]:
    sandbox = Sandbox()
    yield GraphClient(sandbox)
    sandbox.stop()


def test_a_new_contact_shows_what_the_service_fills_in(graph: GraphClient) -> None:
    contact = graph.create(givenName="Garth", surname="Fort", emailAddresses=[{"address": "garth@example.com"}])
    assert contact["@odata.etag"] == f'W/"{contact["changeKey"]}"'
    assert len(contact["id"]) >= 100
    assert contact["displayName"] == "Garth Fort"
    assert contact["fileAs"] == "Fort, Garth"
    assert contact["emailAddresses"] == [{"name": "garth@example.com", "address": "garth@example.com"}]
    assert (contact["homeAddress"], contact["homePhones"], contact["personalNotes"]) == ({}, [], "")
    assert contact["parentFolderId"] == graph.get("/me/contactFolders/contacts")["id"]
    assert contact["createdDateTime"].endswith("Z")


@pytest.mark.parametrize(
    ("name", "values", "shown", "most"),
    [
        ("emailAddresses", [{"address": f"{n}@example.com"} for n in range(4)], "EmailAddresses has 4", 3),
        ("businessPhones", ["1", "2", "3"], "BusinessPhones has 3", 2),
        ("homePhones", ["1", "2", "3"], "HomePhones has 3", 2),
    ],
)
def test_too_many_values_are_refused_in_the_services_words(
    graph: GraphClient, name: str, values: list[Any], shown: str, most: int
) -> None:
    message = f"The multi value property {shown} entries, that exceeds the max allowed value of {most}."
    assert graph.refusal("POST", CONTACTS, {name: values}) == (400, "ErrorInvalidProperty", message)
    assert graph.get(CONTACTS)["value"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"shoeSize": "42"}, 400, "RequestBodyRead"),
        ({"givenName": 7}, 400, "RequestBodyRead"),
        ({"homePhones": "123"}, 400, "RequestBodyRead"),
        ({"birthday": "1990-02-30"}, 400, "RequestBodyRead"),
        ({"homeAddress": {"planet": "Earth"}}, 400, "RequestBodyRead"),
        ({"homeAddress": None}, 500, "ErrorInternalServerError"),
    ],
)
def test_what_the_service_does_not_take_is_refused(
    graph: GraphClient, body: dict[str, Any], status: int, code: str
) -> None:
    assert graph.refusal("POST", CONTACTS, body)[:2] == (status, code)


def test_a_body_that_is_no_json_is_refused(graph: GraphClient) -> None:
    kind = {"Content-Type": "application/json"}
    refused = graph.refusal("POST", CONTACTS, content=b'{"givenName"', headers=kind)
    assert refused[:2] == (400, "UnableToDeserializePostBody")


def test_a_patch_changes_what_it_names_and_replaces_collections_whole(graph: GraphClient) -> None:
    contact = graph.create(
        givenName="Ada",
        jobTitle="Analyst",
        businessPhones=["1", "2"],
        birthday="1815-12-10",
        homeAddress={"street": "1 Main St", "city": "London"},
    )
    changed = graph.patch(contact, jobTitle=None, businessPhones=["3"], birthday=None, homeAddress={"city": "Paris"})
    assert (changed["jobTitle"], changed["businessPhones"], changed["birthday"]) == (None, ["3"], None)
    assert changed["homeAddress"] == {"city": "Paris"}
    assert changed["givenName"] == "Ada"
    assert changed["changeKey"] != contact["changeKey"]


def test_a_whole_contact_sent_back_is_refused(graph: GraphClient) -> None:
    contact = graph.create(givenName="Ada")
    refused = graph.refusal("PATCH", f"{CONTACTS}/{contact['id']}", contact)
    assert refused[:2] == (400, "UnableToDeserializePostBody")


def test_the_display_name_is_made_anew_unless_it_is_sent_along(graph: GraphClient) -> None:
    contact = graph.create(givenName="Ada", surname="Byron", displayName="The Countess")
    assert contact["displayName"] == "The Countess"
    assert graph.patch(contact, surname="Lovelace")["displayName"] == "Ada Lovelace"
    assert graph.patch(contact, surname="King", displayName="A. King")["displayName"] == "A. King"


@pytest.mark.parametrize("sent", ["1974-07-22", "1974-07-22T00:00:00Z", "1974-07-22T23:30:00.0000000Z"])
def test_a_birthday_is_kept_at_a_minute_to_noon(graph: GraphClient, sent: str) -> None:
    assert graph.create(birthday=sent)["birthday"] == "1974-07-22T11:59:00Z"


def test_an_address_with_a_comma_at_its_end_is_taken_and_never_seen_again(graph: GraphClient) -> None:
    assert graph.create(emailAddresses=[{"address": "a@example.com,"}])["emailAddresses"] == []


def test_an_old_etag_is_refused_and_any_etag_is_not(graph: GraphClient) -> None:
    contact = graph.create(givenName="Ada")
    changed = graph.patch(contact, {"If-Match": contact["@odata.etag"]}, jobTitle="Analyst")
    address = f"{CONTACTS}/{contact['id']}"
    stale = {"If-Match": contact["@odata.etag"]}
    assert graph.refusal("PATCH", address, {"jobTitle": "x"}, headers=stale)[:2] == (412, "ErrorIrresolvableConflict")
    assert graph.refusal("DELETE", address, headers=stale)[0] == 412
    graph.patch(changed, {"If-Match": "*"}, jobTitle="y")
    graph.api.set_switches(EMAIL, if_match=False)
    graph.patch(changed, stale, jobTitle="z")


def test_the_default_page_holds_ten_and_links_carry_the_options_on(graph: GraphClient) -> None:
    graph.api.load(EMAIL, ({"givenName": f"{number:02}"} for number in range(25)))
    page = graph.get(CONTACTS, select="givenName", orderby="givenName desc")
    assert len(page["value"]) == 10
    assert "%24skip=10" in page["@odata.nextLink"]
    seen = [contact["givenName"] for contact in page["value"]]
    while "@odata.nextLink" in page:
        page = graph.get(page["@odata.nextLink"])
        assert all(set(contact) == {"@odata.etag", "id", "givenName"} for contact in page["value"])
        seen += [contact["givenName"] for contact in page["value"]]
    assert seen == [f"{number:02}" for number in range(24, -1, -1)]


def test_options_the_service_does_not_know_are_refused(graph: GraphClient) -> None:
    assert graph.refusal("GET", CONTACTS, query={"$select": "shoeSize"})[0] == 400
    assert graph.refusal("GET", CONTACTS, query={"$top": "none"})[0] == 400
    assert graph.refusal("GET", CONTACTS, query={"$orderby": "emailAddresses"})[0] == 400
    assert graph.refusal("GET", CONTACTS, query={"$nonsense": "1"})[0] == 400


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("emailAddresses/any(a:a/address eq 'ADA@example.com')", ["Ada"]),
        ("givenName eq 'Ada'", ["Ada"]),
        ("givenName eq 'O''Hara' or surname eq 'Hopper'", ["Grace", "O'Hara"]),
        ("startswith(displayName,'gr')", ["Grace"]),
        ("companyName eq null and not (givenName eq 'Ada')", ["Grace", "O'Hara"]),
        ("categories/any(c:c eq 'vip')", ["Grace"]),
    ],
)
def test_filters_find_what_they_name(graph: GraphClient, expression: str, names: list[str]) -> None:
    graph.create(givenName="Ada", companyName="Engines", emailAddresses=[{"address": "ada@example.com"}])
    graph.create(givenName="Grace", surname="Hopper", categories=["VIP"])
    graph.create(givenName="O'Hara")
    assert [contact["givenName"] for contact in graph.get(CONTACTS, filter=expression)["value"]] == names


@pytest.mark.parametrize(
    "expression",
    [
        "contains(displayName,'a')",
        "emailAddresses/any(a:startswith(a/address,'a'))",
        "emailAddresses/any(a:a/name eq 'Ada')",
        "emailAddresses eq 'a'",
        "givenName eq",
        "givenName eq 'a' and",
        "(givenName eq 'a'",
        "givenName eq 'a' ; drop",
    ],
)
def test_filters_beyond_the_documented_ones_are_refused(graph: GraphClient, expression: str) -> None:
    refused = graph.refusal("GET", CONTACTS, query={"$filter": expression})
    assert refused[:2] == (400, "ErrorInvalidUrlQueryFilter")


def test_extended_properties_come_only_when_their_ids_are_named(graph: GraphClient) -> None:
    properties = [{"id": SYNC, "value": "c0ffee"}, {"id": FAX, "value": "+1 555"}]
    contact = graph.create(givenName="Ada", singleValueExtendedProperties=properties)
    assert "singleValueExtendedProperties" not in contact
    wanted = f"singleValueExtendedProperties($filter=id eq '{SYNC}' or id eq '{FAX.replace('3A', '3a')}')"
    address = f"{CONTACTS}/{contact['id']}"
    assert graph.get(address, expand=wanted)["singleValueExtendedProperties"] == properties
    assert graph.refusal("GET", address, query={"$expand": "singleValueExtendedProperties"})[0] == 400

    graph.patch(contact, singleValueExtendedProperties=[{"id": SYNC, "value": None}])
    assert graph.get(address, expand=wanted)["singleValueExtendedProperties"] == properties[1:]


def test_a_marker_finds_its_contact_in_any_folder_of_the_mailbox(graph: GraphClient) -> None:
    graph.api.add_folder(EMAIL, "Contacts/Old")
    contact = graph.create(CONTACTS, IMMUTABLE, singleValueExtendedProperties=[{"id": SYNC, "value": "C0ffee"}])
    graph.create(singleValueExtendedProperties=[{"id": SYNC, "value": "other"}])
    marked = f"singleValueExtendedProperties/Any(ep: ep/id eq '{SYNC}' and ep/value eq 'c0ffee')"
    for folder in ("Contacts/Old", "Deleted Items"):
        graph.api.move(EMAIL, contact["id"], folder)
        found = graph.get(CONTACTS, IMMUTABLE, filter=marked)["value"]
        assert [item["id"] for item in found] == [contact["id"]]


def test_a_mailbox_can_drop_extended_properties_silently(graph: GraphClient) -> None:
    graph.api.set_switches(EMAIL, keeps_extended_properties=False)
    graph.create(singleValueExtendedProperties=[{"id": SYNC, "value": "c0ffee"}])
    marked = f"singleValueExtendedProperties/Any(ep: ep/id eq '{SYNC}' and ep/value eq 'c0ffee')"
    assert graph.get(CONTACTS, filter=marked)["value"] == []


def test_ordinary_ids_change_with_the_folder_and_immutable_ones_do_not(graph: GraphClient) -> None:
    graph.api.add_folder(EMAIL, "Contacts/Old")
    contact = graph.create(givenName="Ada")
    [lasting] = graph.get(CONTACTS, IMMUTABLE)["value"]
    assert lasting["id"] != contact["id"]
    graph.api.move(EMAIL, lasting["id"], "Contacts/Old")
    assert graph.refusal("GET", f"{CONTACTS}/{contact['id']}")[:2] == (404, "ErrorItemNotFound")
    moved = graph.get(f"{CONTACTS}/{lasting['id']}", IMMUTABLE)
    assert moved["id"] == lasting["id"]
    assert moved["parentFolderId"] != contact["parentFolderId"]
    body = {"inputIds": [lasting["id"]], "sourceIdType": "restImmutableEntryId", "targetIdType": "restId"}
    [translated] = graph.ask("POST", "/me/translateExchangeIds", body).json()["value"]
    assert graph.get(f"{CONTACTS}/{translated['targetId']}")["givenName"] == "Ada"


def test_ids_of_nobody_and_of_another_mailbox_are_malformed(graph: GraphClient) -> None:
    other = GraphClient(graph.sandbox, "bob@example.com").create(givenName="Bob")
    for id in ("nonsense", other["id"], other["id"][:-4] + "AAA="):
        assert graph.refusal("GET", f"{CONTACTS}/{id}")[:2] == (400, "ErrorInvalidIdMalformed")


def test_a_deleted_contact_lies_in_deleted_items_until_it_is_deleted_again(graph: GraphClient) -> None:
    contact = graph.create(CONTACTS, IMMUTABLE, givenName="Ada")
    address = f"{CONTACTS}/{contact['id']}"
    assert graph.ask("DELETE", address).status == 204
    assert graph.get(CONTACTS)["value"] == []
    [kept] = graph.get("/me/contactFolders/deleteditems/contacts", IMMUTABLE)["value"]
    assert kept["id"] == contact["id"]
    assert graph.ask("POST", f"{address}/permanentDelete").status == 204
    assert graph.refusal("GET", address)[0] == 404


def test_the_default_folder_is_not_listed_and_holds_only_its_own_contacts(graph: GraphClient) -> None:
    folder = graph.create("/me/contactFolders", displayName="Customers")
    nested = graph.create(f"/me/contactFolders/{folder['id']}/childFolders", displayName="Old")
    graph.create(f"/me/contactFolders/{nested['id']}/contacts", givenName="Ada")
    assert [row["displayName"] for row in graph.get("/me/contactFolders")["value"]] == ["Customers"]
    assert graph.get(CONTACTS)["value"] == []
    assert graph.get(f"/me/contactFolders('{nested['id']}')/contacts")["value"][0]["givenName"] == "Ada"
    assert graph.refusal("POST", "/me/contactFolders", {"displayName": "customers"})[:2] == (409, "ErrorFolderExists")
    assert graph.refusal("DELETE", "/me/contactFolders/contacts")[0] == 403
    graph.ask("DELETE", f"/me/contactFolders/{folder['id']}")
    assert graph.refusal("GET", f"/me/contactFolders/{nested['id']}/contacts")[:2] == (404, "ErrorFolderNotFound")


def test_categories_are_names_that_need_not_be_in_the_master_list(graph: GraphClient) -> None:
    assert graph.create(categories=["CORPUS"])["categories"] == ["CORPUS"]
    listed = graph.get("/me/outlook/masterCategories")["value"]
    assert {"displayName": "Blue category", "color": "preset7"}.items() <= listed[4].items()
    assert "CORPUS" not in {category["displayName"] for category in listed}
    made = {"displayName": "Customers", "color": "preset7"}
    key = graph.create("/me/outlook/masterCategories", **made)["id"]
    assert graph.refusal("POST", "/me/outlook/masterCategories", {"displayName": "customers"})[0] == 409
    assert graph.refusal("PATCH", f"/me/outlook/masterCategories/{key}", {"displayName": "Clients"})[0] == 400


def test_a_note_that_begins_with_a_line_break_is_cut_in_lists_only(graph: GraphClient) -> None:
    note = "\n" + "line\n" * 100
    contact = graph.create(personalNotes=note)
    [listed] = graph.get(CONTACTS)["value"]
    assert listed["personalNotes"] == note.replace("\n", "")[:256]
    assert graph.get(f"{CONTACTS}/{contact['id']}")["personalNotes"] == note


def test_a_personal_mailbox_repeats_its_addresses(graph: GraphClient) -> None:
    personal = GraphClient(graph.sandbox, "bob@outlook.example", kind="personal")
    contact = personal.create(emailAddresses=[{"address": "a@example.com"}, {"address": "b@example.com"}])
    assert contact["secondaryEmailAddress"]["address"] == "b@example.com"
    assert "tertiaryEmailAddress" not in contact
    assert len(personal.get("/me")["id"]) == 16


def test_a_mailbox_without_rest_access_says_so(graph: GraphClient) -> None:
    graph.api.set_switches(EMAIL, mailbox_enabled=False)
    refused = (
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    )
    assert graph.refusal("GET", CONTACTS) == refused
    assert graph.refusal("GET", "/me/contactFolders") == refused
    assert graph.get("/me")["mail"] == EMAIL


def test_another_mailbox_opens_to_those_it_is_shared_with(graph: GraphClient) -> None:
    GraphClient(graph.sandbox, "team@example.com").create(givenName="Ada")
    address = "/users/team@example.com/contacts"
    assert graph.refusal("GET", address)[:2] == (404, "ErrorItemNotFound")
    graph.api.set_switches("team@example.com", shared_with=[EMAIL])
    assert [contact["givenName"] for contact in graph.get(address)["value"]] == ["Ada"]
    assert graph.refusal("GET", "/users/nobody@example.com/contacts")[:2] == (404, "ErrorInvalidUser")


def test_a_token_opens_what_its_scopes_name(graph: GraphClient) -> None:
    graph.token = graph.api.issue_tokens(EMAIL, scope="Contacts.Read")["access_token"]
    assert graph.get(CONTACTS)["value"] == []
    assert graph.refusal("POST", CONTACTS, {"givenName": "Ada"})[:2] == (403, "ErrorAccessDenied")
    assert graph.refusal("GET", "/me/outlook/masterCategories")[0] == 403


def test_a_token_that_is_missing_invented_or_old_is_refused(graph: GraphClient) -> None:
    graph.api.expire_tokens(EMAIL)
    texts = {"Bearer": "empty", f"Bearer {graph.token}": "expired", "Bearer invented": "CompactToken"}
    for header, text in texts.items():
        answer = graph.ask("GET", CONTACTS, headers={"Authorization": header})
        error = answer.json()["error"]
        assert (answer.status, error["code"]) == (401, "InvalidAuthenticationToken")
        assert text in error["message"]


def test_photos_are_replaced_and_never_removed(graph: GraphClient) -> None:
    address = f"{CONTACTS}/{graph.create(givenName='Ada')['id']}/photo"
    assert graph.refusal("GET", address)[:2] == (404, "ErrorItemNotFound")
    kind = {"Content-Type": "image/jpeg"}
    assert graph.ask("PUT", f"{address}/$value", content=b"one", headers=kind).status == 200
    assert graph.ask("PATCH", f"{address}/$value", content=b"two", headers=kind).status == 200
    assert graph.ask("GET", f"{address}/$value").body == b"two"
    assert graph.refusal("DELETE", f"{address}/$value")[0] == 405


def test_answers_carry_the_callers_request_id(graph: GraphClient) -> None:
    answer = graph.ask("GET", f"{CONTACTS}/x", headers={"client-request-id": "my-own-id"})
    assert answer.headers["client-request-id"] == "my-own-id"
    assert answer.json()["error"]["innerError"]["client-request-id"] == "my-own-id"
    assert answer.headers["request-id"]


def test_a_mailbox_can_count_its_requests_and_ask_to_wait(graph: GraphClient) -> None:
    graph.api.set_switches(EMAIL, request_limit=2)
    graph.get(CONTACTS)
    graph.get(CONTACTS)
    answer = graph.ask("GET", CONTACTS)
    assert answer.status == 429
    graph.sandbox.clock.advance(float(answer.headers["Retry-After"]) + 1)
    graph.token = graph.api.issue_tokens(EMAIL)["access_token"]
    graph.get(CONTACTS)
