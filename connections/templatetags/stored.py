"""Sentences that stand in the database or that an app declares: in English there, in the reader's language here."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext

register = template.Library()


@register.filter
def translated(value: Any) -> Any:
    """What the catalogue does not know stays as it is."""
    return gettext(value) if isinstance(value, str) and value else value
