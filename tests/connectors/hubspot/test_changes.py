from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from connectors.base import (
    ChangePage,
    CursorExpired,
    Departure,
    DepartureKind,
    FolderGone,
    NothingKnown,
    Record,
    Write,
    WriteKind,
)
from connectors.hubspot.connector import HubSpot
from tests.connectors.hubspot.conftest import Account

KEYS = ["firstname", "lastname", "email", "message", "hs_additional_emails"]
CONTACTS = "contacts"


class Known:
    """What a mirror holds that follows the pages."""

    def __init__(self) -> None:
        self.held: dict[str, Record] = {}
        self.departed: dict[str, Departure] = {}
        self.cursor = ""

    def versions(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {id: self.held[id].version for id in ids if id in self.held}

    def labelled(self, label: str) -> Sequence[str]:
        return [id for id, record in self.held.items() if label in record.labels]

    def follow(self, connector: HubSpot, folder: str = CONTACTS, keys: Sequence[str] = KEYS) -> list[ChangePage]:
        pages = []
        for page in connector.changes(folder, self.cursor, keys, self):
            for record in page.records:
                self.held[record.id] = record
            for departure in page.departures:
                self.departed[departure.id] = departure
                self.held.pop(departure.id, None)
            self.cursor = page.cursor
            pages.append(page)
        return pages


def records(found: Sequence[ChangePage]) -> dict[str, Record]:
    return {record.id: record for page in found for record in page.records}


@pytest.fixture
def known() -> Known:
    return Known()


# ---- what a look costs


def test_a_look_without_news_costs_two_requests_whatever_happened_before(account: Account, known: Known) -> None:
    account.settings["page_size"] = "200"
    account.load(*({"firstname": f"N{number}"} for number in range(12)))
    known.follow(account.connect())
    for _ in range(2):
        before = account.requests()
        assert records(known.follow(account.connect())) == {}
        assert account.requests() - before == 2


def test_a_changed_contact_costs_one_request_more(account: Account, known: Known) -> None:
    [anna, *_] = account.load({"firstname": "Anna"}, {"firstname": "Bert"})
    known.follow(account.connect())
    account.edit(anna, lastname="Maes")
    before = account.requests()
    assert records(known.follow(account.connect()))[anna].values["lastname"] == "Maes"
    assert account.requests() - before == 3
    before = account.requests()
    assert records(known.follow(account.connect())) == {}
    assert account.requests() - before == 2


def test_many_changes_are_read_a_hundred_at_a_time(account: Account, known: Known) -> None:
    account.settings["page_size"] = "200"
    made = account.load(*({"firstname": f"N{number}"} for number in range(230)))
    known.follow(account.connect())
    assert set(known.held) == set(made)
    for id in made:
        account.edit(id, lastname="Maes")
    before = account.requests()
    assert set(records(known.follow(account.connect()))) == set(made)
    searches = sum(one.endswith("/search") for one in account.asked()[before:])
    assert account.requests() - before == searches + 3 + 1


def test_what_a_listing_showed_is_not_read_again_in_the_look_after_it(account: Account, known: Known) -> None:
    account.settings["page_size"] = "200"
    account.load(*({"firstname": f"N{number}"} for number in range(150)))
    known.follow(account.connect())
    before = account.requests()
    known.follow(account.connect())
    assert account.requests() - before == 2
    assert not any("batch/read" in one for one in account.asked())


def test_a_first_listing_costs_one_request_for_a_hundred(account: Account, known: Known) -> None:
    account.settings["page_size"] = "100"
    account.load(*({"firstname": f"N{number}"} for number in range(250)))
    connector = account.connect()
    connector.fields(CONTACTS)
    before = account.requests()
    known.follow(connector)
    assert len(known.held) == 250
    assert account.requests() - before == 3


# ---- the stamp and the index


def test_a_stamp_that_moves_by_itself_is_no_news(account: Account, known: Known) -> None:
    [anna] = account.load({"firstname": "Anna"})
    known.follow(account.connect())
    before = known.held[anna].version
    account.api.touch(account.user, anna)
    found = known.follow(account.connect())
    assert records(found) == {}
    assert [id for page in found for id in page.unchanged] == [anna]
    assert account.connect().read(CONTACTS, [anna], KEYS)[anna].version == before  # type: ignore[union-attr]


def test_an_index_that_lags_loses_nothing(account: Account, known: Known) -> None:
    account.api.set_switches(account.user, search_lag=30.0)
    [anna] = account.load({"firstname": "Anna"})
    known.follow(account.connect())
    account.edit(anna, lastname="Maes")
    [late] = account.load({"firstname": "Late"})
    assert records(known.follow(account.connect())) == {}
    account.sandbox.clock.advance(31)
    assert records(known.follow(account.connect())).keys() == {anna, late}
    assert known.held[anna].values["lastname"] == "Maes"


def test_what_the_index_still_shows_of_before_is_not_believed(account: Account, known: Known) -> None:
    [anna] = account.load({"firstname": "Anna", "lastname": "Old"})
    known.follow(account.connect())
    account.edit(anna, lastname="Middle")
    account.sandbox.clock.advance(60)
    account.api.set_switches(account.user, search_lag=30.0)
    account.edit(anna, lastname="New")
    assert records(known.follow(account.connect()))[anna].values["lastname"] == "New"


def test_a_page_of_contacts_that_are_gone_is_not_the_end(account: Account, known: Known) -> None:
    made = account.load(*({"firstname": f"N{number}"} for number in range(6)))
    known.follow(account.connect())
    for id in made:
        account.edit(id, lastname="Maes")
    account.sandbox.clock.advance(3600)
    account.api.set_switches(account.user, search_lag=30.0)
    for id in made[:5]:
        account.api.remove(account.user, id)
    assert set(records(known.follow(account.connect()))) == {made[5]}


def test_hundreds_of_equal_stamps_are_read_once_each(
    account: Account, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.follow(account.connect())
    now = account.api.store.now()
    monkeypatch.setattr(account.api.store, "now", lambda: now)
    made = account.load(*({"firstname": f"Bulk{number}"} for number in range(57)))
    monkeypatch.undo()
    [later] = account.load({"firstname": "Later"})
    found = known.follow(account.connect())
    named = [record.id for page in found for record in page.records]
    assert sorted(named) == sorted([*made, later])


def test_more_changes_than_one_search_can_reach_all_arrive(account: Account, known: Known) -> None:
    account.api.set_switches(account.user, search_window=20)
    known.follow(account.connect())
    made = account.load(*({"firstname": f"N{number}"} for number in range(63)))
    found = known.follow(account.connect())
    assert sorted(record.id for page in found for record in page.records) == sorted(made)


def test_a_look_that_was_cut_short_goes_on_where_it_stood(account: Account, known: Known) -> None:
    known.follow(account.connect())
    made = account.load(*({"firstname": f"N{number}"} for number in range(23)))
    cut = account.connect().changes(CONTACTS, known.cursor, KEYS, known)
    for _ in range(2):
        page = next(cut)
        known.held |= {record.id: record for record in page.records}
        known.cursor = page.cursor
    known.follow(account.connect())
    assert set(known.held) == set(made)


def test_a_contact_that_changes_while_pages_are_turned_hides_nobody(account: Account, known: Known) -> None:
    known.follow(account.connect())
    made = account.load(*({"firstname": f"N{number}"} for number in range(23)))
    for number, page in enumerate(account.connect().changes(CONTACTS, known.cursor, KEYS, known)):
        known.held |= {record.id: record for record in page.records}
        if number < 3:
            account.edit(made[number], lastname=f"Moved{number}")
    assert set(known.held) == set(made)
    assert known.held[made[0]].values["lastname"] == "Moved0"


# ---- who is not there any more


def test_the_recycle_bin_is_turned_page_by_page(account: Account, known: Known) -> None:
    made = account.load(*({"firstname": f"N{number}"} for number in range(150)))
    account.settings["page_size"] = "100"
    known.follow(account.connect())
    for id in made:
        account.api.remove(account.user, id)
    known.follow(account.connect())
    assert len(known.departed) == 100
    known.follow(account.connect())
    assert {one.kind for one in known.departed.values()} == {DepartureKind.DELETED}
    assert set(known.departed) == set(made)


def test_who_was_restored_comes_back(account: Account, known: Known) -> None:
    [anna] = account.load({"firstname": "Anna"})
    known.follow(account.connect())
    account.api.remove(account.user, anna)
    known.follow(account.connect())
    assert known.departed[anna].kind is DepartureKind.DELETED
    account.api.restore(account.user, anna)
    assert set(records(known.follow(account.connect()))) == {anna}


def test_a_merge_leads_both_former_contacts_to_the_new_one(account: Account, known: Known) -> None:
    one, other = account.load(
        {"firstname": "Anna", "email": "anna@example.com"}, {"firstname": "Ana", "email": "ana@example.com"}
    )
    known.follow(account.connect())
    new = account.api.merge(account.user, one, other)
    found = records(known.follow(account.connect()))
    assert set(found) == {new}
    assert found[new].values["hs_additional_emails"] == [{"value": "ana@example.com"}]
    assert known.departed == {
        one: Departure(one, DepartureKind.LEFT, new),
        other: Departure(other, DepartureKind.LEFT, new),
    }
    assert known.follow(account.connect())[-1].departures == []


@pytest.mark.parametrize("follows", [False, True])
def test_asked_by_id_a_merged_contact_names_where_it_goes_on(account: Account, follows: bool) -> None:
    account.api.set_switches(account.user, batch_read_follows_merges=follows)
    one, other = account.load({"firstname": "Anna"}, {"firstname": "Ana"})
    new = account.api.merge(account.user, one, other)
    answers = account.connect().read(CONTACTS, [one, other], KEYS)
    assert answers == {id: Departure(id, DepartureKind.LEFT, new) for id in (one, other)}


def test_who_was_erased_is_unknown_not_deleted(account: Account, known: Known) -> None:
    [anna] = account.load({"firstname": "Anna"})
    known.follow(account.connect())
    account.api.remove(account.user, anna, for_good=True)
    known.follow(account.connect())
    assert known.departed == {}
    answers = account.connect().read(CONTACTS, [anna, "nonsense", "9" * 30], KEYS)
    assert {one.kind for one in answers.values()} == {DepartureKind.UNKNOWN}  # type: ignore[union-attr]


def test_who_is_in_the_bin_was_deleted(account: Account) -> None:
    [anna] = account.load({"firstname": "Anna"})
    account.api.remove(account.user, anna)
    assert account.connect().read(CONTACTS, [anna], KEYS)[anna] == Departure(anna, DepartureKind.DELETED)


# ---- fields


def test_more_fields_than_an_address_can_name_are_read_in_a_second_step(account: Account, known: Known) -> None:
    names = [f"a_rather_long_name_of_a_field_{number}" for number in range(220)]
    for name in names:
        account.api.add_property(account.user, name)
    account.load(*({"firstname": f"N{number}", names[-1]: "x"} for number in range(7)))
    known.follow(account.connect(), keys=[*KEYS, *names])
    assert {record.values[names[-1]] for record in known.held.values()} == {"x"}
    assert len(known.held) == 7


def test_a_field_that_is_deleted_overnight_is_left_out_instead_of_failing(account: Account, known: Known) -> None:
    account.load({"firstname": "Anna"})
    known.follow(account.connect(), keys=[*KEYS, "never_was"])
    assert [record.values for record in known.held.values()] == [{"firstname": "Anna"}]


def test_a_field_that_was_made_a_moment_ago_is_not_taken_for_an_empty_one(account: Account, known: Known) -> None:
    [anna] = account.load({"firstname": "Anna"})
    known.follow(account.connect())
    account.api.add_property(account.user, "shoe_size", "number")
    account.edit(anna, shoe_size="43")
    known.follow(account.connect(), keys=[*KEYS, "shoe_size"])
    assert known.held[anna].values["shoe_size"] == 43
    [result] = account.connect().write(
        CONTACTS, [Write(WriteKind.UPDATE, "m", anna, values={"shoe_size": 44})], [*KEYS, "shoe_size"]
    )
    assert result.record is not None
    assert result.record.values["shoe_size"] == 44


def test_the_owner_is_shown_by_address_also_one_who_left(account: Account, known: Known) -> None:
    boss = account.api.add_owner(account.user, "Boss@example.com", firstName="Bo", lastName="Ss")
    gone = account.api.add_owner(account.user, "gone@example.com", archived=True)
    one, other, nobody = account.load(
        {"firstname": "A", "hubspot_owner_id": boss}, {"firstname": "B", "hubspot_owner_id": gone}, {"firstname": "C"}
    )
    connector = account.connect()
    known.follow(connector, keys=["hubspot_owner_id"])
    assert known.held[one].values == {"hubspot_owner_id": "boss@example.com"}
    assert known.held[other].values == {"hubspot_owner_id": "gone@example.com"}
    assert known.held[nobody].values == {}
    field = next(one for one in connector.fields(CONTACTS) if one.key == "hubspot_owner_id")
    assert ("boss@example.com", "Bo Ss <boss@example.com>") in field.options
    assert "gone@example.com" not in {value for value, _ in field.options}


def test_fields_of_the_company_come_with_the_contact_for_one_request_a_page(account: Account, known: Known) -> None:
    [acme] = account.load({"name": "Acme", "domain": "acme.example", "numberofemployees": "12"}, object="companies")
    made = account.load({"firstname": "A", "company": "as typed"}, {"firstname": "B"}, {"firstname": "C"})
    for id in made[:2]:
        account.api.associate(account.user, id, acme)
    before = account.requests()
    known.follow(account.connect(), keys=["company", "company.name", "company.numberofemployees"])
    assert known.held[made[0]].values == {
        **{"company": "as typed", "company.name": "Acme", "company.numberofemployees": 12},
    }
    assert known.held[made[2]].values == {}
    assert sum("companies" in one for one in account.asked()[before:]) == 1


# ---- lists


def test_whoever_joins_or_leaves_a_list_of_a_rule_is_news(account: Account, known: Known) -> None:
    anna, bert = account.load({"firstname": "Anna"}, {"firstname": "Bert"})
    vip = account.api.add_list(account.user, "VIP")
    other = account.api.add_list(account.user, "Other")
    account.watched = lambda: frozenset({vip})
    account.api.change_members(account.user, vip, add=[anna])
    account.api.change_members(account.user, other, add=[anna, bert])
    known.follow(account.connect())
    assert {id: record.labels for id, record in known.held.items()} == {anna: {vip}, bert: frozenset()}
    account.api.change_members(account.user, vip, add=[bert], remove=[anna])
    assert set(records(known.follow(account.connect()))) == {anna, bert}
    assert {id: record.labels for id, record in known.held.items()} == {anna: frozenset(), bert: {vip}}
    assert records(known.follow(account.connect())) == {}


def test_members_of_lists_are_read_at_their_own_pace(account: Account, known: Known) -> None:
    account.settings["list_interval"] = "300"
    account.load({"firstname": "Anna"})
    vip = account.api.add_list(account.user, "VIP")
    account.watched = lambda: frozenset({vip})
    known.follow(account.connect())
    before = account.requests()
    known.follow(account.connect())
    assert account.requests() - before == 2
    connector = account.connect()
    connector.host.clock.sleep(301)
    before = account.requests()
    known.follow(connector)
    assert account.requests() - before == 3


def test_a_list_that_a_rule_begins_to_speak_of_is_read_at_once(account: Account, known: Known) -> None:
    account.settings["list_interval"] = "300"
    [anna] = account.load({"firstname": "Anna"})
    vip = account.api.add_list(account.user, "VIP")
    account.api.change_members(account.user, vip, add=[anna])
    known.follow(account.connect())
    assert known.held[anna].labels == frozenset()
    account.watched = lambda: frozenset({vip})
    known.follow(account.connect())
    assert known.held[anna].labels == {vip}


def test_an_edit_keeps_the_lists_that_are_known(account: Account, known: Known) -> None:
    account.settings["list_interval"] = "300"
    [anna] = account.load({"firstname": "Anna"})
    vip = account.api.add_list(account.user, "VIP")
    account.watched = lambda: frozenset({vip})
    account.api.change_members(account.user, vip, add=[anna])
    known.follow(account.connect())
    account.edit(anna, lastname="Maes")
    known.follow(account.connect())
    assert known.held[anna].labels == {vip}
    assert known.held[anna].values["lastname"] == "Maes"


def test_a_contact_in_more_lists_than_a_version_can_name_keeps_them(account: Account, known: Known) -> None:
    account.settings["list_interval"] = "300"
    account.api.set_switches(account.user, burst_limit=0)
    [anna] = account.load({"firstname": "Anna"})
    lists = {account.api.add_list(account.user, f"L{number}") for number in range(150)}
    account.watch_all()
    for id in lists:
        account.api.change_members(account.user, id, add=[anna])
    known.follow(account.connect())
    assert known.held[anna].labels == lists
    assert len(known.held[anna].version) < 500
    account.edit(anna, lastname="Maes")
    known.follow(account.connect())
    assert known.held[anna].labels == lists
    change = Write(
        WriteKind.UPDATE, "m", anna, known.held[anna].version, {"lastname": "Claes"}, current={"lastname": "Maes"}
    )
    [result] = account.connect().write(CONTACTS, [change], KEYS)
    assert result.record is not None
    assert result.record.labels == lists


def test_a_list_that_is_deleted_has_no_members_any_more(account: Account, known: Known) -> None:
    [anna] = account.load({"firstname": "Anna"})
    vip = account.api.add_list(account.user, "VIP")
    account.watched = lambda: frozenset({vip})
    account.api.change_members(account.user, vip, add=[anna])
    known.follow(account.connect())
    account.api.remove_list(account.user, vip)
    known.follow(account.connect())
    assert known.held[anna].labels == frozenset()


def test_without_the_permission_there_are_no_lists_and_everything_else_works(account: Account) -> None:
    scopes = account.secrets["scope"].split()
    poor = Account(account.sandbox, scopes=[one for one in scopes if "lists" not in one])
    poor.load({"firstname": "Anna"})
    connector = poor.connect()
    assert list(connector.labels(CONTACTS)) == []
    assert [folder.id for folder in connector.folders()] == [CONTACTS]
    assert len(records(list(connector.changes(CONTACTS, "", KEYS, NothingKnown())))) == 1
    poor.close()


def test_lists_that_hubspot_fills_can_be_asked_for_and_not_filled(account: Account) -> None:
    branch = {
        "filterBranchType": "OR",
        "filterBranches": [
            {
                "filterBranchType": "AND",
                "filters": [
                    {
                        "filterType": "PROPERTY",
                        "property": "firstname",
                        "operation": {"operationType": "STRING", "operator": "IS_EQUAL_TO", "values": ["Anna"]},
                    }
                ],
            }
        ],
    }
    dynamic = account.api.add_list(account.user, "Annas", "DYNAMIC", filters=branch)
    static = account.api.add_list(account.user, "VIP")
    labels = {label.id: label.read_only for label in account.connect().labels(CONTACTS)}
    assert labels == {dynamic: True, static: False}
    assert [folder.path for folder in account.connect().folders()] == ["Contacts", "Lists/VIP"]


# ---- a list as a folder


@pytest.fixture
def folder(account: Account) -> str:
    return f"list-{account.api.add_list(account.user, 'VIP')}"


def test_a_list_shows_its_members_and_who_leaves_it_has_left(account: Account, known: Known, folder: str) -> None:
    made = account.load(*({"firstname": f"N{number}"} for number in range(4)))
    vip = folder.removeprefix("list-")
    account.api.change_members(account.user, vip, add=made[:2])
    known.follow(account.connect(), folder)
    assert set(known.held) == set(made[:2])
    account.api.change_members(account.user, vip, add=[made[2]], remove=[made[0]])
    account.edit(made[1], lastname="Maes")
    account.edit(made[3], lastname="Stranger")
    known.follow(account.connect(), folder)
    assert set(known.held) == set(made[1:3])
    assert known.held[made[1]].values["lastname"] == "Maes"
    assert known.departed == {made[0]: Departure(made[0], DepartureKind.LEFT)}
    assert account.connect().read(folder, [made[0]], KEYS)[made[0]] == Departure(made[0], DepartureKind.LEFT)


def test_a_member_that_is_deleted_was_deleted(account: Account, known: Known, folder: str) -> None:
    [anna] = account.load({"firstname": "Anna"})
    account.api.change_members(account.user, folder.removeprefix("list-"), add=[anna])
    known.follow(account.connect(), folder)
    account.api.remove(account.user, anna)
    known.follow(account.connect(), folder)
    assert known.departed == {anna: Departure(anna, DepartureKind.DELETED)}


def test_a_list_that_is_gone_is_a_folder_that_is_gone(account: Account, known: Known, folder: str) -> None:
    known.follow(account.connect(), folder)
    account.api.remove_list(account.user, folder.removeprefix("list-"))
    with pytest.raises(FolderGone):
        known.follow(account.connect(), folder)
    with pytest.raises(FolderGone):
        list(account.connect().changes(folder, "", KEYS, NothingKnown()))


@pytest.mark.parametrize("cursor", ["nonsense", "[1]", '[false,"x",0,0,"","","",0,[],[]]', "{}"])
def test_a_cursor_that_is_none_is_called_expired(account: Account, cursor: str) -> None:
    with pytest.raises(CursorExpired):
        list(account.connect().changes(CONTACTS, cursor, KEYS, NothingKnown()))
