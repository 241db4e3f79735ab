"""What the demo's stores hold before the first sync: an Outlook mailbox, an address book, a HubSpot account and a
Salesforce organisation, some of whose people are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from connections.demo.people import cards, crm_people, hubspot_contact, outlook_contacts, salesforce_contact

MAILBOX = "anna@demo.example"
BOOK = "/demo/contacts/"
FOLDERS: Mapping[str, str] = {"hubspot": "Contacts/Sales", "salesforce": "Contacts/Partners"}  # of the mailbox
CLIENT, SECRET = "demo", "a-secret-of-the-demo"
MAKE_BOOK = """<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype>
<D:collection/><C:addressbook/></D:resourcetype><D:displayname>Contacts</D:displayname></D:prop></D:set></D:mkcol>"""


@dataclass
class Stores:
    """`sandbox`: its address; `dav`: the port of the address book's server; `web`: where this installation is."""

    sandbox: str
    dav: int
    web: str
    tokens: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def fill(self, hubspot_events: tuple[str, ...]) -> None:
        self._fill_outlook()
        self._fill_book()
        self._fill_hubspot(hubspot_events)
        self._fill_salesforce()

    def _control(self, path: str, body: Any) -> Any:
        answer = requests.post(f"{self.sandbox}/control/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def _fill_outlook(self) -> None:
        self.tokens["outlook"] = self._control("outlook/accounts", {"email": MAILBOX, "name": "Anna Demo"})
        contacts = f"outlook/accounts/{quote(MAILBOX)}/contacts"
        self._control(contacts, {"contacts": outlook_contacts(), "folder": "Contacts"})
        for app, folder in FOLDERS.items():
            self._control(contacts, {"contacts": outlook_contacts(crm_people(app)[0]), "folder": folder})

    def _fill_book(self) -> None:
        with requests.Session() as session:
            session.auth = ("demo", "demo")
            book = f"http://127.0.0.1:{self.dav}{BOOK}"
            session.request("MKCOL", book, data=MAKE_BOOK, timeout=30).raise_for_status()
            for name, card in cards():
                headers = {"Content-Type": "text/vcard; charset=utf-8"}
                session.put(book + name, data=card.encode(), headers=headers, timeout=30).raise_for_status()

    def _fill_hubspot(self, events: tuple[str, ...]) -> None:
        self.tokens["hubspot"] = self._control("hubspot/accounts", {"email": MAILBOX, "client": CLIENT})
        app = {"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [f"{self.web}/connect/hubspot/"]}
        number = self._control("hubspot/apps", app)["app_id"]
        target = {"target_url": f"{self.web}/news/hubspot/", "events": list(events)}
        self._control(f"hubspot/apps/{number}/webhooks", target)
        records = [hubspot_contact(person) for person in crm_people("hubspot")[1]]
        self._control(f"hubspot/accounts/{quote(MAILBOX)}/records/contacts", {"records": records})

    def _fill_salesforce(self) -> None:
        self.tokens["salesforce"] = self._control("salesforce/accounts", {"username": MAILBOX})
        records = [salesforce_contact(person) for person in crm_people("salesforce")[1]]
        self._control(f"salesforce/accounts/{quote(MAILBOX)}/records/Contact", {"records": records})

    # ---- the configuration

    def configuration(self) -> dict[str, Any]:
        """In the form of a file for `apply`."""
        return {
            "tenants": [
                {
                    "slug": "demo",
                    "name": "Demo",
                    "region": "BE",
                    "accounts": self._accounts(),
                    "connections": [
                        _connection("outlook-to-dav", "Contacts", "dav", BOOK),
                        _connection("outlook-to-hubspot", FOLDERS["hubspot"], "hubspot", "Contacts"),
                        _connection("outlook-to-salesforce", FOLDERS["salesforce"], "salesforce", "Contacts"),
                    ],
                }
            ]
        }

    def _accounts(self) -> list[dict[str, Any]]:
        return [
            {
                "name": "anna-outlook",
                "app": "outlook",
                "base_url": f"{self.sandbox}/graph",
                "login_url": f"{self.sandbox}/microsoft",
                "credentials": self._held("outlook", "access_token", "refresh_token"),
            },
            {
                "name": "dav",
                "app": "carddav",
                "base_url": f"http://127.0.0.1:{self.dav}/",
                "credentials": {"username": "demo", "password": "demo"},
            },
            {
                "name": "hubspot",
                "app": "hubspot",
                "base_url": f"{self.sandbox}/hubspot",
                "login_url": f"{self.sandbox}/hubspot",
                "credentials": self._held("hubspot", "access_token", "refresh_token"),
            },
            {
                "name": "salesforce",
                "app": "salesforce",
                "login_url": f"{self.sandbox}/salesforce",
                "credentials": {
                    **self._held("salesforce", "access_token", "refresh_token", "instance_url", "id"),
                    "create_accounts": "yes",
                },
            },
        ]

    def _held(self, app: str, *names: str) -> dict[str, str]:
        return {name: str(self.tokens[app][name]) for name in names}


def _connection(name: str, folder: str, account: str, other: str) -> dict[str, Any]:
    return {
        "name": name,
        "a": {"account": "anna-outlook", "folder": folder},
        "b": {"account": account, "folder": other},
        "direction": "both",
        "every": "3s",
    }
