from __future__ import annotations

from collections.abc import Iterator

import pytest

from connections import host
from connections.models import Change, Item, Pair
from connections.services import syncing
from tests.connectors.carddav.standin import BOOK, StandIn
from tests.connectors.server import serve
from tests.faults.stage import Person, Stage, address, card_of


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.SystemClock, "sleep", lambda clock, seconds: None)


@pytest.fixture
def stand(stage: Stage, allowed: list[str]) -> Iterator[StandIn]:
    one = StandIn()
    with serve(one) as url:
        allowed.append(address(url))
        stage.dav.base_url = url + BOOK
        stage.dav.save()
        yield one


def test_explore(stage, stand):
    def card(*lines, uid="x"):
        return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", *lines, "END:VCARD", ""])
    stand.put("good.vcf", card_of(Person("Good", email="good@example.com")))
    stand.put("latin.vcf", card("FN:Andr\udce9 Maes", "N:Maes;Andr\udce9;;;", uid="latin"))
    stand.put("nofn.vcf", card("N:Maes;Nofn;;;", uid="nofn"))
    stand.put("noname.vcf", card("EMAIL:noname@example.com", uid="noname"))
    stand.put("nothing.vcf", card(uid="nothing"))
    stand.put("twon.vcf", card("FN:Two Names","N:Maes;Two;;;","N:Other;Second;;;", uid="twon"))
    stand.put("note.vcf", card("FN:Big Note","N:Note;Big;;;","NOTE:" + "x" * 5_000_000, uid="note"))
    stand.put("nul.vcf", card("FN:Nul\0 Byte","N:Byte;Nul\0;;;", uid="nul"))
    stand.put("dup1.vcf", card("FN:Dup One","N:One;Dup;;;", "EMAIL:one@example.com", uid="dup"))
    stand.put("dup2.vcf", card("FN:Dup Two","N:Two;Dupli;;;","EMAIL:two@example.com", uid="dup"))
    stand.put("html.vcf", "<html>hello</html>")
    stand.put("half.vcf", card("FN:Half Card","N:Card;Half;;;", uid="half")[:60])
    stage.mailbox.add(Person("Mail", email="mail@example.com"))
    c = stage.connect(book=BOOK)
    for i in range(3):
        w = stage.mailbox.writes
        run = syncing.sync(c)
        print(run.state, run.message, run.counters, stage.mailbox.writes-w, Change.objects.count())
    for p in Pair.objects.filter(connection=c):
        print(p.title, p.health, "|", p.reason, "|", p.warnings, p.item_a_id, p.item_b_id, p.item_b and p.item_b.remote_id)
    for i in Item.objects.filter(folder=c.folder_b): print(i.remote_id, i.title, i.problem, i.values[:200])
    print([ (x["givenName"], x.get("surname"), x.get("displayName"), len(x.get("personalNotes",""))) for x in stage.mailbox.contacts()])
    print({k:v[:80] for k,v in stand.cards.items()})
    assert 0
