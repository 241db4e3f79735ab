"""What a notification says, and where it leads. Counts and names of our own things, never anything of a contact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse

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
    facts, tenant = row.facts, row.tenant
    match Cause(row.cause):
        case Cause.ACCOUNT | Cause.COLLEAGUE:
            return _account(row)
        case Cause.DIGEST:
            lines = [_line(tenant.slug, one) for one in facts["connections"]]
            text = f"How the connections of {tenant} are doing this week:"
            return Message(_one_line(f"{tenant}: how your connections are doing"), text, link(row), "Open them", lines)
        case Cause.HELD:
            held = _counted(facts["count"], "change")
            text = f"{_name(row)} of {tenant} holds back {held} until somebody decides. Everything else goes on."
            if not facts["count"]:
                text = f"{_name(row)} of {tenant} stands still: one of its sides is suddenly empty. Is that right?"
            return Message(_subject(row, "waits for approval"), text, link(row), "Look at it")
        case Cause.PLAN:
            planned = _counted(facts["count"], "change")
            text = f"{_name(row)} of {tenant} has a plan with {planned} that nobody has decided about yet."
            return Message(_subject(row, "has a plan that waits"), text, link(row), "Look at it")
    text = (
        f"{_counted(facts['count'], 'contact')} of {_name(row)} of {tenant} failed. They are tried again by "
        "themselves, ever less often; the page says what is wrong and what to do."
    )
    return Message(_subject(row, "has contacts that fail"), text, link(row), "See why")


def _account(row: Notification) -> Message:
    facts, tenant = row.facts, row.tenant
    account, count = facts["account"], facts["connections"]
    who = f"{account['app']} account {account['name']}"
    stand = "one connection stands" if count == 1 else f"{count:,} connections stand"
    text = (
        f"The {who} of {tenant} does not let Pairwise in any more, so {stand} still. It has to be connected again; "
        "no contact is lost, and everything goes on from where it stood."
    )
    return Message(_one_line(f"{tenant}: connect {account['name']} again"), text, link(row), "Connect it again")


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
    return Line(facts["name"], facts["state"], contacts, _address("connection", slug, facts["id"]))


def _address(name: str, *arguments: Any) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=arguments)}"


def _name(row: Notification) -> str:
    return str(row.facts["connection"]["name"])


def _subject(row: Notification, what: str) -> str:
    return _one_line(f"{row.tenant}: {_name(row)} {what}")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _counted(count: int, noun: str) -> str:
    return f"one {noun}" if count == 1 else f"{count:,} {noun}s"
