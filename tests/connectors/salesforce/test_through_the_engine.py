"""A Salesforce organisation and an Outlook mailbox, both in the sandbox, kept the same by the engine."""

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
from connectors.http import Answer, Http
from connectors.salesforce import bulk
from connectors.sandbox import Sandbox
from tests.connectors.salesforce.conftest import Account
from tests.engine.world import Crash
from tests.factories import make_account, make_connection, make_folder, make_tenant
from tests.faults.stage import Clock, Mailbox, Person, address

SECRETS = ("access_token", "refresh_token")


class Stage:
    def __init__(self, sandbox: Sandbox, account: Account, object: str = "Contact", **options: Any) -> None:
        self.sandbox = sandbox
        self.org = account
        self.object = object
        self.mailbox = Mailbox(sandbox)
        self.clock = Clock()
        tenant = make_tenant()
        held = {name: str(account.secrets[name]) for name in (*SECRETS, "instance_url", "id")}
        salesforce = make_account(
            tenant,
            name="crm",
            app="salesforce",
            login_url=f"{sandbox.url}/salesforce",
            secrets={**held, **account.options, "create_accounts": "yes"},
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
        theirs = make_folder(salesforce, object, name=f"{object}s", path=f"{object}s")
        self.connection = make_connection(mine, theirs, **{"avoid_duplicates": False, **options})

    def run(self, connection: Connection | None = None) -> Run:
        rows = Connection.objects.select_related("folder_a__account", "folder_b__account")
        fresh = rows.get(pk=(connection or self.connection).pk)
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
            self.wait(5)
            self.run()
        assert not Change.objects.filter(state__in=OPEN).exists()

    def people(self) -> Counter[Person]:
        return Counter(
            Person(
                one["FirstName"] or "",
                one["LastName"].replace("[not provided]", ""),
                one["Title"] or "",
                self._company(one),
                (one["Email"] or "").lower(),
            )
            for one in self.org.records(self.object)
        )

    def _company(self, record: dict[str, Any]) -> str:
        if self.object == "Lead":
            return str(record["Company"]).replace("[not provided]", "")
        names = {one["Id"]: one["Name"] for one in self.org.records("Account")}
        return str(names.get(record["AccountId"], ""))

    def id_of(self, given: str) -> str:
        return str(next(one["Id"] for one in self.org.records(self.object) if one["FirstName"] == given))

    @property
    def writes(self) -> int:
        mine = [one for one in self.sandbox.journal.requests() if one.account == self.org.user]
        return sum(one.method != "GET" for one in mine) + self.mailbox.writes


Make = Callable[..., Stage]


@pytest.fixture
def stage(sandbox: Sandbox, settings: Any, transactional_db: None) -> Iterator[Make]:
    settings.ALLOWED_PRIVATE_HOSTS = [address(sandbox.url)]
    settings.APP_SETTINGS = {
        "OUTLOOK_CLIENT_ID": "pairwise",
        "OUTLOOK_SETTLE_AFTER": "1",
        "OUTLOOK_VISIBLE_AFTER": "0",
        "SALESFORCE_CLIENT_ID": "pairwise",
        "SALESFORCE_SETTLE_AFTER": "1",
    }
    accounts: list[Account] = []

    def make(object: str = "Contact", marks: bool = True, **options: Any) -> Stage:
        accounts.append(Account(sandbox, marks=marks))
        return Stage(sandbox, accounts[-1], object, **options)

    yield make
    sandbox.faults.clear()


ANNA = Person("Anna", "Maes", "Buyer", "Acme", "anna@example.com")
BERT = Person("Bert", "Claes", "", "Globex", "bert@example.com")


@pytest.mark.parametrize("object", ["Contact", "Lead"])
def test_two_sides_become_the_same_and_then_nothing_is_written(stage: Make, object: str) -> None:
    both = stage(object, deletions_a_to_b="delete", deletions_b_to_a="delete")
    both.mailbox.add(ANNA, Person("Plato"))
    company = {"Company": "Globex"} if object == "Lead" else {}
    both.org.load(object, {"FirstName": "Bert", "LastName": "Claes", "Email": "bert@example.com", **company})
    both.org.load(object, {"FirstName": "Anna", "LastName": "Maes", "Email": "ANNA@example.com", **company})
    both.settle()
    assert {one.given for one in both.people()} == {"Anna", "Bert", "Plato"}
    assert both.people() == both.mailbox.people()

    both.mailbox.edit("Bert", jobTitle="Chef")
    both.org.edit(both.id_of("Plato"), Email="plato@example.com")
    both.org.api.remove(both.org.user, both.id_of("Anna"))
    both.settle()
    assert both.people() == both.mailbox.people()
    assert {(one.given, one.title, one.email) for one in both.people()} == {
        ("Bert", "Chef", "bert@example.com"),
        ("Plato", "", "plato@example.com"),
    }

    before = both.writes
    both.settle()
    assert both.writes == before


def test_both_sides_of_a_conflict_in_different_fields_keep_their_edits(stage: Make) -> None:
    both = stage()
    both.mailbox.add(ANNA)
    both.settle()
    both.mailbox.edit("Anna", jobTitle="Director")
    both.org.edit(both.id_of("Anna"), Email="new@example.com")
    both.settle()
    assert both.people() == both.mailbox.people() == {Person("Anna", "Maes", "Director", "Acme", "new@example.com"): 1}


def test_a_merge_in_salesforce_deletes_nobody_in_the_mailbox(stage: Make) -> None:
    both = stage(deletions_a_to_b="delete", deletions_b_to_a="delete")
    both.mailbox.add(ANNA, BERT)
    both.settle()
    both.org.api.merge(both.org.user, both.id_of("Anna"), both.id_of("Bert"))
    both.settle()
    assert {one.given for one in both.mailbox.people()} == {"Anna", "Bert"}
    assert {one.given for one in both.people()} == {"Anna"}
    surplus = Pair.objects.get(connection=both.connection, title__startswith="Bert")
    assert (surplus.health, "merged into Anna" in surplus.reason) == ("review", True)


def test_of_a_customer_no_lead_is_made_which_is_said_and_does_not_hold_up_the_others(stage: Make) -> None:
    both = stage("Lead")
    both.org.load("Contact", {"LastName": "Maes", "Email": ANNA.email})
    both.mailbox.add(ANNA, BERT)
    both.settle()
    assert {one.given for one in both.people()} == {"Bert"}
    customer = Pair.objects.get(connection=both.connection, title__startswith="Anna")
    assert (customer.health, "is a contact in Salesforce already" in customer.reason) == ("excluded", True)
    before = both.writes
    both.settle()
    assert both.writes == before
    both.mailbox.edit("Anna", jobTitle="Director", emailAddresses=[{"address": "private@example.com"}])
    both.settle()
    assert {one.given for one in both.people()} == {"Anna", "Bert"}


def test_a_conversion_deletes_nobody_in_the_mailbox(stage: Make) -> None:
    both = stage("Lead", deletions_a_to_b="delete", deletions_b_to_a="delete")
    both.mailbox.add(ANNA)
    both.settle()
    both.org.api.convert(both.org.user, both.id_of("Anna"))
    both.settle()
    assert both.mailbox.people() == {ANNA: 1}
    assert [one["FirstName"] for one in both.org.records("Contact")] == ["Anna"]
    assert len(both.org.records("Lead")) == 1


@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_create_whose_answer_is_lost_makes_one_record(stage: Make, marks: bool, when: str) -> None:
    both = stage(marks=marks)
    both.mailbox.add(ANNA, BERT)
    both.org.fault("drop", path="composite/sobjects$", when=when)
    both.settle()
    both.settle()
    assert both.people() == both.mailbox.people() == {ANNA: 1, BERT: 1}


@pytest.mark.parametrize("when", ["", "before", "after"])
def test_very_many_new_people_come_in_one_job_and_once(stage: Make, settings: Any, when: str) -> None:
    settings.APP_SETTINGS = {**settings.APP_SETTINGS, "SALESFORCE_BULK_ABOVE": "204"}
    both = stage(guard_creates_least=1000)
    both.mailbox.add(*(Person(f"First{number}", f"Last{number}") for number in range(205)))
    if when:
        both.org.fault("drop", path="jobs/ingest/[^/]+$", when=when)
    both.settle()
    assert both.people() == both.mailbox.people()
    asked = Counter(one.method for one in both.sandbox.journal.requests() if one.account == both.org.user)
    jobs = [one for one in both.sandbox.journal.requests() if one.account == both.org.user and "/jobs/" in one.path]
    assert sum(one.method == "POST" for one in jobs) == (2 if when == "before" else 1)
    assert asked["POST"] == sum(one.method == "POST" for one in jobs)


def test_a_job_that_takes_hours_is_waited_for_and_nothing_is_sent_again(stage: Make, settings: Any) -> None:
    settings.APP_SETTINGS = {**settings.APP_SETTINGS, "SALESFORCE_BULK_ABOVE": "204"}
    both = stage(guard_creates_least=1000)
    both.mailbox.add(*(Person(f"First{number}", f"Last{number}") for number in range(205)))
    both.org.api.set_switches(both.org.user, bulk_seconds=7200)
    both.run()
    before = both.writes
    for _ in range(3):
        both.wait(600)
        run = both.run()
        assert (run.state, run.message, run.counters["waiting"]) == ("done", bulk.LATE, 205)
    assert both.writes == before
    assert both.people() == {}
    both.wait(7200)
    both.settle()
    assert both.writes == before
    assert both.people() == both.mailbox.people()


@pytest.mark.parametrize(
    ("last", "seconds"),
    [
        ("POST jobs/ingest", 30),
        ("PUT batches", 30),
        ("PATCH jobs/ingest/", 30),
        ("GET jobs/ingest/", 3600),
        ("GET successfulResults", 0),
    ],
)
def test_a_process_that_dies_around_a_job_leaves_nobody_twice_and_nobody_out(
    stage: Make, settings: Any, monkeypatch: pytest.MonkeyPatch, last: str, seconds: int
) -> None:
    """`last`: the request after whose answer it dies; nothing of a dead process is written or sent any more."""
    settings.APP_SETTINGS = {**settings.APP_SETTINGS, "SALESFORCE_BULK_ABOVE": "204"}
    both = stage(guard_creates_least=1000)
    both.mailbox.add(*(Person(f"First{number}", f"Last{number}") for number in range(205)))
    both.org.api.set_switches(both.org.user, bulk_seconds=seconds)
    method, part = last.split()
    real = Http.request

    def mortal(http: Http, verb: str, url: str, **options: Any) -> Answer:
        answer = real(http, verb, url, **options)
        if verb == method and part in url:
            raise Crash(last)
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(Http, "request", mortal)
        with pytest.raises(Crash):
            both.run()
    assert Change.objects.filter(state__in=OPEN).count() == 205
    both.wait(100)
    for _ in range(3):
        both.run()
        both.wait(1300)
    both.settle()
    assert both.people() == both.mailbox.people()


@pytest.mark.parametrize("marks", [True, False])
def test_who_has_only_a_name_is_made_once_too(stage: Make, marks: bool) -> None:
    both = stage(marks=marks)
    nameless = Person("Plato", "")
    both.mailbox.add(nameless)
    both.org.fault("drop", path="composite/sobjects$", when="after")
    both.settle()
    both.settle()
    assert both.people() == both.mailbox.people() == {nameless: 1}


def test_what_a_rule_of_the_organisation_refuses_is_said_at_the_contact_and_the_others_go_on(stage: Make) -> None:
    both = stage()
    rule = {"object": "Contact", "field": "Title", "forbidden": "Buyer", "message": "No buyers."}
    both.org.api.set_switches(both.org.user, validation_rules=[rule])
    both.mailbox.add(ANNA, BERT)
    both.settle()
    assert {one.given: one.title for one in both.people()} == {"Anna": "", "Bert": ""}
    assert {one.given: one.title for one in both.mailbox.people()} == {"Anna": "Buyer", "Bert": ""}
    reasons = {change.reason for change in Change.objects.filter(state="refused")}
    assert reasons == {"A validation rule of the organisation refuses it: No buyers."}


TROUBLES: list[tuple[str, dict[str, Any]]] = [
    ("drop", {"when": "after"}),
    ("drop", {"when": "before"}),
    ("error", {"status": 500, "when": "after"}),
    ("error", {"status": 503}),
    ("error", {"status": 502, "html": True}),
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
    people = [{"FirstName": f"Crm{n}", "LastName": "Crowd", "Email": f"crm{n}@example.com"} for n in range(4)]
    both.org.load("Contact", *people)
    for turn in range(5):
        for _ in range(2):
            kind, details = chance.choice(TROUBLES)
            both.org.fault(kind, nth=chance.randint(1, 7), **details)
        both.run()
        both.wait(2000)
        for person in both.mailbox.contacts()[:1]:
            both.mailbox.edit(person["givenName"], jobTitle=f"Turn {turn}")
        for record in both.org.records("Contact")[-1:]:
            both.org.edit(record["Id"], Department=f"Turn {turn}")
        if turn == 2:
            both.mailbox.remove("Mail4")
            both.org.api.remove(both.org.user, both.id_of("Crm3"))
    both.sandbox.faults.clear()
    both.wait(2000)
    both.settle()
    both.settle()
    assert both.people() == both.mailbox.people()
    assert sorted(one.given for one in both.people().elements()) == [
        *("Crm0", "Crm1", "Crm2", "Mail0", "Mail1", "Mail2", "Mail3", "Plain"),
    ]


@pytest.mark.parametrize("contacts_first", [True, False])
def test_a_lead_without_email_that_is_converted_is_nobody_new(stage: Make, contacts_first: bool) -> None:
    leads = stage("Lead", deletions_b_to_a="delete")
    folder = make_folder(leads.connection.folder_b.account, "Contact", name="Contacts", path="Contacts")
    contacts = make_connection(leads.connection.folder_a, folder, avoid_duplicates=False, deletions_b_to_a="delete")
    anna = Person("Anna", "Maes", "Buyer", "Acme")
    leads.org.load("Lead", {"FirstName": "Anna", "LastName": "Maes", "Title": "Buyer", "Company": "Acme"})
    leads.settle()
    assert leads.mailbox.people() == {anna: 1}
    leads.org.api.convert(leads.org.user, leads.id_of("Anna"))
    order = [contacts, leads.connection] if contacts_first else [leads.connection, contacts]
    for _ in range(3):
        leads.wait(5)
        for connection in order:
            leads.run(connection)
    assert leads.mailbox.people() == {anna: 1}
    leads.mailbox.edit("Anna", jobTitle="Director")
    leads.wait(5)
    leads.run(contacts)
    assert [one["Title"] for one in leads.org.records("Contact")] == ["Director"]
