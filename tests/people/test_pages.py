"""The pages on which people look after their connections."""

# ruff: noqa: F811 - fixtures are imported, and asked for by their names
from __future__ import annotations

import csv
import io
import re
from typing import Any

import orjson
import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from connections.models import Account, Change, Connection, Decision, Item, Membership, Pair, Role, Run
from connections.services import arranging, background, looking, syncing
from tests.admin.conftest import Apps, accounts, apps, connection, fill, queue  # noqa: F401 - fixtures
from tests.factories import make_connection
from tests.people.conftest import Person, member

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def tenant(acme: Any) -> Any:
    return acme


@pytest.fixture
def synced(apps: Apps, connection: Connection, queue: list[Any]) -> Connection:
    fill(apps)
    run = syncing.sync(connection)
    assert run.state == "done", run.message
    return connection


def text_of(page: str) -> str:
    return " ".join(page.split())


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def press(person: Person, row: Connection, what: str, **form: str) -> Any:
    return person.client.post(reverse("connection-do", args=["acme", row.pk]), {"do": what, **form})


# ---- how it is doing


def test_the_overview_says_in_words_where_each_connection_stands(anna: Person, synced: Connection) -> None:
    page = text_of(anna.page("tenant"))
    assert "Listening: both sides are the same" in page
    assert "3 in sync" in page
    assert '<svg class="bar"' in page
    syncing.pause(synced, "moving house")
    assert "Paused: moving house." in anna.page("tenant")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "running"}, "Syncing."),
        ({"state": "held"}, "Waits for your approval"),
        ({"state": "failed", "message": "the server is down."}, "Cannot sync because the server is down."),
    ],
)
def test_states_are_sentences(anna: Person, synced: Connection, change: dict[str, str], words: str) -> None:
    Run.objects.filter(connection=synced).update(**change)
    assert words in anna.page("connection", synced.pk)


def test_a_run_that_only_planned_is_said_to_have_done_so(anna: Person, synced: Connection) -> None:
    syncing.preview(synced)
    page = anna.client.get(reverse("connection", args=["acme", synced.pk])).content.decode()
    assert "made a plan" in page


def test_a_first_scan_and_a_lost_account_are_said(anna: Person, synced: Connection) -> None:
    Connection.objects.filter(pk=synced.pk).update(first_run_done=False)
    Run.objects.filter(connection=synced).update(state="running", total_items=40, done_items=7)
    page = anna.page("connection", synced.pk)
    assert "First scan" in page
    assert "7 of 40 contacts" in page
    assert 'hx-trigger="every 2s"' in page
    Account.objects.filter(name="dav").update(state="needs_auth", reason="the password changed")
    assert "Cannot sync because dav must be connected again" in anna.page("connection", synced.pk)
    assert "Connect dav again" in anna.page("tenant")


def test_the_moving_part_of_a_page_leads_on_when_it_comes_to_rest(anna: Person, synced: Connection) -> None:
    where = reverse("connection", args=["acme", synced.pk])
    asks = {"HX-Request": "true"}
    Run.objects.update(state="running")
    moving = anna.client.get(where, headers=asks)
    assert "HX-Refresh" not in moving
    assert "HX-Request" in moving["Vary"]
    Run.objects.update(state="done")
    assert anna.client.get(where, headers=asks)["HX-Refresh"] == "true"
    assert "HX-Refresh" not in anna.client.get(where)
    anna.client.logout()
    gone = anna.client.get(where, headers=asks)
    assert (gone.status_code, gone["HX-Redirect"].partition("?")[0]) == (200, reverse("account_login"))


def test_how_soon_an_edit_shows_is_said(anna: Person, synced: Connection) -> None:
    assert "is asked every 5 minutes" in anna.page("connection", synced.pk)


def test_pages_ask_the_database_seldom(anna: Person, synced: Connection, django_assert_max_num_queries: Any) -> None:
    background.plan(synced.pk)
    pair = Pair.objects.get(title="Ada Byron")
    pages: list[tuple[Any, ...]] = [
        ("tenant",),
        ("connection", synced.pk),
        ("connection-settings", synced.pk),
        ("connection-history", synced.pk),
        ("connection-contacts", synced.pk),
        ("connection-contact", synced.pk, pair.pk),
        ("connection-review", synced.pk),
        ("connection-plan", synced.pk),
        ("connection-mapping", synced.pk),
        ("connection-rules", synced.pk),
    ]
    anna.page("connection-mapping", synced.pk)  # the first visit asks the apps, and keeps what they answer
    for page in pages:
        with django_assert_max_num_queries(20):
            anna.page(*page)


def test_the_overview_costs_the_same_however_many_connections_there_are(
    anna: Person, synced: Connection, django_assert_max_num_queries: Any
) -> None:
    for _ in range(15):
        row = make_connection(synced.folder_a, tenant=synced.tenant)
        Pair.objects.create(connection=row, health="failed")
    for name in ("tenant", "home"):
        with django_assert_max_num_queries(15):
            anna.client.get(reverse(name, args=["acme"] if name == "tenant" else []))


# ---- buttons


def test_buttons_do_what_they_say(anna: Person, synced: Connection, queue: list[Any]) -> None:
    queue.clear()
    Connection.objects.filter(pk=synced.pk).update(queued_at=None)
    answer = press(anna, synced, "sync")
    assert f"after={looking.newest_run_id(synced)}" in answer["Location"]
    assert queue
    assert "Waits for a worker" in anna.client.get(answer["Location"]).content.decode()
    press(anna, synced, "pause", reason="moving house")
    synced.refresh_from_db()
    assert synced.paused_reason == "moving house (anna@example.com)"
    assert "Resume it first" in said(press(anna, synced, "sync"))
    press(anna, synced, "resume")
    synced.refresh_from_db()
    assert synced.paused_reason == ""
    assert "Nothing was done" in said(press(anna, synced, "dance"))


def test_everything_is_checked_again_by_a_worker(
    anna: Person,
    synced: Connection,
    apps: Apps,
    queue: list[Any],
) -> None:
    queue.clear()
    press(anna, synced, "recheck")
    [(task, pk)] = queue
    assert task.endswith("background.recheck")
    assert background.recheck(pk) == "done"
    assert Run.objects.latest("pk").kind == "full"


def test_a_connection_that_only_looked_may_write_when_somebody_says_so(
    anna: Person,
    synced: Connection,
    apps: Apps,
) -> None:
    Connection.objects.filter(pk=synced.pk).update(look_only=True)
    assert "Looks only" in anna.page("connection", synced.pk)
    press(anna, synced, "write")
    synced.refresh_from_db()
    assert not synced.look_only


def test_what_is_being_set_up_is_not_started_by_a_button(anna: Person, synced: Connection) -> None:
    Connection.objects.filter(pk=synced.pk).update(paused_reason=arranging.DRAFTED)
    assert "Being set up" in anna.page("connection", synced.pk)
    assert "finish that" in said(press(anna, synced, "resume"))
    synced.refresh_from_db()
    assert synced.paused_reason


def test_settings_are_saved_and_kept_as_a_version(anna: Person, synced: Connection) -> None:
    where = reverse("connection-settings", args=["acme", synced.pk])
    form = {"name": "people", "interval": "900", "direction": "a_to_b", "winner": "b"}
    assert anna.client.post(where, form).status_code == 302
    row = Connection.objects.get()
    assert (row.name, row.interval, row.direction, row.winner) == ("people", 900, "a_to_b", "b")
    assert row.config_version == synced.config_version + 1
    anna.client.post(where, form)
    row.refresh_from_db()
    assert row.config_version == synced.config_version + 1, "nothing changed, nothing is decided anew"
    wrong = anna.client.post(where, {**form, "interval": "7"})
    assert "Select a valid choice" in wrong.content.decode()


def test_a_name_is_taken_once_and_a_read_only_folder_is_not_written(anna: Person, synced: Connection) -> None:
    make_connection(synced.folder_a, tenant=synced.tenant, name="taken")
    synced.folder_b.read_only = True
    synced.folder_b.save()
    where = reverse("connection-settings", args=["acme", synced.pk])
    form = {"name": "taken", "interval": "300", "direction": "a_to_b", "winner": "a"}
    page = anna.client.post(where, form).content.decode()
    assert "called so already" in page
    assert "Select a valid choice" in page


def test_a_line_of_the_mapping_is_switched(anna: Person, synced: Connection) -> None:
    page = anna.page("connection-mapping", synced.pk)
    lines = re.findall(r'name="on" value="([^"]*)"', page)
    anna.client.post(reverse("connection-mapping", args=["acme", synced.pk]), {"on": lines[1:]})
    again = anna.page("connection-mapping", synced.pk)
    assert again.count(" checked") == len(lines) - 1


# ---- contacts


def test_lists_are_by_state_searched_and_downloaded(anna: Person, synced: Connection) -> None:
    everybody = anna.page("connection-contacts", synced.pk)
    assert "Ada Byron" in everybody
    where = reverse("connection-contacts", args=["acme", synced.pk])
    found = anna.client.get(where, {"q": "grace@example.com"}).content.decode()
    assert "Grace Hopper" in found
    assert "Ada Byron" not in found
    out = anna.client.get(where, {"health": "excluded"}).content.decode()
    assert "Keyless" in out
    assert "Ada Byron" not in out
    csv_url = reverse("connection-contacts-csv", args=["acme", synced.pk])
    answer = anna.client.get(csv_url, {"health": "excluded"})
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode())))
    assert rows[0] == ["contact", "state", "reason", "on anna", "on dav"]
    assert [(row[0], row[3], row[4]) for row in rows[1:]] == [("Nobody Keyless", "no", "yes")]
    assert "attachment" in answer["Content-Disposition"]


def test_no_cell_of_a_file_is_a_formula(anna: Person, synced: Connection) -> None:
    Pair.objects.filter(title="Ada Byron").update(title='=HYPERLINK("https://evil.example")')
    answer = anna.client.get(reverse("connection-contacts-csv", args=["acme", synced.pk]))
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode())))
    assert not [cell for row in rows for cell in row if cell.startswith("=")]


def test_lists_go_on_page_by_page(anna: Person, synced: Connection) -> None:
    Pair.objects.bulk_create(Pair(connection=synced, title=f"Number {number:03}") for number in range(120))
    seen: list[str] = []
    where = reverse("connection-contacts", args=["acme", synced.pk])
    query = ""
    for _ in range(4):
        page = anna.client.get(f"{where}?{query}").content.decode()
        seen += [part.partition("<")[0] for part in page.split("Number ")[1:]]
        if 'rel="next"' not in page:
            break
        query = page.partition('" rel="next"')[0].rpartition("?")[2].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 120


def test_a_contact_stands_side_by_side_with_what_both_agreed_on(anna: Person, synced: Connection, apps: Apps) -> None:
    pair = Pair.objects.get(title="Ada Byron")
    page = text_of(anna.page("connection-contact", synced.pk, pair.pk))
    for text in ("Countess", "ada@example.com", "When both agreed", "History"):
        assert text in page, text


def test_a_contact_of_another_connection_is_not_there(anna: Person, synced: Connection) -> None:
    other = make_connection(synced.folder_a, tenant=synced.tenant)
    pair = Pair.objects.filter(connection=synced).first()
    assert pair is not None
    where = reverse("connection-contact", args=["acme", other.pk, pair.pk])
    assert anna.client.get(where).status_code == 404


def test_nothing_in_a_contact_becomes_markup(anna: Person, synced: Connection) -> None:
    """Every field, title, reason and warning; on every page that shows contacts."""
    fields = dict.fromkeys(("givenName", "given", "surname", "family", "title", "note", "personalNotes"), EVIL)
    Item.objects.update(title=EVIL, values=_json({**fields, "emails": [{"value": EVIL, "label": EVIL}]}))
    Pair.objects.update(title=EVIL, reason=EVIL, health="review", warnings=_json([[EVIL, EVIL, "a", EVIL]]))
    Pair.objects.update(base_a=_json(fields), conflicts=_json([EVIL]), cause_a=EVIL)
    Change.objects.update(title=EVIL, reason=EVIL, patch=_json(fields), before=_json(fields), state="proposed")
    Run.objects.update(message=EVIL, losses=[{"what": EVIL, "there": EVIL, "reason": EVIL, "count": 1}])
    pair = Pair.objects.exclude(item_a=None).first()
    assert pair is not None
    for page in (
        ("tenant",),
        ("connection", synced.pk),
        ("connection-contacts", synced.pk),
        ("connection-contact", synced.pk, pair.pk),
        ("connection-review", synced.pk),
        ("connection-plan", synced.pk),
        ("connection-history", synced.pk),
    ):
        text = anna.page(*page)
        assert "<script>alert" not in text, page
    assert "&lt;script&gt;" in anna.page("connection-contacts", synced.pk)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


# ---- deciding


def test_the_review_queue_takes_the_same_decisions_as_the_admin(
    anna: Person, apps: Apps, connection: Connection, queue: Any
) -> None:
    apps.remotes["anna"].add({"givenName": "Ada", "surname": "Byron", "emailAddresses": [{"value": "info@a.example"}]})
    apps.remotes["dav"].add({"given": "Adele", "family": "Bloch", "emails": [{"value": "info@a.example"}]})
    syncing.sync(connection)
    assert Pair.objects.filter(health="review").count() == 2
    page = anna.page("connection-review", connection.pk)
    assert "The same person" in page
    assert "the same email: info@a.example" in page
    pair = Pair.objects.get(title="Ada Byron")
    other = Item.objects.get(title="Adele Bloch")
    where = reverse("connection-decide", args=["acme", connection.pk, pair.pk])
    answer = anna.client.post(where, {"verdict": "same", "other": str(other.pk), "next": "review"})
    assert answer["Location"] == reverse("connection-review", args=["acme", connection.pk])
    assert Decision.objects.get().by == anna.user
    syncing.sync(connection)
    assert Pair.objects.filter(item_a__isnull=False, item_b__isnull=False).count() == 1
    assert "Choose what you decide" in said(anna.client.post(where, {"verdict": "dance"}))


def test_a_plan_is_decided_by_group_and_by_line(anna: Person, apps: Apps, connection: Connection, queue: Any) -> None:
    fill(apps)
    Connection.objects.update(approve_first_run=True)
    connection.refresh_from_db()
    syncing.sync(connection)
    page = anna.page("connection-plan", connection.pk)
    assert "To create on dav" in page
    assert "Grace Hopper" in page
    run = Run.objects.latest("pk")
    where = reverse("connection-plan", args=["acme", connection.pk])
    line = Change.objects.get(title="Grace Hopper", state="proposed")
    told = anna.client.post(where, {"run": run.pk, "scope": "ticked", "line": line.pk, "verdict": "reject"})
    assert "1 rejected" in said(told)
    anna.client.post(where, {"run": run.pk, "scope": "shown", "verdict": "approve"})
    assert not Change.objects.filter(state="proposed").exists()
    syncing.sync(connection)
    names = [record.values.get("given") for record in apps.remotes["dav"].shelf("book").rows.values()]
    assert "Grace" not in names
    answer = anna.client.get(reverse("connection-plan-csv", args=["acme", connection.pk]))
    assert answer.status_code in (200, 404)


def test_a_plan_of_another_connection_is_not_decided(
    anna: Person, apps: Apps, connection: Connection, queue: Any
) -> None:
    fill(apps)
    background.plan(connection.pk)
    run = Run.objects.get()
    other = make_connection(connection.folder_a, tenant=connection.tenant)
    where = reverse("connection-plan", args=["acme", other.pk])
    told = anna.client.post(where, {"run": run.pk, "scope": "shown", "verdict": "approve"})
    assert "not there any more" in said(told)
    assert not Change.objects.filter(state="approved").exists()


def test_a_side_that_is_suddenly_empty_is_asked_about(anna: Person, synced: Connection, apps: Apps) -> None:
    for key in list(apps.remotes["dav"].shelf("book").rows):
        apps.remotes["dav"].delete(key)
    syncing.sync(synced)
    page = anna.page("connection-plan", synced.pk)
    assert "A side is suddenly empty" in page
    run = Run.objects.latest("pk")
    anna.client.post(reverse("connection-plan", args=["acme", synced.pk]), {"run": run.pk, "verdict": "empty"})
    run.refresh_from_db()
    assert run.held["accepted"]


# ---- who sees what


def test_owners_see_state_and_counts_of_private_connections_and_no_contact(anna: Person, synced: Connection) -> None:
    Account.objects.filter(name="dav").update(owner=anna.user, shared=False)
    boss = Person(member(anna.tenant, "boss@example.com", Role.OWNER), anna.tenant)
    ben = Person(member(anna.tenant, "ben@example.com"), anna.tenant)
    page = boss.page("connection", synced.pk)
    assert "one of its accounts is private" in page.lower()
    assert "In sync" in page
    assert "Ada Byron" not in page
    assert reverse("connection-contacts", args=["acme", synced.pk]) not in page
    assert "both" not in ben.page("tenant")
    assert synced.name not in ben.client.get(reverse("home")).content.decode()
    assert "Ada Byron" in anna.page("connection-contacts", synced.pk), "the owner of the account sees all"


def test_viewers_see_no_buttons(anna: Person, synced: Connection) -> None:
    Membership.objects.filter(user=anna.user).update(role=Role.VIEWER)
    page = anna.page("connection", synced.pk)
    assert "<button" not in page.partition("<main")[2].partition("</main>")[0]
    assert "Ada Byron" in anna.page("connection-contacts", synced.pk)
