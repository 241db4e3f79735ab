"""The sandbox answers as the vendor documents, whoever asks."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from connectors.sandbox import Sandbox
from tests.connectors.salesforce.conftest import Account


class Caller:
    """A plain HTTP client of one organisation."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {account.secrets['access_token']}"
        self.instance = account.secrets["instance_url"]
        self.root = f"{self.instance}/services/data/v67.0"

    def __call__(self, method: str, path: str, status: int, json: Any = None, **options: Any) -> requests.Response:
        url = self.instance + path if path.startswith("/services") else self.root + path
        answer = self.session.request(method, url, json=json, timeout=5, **options)
        assert answer.status_code == status, answer.text
        return answer

    def query(self, soql: str, everything: bool = False, **headers: str) -> Any:
        path = "/queryAll" if everything else "/query"
        return self("GET", path, 200, params={"q": soql}, headers=headers).json()

    def found(self, soql: str, field: str = "LastName") -> list[Any]:
        return [row[field] for row in self.query(soql)["records"]]

    def refused(self, soql: str) -> tuple[str, str]:
        [error] = self("GET", "/query", 400, params={"q": soql}).json()
        return error["errorCode"], error["message"]


@pytest.fixture
def call(account: Account) -> Caller:
    return Caller(account)


# ---- SOQL


@pytest.fixture
def people(account: Account) -> Account:
    account.load("Account", {"Name": "Acme"})
    acme = account.records("Account")[0]["Id"]
    account.load(
        "Contact",
        {"LastName": "O'Neill", "FirstName": "Ann", "Birthdate": "1980-02-29", "AccountId": acme},
        {"LastName": "maes", "FirstName": "Bea", "Email": "Bea@Example.com", "DoNotCall": True},
        {"LastName": "50%_off", "Birthdate": "1999-12-31"},
    )
    return account


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("LastName = 'MAES'", ["maes"]),
        (r"LastName = 'O\'Neill'", ["O'Neill"]),
        (r"LastName LIKE '50\%\_%'", ["50%_off"]),
        ("LastName LIKE 'm_es' OR FirstName = 'Ann'", ["O'Neill", "maes"]),
        ("LastName IN ('maes', '50%_off')", ["maes", "50%_off"]),
        ("NOT LastName IN ('maes') AND Email = null", ["O'Neill", "50%_off"]),
        ("LastName NOT IN ('maes')", ["O'Neill", "50%_off"]),
        ("Email != null", ["maes"]),
        ("DoNotCall = TRUE", ["maes"]),
        ("Birthdate < 1990-01-01", ["O'Neill"]),
        ("(Birthdate >= 1980-02-29 AND Birthdate <= 1999-12-31)", ["O'Neill", "50%_off"]),
        ("Account.Name = 'acme'", ["O'Neill"]),
        ("CreatedDate = TODAY AND SystemModstamp > 2001-01-01T00:00:00Z", ["O'Neill", "maes", "50%_off"]),
        ("CreatedDate = LAST_N_DAYS:3 AND (FirstName = 'Ann' OR FirstName = 'Bea')", ["O'Neill", "maes"]),
        ("AccountId IN (SELECT Id FROM Account WHERE Name = 'Acme')", ["O'Neill"]),
        ("FirstName > 'Ann'", ["maes"]),
    ],
)
def test_soql_finds_what_its_conditions_say(people: Account, call: Caller, where: str, found: list[str]) -> None:
    soql = f"SELECT LastName FROM Contact WHERE {where} ORDER BY Id"  # noqa: S608 written above
    assert call.found(soql) == found


@pytest.mark.parametrize(
    ("soql", "code", "words"),
    [
        ("SELECT Id FROM Contact WHERE FirstName = 'a' AND LastName = 'b' OR Email = 'c'", "MALFORMED_QUERY", "'OR'"),
        ("SELECT Nick FROM Contact", "INVALID_FIELD", "No such column 'Nick'"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE", "'Nothing' is not supported"),
        ("SELECT Id FROM Contact WHERE Description LIKE 'a%'", "INVALID_FIELD", "can not be filtered"),
        (
            "SELECT Id FROM Contact WHERE CreatedDate > '2026-01-01'",
            "INVALID_FIELD",
            "should not be enclosed in quotes",
        ),
        ("SELECT Id FROM Contact WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field"),
        ("SELECT Id, Id FROM Contact", "MALFORMED_QUERY", "duplicate field selected: Id"),
        ("SELECT Boss.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Boss'"),
        ("SELECT FIELDS(ALL) FROM Contact", "MALFORMED_QUERY", "LIMIT"),
        ("SELECT Id FROM Contact ORDER BY", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        (r"SELECT Id FROM Contact WHERE LastName = 'a\q'", "MALFORMED_QUERY", "Illegal character sequence"),
        ("DELETE FROM Contact", "MALFORMED_QUERY", "unexpected token: 'DELETE'"),
    ],
)
def test_soql_refuses_what_it_does_not_know(call: Caller, soql: str, code: str, words: str) -> None:
    found, message = call.refused(soql)
    assert found == code
    assert words in message


def test_rows_come_in_the_order_that_was_asked_for_with_nulls_first(people: Account, call: Caller) -> None:
    assert call.found("SELECT LastName FROM Contact ORDER BY Birthdate") == ["maes", "O'Neill", "50%_off"]
    ordered = "SELECT LastName FROM Contact ORDER BY Birthdate DESC NULLS LAST LIMIT 2"
    assert call.found(ordered) == ["50%_off", "O'Neill"]
    assert call.found("SELECT LastName FROM Contact ORDER BY LastName LIMIT 1 OFFSET 1") == ["maes"]
    assert call.query("SELECT COUNT() FROM Contact") == {"totalSize": 3, "done": True, "records": []}


def test_a_result_is_cut_into_pages_of_200_at_least(account: Account, call: Caller) -> None:
    account.load("Contact", *({"LastName": f"P{number:03}"} for number in range(450)))
    header = {"Sforce-Query-Options": "batchSize=10"}
    page = call.query("SELECT LastName FROM Contact ORDER BY LastName", False, **header)
    assert (page["totalSize"], page["done"], len(page["records"])) == (450, False, 200)
    page = call("GET", page["nextRecordsUrl"], 200).json()
    last = call("GET", page["nextRecordsUrl"], 200).json()
    assert (last["done"], "nextRecordsUrl" in last, last["records"][-1]["LastName"]) == (True, False, "P449")
    account.api.expire_cursors()
    [error] = call("GET", page["nextRecordsUrl"], 400).json()
    assert error["errorCode"] == "INVALID_QUERY_LOCATOR"


# ---- records


def test_a_record_from_its_creation_to_its_end(call: Caller) -> None:
    made = call("POST", "/sobjects/Contact", 201, {"LastName": " Maes ", "MailingCity": "Ghent", "Email": ""}).json()
    assert made == {"id": made["id"], "success": True, "errors": []}
    address = f"/sobjects/Contact/{made['id']}"
    shown = call("GET", address, 200).json()
    assert (shown["LastName"], shown["Email"], shown["HasOptedOutOfEmail"]) == ("Maes", None, False)
    assert shown["MailingAddress"]["city"] == "Ghent"
    assert set(call("GET", f"{address}?fields=LastName", 200).json()) == {"attributes", "Id", "LastName"}
    assert call("PATCH", address, 204, {"MailingCity": None}).content == b""
    assert call("GET", address[:-3], 200).json()["MailingAddress"] is None
    call("DELETE", address, 204)
    assert call("GET", address, 404).json()[0]["errorCode"] == "NOT_FOUND"
    assert call("DELETE", address, 404).json()[0]["errorCode"] == "ENTITY_IS_DELETED"
    [gone] = call.query("SELECT IsDeleted, MasterRecordId FROM Contact", everything=True)["records"]
    assert (gone["IsDeleted"], gone["MasterRecordId"]) == (True, None)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"FirstName": "A"}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]"),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG", "Last Name: data value too large: "),
        ({"LastName": "A", "Email": "badone"}, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: badone"),
        ({"LastName": "A", "Nick": "B"}, "INVALID_FIELD", "No such column 'Nick'"),
        ({"LastName": "A", "Name": "B"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create fields: Name"),
        ({"LastName": "A", "DoNotCall": None}, "JSON_PARSER_ERROR", "Cannot deserialize instance of boolean"),
        (
            {"LastName": "A", "AccountId": "001000000000001AAA"},
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference",
        ),
        ({"LastName": "A", "AccountId": "x"}, "MALFORMED_ID", "id value of incorrect type: x"),
    ],
)
def test_a_body_is_refused_in_the_vendors_words(call: Caller, body: Any, code: str, words: str) -> None:
    [error] = call("POST", "/sobjects/Contact", 400, body).json()
    assert error["errorCode"] == code
    assert words in error["message"]


def test_conditions_on_times_let_pass_or_not(account: Account, call: Caller) -> None:
    [id] = account.load("Contact", {"LastName": "Maes"})
    address = f"/sobjects/Contact/{id}"
    then = call("GET", address, 200).headers["Last-Modified"]
    call("PATCH", address, 204, {"Title": "A"}, headers={"If-Unmodified-Since": then})
    account.sandbox.clock.advance(2)
    account.edit(id, Title="B")
    call("PATCH", address, 412, {"Title": "C"}, headers={"If-Unmodified-Since": then})
    call("GET", address, 200, headers={"If-Modified-Since": then})
    now = call("GET", address, 200).headers["Last-Modified"]
    assert call("GET", address, 304, headers={"If-Modified-Since": now}).content == b""
    call("DELETE", address, 204, headers={"If-Unmodified-Since": then})  # takes no condition


def test_an_upsert_tells_new_from_known_and_one_from_several(account: Account, call: Caller) -> None:
    account.api.add_field(account.user, "Contact", "Key__c", external_id=True)
    made = call("PATCH", "/sobjects/Contact/Key__c/K1", 201, {"LastName": "Maes"}).json()
    assert made["created"] is True
    known = call("PATCH", "/sobjects/Contact/Key__c/k1", 200, {"LastName": "Peeters"}).json()
    assert (known["id"], known["created"]) == (made["id"], False)
    call("PATCH", "/sobjects/Contact/Key__c/K2?updateOnly=true", 404, {"LastName": "A"})
    call("PATCH", "/sobjects/Contact/Key__c/K1", 400, {"LastName": "A", "Key__c": "K1"})
    account.load("Contact", {"LastName": "Twin", "Key__c": "K1"})
    assert len(call("PATCH", "/sobjects/Contact/Key__c/K1", 300, {"LastName": "A"}).json()) == 2
    assert len(call("GET", "/sobjects/Contact/Key__c/K1", 300).json()) == 2
    [error] = call("GET", "/sobjects/Contact/Title/K1", 404).json()
    assert error["message"] == "Provided external ID field does not exist or is not accessible: Title"


def test_a_duplicate_rule_names_its_matches_and_lets_alerts_pass_when_told(account: Account, call: Caller) -> None:
    [there] = account.load("Contact", {"LastName": "Maes", "Email": "a@example.com"})
    account.api.set_switches(account.user, duplicate_rule="alert")
    twin = {"LastName": "Maes", "Email": "A@example.com"}
    [error] = call("POST", "/sobjects/Contact", 400, twin).json()
    assert (error["errorCode"], error["duplicateResut"]["allowSave"]) == ("DUPLICATES_DETECTED", True)
    assert error["duplicateResut"]["matchResults"][0]["matchRecords"][0]["record"]["Id"] == there
    allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=true"}
    call("POST", "/sobjects/Contact", 201, twin, headers=allow)
    account.api.set_switches(account.user, duplicate_rule="block")
    call("POST", "/sobjects/Contact", 400, twin, headers=allow)


# ---- collections, composite, batch


def test_a_collection_answers_each_record_in_its_place(account: Account, call: Caller) -> None:
    kind = {"attributes": {"type": "Contact"}}
    records = [{**kind, "LastName": "A"}, {**kind, "FirstName": "B"}, {**kind, "LastName": "C"}]
    found = call("POST", "/composite/sobjects", 200, {"allOrNone": False, "records": records}).json()
    assert [one["success"] for one in found] == [True, False, True]
    assert found[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    undone = call("POST", "/composite/sobjects", 200, {"allOrNone": True, "records": records}).json()
    assert [one["success"] for one in undone] == [False] * 3
    assert undone[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert len(account.records("Contact")) == 2

    ids = [found[0]["id"], found[2]["id"]]
    twice = [{**kind, "id": id, "Title": "T"} for id in [*ids, ids[0]]]
    results = call("PATCH", "/composite/sobjects", 200, {"records": twice}).json()
    assert [one["success"] for one in results] == [True, True, False]
    body = {"ids": [*ids, "003000000000001AAA"], "fields": ["Title"]}
    read = call("POST", "/composite/sobjects/Contact", 200, body).json()
    assert [one and one["Title"] for one in read] == ["T", "T", None]
    gone = call("DELETE", f"/composite/sobjects?ids={','.join(ids)}&allOrNone=false", 200).json()
    assert [one["success"] for one in gone] == [True, True]
    again = call("DELETE", f"/composite/sobjects?ids={ids[0]}", 200).json()
    assert again[0]["errors"][0]["statusCode"] == "ENTITY_IS_DELETED"
    call("POST", "/composite/sobjects", 400, {"records": [{**kind, "LastName": "A"}] * 201})


def test_a_composite_takes_references_conditions_and_counts_as_one_call(account: Account, call: Caller) -> None:
    account.api.set_used(account.user, 0)
    root = "/services/data/v67.0/sobjects"
    parts = [
        {"method": "POST", "url": f"{root}/Account", "referenceId": "acc", "body": {"Name": "Acme"}},
        {
            "method": "POST",
            "url": f"{root}/Contact",
            "referenceId": "con",
            "body": {"LastName": "Maes", "AccountId": "@{acc.id}"},
        },
        {
            "method": "PATCH",
            "url": f"{root}/Contact/@{{con.id}}",
            "referenceId": "late",
            "httpHeaders": {"If-Unmodified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"},
            "body": {"Title": "T"},
        },
    ]
    answer = call("POST", "/composite", 200, {"compositeRequest": parts})
    assert [one["httpStatusCode"] for one in answer.json()["compositeResponse"]] == [201, 201, 412]
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/15000"
    [contact] = account.records("Contact")
    assert contact["AccountId"] == account.records("Account")[0]["Id"]
    undone = call("POST", "/composite", 200, {"allOrNone": True, "compositeRequest": parts}).json()
    assert [one["httpStatusCode"] for one in undone["compositeResponse"]] == [400, 400, 412]
    assert len(account.records("Contact")) == 1
    call("POST", "/composite", 400, {"compositeRequest": [{**parts[0], "referenceId": f"r{n}"} for n in range(26)]})


def test_a_batch_counts_each_of_its_requests(account: Account, call: Caller) -> None:
    account.api.set_used(account.user, 0)
    parts = [{"method": "GET", "url": "v67.0/limits"}, {"method": "GET", "url": "v67.0/sobjects/Contact/x"}] * 2
    answer = call("POST", "/composite/batch", 200, {"haltOnError": True, "batchRequests": parts}).json()
    assert [one["statusCode"] for one in answer["results"]] == [200, 404, 412, 412]
    assert answer["hasErrors"] is True
    assert call("GET", "/limits", 200).json()["DailyApiRequests"]["Remaining"] == 15000 - 4


# ---- the account


def test_limits_sessions_and_versions(account: Account, call: Caller, sandbox: Sandbox) -> None:
    versions = requests.get(f"{call.instance}/services/data/", timeout=5).json()
    assert versions[0]["version"] == "67.0"
    account.api.set_used(account.user, 15000)
    assert call("GET", "/limits", 403).json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    account.api.set_used(account.user, 0)
    account.api.expire_tokens(account.user)
    [error] = call("GET", "/limits", 401).json()
    assert error == {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}


def test_the_identity_address_names_the_organisation(account: Account, call: Caller) -> None:
    answer = call.session.get(account.secrets["id"], timeout=5).json()
    assert account.secrets["id"].endswith(f"/id/{answer['organization_id']}/{answer['user_id']}")
    assert answer["username"] == account.user


def test_fields_hidden_from_the_user_do_not_exist_for_it(account: Account, call: Caller) -> None:
    account.api.set_switches(account.user, hidden=["Contact.DoNotCall"])
    names = {one["name"] for one in call("GET", "/sobjects/Contact/describe", 200).json()["fields"]}
    assert "DoNotCall" not in names
    assert {"HasOptedOutOfEmail"} <= names
    assert call.refused("SELECT DoNotCall FROM Contact")[0] == "INVALID_FIELD"
    call("POST", "/sobjects/Contact", 400, {"LastName": "A", "DoNotCall": True})
    assert "DoNotCall" in {one["name"] for one in call("GET", "/sobjects/Lead/describe", 200).json()["fields"]}


def test_ids_are_safe_in_any_case(account: Account, call: Caller) -> None:
    [id] = account.load("Contact", {"LastName": "Maes"})
    assert len(id) == 18
    assert call("GET", f"/sobjects/Contact/{id[:15]}", 200).json()["Id"] == id
    short = f"SELECT Id FROM Contact WHERE Id = '{id[:15]}'"  # noqa: S608 an id
    assert call.found(short, "Id") == [id]


def test_faults_show_the_past_or_another_order(people: Account, call: Caller) -> None:
    soql = "SELECT LastName FROM Contact"
    people.fault("reorder", path="/query$")
    assert call.found(soql) == ["50%_off", "maes", "O'Neill"]
    assert call.found(soql) == ["O'Neill", "maes", "50%_off"]
    people.fault("lag", path="/query$", seconds=30)
    assert call.found(soql) == []
    people.sandbox.clock.advance(31)
    assert len(call.found(soql)) == 3
