"""The help centre: complete, searchable, and in step with what the connectors declare."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from connections.services import helping
from connections.templatetags.support import ask_for_help
from connectors import registry
from connectors.base import App
from connectors.optoutlabel import standard_fields
from syncrules.defaulttables import between
from tests.factories import make_account, make_connection, make_folder, make_tenant

STATIC = Path(helping.__file__).resolve().parent.parent / "static"
APPS = sorted(registry.apps().values(), key=lambda app: app.key)


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.key)
def test_every_app_has_a_page_with_all_that_it_declares(client: Client, app: App) -> None:
    page = client.get(reverse("help-app", args=[app.key])).content.decode()
    for question, answer in helping.facts(app):
        assert question in page
        assert answer
    others = {other.key for other in APPS} - {app.key}
    assert all(reverse("help-app", args=[other]) in page for other in others)


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.key)
def test_every_app_shows_its_fields_and_what_it_maps_with_any_other(client: Client, app: App) -> None:
    for other in APPS:
        page = client.get(reverse("help-app", args=[app.key]), {"with": other.key}).content.decode()
        for fields in standard_fields(app).values():
            assert all(escape(field.label) in page for field in fields)
        pairings = [] if other is app else between(app, other)
        assert page.count("<h3>") >= len(pairings)
        for pairing in pairings:
            assert len(pairing.rows) > 8
            assert all(f"<td>{escape(left)}</td><td>{way}</td>" in page for left, way, _ in pairing.rows)


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.key)
def test_every_condition_and_action_that_an_app_declares_has_words(app: App) -> None:
    assert app.capabilities.conditions <= helping.CONDITIONS.keys()
    assert app.capabilities.actions <= helping.ACTIONS.keys()


def test_films_of_a_set_up_have_captions_and_stand_where_they_help(client: Client) -> None:
    films = helping.recordings("")
    assert {film.title.split(",")[0] for film in films} == {"Outlook and HubSpot", "Outlook and Salesforce"}
    for film in films:
        assert (STATIC / film.film).stat().st_size < 600_000
        assert (STATIC / film.captions).read_text().startswith("WEBVTT")
        assert len(film.words) > 10
        assert all(film.words)
    begin = client.get(reverse("help-page", args=["getting-started"])).content.decode()
    assert begin.count("<video") == begin.count('<track kind="captions"') == 2
    assert client.get(reverse("help-app", args=["hubspot"])).content.decode().count("<video") == 1
    for app in ("outlook", "hubspot", "salesforce"):
        shown = helping.pictures(registry.app(app))
        page = client.get(reverse("help-app", args=[app])).content.decode()
        assert len(shown) == page.count("<figure><figcaption>") - page.count("<video") == 2
        assert all((STATIC / each.place).stat().st_size < 200_000 for each in shown)
    assert "<video" not in client.get(reverse("help-app", args=["carddav"])).content.decode()


@pytest.mark.parametrize("key", helping.PAGES)
def test_every_page_has_contents_whose_links_lead_somewhere(client: Client, key: str) -> None:
    page = client.get(reverse("help-page", args=[key])).content.decode()
    links = re.findall(r'href="#([^"]+)"', page)
    assert len(links) > 3
    assert all(f'id="{link}"' in page for link in links)
    assert page.count("<h1") == 1


def test_a_search_finds_the_place_and_shows_it(client: Client) -> None:
    page = client.get(reverse("help"), {"q": ["year-less", "Birthday"][-1]}).content.decode()
    assert "<mark>birthday</mark>" in page.lower()
    assert f"{reverse('help-app', args=['outlook'])}#what-outlook-can-hold" in page


def test_a_search_for_several_words_wants_all_of_them() -> None:
    assert {hit.section.anchor for hit in helping.search("deletion label")} >= {"deletions"}
    assert helping.search("deletion nonsenseword") == []
    assert helping.search("???") == []


def test_what_was_searched_for_is_shown_as_text(client: Client) -> None:
    page = client.get(reverse("help"), {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in page


@pytest.mark.parametrize("path", ["/help/apps/nothing/", "/help/nothing/", "/help/apps/__init__/"])
def test_a_page_that_there_is_not_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.django_db
def test_asking_for_help_names_the_connection_and_nobody_in_it(settings: LazySettings) -> None:
    assert ask_for_help() == ""
    tenant = make_tenant(slug="acme")
    one, other = (make_folder(make_account(tenant, name=name)) for name in ("one", "other"))
    connection = make_connection(one, other, name="sales & more")
    settings.SUPPORT_URL = "mailto:help@example.com"
    assert 'href="mailto:help@example.com?subject=Pairwise%20acme/sales%20%26%20more"' in ask_for_help(connection)
    settings.SUPPORT_URL = "https://help.example.com/new?form=2"
    assert "form=2&amp;reference=Pairwise%20acme" in ask_for_help(connection)
    assert "reference" not in ask_for_help(None)


@pytest.mark.parametrize("app", [app for app in APPS if app.oauth], ids=lambda app: app.key)
def test_every_permission_stands_on_the_page_of_its_app_with_what_it_is_for(client: Client, app: App) -> None:
    assert app.oauth is not None
    page = client.get(reverse("help-app", args=[app.key])).content.decode()
    text = (Path(registry.__file__).parent / app.key / app.help).read_text()
    for scope in app.oauth.scopes:
        assert f"{scope.name} {scope.why}" in page
        assert f"`{scope.name}`" in text, "also where the file is read by itself"
    assert 'id="registering-the-installation"' in page, "where the page of a registration leads"
