"""The whole engine against a model: people edit at random on two or three apps that misbehave, and in the end everybody
is on every side exactly once, with the values that the model says.

A person in the model is known by the first name, which nobody ever edits. Every edit writes a new text that never
occurs twice, so that a lost value can be told from an overwritten one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from connections.engine.halts import Busy
from connections.models import Change, Connection, Pair, Run
from tests.engine.crashes import LAG
from tests.engine.harness import Bench, in_app, in_words
from tests.engine.remotes import Fate, Fault, MemoryRemote, Versions, poor, rich
from tests.engine.world import World

TEXTS = ("title", "company", "note")
STEP = 20.0


@dataclass
class Person:
    """What the model remembers: every text that a person ever wrote into a field, and whether somebody deleted them."""

    first: str
    written: dict[str, list[str]] = field(default_factory=dict)
    emails: set[str] = field(default_factory=set)
    deleted: bool = False


class Machine(RuleBasedStateMachine):
    """Rules are what people and apps do; `settle` is the check."""

    names: Sequence[str] = ("a", "b")
    ends: Sequence[tuple[str, str]] = (("a", "b"),)

    @initialize(
        lagging=st.booleans(),
        idempotent=st.booleans(),
        conditional=st.booleans(),
        versions=st.sampled_from([Versions.GOOD, Versions.NOT_ON_WRITE, Versions.FLAKY]),
        reads_apart=st.booleans(),
        shows_markers=st.booleans(),
    )
    def begin(self, lagging: bool, versions: Versions, **manners: bool) -> None:
        self.world = World()
        late = {"lag": LAG, "find_lag": LAG, "time_out": 10.0} if lagging else {"time_out": 10.0}
        options: dict[str, Any] = {"page": 3, "write_batch": 3, **late, **manners}
        makes = {"a": rich, "b": poor, "c": rich}
        self.remotes = {name: makes[name](self.world, name, **options) for name in self.names}
        self.remotes["b"].manners.versions = versions
        self.bench = Bench(self.world, dict(self.remotes), lease_seconds=15.0)
        self.connections = [
            self.bench.connect(
                *pair, deletions_a_to_b="delete", deletions_b_to_a="delete", guard_deletes_least=1000,
                guard_blanks_least=1000,
            )
            for pair in self.ends
        ]  # fmt: skip
        self.people: dict[str, Person] = {}
        self.serial = 0
        keeper = self.remotes["a"]
        for number in range(2):  # so that nobody can empty a side, which would hold the run
            keeper.add(in_app(keeper, {"first": f"Keeper{number}", "emails": [f"keeper{number}@example.com"]}))

    # ---- people

    def text(self, word: str) -> str:
        self.serial += 1
        return f"{word} {self.serial}"

    def find(self, remote: MemoryRemote, first: str) -> str | None:
        key = "given" if "given" in remote.catalogue else "givenName"
        found = [row.id for row in remote.rows().values() if row.values.get(key) == first]
        return found[0] if found else None

    def app(self, chosen: int) -> MemoryRemote:
        return self.remotes[self.names[chosen % len(self.names)]]

    def somebody(self, chosen: int, remote: MemoryRemote) -> tuple[Person, str] | None:
        living = [person for person in self.people.values() if self.find(remote, person.first)]
        if not living:
            return None
        person = living[chosen % len(living)]
        return person, self.find(remote, person.first) or ""

    @rule(where=st.integers(0, 2), title=st.booleans())
    def add(self, where: int, title: bool) -> None:
        if len(self.people) >= 8:
            return
        remote = self.app(where)
        person = Person(f"Person{len(self.people)}")
        person.emails = {f"{person.first.lower()}@example.com"}
        values: dict[str, Any] = {"first": person.first, "emails": sorted(person.emails)}
        if title:
            values["title"] = self.text("title")
            person.written["title"] = [values["title"]]
        remote.add(in_app(remote, values))
        self.people[person.first] = person

    @rule(where=st.integers(0, 2), who=st.integers(0, 7), word=st.sampled_from(TEXTS))
    def edit(self, where: int, who: int, word: str) -> None:
        remote = self.app(where)
        found = self.somebody(who, remote)
        if found:
            person, record_id = found
            text = self.text(word)
            person.written.setdefault(word, []).append(text)
            remote.edit(record_id, "", **in_app(remote, {word: text}))

    @rule(where=st.integers(0, 2), who=st.integers(0, 7), word=st.sampled_from(TEXTS))
    def clear(self, where: int, who: int, word: str) -> None:
        remote = self.app(where)
        found = self.somebody(who, remote)
        if found:
            found[0].written.setdefault(word, []).append("")
            remote.edit(found[1], "", **in_app(remote, {word: None}))

    @rule(where=st.integers(0, 2), who=st.integers(0, 7))
    def add_email(self, where: int, who: int) -> None:
        remote = self.app(where)
        found = self.somebody(who, remote)
        if found and len(found[0].emails) < 3:
            person, record_id = found
            shown = in_words(remote, remote.values(record_id)).get("emails", [])
            self.serial += 1
            address = f"more{self.serial}@example.com"
            person.emails.add(address)
            remote.edit(record_id, "", **in_app(remote, {"emails": [*shown, address]}))

    @rule(where=st.integers(0, 2), who=st.integers(0, 7))
    def delete(self, where: int, who: int) -> None:
        remote = self.app(where)
        found = self.somebody(who, remote)
        if found:
            found[0].deleted = True
            remote.delete(found[1])

    @rule(where=st.integers(0, 2), who=st.integers(0, 7))
    def touch(self, where: int, who: int) -> None:
        remote = self.app(where)
        found = self.somebody(who, remote)
        if found:
            remote.touch(found[1])

    @rule(where=st.integers(0, 2), who=st.integers(0, 7))
    def tag(self, where: int, who: int) -> None:
        remote = self.app(where)
        found = self.somebody(who, remote)
        if found:
            remote.tag(found[1], "VIP")

    # ---- apps

    @rule(
        where=st.integers(0, 2),
        kind=st.sampled_from(["changes", "write", "write", "find", "read"]),
        fault=st.sampled_from(
            [Fault.LOST_REQUEST, Fault.LOST_RESPONSE, Fault.STORED_500, Fault.UNAVAILABLE, Fault.THROTTLED]
        ),
        skip=st.integers(0, 2),
    )
    def break_a_request(self, where: int, kind: str, fault: Fault, skip: int) -> None:
        self.app(where).break_next(kind, fault, 1, 30.0, skip)

    @rule(where=st.integers(0, 2), delay=st.floats(0.5, 9.0))
    def delay_a_write(self, where: int, delay: float) -> None:
        self.app(where).break_next("write", Fault.LATE, 1, delay)

    @rule(where=st.integers(0, 2), fates=st.lists(st.sampled_from([f for f in Fate if f != Fate.REFUSED]), min_size=1))
    def split_a_batch(self, where: int, fates: list[Fate]) -> None:
        self.app(where).next_batch(*fates[:3])

    @rule(where=st.integers(0, 2))
    def expire(self, where: int) -> None:
        self.app(where).expire_cursors()

    @rule(where=st.integers(0, 2))
    def repeat_pages(self, where: int) -> None:
        self.app(where).repeat_pages()

    # ---- the engine

    @rule(which=st.integers(0, 2), full=st.booleans(), later=st.sampled_from([0.0, 5.0, STEP, 100.0]))
    def sync(self, which: int, full: bool, later: float) -> None:
        self.run(self.connections[which % len(self.connections)], "full" if full else "incremental")
        self.world.advance(later)

    @rule(which=st.integers(0, 2), after=st.integers(1, 60))
    def die(self, which: int, after: int) -> None:
        crash = self.world.crash
        crash.die_at = {crash.count + after}
        with suppress(Busy):
            self.bench.run_mortal(self.connections[which % len(self.connections)])
        crash.die_at = ()
        self.world.advance(1.0)

    def run(self, connection: Connection, kind: str = "incremental") -> Run | None:
        try:
            return self.bench.run(connection, kind)
        except Busy:
            return None

    # ---- the checks

    @invariant()
    def nobody_is_doubled(self) -> None:
        for remote in getattr(self, "remotes", {}).values():
            names = [in_words(remote, values).get("first") for values in remote.contents()]
            assert len(names) == len(set(names)), f"on {remote.name}: {sorted(map(str, names))}"

    def settle(self) -> None:
        """Faults and edits stop; everything comes to rest, and both sides agree with each other and the model."""
        for remote in self.remotes.values():
            remote.behave()
        self.world.advance(120)
        self.bench.until_quiet(*self.connections, step=STEP, calm=4, limit=40, run=self.run)
        stopped = self.stopped()
        sides = [self.shown(remote) for remote in self.remotes.values()]
        for side in sides[1:]:
            assert {first: shown for first, shown in side.items() if first not in stopped} == {
                first: shown for first, shown in sides[0].items() if first not in stopped
            }
        self.check_against_model(sides[0])
        writes = self.bench.writes
        for connection in self.connections:
            row = self.bench.run(connection)
            assert row.state == "done", row.message
        assert self.bench.writes == writes

    def stopped(self) -> set[str]:
        """People whose sides keep resetting each other; two apps alone never do that, but in a ring a value that goes
        round one way can chase a clearing that goes round the other. It is stopped and shown."""
        pairs = Pair.objects.filter(connection__in=self.connections, reason__contains="keep resetting")
        found = {pair.title.split()[0] for pair in pairs}
        assert len(self.ends) > 2 or not found, found
        return found

    def shown(self, remote: MemoryRemote) -> dict[str, dict[str, Any]]:
        people = [in_words(remote, values) for values in remote.contents()]
        return {
            person["first"]: {
                "emails": sorted(person.get("emails", [])),
                **{word: person.get(word, "") for word in TEXTS},
            }
            for person in people
        }

    def check_against_model(self, side: dict[str, dict[str, Any]]) -> None:
        for person in self.people.values():
            shown = side.get(person.first)
            if shown is None:
                assert person.deleted, f"{person.first} is lost, and nobody deleted them"
                continue
            if not person.deleted:  # else what came back is what the other side had
                assert shown["emails"] == sorted(person.emails), f"emails of {person.first}"
            for word in TEXTS:
                texts = person.written.get(word, [])
                assert shown[word] in ("", *texts), f"{word} of {person.first} was never written by anybody"
                if texts and "" not in texts and not person.deleted:
                    assert shown[word], f"{word} of {person.first} is lost, and nobody cleared it"
                if len(set(texts)) > 1:
                    self.check_history(person, word, shown[word], texts)

    def check_history(self, person: Person, word: str, shown: str, texts: list[str]) -> None:
        """The last text that anybody wrote is shown, or some side overwrote it in a conflict and says so."""
        if person.deleted or shown == texts[-1] or not texts[-1]:
            return
        told = " ".join(
            f"{before} {cause} {patch}"
            for before, cause, patch in Change.objects.filter(
                tenant=self.bench.tenant, title__contains=person.first
            ).values_list("before", "cause", "patch")
        )
        assert texts[-1] in told, f"{word} of {person.first}: {texts[-1]!r} is lost without a trace"

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.settle()


class Ring(Machine):
    names = ("a", "b", "c")
    ends = (("a", "b"), ("b", "c"), ("c", "a"))


def explore(machine: type[Machine], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            phases=[Phase.generate],  # a shorter story is worth less than the time it takes to find one
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_apps_and_people_who_edit_at_random() -> None:
    explore(Machine, 8, 25)


@pytest.mark.django_db(transaction=True)
def test_a_ring_of_three_apps_and_people_who_edit_at_random() -> None:
    explore(Ring, 4, 20)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("machine", [Machine, Ring])
def test_many_more_of_them(machine: type[Machine]) -> None:
    explore(machine, 150, 50)
