"""Pages and mails in the language of whoever reads them. What is told apart as English is a longer part of a message of
the catalogue, since short words are often the same in German."""

# ruff: noqa: F811 - fixtures are imported, and asked for by their names
from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from connections import languages
from connections.models import Account, Cause, Change, Health, Notification, Pair, Role, Run, RunState, Tenant, User
from connections.services import asking, causes, inviting, sending
from connectors.registry import app as app_of
from tests import catalogue
from tests.admin.conftest import Apps, apps, queue  # noqa: F401 - fixtures
from tests.people.conftest import Person, member
from tests.people.test_access import RULES, World, address
from tests.people.test_wizard import STEPS, Wizard, accounts, wizard  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db
SHORTEST = 12  # characters of a part of an English sentence that no German page may hold


@pytest.fixture(autouse=True)
def english_afterwards() -> Iterator[None]:
    yield
    translation.activate(settings.LANGUAGE_CODE)


@cache
def english() -> frozenset[str]:
    """The parts between what is filled in, of several words each."""
    known = [message for message in catalogue.catalogue() if message.id]
    parts = {
        part.strip(" .,:;…")
        for message in known
        for text in ([message.id] if isinstance(message.id, str) else message.id)
        for part in re.split(r"%\(\w+\)s|<[^>]*>", text)
    }
    german = " ".join(text for message in known for text in catalogue.texts(message))
    return frozenset(part for part in parts if len(part) >= SHORTEST and " " in part and part not in german)


def leftovers(page: str) -> set[str]:
    """Of what people read; a hidden field hands stored words back as they are stored."""
    text = html.unescape(re.sub(r'<input type="hidden"[^>]*>', "", page))
    return {part for part in english() if part in text and re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text)}


def german(client: Client, where: str) -> str:
    answer = client.get(where, headers={"accept-language": "de"})
    page = answer.content.decode()
    assert '<html lang="de">' in page, (where, answer.status_code)
    return page


# ---- pages


def test_every_page_of_members_is_in_german(acme: Tenant) -> None:
    world = World(acme)
    person = world.person(Role.OWNER)
    languages.choose(person.user, "de")
    fill_in(world)
    shown = {}
    for name, (reads, _) in RULES.items():
        if reads is None:
            continue
        answer = person.client.get(address(name, acme, world.values(person)))
        if answer.status_code == 200 and "html" in answer["Content-Type"]:
            page = answer.content.decode()
            assert '<html lang="de">' in page, name
            shown[name] = leftovers(page)
    assert len(shown) > 18
    assert not {name: left for name, left in shown.items() if left}


def fill_in(world: World) -> None:
    """Something of most kinds that a page can show."""
    connection, now = world.connection, timezone.now()
    for number, health in enumerate(Health):
        Pair.objects.create(connection=connection, title=f"P{number}", health=health, reason="matches no rule")
    Run.objects.create(
        tenant=world.tenant, connection=connection, kind="full", state=RunState.DONE, started_at=now,
        counters={"create_a": 2, "update_b": 1},
    )  # fmt: skip
    Change.objects.create(
        tenant=world.tenant, connection=connection, pair=world.pair, kind="update", sort="fill", side="a",
        target_folder=connection.folder_a, marker="done", state="done", done_at=now.timestamp(), patch='{"x": 1}',
    )  # fmt: skip
    Account.objects.filter(pk=world.account.pk).update(state="needs_auth")


def test_a_connection_is_set_up_in_german(wizard: Wizard, apps: Apps) -> None:
    languages.choose(wizard.anna.user, "de")
    found = {"apps": leftovers(wizard.anna.page("connection-add"))}
    wizard.until("plan")
    for step in STEPS:
        found[step] = leftovers(wizard.page(step))
    wizard.work()
    found["planned"] = leftovers(wizard.page("plan"))
    assert not {name: left for name, left in found.items() if left}
    assert "Das würde geschehen" in wizard.page("plan")


@pytest.mark.parametrize("name", ["account_login", "account_signup"])
def test_signing_in_is_in_german(name: str) -> None:
    assert not leftovers(german(Client(), reverse(name)))


@pytest.mark.parametrize("way", ["/invitations/none/", "/connect-requests/none/", "/notifications/stop/none/"])
def test_what_strangers_see_is_in_german(way: str) -> None:
    assert not leftovers(german(Client(), way))


def test_numbers_and_dates_follow_the_language() -> None:
    with translation.override("de"):
        assert languages.number(1234) == "1.234"
    assert languages.number(1234) == "1,234"


def test_causes_name_the_sides_in_both_languages() -> None:
    names = {"a": "Anna 100%", "b": "the CRM"}
    for cause, said, gesagt in (
        ("Emails: changed on a, cleared on b", "changed on Anna 100%, cleared on the CRM", "geändert in Anna 100%"),
        ("Note: both filled, b wins", "Note: both filled, the CRM wins", "Note: beide gefüllt, the CRM hat Vorrang"),
        ("Note: 5% less on a", "Note: 5% less on Anna 100%", "Note: 5% less on Anna 100%"),
    ):
        assert said in causes.in_words(cause, names)
        with translation.override("de"):
            assert gesagt in causes.in_words(cause, names)


# ---- which language


def test_what_a_person_chose_comes_before_what_the_browser_asks_for(anna: Person) -> None:
    assert '<html lang="en">' in anna.client.get("/").content.decode()
    german(anna.client, "/")
    answer = anna.client.post(reverse("language"), {"language": "de"}, headers={"referer": "http://testserver/help/"})
    assert answer["Location"] == "http://testserver/help/"
    assert User.objects.get(pk=anna.user.pk).language == "de"
    elsewhere = Client()
    elsewhere.force_login(anna.user)
    assert '<html lang="de">' in elsewhere.get("/", headers={"accept-language": "en"}).content.decode()
    anna.client.post(reverse("language"), {"language": "en-gb"})
    assert '<html lang="en">' in anna.client.get("/", headers={"accept-language": "de"}).content.decode()


def test_a_language_that_is_not_offered_is_not_taken(anna: Person) -> None:
    anna.client.post(reverse("language"), {"language": "tlh"})
    assert User.objects.get(pk=anna.user.pk).language == ""
    assert '<html lang="en">' in anna.client.get("/", headers={"accept-language": "tlh"}).content.decode()


def test_the_switch_offers_the_other_language_in_its_own_words() -> None:
    page = Client().get(reverse("account_login")).content.decode()
    assert '<button class="plain" name="language" value="de" lang="de">Deutsch</button>' in page
    assert 'value="en-gb" lang="en">English</button>' in german(Client(), reverse("account_login"))


def test_what_is_chosen_before_signing_in_counts_afterwards(acme: Tenant) -> None:
    person, client = member(acme), Client()
    client.post(reverse("language"), {"language": "de"})
    person.set_password("a password that nobody guesses")
    person.save()
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    form = {"login": person.email, "password": "a password that nobody guesses"}
    assert client.post(reverse("account_login"), form).status_code == 302
    assert User.objects.get(pk=person.pk).language == "de"


def test_the_admin_stays_english(settings: Any) -> None:
    settings.DEMO = True
    staff = User.objects.create_superuser("staff@example.com", language="de")
    client = Client()
    client.force_login(staff)
    page = client.get("/admin/", headers={"accept-language": "de"}).content.decode()
    assert 'lang="en-gb"' in page
    assert "Abmelden" not in page
    assert '<html lang="de">' in client.get(reverse("account_email")).content.decode()


def test_the_help_says_that_it_is_english() -> None:
    assert '<main id="main" lang="en">' in german(Client(), reverse("help"))


# ---- mails


@pytest.mark.parametrize(
    ("cause", "facts"),
    [
        (Cause.ACCOUNT, {"account": {"id": 1, "name": "anna", "app": "CardDAV"}, "connections": 2}),
        (Cause.HELD, {"connection": {"id": 1, "name": "a-b"}, "count": 1200}),
        (Cause.HELD, {"connection": {"id": 1, "name": "a-b"}, "count": 0}),
        (Cause.PLAN, {"connection": {"id": 1, "name": "a-b"}, "count": 1}),
        (Cause.FAILURES, {"connection": {"id": 1, "name": "a-b"}, "count": 30}),
        (Cause.DIGEST, {"connections": [{"id": 1, "name": "a-b", "state": "up to date", "contacts": {"in_sync": 3}}]}),
    ],
)
def test_notifications_are_in_the_language_of_each_person(cause: Cause, facts: dict[str, Any], acme: Tenant) -> None:
    people = {language: member(acme, f"{language or 'none'}@acme.example") for language in ("de", "")}
    for language, person in people.items():
        languages.choose(person, language)
        Notification.objects.create(
            tenant=acme, user=person, cause=cause, key="x", day=timezone.localdate(), facts=facts
        )
    assert sending.send_due(timezone.now(), lambda row: True) == 2
    sent = {message.to[0]: message for message in mail.outbox}
    for language, person in people.items():
        message = sent[person.email]
        text = f"{message.subject} {message.body} {message.alternatives[0][0]}"  # type: ignore[attr-defined]
        assert bool(leftovers(text)) is (language == "")
        assert f'<html lang="{language or "en"}">' in text
    assert translation.get_language() == settings.LANGUAGE_CODE


def test_an_invitation_is_in_the_language_of_who_invites(anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "mail_is_set_up", lambda: True)
    languages.choose(anna.user, "de")
    anna.user.refresh_from_db()
    inviting.post(*inviting.invite(anna.tenant, "new@example.com", Role.VIEWER, anna.user))
    asking.post(*asking.ask(anna.tenant, app_of("outlook"), "new@example.com", anna.user))
    inviting.post(*inviting.invite(anna.tenant, "other@example.com", Role.VIEWER, None))
    *own, other = [f"{message.subject} {message.body}" for message in mail.outbox]
    assert [leftovers(text) for text in own] == [set(), set()]
    assert leftovers(other)


def test_who_joins_in_german_gets_german_mails(anna: Person) -> None:
    _, link = inviting.invite(anna.tenant, "new@example.com", Role.VIEWER, None)
    client = Client(headers={"accept-language": "de"})
    client.get(link.removeprefix(settings.PUBLIC_URL))
    secret = "a password that nobody guesses"  # noqa: S105
    form = {"email": "new@example.com", "password1": secret, "password2": secret}
    assert client.post(reverse("account_signup"), form).status_code == 302
    assert User.objects.get(email="new@example.com").language == "de"
