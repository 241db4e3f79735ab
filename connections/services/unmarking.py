"""Taking off again, in the apps, the markers by which the creates of a deleted connection were known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from django.db.models import Q

from connections import host
from connections.models import Change, ChangeKind, Connection, Folder, Item, Pair, stopped
from connections.models.changes import OPEN
from connectors.base import ConnectorError, RemovesMarkers, chunked


def folders(connection: Connection) -> list[Folder]:
    """Those whose app lets go of markers, as far as it is known without asking."""
    sides = (connection.folder_a, connection.folder_b)
    return [
        side for side in sides if not side.read_only and host.declaration(side.account).capabilities.removes_markers
    ]


def ask(connection: Connection) -> None:
    """What cannot be done at once is tried again every hour until it is."""
    _note(connection, "The markers are being removed.", removing=True)


def unfinished() -> list[Connection]:
    return list(Connection.every.filter(removing_markers=True).exclude(deleted_at=None))


def carry_out(connection: Connection) -> str:
    """Removes them in each app that can, and the fields that were made for them where no other connection may need
    them. A repeat does no harm. Says what became of it, which is also kept."""
    if Connection.every.filter(stopped(), pk=connection.pk).exists():
        _note(connection, "Operations have stopped it. It will be tried again.", removing=True)
        return "stopped"
    told, waiting = [], False
    for folder in folders(connection):
        try:
            told.append(_in_folder(connection, folder))
        except ConnectorError as error:
            waiting = waiting or error.retry
            told.append(f"{folder.account}: {error}")
    text = " ".join(told)
    _note(connection, f"{text} It will be tried again." if waiting else text, removing=waiting)
    return text


def _note(connection: Connection, text: str, *, removing: bool) -> None:
    Connection.every.filter(pk=connection.pk).update(removing_markers=removing, markers_note=text)


def _in_folder(connection: Connection, folder: Folder) -> str:
    connector = host.connect(folder.account)
    if not connector.capabilities.removes_markers:
        return f"{folder.account} keeps no markers."
    remover = cast(RemovesMarkers, connector)
    keep = _unanswered(folder)
    count = sum(
        remover.remove_markers(folder.remote_id, ids, keep)
        for ids in chunked(_paired(connection, folder), connector.capabilities.read_batch)
    )
    told = f"{folder.account}: markers taken off {count} contacts."
    if not keep and not _is_needed_by_others(connection, folder):
        told += "".join(f" The field {name!r} is removed." for name in remover.remove_helpers())
    return told


def _unanswered(folder: Folder) -> frozenset[str]:
    """The markers of creates whose answer is missing: they will be looked for."""
    creates = Change.objects.filter(target_folder__account=folder.account_id, kind=ChangeKind.CREATE, state__in=OPEN)
    return frozenset(creates.values_list("marker", flat=True))


def _paired(connection: Connection, folder: Folder) -> Sequence[str]:
    side = "item_a" if folder.pk == connection.folder_a_id else "item_b"
    pairs = Pair.objects.filter(connection=connection).exclude(**{side: None})
    return list(Item.objects.filter(pk__in=pairs.values(side), departed="").values_list("remote_id", flat=True))


def _is_needed_by_others(connection: Connection, folder: Folder) -> bool:
    account = folder.account_id
    others = Connection.every.filter(Q(folder_a__account=account) | Q(folder_b__account=account))
    return others.exclude(pk=connection.pk).exists()
