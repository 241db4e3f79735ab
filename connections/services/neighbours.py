"""What else holds a person or a folder: other connections, and where their settings speak against each other."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext

from connections.models import Connection, Folder, Item, Pair
from connections.services import finding

MOST = 30


def elsewhere(pair: Pair) -> list[Pair]:
    """The pairs of other connections of the tenant that hold one of the two records."""
    items = [item for item in (pair.item_a_id, pair.item_b_id) if item]
    rows = Pair.objects.filter(Q(item_a__in=items) | Q(item_b__in=items), connection__tenant=pair.connection.tenant)
    rows = rows.exclude(pk=pair.pk).filter(connection__deleted_at=None).select_related("connection")
    return list(rows.only("title", "health", "reason", "connection__name").order_by("connection__name")[:MOST])


def linkable(pair: Pair, text: str) -> list[Item]:
    """Records of the connection's folders without a counterpart, found by a part of the name or a whole address."""
    if not text.strip():
        return []
    alone = Pair.objects.filter(connection=pair.connection).filter(Q(item_a=None) | Q(item_b=None))
    found = finding.find_pairs(alone.exclude(pk=pair.pk), text.strip())[:MOST]
    ids = [pk for row in found.values_list("item_a", "item_b") for pk in row if pk]
    return list(Item.objects.filter(pk__in=ids, departed="").select_related("folder__account").order_by("title"))


def contradictions(connection: Connection) -> list[str]:
    """Sentences: where another connection into the same folder wants something else of it than this one."""
    return [text for folder in (connection.folder_a, connection.folder_b) for text in _about(connection, folder)]


def _about(connection: Connection, folder: Folder) -> Iterator[str]:
    others = Connection.objects.filter(Q(folder_a=folder) | Q(folder_b=folder), tenant=connection.tenant, enabled=True)
    for other in others.exclude(pk=connection.pk).order_by("name")[:MOST]:
        mine, theirs = _side(connection, folder), _side(other, folder)
        if not (_writes(connection, mine) and _writes(other, theirs)):
            continue
        if (connection.winner == mine) != (other.winner == theirs):
            winner = connection if connection.winner == mine else other
            loser = other if winner == connection else connection
            yield gettext("In %(winner)s the values of %(folder)s win, in %(loser)s those of the other side.") % {
                "winner": winner.name,
                "folder": folder,
                "loser": loser.name,
            }
        if _deletions(connection, mine) != _deletions(other, theirs):
            yield gettext(
                "A deletion elsewhere does something else to %(folder)s in %(one)s (%(here)s) "
                "than in %(other)s (%(there)s)."
            ) % {
                "folder": folder,
                "one": connection.name,
                "here": _deletions(connection, mine),
                "other": other.name,
                "there": _deletions(other, theirs),
            }
        yield from _sets(connection, mine, other, theirs, folder)


def _sets(connection: Connection, mine: str, other: Connection, theirs: str, folder: Folder) -> Iterator[str]:
    here, there = _actions(connection, mine), _actions(other, theirs)
    for key in sorted(here.keys() & there.keys()):
        if here[key] != there[key]:
            yield gettext("Rules of %(one)s and %(other)s set %(field)s of %(folder)s to different values.") % {
                "one": connection.name,
                "other": other.name,
                "field": key,
                "folder": folder,
            }


def _actions(connection: Connection, side: str) -> dict[str, str]:
    """The fields that rules set on a side, with their values."""
    source = "b_to_a" if side == "a" else "a_to_b"
    found: dict[str, str] = {}
    for actions in connection.rules.filter(enabled=True, direction=source).values_list("actions", flat=True):
        for action in actions:
            if isinstance(action.get("set"), dict):
                found[str(action["set"].get("field"))] = str(action["set"].get("value"))
    return found


def _side(connection: Connection, folder: Folder) -> str:
    return "a" if connection.folder_a_id == folder.pk else "b"


def _writes(connection: Connection, side: str) -> bool:
    return connection.direction in ("both", "b_to_a" if side == "a" else "a_to_b")


def _deletions(connection: Connection, side: str) -> str:
    way = "b_to_a" if side == "a" else "a_to_b"
    policy, label = getattr(connection, f"deletions_{way}"), getattr(connection, f"deletion_label_{way}")
    if policy == "label":
        return gettext("label %(name)s") % {"name": label}
    return gettext("delete") if policy == "delete" else gettext("keep")
