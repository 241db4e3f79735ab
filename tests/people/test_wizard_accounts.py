"""Connecting an account in the middle of a set-up: out to the vendor, and back to the question."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.urls import reverse

from connections.models import Account, ConnectionDraft
from tests.connectors.carddav.radicale import RadicaleServer
from tests.factories import make_account
from tests.people.conftest import LINK, Person

pytestmark = pytest.mark.django_db
MAIL = "anna@contoso.example"


@pytest.fixture
def draft(anna: Person) -> ConnectionDraft:
    return ConnectionDraft.objects.create(tenant=anna.tenant, user=anna.user, app_a="outlook", app_b="carddav")


def step(draft: ConnectionDraft) -> str:
    return reverse("draft-accounts", args=["acme", draft.pk])


def leave(anna: Person, draft: ConnectionDraft, side: str = "a") -> str:
    """The vendor's address, as the button on the page of the set-up leads there."""
    where = f"{reverse('account-connect', args=['acme', 'outlook'])}?draft={draft.pk}&side={side}"
    text = anna.client.post(where, {"sharing": "shared"}).content.decode()
    assert LINK in text, text
    return text.partition(LINK)[2].partition('"')[0].replace("&amp;", "&")


def test_the_dance_leads_back_to_the_question(anna: Person, outlook: Any, draft: ConnectionDraft) -> None:
    outlook.add_account(MAIL)
    answer = anna.client.get(anna.agree(leave(anna, draft), MAIL))
    assert answer["Location"] == step(draft)
    draft.refresh_from_db()
    assert draft.account_a == Account.objects.get()
    assert f"{MAIL}" in anna.client.get(step(draft)).content.decode()


def test_a_refusal_at_the_vendor_shows_the_way_back(anna: Person, outlook: Any, draft: ConnectionDraft) -> None:
    outlook.add_account(MAIL)
    page = anna.client.get(anna.agree(leave(anna, draft), MAIL, "decline")).content.decode()
    assert f'href="{step(draft)}"' in page
    assert f"?draft={draft.pk}&amp;side=a" in page, "beginning again leads back as well"
    draft.refresh_from_db()
    assert draft.account_a is None


@pytest.mark.parametrize("lost", ["thrown away", "another app on that side"])
def test_what_is_gone_meanwhile_leaves_a_connected_account(
    anna: Person, outlook: Any, draft: ConnectionDraft, lost: str
) -> None:
    outlook.add_account(MAIL)
    address = leave(anna, draft, "a" if lost == "thrown away" else "b")
    if lost == "thrown away":
        draft.delete()
    answer = anna.client.get(anna.agree(address, MAIL))
    assert answer["Location"] == reverse("accounts", args=["acme"])
    assert Account.objects.get().remote_name == MAIL


def test_an_address_book_is_connected_and_the_question_goes_on(
    anna: Person, draft: ConnectionDraft, settings: Any
) -> None:
    where = f"{reverse('account-connect', args=['acme', 'carddav'])}?draft={draft.pk}&side=b"
    assert step(draft) in anna.client.get(where).content.decode()
    with RadicaleServer() as server:
        settings.ALLOWED_PRIVATE_HOSTS = [urlsplit(server.url).netloc]
        form = {"address": server.url, "username": server.username, "password": "wrong", "sharing": "private"}
        assert anna.client.post(where, form).status_code == 200
        answer = anna.client.post(where, {**form, "password": server.password})
    assert answer["Location"] == step(draft)
    draft.refresh_from_db()
    assert draft.account_b == Account.objects.get()
    assert not draft.account_b.shared


def test_connecting_again_leads_back_too(anna: Person, outlook: Any, draft: ConnectionDraft) -> None:
    outlook.add_account(MAIL)
    anna.connect(MAIL)
    account = Account.objects.get()
    Account.objects.update(state="needs_auth")
    where = f"{reverse('account-again', args=['acme', account.pk])}?draft={draft.pk}&side=a"
    text = anna.client.post(where).content.decode()
    address = text.partition(LINK)[2].partition('"')[0].replace("&amp;", "&")
    assert anna.client.get(anna.agree(address, MAIL))["Location"] == step(draft)


@pytest.mark.parametrize("query", ["draft=x&side=a", "draft=1&side=c", "draft=99999999999999999999&side=a"])
def test_a_way_back_that_nobody_gave_is_not_there(anna: Person, draft: ConnectionDraft, query: str) -> None:
    where = reverse("account-connect", args=["acme", "carddav"])
    ask = query.replace("draft=1&", f"draft={draft.pk}&")
    assert anna.client.get(f"{where}?{ask}").status_code == 404


def test_nothing_in_the_address_leads_elsewhere(anna: Person, outlook: Any, draft: ConnectionDraft) -> None:
    outlook.add_account(MAIL)
    back = anna.agree(leave(anna, draft), MAIL)
    answer = anna.client.get(f"{back}&next=https://evil.example&draft=7&side=b")
    assert answer["Location"] == step(draft)


def test_another_account_begins_the_later_questions_anew(anna: Person, draft: ConnectionDraft) -> None:
    first, second, book = (make_account(anna.tenant, app=app) for app in ("outlook", "outlook", "carddav"))
    ConnectionDraft.objects.update(account_a=first, folders_a=[1], folders_b=[2], choices={"confirmed": True})
    anna.client.post(step(draft), {"account_a": second.pk, "account_b": book.pk})
    draft.refresh_from_db()
    assert (draft.folders_a, draft.choices) == ([], {})


def test_the_session_keeps_no_address(anna: Person, outlook: Any, draft: ConnectionDraft) -> None:
    leave(anna, draft)
    [errand] = anna.client.session["errands"].values()
    assert (errand["draft"], errand["side"]) == (draft.pk, "a")
    assert not [value for value in errand.values() if isinstance(value, str) and value.startswith("/")]
