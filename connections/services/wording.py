"""What a notification says, and where it leads. Counts and names of our own things, never anything of a contact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from connections.languages import number
from connections.models import Cause, Health, Notification


@dataclass(frozen=True, slots=True)
class Line:
    """Of the digest: one connection."""

    name: str
    state: str
    contacts: Sequence[tuple[str, int]]  # state of contacts in words, and how many
    link: str


@dataclass(frozen=True, slots=True)
class Message:
    subject: str
    text: str
    link: str
    button: str
    lines: Sequence[Line] = ()


def message(row: Notification) -> Message:
    """In the language that is active."""
    match Cause(row.cause):
        case Cause.ACCOUNT | Cause.COLLEAGUE:
            return _account(row)
        case Cause.DIGEST:
            return _digest(row)
        case Cause.HELD:
            return _held(row)
        case Cause.PLAN:
            text = ngettext(
                "%(name)s of %(tenant)s has a plan with one change that nobody has decided about yet.",
                "%(name)s of %(tenant)s has a plan with %(count)s changes that nobody has decided about yet.",
                row.facts["count"],
            )
            subject = gettext("%(tenant)s: %(name)s has a plan that waits")
            return _message(row, subject, text, gettext("Look at it"))
    text = ngettext(
        "one contact of %(name)s of %(tenant)s failed. They are tried again by themselves, ever less often; the page "
        "says what is wrong and what to do.",
        "%(count)s contacts of %(name)s of %(tenant)s failed. They are tried again by themselves, ever less often; the "
        "page says what is wrong and what to do.",
        row.facts["count"],
    )
    return _message(row, gettext("%(tenant)s: %(name)s has contacts that fail"), text, gettext("See why"))


def _held(row: Notification) -> Message:
    count = row.facts["count"]
    text = ngettext(
        "%(name)s of %(tenant)s holds back one change until somebody decides. Everything else goes on.",
        "%(name)s of %(tenant)s holds back %(count)s changes until somebody decides. Everything else goes on.",
        count,
    )
    if not count:
        text = gettext("%(name)s of %(tenant)s stands still: one of its sides is suddenly empty. Is that right?")
    return _message(row, gettext("%(tenant)s: %(name)s waits for approval"), text, gettext("Look at it"))


def _message(row: Notification, subject: str, text: str, button: str) -> Message:
    """About a connection."""
    about = {"tenant": row.tenant, "name": row.facts["connection"]["name"], "count": number(row.facts["count"])}
    return Message(_one_line(subject % about), text % about, link(row), button)


def _digest(row: Notification) -> Message:
    about = {"tenant": row.tenant}
    lines = [_line(row.tenant.slug, one) for one in row.facts["connections"]]
    subject = gettext("%(tenant)s: how your connections are doing") % about
    text = gettext("How the connections of %(tenant)s are doing this week:") % about
    return Message(_one_line(subject), text, link(row), gettext("Open them"), lines)


def _account(row: Notification) -> Message:
    account, count = row.facts["account"], row.facts["connections"]
    about = {"app": account["app"], "name": account["name"], "tenant": row.tenant, "count": number(count)}
    text = ngettext(
        "The %(app)s account %(name)s of %(tenant)s does not let Pairwise in any more, so one connection stands still. "
        "It has to be connected again; no contact is lost, and everything goes on from where it stood.",
        "The %(app)s account %(name)s of %(tenant)s does not let Pairwise in any more, so %(count)s connections stand "
        "still. It has to be connected again; no contact is lost, and everything goes on from where it stood.",
        count,
    )
    subject = gettext("%(tenant)s: connect %(name)s again") % about
    return Message(_one_line(subject), text % about, link(row), gettext("Connect it again"))


def link(row: Notification) -> str:
    """The page where something can be done about it."""
    facts, slug = row.facts, row.tenant.slug
    if "account" in facts:
        return _address("account-again", slug, facts["account"]["id"])
    if "connection" in facts:
        return _address("connection", slug, facts["connection"]["id"])
    return _address("tenant", slug)


def _line(slug: str, facts: dict[str, Any]) -> Line:
    contacts = [(str(Health(health).label), count) for health, count in facts["contacts"].items()]
    return Line(facts["name"], gettext(facts["state"]), contacts, _address("connection", slug, facts["id"]))


def _address(name: str, *arguments: Any) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=arguments)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
