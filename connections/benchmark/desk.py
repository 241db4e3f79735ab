"""The pages of operations over many tenants: made-up contacts, written in bulk, and how long each page takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import connection as database
from django.db import models, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from connections.benchmark.catalogues import POOR, RICH
from connections.engine import store
from connections.engine.setup import dump_fields
from connections.models import Account, AccountState, Change, Connection, Folder, Item, ItemKey, Pair, Run, Tenant, User

APPS = ("outlook", "hubspot", "salesforce", "carddav")
_GIVEN = "Ada Grace Alan Edsger Barbara Donald Radia Ken Frances Tony Margaret Niklaus Adele Leslie Jean Butler"
_PARTS = "ba be bi bo da de di do ka ke ki ko la le li lo ma me mi mo na ne ni no ra re ri ro sa se si so"
GIVEN, PARTS = _GIVEN.split(), _PARTS.split()
OUTAGE = "api.hubapi.com had an error of its own (status 503). It will be tried again."
UNCOLLECTED = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
TIMES = 7  # that each page is asked for
ITEM = ("id", "folder", "remote_id", "title", "name_key", "values", "seq", "observed_at")
PAIR = ("id", "connection", "item_a", "item_b", "health", "reason", "title", "pending")
CHANGE = ("tenant", "connection", "pair", "run", "kind", "side", "target_folder", "marker", "state", "made_at", "title")


@dataclass(frozen=True, slots=True)
class Asked:
    """One page, asked for some times."""

    page: str
    seconds: Sequence[float]
    queries: int
    size: int  # bytes

    def row(self) -> dict[str, Any]:
        return {
            "phase": self.page,
            "median_seconds": round(statistics.median(self.seconds), 3),
            "longest_seconds": round(max(self.seconds), 3),
            "queries": self.queries,
            "kib": round(self.size / 1024, 1),
        }


def measure(items: int, connections: int, tenants: int) -> Iterator[dict[str, Any]]:
    """Builds `items` contacts in that many connections of that many tenants, and asks for the pages."""
    began = time.perf_counter()
    build(items, connections, tenants)
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")
    seconds = round(time.perf_counter() - began, 1)
    yield {"phase": f"building {items:,} records in {connections:,} connections", "median_seconds": seconds}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": UNCOLLECTED}):
        yield from _pages(_operator(), items // 2)


def _pages(client: Client, middle: int) -> Iterator[dict[str, Any]]:
    searches = {
        "find: whole email": address(middle // 2),
        "find: beginning of an email": address(middle // 2)[:14],
        "find: whole name": name(middle // 2),
        "find: beginning of a name": name(middle // 2)[:8],
        "find: one letter": "a",
        "find: phone number": phone(middle // 2),
        "find: the app's id": f"remote-{middle}",
        "find: nobody": "nobody@nowhere.example",
    }
    for what, text in searches.items():
        yield _ask(client, what, "/admin/find/", q=text).row()
    yield _ask(client, "work list", "/admin/work/").row()
    yield _ask(client, "work list, one app", "/admin/work/", app="hubspot").row()
    yield _ask(client, "overview", "/admin/").row()


def _operator() -> Client:
    user = User.objects.create_superuser("operator@example.com", None)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def _ask(client: Client, what: str, where: str, **query: str) -> Asked:
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = client.get(where, query)
        seconds.append(time.perf_counter() - began)
        if answer.status_code != 200:
            raise RuntimeError(f"{where} answers {answer.status_code}")
    with CaptureQueriesContext(database) as seen:
        client.get(where, query)
    return Asked(what, seconds, len(seen), len(answer.content))


# ---- people


def name(number: int) -> str:
    """The same for some thousandth of all people."""
    family = "".join(PARTS[number // 32**place % 32] for place in (0, 1, 2)).capitalize()
    return f"{GIVEN[number % 16]} {family}"


def address(number: int) -> str:
    return f"{name(number).replace(' ', '.').lower()}.{number}@example.com"


def phone(number: int) -> str:
    return f"+3246{number:07d}"


# ---- building


def build(items: int, connections: int, tenants: int) -> None:
    """Every person stands on both sides of one connection. Ids are given here, so that nothing is read back."""
    owners = Tenant.objects.bulk_create(
        Tenant(slug=f"tenant-{number}", name=f"Tenant {number}", region="BE") for number in range(tenants)
    )
    each = max(1, items // connections // 2)
    for number in range(connections):
        with transaction.atomic():
            _connection(number, owners[number % tenants], each)


def _connection(number: int, tenant: Tenant, each: int) -> None:
    folders = [_folder(number, place, tenant) for place in (0, 1)]
    now = timezone.now()
    row = Connection.objects.create(
        tenant=tenant, name=f"connection-{number}", folder_a=folders[0], folder_b=folders[1], last_ok_at=now
    )
    run = _runs(row, number)
    people = range(number * each, (number + 1) * each)
    _records(people, folders, row)
    _changes([person for person in people if person % 5 == 0], row, run)


def _folder(number: int, place: int, tenant: Tenant) -> Folder:
    lost = number % 20 == 0 and place == 0
    account = Account.objects.create(
        tenant=tenant, name=f"account-{number}-{place}", app=APPS[(number + place) % len(APPS)],
        state=AccountState.NEEDS_AUTHORISATION if lost else AccountState.ACTIVE,
        reason="The access was taken back." if lost else "",
    )  # fmt: skip
    catalogue = dump_fields(RICH if place else POOR)
    return Folder.objects.create(
        tenant=tenant, account=account, remote_id="contacts", name="Contacts", path="Contacts", catalogue=catalogue
    )


def _runs(row: Connection, number: int) -> Run:
    """Every tenth connection's last two failed, every twelfth's last one waits."""
    last = "failed" if number % 10 == 0 else "held" if number % 12 == 0 else "done"
    made = [
        Run(
            tenant=row.tenant, connection=row, kind="incremental", state=state, started_at=ago, ended_at=ago,
            message=OUTAGE if state == "failed" else "", held={"deletes": "many"} if state == "held" else {},
        )
        for state, ago in zip(
            ("done", last, last), (timezone.now() - timedelta(hours=back) for back in (9, 6, 3)), strict=True
        )
    ]  # fmt: skip
    return Run.objects.bulk_create(made)[-1]


def _records(people: Sequence[int], folders: Sequence[Folder], row: Connection) -> None:
    items, keys, pairs = [], [], []
    for person in people:
        title, ids = name(person), (2 * person + 1, 2 * person + 2)
        for pk, folder in zip(ids, folders, strict=True):
            values = f'{{"name": "{title}", "email": "{address(person)}", "phone": "{phone(person)}"}}'
            items.append((pk, folder.pk, f"remote-{pk}", title, title.lower(), values, pk, 1.0e9 + person))
            keys += [(folder.pk, pk, f"e:{address(person)}"), (folder.pk, pk, f"p:{phone(person)}|{title.lower()}")]
        health = "review" if person % 400 == 1 else "failed" if person % 25 == 2 else "in_sync"
        reason = {"review": "could be somebody else", "failed": "the app refuses the email"}.get(health, "")
        pairs.append((person + 1, row.pk, *ids, health, reason, title, False))
    _insert(Item, ITEM, items)
    _insert(ItemKey, ("folder", "item", "value"), keys)
    _insert(Pair, PAIR, pairs)


def _changes(people: Sequence[int], row: Connection, run: Run) -> None:
    state = "proposed" if run.state == "held" else "done"
    _insert(
        Change,
        CHANGE,
        [
            (row.tenant_id, row.pk, person + 1, run.pk, "update", "b", row.folder_b_id, f"m-{person}", state, 1e9, "x")
            for person in people
        ],
    )


def _insert(model: type[models.Model], names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    """With the defaults of all other columns."""
    others = [field for field in model._meta.concrete_fields if field.name not in names and not field.primary_key]
    given = {field.name: field.get_default() for field in others if not field.null}
    store.insert(model, (*names, *given), [(*row, *given.values()) for row in rows])
