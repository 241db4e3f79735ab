"""All that is held of a tenant as one ZIP file, written piece by piece so that no more than a piece is in memory."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db.models import Model, QuerySet
from django.utils import timezone

from connections.csvfile import harmless
from connections.models import (
    Account,
    AuditEntry,
    Change,
    ConfigurationVersion,
    Connection,
    Decision,
    Folder,
    Item,
    Membership,
    Pair,
    Run,
    Tenant,
)
from connections.services import audit
from connections.services.configuration import export

PIECE = 64 * 1024  # bytes of the archive that are handed on together
ROWS = 500  # of a table, read at a time
README = """What Pairwise holds of {tenant}, on {moment}.

configuration.yaml       accounts and connections with their options, mappings and rules, as `manage.py apply`
                         reads them; without credentials, which leave Pairwise in no file
accounts.csv             the connected accounts
members.csv              who belongs to the organisation
activity.csv             who did what
connections/NAME/
  contacts.jsonl         a line of JSON for each contact: how it is, both sides as they were seen last, and what
                         both agreed on
  history.jsonl          a line for each change that was planned or written: before, after, cause and times
  decisions.jsonl        what people decided about contacts
  runs.csv               the runs that are kept
  versions.jsonl         how the connection was configured before
{left_out}
Times are in UTC. Cells of CSV files that a spreadsheet would take for a formula begin with an apostrophe.
"""


class _Pieces(io.RawIOBase):
    """A file that is only written, and handed on in between."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.waiting += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken


def archive(tenant: Tenant, may_see: Callable[[Connection], bool] = lambda connection: True) -> Iterator[bytes]:
    """The file in pieces. `may_see`: whether the contacts of a connection belong to it; where not, only its runs and
    its configuration do, and the README says so."""
    rows = Connection.objects.filter(tenant=tenant).select_related("folder_a__account", "folder_b__account")
    connections = list(rows.defer("folder_a__account__secrets", "folder_b__account__secrets").order_by("name"))
    pieces = _Pieces()
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, lines in _files(tenant, connections, may_see):
            with packed.open(name, "w", force_zip64=True) as file:
                for line in lines:
                    file.write(line)
                    if len(pieces.waiting) >= PIECE:
                        yield pieces.take()
    yield pieces.take()


def _files(
    tenant: Tenant, connections: Sequence[Connection], may_see: Callable[[Connection], bool]
) -> Iterator[tuple[str, Iterable[bytes]]]:
    hidden = [connection.name for connection in connections if not may_see(connection)]
    left_out = ""
    if hidden:
        left_out = f"\nWithout contacts, history and decisions, since an account is private: {', '.join(hidden)}.\n"
    moment = f"{timezone.now():%d %B %Y %H:%M} UTC"
    yield "README.txt", [README.format(tenant=tenant.name, moment=moment, left_out=left_out).encode()]
    yield "configuration.yaml", [export([tenant]).encode()]
    yield "accounts.csv", _table(_accounts(tenant))
    yield "members.csv", _table(_members(tenant))
    entries = AuditEntry.objects.filter(tenant=tenant).select_related("tenant", "connection").order_by("id")
    yield "activity.csv", _table(audit.as_rows(entries.iterator(ROWS)))
    for connection in connections:
        folder = f"connections/{connection.name}"
        yield f"{folder}/runs.csv", _table(_runs(connection))
        yield f"{folder}/versions.jsonl", _lines(_versions(connection))
        if connection.name not in hidden:
            yield f"{folder}/contacts.jsonl", _lines(_contacts(connection))
            yield f"{folder}/history.jsonl", _lines(_history(connection))
            yield f"{folder}/decisions.jsonl", _lines(_decisions(connection))


# ---- forms


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _table(rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    for cells in rows:
        buffer = io.StringIO()
        csv.writer(buffer).writerow([harmless(cell) for cell in cells])
        yield buffer.getvalue().encode()


def _read(rows: QuerySet[Any]) -> Iterator[Any]:
    """By their ids, a portion at a time; a table that grows meanwhile does no harm."""
    last = 0
    ordered = rows.order_by("pk")
    while portion := list(ordered.filter(pk__gt=last)[:ROWS]):
        yield from portion
        last = portion[-1].pk


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else ""


def _moment(value: datetime | None) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds") if value else ""


# ---- tables


def _accounts(tenant: Tenant) -> Iterator[tuple[object, ...]]:
    yield "name", "app", "login", "state", "reason", "owner", "shared"
    for row in Account.objects.filter(tenant=tenant).defer("secrets").select_related("owner").order_by("name"):
        whose, shared = row.owner or "", "yes" if row.shared else "no"
        yield row.name, row.app, row.remote_name, row.state, row.reason, whose, shared


def _members(tenant: Tenant) -> Iterator[tuple[object, ...]]:
    yield "email", "role", "signed in last"
    for row in Membership.objects.filter(tenant=tenant).select_related("user").order_by("user__email"):
        yield row.user.email, row.role, _moment(row.user.last_login)


def _runs(connection: Connection) -> Iterator[tuple[object, ...]]:
    yield "run", "kind", "preview", "state", "began", "ended", "counts", "message"
    for row in _read(Run.objects.filter(connection=connection)):
        counts = ", ".join(f"{name} {count}" for name, count in sorted(row.counters.items()))
        began, ended = _moment(row.started_at), _moment(row.ended_at)
        yield row.pk, row.kind, "yes" if row.preview else "no", row.state, began, ended, counts, row.message


def _versions(connection: Connection) -> Iterator[dict[str, Any]]:
    for row in _read(ConfigurationVersion.objects.filter(connection=connection)):
        told = {"version": row.number, "at": _moment(row.made_at), "by": row.made_by, "note": row.note}
        yield {**told, "configuration": row.entries}


def _contacts(connection: Connection) -> Iterator[dict[str, Any]]:
    rows = Pair.objects.filter(connection=connection).select_related("item_a", "item_b")
    for row in _read(rows):
        yield {
            "contact": row.pk,
            "title": row.title,
            "state": row.health,
            "reason": row.reason,
            "a": _side(row.item_a, connection.folder_a, row.base_a),
            "b": _side(row.item_b, connection.folder_b, row.base_b),
        }


def _side(item: Item | None, folder: Folder, base: str) -> dict[str, Any] | None:
    if item is None:
        return None
    shown = {"account": folder.account.name, "folder": folder.path, "id": item.remote_id, "departed": item.departed}
    values = {"values": item.record, "labels": orjson.loads(item.labels), "agreed": orjson.loads(base)}
    return {**shown, **values, "changed": _when(item.modified or 0)}


def _history(connection: Connection) -> Iterator[dict[str, Any]]:
    for row in _read(Change.objects.filter(connection=connection).select_related("decided_by")):
        yield {
            "change": row.pk,
            "contact": row.pair_id,
            "title": row.title,
            "run": row.run_id,
            "kind": row.kind,
            "side": row.side,
            "state": row.state,
            **{name: orjson.loads(getattr(row, name)) for name in ("before", "patch", "after", "cause")},
            **{name: orjson.loads(getattr(row, name)) for name in ("add_labels", "remove_labels")},
            "planned": _when(row.made_at),
            "sent": _when(row.sent_at),
            "done": _when(row.done_at),
            "reason": row.reason,
            "decided_by": _name(row.decided_by),
            "undo_of": row.undo_of_id,
        }


def _decisions(connection: Connection) -> Iterator[dict[str, Any]]:
    for row in _read(Decision.objects.filter(connection=connection).select_related("item_a", "item_b", "by")):
        ids = {side: item.remote_id if item else None for side, item in (("a", row.item_a), ("b", row.item_b))}
        yield {"verdict": row.verdict, **ids, "at": _moment(row.at), "by": _name(row.by)}


def _name(row: Model | None) -> str:
    return str(row) if row is not None else ""
