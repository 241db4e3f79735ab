"""What tests, the demo and the sandbox's user may do behind Graph's back: make mailboxes, load, look, move, expire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.outlook.sandbox import ids, past
from connectors.outlook.sandbox.call import timestamp
from connectors.outlook.sandbox.filters import property_key
from connectors.outlook.sandbox.shape import Data, created, patched
from connectors.outlook.sandbox.store import SWITCHES, Contact, Mailbox, Store
from connectors.outlook.sandbox.subscriptions import Subscriptions
from connectors.outlook.sandbox.tokens import ACCESS_SECONDS, REFRESH_SECONDS, SCOPES, Tokens
from connectors.sandboxkit.control import Unknown, WrongUse
from connectors.sandboxkit.database import Row

KINDS = ("work", "personal")


class OutlookSandbox:
    """The same in Python, for tests: `sandbox.part("outlook")`. Mailboxes are named by address, folders by path."""

    def __init__(self, store: Store, tokens: Tokens, subscriptions: Subscriptions) -> None:
        self.store = store
        self.tokens = tokens
        self.subscriptions = subscriptions

    # ---- mailboxes and tokens

    def add_account(
        self,
        email: str,
        name: str = "",
        kind: str = "work",
        tokens: Mapping[str, Any] | None = None,
        switches: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Makes a mailbox, or keeps the one there is, and issues tokens; returns them with the mailbox's ids."""
        if "@" not in email or kind not in KINDS:
            raise WrongUse("an account needs an email address, and as kind work or personal")
        self._check_switches(switches or {})
        with self.store.database.transaction():
            mailbox = self.store.mailbox(email)
            if mailbox is None:
                name = name or email.partition("@")[0].replace(".", " ").title()
                mailbox = self.store.add_mailbox(email, name, kind, switches or {})
            elif switches:
                mailbox = self.store.set_switches(mailbox, switches)
            return {**self._account(mailbox), **self._issue(mailbox, **(tokens or {}))}

    def issue_tokens(self, email: str, **options: Any) -> dict[str, Any]:
        """Options: scope, expires_in (seconds), access_token, refresh_token (texts of one's own choice), client_id."""
        with self.store.database.transaction():
            return self._issue(self.mailbox(email), **options)

    def _issue(
        self,
        mailbox: Mailbox,
        scope: str = SCOPES,
        expires_in: float = ACCESS_SECONDS,
        access_token: str = "",
        refresh_token: str = "",
        client_id: str = "",
    ) -> dict[str, Any]:
        issue = self.tokens.issue
        return {
            "access_token": issue(mailbox, "access", scope, client=client_id, seconds=expires_in, token=access_token),
            "refresh_token": issue(
                mailbox, "refresh", scope, client=client_id, seconds=REFRESH_SECONDS, token=refresh_token
            ),
            "expires_in": expires_in,
            "scope": scope,
        }

    def expire_tokens(self, email: str, kinds: Iterable[str] = ("access",)) -> None:
        """kinds: access, refresh (as if the grant had been revoked)."""
        with self.store.database.transaction():
            self.tokens.expire(self.mailbox(email), kinds)

    def expire_cursors(self) -> None:
        """Every delta token given out so far is lost."""
        with self.store.database.transaction():
            self.store.database.execute("DELETE FROM outlook_cursor")

    def set_switches(self, email: str, **switches: Any) -> None:
        self._check_switches(switches)
        with self.store.database.transaction():
            self.store.set_switches(self.mailbox(email), switches)

    @staticmethod
    def _check_switches(switches: Mapping[str, Any]) -> None:
        unknown = sorted(set(switches) - set(SWITCHES))
        if unknown:
            raise WrongUse(f"there is no switch {', '.join(unknown)}; known: {', '.join(SWITCHES)}")

    def register_app(self, client_id: str, redirect_uris: Sequence[str], client_secret: str = "") -> None:
        """From the first registered application on, others are refused."""
        self.tokens.register_app(client_id, redirect_uris, client_secret)

    def mailbox(self, email: str) -> Mailbox:
        mailbox = self.store.mailbox(email)
        if mailbox is None:
            raise Unknown(f"there is no mailbox {email}")
        return mailbox

    def accounts(self) -> list[dict[str, Any]]:
        return [self._account(mailbox) for mailbox in self.store.mailboxes()]

    @staticmethod
    def _account(mailbox: Mailbox) -> dict[str, Any]:
        return {
            "email": mailbox.email,
            "name": mailbox.name,
            "kind": mailbox.kind,
            "id": mailbox.user_id,
            "switches": {**SWITCHES, **mailbox.switches},
        }

    # ---- folders and contacts

    def folder(self, mailbox: Mailbox, path: str = "Contacts", *, make: bool = False) -> Row:
        """By path, such as Contacts/Customers/Old; `make`: what is missing is made."""
        names = [name for name in path.split("/") if name]
        if names[:1] == ["Deleted Items"]:
            return self.store.folder(mailbox, self.store.folder_by_role(mailbox, "deleteditems"))
        folder = self.store.folder(mailbox, self.store.folder_by_role(mailbox, "contacts"))
        for name in names[1:] if names[:1] == ["Contacts"] else names:
            children = self.store.children(mailbox, folder["id"])
            found = next((row for row in children if row["name"].lower() == name.lower()), None)
            if found is None and not make:
                raise Unknown(f"there is no folder {path}")
            folder = found or self.store.add_folder(mailbox, folder["id"], name)
        return folder

    def add_folder(self, email: str, path: str) -> str:
        """Makes a folder, with those above it; returns its id."""
        with self.store.database.transaction():
            mailbox = self.mailbox(email)
            return ids.folder_id(mailbox.guid, self.folder(mailbox, path, make=True)["id"])

    def load(self, email: str, contacts: Iterable[Mapping[str, Any]], folder: str = "Contacts") -> list[str]:
        """Creates many contacts at once, as a person in Outlook would; returns their immutable ids."""
        with self.store.database.transaction():
            mailbox = self.mailbox(email)
            number = self.folder(mailbox, folder, make=True)["id"]
            added = []
            for body in contacts:
                contact = self.store.add_contact(mailbox, number, created(body))
                self._keep_properties(mailbox, contact, body)
                added.append(self._id(mailbox, contact))
            return added

    def edit(self, email: str, contact_id: str, changes: Mapping[str, Any]) -> None:
        """As a person in Outlook."""
        with self.store.database.transaction():
            mailbox = self.mailbox(email)
            contact = self.store.contact(mailbox, contact_id)
            contact = self.store.change_contact(mailbox, contact, patched(contact.data, changes))
            self._keep_properties(mailbox, contact, changes)

    def remove(self, email: str, contact_id: str, *, for_good: bool = False) -> None:
        with self.store.database.transaction():
            mailbox = self.mailbox(email)
            self.store.delete_contact(mailbox, self.store.contact(mailbox, contact_id), for_good=for_good)

    def move(self, email: str, contact_id: str, folder: str) -> None:
        with self.store.database.transaction():
            mailbox = self.mailbox(email)
            target = self.folder(mailbox, folder)["id"]
            self.store.move_contact(mailbox, self.store.contact(mailbox, contact_id), target)

    def _keep_properties(self, mailbox: Mailbox, contact: Contact, body: Mapping[str, Any]) -> None:
        for item in body.get("singleValueExtendedProperties") or ():
            self.store.database.execute(
                "INSERT OR REPLACE INTO outlook_extended VALUES (?, ?, ?, ?, ?, ?)",
                (contact.number, mailbox.number, property_key(item["id"]), item["id"], item["value"], contact.seq),
            )

    def contacts(self, email: str, folder: str | None = None) -> list[dict[str, Any]]:
        """The present state: all contacts outside Deleted Items, or those of one folder, oldest first."""
        with self.store.database.transaction():
            mailbox = self.mailbox(email)
            paths = self.paths(mailbox)
            if folder is not None:
                wanted = [self.folder(mailbox, folder)["id"]]
            else:
                bin_ = self.store.folder_by_role(mailbox, "deleteditems")
                wanted = [number for number in paths if number != bin_]
            extended = self._extended(mailbox)
            return [
                self._state(mailbox, contact, paths, extended)
                for number in wanted
                for contact in past.members(self.store, number, past.PRESENT)
            ]

    def paths(self, mailbox: Mailbox) -> dict[int, str]:
        """The path of each folder by number, the default folder first."""
        found: dict[int, str] = {}

        def walk(number: int, path: str) -> None:
            found[number] = path
            for child in self.store.children(mailbox, number):
                walk(child["id"], f"{path}/{child['name']}")

        walk(self.store.folder_by_role(mailbox, "contacts"), "Contacts")
        walk(self.store.folder_by_role(mailbox, "deleteditems"), "Deleted Items")
        return found

    def _extended(self, mailbox: Mailbox) -> dict[int, dict[str, str]]:
        found: dict[int, dict[str, str]] = {}
        for row in self.store.database.all("SELECT * FROM outlook_extended WHERE mailbox = ?", (mailbox.number,)):
            found.setdefault(row["contact"], {})[row["spelled"]] = row["value"]
        return found

    def _state(
        self, mailbox: Mailbox, contact: Contact, paths: Mapping[int, str], extended: Mapping[int, Mapping[str, str]]
    ) -> Data:
        return {
            "id": self._id(mailbox, contact),
            "folder": paths[contact.folder],
            "changeKey": ids.change_key(mailbox.guid, contact.seq),
            "createdDateTime": timestamp(contact.created),
            "lastModifiedDateTime": timestamp(contact.modified),
            **contact.data,
            "extendedProperties": dict(extended.get(contact.number, {})),
        }

    @staticmethod
    def _id(mailbox: Mailbox, contact: Contact) -> str:
        return ids.contact_id(mailbox.guid, contact.number, contact.folder, immutable=True)

    def lifecycle(self, email: str, event: str) -> int:
        """reauthorizationRequired, subscriptionRemoved or missed; returns to how many subscribers it went."""
        return self.subscriptions.lifecycle(self.mailbox(email), event)
