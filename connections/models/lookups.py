"""``field__among=values``: as ``__in``, with all values in one parameter.

``__in`` prepares every value by itself and makes another SQL text for every number of them; on the path that each
record takes, that costs more than the query.

``field__begins=text``: as ``__startswith``, case-sensitive and through an ordinary index on every database; one on
PostgreSQL needs the operator class of patterns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, ForeignObject, Lookup
from django.db.models.sql.compiler import SQLCompiler

Sql = tuple[str, tuple[Any, ...]]
LAST = "\U0010ffff"  # sorts after whatever can follow


@ForeignObject.register_lookup  # which does not inherit those of Field
@Field.register_lookup
class Among(Lookup):
    lookup_name = "among"
    rhs: list[Any]

    def get_prep_lookup(self) -> list[Any]:
        values: Iterable[int | str | None] = self.rhs
        return [value for value in values if value is not None]

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        raise NotSupportedError(f"{connection.vendor} has no lookup among many values")

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        left, params = self._left(compiler, connection)
        return f"{left} IN (SELECT value FROM json_each(%s))", (*params, orjson.dumps(self.rhs).decode())

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        left, params = self._left(compiler, connection)
        return f"{left} = ANY(%s)", (*params, self.rhs)

    def _left(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        if not self.rhs:
            raise EmptyResultSet
        left, params = self.process_lhs(compiler, connection)
        return left, tuple(params)


@Field.register_lookup
class Begins(Lookup):
    lookup_name = "begins"
    rhs: str

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        left, params = self.process_lhs(compiler, connection)
        return f"({left} >= %s AND {left} < %s)", (*params, self.rhs, *params, self.rhs + LAST)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        left, params = self.process_lhs(compiler, connection)
        return f"{left} LIKE %s", (*params, connection.ops.prep_for_like_query(self.rhs) + "%")
