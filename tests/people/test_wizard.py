"""A person sets a connection up, question by question, and comes back to it."""

# ruff: noqa: F811 - fixtures are imported, and asked for by their names
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import reverse

from connections.models import (
    Account,
    AppRegistration,
    Change,
    Connection,
    ConnectionDraft,
    Folder,
    Membership,
    Pair,
    Role,
    Run,
    Tenant,
)
from connections.services import arranging, background, drafting, starting, syncing
from connectors.base import Unavailable
from syncrules.models import FieldMapping, Rule
from tests.admin.conftest import Apps, apps, fill, queue  # noqa: F401 - fixtures
from tests.factories import make_account, make_connection, make_folder
from tests.people.conftest import Person, member

pytestmark = pytest.mark.django_db
STEPS = [name for name in drafting.STEPS if name != "apps"]


@pytest.fixture
def accounts(anna: Person) -> tuple[Account, Account]:
    AppRegistration.objects.create(app="outlook", client_id="registered")
    return (
        make_account(anna.tenant, name="anna", app="outlook", owner=anna.user, remote_name="anna@acme.example"),
        make_account(anna.tenant, name="dav", owner=anna.user, base_url="https://b.example", remote_name="anna at b"),
    )


@dataclass
class Wizard:
    """A person who answers as asked; what is given takes the place of the plain answers."""

    anna: Person
    queue: list[Any]

    def post(self, step: str, **form: Any) -> Any:
        return self.anna.client.post(self.at(step), form)

    def page(self, step: str) -> str:
        answer = self.anna.client.get(self.at(step))
        assert answer.status_code == 200, answer
        return answer.content.decode()

    def at(self, step: str) -> str:
        return reverse(f"draft-{step}", args=[self.anna.tenant.slug, self.draft.pk])

    @property
    def draft(self) -> ConnectionDraft:
        return ConnectionDraft.objects.latest("pk")

    def folder(self, name: str) -> int:
        return Folder.objects.get(remote_id=name).pk

    def begin(self) -> None:
        answer = self.anna.client.post(
            reverse("connection-add", args=["acme"]), {"app_a": "outlook", "app_b": "carddav"}
        )
        assert answer.status_code == 302, answer.content.decode()

    def until(self, last: str, **other: dict[str, Any]) -> None:
        """Up to the page of this step."""
        self.begin()
        for step in STEPS[: STEPS.index(last)]:
            page = self.page(step)
            form = other.get(step) or getattr(self, f"plain_{step}")(page)
            answer = self.post(step, **form)
            assert answer.status_code == 302, re.findall(r"errorlist.*?</", answer.content.decode(), re.S)
            following = STEPS[STEPS.index(step) + 1]
            assert answer["Location"] == self.at(following), answer["Location"]

    def plain_accounts(self, page: str) -> dict[str, Any]:
        return {"account_a": Account.objects.get(name="anna").pk, "account_b": Account.objects.get(name="dav").pk}

    def plain_folders(self, page: str) -> dict[str, Any]:
        return {"folder_a": self.folder("contacts"), "folder_b": self.folder("book")}

    def plain_contacts(self, page: str) -> dict[str, Any]:
        return {"answer": "yes"}

    def plain_direction(self, page: str) -> dict[str, Any]:
        return {"direction": "both", "winner": "a"}

    def plain_mapping(self, page: str) -> dict[str, Any]:
        return {"on": re.findall(r'name="on" value="([^"]*)"', page)}

    def plain_rules(self, page: str) -> dict[str, Any]:
        return dict.fromkeys(re.findall(r'type="radio" name="(who_\w+)"', page), "everybody")

    def plain_matching(self, page: str) -> dict[str, Any]:
        return {"without": "leave"}

    def work(self) -> None:
        """What the workers do with what is in the queue."""
        calls, self.queue[:] = list(self.queue), []
        for name, *arguments in calls:
            if name.endswith(".plan"):
                background.plan(*arguments)


@pytest.fixture
def wizard(anna: Person, apps: Apps, queue: list[Any], accounts: Any) -> Wizard:
    fill(apps)
    return Wizard(anna, queue)


# ---- the whole way


def test_a_connection_is_set_up_and_started(wizard: Wizard, apps: Apps) -> None:
    wizard.until("plan")
    waiting = wizard.page("plan")
    assert 'hx-trigger="every 2s"' in waiting
    wizard.work()
    page = wizard.page("plan")
    assert "This is what would happen" in page
    assert "To create on CardDAV" in page
    assert "Grace Hopper" in page
    assert not apps.remotes["dav"].written, "nothing is written before it is started"
    connection = Connection.objects.get()
    assert connection.paused_reason == arranging.DRAFTED
    wizard.post("plan", how="start")
    assert not ConnectionDraft.objects.exists()
    connection.refresh_from_db()
    assert (connection.paused_reason, connection.approve_first_run, connection.due_at is not None) == ("", False, True)
    assert syncing.run_slice(connection.pk) == "done"
    assert apps.remotes["dav"].written["create"] == 1
    assert {rule.name for rule in Rule.objects.all()} == set(arranging.EVERYTHING.values())


def test_ten_contacts_come_first_and_the_rest_waits(wizard: Wizard, apps: Apps) -> None:
    for number in range(30):
        apps.remotes["anna"].add(
            {"givenName": f"Person {number}", "emailAddresses": [{"value": f"person{number}@example.com"}]}
        )
    wizard.until("plan")
    wizard.work()
    assert "Start with ten contacts first" in wizard.page("plan")
    wizard.post("plan", how="few")
    connection = Connection.objects.get()
    assert syncing.run_slice(connection.pk) == "held"
    both = Pair.objects.filter(item_a__isnull=False, item_b__isnull=False)
    assert both.count() == starting.FIRST
    assert all(pair.health == "in_sync" for pair in both.all()), "each of the ten is done whole"
    assert syncing.run_slice(connection.pk) == "held"
    assert both.count() == starting.FIRST, "the next run brings nobody else"
    run = Run.objects.latest("pk")
    assert Change.objects.filter(run=run, state="proposed").count() > 15
    syncing.approve(run)
    assert syncing.run_slice(connection.pk) == "done"
    assert both.count() > 30


def test_looking_only_writes_nothing(wizard: Wizard, apps: Apps) -> None:
    wizard.until("plan")
    wizard.work()
    wizard.post("plan", how="look")
    connection = Connection.objects.get()
    assert connection.look_only
    assert syncing.run_slice(connection.pk) == "planned"
    assert not apps.remotes["dav"].written
    assert not apps.remotes["anna"].written


def test_with_few_contacts_there_is_no_choice_of_ten(wizard: Wizard) -> None:
    wizard.until("plan")
    wizard.work()
    assert "Start with ten" not in wizard.page("plan")


# ---- leaving, coming back, two tabs


def test_leaving_and_coming_back_goes_on_where_it_stood(wizard: Wizard) -> None:
    wizard.until("mapping")
    start = wizard.anna.page("connection-add")
    assert wizard.at("mapping") in start
    assert 'value="both" required id="id_direction_0" checked' in wizard.page("direction")


@pytest.mark.parametrize("step", STEPS[1:])
def test_who_comes_too_early_is_led_to_the_open_question(wizard: Wizard, step: str) -> None:
    wizard.begin()
    for ask in (wizard.anna.client.get, wizard.anna.client.post):
        assert ask(wizard.at(step))["Location"] == wizard.at("accounts")


def test_two_tabs_do_not_mix(wizard: Wizard) -> None:
    wizard.until("direction")
    first = wizard.draft
    wizard.begin()
    second = wizard.draft
    assert first.pk != second.pk
    wizard.post("accounts", account_a=first.account_a_id, account_b=first.account_b_id)
    first.refresh_from_db()
    assert first.choices == {"confirmed": True}
    assert wizard.draft.folders_a == []


def test_changing_an_answer_changes_the_connection_and_asks_for_a_new_plan(wizard: Wizard) -> None:
    wizard.until("plan")
    wizard.work()
    connection = Connection.objects.get()
    wizard.post("direction", direction="a_to_b", winner="b")
    page = wizard.page("plan")
    assert "the plan has to be made anew" in page
    assert wizard.post("plan", how="start").status_code == 302
    connection.refresh_from_db()
    assert connection.paused_reason == arranging.DRAFTED, "an old plan starts nothing"
    wizard.post("plan", how="plan")
    wizard.work()
    connection.refresh_from_db()
    assert (connection.direction, connection.winner) == ("a_to_b", "b")
    assert "To create on Outlook" not in wizard.page("plan")
    assert Connection.objects.count() == 1


def test_another_folder_takes_the_place_of_what_was_made(wizard: Wizard) -> None:
    wizard.until("plan")
    wizard.post("folders", folder_a=wizard.folder("customers"), folder_b=wizard.folder("book"))
    assert drafting.open_step(wizard.draft) == "contacts"
    for step in STEPS[2:-1]:
        wizard.post(step, **getattr(wizard, f"plain_{step}")(wizard.page(step)))
    assert [row.folder_a.remote_id for row in Connection.objects.all()] == ["customers"]


def test_a_set_up_that_is_thrown_away_leaves_nothing(wizard: Wizard) -> None:
    wizard.until("plan")
    wizard.work()
    assert Run.objects.exists()
    wizard.post("discard")
    assert not ConnectionDraft.objects.exists()
    assert not Connection.every.exists()
    assert not Run.objects.exists()


@pytest.mark.parametrize("gone", ["member", "user"])
def test_who_goes_takes_along_what_was_never_started(wizard: Wizard, gone: str) -> None:
    wizard.until("plan")
    wizard.work()
    rows: dict[str, Any] = {
        "member": Membership.objects.filter(user=wizard.anna.user),
        "user": wizard.anna.user,
    }
    rows[gone].delete()
    assert not ConnectionDraft.objects.exists()
    assert not Connection.every.exists()


def test_throwing_away_spares_what_was_started_elsewhere(wizard: Wizard) -> None:
    wizard.until("plan")
    syncing.resume(Connection.objects.get())
    wizard.post("discard")
    assert Connection.objects.exists()


def test_a_worker_finds_nothing_to_do_for_what_was_thrown_away(wizard: Wizard) -> None:
    wizard.until("mapping")
    wizard.post("discard")
    wizard.work()
    assert not Run.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_throwing_away_while_a_worker_reads_ends_that(
    wizard: Wizard, apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    wizard.until("mapping")
    remote, draft = apps.remotes["anna"], wizard.draft
    real = remote.changes

    def changes(*arguments: Any) -> Any:
        drafting.discard(draft)
        monkeypatch.undo()
        return real(*arguments)

    [connection] = Connection.objects.all()
    monkeypatch.setattr(remote, "changes", changes)
    monkeypatch.setattr("connections.host.connect", apps.connect)
    assert background.plan(connection.pk) == "deleted"
    assert not Connection.every.exists()
    assert not Run.objects.exists()


# ---- each question


def test_apps_that_cannot_be_connected_say_why(anna: Person) -> None:
    page = anna.page("connection-add")
    assert "Pairwise is not registered at Microsoft here yet" in page
    answer = anna.client.post(reverse("connection-add", args=["acme"]), {"app_a": "outlook", "app_b": "carddav"})
    assert "Select a valid choice" in answer.content.decode()
    assert not ConnectionDraft.objects.exists()


def test_private_accounts_of_others_are_not_offered_to_anybody(wizard: Wizard) -> None:
    ben = member(wizard.anna.tenant, "ben@example.com")
    private = make_account(wizard.anna.tenant, name="bens", app="outlook", owner=ben, shared=False, remote_name="Ben P")
    Membership.objects.filter(user=wizard.anna.user).update(role=Role.OWNER)
    wizard.begin()
    assert "Ben P" not in wizard.page("accounts")
    answer = wizard.post("accounts", account_a=private.pk, account_b=Account.objects.get(name="dav").pk)
    assert "Choose an account of Outlook" in answer.content.decode()


def test_an_account_that_became_private_meanwhile_ends_the_way(wizard: Wizard) -> None:
    wizard.until("direction")
    ben = member(wizard.anna.tenant, "ben@example.com")
    Account.objects.filter(name="anna").update(owner=ben, shared=False)
    assert wizard.anna.client.get(wizard.at("direction"))["Location"] == wizard.at("accounts")


def test_an_account_without_access_is_not_taken(wizard: Wizard) -> None:
    Account.objects.filter(name="anna").update(state="needs_auth", reason="the password changed")
    wizard.begin()
    page = wizard.page("accounts")
    account = Account.objects.get(name="anna")
    again = reverse("account-again", args=["acme", account.pk])
    assert f'{again}?draft={wizard.draft.pk}&amp;side=a"' in page
    answer = wizard.post("accounts", **wizard.plain_accounts(page))
    assert "needs to be authorised again" in answer.content.decode()


def test_folders_are_listed_live_with_counts_and_what_is_read_only(wizard: Wizard, apps: Apps) -> None:
    apps.remotes["anna"].shelves["customers"].read_only = True
    wizard.until("folders")
    page = wizard.page("folders")
    assert "2 contacts" in page
    assert "can only be read" in page


def test_an_app_that_does_not_answer_is_said(wizard: Wizard, apps: Apps) -> None:
    wizard.until("folders")
    wizard.page("folders")
    apps.down["anna"] = Unavailable("Outlook does not answer at the moment.")
    assert "cannot be asked now: Outlook does not answer" in wizard.page("folders")
    wizard.post("folders", **wizard.plain_folders(""))
    assert "cannot be asked now" in wizard.page("contacts")


def test_a_pair_of_folders_that_is_connected_is_refused_with_the_way_there(wizard: Wizard) -> None:
    wizard.until("folders")
    wizard.page("folders")
    folders = {row.remote_id: row for row in Folder.objects.all()}
    other = make_connection(folders["book"], folders["contacts"], name="already-there")
    answer = wizard.post("folders", **wizard.plain_folders(""))
    text = answer.content.decode()
    assert "are connected already, by already-there" in text
    assert reverse("connection", args=["acme", other.pk]) in text
    assert wizard.draft.folders_a == []


def test_folders_of_other_accounts_are_not_taken(wizard: Wizard) -> None:
    wizard.until("folders")
    theirs = make_folder(make_account())
    answer = wizard.post("folders", folder_a=theirs.pk, folder_b=theirs.pk)
    assert "Choose a folder on each side" in answer.content.decode()


def test_several_folders_make_several_connections(wizard: Wizard) -> None:
    wizard.until("folders")
    wizard.page("folders")
    both = [wizard.folder("contacts"), wizard.folder("customers")]
    assert wizard.post("folders", folder_a=both, folder_b=wizard.folder("book")).status_code == 302
    for step in STEPS[2:-1]:
        wizard.post(step, **getattr(wizard, f"plain_{step}")(wizard.page(step)))
    assert Connection.objects.count() == 2
    wizard.work()
    assert "Start with ten" not in wizard.page("plan")
    wizard.post("plan", how="start")
    assert Connection.objects.filter(paused_reason="").count() == 2


def test_contacts_are_shown_and_no_explains_where_others_may_be(wizard: Wizard) -> None:
    wizard.until("contacts")
    page = wizard.page("contacts")
    assert "2 contacts." in page
    assert "Grace Hopper" in page
    assert "grace@example.com" in page
    assert "<script>alert" not in page
    answer = wizard.post("contacts", answer="no").content.decode()
    for text in (".pst", "POP", "anna@acme.example", wizard.at("folders"), wizard.at("accounts")):
        assert text in answer, text
    assert "confirmed" not in wizard.draft.choices


def test_a_large_folder_is_not_read_through_to_show_some(wizard: Wizard, apps: Apps) -> None:
    for number in range(900):
        apps.remotes["anna"].add({"givenName": f"Person {number}"})
    wizard.until("contacts")
    assert re.search(r"More than [4-6]\d\d contacts. Some of them", wizard.page("contacts"))


def test_a_read_only_folder_leaves_one_direction(wizard: Wizard, apps: Apps) -> None:
    apps.remotes["anna"].shelves["contacts"].read_only = True
    wizard.until("direction")
    page = wizard.page("direction")
    assert 'value="a_to_b"' in page
    assert 'value="both"' not in page
    assert "can only be read" in page
    assert wizard.post("direction", direction="both", winner="a").status_code == 200


def test_a_line_that_is_switched_off_stays_off(wizard: Wizard) -> None:
    wizard.until("mapping")
    lines = wizard.plain_mapping(wizard.page("mapping"))["on"]
    off = next(line for line in lines if line.startswith("jobTitle"))
    wizard.post("mapping", on=[line for line in lines if line != off])
    wizard.post("rules", **wizard.plain_rules(wizard.page("rules")))
    wizard.post("matching", without="leave")
    row = FieldMapping.objects.get()
    assert (row.enabled, list(row.a)) == (False, ["jobTitle"])
    assert Connection.objects.get().default_mappings
    again = re.search(rf'value="{re.escape(off)}"[^>]*>', wizard.page("mapping"))
    assert again is not None
    assert "checked" not in again[0]


def test_a_mapping_without_a_line_is_refused(wizard: Wizard) -> None:
    wizard.until("mapping")
    assert "Leave at least one on" in wizard.post("mapping").content.decode()


def test_a_label_becomes_a_rule_of_its_direction(wizard: Wizard) -> None:
    wizard.until("rules")
    refused = wizard.post("rules", who_a_to_b="labelled", label_a_to_b=" ", who_b_to_a="everybody")
    assert "Name the category" in refused.content.decode()
    form = {"who_a_to_b": "labelled", "label_a_to_b": "Customers", "who_b_to_a": "everybody"}
    assert wizard.post("rules", **form).status_code == 302
    wizard.post("matching", without="leave")
    rules = {rule.direction: rule for rule in Rule.objects.all()}
    assert rules["a_to_b"].conditions == [{"label": "Customers", "in": True}]
    assert rules["b_to_a"].conditions == []
    assert 'value="Customers"' in wizard.page("rules")


def test_one_way_asks_about_one_direction(wizard: Wizard) -> None:
    wizard.until("direction")
    wizard.post("direction", direction="b_to_a", winner="b")
    wizard.post("mapping", **wizard.plain_mapping(wizard.page("mapping")))
    page = wizard.page("rules")
    assert "who_b_to_a" in page
    assert "who_a_to_b" not in page


def test_contacts_without_email_are_counted_and_decided_about(wizard: Wizard) -> None:
    wizard.until("matching")
    assert "being counted" in wizard.page("matching")
    wizard.work()
    page = " ".join(wizard.page("matching").split())
    assert "<strong>1</strong> of 3 contacts without an email address" in page
    wizard.post("matching", without="bring", keys=["phone+name"])
    connection = Connection.objects.get()
    assert (connection.avoid_duplicates, connection.match_keys) == (False, ["email", "phone+name"])


def test_a_plan_that_failed_says_why_and_can_be_made_again(wizard: Wizard, apps: Apps) -> None:
    wizard.until("plan")
    apps.down["dav"] = Unavailable("The server does not answer at the moment.")
    with pytest.raises(Unavailable):
        wizard.work()
    Run.objects.create(
        tenant=wizard.anna.tenant, connection=Connection.objects.get(), kind="initial", state="failed", preview=True,
        message="The server does not answer at the moment.", started_at=wizard.draft.created_at,
    )  # fmt: skip
    assert "The server does not answer at the moment" in wizard.page("plan")
    apps.down.clear()
    wizard.post("plan", how="plan")
    wizard.work()
    assert "This is what would happen" in wizard.page("plan")


def test_the_loss_report_stands_beside_the_plan(wizard: Wizard, apps: Apps) -> None:
    apps.remotes["dav"].add({"given": "Lea", "emails": [{"value": "lea@example.com"}], "bday": "--02-28"})
    wizard.until("plan")
    wizard.work()
    assert "What the other side cannot hold" in wizard.page("plan")


def test_pages_ask_the_database_seldom(wizard: Wizard, django_assert_max_num_queries: Any) -> None:
    wizard.until("plan")
    wizard.work()
    for step in STEPS:
        with django_assert_max_num_queries(20):
            wizard.page(step)


# ---- who may


def test_viewers_set_nothing_up(wizard: Wizard) -> None:
    wizard.until("mapping")
    Membership.objects.filter(user=wizard.anna.user).update(role=Role.VIEWER)
    for where in (reverse("connection-add", args=["acme"]), *(wizard.at(step) for step in [*STEPS, "discard"])):
        assert wizard.anna.client.post(where).status_code == 403, where
    assert ConnectionDraft.objects.exists()
    assert reverse("connection-add", args=["acme"]) not in wizard.anna.client.get(reverse("home")).content.decode()


def test_a_draft_of_a_colleague_is_not_there(wizard: Wizard, globex: Tenant) -> None:
    wizard.until("mapping")
    ben = Person(member(wizard.anna.tenant, "ben@example.com", Role.OWNER), wizard.anna.tenant)
    for step in [*STEPS, "discard"]:
        assert ben.client.post(wizard.at(step)).status_code == 404, step
    ways = reverse("account-connect", args=["acme", "carddav"])
    assert ben.client.get(f"{ways}?draft={wizard.draft.pk}&side=a").status_code == 404
