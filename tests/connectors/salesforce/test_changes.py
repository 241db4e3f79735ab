from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from connectors.base import ChangePage, CursorExpired, Departure, DepartureKind, NothingKnown, Record
from connectors.salesforce.connector import Salesforce
from tests.connectors.salesforce.conftest import Account

KEYS = ["FirstName", "LastName", "Email", "Account.Name"]


class Known(NothingKnown):
    def __init__(self, pages: Sequence[ChangePage]) -> None:
        self.known = {record.id: record.version for page in pages for record in page.records}

    def versions(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {id: self.known[id] for id in ids if id in self.known}


def pages(connector: Salesforce, folder: str, cursor: str = "", known: Known | None = None) -> list[ChangePage]:
    return list(connector.changes(folder, cursor, KEYS, known or NothingKnown()))


def records(found: Sequence[ChangePage]) -> dict[str, Record]:
    return {record.id: record for page in found for record in page.records}


def departures(found: Sequence[ChangePage]) -> dict[str, DepartureKind]:
    return {one.id: one.kind for page in found for one in page.departures}


def test_who_loses_in_a_merge_is_not_deleted_and_the_winner_is_news(account: Account) -> None:
    connector = account.connect()
    winner, loser = account.load("Contact", {"LastName": "Maes"}, {"LastName": "Mase", "Email": "m@example.com"})
    first = pages(connector, "Contact")
    account.api.merge(account.user, winner, loser)
    news = pages(connector, "Contact", first[-1].cursor, Known(first))
    assert departures(news) == {loser: DepartureKind.LEFT}
    assert records(news)[winner].values["Email"] == "m@example.com"
    assert connector.read("Contact", [loser], KEYS)[loser] == Departure(loser, DepartureKind.LEFT, winner)


def test_a_converted_lead_is_neither_deleted_nor_listed_again(account: Account) -> None:
    connector = account.connect()
    lead, other = account.load("Lead", {"LastName": "A", "Company": "Acme"}, {"LastName": "B", "Company": "Acme"})
    first = pages(connector, "Lead")
    contact, _ = account.api.convert(account.user, lead)
    news = pages(connector, "Lead", first[-1].cursor, Known(first))
    assert [one for page in news for one in page.departures] == [Departure(lead, DepartureKind.LEFT, contact)]
    assert set(records(pages(connector, "Lead"))) == {other}
    assert records(pages(connector, "Contact"))[contact].values["Account.Name"] == "Acme"


def test_a_row_that_commits_late_with_an_old_stamp_is_still_news(account: Account) -> None:
    connector = account.connect()
    cursor = pages(connector, "Contact")[-1].cursor
    late = account.load("Contact", {"LastName": "Late"}, visible_in=300)
    cursor = pages(connector, "Contact", cursor)[-1].cursor
    account.sandbox.clock.advance(301)
    news = pages(connector, "Contact", cursor)
    assert set(records(news)) == set(late)


def test_what_was_seen_comes_once_though_windows_overlap(account: Account) -> None:
    connector = account.connect()
    cursor = pages(connector, "Contact")[-1].cursor
    account.load("Contact", *({"LastName": f"N{number}"} for number in range(13)))
    found = pages(connector, "Contact", cursor)
    assert len(records(found)) == 13
    for _ in range(3):
        found = pages(account.connect(), "Contact", found[-1].cursor)
        assert records(found) == {}


def test_thousands_of_equal_stamps_are_read_once_each(account: Account) -> None:
    connector = account.connect()
    cursor = pages(connector, "Contact")[-1].cursor
    made = account.load("Contact", *({"LastName": f"Bulk{number}"} for number in range(57)))
    found = pages(connector, "Contact", cursor)
    named = [record.id for page in found for record in page.records]
    assert sorted(named) == sorted(made)
    assert len(found) == 12


def test_a_member_that_comes_or_goes_is_news_of_its_contact(account: Account) -> None:
    connector = account.connect()
    [anna] = account.load("Contact", {"LastName": "Maes"})
    [campaign] = account.load("Campaign", {"Name": "Newsletter"})
    first = pages(connector, "Contact")
    [member] = account.load("CampaignMember", {"CampaignId": campaign, "ContactId": anna})
    news = pages(connector, "Contact", first[-1].cursor, Known(first))
    assert records(news)[anna].labels == {campaign}
    account.api.remove(account.user, member)
    later = pages(connector, "Contact", news[-1].cursor, Known(news))
    assert records(later)[anna].labels == frozenset()


def test_salesforces_own_processes_are_news_too(account: Account) -> None:
    connector = account.connect()
    [anna] = account.load("Contact", {"LastName": "Maes"})
    first = pages(connector, "Contact")
    account.api.edit(account.user, anna, {"FirstName": "Anna"}, quietly=True)
    assert records(pages(connector, "Contact", first[-1].cursor, Known(first)))[anna].values["FirstName"] == "Anna"


def test_a_record_taken_out_of_the_recycle_bin_comes_back(account: Account) -> None:
    connector = account.connect()
    [anna] = account.load("Contact", {"LastName": "Maes"})
    first = pages(connector, "Contact")
    account.api.remove(account.user, anna)
    gone = pages(connector, "Contact", first[-1].cursor, Known(first))
    assert departures(gone) == {anna: DepartureKind.DELETED}
    account.sandbox.clock.advance(2)
    account.api.undelete(account.user, anna)
    assert set(records(pages(connector, "Contact", gone[-1].cursor))) == {anna}


def test_what_is_gone_for_good_is_unknown_not_deleted(account: Account) -> None:
    connector = account.connect()
    [anna] = account.load("Contact", {"LastName": "Maes"})
    account.api.remove(account.user, anna, for_good=True)
    answers = connector.read("Contact", [anna, "nonsense", "' OR Id != '"], KEYS)
    assert {one.kind for one in answers.values()} == {DepartureKind.UNKNOWN}  # type: ignore[union-attr]


def test_a_field_that_is_hidden_overnight_is_left_out_instead_of_failing(account: Account) -> None:
    connector = account.connect()
    [anna] = account.load("Contact", {"LastName": "Maes", "Email": "a@example.com"})
    assert records(pages(connector, "Contact"))[anna].values["Email"] == "a@example.com"
    account.api.set_switches(account.user, hidden=["Contact.Email"])
    assert records(pages(connector, "Contact"))[anna].values == {"LastName": "Maes"}
    assert "Email" not in {field.key for field in connector.fields("Contact")}


def test_a_wide_result_that_salesforce_cuts_into_pages_is_read_whole(account: Account) -> None:
    account.settings["page_size"] = "1000"
    made = account.load("Contact", *({"LastName": f"P{number}"} for number in range(620)))
    connector = account.connect()
    account.settings["page_size"] = "5"
    assert set(records(pages(connector, "Contact"))) == set(made)


@pytest.mark.parametrize("cursor", ["nonsense", "[1]", '[false,"x",0,[],[]]'])
def test_a_cursor_that_is_none_is_called_expired(account: Account, cursor: str) -> None:
    with pytest.raises(CursorExpired):
        pages(account.connect(), "Contact", cursor)
