"""Everything of a tenant in one file: complete, readable, without secrets, and in little memory."""

# ruff: noqa: F811 - fixtures are imported, and asked for by their names
from __future__ import annotations

import csv
import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from django.urls import reverse

from connections.models import Account, AuditEntry, Connection, Deed, Item, Pair, Role, Run, Tenant
from connections.services import archiving, deciding, syncing
from tests.admin.conftest import Apps, accounts, apps, connection, fill, queue  # noqa: F401 - fixtures
from tests.apps import run
from tests.factories import make_connection, make_tenant
from tests.people.conftest import Person, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(acme: Any) -> Any:
    return acme


@pytest.fixture
def synced(apps: Apps, connection: Connection, queue: list[Any]) -> Connection:
    fill(apps)
    assert syncing.sync(connection).state == "done"
    deciding.decide(Pair.objects.get(title="Ada Byron"), "apart")
    return connection


@pytest.fixture
def owner(acme: Tenant) -> Person:
    return Person(member(acme, "olga@example.com", Role.OWNER), acme)


def taken(person: Person) -> dict[str, str]:
    answer: Any = person.client.post(reverse("archive", args=["acme"]))
    return unpacked(answer.getvalue())


def unpacked(data: bytes) -> dict[str, str]:
    packed = zipfile.ZipFile(io.BytesIO(data))
    assert packed.testzip() is None
    return {name: packed.read(name).decode() for name in packed.namelist()}


def lines(text: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in text.splitlines()]


def test_all_that_is_held_is_in_the_file(synced: Connection, owner: Person) -> None:
    files = taken(owner)
    here = f"connections/{synced.name}"
    contacts = {row["title"]: row for row in lines(files[f"{here}/contacts.jsonl"])}
    assert len(contacts) == Pair.objects.count()
    ada = contacts["Ada Byron"]
    assert ada["a"]["values"]["surname"] == ada["b"]["values"]["family"] == "Byron"
    history = lines(files[f"{here}/history.jsonl"])
    assert {row["kind"] for row in history} >= {"create"}
    assert all(row["done"] and row["after"] for row in history if row["kind"] == "create")
    assert [row["verdict"] for row in lines(files[f"{here}/decisions.jsonl"])] == ["apart"]
    assert f"{here}/versions.jsonl" in files
    assert len(list(csv.reader(io.StringIO(files[f"{here}/runs.csv"])))) == Run.objects.count() + 1
    assert "olga@example.com,owner" in files["members.csv"]
    assert "plan or contact decided" in files["activity.csv"]
    told = yaml.safe_load(files["configuration.yaml"])["tenants"][0]
    assert (told["slug"], [row["name"] for row in told["connections"]]) == ("acme", [synced.name])
    assert all(name.rpartition("/")[2] in files["README.txt"] for name in files if name != "README.txt")
    assert AuditEntry.objects.filter(deed=Deed.EXPORTED, about="everything", tenant=synced.tenant).count() == 1


def test_no_secret_and_nothing_of_others_is_in_it(synced: Connection, owner: Person) -> None:
    account = Account.objects.get(name="anna")
    account.secrets = {"password": "hunter2-of-anna"}
    account.save()
    other = make_connection(tenant=make_tenant(slug="globex"), name="theirs")
    Pair.objects.create(connection=other, title="Their Contact")
    everything = " ".join(taken(owner).values())
    for hidden in ("hunter2-of-anna", "Their Contact", "theirs", "globex"):
        assert hidden not in everything


def test_a_colleagues_private_contacts_are_left_out_and_that_is_said(synced: Connection, owner: Person) -> None:
    colleague = member(synced.tenant, "ben@example.com")
    Account.objects.filter(name="anna").update(owner=colleague, shared=False)
    files = taken(owner)
    assert f"connections/{synced.name}/runs.csv" in files
    assert f"connections/{synced.name}/contacts.jsonl" not in files
    assert "Ada" not in " ".join(files.values())
    assert f"since an account is private: {synced.name}." in files["README.txt"]


def test_memory_does_not_grow_with_the_contacts(synced: Connection) -> None:
    def peak(count: int) -> int:
        values = orjson.dumps({"notes": "x" * 500}).decode()
        made = [Item(folder=synced.folder_a, remote_id=f"{count}-{n}", values=values) for n in range(count)]
        items = Item.objects.bulk_create(made)
        Pair.objects.bulk_create(Pair(connection=synced, item_a=item, title=f"P{item.pk}") for item in items)
        del made, items
        tracemalloc.start()
        size = sum(map(len, archiving.archive(synced.tenant)))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert size > 1000
        return most

    small, large = peak(1500), peak(4500)
    assert large < 1.3 * small


def test_staff_write_it_on_a_shell_into_a_file_of_their_own(synced: Connection, tmp_path: Path) -> None:
    file = tmp_path / "acme.zip"
    code, text = run("export", "acme", "--everything", str(file))
    assert (code, "Only you can read it" in text) == (0, True)
    assert file.stat().st_mode & 0o077 == 0
    assert "Ada Byron" in unpacked(file.read_bytes())[f"connections/{synced.name}/contacts.jsonl"]
    code, text = run("export", "acme", "--everything", str(file))
    assert (code, "cannot be written" in text) == (2, True)
    assert run("export", "--everything", str(tmp_path / "all.zip"))[0] == 2
