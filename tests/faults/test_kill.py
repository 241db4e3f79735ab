"""Real processes that are killed, stopped for longer than their lease, or race each other."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import vobject
from django.conf import settings

from connections.demo import people
from connections.engine.leases import MARGIN
from connections.models import Change, ChangeState, Connection, Lease, Run
from tests.faults.stage import MANAGE, Person, Stage, assert_same, environment, wait_until

pytestmark = [pytest.mark.cluster]
LEASE = 6.0
KILLS = 4
PATIENCE = 120.0


@contextmanager
def process(stage: Stage, *command: str) -> Iterator[subprocess.Popen[str]]:
    """One of the product's processes; killed at the end if it still runs."""
    env = environment(stage.sandbox.url, stage.server.url)
    one = subprocess.Popen(
        [sys.executable, *command],
        env=env,
        cwd=settings.BASE_DIR,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield one
    finally:
        one.kill()
        one.communicate()


def sync(stage: Stage, connection: Connection) -> subprocess.Popen[str]:
    """A run in a process of its own, to its end."""
    with process(stage, MANAGE, "sync", connection.name) as worker:
        said, _ = worker.communicate(timeout=PATIENCE)
        assert worker.returncode == 0, said
    return worker


# ---- killed


def happenings(stage: Stage) -> int:
    """How much the apps have seen so far: requests of the mailbox, and cards in the book."""
    asked = sum(one.account == stage.mailbox.email for one in stage.sandbox.journal.requests())
    return asked + sum(1 for _ in stage.server.directory(stage.book.folder).glob("*.vcf"))


def kill_at(stage: Stage, connection: Connection, moment: int) -> bool:
    """Starts a run and kills it at a moment; False if it was over before that."""
    with process(stage, MANAGE, "sync", connection.name) as worker:
        for _ in wait_until(PATIENCE, pause=0.003):
            if worker.poll() is not None:
                return False
            if happenings(stage) >= moment:
                break
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    Lease.objects.update(expires_at=0)  # whoever holds them is dead; waiting for the end of its leases shows no more
    return True


def emails_of_mailbox(stage: Stage) -> Counter[str]:
    every = (email["address"] for one in stage.mailbox.contacts() for email in one.get("emailAddresses") or ())
    return Counter(map(str.lower, every))


def emails_of_book(stage: Stage) -> Counter[str]:
    cards = map(vobject.readOne, stage.book.cards().values())
    return Counter(line.value.lower() for card in cards for line in card.contents.get("email", ()))


def killed_again_and_again(stage: Stage, seed: int) -> None:
    stage.mailbox.load(*people.outlook_contacts())
    for name, card in people.cards():
        stage.book.put(name.removesuffix(".vcf"), card)
    connection = stage.connect(avoid_duplicates=True)
    start = happenings(stage)
    chance = random.Random(seed)
    moments = sorted(chance.sample(range(5, 260), KILLS))
    kills = [moment for moment in moments if kill_at(stage, connection, start + moment)]
    assert len(kills) >= KILLS - 1
    for _ in wait_until(PATIENCE, pause=1):
        sync(stage, connection)
        if not stage.unsettled() and not waiting(connection):
            break
    # Who has an email is on both sides, once, and all of it arrived; who has none stays where they were.
    everybody = people.people()
    expected = Counter(email for person in everybody for email in person.emails)
    assert emails_of_mailbox(stage) == expected
    assert emails_of_book(stage) == expected
    unknown = [not person.emails for person in everybody]
    assert len(stage.mailbox.contacts()) == len(everybody) - sum(unknown[people.OUTLOOK :])
    assert len(stage.book.cards()) == len(everybody) - sum(unknown[: people.OUTLOOK - people.SHARED])
    changes, writes = Change.objects.count(), stage.mailbox.writes
    sync(stage, connection)
    assert (Change.objects.count(), stage.mailbox.writes) == (changes, writes)


def waiting(connection: Connection) -> int:
    row = Run.objects.filter(connection=connection).latest("id")
    return int(row.counters.get("waiting", 0))


def test_a_worker_that_is_killed_in_the_middle_loses_and_doubles_nothing(stage: Stage) -> None:
    killed_again_and_again(stage, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 7))
def test_a_worker_that_is_killed_at_other_moments_loses_and_doubles_nothing(stage: Stage, seed: int) -> None:
    killed_again_and_again(stage, seed)


# ---- stopped


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize(
    ("moment", "method", "number"),
    [
        pytest.param("before", "PUT", "3", id="before a card"),
        pytest.param("after", "PUT", "3", id="after a card", marks=pytest.mark.slow),
        pytest.param("before", "POST", "1", id="before a batch", marks=pytest.mark.slow),
        pytest.param("after", "POST", "1", id="after a batch"),
    ],
)
def test_a_worker_that_wakes_after_its_lease_writes_nothing_more(
    stage: Stage, moment: str, method: str, number: str
) -> None:
    stage.mailbox.add(*(Person(f"Mail{n}") for n in range(6)))
    stage.book.add(*(Person(f"Card{n}") for n in range(6)))
    connection = stage.connect()
    worker = ["-m", "tests.faults.worker", connection.name, "--lease", str(LEASE)]
    with process(stage, *worker, "--stop", moment, method, number) as late:
        for _ in wait_until(PATIENCE):
            assert late.poll() is None, late.communicate()[0]
            if is_stopped(late.pid):
                break
        for _ in wait_until(LEASE + MARGIN):
            if not Lease.objects.filter(key=f"connection:{connection.pk}", expires_at__gt=stage.clock.now()).exists():
                break
        finish(stage, connection, worker)
        before = seen(stage, connection)
        os.kill(late.pid, signal.SIGCONT)
        said, _ = late.communicate(timeout=PATIENCE)
    assert late.returncode == 1
    assert "taken over" in said or "ran out" in said
    assert seen(stage, connection) == before
    assert_same(stage)
    assert len(stage.book.cards()) == 12
    creates = Change.objects.filter(connection=connection, kind="create", state=ChangeState.DONE)
    assert creates.count() == 12


def finish(stage: Stage, connection: Connection, worker: list[str]) -> None:
    """The successor, started again until nothing is unsettled any more."""
    for _ in wait_until(PATIENCE, pause=1):
        with process(stage, *worker) as successor:
            said, _ = successor.communicate(timeout=PATIENCE)
            assert successor.returncode == 0, said
        if not stage.unsettled() and not waiting(connection):
            return


def seen(stage: Stage, connection: Connection) -> object:
    """All that a late worker could spoil."""
    runs = list(Run.objects.filter(connection=connection).order_by("id").values_list("id", "state", "message"))
    changes = list(Change.objects.filter(connection=connection).order_by("id").values_list("id", "state"))
    return stage.mailbox.writes, stage.book.cards(), runs, changes


# ---- racing


def test_of_two_workers_on_one_connection_each_waits_for_the_other(stage: Stage) -> None:
    stage.mailbox.add(*(Person(f"Mail{n}") for n in range(40)))
    stage.book.add(*(Person(f"Card{n}") for n in range(20)))
    connection = stage.connect()
    command = (MANAGE, "sync", connection.name)
    with process(stage, *command) as one, process(stage, *command) as other:
        for worker in (one, other):
            said, _ = worker.communicate(timeout=PATIENCE)
            assert worker.returncode == 0, said
    assert_same(stage)
    assert len(stage.book.cards()) == len(stage.mailbox.contacts()) == 60
    assert Change.objects.filter(connection=connection, kind="create", state=ChangeState.DONE).count() == 60
    assert stage.mailbox.writes == 20
