"""A small world that is synced, edited and synced again, while the process dies at chosen points and is started anew.

A point is a moment just before or just after a COMMIT or a request. A trial that survives ends as the undisturbed one
does, without a duplicate or a loss, and at rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import IntegrityError

from connections.engine.halts import Busy
from connections.models import Connection, Run
from tests.engine.harness import Bench, comparable, in_app, in_words
from tests.engine.remotes import Manners, MemoryRemote, poor, rich
from tests.engine.world import World

WORDS = ("first", "last", "title", "company", "emails")
LAG = 30.0
LEASE = 4.0  # so short that a successor comes while what its predecessor sent may still be invisible


@dataclass
class Outcome:
    problems: list[str]
    points: int
    state: list[Counter[tuple[object, ...]]]
    names: Sequence[str]


def manners(lagging: bool, idempotent: bool, bulk: bool) -> dict[str, object]:
    late = {"lag": LAG, "find_lag": LAG, "time_out": 15.0} if lagging else {}
    many = {"write_batch": 1, "bulk_creates": (1, 4)} if bulk else {}
    return {"page": 3, "write_batch": 3, "idempotent": idempotent or bulk, **late, **many}


def person(number: int, key: bool = True) -> dict[str, object]:
    """People without an email have nothing to be found again by."""
    found: dict[str, object] = {"first": f"First{number}", "last": f"Last{number}", "title": "Revision 0"}
    return {**found, "emails": [f"user{number}@example.com"]} if key else found


@dataclass
class Trial:
    die_at: Collection[int] = ()
    lagging: bool = False
    idempotent: bool = False
    swapped: bool = False
    bulk: bool = False
    limit: int = 60

    def play(self) -> Outcome:
        self._begin()
        problems: list[str] = []
        try:
            self._settle()
            self._edit()
            self._settle()
        except AssertionError as error:
            problems.append(str(error)[:200])
        except IntegrityError as error:  # a constraint refused a duplicate, again and again
            problems.append(f"stuck: {error}")
        points, names = self.world.crash.count, self.world.crash.names
        self.world.crash.die_at = ()
        if not problems:
            problems = self._check()
        return Outcome(problems, points, self._state(), names)

    # ---- the story

    def _begin(self) -> None:
        self.world = World()
        self.world.crash.die_at = set(self.die_at)
        options = manners(self.lagging, self.idempotent, self.bulk)
        self.a, self.b = rich(self.world, "a", **options), poor(self.world, "b", **options)
        for number in range(5):
            self.a.add(in_app(self.a, person(number, key=number > 1)))
        for number in range(3, 7):
            later = {**person(number, key=number < 6), "title": None, "company": "Acme"}
            self.b.add(in_app(self.b, later))
        self.world.advance(LAG + 1)
        self.bench = Bench(self.world, {"a": self.a, "b": self.b}, lease_seconds=LEASE)
        ends = ("b", "a") if self.swapped else ("a", "b")
        self.connection = self.bench.connect(
            *ends, avoid_duplicates=False, deletions_a_to_b="delete", deletions_b_to_a="delete",
            winner="b" if self.swapped else "a",
        )  # fmt: skip

    def _edit(self) -> None:
        self._set(self.a, 1, title="Revision 1")
        self._set(self.b, 2, title="Revision 1")
        self._set(self.a, 4, title="Revision 1")
        self._set(self.b, 4, title="Revision 2", company="Globex")
        self._set(self.a, 4, emails=["user4@example.com", "added-on-a@example.com"])
        self._set(self.b, 4, emails=["user4@example.com", "added-on-b@example.com"])
        self.a.delete(self.a.id_where(given="First0"))
        self._set(self.a, 3, title="Revision 1")
        if self.lagging:  # the news of B will show our first write of this person after our second one
            self.world.after(LAG / 2, lambda: self._set(self.a, 3, title="Revision 2"))

    def _set(self, remote: MemoryRemote, number: int, **values: object) -> None:
        key = "given" if remote is self.a else "givenName"
        remote.edit(remote.id_where(**{key: f"First{number}"}), "", **in_app(remote, values))

    def _settle(self) -> None:
        """Starts again and again, as the supervisor would, until nothing is left to do."""
        step, calm = (LAG / 3, 5) if self.lagging else (0.1, 1)
        self.bench.until_quiet(self.connection, step=step, calm=calm, limit=self.limit, run=self._run)

    def _run(self, connection: Connection) -> Run | None:
        try:
            row = self.bench.run_mortal(connection)
        except Busy:
            row = None
        if row is None:
            self.world.advance(LEASE / 2)
        return row

    # ---- the end

    def _state(self) -> list[Counter[tuple[object, ...]]]:
        return [
            Counter(
                tuple(str(comparable(word, in_words(remote, values).get(word))) for word in WORDS)
                for values in remote.contents()
            )
            for remote in (self.a, self.b)
        ]

    def _check(self) -> list[str]:
        problems = []
        for remote in (self.a, self.b):
            names = Counter(in_words(remote, values).get("first") for values in remote.contents())
            problems += [f"{name} is {count} times on {remote.name}" for name, count in names.items() if count > 1]
            problems += [f"First{n} is lost on {remote.name}" for n in range(1, 7) if not names[f"First{n}"]]
            problems += [f"{remote.name} went back to an older revision"] * _went_back(remote)
        state = self._state()
        if state[0] != state[1]:
            problems.append("the sides differ")
        self.world.advance(10 * LAG)
        before = self.bench.writes
        row = self.bench.run(self.connection)
        if self.bench.writes != before or row.state != "done":
            problems.append(f"no rest: {row.state} {row.message}")
        return problems


def _went_back(remote: MemoryRemote) -> bool:
    """Whether the title of the person who was edited twice ever became an older one; nobody does that."""
    key, title = ("given", "title") if "title" in remote.catalogue else ("givenName", "jobTitle")
    shown = [
        str(entry.state.values.get(title, ""))
        for entry in remote.shelf().log
        if entry.state and entry.state.values.get(key) == "First3"
    ]
    return shown != sorted(shown)


def survive(trial: Trial, undisturbed: Outcome) -> list[str]:
    """Plays a trial that dies somewhere; what is wrong at its end."""
    outcome = trial.play()
    if outcome.problems:
        return outcome.problems
    return [] if outcome.state == undisturbed.state else ["ends otherwise than the undisturbed run"]


__all__ = ["LAG", "LEASE", "Manners", "Outcome", "Trial", "survive"]
