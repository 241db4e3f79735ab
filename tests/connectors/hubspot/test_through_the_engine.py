"""A HubSpot account and an Outlook mailbox, both in the sandbox, kept the same by the engine."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connections import host
from connections.engine.leases import Fence
from connections.engine.runner import Runner
from connections.models import Change, Connection, Pair, Run
from connections.models.changes import OPEN
from connectors.sandbox import Sandbox
from syncrules.specs import ActionKind, ActionSpec, ConditionKind, ConditionSpec, Direction, RuleSpec
from tests.connectors.hubspot.conftest import Account
from tests.factories import make_account, make_connection, make_folder, make_tenant, set_rules
from tests.faults.stage import Clock, Mailbox, Person, address

SECRETS = ("access_token", "refresh_token")


class Stage:
    def __init__(self, sandbox: Sandbox, account: Account, folder: str = "contacts", **options: Any) -> None:
        self.sandbox = sandbox
        self.crm = account
        self.mailbox = Mailbox(sandbox)
        self.clock = Clock()
        tenant = make_tenant()
        hubspot = make_account(
            tenant,
            name="crm",
            app="hubspot",
            base_url=f"{sandbox.url}/hubspot",
            login_url=f"{sandbox.url}/hubspot",
            secrets=account.secrets,
        )
        outlook = make_account(
            tenant,
            name="mail",
            app="outlook",
            base_url=f"{sandbox.url}/graph",
            login_url=f"{sandbox.url}/microsoft",
            secrets={name: str(self.mailbox.secrets[name]) for name in (*SECRETS, "scope")},
        )
        root = next(one for one in host.connect(outlook).folders() if one.path == "Contacts")
        mine = make_folder(outlook, root.id, name=root.name, path=root.path)
        shown = next(one for one in host.connect(hubspot).folders() if one.id == folder)
        theirs = make_folder(hubspot, shown.id, name=shown.name, path=shown.path)
        self.connection = make_connection(mine, theirs, **{"avoid_duplicates": False, **options})

    def run(self) -> Run:
        fresh = Connection.objects.select_related("folder_a__account", "folder_b__account").get(pk=self.connection.pk)
        fence = Fence()
        accounts = {"a": fresh.folder_a.account, "b": fresh.folder_b.account}
        connectors = {side: host.connect(each, fence, self.clock) for side, each in accounts.items()}
        return Runner(fresh, connectors, self.clock, fence).run()

    def wait(self, seconds: float) -> None:
        """For us and for the vendors."""
        self.clock.ahead += seconds
        self.sandbox.clock.advance(seconds)

    def settle(self) -> None:
        for _ in range(3):
            self.wait(15)
            self.run()
        assert not Change.objects.filter(state__in=OPEN).exists()

    def people(self) -> Counter[Person]:
        return Counter(
            Person(*(str(one.get(name) or "") for name in ("firstname", "lastname", "jobtitle", "company", "email")))
            for one in self.crm.records()
        )

    def id_of(self, given: str) -> str:
        return str(next(one["id"] for one in self.crm.records() if one.get("firstname") == given))

    def requests(self) -> list[str]:
        return [one for one in self.crm.asked() if "/oauth/" not in one]

    @property
    def writes(self) -> int:
        ours = [one for one in self.crm.asked() if one.endswith(("/create", "/update", "/archive", "/add", "/remove"))]
        return len(ours) + self.mailbox.writes


Make = Callable[..., Stage]


@pytest.fixture
def stage(sandbox: Sandbox, settings: Any, transactional_db: None) -> Iterator[Make]:
    settings.ALLOWED_PRIVATE_HOSTS = [address(sandbox.url)]
    settings.APP_SETTINGS = {
        "OUTLOOK_CLIENT_ID": "pairwise",
        "OUTLOOK_SETTLE_AFTER": "1",
        "OUTLOOK_VISIBLE_AFTER": "0",
        "HUBSPOT_CLIENT_ID": "pairwise",
        "HUBSPOT_SETTLE_AFTER": "1",
        "HUBSPOT_LIST_INTERVAL": "0",
    }

    def make(folder: str = "contacts", marks: bool = True, lag: float = 1.0, **options: Any) -> Stage:
        account = Account(sandbox, search_lag=lag)
        if not marks:
            account.secrets["marks"] = "no"
        if folder != "contacts":
            folder = f"list-{account.api.add_list(account.user, folder)}"
        return Stage(sandbox, account, folder, **options)

    yield make
    sandbox.faults.clear()


ANNA = Person("Anna", "Maes", "Buyer", "Acme", "anna@example.com")
BERT = Person("Bert", "Claes", "", "Globex", "bert@example.com")


def body(person: Person) -> dict[str, Any]:
    names = ("firstname", "lastname", "jobtitle", "company", "email")
    parts = (person.given, person.family, person.title, person.company, person.email)
    return {name: value for name, value in zip(names, parts, strict=True) if value}


def test_two_sides_become_the_same_and_then_nothing_is_written(stage: Make) -> None:
    both = stage(deletions_a_to_b="delete", deletions_b_to_a="delete")
    both.mailbox.add(ANNA, Person("Plato"))
    both.crm.load(body(BERT), {"firstname": "Anna", "lastname": "Maes", "email": "anna@example.com"})
    both.settle()
    assert {one.given for one in both.people()} == {"Anna", "Bert", "Plato"}
    assert both.people() == both.mailbox.people()

    both.mailbox.edit("Bert", jobTitle="Chef")
    both.crm.edit(both.id_of("Plato"), email="plato@example.com")
    both.crm.api.remove(both.crm.user, both.id_of("Anna"))
    both.settle()
    assert both.people() == both.mailbox.people()
    assert {(one.given, one.title, one.email) for one in both.people()} == {
        ("Bert", "Chef", "bert@example.com"),
        ("Plato", "", "plato@example.com"),
    }

    before = both.writes
    both.settle()
    assert both.writes == before


def test_a_run_without_news_costs_two_requests(stage: Make) -> None:
    both = stage()
    both.crm.load(*(body(Person(f"N{number}", "Crowd", email=f"n{number}@example.com")) for number in range(30)))
    both.settle()
    both.settle()
    before = len(both.requests())
    both.wait(15)
    both.run()
    assert len(both.requests()) - before == 2


def test_one_changed_contact_costs_two_requests_beyond_the_look(stage: Make) -> None:
    both = stage()
    both.mailbox.add(ANNA)
    both.settle()
    both.settle()
    both.mailbox.edit("Anna", jobTitle="Director")
    both.wait(15)
    before = len(both.requests())
    both.run()
    assert len(both.requests()) - before == 2 + 2
    assert {one.title for one in both.people()} == {"Director"}


def test_both_sides_of_a_conflict_in_different_fields_keep_their_edits(stage: Make) -> None:
    both = stage()
    both.mailbox.add(ANNA)
    both.settle()
    both.mailbox.edit("Anna", jobTitle="Director")
    both.crm.edit(both.id_of("Anna"), email="new@example.com")
    both.settle()
    assert both.people() == both.mailbox.people() == {Person("Anna", "Maes", "Director", "Acme", "new@example.com"): 1}


def test_an_edit_that_the_index_does_not_show_yet_is_not_lost(stage: Make) -> None:
    both = stage(lag=40.0)
    both.mailbox.add(ANNA)
    both.wait(60)
    both.settle()
    both.crm.edit(both.id_of("Anna"), lastname="Peeters")
    both.mailbox.edit("Anna", jobTitle="Director")
    for _ in range(5):
        both.wait(15)
        both.run()
    assert both.people() == both.mailbox.people()
    assert {(one.family, one.title) for one in both.people()} == {("Peeters", "Director")}


def test_a_merge_in_hubspot_deletes_nobody_in_the_mailbox(stage: Make) -> None:
    both = stage(deletions_a_to_b="delete", deletions_b_to_a="delete")
    both.mailbox.add(ANNA, BERT)
    both.settle()
    both.crm.api.merge(both.crm.user, both.id_of("Anna"), both.id_of("Bert"))
    both.settle()
    assert {one.given for one in both.mailbox.people()} == {"Anna", "Bert"}
    assert {one.given for one in both.people()} == {"Anna"}
    paired = Pair.objects.filter(connection=both.connection, item_a__isnull=False, item_b__departed="")
    assert paired.count() == 1
    before = both.writes
    both.settle()
    assert both.writes == before


def test_a_further_address_is_the_same_person(stage: Make) -> None:
    both = stage()
    both.crm.load({**body(ANNA), "email": "main@example.com", "further_emails": "anna@example.com"})
    both.mailbox.add(ANNA)
    both.settle()
    assert [(one["email"], one["hs_additional_emails"]) for one in both.crm.records()] == [
        ("main@example.com", "anna@example.com")
    ]
    assert len(both.mailbox.contacts()) == 1
    before = both.writes
    both.settle()
    assert both.writes == before


def test_who_was_made_in_hubspot_a_moment_ago_is_linked_and_not_made_twice(stage: Make) -> None:
    both = stage(lag=600.0)
    both.mailbox.add(BERT)
    both.wait(700)
    both.settle()
    both.mailbox.add(ANNA)
    both.crm.load({"firstname": "Anna", "lastname": "Maes", "email": "anna@example.com"})
    both.run()
    assert sorted(one.given for one in both.people().elements()) == ["Anna", "Bert"]
    both.wait(700)
    both.settle()
    both.settle()
    assert both.people() == both.mailbox.people()
    assert sum(both.people().values()) == 2


@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_create_whose_answer_is_lost_makes_one_contact(stage: Make, marks: bool, when: str) -> None:
    both = stage(marks=marks)
    nameless = Person("Plato", "")
    both.mailbox.add(ANNA, BERT, nameless)
    both.crm.fault("drop", path="batch/create$", when=when)
    both.settle()
    both.settle()
    assert both.people() == both.mailbox.people() == {ANNA: 1, BERT: 1, nameless: 1}


def test_what_hubspot_refuses_is_said_at_the_contact_and_the_others_go_on(stage: Make) -> None:
    both = stage()
    rule = {"property": "jobtitle", "rule": "MAX_LENGTH", "value": "4"}
    both.crm.api.set_switches(both.crm.user, validation_rules=[rule])
    both.mailbox.add(ANNA, BERT)
    both.settle()
    assert {one.given: one.title for one in both.people()} == {"Anna": "", "Bert": ""}
    assert {one.given: one.title for one in both.mailbox.people()} == {"Anna": "Buyer", "Bert": ""}
    [reason] = {change.reason for change in Change.objects.filter(state="refused")}
    assert reason.startswith("A rule of the HubSpot account refuses the value of Job Title")


def test_who_joins_a_list_of_a_rule_comes_along_and_who_leaves_rests(stage: Make) -> None:
    both = stage(direction="b_to_a")
    vip = both.crm.api.add_list(both.crm.user, "VIP")
    condition = ConditionSpec(ConditionKind.LABEL, "VIP", value=True)
    set_rules(both.connection, [RuleSpec("", "VIPs", Direction.B_TO_A, conditions=(condition,))])
    anna, bert = both.crm.load(body(ANNA), body(BERT))
    both.crm.api.change_members(both.crm.user, vip, add=[anna])
    both.settle()
    both.settle()
    assert both.mailbox.people() == {ANNA: 1}
    both.crm.api.change_members(both.crm.user, vip, add=[bert], remove=[anna])
    both.settle()
    assert both.mailbox.people() == {ANNA: 1, BERT: 1}
    both.crm.edit(anna, jobtitle="Unseen")
    both.crm.edit(bert, jobtitle="Seen")
    both.settle()
    assert {one.title for one in both.mailbox.people()} == {"Buyer", "Seen"}


def test_a_rule_adds_contacts_to_a_list_once(stage: Make) -> None:
    both = stage()
    action = ActionSpec(ActionKind.ADD_LABEL, "From mail")
    set_rules(both.connection, [RuleSpec("", "All", Direction.A_TO_B, actions=(action,))])
    both.mailbox.add(ANNA, BERT)
    both.settle()
    both.settle()
    [made] = both.crm.api.lists(both.crm.user)
    assert (made["name"], len(made["members"])) == ("From mail", 2)
    before = both.writes
    both.settle()
    assert both.writes == before


def test_a_list_can_be_the_side_of_a_connection(stage: Make) -> None:
    both = stage("Customers", deletions_a_to_b="delete", deletions_b_to_a="delete")
    [outside, _] = both.crm.load({"firstname": "Out", "lastname": "Side"}, body(BERT))
    both.mailbox.add(ANNA, BERT)
    both.settle()
    both.settle()
    [members] = [one["members"] for one in both.crm.api.lists(both.crm.user)]
    assert members == [both.id_of("Anna")]
    held = Pair.objects.get(connection=both.connection, title__startswith="Bert")
    assert (held.health, "outside of this list" in held.reason) == ("excluded", True)
    [listed] = both.crm.api.lists(both.crm.user)
    both.crm.api.change_members(both.crm.user, listed["id"], add=[both.id_of("Bert")], remove=[both.id_of("Anna")])
    both.settle()
    both.settle()
    assert both.mailbox.people() == {ANNA: 1, BERT: 1}, "who left the list was not deleted"
    assert {one["id"] for one in both.crm.records()} >= {outside}


TROUBLES: list[tuple[str, dict[str, Any]]] = [
    ("drop", {"when": "after"}),
    ("drop", {"when": "before"}),
    ("error", {"status": 500, "when": "after"}),
    ("error", {"status": 503}),
    ("error", {"status": 502, "html": True}),
    ("error", {"status": 423}),
    ("truncate", {}),
    ("throttle", {}),
    ("token_expired", {}),
]


@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_whatever_breaks_on_the_way_both_sides_end_the_same_and_nobody_twice(
    stage: Make, marks: bool, seed: int
) -> None:
    chance = random.Random(seed)
    both = stage(marks=marks, deletions_a_to_b="delete", deletions_b_to_a="delete")
    both.mailbox.add(*(Person(f"Mail{n}", "Crowd", "", "", f"mail{n}@example.com") for n in range(5)), Person("Plain"))
    both.crm.load(*(body(Person(f"Crm{n}", "Crowd", "", "", f"crm{n}@example.com")) for n in range(4)))
    for turn in range(5):
        for _ in range(2):
            kind, details = chance.choice(TROUBLES)
            both.crm.fault(kind, nth=chance.randint(1, 7), **details)
        both.run()
        both.wait(2000)
        for person in both.mailbox.contacts()[:1]:
            both.mailbox.edit(person["givenName"], jobTitle=f"Turn {turn}")
        both.crm.edit(both.id_of("Crm0"), city=f"Turn {turn}")
        if turn == 2:
            both.mailbox.remove("Mail4")
            both.crm.api.remove(both.crm.user, both.id_of("Crm3"))
    both.sandbox.faults.clear()
    both.wait(2000)
    both.settle()
    both.settle()
    assert both.people() == both.mailbox.people()
    assert sorted(one.given for one in both.people().elements()) == [
        *("Crm0", "Crm1", "Crm2", "Mail0", "Mail1", "Mail2", "Mail3", "Plain"),
    ]
