"""Stories that need more than two folders, or a look inside: moves between connected folders, webhooks, and causes."""

from __future__ import annotations

import pytest

from connections.engine import setup
from connections.engine.leases import claim
from connections.engine.observe import Observer
from connections.models import Change, ChangeState, Connection, Pair, ToldRecord
from syncrules.specs import Side
from tests.engine.harness import Bench, assert_quiet, in_app, item_of
from tests.engine.remotes import Fate, poor, rich
from tests.engine.world import World

pytestmark = pytest.mark.postgres


def make_bench(**manners: object) -> Bench:
    world = World()
    return Bench(world, {"a": rich(world, "a", **manners), "b": poor(world, "b")})


def anna(bench: Bench, **more: object) -> str:
    remote = bench.remotes["a"]
    return remote.add(in_app(remote, {"first": "Anna", "emails": ["anna@example.com"], **more}))


def bystanders(bench: Bench) -> None:
    for number in range(3):
        remote = bench.remotes["a"]
        remote.add(in_app(remote, {"first": f"P{number}", "emails": [f"p{number}@example.com"]}))


@pytest.mark.django_db
@pytest.mark.parametrize("deletions", ["keep", "delete"])
def test_a_record_that_moves_to_a_connected_folder_takes_its_partner_along(deletions: str) -> None:
    bench = make_bench()
    moved = anna(bench, title="Assistant")
    bystanders(bench)
    options = {"deletions_a_to_b": deletions, "direction": "a_to_b"}
    one = bench.connect("a", "b", **options)
    other = bench.connect_folders("a", "elsewhere", "b", "contacts", **options)
    bench.until_quiet(one, other)
    bench.remotes["a"].move(moved, "elsewhere")
    bench.until_quiet(one, other)
    bench.remotes["a"].edit(moved, "elsewhere", title="Director")
    bench.until_quiet(one, other)
    target = bench.remotes["b"]
    assert [row.values.get("jobTitle") for row in target.rows().values() if row.values["givenName"] == "Anna"] == [
        "Director"
    ]
    assert_quiet(bench, one, other)


@pytest.mark.django_db
@pytest.mark.parametrize(("contacts_first", "converts"), [(True, False), (True, True), (False, False), (False, True)])
def test_a_converted_lead_takes_its_partner_along_to_the_contact_it_became(
    contacts_first: bool, converts: bool
) -> None:
    """If the contact is seen before the lead's conversion is, only a key can tell, or the app."""
    bench = make_bench(converts=converts)
    lead = anna(bench, title="Assistant", emails=["anna@example.com"] if contacts_first and not converts else [])
    bystanders(bench)
    options = {"deletions_a_to_b": "delete", "direction": "a_to_b", "avoid_duplicates": False}
    leads = bench.connect("a", "b", **options)
    contacts = bench.connect_folders("a", "elsewhere", "b", "contacts", **options)
    bench.until_quiet(leads, contacts)
    contact = bench.remotes["a"].convert(lead, "elsewhere")
    bench.remotes["a"].edit(contact, "elsewhere", title="Director")
    order = (contacts, leads) if contacts_first else (leads, contacts)
    bench.until_quiet(*order)
    annas = [row.values for row in bench.remotes["b"].rows().values() if row.values["givenName"] == "Anna"]
    assert [values.get("jobTitle") for values in annas] == ["Director"]
    assert_quiet(bench, leads, contacts)


@pytest.mark.django_db
def test_a_lead_that_was_converted_into_an_unconnected_contact_is_left_alone_with_the_reason() -> None:
    bench = make_bench()
    lead = anna(bench, title="Assistant")
    bystanders(bench)
    connection = bench.connect("a", "b", deletions_a_to_b="delete")
    bench.until_quiet(connection)
    bench.remotes["a"].convert(lead, "elsewhere")
    bench.until_quiet(connection)
    pair = Pair.objects.get(connection=connection, item_a__remote_id=lead)
    assert (pair.health, "converted on a" in pair.reason) == ("excluded", True)
    assert len(bench.remotes["b"].contents()) == 4


@pytest.mark.django_db
def test_a_webhook_during_a_listing_is_not_overwritten_by_the_older_page() -> None:
    bench = make_bench()
    record = anna(bench, title="Assistant")
    bystanders(bench)
    connection = bench.connect()
    bench.until_quiet(connection)
    remote = bench.remotes["a"]
    remote.expire_cursors()
    read: list[str] = []

    def person_and_webhook(name: str) -> None:
        """Between the app making the page and us reading it, the record changes and a webhook makes us read it."""
        if name == "a changes" and not read:
            read.append(name)
            bench.world.advance(1)
            remote.edit(record, "", title="Director")
            refresh(bench, connection, record)
            bench.world.advance(1)

    remote.made_pages.append(person_and_webhook)
    bench.run(connection)
    assert item_of(connection, "a", record).record["title"] == "Director"
    bench.until_quiet(connection)
    assert bench.remotes["b"].contents()[0]["jobTitle"] == "Director"


@pytest.mark.django_db
def test_records_that_the_app_told_of_are_read_though_its_change_feed_is_behind() -> None:
    bench = make_bench(lag=30.0, ordered=True)
    record = anna(bench, title="Assistant")
    bystanders(bench)
    connection = bench.connect()
    bench.world.advance(60)
    bench.until_quiet(connection)
    remote, folder = bench.remotes["a"], connection.folder_a
    remote.edit(record, "", title="Director")
    new = remote.add(in_app(remote, {"first": "Ben", "emails": ["ben@example.com"]}))
    gone = next(item for item in folder.items.values_list("remote_id", flat=True) if item not in (record, new))
    remote.delete(gone)
    bench.run(connection)
    assert sorted(row.get("jobTitle", "") for row in bench.remotes["b"].contents()) == ["", "", "", "Assistant"]
    ToldRecord.objects.bulk_create([ToldRecord(folder=folder, remote_id=one) for one in (record, new, gone)])
    bench.run(connection)
    assert not ToldRecord.objects.exists()
    assert sorted(row.get("jobTitle", "") for row in bench.remotes["b"].contents()) == ["", "", "", "", "Director"]
    assert item_of(connection, "a", gone).departed == "deleted"
    bench.world.advance(60)
    bench.until_quiet(connection)
    assert_quiet(bench, connection)


def refresh(bench: Bench, connection: Connection, remote_id: str) -> None:
    fresh = Connection.objects.get(pk=connection.pk)
    plant = setup.build(fresh, {"a": bench.remotes["a"], "b": bench.remotes["b"]})
    part = plant.parts[Side.A]
    lease = claim("webhook", "another worker", bench.world)
    assert lease is not None
    Observer(part.folder, part.connector, part.intake, lease, bench.world, part.fields).refresh([remote_id])


@pytest.mark.django_db
def test_every_write_names_its_rule_and_its_mapping() -> None:
    bench = make_bench()
    record = anna(bench, title="Assistant")
    connection = bench.connect()
    bench.until_quiet(connection)
    bench.remotes["a"].edit(record, "", title="Director")
    bench.until_quiet(connection)
    changes = Change.objects.filter(connection=connection, state=ChangeState.DONE).order_by("id")
    create, update = changes
    assert create.why["rules"] == ["Everything"]
    assert update.why["mappings"] == ["Job title: changed on a"]
    assert (update.before, update.after) == ('{"jobTitle":"Assistant"}', '{"jobTitle":"Director"}')


@pytest.mark.django_db
def test_a_contact_that_cannot_be_read_is_kept_as_it_is_and_holds_nobody_up() -> None:
    bench = make_bench()
    record = anna(bench, title="Assistant")
    bystanders(bench)
    connection = bench.connect()
    bench.until_quiet(connection)
    remote = bench.remotes["a"]
    remote.unreadable.add(record)
    remote.touch(record)
    remote.edit(remote.id_where(given="P1"), "", title="Director")
    bench.run(connection)
    pair = Pair.objects.get(connection=connection, item_a__remote_id=record)
    assert pair.health == "failed"
    assert "cannot be read" in pair.reason
    assert sorted(str(row.get("jobTitle")) for row in bench.remotes["b"].contents()) == [
        "Assistant",
        "Director",
        "None",
        "None",
    ]
    remote.unreadable.clear()
    remote.edit(record, "", title="Owner")
    bench.until_quiet(connection)
    pair.refresh_from_db()
    assert pair.health == "in_sync"
    assert_quiet(bench, connection)


@pytest.mark.django_db
def test_a_write_that_is_lost_every_time_is_tried_ever_less_often_and_goes_through_in_the_end() -> None:
    bench = make_bench()
    record = anna(bench, title="Assistant")
    connection = bench.connect()
    bench.until_quiet(connection)
    target = bench.remotes["b"]
    for _ in range(60):
        target.next_batch(Fate.UNKNOWN_LOST)
    bench.remotes["a"].edit(record, "", title="Director")
    before = len(target.journal.batches)
    for _ in range(60):
        bench.run(connection)
        bench.world.advance(300)
    pair = Pair.objects.get(connection=connection)
    assert pair.health == "failed"
    assert "no answer" in pair.reason
    assert len(target.journal.batches) - before < 15
    target.behave()
    bench.world.advance(6 * 3600)
    bench.until_quiet(connection)
    assert target.contents()[0]["jobTitle"] == "Director"
    assert_quiet(bench, connection)
