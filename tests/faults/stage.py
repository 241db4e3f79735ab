"""The real connectors on real servers: a mailbox of the Outlook sandbox, a book on Radicale, and their connection."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import vobject
from django.conf import settings
from django.db import connection as database

from connections import host
from connections.engine.leases import Fence
from connections.engine.runner import Runner
from connections.models import Account, Change, Connection, Run, Tenant
from connections.models.changes import OPEN
from connectors.outlook.sandbox.control import OutlookSandbox
from connectors.sandbox import Sandbox
from tests.connectors.carddav.radicale import RadicaleServer
from tests.factories import make_account, make_connection, make_folder, make_tenant

_numbers = count(1)
SETTLE = 1.0  # seconds; the sandbox has done everything by the time it answers


@dataclass(frozen=True)
class Person:
    given: str
    family: str = "Crowd"
    title: str = ""
    company: str = ""
    email: str = ""


class Clock:
    """Real time that can be set forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds


class Mailbox:
    """A mailbox of the sandbox, in the hands of its owner."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.api: OutlookSandbox = sandbox.part("outlook")
        self.email = f"owner{next(_numbers)}@example.com"
        self.secrets = self.api.add_account(self.email)

    def add(self, *people: Person) -> list[str]:
        return self.load(*map(_body, people))

    def load(self, *bodies: Mapping[str, Any]) -> list[str]:
        return self.api.load(self.email, bodies)

    def edit(self, given: str, **values: Any) -> None:
        self.api.edit(self.email, self._id(given), values)

    def remove(self, given: str) -> None:
        self.api.remove(self.email, self._id(given))

    def _id(self, given: str) -> str:
        return str(next(one["id"] for one in self.contacts() if one["givenName"] == given))

    def contacts(self) -> list[dict[str, Any]]:
        return self.api.contacts(self.email, "Contacts")

    def people(self) -> Counter[Person]:
        return Counter(
            Person(
                one.get("givenName") or "",
                one.get("surname") or "",
                one.get("jobTitle") or "",
                one.get("companyName") or "",
                next((email["address"].lower() for email in one.get("emailAddresses") or ()), ""),
            )
            for one in self.contacts()
        )

    @property
    def writes(self) -> int:
        """Requests that created, changed or deleted something, those inside a batch counted one by one."""
        mine = [one for one in self.sandbox.journal.requests() if one.account == self.email and one.status < 300]
        return sum(one.inner and one.method != "GET" for one in mine)


class Book:
    """An address book on Radicale, in the hands of another client."""

    def __init__(self, server: RadicaleServer) -> None:
        self.server = server
        self.folder = server.make_book(f"book{next(_numbers)}")

    def add(self, *people: Person) -> None:
        for person in people:
            self.put(person.given.lower(), card_of(person))

    def put(self, name: str, text: str) -> str:
        return self.server.put_card(name, text, self.folder)

    def edit(self, given: str, **values: Any) -> None:
        """Changes lines of the stored card and leaves the others alone."""
        name, text = next((name, text) for name, text in self.cards().items() if _given(text) == given)
        card = vobject.readOne(text)
        for line, value in values.items():
            card.contents.pop(line, None)
            card.add(line).value = value
        self.put(name, card.serialize())

    def remove(self, given: str) -> None:
        name = next(name for name, text in self.cards().items() if _given(text) == given)
        self.server.delete_card(name, self.folder)

    def cards(self) -> dict[str, str]:
        return self.server.cards(self.folder)

    def people(self) -> Counter[Person]:
        return Counter(map(person_of, self.cards().values()))


@dataclass
class Stage:
    """Servers, and the rows that stand for them."""

    sandbox: Sandbox
    server: RadicaleServer
    tenant: Tenant = field(default_factory=make_tenant)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.mailbox = Mailbox(self.sandbox)
        self.book = Book(self.server)
        self.outlook = make_account(
            self.tenant,
            name="anna-outlook",
            app="outlook",
            base_url=f"{self.sandbox.url}/graph",
            login_url=f"{self.sandbox.url}/microsoft",
            secrets={name: str(self.mailbox.secrets[name]) for name in ("access_token", "refresh_token", "scope")},
        )
        self.dav = make_account(
            self.tenant,
            name="dav",
            app="carddav",
            base_url=self.server.url,
            secrets={"username": self.server.username, "password": self.server.password},
        )

    def connect(self, swapped: bool = False, book: str = "", **options: Any) -> Connection:
        """Outlook is side a, the address book side b; or the other way round."""
        folder = next(one for one in host.connect(self.outlook).folders() if one.path == "Contacts")
        mail = make_folder(self.outlook, folder.id, name=folder.name, path=folder.path)
        cards = make_folder(self.dav, book or self.book.folder, name="Contacts", path="Contacts")
        ends = (cards, mail) if swapped else (mail, cards)
        return make_connection(*ends, **{"avoid_duplicates": False, **options})

    def runner(self, connection: Connection) -> Runner:
        """As the product makes it, but on the stage's clock."""
        fresh = Connection.objects.select_related("folder_a__account", "folder_b__account").get(pk=connection.pk)
        fence = Fence()
        accounts: dict[str, Account] = {"a": fresh.folder_a.account, "b": fresh.folder_b.account}
        connectors = {side: host.connect(account, fence, self.clock) for side, account in accounts.items()}
        return Runner(fresh, connectors, self.clock, fence)

    def run(self, connection: Connection) -> Run:
        return self.runner(connection).run()

    def unsettled(self) -> int:
        return Change.objects.filter(tenant=self.tenant, state__in=OPEN).count()


def assert_same(stage: Stage) -> None:
    """Both sides hold the same people, each once."""
    mailbox, book = stage.mailbox.people(), stage.book.people()
    assert mailbox == book
    doubled = [person for person, times in Counter(one.given for one in mailbox.elements()).items() if times > 1]
    assert doubled == []


def card_of(person: Person) -> str:
    lines = [
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"UID:uid-{person.given.lower()}-{next(_numbers)}",
        f"FN:{person.given} {person.family}",
        f"N:{person.family};{person.given};;;",
        *([f"TITLE:{person.title}"] if person.title else []),
        *([f"ORG:{person.company}"] if person.company else []),
        *([f"EMAIL;TYPE=INTERNET:{person.email}"] if person.email else []),
        "END:VCARD",
    ]
    return "\r\n".join(lines) + "\r\n"


def person_of(text: str) -> Person:
    card = vobject.readOne(text)
    name = card.n.value if hasattr(card, "n") else None
    return Person(
        str(name.given) if name else "",
        str(name.family) if name else "",
        card.title.value if hasattr(card, "title") else "",
        card.org.value[0] if hasattr(card, "org") else "",
        card.email.value.lower() if hasattr(card, "email") else "",
    )


def _given(text: str) -> str:
    return person_of(text).given


def _body(person: Person) -> dict[str, Any]:
    body = {
        "givenName": person.given,
        "surname": person.family,
        "displayName": f"{person.given} {person.family}".strip(),
        "jobTitle": person.title,
        "companyName": person.company,
        "emailAddresses": [{"address": person.email, "name": ""}] if person.email else [],
    }
    return {key: value for key, value in body.items() if value}


# ---- for processes that tests start


def address(url: str) -> str:
    """``host:port``, as ALLOWED_PRIVATE_HOSTS takes it."""
    return urlsplit(url).netloc


def environment(*urls: str) -> dict[str, str]:
    """Of a process that works on the test's database and may reach these servers."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "ALLOWED_PRIVATE_HOSTS": ",".join(map(address, urls)),
        "APP_OUTLOOK_CLIENT_ID": "pairwise",
        "APP_OUTLOOK_SETTLE_AFTER": str(SETTLE),
        "APP_OUTLOOK_VISIBLE_AFTER": "0",
    }


def database_url() -> str:
    now = database.settings_dict
    if database.vendor == "sqlite":
        return f"sqlite:///{now['NAME']}"
    return f"postgres://{now['USER']}:{now['PASSWORD']}@{now['HOST']}:{now['PORT'] or 5432}/{now['NAME']}"


MANAGE = str(settings.BASE_DIR / "manage.py")


def wait_until(seconds: float, pause: float = 0.01) -> Iterator[None]:
    """For loops that look for something; raises TimeoutError when the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(pause)
    raise TimeoutError(f"it did not happen within {seconds:.0f} seconds")
