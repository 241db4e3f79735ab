"""Address books by address and app password: found, refused behind the address guard, entered again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.urls import reverse

from connections import host, urlguard
from connections.models import Account, AccountState, Tenant
from connections.services import entering
from connections.services.entering import full_address
from tests.connectors.carddav.radicale import RadicaleServer
from tests.connectors.server import Reply, Request, serve
from tests.factories import make_connection, make_folder
from tests.people.conftest import Person, member

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[RadicaleServer]:
    with RadicaleServer(books=("contacts", "friends")) as running:
        yield running


@pytest.fixture
def radicale(server: RadicaleServer, settings: Any) -> RadicaleServer:
    settings.ALLOWED_PRIVATE_HOSTS = [urlsplit(server.url).netloc]
    return server


def enter(person: Person, **form: str) -> Any:
    return person.client.post(
        reverse("account-connect", args=[person.tenant.slug, "carddav"]), {"sharing": "shared", **form}
    )


def right(radicale: RadicaleServer) -> dict[str, str]:
    return {"address": radicale.url, "username": radicale.username, "password": radicale.password}


def test_an_address_and_an_app_password_are_enough(anna: Person, radicale: RadicaleServer) -> None:
    assert "app password" in anna.page("account-connect", "carddav")
    assert enter(anna, **right(radicale)).status_code == 302
    account = Account.objects.get()
    assert (account.owner, account.state, account.name) == (
        anna.user,
        AccountState.ACTIVE,
        "anna-carddav",
    )
    assert {folder.name for folder in host.connect(account).folders()} == {"Contacts", "Friends"}


def test_the_password_is_not_shown_again(anna: Person, radicale: RadicaleServer) -> None:
    answer = enter(anna, **{**right(radicale), "password": "swordfish"})
    assert "swordfish" not in answer.content.decode()
    assert "does not accept the user name and password" in answer.content.decode()
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://dav.example.com/", "without encryption"),
        ("https://127.0.0.1:1/", "inside a private network"),
        ("https://169.254.169.254/latest/meta-data/", "inside a private network"),
        ("https://[::ffff:10.0.0.1]/", "inside a private network"),
        ("https://anna:secret@dav.example.com/", "user name and password out of the address"),
        ("ftp://dav.example.com/", "not complete"),
        ("https://", "This is no address"),
        ("https://[::1", "This is no address"),
        ("https://dav.example.com:99999/", "This is no address"),
        ("nonsense nowhere", "This is no address"),
        ("nowhere.invalid", "cannot be resolved"),
    ],
)
def test_addresses_that_must_not_be_asked_are_refused(anna: Person, address: str, reason: str, settings: Any) -> None:
    settings.ALLOWED_PRIVATE_HOSTS = []
    page = enter(anna, address=address, username="anna", password="swordfish").content.decode()
    assert reason in page, page
    assert "swordfish" not in page
    assert not Account.objects.exists()


def test_a_name_that_means_a_private_address_is_refused(anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urlguard.AddressGuard.__init__, "__defaults__", (None, lambda host, port: ["10.1.2.3"]))
    page = enter(anna, address="dav.example.com", username="anna", password="x").content.decode()
    assert "dav.example.com is an address inside a private network" in page
    assert not Account.objects.exists()


def test_a_redirect_into_the_private_network_is_refused(anna: Person, settings: Any) -> None:
    asked: list[Request] = []

    def listen(request: Request) -> Reply:
        asked.append(request)
        return Reply(200)

    with serve(listen) as inside, serve(lambda _: Reply(307, headers={"Location": f"{inside}/x"})) as outside:
        settings.ALLOWED_PRIVATE_HOSTS = [urlsplit(outside).netloc]
        page = enter(anna, address=outside, username="anna", password="x").content.decode()
    assert "would be contacted without encryption" in page
    assert not asked
    assert not Account.objects.exists()


def test_a_server_without_address_books_says_so(anna: Person, settings: Any) -> None:
    with serve(lambda request: Reply(404)) as url:
        settings.ALLOWED_PRIVATE_HOSTS = [urlsplit(url).netloc]
        page = enter(anna, address=url, username="anna", password="x").content.decode()
    assert "is no CardDAV server" in page
    assert not Account.objects.exists()


@pytest.mark.parametrize("missing", ["address", "username", "password"])
def test_what_is_left_out_is_asked_for(anna: Person, radicale: RadicaleServer, missing: str) -> None:
    answer = enter(anna, **{**right(radicale), missing: ""})
    assert "This field is required" in answer.content.decode()
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("contacts.icloud.com", "https://contacts.icloud.com"),
        (" anna@fastmail.com ", "https://fastmail.com"),
        ("http://localhost:5232/", "http://localhost:5232/"),
        ("//dav.example.com/x", "https://dav.example.com/x"),
    ],
)
def test_addresses_are_understood_as_people_type_them(typed: str, meant: str) -> None:
    assert full_address(typed) == meant


def test_the_same_login_renews_the_account(anna: Person, radicale: RadicaleServer) -> None:
    for _ in range(2):
        assert enter(anna, **right(radicale)).status_code == 302
    assert Account.objects.get().token_version == 3


def test_a_new_password_is_all_that_is_asked_for_again(anna: Person, radicale: RadicaleServer) -> None:
    enter(anna, **right(radicale))
    account = Account.objects.get()
    Account.objects.update(state=AccountState.NEEDS_AUTHORISATION, secrets={"username": "anna", "password": "old"})
    page = anna.page("account-again", account.pk)
    assert 'name="password"' in page
    assert 'name="username"' not in page
    assert 'name="address"' not in page
    way = reverse("account-again", args=["acme", account.pk])
    refused = anna.client.post(way, {"password": "wrong", "username": "eve", "address": "https://evil.example"})
    assert "does not accept the user name and password" in refused.content.decode()
    assert anna.client.post(way, {"password": radicale.password, "username": "eve"}).status_code == 302
    account.refresh_from_db()
    assert (account.state, account.base_url, account.secrets["username"]) == (AccountState.ACTIVE, radicale.url, "anna")


def test_after_disconnecting_the_password_alone_is_missing(anna: Person, radicale: RadicaleServer) -> None:
    enter(anna, **right(radicale))
    account = Account.objects.get()
    make_connection(make_folder(account))
    anna.client.post(reverse("account-disconnect", args=["acme", account.pk]))
    account.refresh_from_db()
    assert dict(account.secrets) == {"username": "anna"}
    way = reverse("account-again", args=["acme", account.pk])
    assert anna.client.post(way, {"password": radicale.password}).status_code == 302


def test_a_colleagues_login_is_an_account_of_its_own(anna: Person, acme: Tenant, radicale: RadicaleServer) -> None:
    ben = Person(member(acme, "ben@example.com"), acme)
    for person in (anna, ben):
        assert enter(person, **right(radicale)).status_code == 302
    assert Account.objects.count() == 2


def test_passwords_are_not_guessed_through_us(anna: Person, acme: Tenant, radicale: RadicaleServer) -> None:
    for _ in range(entering.TRIES):
        assert "does not accept" in enter(anna, **{**right(radicale), "password": "wrong"}).content.decode()
    assert "many tries" in enter(anna, **right(radicale)).content.decode()
    ben = Person(member(acme, "ben@example.com"), acme)
    assert enter(ben, **right(radicale)).status_code == 302, "others are not held up"
