from __future__ import annotations

from collections.abc import Mapping

import pytest

from connectors.base import (
    AddressRefused,
    AuthLost,
    ConnectorError,
    Folder,
    FolderGone,
    Outcome,
    Record,
    Unavailable,
    Write,
    WriteKind,
)
from connectors.carddav.books import same_site
from connectors.carddav.connector import CardDav
from connectors.carddav.dav import spell
from connectors.registry import app
from tests.connectors.carddav.radicale import RadicaleServer
from tests.connectors.carddav.standin import BOOK, StandIn
from tests.connectors.host import make_host
from tests.connectors.server import Reply, Request, serve

XMLNS = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
COLLECTION = "<resourcetype><collection/></resourcetype>"
ADDRESS_BOOK = "<resourcetype><collection/><C:addressbook/></resourcetype>"


def told(*rows: tuple[str, str]) -> Reply:
    """A multistatus of (href, properties)."""
    responses = "".join(
        f"<response><href>{href}</href><propstat><prop>{prop}</prop><status>HTTP/1.1 200</status></propstat></response>"
        for href, prop in rows
    )
    return Reply(207, f"<multistatus {XMLNS}>{responses}</multistatus>".encode())


class Site:
    """Answers PROPFIND from a table of paths; everything else is the web page of the server."""

    def __init__(self, places: Mapping[str, Reply]) -> None:
        self.places = dict(places)
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Reply:
        self.asked.append(request.path)
        page = Reply(200, b"<html>Welcome!</html>", {"Content-Type": "text/html"})
        return self.places.get(request.path, page) if request.method == "PROPFIND" else page


def folders(url: str) -> list[Folder]:
    return list(CardDav(make_host(url, {"username": "anna", "password": "x"})).folders())


PRINCIPAL = told(("/", "<current-user-principal><href>/p/anna/</href></current-user-principal>"))
HOME_SET = "<C:addressbook-home-set>{}</C:addressbook-home-set>"
BOOKS = told(
    ("/home/anna/", COLLECTION),
    ("/home/anna/main/", ADDRESS_BOOK + "<displayname>My &amp; yours</displayname>"),
    ("/home/anna/f%C3%BCr%20alle", ADDRESS_BOOK),
    ("/home/anna/calendar/", COLLECTION),
)
TREE = {
    "/.well-known/carddav": Reply(302, headers={"Location": "/dav/"}),
    "/dav/": PRINCIPAL,
    "/p/anna/": told(("/p/anna/", HOME_SET.format("<href>/home/anna/</href><href>/home/team/</href>"))),
    "/home/anna/": BOOKS,
    "/home/team/": told(
        (
            "/home/team/list/",
            ADDRESS_BOOK
            + "<current-user-privilege-set><privilege><read/></privilege></current-user-privilege-set>"
            + "<displayname>Team</displayname>",
        )
    ),
}
EXPECTED = [
    Folder("/home/anna/main/", "My & yours", "My & yours"),
    Folder("/home/anna/f%C3%BCr%20alle/", "für alle", "für alle"),
    Folder("/home/team/list/", "Team", "Team", read_only=True),
]


@pytest.mark.parametrize("path", ["", "/", "/some/page", "/dav/", "/p/anna/"])
def test_books_are_found_from_the_server_a_page_the_entry_or_the_principal(path: str) -> None:
    with serve(Site(TREE)) as url:
        assert folders(url + path) == EXPECTED


def test_books_are_found_from_their_home_and_one_from_its_own_address() -> None:
    with serve(Site(TREE | {"/home/anna/main/": told(("/home/anna/main/", ADDRESS_BOOK))})) as url:
        assert [folder.id for folder in folders(url + "/home/anna/")] == [folder.id for folder in EXPECTED[:2]]
        assert [folder.id for folder in folders(url + "/home/anna/main/")] == ["/home/anna/main/"]


def test_a_real_server_tells_its_books_and_who_asks(server: RadicaleServer) -> None:
    server.put_card("a", "BEGIN:VCARD\nVERSION:3.0\nUID:a\nFN:A\nN:;;;;\nEND:VCARD\n")
    secrets = {"username": server.username, "password": server.password}
    for path in ("", "anna/", "anna/contacts/", "anna/contacts"):
        connector = CardDav(make_host(server.url + path, secrets))
        assert list(connector.folders()) == [Folder("/anna/contacts/", "Contacts", "Contacts", count=1)]
        assert connector.check() == "anna at 127.0.0.1 (1 address book)"


def test_a_wrong_password_is_said_so(server: RadicaleServer) -> None:
    with pytest.raises(AuthLost, match="user name and password"):
        CardDav(make_host(server.url, {"username": server.username, "password": "guess"})).check()


HALF = b'<multistatus xmlns="DAV:"><response><href>/'


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, b"<html>Welcome!</html>"),
        Reply(404),
        Reply(405),
        Reply(403),
        Reply(207, b"<html/>"),
        Reply(207, HALF),
        Reply(207, b""),
        told(("/", "")),
        Reply(501),
    ],
    ids=["page", "404", "405", "403", "html as multistatus", "half", "nothing", "no properties", "501"],
)
def test_an_address_that_is_no_carddav_server_gets_a_clear_sentence(answer: Reply) -> None:
    with serve(lambda request: answer) as url, pytest.raises(AddressRefused, match="is no CardDAV server"):
        folders(url + "/contacts")


def test_a_server_without_an_address_book_says_what_is_missing() -> None:
    places = {**TREE, "/home/anna/": told(("/home/anna/", COLLECTION)), "/home/team/": Reply(403)}
    with serve(Site(places)) as url, pytest.raises(AddressRefused, match="no address book"):
        folders(url)


def test_half_an_xml_in_the_middle_of_the_search_is_no_crash() -> None:
    for place in ("/p/anna/", "/home/anna/"):
        with serve(Site({**TREE, place: Reply(207, HALF)})) as url, pytest.raises(Unavailable):
            folders(url)


def test_a_server_that_is_away_is_unavailable() -> None:
    with serve(lambda request: None) as url, pytest.raises(Unavailable):
        folders(url)


def test_an_account_without_address_is_told_so() -> None:
    with pytest.raises(AddressRefused, match="no address"):
        CardDav(make_host(""))


def test_a_home_at_somebody_elses_never_gets_the_password() -> None:
    other = Site({"/home/": BOOKS})
    with serve(other) as there:
        homes = told(("/p/anna/", HOME_SET.format(f"<href>{there}/home/</href>")))
        with serve(Site({**TREE, "/p/anna/": homes})) as url, pytest.raises(AddressRefused, match="somebody else"):
            folders(url)
    assert other.asked == []


def test_a_folder_id_at_somebody_elses_is_refused() -> None:
    with serve(Site(TREE)) as url:
        connector = CardDav(make_host(url, {"username": "anna"}))
        with pytest.raises(AddressRefused):
            connector.read("https://elsewhere.example/book/", ["/book/a.vcf"], [])


def test_a_book_that_is_not_there_is_gone(server: RadicaleServer) -> None:
    connector = CardDav(make_host(server.url, {"username": server.username, "password": server.password}))
    with pytest.raises(FolderGone):
        connector.read("/anna/nowhere/", ["/anna/nowhere/a.vcf"], [])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://contacts.example.com/", "https://p42-contacts.example.com:443/x", True),
        ("https://example.com/", "https://dav.example.com/", True),
        ("https://dav.example.co.uk/", "https://other.example.co.uk/", True),
        ("https://dav.example.co.uk/", "https://other.co.uk/", False),
        ("https://example.com/", "https://example.org/", False),
        ("https://example.com/", "https://example.com.evil.test/", False),
        ("https://example.com/", "http://dav.example.com/", False),
        ("http://example.com/", "https://example.com/", True),
        ("https://example.com/", "http://example.com/", False),
        ("https://example.com/", "https://example.com:8443/", True),
        ("https://192.0.2.1/", "https://192.0.2.2/", False),
        ("https://localhost/", "https://evil/", False),
        ("http://127.0.0.1:1/", "http://127.0.0.1:2/", False),
    ],
)
def test_a_password_goes_to_the_same_site_only(one: str, other: str, same: bool) -> None:
    assert same_site(one, other) is same


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/a/b.vcf", "/a/b.vcf"),
        ("/a/sub%20space%2B%40%C3%BC.vcf", "/a/sub%20space+@%C3%BC.vcf"),
        ("/a/sub%20space%2B@%C3%BC.vcf", "/a/sub%20space+@%C3%BC.vcf"),
        ("/a/sub space+@ü.vcf", "/a/sub%20space+@%C3%BC.vcf"),
        ("https://host:443/a/b%2Fc.vcf?x#y", "/a/b%2Fc.vcf"),
        ("//a/b.vcf", "/a/b.vcf"),
        ("/a/b.vcf?x", "/a/b.vcf"),
        ("/a/%3Fb%23.vcf", "/a/%3Fb%23.vcf"),
    ],
)
def test_hrefs_have_one_spelling(href: str, path: str) -> None:
    assert spell(href) == path == spell(path)


def test_names_with_difficult_letters_are_read_written_and_deleted(server: RadicaleServer) -> None:
    secrets = {"username": server.username, "password": server.password}
    connector = CardDav(make_host(server.url, secrets))
    text = "BEGIN:VCARD\nVERSION:3.0\nUID:x\nFN:X\nN:;;;;\nEND:VCARD\n"
    path = server.put_card("sp%20ace%20%C3%BC+@", text)
    found = connector.read(server.folder, [spell(path)], [])[spell(path)]
    assert isinstance(found, Record)
    change = Write(WriteKind.UPDATE, "m", found.id, found.version, {"title": "Chief"}, body=found.body)
    (changed,) = connector.write(server.folder, [change], [])
    assert changed.record is not None
    assert changed.record.id == found.id
    removal = Write(WriteKind.DELETE, "m", found.id, changed.record.version)
    assert [result.outcome for result in connector.write(server.folder, [removal], [])] == [Outcome.DONE]
    assert server.cards() == {}


def test_the_app_declares_what_a_person_must_enter() -> None:
    declared = app("carddav")
    assert declared.user_supplied_url
    assert {field.name: field.secret for field in declared.credentials} == {"username": False, "password": True}


def test_a_read_only_book_is_shown_as_one() -> None:
    standin = StandIn(privileges="<privilege><read/></privilege>")
    with serve(standin) as url:
        assert [folder.read_only for folder in folders(url + BOOK)] == [True]


def test_no_error_shows_the_password_or_a_path(server: RadicaleServer) -> None:
    secret = "hush-hush"
    with pytest.raises(ConnectorError) as error:
        CardDav(make_host(server.url + secret, {"username": secret, "password": secret})).check()
    assert secret not in str(error.value) + repr(error.value.__cause__)
