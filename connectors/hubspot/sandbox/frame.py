"""What the pages of HubSpot have in common: where they lie, their heads and their links."""

from __future__ import annotations

from connectors.hubspot.sandbox.definitions import CONTACTS, NAMES
from connectors.hubspot.sandbox.store import Account, Record, moment
from connectors.sandboxkit.html import Html, page, tag
from connectors.sandboxkit.web import Response

HOME = "/hubspot/pages/"
PLACES = ("contacts", "companies", "lists", "owners")


def singular(place: str) -> str:
    return next(one for one, several in NAMES.values() if several == place)


def name_of(record: Record) -> str:
    names = ("firstname", "lastname") if record.type == CONTACTS else ("name",)
    full = " ".join(filter(None, (record.value(name) for name in names)))
    return full or record.value("email") or record.value("domain") or f"(no name, {moment(record.created)[:10]})"


def head(account: Account, place: str) -> list[Html]:
    links = [
        tag("a", name.capitalize(), href=address(account, name), aria_current="page" if name == place else None)
        for name in PLACES
    ]
    title = tag("h1", place.capitalize(), " ", tag("small", f"{account.portal}, {account.email}"))
    return [title, tag("nav", *links, class_="folders", aria_label="Places")]


def address(account: Account, place: str, id: str = "") -> str:
    return f"{HOME}{account.portal}/{place}" + (f"/{id}" if id else "")


def trail(account: Account | None = None, place: str = "") -> list[tuple[str, str]]:
    found = [(HOME, "HubSpot")]
    if account is not None:
        found.append((address(account, place), f"{account.on('name')}: {place}"))
    return found


def problem(status: int, words: str) -> Response:
    answer = page("Sorry", tag("h1", "Sorry"), tag("p", words), trail=trail())
    answer.status = status
    return answer
