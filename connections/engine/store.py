"""Rows by the batch: one prepared statement for many rows, on SQLite and PostgreSQL alike.

The ORM builds its SQL anew each time; on the path that every record takes, that costs more than the database does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any

import orjson
from django.db import connection, models

ROWS = "/*rows*/"


@cache
def _columns(model: type[models.Model], names: tuple[str, ...]) -> list[str]:
    return [connection.ops.quote_name(_column(model, name)) for name in names]


def _column(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field) or field.column is None:
        raise TypeError(f"{name} is no column of {model.__name__}")
    return field.column


@cache
def _selection(model: type[models.Model], names: tuple[str, ...], fixed: tuple[str, ...], among: str) -> str:
    table = connection.ops.quote_name(model._meta.db_table)
    (one_of,) = _columns(model, (among,))
    many = "= ANY(%s)" if connection.vendor == "postgresql" else "IN (SELECT value FROM json_each(%s))"
    where = [*(f"{column} = %s" for column in _columns(model, fixed)), f"{one_of} {many}"]
    # only names of our own models, quoted
    return f"SELECT {','.join(_columns(model, names))} FROM {table} WHERE {' AND '.join(where)}"  # noqa: S608


def select(
    model: type[models.Model],
    names: tuple[str, ...],
    among: str,
    values: Collection[int] | Collection[str],
    **fixed: Any,
) -> list[tuple[Any, ...]]:
    """Rows whose column `among` holds one of `values` and whose columns `fixed` hold just these; numbers and texts as
    the database gives them."""
    if not values:
        return []
    many = list(values) if connection.vendor == "postgresql" else orjson.dumps(list(values)).decode()
    with connection.cursor() as cursor:
        cursor.execute(_selection(model, names, tuple(fixed), among), [*fixed.values(), many])
        return list(cursor.fetchall())


def insert(model: type[models.Model], names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    columns = _columns(model, names)
    table = connection.ops.quote_name(model._meta.db_table)
    marks = f"({','.join(['%s'] * len(columns))})"
    # table and columns are names of our own models, quoted
    into = f"INSERT INTO {table} ({','.join(columns)}) VALUES "  # noqa: S608
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # where each statement is a round trip
            cursor.execute(into + ",".join([marks] * len(rows)), list(chain.from_iterable(rows)))
        else:
            cursor.executemany(into + marks, rows)


def update(model: type[models.Model], names: tuple[str, ...], rows: Iterable[Sequence[Any]], key: str = "id") -> None:
    """Each row holds the new values in the order of `names` and then the key."""
    rows = list(rows)
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            marks = f"({','.join(['%s'] * (len(names) + 1))})"
            sql = _joint_update(model, names, key).replace(ROWS, ",".join([marks] * len(rows)))
            cursor.execute(sql, list(chain.from_iterable(rows)))
        else:
            cursor.executemany(_update(model, names, key), rows)


@cache
def _update(model: type[models.Model], names: tuple[str, ...], key: str) -> str:
    table = connection.ops.quote_name(model._meta.db_table)
    (by,) = _columns(model, (key,))
    # as above: only names of our own models
    return f"UPDATE {table} SET {','.join(f'{column}=%s' for column in _columns(model, names))} WHERE {by}=%s"  # noqa: S608


@cache
def _joint_update(model: type[models.Model], names: tuple[str, ...], key: str) -> str:
    """All rows in one statement, with `ROWS` where their marks go."""
    table = connection.ops.quote_name(model._meta.db_table)
    columns = _columns(model, (*names, key))
    types = [_type(model, name) for name in (*names, key)]
    *changes, by = (f"{column} = given.{column}::{kind}" for column, kind in zip(columns, types, strict=True))
    given = f"(VALUES {ROWS}) AS given ({','.join(columns)})"
    return f"UPDATE {table} SET {','.join(changes)} FROM {given} WHERE {table}.{by}"  # noqa: S608


def _type(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field):
        raise TypeError(f"{name} is no column of {model.__name__}")
    found = field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
    return str(found)
