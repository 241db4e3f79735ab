"""The connector against the sandbox, over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import (
    AuthLost,
    CursorExpired,
    Departure,
    DepartureKind,
    FolderGone,
    Forbidden,
    NothingKnown,
    Outcome,
    Unsupported,
    Write,
    WriteKind,
)
from connectors.outlook.fields import CATALOGUE
from connectors.sandbox import Sandbox
from tests.connectors.host import MemoryVault
from tests.connectors.outlook.conftest import Account, contacts_of
from tests.connectors.outlook.steps import ANNA, KEYS, creates, listed, news, record_of, update

# ---- folders


@pytest.mark.parametrize("switches", [{}, {"lists_default_folder": True}])
def test_folders_of_all_depths_have_paths_parents_and_counts(sandbox: Sandbox, switches: dict[str, Any]) -> None:
    account = Account(sandbox, switches=switches)
    account.load(ANNA, ANNA)
    account.load(ANNA, folder="Contacts/Customers/Old/Older")
    for number in range(45):
        account.api.add_folder(account.email, f"Contacts/Many/F{number:02}")
    connector = account.connect()
    before = account.requests()
    folders = connector.folders()
    spent = account.requests() - before
    account.close()
    by_id = {folder.id: folder for folder in folders}
    by_path = {folder.path: folder for folder in folders}
    assert len(by_path) == len(folders) == 1 + 3 + 1 + 45
    assert (by_path["Contacts"].count, by_path["Contacts"].parent) == (2, "")
    assert by_path["Contacts/Customers/Old/Older"].count == 1
    assert by_id[by_path["Contacts/Customers/Old"].parent].path == "Contacts/Customers"
    assert by_path["Contacts/Many"].count == 0
    assert spent <= 1 + 1 + 5 + 1


def test_more_folders_than_a_page_are_all_found(account: Account) -> None:
    for number in range(105):
        account.api.add_folder(account.email, f"Contacts/F{number:03}")
    assert len(account.connect().folders()) == 106


def test_a_shared_mailbox_is_offered_by_its_address(sandbox: Sandbox, account: Account) -> None:
    owner = Account(sandbox, switches={"shared_with": [account.email]})
    owner.load(ANNA, folder="Contacts/Team")
    connector = account.connect({"shared_mailboxes": f"{owner.email}, nobody@example.com"})
    shared = [folder for folder in connector.folders() if folder.path.startswith(owner.email)]
    assert [folder.path for folder in shared] == [f"{owner.email}/Contacts", f"{owner.email}/Contacts/Team"]
    records, _ = listed(connector, shared[1].id)
    assert [record.values["givenName"] for record in records.values()] == ["Anna"]
    with pytest.raises((FolderGone, Forbidden), match=r"nobody@example\.com|Microsoft"):
        connector.check()


def test_an_account_without_mailbox_gets_the_sentence_a_person_needs(sandbox: Sandbox) -> None:
    account = Account(sandbox, switches={"mailbox_enabled": False})
    connector = account.connect()
    for call in (connector.check, connector.folders):
        with pytest.raises(Unsupported, match="Exchange Online licence"):
            call()
    with pytest.raises(Unsupported):
        list(connector.changes("AAMk", "", KEYS, NothingKnown()))
    account.close()


def test_the_account_is_named_by_its_address(account: Account) -> None:
    assert account.connect().check() == account.email


# ---- listing and news


def test_all_fields_make_the_whole_way(account: Account) -> None:
    connector = account.connect()
    folder = contacts_of(connector)
    wanted: dict[str, Any] = {}
    for field in CATALOGUE:
        if field.key == "birthday":
            wanted[field.key] = "1985-04-12"
        elif field.key == "emailAddresses":
            wanted[field.key] = [{"value": f"a{n}@example.com"} for n in range(3)]
        elif field.is_list:
            wanted[field.key] = [{"value": f"{field.key} {n}"} for n in range(field.multiple or 3)]
        else:
            wanted[field.key] = f"{field.label} ä"
    made = record_of(connector.write(folder, [Write(WriteKind.CREATE, "m", values=wanted)], KEYS)[0])
    assert made.values == wanted
    assert listed(connector, folder)[0][made.id].values == wanted
    cleared = record_of(connector.write(folder, [update(made, **dict.fromkeys(wanted))], KEYS)[0])
    assert set(cleared.values) <= {"displayName", "fileAs"}


def test_no_change_is_one_request(account: Account) -> None:
    account.load(*[{**ANNA, "categories": ["VIP"]}] * 12)
    connector = account.connect()
    folder = contacts_of(connector)
    _, cursor = listed(connector, folder)
    fresh = account.connect()
    before = account.requests()
    [page] = fresh.changes(folder, cursor, KEYS, NothingKnown())
    assert (page.records, page.departures, page.last, page.listing) == ([], [], True, False)
    assert account.requests() - before == 1


def test_the_same_id_is_kept_when_a_contact_moves_and_it_is_not_called_deleted(account: Account) -> None:
    account.api.add_folder(account.email, "Contacts/Old")
    [id] = account.load(ANNA)
    connector = account.connect()
    here = contacts_of(connector)
    there = next(folder.id for folder in connector.folders() if folder.path == "Contacts/Old")
    records, cursor = listed(connector, here)
    _, cursor_there = listed(connector, there)
    account.api.move(account.email, id, "Contacts/Old")
    [page] = news(connector, here, cursor, *records.values())
    assert page.departures == [Departure(id, DepartureKind.LEFT)]
    [arrival] = news(connector, there, cursor_there)
    assert [record.id for record in arrival.records] == [id]
    assert connector.read(here, [id], KEYS)[id] == Departure(id, DepartureKind.LEFT)
    account.api.move(account.email, id, "Contacts")
    [page] = news(connector, here, page.cursor)
    assert [record.id for record in page.records] == [id]


@pytest.mark.parametrize("for_good", [False, True])
def test_a_deletion_costs_one_look_for_twenty_and_is_called_so(account: Account, for_good: bool) -> None:
    ids = account.load(*[ANNA] * 15)
    account.settings["page_size"] = "200"
    connector = account.connect()
    folder = contacts_of(connector)
    records, cursor = listed(connector, folder)
    for id in ids[:12]:
        account.api.remove(account.email, id, for_good=for_good)
    before = account.requests()
    [page] = news(connector, folder, cursor, *records.values())
    assert {one.id: one.kind for one in page.departures} == dict.fromkeys(ids[:12], DepartureKind.DELETED)
    assert account.requests() - before == (2 if for_good else 3)  # what lies around the folder is looked up once
    assert isinstance(connector.read(folder, ids[:1], KEYS)[ids[0]], Departure)


def test_our_own_deletion_costs_no_look(account: Account) -> None:
    account.load(ANNA, ANNA)
    connector = account.connect()
    folder = contacts_of(connector)
    records, cursor = listed(connector, folder)
    first, second = records.values()
    [result] = connector.write(folder, [Write(WriteKind.DELETE, "d", first.id, first.version)], KEYS)
    assert result.outcome == Outcome.DONE
    before = account.requests()
    [page] = news(connector, folder, cursor, second)
    assert (page.records, page.departures) == ([], [])
    assert account.requests() - before == 1


@pytest.mark.parametrize(
    "lost", [{"status": 410, "code": "SyncStateNotFound"}, {"status": 410, "code": "resyncRequired"}, {"status": 400}]
)
def test_a_lost_cursor_is_expired_in_each_form(account: Account, lost: dict[str, Any]) -> None:
    account.load(*[ANNA] * 12)
    connector = account.connect()
    folder = contacts_of(connector)
    pages = connector.changes(folder, "", KEYS, NothingKnown())
    first = next(iter(pages))
    account.fault("cursor_expired", **lost)
    with pytest.raises(CursorExpired):
        news(connector, folder, first.cursor)
    assert len(listed(connector, folder)[0]) == 12


def test_pages_out_of_order_and_in_double_are_harmless(account: Account) -> None:
    ids = account.load(*[{**ANNA, "surname": f"M{n}"} for n in range(12)])
    account.fault("reorder", count=0)
    account.fault("duplicate", count=0)
    connector = account.connect()
    folder = contacts_of(connector)
    pages = list(connector.changes(folder, "", KEYS, NothingKnown()))
    assert sorted(record.id for page in pages for record in page.records) == sorted(ids)


def test_a_folder_that_vanished_is_gone(account: Account) -> None:
    account.load(ANNA, folder="Contacts/Old")
    connector = account.connect()
    folder = next(folder.id for folder in connector.folders() if folder.path == "Contacts/Old")
    _, cursor = listed(connector, folder)
    connector.graph.http.request("DELETE", f"{connector.graph.root}/me/contactFolders/{folder}", kind="write")
    for start in ("", cursor):
        with pytest.raises(FolderGone):
            news(connector, folder, start)
    with pytest.raises(FolderGone):
        connector.write(folder, creates(2), KEYS)


# ---- sign-in


def test_a_token_that_ran_out_is_renewed_once_and_nothing_is_lost(account: Account) -> None:
    connector = account.connect()
    folder = contacts_of(connector)
    account.api.expire_tokens(account.email)
    results = connector.write(folder, creates(3), KEYS)
    assert [one.outcome for one in results] == [Outcome.DONE] * 3
    assert len(account.contacts()) == 3
    vault = connector.host.vault
    assert isinstance(vault, MemoryVault)
    assert vault.renewals == 1
    assert vault.secrets.values["refresh_token"] != account.secrets["refresh_token"]
    assert vault.secrets.values["access_token"] != account.secrets["access_token"]


def test_strict_rotation_is_survived_again_and_again(sandbox: Sandbox) -> None:
    account = Account(sandbox, switches={"rotates_strictly": True})
    connector = account.connect()
    for _ in range(3):
        account.api.expire_tokens(account.email)
        assert connector.check() == account.email
    account.close()


def test_a_revoked_grant_asks_for_a_person(account: Account) -> None:
    connector = account.connect()
    account.api.expire_tokens(account.email, ("access", "refresh"))
    with pytest.raises(AuthLost, match="Connect the account again"):
        connector.check()


def test_a_wrong_clock_does_not_matter(account: Account) -> None:
    connector = account.connect({"expires_at": "1"})
    folder = contacts_of(connector)
    account.sandbox.fault("skew", seconds=-86400, duration=60)
    made = record_of(connector.write(folder, creates(1), KEYS)[0])
    assert made.modified is not None
    assert [record.id for record in listed(connector, folder)[0].values()] == [made.id]
    assert connector.write(folder, [update(made, surname="X")], KEYS)[0].outcome == Outcome.DONE
