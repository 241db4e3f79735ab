"""Sentences that stand in the database or that an app declares: in English there, in the reader's language here."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext, gettext_noop

register = template.Library()

# What the engine stores word for word. Half of it knows no Django, so its sentences stand here once more.
SENTENCES = (
    gettext_noop("the app asked us to wait"),
    gettext_noop("sent, but no answer came; it is looked up before anything else"),
    gettext_noop("the same person is just being created"),
    gettext_noop("a write to it has no answer yet"),
    gettext_noop("deleted on both sides"),
    gettext_noop("matches no rule"),
    gettext_noop("matches no rule any more"),
    gettext_noop("this direction has no enabled rule"),
    gettext_noop("matches no rule, as long as one of them rests"),
    gettext_noop("its rules only update contacts that are on both sides"),
    gettext_noop("holds nothing that the other side could take"),
    gettext_noop("it was rejected to pair it with its counterpart: a person must decide"),
    gettext_noop("its counterpart is already paired with another contact: a person must decide"),
    gettext_noop("waits for approval"),
    gettext_noop("its deletion was rejected by a person, kept here"),
    gettext_noop("making it there was rejected by a person"),
    gettext_noop("a copy of a contact that was deleted on the other side"),
    gettext_noop("left out by a person"),
    gettext_noop("is known by something of a person who asked to be forgotten, so it is never created"),
    gettext_noop("has none of the keys by which this connection knows people (such as an email)"),
    gettext_noop("never arrived; decided again"),
    gettext_noop("not taken; decided again"),
    gettext_noop("did not take effect; decided again"),
    gettext_noop("no answer comes to it"),
    gettext_noop("It was interrupted. What it had done by then stands in its changes."),
    gettext_noop("what the new configuration would change waits for approval"),
    gettext_noop("taken back"),
    gettext_noop("nothing is left to take back"),
)
# Why a change is made, with places for the sides.
CAUSES = (
    gettext_noop("new"),
    gettext_noop("filled"),
    gettext_noop("united"),
    gettext_noop("follows the parts of the name"),
    gettext_noop("came back"),
    gettext_noop("it came back"),
    gettext_noop("left the scope of the rule"),
    gettext_noop("both filled, %(side)s wins"),
    gettext_noop("both changed, %(side)s wins"),
    gettext_noop("changed on %(side)s"),
    gettext_noop("cleared on %(side)s"),
    gettext_noop("empty on %(side)s"),
    gettext_noop("put back on %(side)s"),
    gettext_noop("opted out on %(side)s"),
    gettext_noop("taken back on %(side)s, passed on by a person"),
    gettext_noop("changed on %(side)s, cleared on %(other)s"),
)


@register.filter
def translated(value: Any) -> Any:
    """What the catalogue does not know stays as it is."""
    return gettext(value) if isinstance(value, str) and value else value
