from __future__ import annotations

from typing import Any

import pytest

from connectors.base import Outcome, Record, Sent, Throttled, Unsupported, Value, Write, WriteKind, WriteResult
from connectors.salesforce.connector import Salesforce
from connectors.salesforce.customers import REASON
from connectors.sandbox import Sandbox
from tests.connectors.conformance import marker
from tests.connectors.salesforce.conftest import MARK, Account


def keys(connector: Salesforce, folder: str = "Contact") -> list[str]:
    return [field.key for field in connector.fields(folder)]


def create(**values: Value) -> Write:
    return Write(
        WriteKind.CREATE, marker(), values={key.replace("__Name", ".Name"): one for key, one in values.items()}
    )


def send(connector: Salesforce, *writes: Write, folder: str = "Contact") -> list[WriteResult]:
    return list(connector.write(folder, writes, keys(connector, folder)))


def read(connector: Salesforce, id: str, folder: str = "Contact") -> Record:
    found = connector.read(folder, [id], keys(connector, folder))[id]
    assert isinstance(found, Record)
    return found


def update(record: Record, **parts: Any) -> Write:
    return Write(WriteKind.UPDATE, marker(), record.id, record.version, current=record.values, **parts)


# ---- what the organisation refuses


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("Email", "none", "Email is no email address that Salesforce takes."),
        ("FirstName", "x" * 41, "First Name is longer than Salesforce takes (40 characters)."),
        ("Birthdate", "--02-28", "Salesforce keeps only whole dates, with day, month and year."),
        ("Tier__c", "Bronze", "Tier takes only the values of its list in Salesforce, and this is none of them."),
    ],
)
def test_a_value_that_salesforce_does_not_take_is_refused_by_its_field(
    account: Account, field: str, value: str, words: str
) -> None:
    details = {"type": "picklist", "label": "Tier", "picklist": ["Gold"], "restricted": True}
    account.api.add_field(account.user, "Contact", "Tier__c", **details)
    connector = account.connect()
    bad, good = send(connector, create(LastName="Maes", **{field: value}), create(LastName="Claes"))
    assert (bad.outcome, bad.field, bad.reason) == (Outcome.REFUSED, field, words)
    assert good.outcome == Outcome.DONE


def test_a_validation_rule_speaks_in_the_administrators_words(account: Account) -> None:
    rule = {"object": "Contact", "field": "Title", "forbidden": "Boss", "message": "Titles follow the list of HR."}
    account.api.set_switches(account.user, validation_rules=[rule])
    [result] = send(account.connect(), create(LastName="Maes", Title="Boss"))
    assert result.field == "Title"
    assert result.reason == "A validation rule of the organisation refuses it: Titles follow the list of HR."


def test_a_required_custom_field_is_named_by_its_label(account: Account) -> None:
    account.api.add_field(account.user, "Contact", "Region__c", label="Sales Region", required=True)
    connector = account.connect()
    assert next(field for field in connector.fields("Contact") if field.key == "Region__c").required
    [result] = send(connector, create(LastName="Maes"))
    assert result.outcome == Outcome.REFUSED
    assert result.reason == "Salesforce makes no contact without Sales Region; this one has none."


@pytest.mark.parametrize("mode", ["alert", "block"])
def test_a_duplicate_rule_names_the_one_that_is_there(account: Account, mode: str) -> None:
    [there] = account.load("Contact", {"LastName": "Maes", "Email": "anna@example.com"})
    account.api.set_switches(account.user, duplicate_rule=mode)
    twin, other = send(account.connect(), create(LastName="Maes", Email="ANNA@example.com"), create(LastName="Claes"))
    assert (twin.outcome, twin.existing) == (Outcome.REFUSED, there)
    assert other.outcome == Outcome.DONE
    assert len(account.records("Contact")) == 2


def test_an_update_passes_a_duplicate_rule_that_only_alerts(account: Account) -> None:
    account.load("Contact", {"LastName": "Maes", "Email": "anna@example.com"})
    [other] = account.load("Contact", {"LastName": "Claes"})
    account.api.set_switches(account.user, duplicate_rule="alert")
    connector = account.connect()
    [result] = send(connector, update(read(connector, other), values={"Email": "anna@example.com"}))
    assert result.outcome == Outcome.DONE
    account.api.set_switches(account.user, duplicate_rule="block")
    [result] = send(connector, update(read(connector, other), values={"Email": "Anna@example.com"}))
    assert (result.outcome, result.existing) == (Outcome.REFUSED, "")


def test_a_state_that_is_not_on_the_list_is_refused_and_a_known_one_is_filled_in(sandbox: Sandbox) -> None:
    account = Account(sandbox, state_country_picklists=True)
    bad, good = send(
        account.connect(),
        create(LastName="Maes", MailingCountry="Atlantis"),
        create(LastName="Claes", MailingCountry="belgium"),
    )
    assert (bad.outcome, bad.field) == (Outcome.REFUSED, "MailingCountry")
    assert good.record is not None
    assert good.record.values["MailingCountry"] == "Belgium"
    account.close()


def test_a_locked_row_waits_and_hurts_nobody_else(account: Account) -> None:
    one, other = account.load("Contact", {"LastName": "Maes"}, {"LastName": "Claes"})
    account.api.set_switches(account.user, locked=[one])
    connector = account.connect()
    writes = [update(read(connector, id), values={"Title": "Buyer"}) for id in (one, other)]
    assert [result.outcome for result in send(connector, *writes)] == [Outcome.LATER, Outcome.DONE]


# ---- names that Salesforce needs


def test_who_has_no_last_name_gets_the_placeholder_which_is_read_as_empty(account: Account) -> None:
    connector = account.connect()
    [result] = send(connector, create(FirstName="Plato"))
    assert account.records("Contact")[0]["LastName"] == "[not provided]"
    assert result.record is not None
    assert result.record.values["FirstName"] == result.record.values["Name"] == "Plato"
    assert "LastName" not in result.record.values
    [lead] = send(connector, create(LastName="Maes"), folder="Lead")
    assert lead.record is not None
    assert "Company" not in lead.record.values
    [cleared] = send(
        connector, update(read(connector, lead.record.id, "Lead"), values={"LastName": None}), folder="Lead"
    )
    assert cleared.outcome == Outcome.DONE
    assert account.records("Lead")[0]["LastName"] == "[not provided]"


# ---- lost updates


def test_the_service_itself_guards_what_changes_between_our_look_and_our_write(account: Account) -> None:
    [anna] = account.load("Contact", {"LastName": "Maes"})
    connector = account.connect()
    record = read(connector, anna)
    account.sandbox.clock.advance(5)
    original = connector.api.send

    def edited_first(method: str, path: str, *rest: Any, **more: Any) -> Any:
        if path == "/composite":
            account.edit(anna, Title="A person was here")
        return original(method, path, *rest, **more)

    connector.api.send = edited_first  # type: ignore[method-assign]
    [result] = send(connector, update(record, values={"Title": "So were we"}))
    assert result.outcome == Outcome.STALE
    assert account.records("Contact")[0]["Title"] == "A person was here"


def test_an_edit_in_the_same_second_is_seen_before_we_write(account: Account) -> None:
    [anna] = account.load("Contact", {"LastName": "Maes"})
    connector = account.connect()
    record = read(connector, anna)
    account.edit(anna, Title="A person was here")
    for kind in (WriteKind.UPDATE, WriteKind.DELETE):
        [result] = send(connector, Write(kind, marker(), anna, record.version, {"Title": "We"}))
        assert result.outcome == Outcome.STALE
    assert account.records("Contact")[0]["Title"] == "A person was here"


# ---- companies


def test_a_company_is_linked_by_its_name_in_any_case(account: Account) -> None:
    [acme] = account.load("Account", {"Name": "Acme"})
    connector = account.connect()
    keys(connector)
    before = account.requests()
    results = send(connector, *(create(LastName=f"N{number}", Account__Name="ACME") for number in range(30)))
    assert {one["AccountId"] for one in account.records("Contact")} == {acme}
    assert all(result.record and result.record.values["Account.Name"] == "Acme" for result in results)
    assert account.requests() - before <= 3  # accounts, contacts, and the look at them


def test_a_company_nobody_knows_or_two_have_is_refused_and_the_rest_goes_on(account: Account) -> None:
    account.load("Account", {"Name": "Twin"}, {"Name": "Twin"})
    connector = account.connect()
    unknown, twin, plain = send(
        connector,
        create(LastName="A", Account__Name="Nowhere"),
        create(LastName="B", Account__Name="Twin"),
        create(LastName="C"),
    )
    assert (unknown.outcome, unknown.field) == (Outcome.REFUSED, "Account.Name")
    assert (twin.outcome, twin.field) == (Outcome.REFUSED, "Account.Name")
    assert plain.outcome == Outcome.DONE
    assert len(account.records("Account")) == 2


def test_missing_accounts_are_made_once_where_the_account_says_so(account: Account) -> None:
    connector = account.connect(create_accounts="yes")
    send(connector, *(create(LastName=f"N{number}", Account__Name="New & Co") for number in range(3)))
    [made] = account.records("Account")
    assert made["Name"] == "New & Co"
    record = read(connector, account.records("Contact")[0]["Id"])
    [result] = send(connector, update(record, values={"Account.Name": None}))
    assert result.outcome == Outcome.DONE
    assert [one["Name"] for one in account.records("Account")] == ["New & Co"]


# ---- opt-outs


def test_an_opt_out_is_set_but_never_taken_back(account: Account) -> None:
    [anna] = account.load("Contact", {"LastName": "Maes"})
    connector = account.connect()
    [result] = send(connector, update(read(connector, anna), values={"HasOptedOutOfEmail": True}))
    assert result.record is not None
    assert result.record.values["HasOptedOutOfEmail"] is True
    for value in (False, None):
        [back] = send(connector, update(read(connector, anna), values={"HasOptedOutOfEmail": value}))
        assert (back.outcome, back.field) == (Outcome.REFUSED, "HasOptedOutOfEmail")
    assert account.records("Contact")[0]["HasOptedOutOfEmail"] is True


# ---- campaigns


def test_a_label_that_is_there_already_and_one_that_is_gone_hurt_nobody(account: Account) -> None:
    [anna] = account.load("Contact", {"LastName": "Maes"})
    kept, gone = account.load("Campaign", {"Name": "Kept"}, {"Name": "Gone"})
    account.load("CampaignMember", {"CampaignId": kept, "ContactId": anna})
    account.api.remove(account.user, gone)
    connector = account.connect()
    record = read(connector, anna)
    [again] = send(connector, update(record, add_labels=frozenset({kept})))
    assert again.record is not None
    assert again.record.labels == {kept}
    [lost] = send(connector, update(read(connector, anna), add_labels=frozenset({gone})))
    assert lost.outcome == Outcome.REFUSED
    [made] = send(connector, Write(WriteKind.CREATE, marker(), values={"LastName": "B"}, add_labels=frozenset({gone})))
    assert made.outcome == Outcome.DONE


# ---- answers that do not come


def test_a_create_sent_again_after_a_lost_answer_makes_no_second_record(account: Account) -> None:
    connector = account.connect()
    sent = create(LastName="Maes")
    keys(connector)
    account.fault("drop", path="composite/sobjects$", when="after")
    assert send(connector, sent)[0].outcome == Outcome.UNKNOWN
    [again] = send(connector, sent)
    assert again.outcome == Outcome.DONE
    assert [one["Id"] for one in account.records("Contact")] == [again.record.id if again.record else ""]


def test_the_field_for_marks_must_be_one_that_keeps_them_apart(account: Account) -> None:
    account.api.add_field(account.user, "Contact", "Loose__c", length=40)
    connector = account.connect(marker_field="Loose__c")
    with pytest.raises(Unsupported, match="Loose__c is not a field on contacts"):
        connector.check()
    with pytest.raises(Unsupported):
        send(connector, create(LastName="Maes"))
    assert account.records("Contact") == []
    assert MARK in {field.key for field in connector.fields("Contact")}


def test_an_error_in_the_middle_forgets_nothing_that_was_sent(account: Account) -> None:
    ids = account.load("Contact", *({"LastName": f"N{number}"} for number in range(30)))
    connector = account.connect()
    records = connector.read("Contact", ids, keys(connector))
    account.fault("throttle", path="/composite$", nth=2)
    writes = [update(one, values={"Title": "Buyer"}) for one in records.values() if isinstance(one, Record)]
    outcomes = [result.outcome for result in send(connector, *writes)]
    assert outcomes == [Outcome.DONE] * 25 + [Outcome.LATER] * 5
    assert sum(one["Title"] == "Buyer" for one in account.records("Contact")) == 25


def test_a_batch_that_is_turned_away_whole_had_no_effect(account: Account) -> None:
    connector = account.connect()
    keys(connector)
    account.fault("throttle", path="composite/sobjects$")
    with pytest.raises(Throttled):
        send(connector, create(LastName="Maes"))
    assert account.records("Contact") == []


# ---- an organisation without a field for marks


def test_creates_are_found_by_what_was_sent_where_there_are_no_marks(sandbox: Sandbox) -> None:
    account = Account(sandbox, marks=False)
    connector = account.connect()
    assert not connector.capabilities.keeps_markers
    account.load("Contact", {"LastName": "Maes", "FirstName": "Old"})
    clock = connector.host.clock
    account.sandbox.clock.advance(3600)
    connector.check()
    twins = [create(LastName="Maes", FirstName="Anna") for _ in range(2)]
    others = [create(FirstName="Plato"), create(LastName="Claes", Email="never@example.com")]
    results = send(connector, *twins, others[0])
    sent = [Sent(write.marker, write.values, clock.now()) for write in (*twins, *others)]
    found = account.connect().find_sent("Contact", sent, keys(connector))
    made = [result.record.id for result in results if result.record]
    assert [found[write.marker].id for write in (*twins, others[0])] == made
    assert others[1].marker not in found
    account.close()


def test_a_record_that_was_there_before_is_not_taken_for_ours(sandbox: Sandbox) -> None:
    account = Account(sandbox, marks=False)
    account.load("Contact", {"LastName": "Maes"})
    account.sandbox.clock.advance(3600)
    connector = account.connect()
    one = Sent(marker(), {"LastName": "Maes"}, connector.host.clock.now())
    assert connector.find_sent("Contact", [one], keys(connector)) == {}
    account.close()


def test_a_pause_for_the_organisations_sake_begins_after_the_writes_are_confirmed(account: Account) -> None:
    connector = account.connect(api_share="50")
    keys(connector)
    account.api.set_used(account.user, 7499)
    [result] = send(connector, create(LastName="Maes"))
    assert result.outcome == Outcome.DONE
    with pytest.raises(Throttled):
        send(connector, create(LastName="Claes"))


def test_of_two_accounts_with_one_name_the_chosen_one_stays(account: Account) -> None:
    _, second = account.load("Account", {"Name": "Twin"}, {"Name": "Twin"})
    [anna] = account.load("Contact", {"LastName": "Maes", "AccountId": second})
    connector = account.connect()
    [result] = send(connector, update(read(connector, anna), values={"Account.Name": "TWIN", "Title": "Buyer"}))
    assert result.outcome == Outcome.DONE
    assert [(one["AccountId"], one["Title"]) for one in account.records("Contact")] == [(second, "Buyer")]


def test_of_a_customer_no_lead_is_made_and_the_others_are(account: Account) -> None:
    connector = account.connect()
    account.load("Contact", {"LastName": "Maes", "Email": "Anna@example.com"})
    customer, other, unknown = send(
        connector,
        create(LastName="Maes", Company="Acme", Email="anna@EXAMPLE.com"),
        create(LastName="Claes", Company="Acme", Email="bert@example.com"),
        create(LastName="Nobody", Company="Acme"),
        folder="Lead",
    )
    assert (customer.outcome, customer.reason) == (Outcome.ELSEWHERE, REASON)
    assert [other.outcome, unknown.outcome] == [Outcome.DONE, Outcome.DONE]
    assert {one["LastName"] for one in account.records("Lead")} == {"Claes", "Nobody"}


def test_a_lead_that_is_there_already_is_still_updated_when_a_contact_has_its_email(account: Account) -> None:
    connector = account.connect()
    [lead] = send(connector, create(LastName="Maes", Company="Acme", Email="anna@example.com"), folder="Lead")
    account.load("Contact", {"LastName": "Maes", "Email": "anna@example.com"})
    assert lead.record is not None
    shown = read(connector, lead.record.id, "Lead")
    [result] = send(connector, update(shown, values={"Title": "Director", "Email": "anna@example.com"}), folder="Lead")
    assert result.outcome == Outcome.DONE
