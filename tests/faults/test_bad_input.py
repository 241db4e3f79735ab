"""What one bad record, folder, password or answer does: a clear sentence at its place, and everything else flows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connections import host
from connections.models import Change, Connection, Pair, Run
from connections.services import syncing
from connectors.base import ConnectorError
from tests.connectors.carddav.standin import BOOK, StandIn
from tests.connectors.server import Reply, Request, serve
from tests.faults.stage import Person, Stage, address, card_of

GOOD = Person("Good", email="good@example.com")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.SystemClock, "sleep", lambda clock, seconds: None)


@pytest.fixture
def stand(stage: Stage, allowed: list[str]) -> Iterator[StandIn]:
    """A server in the test's hands behind the account of the address book."""
    one = StandIn()
    with serve(one) as url:
        allowed.append(address(url))
        stage.dav.base_url = url + BOOK
        stage.dav.save()
        yield one


def card(uid: str, *lines: str) -> str:
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", *lines, "END:VCARD", ""])


BROKEN = {
    "latin.vcf": (
        card("latin", "FN:Andr\udce9 Maes", "N:Maes;Andr\udce9;;;"),
        "latin.vcf) holds text that is not UTF",
    ),
    "html.vcf": ("<html>hello</html>", "html.vcf) is not a vCard"),
    "half.vcf": (card("half", "FN:Half Card", "N:Card;Half;;;")[:60], "half.vcf) is cut off"),
    "note.vcf": (card("note", "FN:Big Note", "N:Note;Big;;;", "NOTE:" + "x" * 5_000_000), "shorten its notes"),
    "nothing.vcf": (card("nothing"), "holds nothing that the other side could take"),
}
ODD = {
    "nofn.vcf": (card("nofn", "N:Maes;Nofn;;;"), ("Nofn", "Maes")),
    "twon.vcf": (card("twon", "FN:Two Names", "N:Maes;Two;;;", "N:Other;Second;;;"), ("Two", "Maes")),
    "nul.vcf": (card("nul", "FN:Nul\0 Byte", "N:Byte;Nul\0;;;"), ("Nul", "Byte")),
    "dup1.vcf": (card("dup", "FN:Dup One", "N:One;Dup;;;", "EMAIL:one@example.com"), ("Dup", "One")),
    "dup2.vcf": (card("dup", "FN:Dupli Two", "N:Two;Dupli;;;", "EMAIL:two@example.com"), ("Dupli", "Two")),
}


def pair_of(connection: Connection, name: str) -> Pair:
    return Pair.objects.get(connection=connection, item_b__remote_id__endswith=name)


def names_in(stage: Stage) -> set[tuple[str, str]]:
    return {(one.get("givenName") or "", one.get("surname") or "") for one in stage.mailbox.contacts()}


def synced(connection: Connection) -> Run:
    return syncing.sync(Connection.objects.get(pk=connection.pk))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_card_rests_alone_with_its_reason_and_heals_when_it_is_repaired(
    stage: Stage, stand: StandIn, name: str
) -> None:
    text, reason = BROKEN[name]
    stand.put("good.vcf", card_of(GOOD))
    stand.put(name, text)
    stage.mailbox.add(Person("Mail", email="mail@example.com"))
    connection = stage.connect(book=BOOK)
    assert synced(connection).state == "done"
    bad = pair_of(connection, name)
    assert bad.health in ("failed", "excluded")
    assert reason in bad.reason
    assert names_in(stage) == {("Good", "Crowd"), ("Mail", "Crowd")}
    assert len(stand.cards) == 3
    assert stand.cards[name] == text
    writes, changes = stage.mailbox.writes, Change.objects.count()
    assert synced(connection).state == "done"
    assert (stage.mailbox.writes, Change.objects.count()) == (writes, changes)
    stand.put(name, card("repaired", "FN:Now Fine", "N:Fine;Now;;;"))
    syncing.retry(connection)
    assert synced(connection).state == "done"
    assert pair_of(connection, name).health == "in_sync"
    assert ("Now", "Fine") in names_in(stage)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_card_is_understood_and_left_as_it_is(stage: Stage, stand: StandIn, name: str) -> None:
    """A card with the UID of another one too: both are people of their own."""
    for each, (text, _) in ODD.items():
        if each == name or each.startswith("dup"):
            stand.put(each, text)
    connection = stage.connect(book=BOOK)
    assert synced(connection).state == "done"
    assert ODD[name][1] in names_in(stage)
    assert pair_of(connection, name).health == "in_sync"
    assert stand.cards[name] == ODD[name][0]
    writes = stage.mailbox.writes
    assert synced(connection).state == "done"
    assert stage.mailbox.writes == writes


def test_an_edit_on_the_other_side_does_not_touch_a_broken_card(stage: Stage, stand: StandIn) -> None:
    stand.put("anna.vcf", card_of(Person("Anna", email="anna@example.com")))
    connection = stage.connect(book=BOOK)
    synced(connection)
    stand.put("anna.vcf", "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna")
    stage.mailbox.edit("Anna", jobTitle="Director")
    assert synced(connection).state == "done"
    assert stand.cards["anna.vcf"] == "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna"
    assert "cut off" in pair_of(connection, "anna.vcf").reason
    stand.put("anna.vcf", card_of(Person("Anna", email="anna@example.com")))
    assert synced(connection).state == "done"
    assert "TITLE:Director" in stand.cards["anna.vcf"]


def test_a_contact_that_the_other_side_refuses_rests_alone(stage: Stage, stand: StandIn) -> None:
    stand.override = lambda request: Reply(403) if request.method == "PUT" and b"Refused" in request.body else False
    stage.mailbox.add(Person("Refused"), Person("Welcome"))
    connection = stage.connect(book=BOOK)
    assert synced(connection).state == "done"
    refused = Pair.objects.get(connection=connection, title__startswith="Refused")
    assert (refused.health, bool(refused.reason)) == ("failed", True)
    assert any("Welcome" in text for text in stand.cards.values())
    stand.override = lambda request: False
    syncing.retry(connection)
    assert synced(connection).state == "done"
    assert any("Refused" in text for text in stand.cards.values())


def test_a_wrong_password_holds_the_run_and_asks_for_authorisation(stage: Stage) -> None:
    connection = grown(stage)
    stage.dav.secrets = {**stage.dav.secrets, "password": "wrong"}
    stage.dav.save()
    run = synced(connection)
    assert run.state == "auth"
    assert "password" in run.message
    untouched(stage)
    stage.dav.refresh_from_db()
    assert stage.dav.state == "needs_auth"


@pytest.mark.parametrize(
    "answer", ["<html><body>Welcome</body></html>", "<?xml version='1.0'?><multistatus xmlns='DAV:'><resp"]
)
def test_an_answer_that_is_no_xml_fails_the_run_and_nothing_follows_from_it(
    stage: Stage, stand: StandIn, answer: str
) -> None:
    stand.put("anna.vcf", card_of(Person("Anna", email="anna@example.com")))
    connection = stage.connect(book=BOOK, deletions_b_to_a="delete")
    synced(connection)
    stand.override = lambda request: Reply(207, answer.encode(), {"Content-Type": "text/html"})
    run = synced(connection)
    assert run.state == "failed"
    assert run.message.endswith(".")
    assert names_in(stage) == {("Anna", "Crowd")}
    stand.override = lambda request: False
    assert synced(connection).state == "done"


def test_an_address_that_is_no_carddav_server_is_said_so(stage: Stage, stand: StandIn) -> None:
    stand.override = shop
    with pytest.raises(ConnectorError, match="CardDAV"):
        host.connect(stage.dav).folders()


@pytest.mark.parametrize("side", ["book", "mailbox"])
def test_a_folder_that_vanished_fails_the_run_and_deletes_nobody(stage: Stage, side: str) -> None:
    connection = grown(stage, deletions_a_to_b="delete", deletions_b_to_a="delete")
    folder = connection.folder_b if side == "book" else connection.folder_a
    folder.remote_id = folder.remote_id.rstrip("/")[:-4] + "gone" + ("/" if side == "book" else "")
    folder.save()
    run = synced(connection)
    assert run.state in ("failed", "held")
    assert run.message
    untouched(stage)


def test_a_side_that_suddenly_lists_nothing_holds_the_run(stage: Stage) -> None:
    connection = grown(stage, deletions_b_to_a="delete")
    for name in list(stage.book.cards()):
        stage.server.delete_card(name, stage.book.folder)
    run = synced(connection)
    assert run.state == "held"
    assert "suddenly lists no contact" in run.message
    assert len(stage.mailbox.contacts()) == 4


def shop(request: Request) -> Reply:
    return Reply(200, b"<html>a shop</html>", {"Content-Type": "text/html"})


def grown(stage: Stage, **options: str) -> Connection:
    """Two people of each side, synced."""
    stage.mailbox.add(Person("Mail1"), Person("Mail2"))
    stage.book.add(Person("Card1"), Person("Card2"))
    connection = stage.connect(**options)  # type: ignore[arg-type]
    assert synced(connection).state == "done"
    return connection


def untouched(stage: Stage) -> None:
    assert len(stage.mailbox.contacts()) == len(stage.book.cards()) == 4
