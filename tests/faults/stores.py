"""One store of contacts of each app, in the hands of its owner, who speaks of people alike everywhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from connections import host
from connections.models import Account, Folder, Tenant
from connectors.sandbox import Sandbox
from tests.connectors.carddav.radicale import RadicaleServer
from tests.connectors.hubspot import conftest as hubspot
from tests.connectors.salesforce import conftest as salesforce
from tests.factories import make_account, make_folder
from tests.faults.stage import Book, Mailbox, Person

Servers = tuple[Sandbox, RadicaleServer]
SETTINGS: Mapping[str, str] = {
    "OUTLOOK_VISIBLE_AFTER": "0",
    "HUBSPOT_VISIBLE_AFTER": "0",
    **{f"{app}_CLIENT_ID": "pairwise" for app in ("OUTLOOK", "HUBSPOT", "SALESFORCE")},
    **{f"{app}_SETTLE_AFTER": "1" for app in ("OUTLOOK", "HUBSPOT", "SALESFORCE", "CARDDAV")},
}


class Store(ABC):
    """`path`: of the folder, as the app names it."""

    app: str
    path = "Contacts"

    def __init__(self, servers: Servers) -> None:
        self.sandbox, self.server = servers

    @abstractmethod
    def account(self, tenant: Tenant) -> Account: ...

    def folder(self, tenant: Tenant) -> Folder:
        account = self.account(tenant)
        shown = next(one for one in host.connect(account).folders() if one.path == self.path)
        return make_folder(account, shown.id, name=shown.name, path=shown.path)

    @abstractmethod
    def add(self, *people: Person) -> None: ...

    @abstractmethod
    def retitle(self, given: str, title: str) -> None: ...

    @abstractmethod
    def remove(self, given: str) -> None: ...

    @abstractmethod
    def people(self) -> Counter[Person]: ...

    @abstractmethod
    def written(self) -> Hashable:
        """Differs when anything was written since."""

    def _account(self, tenant: Tenant, secrets: Mapping[str, Any], names: tuple[str, ...], **places: str) -> Account:
        held = {name: str(secrets[name]) for name in names if secrets.get(name)}
        return make_account(tenant, name=self.app, app=self.app, secrets=held, **places)

    def _asked(self, user: str) -> int:
        mine = [one for one in self.sandbox.journal.requests() if one.account == user and one.status < 300]
        return sum(_writes(one.method, one.path) for one in mine)


def _writes(method: str, path: str) -> bool:
    if method != "POST":
        return method != "GET"
    return not path.endswith(("/search", "/batch/read", "/token"))


class OutlookStore(Store):
    app = "outlook"

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers)
        self.mailbox = Mailbox(self.sandbox)

    def account(self, tenant: Tenant) -> Account:
        places = {"base_url": f"{self.sandbox.url}/graph", "login_url": f"{self.sandbox.url}/microsoft"}
        return self._account(tenant, self.mailbox.secrets, ("access_token", "refresh_token", "scope"), **places)

    def add(self, *people: Person) -> None:
        self.mailbox.add(*people)

    def retitle(self, given: str, title: str) -> None:
        self.mailbox.edit(given, jobTitle=title)

    def remove(self, given: str) -> None:
        self.mailbox.remove(given)

    def people(self) -> Counter[Person]:
        return self.mailbox.people()

    def written(self) -> Hashable:
        return self.mailbox.writes


class CardDavStore(Store):
    app = "carddav"

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers)
        self.book = Book(self.server)

    def account(self, tenant: Tenant) -> Account:
        secrets = {"username": self.server.username, "password": self.server.password}
        return self._account(tenant, secrets, ("username", "password"), base_url=self.server.url)

    def folder(self, tenant: Tenant) -> Folder:
        return make_folder(self.account(tenant), self.book.folder, name="Contacts", path="Contacts")

    def add(self, *people: Person) -> None:
        self.book.add(*people)

    def retitle(self, given: str, title: str) -> None:
        self.book.edit(given, title=title)

    def remove(self, given: str) -> None:
        self.book.remove(given)

    def people(self) -> Counter[Person]:
        return self.book.people()

    def written(self) -> Hashable:
        return frozenset(self.book.cards().items())


class HubSpotStore(Store):
    app = "hubspot"
    names = ("firstname", "lastname", "jobtitle", "company", "email")

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers)
        self.portal = hubspot.Account(self.sandbox)

    def account(self, tenant: Tenant) -> Account:
        address = f"{self.sandbox.url}/hubspot"
        names = ("access_token", "refresh_token", "hub_id", "scope")
        return self._account(tenant, self.portal.secrets, names, base_url=address, login_url=address)

    def add(self, *people: Person) -> None:
        parts = [(one.given, one.family, one.title, one.company, one.email) for one in people]
        self.portal.load(
            *({name: value for name, value in zip(self.names, one, strict=True) if value} for one in parts)
        )

    def retitle(self, given: str, title: str) -> None:
        self.portal.edit(self._id(given), jobtitle=title)

    def remove(self, given: str) -> None:
        self.portal.api.remove(self.portal.user, self._id(given))

    def _id(self, given: str) -> str:
        return str(next(one["id"] for one in self.portal.records() if one.get("firstname") == given))

    def people(self) -> Counter[Person]:
        return Counter(Person(*(str(one.get(name) or "") for name in self.names)) for one in self.portal.records())

    def written(self) -> Hashable:
        return self._asked(self.portal.user)


class SalesforceStore(Store):
    app = "salesforce"

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers)
        self.org = salesforce.Account(self.sandbox)

    def account(self, tenant: Tenant) -> Account:
        names = ("access_token", "refresh_token", "instance_url", "id", "marker_field", "create_accounts")
        secrets = {**self.org.secrets, **self.org.options, "create_accounts": "yes"}
        return self._account(tenant, secrets, names, login_url=f"{self.sandbox.url}/salesforce")

    def add(self, *people: Person) -> None:
        for one in people:
            body = {"FirstName": one.given, "LastName": one.family, "Title": one.title, "Email": one.email}
            if one.company:
                body["AccountId"] = self._company(one.company)
            self.org.load("Contact", {name: value for name, value in body.items() if value})

    def _company(self, name: str) -> str:
        known = {one["Name"]: str(one["Id"]) for one in self.org.records("Account")}
        return known.get(name) or self.org.load("Account", {"Name": name})[0]

    def retitle(self, given: str, title: str) -> None:
        self.org.edit(self._id(given), Title=title)

    def remove(self, given: str) -> None:
        self.org.api.remove(self.org.user, self._id(given))

    def _id(self, given: str) -> str:
        return str(next(one["Id"] for one in self.org.records("Contact") if one["FirstName"] == given))

    def people(self) -> Counter[Person]:
        names = {one["Id"]: one["Name"] for one in self.org.records("Account")}
        return Counter(
            Person(
                one["FirstName"] or "",
                one["LastName"].replace("[not provided]", ""),
                one["Title"] or "",
                str(names.get(one["AccountId"], "")),
                (one["Email"] or "").lower(),
            )
            for one in self.org.records("Contact")
        )

    def written(self) -> Hashable:
        return self._asked(self.org.user)


STORES: Mapping[str, Callable[[Servers], Store]] = {
    kind.app: kind for kind in (CardDavStore, HubSpotStore, OutlookStore, SalesforceStore)
}


@dataclass(frozen=True)
class Ends:
    """The two sides of a connection."""

    a: Store
    b: Store

    @classmethod
    def of(cls, servers: Servers, a: str, b: str) -> Ends:
        return cls(STORES[a](servers), STORES[b](servers))

    def written(self) -> Hashable:
        return self.a.written(), self.b.written()
