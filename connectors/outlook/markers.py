"""Taking the markers of our creates off contacts again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from connectors.base import Throttled
from connectors.outlook import extended
from connectors.outlook.batch import Inner, Request
from connectors.outlook.errors import error_for
from connectors.outlook.graph import query
from connectors.outlook.reading import Reader

_CLEARED = {"singleValueExtendedProperties": [{"id": extended.MARKER, "value": ""}]}


def remove(reader: Reader, ids: Sequence[str], keep: Collection[str]) -> int:
    """Outlook keeps the property, without a value (it knows no way to take one away from a contact)."""
    graph, place = reader.graph, reader.place
    options = query(select="id", expand=extended.expand([]))
    seen = graph.read_all([Request("GET", place.contact(id) + options) for id in ids])
    _raise_for(reader, seen)
    markers = {inner.contact["id"]: extended.marker_of(inner.contact) for inner in seen if inner.contact}
    marked = [id for id, marker in markers.items() if marker and marker not in keep]
    inners = graph.batch([Request("PATCH", place.contact(id), _CLEARED) for id in marked], "write") if marked else []
    _raise_for(reader, inners)
    return sum(inner.ok for inner in inners)


def _raise_for(reader: Reader, inners: Sequence[Inner]) -> None:
    """For anything but contacts that are gone."""
    host = reader.graph.host
    for inner in inners:
        if inner.is_throttled:
            wait = inner.wait(host.clock.now())
            host.limits.throttled("write", wait)
            raise Throttled(f"Outlook asks to wait for {wait:.0f} seconds. It goes on by itself then.", wait)
        if not inner.ok and inner.status not in (404, 410):
            raise error_for(inner.status, inner.body, "to change contacts")
