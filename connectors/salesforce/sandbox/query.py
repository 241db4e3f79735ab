"""Runs parsed SOQL on an organisation's records, as its user sees them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from connectors.salesforce.sandbox import ids
from connectors.salesforce.sandbox.errors import SalesforceError, malformed, no_such_column
from connectors.salesforce.sandbox.objects import API_VERSION, CHILDREN, Data, FieldInfo, ObjectInfo
from connectors.salesforce.sandbox.soql import Both, Compare, Condition, Day, Moment, Not, Query, seconds_of
from connectors.salesforce.sandbox.store import Org, Record, Store

ROOT = f"/services/data/v{API_VERSION}"
_NUMBERS = ("int", "double", "currency", "percent")
_IDS = ("id", "reference")
Row = tuple[Record, Data]


def attributes(object: str, id: str) -> Data:
    return {"type": object, "url": f"{ROOT}/sobjects/{object}/{id}"}


@dataclass(frozen=True, slots=True)
class Runner:
    store: Store
    org: Org
    everything: bool = False  # queryAll: what lies in the recycle bin too
    until: float | None = None  # what was written later is not seen yet

    def info(self, name: str) -> ObjectInfo:
        info = self.org.info(name)
        if info is None:
            raise SalesforceError(
                400,
                "INVALID_TYPE",
                f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to "
                "append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
                "appropriate names.",
            )
        return info

    def run(self, query: Query) -> tuple[int, list[Data]]:
        """How many rows the result has, and the rows as the API shows them."""
        info = self.info(query.object)
        render = None if query.count else self.renderer(query, info)
        rows = self.rows(query, info)
        if render is None:
            return len(rows), []
        return len(rows), [render(row) for row in rows]

    def rows(self, query: Query, info: ObjectInfo) -> list[Row]:
        test = self.test(query.where, info)
        orders = [(self.field(info, name), descending, last) for name, descending, last in query.order]
        plan = [(known.name, descending) for known, descending, _ in orders]
        by_stamp = plan == [("SystemModstamp", False), ("Id", False)]
        scanned = self.store.scan(
            self.org,
            info.name,
            deleted=self.everything,
            since=int(_bound(query.where)),
            among=_among(query.where),
            after=_after(query.where),
            by_stamp=by_stamp,
        )
        found = (one for one in scanned if self.until is None or one.stamp <= self.until)
        passing = (row for row in ((record, record.shown(info)) for record in found) if test(row))
        if by_stamp or plan == [("Id", False)]:  # they come in this order already
            end = None if query.limit is None else query.offset + query.limit
            return list(islice(passing, query.offset, end))
        rows = list(passing)
        for known, descending, last in reversed(orders):
            if not known.filterable:
                raise malformed(f"field '{known.name}' can not be sorted in a query call")
            rows.sort(key=lambda row: _sort_key(row[1][known.name]), reverse=descending)  # noqa: B023 used at once
            if last != descending:
                rows.sort(key=lambda row: (row[1][known.name] is None) == last)  # noqa: B023
        rows = rows[query.offset :]
        return rows if query.limit is None else rows[: query.limit]

    # ---- what is selected

    def field(self, info: ObjectInfo, name: str) -> FieldInfo:
        name = name.removeprefix(f"{info.name}.")
        found = info.field(name)
        if found is None:
            raise no_such_column(name, info.name)
        return found

    def parent(self, info: ObjectInfo, name: str) -> tuple[FieldInfo, ObjectInfo]:
        for one in info.fields.values():
            if one.relationship.lower() == name.lower() and one.references:
                return one, self.info(one.references[-1])
        raise SalesforceError(
            400,
            "INVALID_FIELD",
            f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
            "relationship, be sure to append the '__r' after the custom relationship name.",
        )

    def renderer(self, query: Query, info: ObjectInfo) -> Callable[[Row], Data]:
        steps: list[tuple[str, Callable[[Row], Any]]] = []
        parents: dict[str, Query] = {}
        for item in query.order_of:
            if isinstance(item, Query):
                steps.append(self.child(item, info))
                continue
            path = item.removeprefix(f"{info.name}.")
            if path.startswith("FIELDS("):
                steps += [(one, self.plain(one)) for one in self.all_fields(path, query, info)]
            elif "." in path:
                head, _, rest = path.partition(".")
                known = next((name for name in parents if name.lower() == head.lower()), head)
                if known not in parents:
                    parents[known] = Query()
                    steps.append(self.parent_step(known, parents[known], info))
                parents[known].order_of.append(rest)
            else:
                name = self.field(info, path).name
                steps.append((name, self.plain(name)))
        names = [name for name, _ in steps]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise malformed(f"duplicate field selected: {twice}")
        for name, inner in parents.items():  # refused before any row is looked at
            self.renderer(inner, self.parent(info, name)[1])

        def render(row: Row) -> Data:
            found: Data = {"attributes": attributes(info.name, row[0].id)}
            found.update((name, step(row)) for name, step in steps)
            return found

        return render

    def plain(self, name: str) -> Callable[[Row], Any]:
        return lambda row: row[1][name]

    def all_fields(self, path: str, query: Query, info: ObjectInfo) -> list[str]:
        if path != "FIELDS(STANDARD)" and (query.limit or 201) > 200:
            raise malformed("The SOQL FIELDS function must have a LIMIT of at most 200")
        if path not in ("FIELDS(ALL)", "FIELDS(STANDARD)", "FIELDS(CUSTOM)"):
            raise malformed(f"unexpected token: '{path}'")
        kinds = {"FIELDS(ALL)": (True, False), "FIELDS(STANDARD)": (False,), "FIELDS(CUSTOM)": (True,)}[path]
        return [one.name for one in info.fields.values() if one.custom in kinds]

    def parent_step(self, name: str, inner: Query, info: ObjectInfo) -> tuple[str, Callable[[Row], Any]]:
        reference, there = self.parent(info, name)
        ready: list[Callable[[Row], Data]] = []

        def step(row: Row) -> Any:
            if not ready:
                ready.append(self.renderer(inner, there))
            id = row[1][reference.name]
            record = self.store.find(self.org, id) if id else None
            return None if record is None else ready[0]((record, record.shown(there)))

        return reference.relationship, step

    def child(self, query: Query, info: ObjectInfo) -> tuple[str, Callable[[Row], Any]]:
        found = [one for one in CHILDREN.get(info.name, ()) if one[2].lower() == query.object.lower() and one[2]]
        if not found:
            raise SalesforceError(
                400, "INVALID_TYPE", f"Didn't understand relationship '{query.object}' in FROM part of query call."
            )
        child, key, relationship, _ = found[0]
        there = self.info(child)
        render = self.renderer(query, there)
        groups: dict[str, list[Row]] = {}
        ready: list[bool] = []

        def step(row: Row) -> Any:
            if not ready:
                ready.append(True)
                for one in self.rows(query, there):
                    groups.setdefault(str(one[1][key]), []).append(one)
            mine = groups.get(row[0].id, [])
            if not mine:
                return None
            return {"totalSize": len(mine), "done": True, "records": [render(one) for one in mine]}

        return relationship, step

    # ---- conditions

    def test(self, condition: Condition, info: ObjectInfo) -> Callable[[Row], bool]:
        if condition is None:
            return lambda row: True
        if isinstance(condition, Not):
            inner = self.test(condition.part, info)
            return lambda row: not inner(row)
        if isinstance(condition, Both):
            parts = [self.test(part, info) for part in condition.parts]
            if condition.word == "AND":
                return lambda row: all(part(row) for part in parts)
            return lambda row: any(part(row) for part in parts)
        return self.comparison(condition, info)

    def comparison(self, condition: Compare, info: ObjectInfo) -> Callable[[Row], bool]:
        path = condition.field.removeprefix(f"{info.name}.")
        if "." in path:
            head, _, rest = path.partition(".")
            reference, there = self.parent(info, head)
            inner = self.comparison(Compare(rest, condition.sign, condition.value), there)

            def on_parent(row: Row) -> bool:
                id = row[1][reference.name]
                record = self.store.find(self.org, id) if id else None
                if record is None:
                    return condition.sign == "=" and condition.value is None
                return inner((record, record.shown(there)))

            return on_parent
        known = self.field(info, path)
        if not known.filterable or known.type == "address":
            message = f"field '{known.name}' can not be filtered in a query call"
            raise SalesforceError(400, "INVALID_FIELD", message)
        value = condition.value
        if isinstance(value, Query):
            there = self.info(value.object)
            name = self.field(there, value.fields[0]).name
            value = [row[1][name] for row in Runner(self.store, self.org).rows(value, there)]
        _check_type(known, value)
        compare = comparer(known, condition.sign, value, self.store.clock.now())
        return lambda row: compare(row[1][known.name])


def _check_type(known: FieldInfo, value: Any) -> None:
    for one in value if isinstance(value, list) else [value]:
        fine = one is None or {
            "boolean": isinstance(one, bool),
            "date": isinstance(one, Day),
            "datetime": isinstance(one, Moment | Day),
        }.get(known.type, isinstance(one, int | float) if known.type in _NUMBERS else isinstance(one, str))
        if not fine:
            kind = {"datetime": "dateTime"}.get(known.type, known.type)
            quotes = " and should not be enclosed in quotes" if isinstance(one, str) else ""
            message = f"value of filter criterion for field '{known.name}' must be of type {kind}{quotes}"
            raise SalesforceError(400, "INVALID_FIELD", message)
        if known.type in _IDS and one is not None and not ids.is_id(one):
            raise SalesforceError(400, "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: " + str(one)[:18])


def comparer(known: FieldInfo, sign: str, value: Any, now: float) -> Callable[[Any], bool]:
    if sign in ("INCLUDES", "EXCLUDES"):
        wanted = [set(one.split(";")) for one in value]
        return lambda shown: _includes(shown, wanted) == (sign == "INCLUDES")
    if sign in ("IN", "NOT IN"):
        folded = {_folded(known, one) for one in value}
        return lambda shown: (_folded(known, shown) in folded) == (sign == "IN")
    if sign == "LIKE":
        pattern = _like(str(value))
        return lambda shown: shown is not None and pattern.fullmatch(str(shown)) is not None
    low, high = _span(known, value, now)
    tests: dict[str, Callable[[Any], bool]] = {
        "=": lambda shown: low <= shown <= high,
        "!=": lambda shown: not low <= shown <= high,
        "<": lambda shown: shown < low,
        ">": lambda shown: shown > high,
        "<=": lambda shown: shown <= high,
        ">=": lambda shown: shown >= low,
    }
    if value is None:
        return lambda shown: (shown is None) == (sign in ("=", "<=", ">="))

    def test(shown: Any) -> bool:
        if shown is None:
            return sign == "!="
        return tests[sign](_folded(known, shown))

    return test


def _includes(shown: Any, wanted: Sequence[set[str]]) -> bool:
    chosen = set(str(shown or "").split(";"))
    return any(one <= chosen for one in wanted)


def _span(known: FieldInfo, value: Any, now: float) -> tuple[Any, Any]:
    """The least and the greatest value that a literal stands for."""
    if isinstance(value, Moment):
        return value.seconds, value.seconds
    if isinstance(value, Day):
        first, last = _days(value.text, now)
        if known.type == "date":
            return first.isoformat(), last.isoformat()
        start = datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()
        return start, start + ((last - first).days + 1) * 86400 - 1
    folded = _folded(known, value)
    return folded, folded


def _days(text: str, now: float) -> tuple[date, date]:
    today = datetime.fromtimestamp(now, UTC).date()
    if text in ("TODAY", "YESTERDAY", "TOMORROW"):
        day = today + timedelta(days=("YESTERDAY", "TODAY", "TOMORROW").index(text) - 1)
        return day, day
    if ":" in text:
        word, _, number = text.partition(":")
        days = timedelta(days=int(number))
        return (today - days, today) if word == "LAST_N_DAYS" else (today + timedelta(days=1), today + days)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise malformed(f"Invalid date literal: {text}") from None
    return day, day


def _folded(known: FieldInfo, value: Any) -> Any:
    """As comparisons see it: text in any case, ids with 18 characters, date-times as seconds."""
    if not isinstance(value, str):
        return value
    if known.type in _IDS:
        return ids.long(value)
    if known.type == "datetime":
        return seconds_of(value)
    return value if known.type == "date" else value.casefold()


def _like(text: str) -> re.Pattern[str]:
    pieces = re.findall(r"\\[%_]|.", text, flags=re.DOTALL)
    shapes = {"%": ".*", "_": "."}
    return re.compile("".join(shapes.get(one, re.escape(one[-1])) for one in pieces), re.IGNORECASE | re.DOTALL)


def _sort_key(value: Any) -> tuple[bool, Any]:
    return (value is not None, value.casefold() if isinstance(value, str) and not ids.is_id(value) else value or 0)


def _top(where: Condition) -> Sequence[Any]:
    return where.parts if isinstance(where, Both) and where.word == "AND" else [where]


def _bound(where: Condition) -> float:
    """No row that the condition takes has an older SystemModstamp."""
    for part in _top(where):
        if isinstance(part, Compare) and part.field.lower() == "systemmodstamp" and part.sign in (">", ">=", "="):
            return part.value.seconds if isinstance(part.value, Moment) else 0.0
    return 0.0


def _after(where: Condition) -> str:
    """No row that the condition takes has a smaller id."""
    for part in _top(where):
        if isinstance(part, Compare) and part.field.lower() == "id" and part.sign == ">" and ids.is_id(part.value):
            return str(part.value)
    return ""


def _among(where: Condition) -> list[str] | None:
    """The only ids that the condition can take, where it names them."""
    for part in _top(where):
        if isinstance(part, Compare) and part.field.lower() == "id" and part.sign in ("=", "IN"):
            named = part.value if isinstance(part.value, list) else [part.value]
            if all(isinstance(one, str) for one in named):
                return named
    return None
