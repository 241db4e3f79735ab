from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest

from connectors.base import (
    ChangePage,
    CursorExpired,
    Departure,
    DepartureKind,
    FolderGone,
    Forbidden,
    NothingKnown,
    Record,
    Unavailable,
)
from connectors.carddav.connector import CardDav
from tests.connectors.carddav.standin import BOOK, StandIn
from tests.connectors.host import make_host
from tests.connectors.server import Reply, Request, serve


class Known(NothingKnown):
    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    def versions(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {key: self.held[key] for key in ids if key in self.held}


def card(name: str, *lines: str) -> str:
    return "\n".join(["BEGIN:VCARD", "VERSION:3.0", f"UID:{name}", f"FN:{name}", *lines, "END:VCARD", ""])


class Reader:
    """Reads the news as the engine does: remembers versions, and what it holds."""

    def __init__(self, url: str, page_size: int = 100) -> None:
        self.connector = CardDav(make_host(url + BOOK, {"username": "anna"}, settings={"page_size": str(page_size)}))
        self.known = Known()
        self.cursor = ""

    def pages(self, stop_after: int = 1000) -> list[ChangePage]:
        found: list[ChangePage] = []
        whole = '"listing"' not in self.cursor
        stream = self.connector.changes(BOOK, self.cursor, ["fn"], self.known)
        for page in stream:
            found.append(page)
            self.take(page)
            if len(found) == stop_after:
                break
        if whole and found[0].listing and found[-1].last:  # what a whole listing does not name is gone
            self.known.held = {key: one for key, one in self.known.held.items() if key[len(BOOK) :] in named(found)}
        return found

    def take(self, page: ChangePage) -> None:
        for record in page.records:
            self.known.held[record.id] = record.version
        for departure in page.departures:
            self.known.held.pop(departure.id, None)
        self.cursor = page.cursor

    def names(self) -> set[str]:
        return {key.removeprefix(BOOK) for key in self.known.held}


@pytest.fixture
def server() -> StandIn:
    one = StandIn()
    for number in range(10):
        one.put(f"c{number}.vcf", card(f"c{number}"))
    return one


@pytest.fixture
def url(server: StandIn) -> Iterator[str]:
    with serve(server) as address:
        yield address


def named(pages: Sequence[ChangePage]) -> set[str]:
    records = {record.id for page in pages for record in page.records}
    return {key.removeprefix(BOOK) for key in records.union(*(page.unchanged for page in pages))}


KINDS: dict[str, dict[str, object]] = {
    "syncs": {},
    "cuts its lists short": {"page": 3},
    "syncs but never from nothing": {"syncs_from_nothing": False},
    "has a tag only": {"syncs": False},
    "has neither": {"syncs": False, "tags": False},
}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_server_can_do_the_news_arrive(server: StandIn, url: str, kind: str) -> None:
    for name, value in KINDS[kind].items():
        setattr(server, name, value)
    reader = Reader(url, page_size=4)
    first = reader.pages()
    assert reader.names() == set(server.cards)
    assert all(page.listing for page in first)
    assert [page.last for page in first] == [False] * (len(first) - 1) + [True]
    server.put("c1.vcf", card("c1", "NOTE:new"))
    server.put("new.vcf", card("new"))
    server.remove("c2.vcf")
    news = reader.pages()
    read = {record.id for page in news for record in page.records}
    assert read == {BOOK + "c1.vcf", BOOK + "new.vcf"}
    if news[0].listing:
        assert named(news) == set(server.cards)
    else:
        assert [one.id for page in news for one in page.departures] == [BOOK + "c2.vcf"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_listing_stopped_after_any_page_misses_nothing_that_happens_meanwhile(
    server: StandIn, url: str, kind: str
) -> None:
    for name, value in KINDS[kind].items():
        setattr(server, name, value)
    for stop in range(1, 5):
        reader = Reader(url, page_size=2)
        seen = named(reader.pages(stop_after=stop))
        server.put("c0.vcf", card("c0", f"NOTE:{stop}{kind}"))
        server.put(f"a{stop}.vcf", card(f"a{stop}"))
        server.remove(f"c{stop}.vcf")
        server.remove(f"c{10 - stop}.vcf")
        rest = reader.pages()
        assert rest[-1].last
        seen |= named(rest) | named(reader.pages())
        assert seen >= set(server.cards)
        connector = reader.connector
        truth = connector.read(BOOK, [BOOK + name for name in server.cards], [])
        assert {key: record.version for key, record in truth.items() if isinstance(record, Record)} == reader.known.held


def test_nothing_new_is_one_request(server: StandIn, url: str) -> None:
    for syncs, method in ((True, "REPORT"), (False, "PROPFIND")):
        server.syncs = syncs
        reader = Reader(url)
        reader.pages()
        server.requests.clear()
        assert [(page.records, page.last, page.listing) for page in reader.pages()] == [
            ([] if syncs else (), True, False)
        ]
        assert server.methods() == [method]


def test_many_changes_cost_a_question_and_a_multiget_per_hundred(server: StandIn, url: str) -> None:
    reader = Reader(url)
    reader.pages()
    for number in range(250):
        server.put(f"d{number}.vcf", card(f"d{number}"))
    server.requests.clear()
    reader.pages()
    assert server.methods() == ["REPORT"] * 4


def test_a_full_listing_of_known_cards_reads_none(server: StandIn, url: str) -> None:
    reader = Reader(url)
    reader.pages()
    reader.cursor = ""
    server.requests.clear()
    pages = reader.pages()
    assert named(pages) == set(server.cards)
    assert sum(len(page.records) for page in pages) == 0
    assert server.methods() == ["PROPFIND", "REPORT"]


@pytest.mark.parametrize("status", [400, 403, 409, 410, 412, 500])
@pytest.mark.parametrize("named", [True, False])
def test_every_form_of_a_forgotten_token_is_an_expired_cursor(
    server: StandIn, url: str, status: int, named: bool
) -> None:
    reader = Reader(url)
    reader.pages()
    server.forgets, server.refusal, server.names_refusal = True, status, named
    with pytest.raises(CursorExpired):
        reader.pages()
    reader.cursor = ""
    assert sum(len(page.unchanged) for page in reader.pages()) == 10


@pytest.mark.parametrize("cursor", ["rubbish", "[]", '{"what": 1}', "1"])
def test_a_cursor_that_is_none_of_ours_is_expired(url: str, cursor: str) -> None:
    reader = Reader(url)
    reader.cursor = cursor
    with pytest.raises(CursorExpired):
        reader.pages()


def test_a_list_cut_short_without_a_way_on_is_no_list(server: StandIn, url: str) -> None:
    def stuck(request: Request) -> Reply | bool:
        if b"sync-collection" not in request.body or request.method != "REPORT":
            return False
        full = f"<response><href>{BOOK}</href><status>HTTP/1.1 507 Full</status></response>"
        token = "" if b"<D:sync-token></D:sync-token>" in request.body else "<sync-token>same</sync-token>"
        return Reply(
            207, f'<multistatus xmlns="DAV:">{full}{token or "<sync-token>same</sync-token>"}</multistatus>'.encode()
        )

    server.override = stuck
    with pytest.raises(Unavailable, match="only a part"):
        Reader(url).pages()


def test_a_book_that_vanished_or_closed_is_said_so(server: StandIn, url: str) -> None:
    for status, kind in ((404, FolderGone), (410, FolderGone), (403, Forbidden)):
        reader = Reader(url)
        server.override = lambda request: False
        reader.pages()
        server.override = lambda request, status=status: Reply(status)  # type: ignore[misc]
        for cursor in (reader.cursor, ""):
            reader.cursor = cursor
            with pytest.raises(kind):
                reader.pages()


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, b"<html><body>Welcome</body></html>"),
        Reply(207, b"<html><body>Welcome</body></html>"),
        Reply(207, b'<multistatus xmlns="DAV:"><response><href>/books/an'),
        Reply(207, b""),
        Reply(207, b'<!DOCTYPE x [<!ENTITY a "b">]><multistatus xmlns="DAV:">&a;</multistatus>'),
        Reply(500),
        None,
    ],
    ids=["html", "html as multistatus", "half an xml", "nothing", "a document type", "own error", "cut"],
)
def test_an_answer_that_is_none_is_unavailable_and_nothing_departs(
    server: StandIn, url: str, answer: Reply | None
) -> None:
    reader = Reader(url)
    reader.pages()
    server.override = lambda request: answer
    for cursor in (reader.cursor, ""):
        reader.cursor = cursor
        with pytest.raises(Unavailable):
            reader.pages()
    with pytest.raises(Unavailable):
        reader.connector.read(BOOK, [BOOK + "c1.vcf"], [])


# ---- bad cards among good ones


BAD = {
    "not-a-card.vcf": "just some words",
    "empty.vcf": "",
    "half.vcf": "BEGIN:VCARD\nVERSION:3.0\nFN:Half",
    "two.vcf": card("one") + card("two"),
    "calendar.vcf": "BEGIN:VCALENDAR\nEND:VCALENDAR\n",
}
ODD = {
    "no-name.vcf": "BEGIN:VCARD\nVERSION:3.0\nUID:x\nEMAIL:a@b\nEND:VCARD\n",
    "two-names.vcf": card("x", "N:A;B;;;", "N:C;D;;;"),
    "long-note.vcf": card("x", "NOTE:" + "n" * 5_000_000),
    "same-uid.vcf": card("c1"),
    "control.vcf": card("x", "NOTE:a\x00b\x08c"),
    "lone.vcf": "BEGIN:VCARD\n\n\x0b\nnonsense\n:::\n;;;\nEND:VCARD",
}


def test_bad_cards_are_named_with_their_trouble_and_all_others_flow(server: StandIn, url: str) -> None:
    for name, text in (BAD | ODD).items():
        server.put(name, text)
    reader = Reader(url)
    records = {record.id.removeprefix(BOOK): record for page in reader.pages() for record in page.records}
    assert set(records) == set(server.cards)
    assert {name for name, record in records.items() if record.problem} == set(BAD)
    for name in BAD:
        assert records[name].problem.startswith("This entry ")
        assert records[name].problem.endswith(".")
        assert not records[name].values
        assert records[name].version


def test_text_that_is_not_utf8_is_a_trouble_of_that_card_alone(server: StandIn, url: str) -> None:
    server.put("latin.vcf", card("x").replace("FN:x", "FN:J\udcf6rg"))
    reader = Reader(url)
    records = {record.id.removeprefix(BOOK): record for page in reader.pages() for record in page.records}
    assert "not UTF-8" in records["latin.vcf"].problem
    assert [name for name, record in records.items() if record.problem] == ["latin.vcf"]


def test_a_card_that_the_server_chokes_on_does_not_hold_up_the_others(server: StandIn, url: str) -> None:
    def choke(request: Request) -> Reply | bool:
        return Reply(500) if b"c3.vcf" in request.body or "c3.vcf" in request.path else False

    server.override = choke
    records = {record.id.removeprefix(BOOK): record for page in Reader(url).pages() for record in page.records}
    assert "cannot be handed out" in records.pop("c3.vcf").problem
    assert len(records) == 9
    assert not any(record.problem for record in records.values())


def test_an_answer_too_large_is_asked_for_in_parts(server: StandIn, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.carddav.connector.LARGEST_ANSWER", 60_000)
    for number in range(10):
        server.put(f"c{number}.vcf", card(f"c{number}", "PHOTO;ENCODING=b:" + "A" * 20_000))
    server.put("huge.vcf", card("huge", "PHOTO;ENCODING=b:" + "A" * 80_000))
    records = {record.id.removeprefix(BOOK): record for page in Reader(url).pages() for record in page.records}
    assert "too large" in records.pop("huge.vcf").problem
    assert len([record for record in records.values() if not record.problem]) == 10


@pytest.mark.parametrize("kind", ["KIND:group", "X-ADDRESSBOOKSERVER-KIND:group"])
def test_group_cards_are_no_contacts(server: StandIn, url: str, kind: str) -> None:
    server.put("group.vcf", card("group", kind))
    reader = Reader(url)
    assert BOOK + "group.vcf" not in {record.id for page in reader.pages() for record in page.records}
    assert reader.connector.read(BOOK, [BOOK + "group.vcf"], []) == {
        BOOK + "group.vcf": Departure(BOOK + "group.vcf", DepartureKind.LEFT)
    }


def test_strangers_in_a_listing_are_passed_over(server: StandIn, url: str) -> None:
    def listing(request: Request) -> Reply | bool:
        if b"sync-collection" not in request.body or request.method != "REPORT":
            return False
        prop = "<propstat><prop><getetag>&quot;1&quot;</getetag>{}</prop><status>HTTP/1.1 200 OK</status></propstat>"
        rows = {
            BOOK: "",
            BOOK + "sub/": "",
            "/books/bob/main/x.vcf": "",
            "http://elsewhere.example" + BOOK + "x.vcf": "",
            BOOK + "list.vlf": "<getcontenttype>text/x-vlist</getcontenttype>",
            "/books//anna/": "",
            "": "",
            BOOK + "c%31.vcf": "<getcontenttype>text/vcard; charset=utf-8</getcontenttype>",
        }
        responses = "".join(
            f"<response><href>{href}</href>{prop.format(more)}</response>" for href, more in rows.items()
        )
        return Reply(207, f'<multistatus xmlns="DAV:">{responses}<sync-token>t</sync-token></multistatus>'.encode())

    server.override = listing
    assert [record.id for page in Reader(url).pages() for record in page.records] == [BOOK + "c1.vcf"]
