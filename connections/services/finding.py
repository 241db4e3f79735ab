"""Finding contacts in big tables, each way through an index."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from connections.models import Change, Folder, Item, ItemKey, Pair

FOUND = 500  # rows that a search hands to a list


def find_pairs(rows: QuerySet[Pair], text: str) -> QuerySet[Pair]:
    """By a part of the name; by a whole email address."""
    if "@" in text:
        items = items_with_email(text)
        return rows.filter(Q(item_a__in=items) | Q(item_b__in=items))
    # The inner query reads the index of titles alone, not the rows with their bases.
    found = Pair.objects.filter(title__icontains=text).order_by().values("id")
    return rows.filter(id__in=found)


def find_changes(rows: QuerySet[Change], text: str) -> QuerySet[Change]:
    pairs = Pair.objects.filter(title__icontains=text).order_by().values_list("id", flat=True)[:FOUND]
    return rows.filter(pair_id__in=list(pairs))


def find_items(rows: QuerySet[Item], text: str) -> QuerySet[Item]:
    """By a whole email address, or by the app's own id."""
    if "@" in text:
        return rows.filter(id__in=items_with_email(text))
    return rows.filter(remote_id=text)


def items_with_email(text: str) -> list[int]:
    """An index seek per folder, since keys are indexed by folder."""
    folders = list(Folder.objects.values_list("id", flat=True))
    keys = ItemKey.objects.filter(folder_id__in=folders, value=f"e:{text.strip().lower()}")
    return list(keys.values_list("item_id", flat=True)[:FOUND])
