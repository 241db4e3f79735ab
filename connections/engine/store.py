"""Writes rows by the batch: one prepared statement for many rows, on SQLite and PostgreSQL alike.

The ORM builds each row's SQL anew; on the path that every record takes, that costs more than the database does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import connection, models


@cache
def _columns(model: type[models.Model], names: tuple[str, ...]) -> list[str]:
    return [connection.ops.quote_name(_column(model, name)) for name in names]


def _column(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field) or field.column is None:
        raise TypeError(f"{name} is no column of {model.__name__}")
    return field.column


def insert(model: type[models.Model], names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    columns = _columns(model, names)
    table = connection.ops.quote_name(model._meta.db_table)
    marks = ",".join(["%s"] * len(columns))
    # table and columns are names of our own models, quoted
    sql = f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)


def update(model: type[models.Model], names: tuple[str, ...], rows: Iterable[Sequence[Any]], key: str = "id") -> None:
    """Each row holds the new values in the order of `names` and then the key."""
    rows = list(rows)
    if not rows:
        return
    columns = _columns(model, names)
    table = connection.ops.quote_name(model._meta.db_table)
    (by,) = _columns(model, (key,))
    # as above: only names of our own models
    sql = f"UPDATE {table} SET {','.join(f'{column}=%s' for column in columns)} WHERE {by}=%s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)
