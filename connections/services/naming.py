"""Names that people may change later, and that are free until then."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.text import slugify


def free_name(rows: QuerySet[Any], stem: str) -> str:
    """The stem as a slug, with a number where one of these rows is called so already."""
    stem = slugify(stem)[:80].strip("-") or "new"
    taken = set(rows.filter(name__startswith=stem).values_list("name", flat=True))
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)
