"""What people choose to be told, the link that ends a kind of mail, and webhooks on the page."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail, signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import Cause, Membership, Notification, NotificationChoice, OutgoingWebhook, Role, Tenant
from connections.services import choosing, inviting, notifying
from tests.connections.test_notifying import World
from tests.connectors.server import Reply, Request, serve
from tests.people.conftest import Person, member
from tests.people.test_pages import said

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(acme: Tenant) -> Person:
    return Person(member(acme, "olga@example.com", Role.OWNER), acme)


@pytest.fixture
def mailing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "mail_is_set_up", lambda: True)


def switches(page: str) -> dict[str, bool]:
    found = re.findall(r'name="on" value="(\w+)"( checked)?', page)
    return {cause: bool(checked) for cause, checked in found}


def save(person: Person, *on: str) -> Any:
    return person.client.post(reverse("notifications", args=[person.tenant.slug]), {"on": on})


# ---- choices


def test_what_is_on_follows_the_role_until_somebody_chooses(acme: Tenant) -> None:
    shown = {}
    for role in Role:
        page = Person(member(acme, f"{role}@example.com", role), acme).page("notifications")
        shown[role.value] = {cause for cause, on in switches(page).items() if on}
        assert ("colleague" in switches(page)) == (role != Role.VIEWER)
    assert shown == {
        "owner": {"account", "held", "plan", "failures", "digest"},
        "editor": {"account", "held", "plan", "failures"},
        "viewer": {"account"},
    }


def test_a_choice_is_kept_for_oneself_and_this_tenant(anna: Person, owner: Person, globex: Tenant) -> None:
    Membership.objects.create(tenant=globex, user=anna.user, role=Role.EDITOR)
    before = switches(owner.page("notifications"))
    assert said(save(anna, "digest", "held", "nonsense")) == "Saved."
    assert {cause for cause, on in switches(anna.page("notifications")).items() if on} == {"digest", "held"}
    assert switches(owner.page("notifications")) == before
    elsewhere = switches(Person(anna.user, globex).page("notifications"))
    assert {cause for cause, on in elsewhere.items() if on} == {"account", "held", "plan", "failures"}
    assert said(save(anna, "digest", "held")) == "Nothing was changed."


def test_what_nobody_switched_goes_on_with_the_role(anna: Person) -> None:
    save(anna, "account", "plan", "failures")  # without "held"
    assert NotificationChoice.objects.count() == 1
    Membership.objects.filter(user=anna.user).update(role=Role.OWNER)
    assert {cause for cause, on in switches(anna.page("notifications")).items() if not on} == {"held", "colleague"}


def test_the_page_says_whether_mail_is_sent_when_it_was_and_what_failed(
    anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "This installation sends no mail." in anna.page("notifications")
    monkeypatch.setattr(inviting, "mail_is_set_up", lambda: True)
    assert "This installation sends no mail." not in anna.page("notifications")
    row = {"tenant": anna.tenant, "user": anna.user, "key": "connection:1", "day": timezone.localdate()}
    sent_at = timezone.now()
    Notification.objects.create(**row, cause=Cause.HELD, state="sent", sent_at=sent_at)
    Notification.objects.create(**row, cause=Cause.PLAN, state="failed", error="The mail server did not take it (X).")
    text = anna.page("notifications")
    assert f"last sent {timezone.localtime(sent_at):%-d %B %Y, %H:%M}" in text
    assert text.count("last sent") == 1
    assert "did not go out: The mail server did not take it (X)." in text


# ---- the link in a mail


@pytest.fixture
def letter(mailing: None) -> World:
    """Somebody was told that an account is lost."""
    world = World.make()
    Tenant.objects.update(created_at=timezone.now())  # too young for a digest
    world.lose()
    notifying.notify()
    assert [message.to for message in mail.outbox] == [[world.editor.email]]
    return world


def link() -> str:
    found = str(mail.outbox[0].message()["List-Unsubscribe"]).strip("<>")
    return urlsplit(found).path


def choice(world: World) -> list[tuple[str, str, bool]]:
    return list(NotificationChoice.objects.values_list("user__email", "cause", "on"))


def test_opening_the_link_asks_and_changes_nothing(letter: World) -> None:
    for ask in ("get", "head", "get"):
        answer = getattr(Client(), ask)(link())
        assert answer.status_code == 200
    assert "No more of these mails?" in Client().get(link()).content.decode()
    assert choice(letter) == []


def test_a_mail_program_unsubscribes_without_cookies_or_tokens(letter: World) -> None:
    """RFC 8058: one POST with this body, which is all that a mail program knows."""
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post(link(), "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert choice(letter) == [(letter.editor.email, "account", False)]
    assert Client().post(link()).status_code == 200, "twice is no error"
    mail.outbox.clear()
    Notification.objects.all().delete()
    assert notifying.notify().startswith("0 noted, 0 sent")


def test_the_button_on_the_page_does_it(letter: World) -> None:
    assert '<form method="post"><p class="actions"><button>' in Client().get(link()).content.decode()
    assert "You get no more of these" in Client(enforce_csrf_checks=True).post(link()).content.decode()
    assert choice(letter) == [(letter.editor.email, "account", False)]


def test_the_link_is_about_its_reader_whoever_is_signed_in(letter: World) -> None:
    other = Client()
    other.force_login(letter.owner)
    other.post(link())
    assert choice(letter) == [(letter.editor.email, "account", False)]


def test_a_forged_old_or_foreign_link_does_nothing(letter: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token = link().split("/")[-2]
    payload, _, rest = token.partition(":")
    others = choosing.stop_link(letter.owner.pk, letter.tenant.pk, "account").split("/")[-2]
    forged = [
        f"{others.partition(':')[0]}:{rest}",  # somebody else's name over this signature
        token[:-1] + ("a" if token[-1] != "a" else "b"),
        payload,
        signing.dumps([letter.owner.pk, letter.tenant.pk, "account"]),  # signed for another purpose
        signing.dumps([letter.owner.pk, letter.tenant.pk, "everything"], salt=choosing.SALT),
        signing.dumps({"user": 1}, salt=choosing.SALT),
        signing.dumps([0, letter.tenant.pk, "account"], salt=choosing.SALT),
    ]
    for one in forged:
        where = reverse("notifications-stop", args=[one])
        for ask in ("get", "post"):
            answer = getattr(Client(), ask)(where)
            assert answer.status_code == 404, one
            assert letter.tenant.name not in answer.content.decode()
    late = timezone.now() + timedelta(days=91)
    monkeypatch.setattr("django.core.signing.time.time", late.timestamp)
    assert Client().post(link()).status_code == 404
    assert choice(letter) == []


def test_who_left_cannot_be_looked_up_by_an_old_link(letter: World) -> None:
    Membership.objects.filter(user=letter.editor).delete()
    assert Client().get(link()).status_code == 404


# ---- webhooks


def test_an_owner_adds_a_webhook_and_sees_its_secret_once(owner: Person, settings: Any) -> None:
    heard: list[Request] = []

    def answer(request: Request) -> Reply:
        heard.append(request)
        return Reply(200 if len(heard) < 2 else 500)

    with serve(answer) as url:
        settings.ALLOWED_PRIVATE_HOSTS = [urlsplit(url).netloc]
        add = reverse("webhook-add", args=["acme"])
        made = owner.client.post(add, {"url": f"{url}/hook", "causes": ["held", "digest"]})
        hook = OutgoingWebhook.objects.get()
        assert made["Cache-Control"].startswith("max-age=0")
        assert hook.secrets["secret"] in made.content.decode()
        assert hook.secrets["secret"] not in owner.page("notifications")
        assert (hook.causes, hook.made_by) == (["digest", "held"], owner.user)
        do = reverse("webhook-do", args=["acme", hook.pk])
        assert said(owner.client.post(do, {"do": "test"})) == "The test arrived."
        assert b'"cause":"test"' in heard[0].body
        owner.page("notifications")
        failed = said(owner.client.post(do, {"do": "test"}))
        assert failed == "The test did not arrive: 127.0.0.1 answered with status 500."
        assert "answered with status 500" in owner.page("notifications")
        owner.client.post(do, {"do": "off"})
        assert not OutgoingWebhook.objects.get().enabled
        owner.client.post(do, {"do": "on"})
        assert OutgoingWebhook.objects.get().enabled
        owner.client.post(do, {"do": "remove"})
        assert not OutgoingWebhook.objects.exists()


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"url": "https://127.0.0.1/hook", "causes": ["held"]}, "inside a private network"),
        ({"url": "http://example.com/hook", "causes": ["held"]}, "without encryption"),
        ({"url": "https://example.com/hook", "causes": ["colleague"]}, "not one of the available choices"),
        ({"url": "https://example.com/hook"}, "This field is required"),
        ({"url": "", "causes": ["held"]}, "This field is required"),
    ],
)
def test_what_cannot_be_a_webhook_is_said_in_place(owner: Person, form: dict[str, Any], why: str) -> None:
    answer = owner.client.post(reverse("webhook-add", args=["acme"]), form)
    assert why in answer.content.decode()
    assert not OutgoingWebhook.objects.exists()


def test_there_are_only_so_many(owner: Person, settings: Any) -> None:
    settings.ALLOWED_PRIVATE_HOSTS = ["hooks.example:443"]
    form = {"url": "https://hooks.example/", "causes": ["held"]}
    for _ in range(6):
        answer = owner.client.post(reverse("webhook-add", args=["acme"]), form)
    assert OutgoingWebhook.objects.count() == 5
    assert "There are 5 webhooks already." in answer.content.decode()


def test_webhooks_are_shown_to_owners_alone(owner: Person, anna: Person) -> None:
    OutgoingWebhook.objects.create(tenant=owner.tenant, url="https://hooks.example/s3cret")
    assert "hooks.example/s3cret" in owner.page("notifications")
    assert "hooks.example" not in anna.page("notifications")
    assert "Webhook" not in anna.page("notifications")
