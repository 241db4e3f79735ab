"""Taking the marks of our creates off contacts and leads again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from connectors.base import Throttled
from connectors.salesforce.errors import LOCK_WAIT, LOCKED, error_for, problems_in
from connectors.salesforce.reading import Reader, departure_of

_WHAT = "to change records"


def remove(reader: Reader, ids: Sequence[str], keep: Collection[str]) -> int:
    """Records that a rule of the organisation refuses to change keep their mark."""
    mark, api = reader.source.mark, reader.api
    if not mark:
        return 0
    rows = [row for row in reader.among("Id", ids) if not departure_of(row)]
    marked = [str(row["Id"]) for row in rows if row.get(mark) and row[mark] not in keep]
    if not marked:
        return 0
    records = [{"attributes": {"type": reader.source.object}, "id": id, mark: None} for id in marked]
    status, answer = api.send("PATCH", "/composite/sobjects", {"allOrNone": False, "records": records}, _WHAT)
    if status >= 300:
        raise error_for(status, answer, _WHAT)
    results = answer if isinstance(answer, list) else []
    codes = {one.code for result in results for one in problems_in(result)}
    if codes & LOCKED:
        raise Throttled("Salesforce is busy with these records. It goes on by itself in a moment.", LOCK_WAIT)
    return sum(bool(result.get("success")) for result in results if isinstance(result, dict))
