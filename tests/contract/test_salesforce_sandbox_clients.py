"""A client that this project did not write uses the Salesforce sandbox, unchanged but for the base address."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.bulk2 import ColumnDelimiter, LineEnding, Operation
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceOperationError,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql

from connectors.sandbox import Sandbox

USER = "anna.peeters@example.com"


class ToSandbox(HTTPAdapter):
    """The client builds https addresses of an instance; the sandbox speaks http below a prefix."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        assert request.url
        request.url = request.url.replace("https://acme.my.salesforce.com", f"{self.url}/salesforce")
        return super().send(request, *args, **options)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    token = sandbox.part("salesforce").add_account(USER)["access_token"]
    session = requests.Session()
    session.mount("https://", ToSandbox(sandbox.url))
    return Salesforce(session_id=token, instance_url="https://acme.my.salesforce.com", version="67.0", session=session)


def test_creates_reads_updates_and_deletes_a_contact(client: Any) -> None:
    made = client.Contact.create({"LastName": "Maes", "FirstName": "Anna", "Email": "anna@example.com"})
    assert made["success"]
    assert client.Contact.get(made["id"])["Name"] == "Anna Maes"
    assert client.Contact.update(made["id"], {"Title": "Buyer", "Email": None}) == 204
    found = client.query(format_soql("SELECT Id, Title, Email FROM Contact WHERE LastName = {}", "maes"))
    assert [(one["Title"], one["Email"]) for one in found["records"]] == [("Buyer", None)]
    assert client.api_usage["api-usage"].total == 15000
    assert client.Contact.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        client.Contact.get(made["id"])
    gone = client.query("SELECT Id FROM Contact", include_deleted=True)["records"]
    assert [one["Id"] for one in gone] == [made["id"]]


def test_describes_objects(client: Any) -> None:
    names = {one["name"] for one in client.describe()["sobjects"]}
    assert {"Contact", "Lead", "Account", "Campaign", "CampaignMember", "User"} <= names
    fields = {one["name"]: one for one in client.Contact.describe()["fields"]}
    assert (fields["LastName"]["length"], fields["LastName"]["nillable"]) == (80, False)


def test_pages_through_a_large_result(client: Any, sandbox: Sandbox) -> None:
    sandbox.part("salesforce").load(USER, "Contact", ({"LastName": f"Person {number:04}"} for number in range(2105)))
    found = client.query_all("SELECT LastName, Account.Name FROM Contact ORDER BY LastName")
    assert [one["LastName"] for one in found["records"]] == [f"Person {number:04}" for number in range(2105)]
    assert found["totalSize"] == 2105
    assert found["records"][0]["Account"] is None


def test_upserts_by_an_external_id_and_tells_ambiguous_ones(client: Any, sandbox: Sandbox) -> None:
    sandbox.part("salesforce").add_field(USER, "Contact", "Key__c", external_id=True, length=40)
    assert client.Contact.upsert("Key__c/A-1", {"LastName": "Maes"}) == 201
    assert client.Contact.upsert("Key__c/a-1", {"LastName": "Peeters"}) == 200
    assert client.Contact.get_by_custom_id("Key__c", "A-1")["LastName"] == "Peeters"
    client.Contact.create({"LastName": "Twin", "Key__c": "A-1"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        client.Contact.get_by_custom_id("Key__c", "A-1")


def test_bulk_2_inserts_and_queries(client: Any) -> None:
    rows = [{"LastName": f"Bulk {number}", "Email": f"b{number}@example.com"} for number in range(30)]
    rows.append({"LastName": "Bad", "Email": "none"})
    [result] = client.bulk2.Contact.insert(records=rows)
    assert (result["numberRecordsProcessed"], result["numberRecordsFailed"]) == (31, 1)
    failed = list(csv.DictReader(io.StringIO(client.bulk2.Contact.get_failed_records(result["job_id"]))))
    assert "INVALID_EMAIL_ADDRESS" in failed[0]["sf__Error"]
    pages = list(client.bulk2.Contact.query("SELECT Id, LastName FROM Contact", max_records=20))
    names = [row["LastName"] for page in pages for row in csv.DictReader(io.StringIO(page))]
    assert len(pages) == 2
    assert sorted(names) == sorted(f"Bulk {number}" for number in range(30))


def test_replication_names_deleted_and_updated_ids(client: Any, sandbox: Sandbox) -> None:
    kept = client.Lead.create({"LastName": "Kept", "Company": "Acme"})["id"]
    gone = client.Lead.create({"LastName": "Gone", "Company": "Acme"})["id"]
    client.Lead.delete(gone)
    start, end = datetime.now(UTC) - timedelta(minutes=5), datetime.now(UTC) + timedelta(minutes=5)
    assert client.Lead.updated(start, end)["ids"] == [kept]
    assert [one["id"] for one in client.Lead.deleted(start, end)["deletedRecords"]] == [gone]


def test_says_why_a_request_was_refused(client: Any, sandbox: Sandbox) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="Required fields are missing"):
        client.Contact.create({"FirstName": "Anna"})
    with pytest.raises(SalesforceMalformedRequest, match="No such column 'Nickname'"):
        client.query("SELECT Nickname FROM Contact")
    with pytest.raises(SalesforceMalformedRequest, match="unexpected token: 'OR'"):
        client.query("SELECT Id FROM Contact WHERE LastName = 'a' AND FirstName = 'b' OR Email = 'c'")
    with pytest.raises(SalesforceMalformedRequest, match="can not be filtered"):
        client.query("SELECT Id FROM Contact WHERE Description = 'a'")
    sandbox.part("salesforce").expire_tokens(USER)
    with pytest.raises(SalesforceExpiredSession):
        client.query("SELECT Id FROM Contact")


def test_campaign_members_are_found_through_their_contact(client: Any) -> None:
    campaign = client.Campaign.create({"Name": "Newsletter"})["id"]
    contact = client.Contact.create({"LastName": "Maes"})["id"]
    client.CampaignMember.create({"CampaignId": campaign, "ContactId": contact})
    with pytest.raises(SalesforceMalformedRequest, match="Already a campaign member"):
        client.CampaignMember.create({"CampaignId": campaign, "ContactId": contact})
    found = client.query("SELECT Id, (SELECT Campaign.Name, Status FROM CampaignMembers) FROM Contact")["records"][0]
    assert [one["Campaign"]["Name"] for one in found["CampaignMembers"]["records"]] == ["Newsletter"]
    inside = "SELECT Id FROM Contact WHERE Id IN (SELECT ContactId FROM CampaignMember)"
    assert client.query(inside)["totalSize"] == 1


HARD = 'First line\r\nsecond, with "quotes"; a | and a `\n\nŻółć 李 🎈'


@pytest.mark.parametrize("ending", ["LF", "CRLF"])
@pytest.mark.parametrize("delimiter", ["COMMA", "TAB", "PIPE", "SEMICOLON", "CARET", "BACKQUOTE"])
def test_ingests_in_a_job_in_every_form_of_its_file(client: Any, delimiter: str, ending: str) -> None:
    people = [{"LastName": f"Person {number}", "Description": HARD, "Title": "#N/A"} for number in range(3)]
    options = {"column_delimiter": ColumnDelimiter(delimiter), "line_ending": LineEnding(ending)}
    [job] = client.bulk2.Contact.insert(records=people, wait=0.01, **options)
    assert (job["numberRecordsTotal"], job["numberRecordsFailed"]) == (3, 0)
    found = client.query("SELECT LastName, Description, Title FROM Contact ORDER BY LastName")["records"]
    shown = [(one["LastName"], one["Description"].replace("\r\n", "\n"), one["Title"]) for one in found]
    assert shown == [(f"Person {number}", HARD.replace("\r\n", "\n"), None) for number in range(3)]


def test_a_job_tells_which_rows_it_made_refused_and_left(client: Any, sandbox: Sandbox) -> None:
    people = [{"LastName": "Maes", "Email": "maes@example.com"}, {"LastName": "Bad", "Email": "none"}]
    [job] = client.bulk2.Contact.insert(records=people, wait=0.01)
    results = client.bulk2.Contact.get_all_ingest_records(job["job_id"])
    assert [one["LastName"] for one in results["successfulRecords"]] == ["Maes"]
    assert [one["sf__Error"] for one in results["failedRecords"]] == [
        "INVALID_EMAIL_ADDRESS:Email: invalid email address: none:Email --"
    ]
    assert results["unprocessedRecords"] == []
    with pytest.raises(SalesforceOperationError, match="Field name not found : Nowhere"):
        client.bulk2.Contact.insert(records=[{"LastName": "Maes", "Nowhere": "x"}], wait=0.01)
    assert len(client.query("SELECT Id FROM Contact")["records"]) == 1


def test_a_job_goes_through_its_states_and_ends_by_hand(client: Any, sandbox: Sandbox) -> None:
    sandbox.part("salesforce").set_switches(USER, bulk_seconds=60)
    jobs = client.bulk2.Contact._client
    made = jobs.create_job(Operation.insert)
    jobs.upload_job_data(made["id"], "LastName\nMaes\n")
    assert made["state"] == "Open"
    assert jobs.close_job(made["id"])["state"] == "UploadComplete"
    assert [jobs.get_job(made["id"], False)["state"] for _ in range(2)] == ["UploadComplete", "InProgress"]
    assert jobs.abort_job(made["id"], False)["state"] == "Aborted"
    sandbox.clock.advance(61)
    assert client.query("SELECT Id FROM Contact")["records"] == []
    assert "Maes" in jobs.get_ingest_results(made["id"], "unprocessedRecords")
    with pytest.raises(SalesforceMalformedRequest):
        jobs.close_job(made["id"])
