"""How values of contacts are shown on pages. Contact data is hostile input: everything here is escaped."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from connections.live import moving_part
from connections.models import Run
from connections.services import looking

register = template.Library()
LONGEST = 600  # characters of one value; a page shows what it is, not all of a long note


@register.filter
def shown(value: Any) -> SafeString | str:
    """A value of a record, in words; a dash where it is unset."""
    if value is None or value == "" or value == []:
        return format_html('<span class="pw-none">{}</span>', "—")
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return format_html_join(mark_safe("<br>"), "{}", [(_element(element),) for element in value])
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _element(element: Any) -> SafeString | str:
    if not isinstance(element, dict):
        return shown(element)
    kind = element.get("label") or element.get("type")
    value = shown(element.get("value"))
    return format_html('{} <span class="pw-kind">{}</span>', value, kind) if kind else value


@register.simple_tag(takes_context=True)
def live(context: template.Context, moves: Any, alone: bool = False) -> SafeString:
    """The attributes of the part of a page that is about running work; see `connections.live`."""
    return moving_part(context["request"], bool(moves), alone)


@register.filter
def unlocalised(value: float) -> str:
    """A number as SVG wants it, whatever the language."""
    return f"{value:.3f}"


@register.filter
def did(run: Run) -> str:
    """What a run did, in words."""
    if run.preview and not run.counters:
        return gettext("made a plan")
    return looking.summary(run.counters or {})
