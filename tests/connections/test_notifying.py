"""Who is told of what, and when: once a day at most, and only as long as it lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.core import mail
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from connections import tasks
from connections.engine.leases import claim
from connections.host import SystemClock
from connections.models import (
    Account,
    AccountState,
    Cause,
    Change,
    Connection,
    Membership,
    Notification,
    NotificationChoice,
    NotificationState,
    Pair,
    Role,
    Run,
    Tenant,
    User,
)
from connections.services import choosing, inviting, notifying, sending, stopping
from tests.factories import make_account, make_connection, make_folder, make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
_numbers = count(1)


@dataclass
class Clock:
    moment: datetime = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday

    def __call__(self) -> datetime:
        return self.moment

    def pass_(self, **time: float) -> None:
        self.moment += timedelta(**time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(timezone, "now", found)
    return found


@pytest.fixture(autouse=True)
def mailing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "mail_is_set_up", lambda: True)


def join(tenant: Tenant, role: str) -> User:
    user = User.objects.create_user(f"{role}-{next(_numbers)}@example.com")
    Membership.objects.create(tenant=tenant, user=user, role=role)
    return user


@dataclass
class World:
    """A tenant with people of each role, and a connection of an editor's account and one of nobody."""

    tenant: Tenant
    owner: User
    editor: User
    viewer: User
    account: Account
    connection: Connection

    @classmethod
    def make(cls) -> World:
        tenant = make_tenant(created_at=datetime(2026, 1, 1, tzinfo=UTC))
        owner, editor, viewer = (join(tenant, role) for role in (Role.OWNER, Role.EDITOR, Role.VIEWER))
        account = make_account(tenant, owner=editor)
        connection = make_connection(make_folder(account), make_folder(make_account(tenant)))
        return cls(tenant, owner, editor, viewer, account, connection)

    def lose(self, account: Account | None = None) -> int:
        rows = Account.objects.filter(pk=(account or self.account).pk)
        return rows.update(state=AccountState.NEEDS_AUTHORISATION, reason="Karla Kolumna was refused")

    def cure(self) -> None:
        Account.objects.update(state=AccountState.ACTIVE)

    def run(self, state: str, lines: int = 3, **values: Any) -> Run:
        run = Run.objects.create(
            tenant=self.tenant, connection=self.connection, kind="incremental", state=state,
            started_at=timezone.now(), ended_at=timezone.now(), message="Karla Kolumna", **values,
        )  # fmt: skip
        for number in range(lines):
            Change.objects.create(
                tenant=self.tenant, connection=self.connection, run=run, kind="create", sort="create", side="b",
                target_folder=self.connection.folder_b, marker=f"m-{run.pk}-{number}", state="proposed",
                title="Karla Kolumna",
            )  # fmt: skip
        return run

    def fail(self, number: int) -> None:
        pair = {"connection": self.connection, "health": "failed", "reason": "Karla Kolumna is too long"}
        Pair.objects.bulk_create([Pair(**pair, title="Karla Kolumna") for _ in range(number)])


@pytest.fixture
def world(db: None, clock: Clock) -> World:
    return World.make()


class Broken:
    """A mail server that takes nothing."""

    def __init__(self, error: Exception) -> None:
        self.error, self.asked = error, 0

    def __call__(self, row: Notification) -> Broken:
        return self

    def send(self) -> None:
        self.asked += 1
        raise self.error


def told() -> list[tuple[str, str]]:
    """To whom and of what mails went out since last asked."""
    found = sorted((message.to[0].partition("-")[0], str(message.subject)) for message in mail.outbox)
    mail.outbox.clear()
    return found


def people_told() -> list[str]:
    return [who for who, _ in told()]


# ---- who


def test_whoever_connected_an_account_is_told_that_it_is_lost(world: World) -> None:
    world.lose()
    assert notifying.notify() == "1 noted, 1 sent"
    [message] = mail.outbox
    assert message.to == [world.editor.email]
    assert message.subject == f"{world.tenant}: connect {world.account.name} again"
    assert f"/tenants/{world.tenant.slug}/accounts/{world.account.pk}/connect/" in message.body


def test_of_an_account_that_is_nobodys_the_owners_are_told(world: World) -> None:
    world.lose(world.connection.folder_b.account)
    notifying.notify()
    assert people_told() == ["owner"]


def test_an_account_that_no_connection_needs_is_nobodys_worry(world: World) -> None:
    world.lose(make_account(world.tenant, owner=world.editor))
    Connection.objects.update(deleted_at=timezone.now())
    world.lose()
    assert notifying.notify() == "0 noted, 0 sent"


def test_of_a_colleagues_account_only_who_asked_and_may_connect_it(world: World) -> None:
    for user in (world.owner, world.viewer):
        NotificationChoice.objects.create(tenant=world.tenant, user=user, cause=Cause.COLLEAGUE, on=True)
    world.lose()
    notifying.notify()
    assert people_told() == ["editor", "owner"]


CAUSES: dict[str, Callable[[World], Any]] = {
    "held": lambda world: world.run("held"),
    "empty": lambda world: world.run("held", 0, held={"empty": "one side"}),
    "plan": lambda world: (world.run("planned"), Run.objects.update(ended_at=timezone.now() - timedelta(hours=2))),
    "failures": lambda world: world.fail(11),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_owners_and_editors_are_told_of_what_waits_and_fails(world: World, cause: str) -> None:
    CAUSES[cause](world)
    notifying.notify()
    says = {
        "held": "holds back 3 changes",
        "empty": "suddenly empty",
        "plan": "3 changes that nobody",
        "failures": "11 con",
    }
    assert says[cause] in mail.outbox[0].body
    assert people_told() == ["editor", "owner"]
    row = Notification.objects.first()
    assert row is not None
    assert row.facts["count"] == {"held": 3, "empty": 0, "plan": 3, "failures": 11}[cause]


@pytest.mark.parametrize("cause", CAUSES)
def test_of_private_accounts_only_their_owner_and_the_tenants_owners_are_told(world: World, cause: str) -> None:
    join(world.tenant, Role.EDITOR)
    Account.objects.filter(pk=world.account.pk).update(shared=False)
    CAUSES[cause](world)
    notifying.notify()
    assert sorted(message.to[0] for message in mail.outbox) == [world.editor.email, world.owner.email]


@pytest.mark.parametrize("cause", CAUSES)
def test_no_mail_and_no_fact_holds_anything_of_a_contact(world: World, cause: str, clock: Clock) -> None:
    CAUSES[cause](world)
    world.lose()
    notifying.notify()
    clock.moment = datetime(2026, 3, 9, 9, tzinfo=UTC)
    notifying.notify()
    assert len(mail.outbox) >= 4
    everything = [*map(str, Notification.objects.values_list("facts", flat=True))]
    for message in mail.outbox:
        parts = [part.get_payload(decode=True) for part in message.message().walk() if not part.is_multipart()]
        assert len(parts) == 2
        everything += [str(message.subject), *(part.decode() for part in parts if isinstance(part, bytes))]
    assert len(everything) > 12
    assert not [text for text in everything if "Karla" in text or "Kolumna" in text]


QUIET: dict[str, Callable[[World], Any]] = {
    "decided": lambda world: (world.run("held"), Change.objects.update(state="rejected")),
    "emptiness accepted": lambda world: world.run("held", 0, held={"empty": "one side", "accepted": True}),
    "fresh plan": lambda world: world.run("planned"),
    "looks only": lambda world: (CAUSES["plan"](world), Connection.objects.update(look_only=True)),
    "few failures": lambda world: world.fail(10),
    "overtaken": lambda world: (world.run("held"), world.run("done", 0)),
    "an undo to look at": lambda world: (world.run("planned", 0), Run.objects.update(kind="undo")),
    "paused": lambda world: (world.run("held"), Connection.objects.update(paused_reason="holidays")),
    "switched off": lambda world: (world.run("held"), Connection.objects.update(enabled=False)),
    "deleted": lambda world: (world.run("held"), Connection.objects.update(deleted_at=timezone.now())),
    "stopped tenant": lambda world: (world.lose(), world.run("held"), stopping.stop("x", tenant=world.tenant)),
    "stopped app": lambda world: (world.lose(), world.run("held"), stopping.stop("x", app="carddav")),
    "stopped connection": lambda world: (world.run("held"), stopping.stop("x", connection=world.connection)),
    "all is stopped": lambda world: (world.lose(), world.run("held"), stopping.stop("x")),
    "nobody left": lambda world: (world.run("held"), Membership.objects.exclude(role=Role.VIEWER).delete()),
    "all deactivated": lambda world: (world.run("held"), User.objects.update(is_active=False)),
}


@pytest.mark.parametrize("why", QUIET)
def test_nobody_is_told_what_needs_nobody(world: World, why: str) -> None:
    QUIET[why](world)
    assert notifying.notify() == "0 noted, 0 sent"


def test_a_run_at_work_does_not_end_what_waits(world: World, clock: Clock) -> None:
    world.run("held")
    notifying.notify()
    assert len(told()) == 2
    world.run("running", 0)
    clock.pass_(days=1)
    notifying.notify()
    assert not Notification.objects.exclude(over_at=None).exists()
    assert told() == []


def test_where_no_mail_is_sent_nothing_is_queued(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "mail_is_set_up", lambda: False)
    world.lose()
    world.run("held")
    assert notifying.notify() == "0 noted, 0 sent"
    assert not Notification.objects.exists()


def test_one_worker_at_a_time_looks(world: World) -> None:
    world.lose()
    lease = claim("notifications", "another:1:a", SystemClock())
    assert lease is not None
    assert tasks.notify() == "another worker is at it"
    lease.release()
    assert tasks.notify() == "1 noted, 1 sent"


# ---- when


def test_what_lasts_is_told_again_after_a_week(world: World, clock: Clock) -> None:
    world.lose()
    days = []
    for day in range(16):
        for _ in range(3):
            notifying.notify()
            clock.pass_(hours=1)
        days += [day for _, subject in told() if subject.endswith("again")]
        clock.pass_(hours=21)
    assert days == [0, 7, 14]


ENDS: dict[str, Callable[[World], Any]] = {
    "cured": lambda world: world.cure(),
    "left": lambda world: Membership.objects.filter(user=world.editor).delete(),
    "deactivated": lambda world: User.objects.filter(pk=world.editor.pk).update(is_active=False),
    "choice": lambda world: choosing.choose(Membership.objects.get(user=world.editor), []),
    "stopped": lambda world: stopping.stop("an outage", tenant=world.tenant),
    "another's now": lambda world: Account.objects.update(owner=world.owner),
}


@pytest.mark.parametrize("why", ENDS)
def test_what_ended_before_its_mail_left_is_not_sent(world: World, why: str) -> None:
    world.lose()
    assert notifying.note(timezone.now()) == 1
    ENDS[why](world)
    assert sending.send_due(timezone.now(), notifying.is_wanted) == 0
    assert Notification.objects.get().state == NotificationState.UNNEEDED
    assert told() == []


def test_what_ended_unsent_and_comes_again_on_the_same_day_is_told(world: World, clock: Clock) -> None:
    world.lose()
    notifying.note(timezone.now())
    world.cure()
    notifying.notify()
    assert Notification.objects.get().state == NotificationState.UNNEEDED
    world.lose()
    clock.pass_(hours=1)
    assert notifying.notify() == "1 noted, 1 sent"
    assert Notification.objects.count() == 1


def test_what_was_cured_and_comes_again_is_told_on_another_day(world: World, clock: Clock) -> None:
    for hour in range(20, 30):  # over midnight
        clock.moment = datetime(2026, 3, 4, tzinfo=UTC) + timedelta(hours=hour)
        world.lose()
        notifying.notify()
        world.cure()
        notifying.notify()
    assert [row.day.day for row in Notification.objects.filter(state="sent").order_by("pk")] == [4, 5]
    assert len(told()) == 2


def test_a_mail_that_comes_a_day_late_counts_for_that_day(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, server = sending.mail, Broken(ConnectionRefusedError())
    monkeypatch.setattr(sending, "mail", server)
    world.lose()
    notifying.notify()
    assert server.asked == 1
    monkeypatch.setattr(sending, "mail", real)
    clock.pass_(days=1)
    assert notifying.notify() == "0 noted, 1 sent"
    world.cure()
    notifying.notify()
    world.lose()
    assert notifying.notify() == "0 noted, 0 sent"
    assert len(told()) == 1


def test_a_look_costs_the_same_however_many_connections_there_are(world: World) -> None:
    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            assert notifying.note(timezone.now()) == 0
        return len(queries)

    world.run("held")
    world.lose()
    notifying.notify()
    few = cost()
    for _ in range(6):
        more = World.make()
        more.run("held")
        more.fail(20)
        more.lose()
    notifying.notify()
    assert cost() == few
    assert few < 20


STEPS = st.lists(st.sampled_from(["lose", "cure", "look", "hour", "day", "down", "up", "die"]), min_size=4, max_size=40)


@given(steps=STEPS)
@effort(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_it_comes_and_goes_nobody_gets_two_mails_of_one_cause_a_day(
    steps: list[str], clock: Clock, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.moment = Clock.moment
    Connection.every.all().delete()
    Tenant.objects.all().delete()
    mail.outbox = []
    world, sent, trouble = World.make(), [], ""
    real = sending.mail

    class Letter:  # the mail server, which is down for a while, or takes the mail just before the worker dies
        def __init__(self, row: Notification) -> None:
            self.row = row

        def send(self) -> None:
            if trouble == "down":
                raise ConnectionRefusedError
            sent.append((self.row.user_id, self.row.cause, self.row.key, timezone.localdate()))
            real(self.row).send()
            if trouble == "die":
                raise KeyboardInterrupt

    monkeypatch.setattr(sending, "mail", Letter)
    for step in [*steps, "up", "lose", "look"]:
        match step:
            case "lose":
                world.lose()
            case "cure":
                world.cure()
            case "hour":
                clock.pass_(hours=1)
            case "day":
                clock.pass_(days=1)
            case "down" | "up" | "die":
                trouble = step
            case "look":
                try:
                    notifying.notify()
                except KeyboardInterrupt:
                    clock.pass_(minutes=11)
    assert len(sent) == len(set(sent)) == len(mail.outbox)
    lost = [row for row in sent if row[1] != Cause.DIGEST]
    assert {row[:3] for row in lost} <= {(world.editor.pk, "account", f"account:{world.account.pk}")}
    if not {"down", "die", "cure"} & set(steps):
        assert lost


@pytest.mark.django_db(transaction=True)
def test_two_workers_tell_everybody_once() -> None:
    """Without the lease that usually keeps them apart: what holds is the database."""
    worlds = [World.make() for _ in range(5)]
    for world in worlds:
        world.lose()
        world.run("held")
    now, turn, sent = timezone.now(), threading.Barrier(2), []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            turn.wait(20)
            for _ in range(3):
                notifying.note(now)
            turn.wait(20)
            sent.append(sending.send_due(timezone.now(), notifying.is_wanted))
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    keys = list(Notification.objects.values_list("user", "cause", "key"))
    assert len(keys) == len(set(keys)) == 15  # of each: the editor of both, the owner of the run
    assert sum(sent) == len(mail.outbox) == 15


# ---- the digest


def monday(hour: int, **more: float) -> datetime:
    return datetime(2026, 3, 9, hour, tzinfo=UTC) + timedelta(**more)


def test_owners_get_a_digest_once_a_week(world: World, clock: Clock) -> None:
    world.fail(2)
    hours = []
    clock.moment = monday(0)
    for _ in range(24 * 8):
        notifying.notify()
        hours += [(clock.moment.day, clock.moment.hour, who) for who, _ in told()]
        clock.pass_(hours=1)
    assert hours == [(9, 8, "owner"), (16, 8, "owner")]
    [connection] = Notification.objects.filter(cause=Cause.DIGEST)[0].facts["connections"]
    assert (connection["name"], connection["contacts"]) == (world.connection.name, {"failed": 2})


def test_a_digest_counts_what_its_reader_sees(world: World, clock: Clock) -> None:
    Account.objects.filter(pk=world.account.pk).update(shared=False)
    open_one = make_connection(make_folder(make_account(world.tenant)))
    NotificationChoice.objects.create(tenant=world.tenant, user=world.viewer, cause=Cause.DIGEST, on=True)
    clock.moment = monday(8)
    notifying.notify()
    facts = {row.user: {one["name"] for one in row.facts["connections"]} for row in Notification.objects.all()}
    assert facts == {world.owner: {world.connection.name, open_one.name}, world.viewer: {open_one.name}}


@pytest.mark.parametrize(
    "change",
    [
        lambda world: stopping.stop("x", tenant=world.tenant),
        lambda world: Connection.objects.update(deleted_at=monday(1)),
        lambda world: Tenant.objects.update(created_at=monday(9)),
        lambda world: choosing.choose(Membership.objects.get(user=world.owner), []),
    ],
)
def test_there_is_no_digest_of_nothing_for_nobody(world: World, clock: Clock, change: Any) -> None:
    change(world)
    clock.moment = monday(10)
    assert notifying.notify() == "0 noted, 0 sent"


def test_a_digest_that_is_days_late_is_left_out(world: World, clock: Clock) -> None:
    clock.moment = monday(8, days=2, minutes=1)
    assert notifying.notify() == "0 noted, 0 sent"
    clock.moment = monday(8, days=2)
    assert notifying.notify() == "1 noted, 1 sent"


def test_day_and_hour_are_those_of_the_installation(world: World, clock: Clock, settings: Any) -> None:
    forget: Any = timezone.get_default_timezone.cache_clear  # type: ignore[attr-defined]
    settings.TIME_ZONE, settings.DIGEST_DAY, settings.DIGEST_HOUR = "Europe/Brussels", "sunday", 0
    forget()
    try:
        clock.moment = datetime(2026, 3, 7, 22, 59, tzinfo=UTC)
        assert notifying.notify() == "0 noted, 0 sent"
        clock.pass_(minutes=1)
        assert notifying.notify() == "1 noted, 1 sent"
        assert Notification.objects.get().day.isoformat() == "2026-03-08"
    finally:
        forget()
