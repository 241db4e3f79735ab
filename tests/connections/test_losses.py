"""What the other side cannot hold is said before anything is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connections.models import Connection, Run
from connections.services import syncing
from tests.apps import Apps
from tests.factories import make_account, make_connection, make_folder, make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def connection(apps: Apps) -> Connection:
    tenant = make_tenant()
    one = make_folder(make_account(tenant, name="dav"), "contacts", name="Book")
    other = make_folder(make_account(tenant, name="anna"), "contacts", name="Contacts")
    return make_connection(one, other)


def previewed(connection: Connection) -> Run:
    run = syncing.preview(connection)
    assert run.state == "planned", run.message
    return Run.objects.get(pk=run.pk)


def told(run: Run) -> dict[tuple[str, str], tuple[int, list[str], str]]:
    """What stays away: (side that does not get it, what) -> count, samples, why."""
    return {(loss["there"], loss["what"]): (loss["count"], loss["samples"], loss["reason"]) for loss in run.losses}


def test_a_preview_counts_what_the_poorer_side_cannot_hold(apps: Apps, connection: Connection) -> None:
    four = [{"value": f"anna{number}@example.com"} for number in range(4)]
    apps.person("Anna", "dav", emails=four)
    apps.person("Bob", "dav", bday="--02-28", nickname="Bobby")
    apps.person("Cleo", "dav", note="x" * 1500, nickname="C")
    apps.person("Dora", "dav", title="y" * 200)
    run = previewed(connection)
    found = told(run)
    assert found["anna", "Emails"] == (1, ["Anna"], "the field holds 3; 1 more stay away")
    assert found["anna", "Birthday"][:2] == (1, ["Bob"])
    assert "no year" in found["anna", "Birthday"][2]
    assert found["anna", "Notes"] == (1, ["Cleo"], "longer than the field holds: only its beginning is written")
    assert found["anna", "Job title"][:2] == (1, ["Dora"])
    assert "128 characters" in found["anna", "Job title"][2]
    assert found["anna", "Nickname"] == (2, ["Bob", "Cleo"], "no line of the mapping carries it")
    assert {there for there, _ in found} == {"anna"}
    assert next(iter(run.losses))["what"] == "Nickname"
    assert apps.contents("anna") == []


def test_nothing_is_lost_that_is_carried(apps: Apps, connection: Connection) -> None:
    apps.person("Anna", "dav", bday="1980-02-28", note="short")
    apps.person("Bob", "anna", jobTitle="Director")
    assert previewed(connection).losses == []


def test_a_direction_that_carries_nothing_loses_nothing(apps: Apps, connection: Connection) -> None:
    Connection.objects.update(direction="b_to_a")
    connection.refresh_from_db()
    apps.person("Bob", "dav", nickname="Bobby")
    assert previewed(connection).losses == []


def test_contacts_without_what_the_app_wants_of_each_are_counted(apps: Apps, connection: Connection) -> None:
    remote = apps.remotes["anna"]
    remote.catalogue["companyName"] = replace(remote.catalogue["companyName"], required=True)
    apps.person("Anna", "dav", org="Acme")
    apps.person("Bob", "dav")
    found = told(previewed(connection))
    count, samples, reason = found["anna", remote.catalogue["companyName"].label]
    assert (count, samples) == (1, ["Bob"])
    assert "may refuse" in reason
