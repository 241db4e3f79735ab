"""A person is found over all tenants, whatever is typed, and explained without a number or word of ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.admin import base
from connections.models import Change, Connection, Item, ItemKey, Pair, Run
from connections.services import explaining
from tests.admin.test_budgets import grow
from tests.factories import make_account, make_connection, make_folder, make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def find(client: Client, text: str) -> tuple[list[str], str]:
    answer = client.get("/admin/find/", {"q": text})
    assert answer.status_code == 200
    return [str(pair) for pair in answer.context["found"].pairs], answer.content.decode()


@pytest.fixture
def elsewhere(synced: Run) -> Pair:
    """Another Ada, of another tenant, with a phone number."""
    account = make_account(make_tenant(name="Globex"), name="globex-book")
    folder = make_folder(account, "book")
    other = make_connection(folder, make_folder(make_account(account.tenant), "crm"), name="crm")
    item = Item.objects.create(folder=folder, remote_id="/books/ada@1.vcf", title="Ada King", name_key="ada king")
    for value in ("e:ada@example.com", "p:+3224567890|ada king"):
        ItemKey.objects.create(folder=folder, item=item, value=value)
    return Pair.objects.create(connection=other, item_a=item, title="Ada King", health="excluded", reason="no rule")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ada@example.com", ["Ada Byron", "Ada King"]),
        (" ADA@Example.com ", ["Ada Byron", "Ada King"]),
        ("ada@ex", ["Ada Byron", "Ada King"]),
        ("ada", ["Ada Byron", "Ada King"]),
        ("ada b", ["Ada Byron"]),
        ("Byron, Ada", ["Ada Byron"]),
        ("02 456 78 90", ["Ada King"]),
        ("+32 2 456 78 90", ["Ada King"]),
        ("/books/ada@1.vcf", ["Ada King"]),
        ("nobody@example.com", []),
    ],
)
def test_a_person_is_found_over_all_tenants(admin: Client, elsewhere: Pair, text: str, names: list[str]) -> None:
    assert sorted(find(admin, text)[0]) == names


def test_a_result_says_who_holds_the_person_in_which_state_and_why(admin: Client, elsewhere: Pair) -> None:
    text = find(admin, "ada")[1]
    for shown in ("Globex", "Acme", "in sync", "Not synced by this connection.", "No rule", "recognised as the same"):
        assert shown in text, shown
    assert f"/admin/connections/pair/{elsewhere.pk}/change/" in text
    assert f"/admin/connections/pair/{elsewhere.pk}/explain/" in text


@pytest.mark.parametrize("text", ["", "  ", "%", "_", "\\", "'; drop table x --", "\x00", "☃", "((", "e:", "9" * 40])
def test_whatever_is_typed_is_plain_text(admin: Client, elsewhere: Pair, text: str) -> None:
    assert find(admin, text)[0] == []


def test_punctuation_is_no_part_of_a_name(admin: Client, elsewhere: Pair) -> None:
    for text in ("ada%", "ada\x00_", "«Ada»"):
        assert sorted(find(admin, text)[0]) == ["Ada Byron", "Ada King"]


def test_a_pattern_in_an_address_stands_for_itself(admin: Client, elsewhere: Pair) -> None:
    assert find(admin, "%@example.com")[0] == []
    assert find(admin, "ad_@example.com")[0] == []


def test_a_hostile_query_and_name_are_escaped(admin: Client, synced: Run) -> None:
    for typed in ("<script>alert(1)</script>", '"><script>alert(1)</script>', "evil@example.com"):
        assert "<script>alert(1)" not in find(admin, typed)[1]


def test_a_run_is_found_by_its_number(admin: Client, synced: Run) -> None:
    for text in (str(synced.pk), f"run {synced.pk}"):
        assert f"/admin/connections/run/{synced.pk}/change/" in find(admin, text)[1]
    assert "Nothing is known" in find(admin, str(synced.pk + 1))[1]


def test_a_record_that_no_connection_speaks_of_is_shown_as_such(admin: Client, elsewhere: Pair) -> None:
    elsewhere.delete()
    text = find(admin, "ada king")[1]
    assert "Seen, but in no connection" in text
    assert "Globex" in text


def test_more_than_fifty_are_to_be_narrowed(admin: Client, connection: Connection, synced: Run) -> None:
    grow(connection, synced, 1, 120)
    Item.objects.filter(title__startswith="Person").update(name_key="person")
    names, text = find(admin, "person")
    assert (len(names), "More than 50: narrow it" in text) == (50, True)
    assert "narrow it" not in find(admin, "x7@example.com")[1]


def test_a_search_is_read_through_indexes_alone(admin: Client, connection: Connection, synced: Run) -> None:
    if database.vendor != "sqlite":
        pytest.skip("reads SQLite's plan")
    grow(connection, synced, 1, 400)
    for text in ("person", "x7@example.com", "x7@ex", "+3224567890", "x7"):
        with CaptureQueriesContext(database) as seen:
            find(admin, text)
        assert len(seen) < 20
        for query in seen:
            if re.search(r'FROM "connections_(item|itemkey|pair|change)"', query["sql"]):
                with database.cursor() as cursor:
                    plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}").fetchall())
                assert not re.search(r"SCAN connections_(item|itemkey|pair|change)\b", plan), (query["sql"], plan)


def test_only_who_may_see_contacts_finds_any(staff: Callable[..., Client], elsewhere: Pair) -> None:
    client = staff("view_connection")
    assert client.get("/admin/find/?q=ada").status_code == 403
    assert client.get(f"/admin/connections/pair/{elsewhere.pk}/explain/").status_code == 403
    assert 'name="q"' not in client.get("/admin/").content.decode()


def test_nobody_finds_what_is_not_visible(admin: Client, elsewhere: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    globex = elsewhere.connection.tenant
    paths = {Pair: "connection__tenant", Item: "folder__tenant", Run: "tenant"}
    monkeypatch.setattr(
        base, "visible", lambda rows, request: rows.exclude(**{paths.get(rows.model, "tenant"): globex})
    )
    assert find(admin, "ada")[0] == ["Ada Byron"]
    assert find(admin, "ada@example.com")[0] == ["Ada Byron"]


def test_the_box_stands_on_every_page(admin: Client, synced: Run) -> None:
    for where in ("/admin/", "/admin/connections/run/", f"/admin/connections/run/{synced.pk}/change/"):
        assert 'role="search" class="pw-find"' in admin.get(where).content.decode()


# ---- explaining


def test_what_a_customer_gets_has_no_number_or_word_of_ours(admin: Client, synced: Run, settings: Any) -> None:
    settings.PUBLIC_URL = "https://pairwise.example"
    pair = Pair.objects.get(title="Ada Byron")
    Change.objects.create(
        tenant=synced.tenant, connection=synced.connection, pair=pair, kind="update", side="b", marker="m-1",
        target_folder=synced.connection.folder_b, state="refused", patch='{"note": "x"}',
        reason="the app refused /books/ada.vcf",
    )  # fmt: skip
    assert pair.item_b_id is not None
    Item.objects.filter(pk=pair.item_b_id).update(remote_id="/books/ada.vcf")
    page = admin.get(f"/admin/connections/pair/{pair.pk}/explain/").content.decode()
    text = explaining.explain(Pair.objects.get(pk=pair.pk)).text
    assert "In sync: both apps show the same." in text
    assert "refused by the app: the app refused …" in text
    link = f"https://pairwise.example/tenants/acme/connections/{synced.connection_id}/contacts/{pair.pk}/"
    assert link in text
    told = text.replace(link, "")
    assert not re.search(r"(?i)\b(pair|item|half|base|fence|marker|tombstone|change \d+)\b|/books/ada", told)
    assert all(line in page for line in told.splitlines()[:4])


def test_a_deleted_connection_has_no_page_to_link(synced: Run) -> None:
    pair = Pair.objects.select_related("connection__tenant").first()
    assert pair is not None
    pair.connection.deleted_at = synced.started_at
    assert explaining.explain(pair).page == ""
