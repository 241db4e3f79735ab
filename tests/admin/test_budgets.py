"""Pages of big tables cost the same however many rows there are: as many queries, and no count over a whole table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.admin import base
from connections.models import Change, Connection, Item, ItemKey, Pair, Run
from tests.admin.conftest import Apps

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

FEW, MANY = 60, 2_500
BIG = ("connections_pair", "connections_item", "connections_itemkey", "connections_change", "connections_run")


def grow(connection: Connection, run: Run, start: int, end: int) -> None:
    sides = (connection.folder_a, connection.folder_b)
    numbers = range(start, end)
    items = [
        Item(folder=folder, remote_id=f"x{number}", title=f"Person {number:05d}", values='{"fn": "Person"}', seq=number)
        for folder in sides
        for number in numbers
    ]
    made = Item.objects.bulk_create(items, batch_size=500)
    half = len(made) // 2
    ItemKey.objects.bulk_create(
        [ItemKey(folder=item.folder, item=item, value=f"e:{item.remote_id}@example.com") for item in made],
        batch_size=500,
    )
    pairs = Pair.objects.bulk_create(
        [
            Pair(
                connection=connection,
                item_a=a,
                item_b=b,
                title=a.title,
                health="review" if number % 7 == 0 else "in_sync",
                base_a='{"fn": "' + "x" * 500 + '"}',
            )
            for number, (a, b) in enumerate(zip(made[:half], made[half:], strict=True))
        ],
        batch_size=500,
    )
    Change.objects.bulk_create(
        [
            Change(
                tenant_id=connection.tenant_id,
                connection=connection,
                run=run,
                pair=pair,
                kind="update",
                side="a",
                target_folder=connection.folder_a,
                title=pair.title,
                marker=f"marker-{pair.pk}",
                state="proposed" if number % 3 else "done",
                patch='{"fn": "new"}',
                cause='{"mappings": ["Full name: changed on b"], "rules": [], "winner": "b", "version": 1}',
            )
            for number, pair in enumerate(pairs)
        ],
        batch_size=500,
    )
    Run.objects.bulk_create(
        [
            Run(
                tenant_id=connection.tenant_id,
                connection=connection,
                kind="incremental",
                state="done",
                started_at=run.started_at,
            )
            for _ in numbers
        ],
        batch_size=500,
    )


PAGES = (
    "/admin/",
    "/admin/connections/pair/",
    "/admin/connections/pair/?connection={connection}",
    "/admin/connections/pair/?connection={connection}&health__exact=review",
    "/admin/connections/pair/?connection={connection}&notes=some",
    "/admin/connections/pair/?connection={connection}&q=Person+00012",
    "/admin/connections/pair/?q=x12@example.com",
    "/admin/connections/pair/{pair}/change/",
    "/admin/connections/change/",
    "/admin/connections/change/?connection={connection}&state__exact=proposed",
    "/admin/connections/change/?run__id__exact={run}&kind__exact=update&side=a",
    "/admin/connections/change/{change}/change/",
    "/admin/connections/run/",
    "/admin/connections/run/{run}/change/",
    "/admin/connections/item/",
    "/admin/connections/item/?folder={folder}",
    "/admin/connections/item/?q=x12@example.com",
    "/admin/connections/item/{item}/change/",
    "/admin/connections/connection/",
    "/admin/connections/connection/{connection}/change/",
    "/admin/connections/folder/",
    "/admin/connections/decision/",
)


@pytest.fixture
def asked(admin: Client, apps: Apps, connection: Connection, synced: Run) -> Iterator[Any]:
    def ask(where: str) -> list[str]:
        pair = Pair.objects.order_by("-id")[0]
        ids = {
            "connection": connection.pk,
            "pair": pair.pk,
            "change": Change.objects.order_by("-id")[0].pk,
            "run": synced.pk,
            "folder": connection.folder_a_id,
            "item": pair.item_a_id or pair.item_b_id,
        }
        address = where.format(**ids)
        admin.get(address)  # what is remembered between two looks is remembered now
        with CaptureQueriesContext(
            database,
        ) as seen:
            answer = admin.get(address)
        assert answer.status_code == 200
        return [query["sql"] for query in seen]

    yield ask
    cache.clear()


def test_pages_cost_the_same_with_many_rows_as_with_few(asked: Any, connection: Connection, synced: Run) -> None:
    grow(connection, synced, 1, FEW)
    few = {where: asked(where) for where in PAGES}
    grow(connection, synced, FEW, MANY)
    for where in PAGES:
        many = asked(where)
        assert len(many) <= len(few[where]), where + "\n" + "\n".join(many)
        assert len(many) <= 30, where + "\n" + "\n".join(many)
        for query in many:
            assert not unlimited_count(query), query


def unlimited_count(query: str) -> bool:
    """A count that reads on for as long as there are rows."""
    big = any(re.search(rf'FROM "{table}"', query) for table in BIG)
    return "COUNT(" in query and big and "LIMIT" not in query


def test_lists_leave_big_columns_alone(asked: Any, connection: Connection, synced: Run) -> None:
    grow(connection, synced, 1, FEW)
    for where, columns in (
        ("/admin/connections/pair/", ("base_a", "base_b", "rounds", "refused")),
        ("/admin/connections/change/", ("patch", "before", "after", "source")),
        ("/admin/connections/item/", ("values", "body", "former", "evidence")),
        ("/admin/connections/folder/", ("catalogue", "cursor")),
        ("/admin/connections/connection/", ("catalogue", "secrets")),
        ("/admin/connections/account/", ("secrets",)),
    ):
        for query in asked(where):
            for column in columns:
                assert f'"{column}"' not in query, (where, query)


def test_long_lists_say_that_there_are_more(
    admin: Client, connection: Connection, synced: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "COUNTED", 100)
    grow(connection, synced, 1, 300)
    text = admin.get("/admin/connections/pair/").content.decode()
    assert "more than 100" in text
    assert "filter or search to see the others" in text
    assert "more than" not in admin.get("/admin/connections/decision/").content.decode()


def test_lists_of_one_connection_are_read_through_an_index(asked: Any, connection: Connection, synced: Run) -> None:
    if database.vendor != "sqlite":
        pytest.skip("reads SQLite's plan")
    grow(connection, synced, 1, MANY)
    for where, index in (
        ("/admin/connections/pair/?connection={connection}&health__exact=review", "pair_by_health"),
        ("/admin/connections/pair/?connection={connection}&notes=some", "pair_with_notes"),
        ("/admin/connections/pair/?connection={connection}", "pair_by_title"),
        ("/admin/connections/change/?connection={connection}&state__exact=proposed", "change_by_state"),
    ):
        table = where.split("/")[3]
        selects = [query for query in asked(where) if f'FROM "connections_{table}"' in query and "ORDER BY" in query]
        with database.cursor() as cursor:
            plan = " ".join(str(row) for row in cursor.execute(f"EXPLAIN QUERY PLAN {selects[-1]}").fetchall())
        assert index in plan, plan
        assert "FOR ORDER BY" not in plan, plan
