"""Taking the marks of our creates off contacts again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from connectors.hubspot.errors import error_for
from connectors.hubspot.fields import MARK
from connectors.hubspot.reading import Reader

_WHAT = "to change contacts"


def remove(reader: Reader, ids: Sequence[str], keep: Collection[str]) -> int:
    api = reader.api
    if not reader.portal.catalogue().marks:
        return 0
    held = {
        str(row.get("id")): (row.get("properties") or {}).get(MARK) for row in api.batch("contacts", ids, [MARK], "")
    }
    marked = [id for id, mark in held.items() if mark and mark not in keep]
    if not marked:
        return 0
    inputs = [{"id": id, "properties": {MARK: ""}} for id in marked]
    status, answer = api.send("POST", api.at.objects("contacts", "/batch/update"), {"inputs": inputs}, _WHAT)
    if status >= 300:
        raise error_for(status, answer, _WHAT)
    return len(marked)
