"""Rows by the batch: one prepared statement for many rows, on SQLite and PostgreSQL alike.

The ORM builds its SQL anew each time; on the path that every record takes, that costs more than the database does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any

import orjson
from django.db import connection, models


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field):
        raise TypeError(f"{name} is no column of {model.__name__}")
    return field


def _column(model: type[models.Model], name: str) -> str:
    return str(_field(model, name).column)


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


@cache
def _columns(model: type[models.Model], names: tuple[str, ...]) -> list[str]:
    return [connection.ops.quote_name(_column(model, name)) for name in names]


@cache
def _selection(model: type[models.Model], names: tuple[str, ...], fixed: tuple[str, ...], among: str) -> str:
    (one_of,) = _columns(model, (among,))
    many = "= ANY(%s)" if connection.vendor == "postgresql" else "IN (SELECT value FROM json_each(%s))"
    where = [*(f"{column} = %s" for column in _columns(model, fixed)), f"{one_of} {many}"]
    # only names of our own models, quoted
    return f"SELECT {','.join(_columns(model, names))} FROM {_table(model)} WHERE {' AND '.join(where)}"


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
    _write(_insertion(model, names), model, names, rows)


def update(model: type[models.Model], names: tuple[str, ...], rows: Iterable[Sequence[Any]], key: str = "id") -> None:
    """Each row holds the new values in the order of `names` and then the key."""
    _write(_renewal(model, names, key), model, (*names, key), list(rows))


def _write(sql: str, model: type[models.Model], names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            columns = [_column(model, name) for name in names]
            given = [dict(zip(columns, row, strict=True)) for row in rows]
            cursor.execute(sql, [orjson.dumps(given).decode()])
        else:
            cursor.executemany(sql, rows)


@cache
def _insertion(model: type[models.Model], names: tuple[str, ...]) -> str:
    columns = ",".join(_columns(model, names))
    into = f"INSERT INTO {_table(model)} ({columns})"
    if connection.vendor == "postgresql":
        return f"{into} SELECT {columns} FROM {_given(model, names)}"
    return f"{into} VALUES ({','.join(['%s'] * len(names))})"


@cache
def _renewal(model: type[models.Model], names: tuple[str, ...], key: str) -> str:
    table = _table(model)
    (by,) = _columns(model, (key,))
    if connection.vendor == "postgresql":
        changes = ",".join(f"{column} = given.{column}" for column in _columns(model, names))
        return f"UPDATE {table} SET {changes} FROM {_given(model, (*names, key))} WHERE {table}.{by} = given.{by}"
    return f"UPDATE {table} SET {','.join(f'{column}=%s' for column in _columns(model, names))} WHERE {by}=%s"


def _given(model: type[models.Model], names: tuple[str, ...]) -> str:
    """All rows of a batch as one parameter: psycopg takes long over many, and each statement is a round trip."""
    columns = ",".join(
        f"{column} {_type(model, name)}" for name, column in zip(names, _columns(model, names), strict=True)
    )
    return f"json_to_recordset(%s::json) AS given ({columns})"


def _type(model: type[models.Model], name: str) -> str:
    field = _field(model, name)
    return str(field.rel_db_type(connection) if field.primary_key else field.db_type(connection))
