"""An app that nobody here has heard of is connected, known again and disconnected by what it declares alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection as db
from django.urls import reverse

from connections import host
from connections.models import Account, AppRegistration, Tenant
from connections.services import connecting
from connections.services.connecting import Access, Met, Place
from connectors import registry
from connectors.base import App, Capabilities, Connector, CredentialField, Host
from connectors.http import Http
from connectors.oauth import Identity, OAuth, Scope
from tests.connectors.server import Reply, Request, serve
from tests.people.conftest import Person, member

pytestmark = pytest.mark.django_db


class Crm:
    """The vendor: a token endpoint that knows one code, and hears what is revoked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.portal = "4711"

    def answer(self, request: Request) -> Reply:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.asked.append((request.path, form))
        tokens = {"access_token": "a", "refresh_token": "r", "scope": "people", "portal": self.portal}
        return Reply(body=json.dumps(tokens).encode())


class Looked:
    def check(self) -> str:
        return "Portal of Acme"


def ask(host: Host, path: str, form: Mapping[str, str]) -> Any:
    http = Http(host)
    try:
        return http.request("POST", host.login_url + path, data=form, auth=None).json()
    finally:
        http.close()


def redeem(host: Host, code: str, redirect_uri: str, verifier: str) -> Mapping[str, str]:
    form = {"code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    return {name: str(value) for name, value in ask(host, "/token", {**form, **host.settings}).items()}


def revoke(host: Host) -> None:
    ask(host, "/revoke", {"token": host.vault.current().values["refresh_token"]})


def crm_at(url: str) -> App:
    oauth = OAuth(
        vendor="Crm Inc",
        console="https://crm.example",
        endpoint=lambda login_url, settings: f"{login_url}/authorize",
        scopes=(Scope("people", "to read people"), Scope("refresh_token", "to go on"), Scope("more", "", False)),
        redeem=redeem,
        identify=lambda host: Identity(host.vault.current().values["portal"]),
        extra={"access_type": "offline"},
        revoke=revoke,
    )
    return App(
        key="crm",
        name="Crm",
        summary="People of Crm",
        credentials=(CredentialField("refresh_token", "Refresh token"),),
        connect=lambda host: cast(Connector, Looked()),
        capabilities=Capabilities(),
        login_url=url,
        oauth=oauth,
    )


@pytest.fixture
def crm(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Crm]:
    vendor = Crm()
    with serve(vendor.answer) as url:
        known = MappingProxyType({**registry.apps(), "crm": crm_at(url)})
        monkeypatch.setattr(registry, "apps", lambda: known)
        settings.ALLOWED_PRIVATE_HOSTS = [urlsplit(url).netloc]
        row = AppRegistration(app="crm", client_id="pairwise", scopes=["more"], secrets={"client_secret": "s"})
        row.full_clean(exclude=["secrets"])
        row.save()
        yield vendor


def dance(person: Person, account: Account | None = None) -> Any:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(person.leave("crm", account)).query).items()}
    assert asked["scope"] == "people refresh_token more"
    assert (asked["access_type"], asked["client_id"]) == ("offline", "pairwise")
    back = {"state": asked["state"], "code": "the-code"}
    return person.client.get(urlsplit(asked["redirect_uri"]).path, back)


def test_what_it_declares_is_enough(anna: Person, crm: Crm) -> None:
    assert "to read people" in anna.page("account-connect", "crm")
    assert dance(anna).status_code == 302
    account = Account.objects.get()
    assert (account.remote_id, account.remote_name, account.name) == ("4711", "Portal of Acme", "portal-of-acme-crm")
    [(path, form)] = crm.asked
    assert (path, form["code"], form["client_secret"]) == ("/token", "the-code", "s")
    assert form["redirect_uri"] == "http://localhost:8000/connect/crm/"
    assert len(form["code_verifier"]) >= 43
    crm.portal = "4712"
    assert dance(anna, account).status_code == 409
    crm.portal = "4711"
    assert dance(anna, account).status_code == 302
    anna.client.post(reverse("account-disconnect", args=["acme", account.pk]))
    assert crm.asked[-1] == ("/revoke", {"token": "r"})
    assert not Account.objects.exists()


def test_a_server_in_the_private_network_is_not_asked_for_tokens(anna: Person, crm: Crm, settings: Any) -> None:
    settings.ALLOWED_PRIVATE_HOSTS = []
    assert "without encryption" in dance(anna).content.decode()
    assert not crm.asked
    assert not Account.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_arrive_at_once_make_one_account(acme: Tenant, crm: Crm) -> None:
    user, app = member(acme), registry.app("crm")
    access, met = Access(app, {"refresh_token": "r"}), Met(Identity("4711"), "Portal of Acme")
    start = threading.Barrier(4)

    def arrive() -> None:
        try:
            start.wait()
            connecting.store(user, Place(acme.pk, None, True), access, met)
        finally:
            db.close()

    tabs = [threading.Thread(target=arrive) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert Account.objects.get().token_version == 5


def test_what_is_known_of_an_account_reaches_its_connector(anna: Person, crm: Crm) -> None:
    dance(anna)
    lent = host.host_for(Account.objects.get())
    assert (lent.settings["client_id"], lent.vault.current().values["portal"]) == ("pairwise", "4711")
