"""What tests, the demo and the sandbox's user may do behind the API's back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from connectors.salesforce.sandbox.oauth import Identity
from connectors.salesforce.sandbox.objects import Data
from connectors.salesforce.sandbox.store import SWITCHES, Org, Store
from connectors.salesforce.sandbox.tokens import SCOPES, Tokens
from connectors.salesforce.sandbox.writes import Writes
from connectors.sandboxkit.control import Unknown, WrongUse


class SalesforceSandbox:
    """The same in Python, for tests: `sandbox.part("salesforce")`. An organisation is named by its one user."""

    def __init__(self, store: Store, tokens: Tokens, identity: Identity) -> None:
        self.store = store
        self.tokens = tokens
        self.identity = identity

    def add_account(self, username: str, switches: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Makes an organisation, or keeps the one there is; returns tokens as the token endpoint gives them."""
        if "@" not in username:
            raise WrongUse("a user's name has the form of an email address")
        self._check(switches or {})
        with self.store.database.transaction():
            org = self.store.org(username) or self.store.add_org(username, {})
            org = self.store.set_switches(org, switches or {})
            return self.identity.answer(org, SCOPES, "", refresh=True)

    def org(self, username: str) -> Org:
        org = self.store.org(username)
        if org is None:
            raise Unknown(f"there is no organisation of {username}")
        return org

    def accounts(self) -> list[dict[str, Any]]:
        return [
            {"username": org.username, "id": org.id, "switches": {**SWITCHES, **org.switches}}
            for org in self.store.orgs()
        ]

    def set_switches(self, username: str, **switches: Any) -> None:
        self._check(switches)
        with self.store.database.transaction():
            self.store.set_switches(self.org(username), switches)

    @staticmethod
    def _check(switches: Mapping[str, Any]) -> None:
        unknown = sorted(set(switches) - set(SWITCHES))
        if unknown:
            raise WrongUse(f"there is no switch {', '.join(unknown)}; known: {', '.join(SWITCHES)}")

    def add_field(self, username: str, object: str, name: str, **details: Any) -> None:
        """Details: type, label, length, external_id, unique, picklist, required, restricted, formula."""
        with self.store.database.transaction():
            org = self.org(username)
            self.store.set_switches(org, {"custom": [*org.on("custom"), {"object": object, "name": name, **details}]})

    def add_user(self, username: str, colleague: str, active: bool = True) -> str:
        """Another user of the organisation, by address; returns the id."""
        with self.store.database.transaction():
            id = self.store.new_id("005")
            self.store.add_user(self.org(username), colleague, id, active)
        return id

    def expire_tokens(self, username: str, kinds: Iterable[str] = ("access",)) -> None:
        """kinds: access, refresh (as if the grant had been revoked)."""
        with self.store.database.transaction():
            for kind in kinds:
                self.tokens.expire(self.org(username), kind)

    def expire_cursors(self) -> None:
        """Every query locator given out so far is lost."""
        self.store.database.execute("DELETE FROM salesforce_cursor")

    def register_app(self, client_id: str, redirect_uris: Iterable[str], client_secret: str = "") -> None:
        """From the first registered client on, others are refused."""
        values = (client_id, client_secret, orjson.dumps(list(redirect_uris)))
        self.store.database.execute("INSERT OR REPLACE INTO salesforce_app VALUES (?, ?, ?)", values)

    def set_used(self, username: str, calls: int) -> None:
        """How many API calls the organisation has made in the last 24 hours."""
        self.store.database.execute("UPDATE salesforce_org SET used = ? WHERE id = ?", (calls, self.org(username).id))

    # ---- records, as a person at work in Salesforce

    def _writes(self, username: str) -> Writes:
        return Writes(self.store, self.org(username), allow_duplicates=True)

    def load(self, username: str, object: str, records: Iterable[Data], visible_in: float = 0.0) -> list[str]:
        """Makes records; `visible_in`: seconds until their transaction commits."""
        with self.store.database.transaction():
            writes = self._writes(username)
            return [writes.create(object, one, visible_in=visible_in) for one in records]

    def edit(self, username: str, id: str, changes: Data, quietly: bool = False) -> None:
        """`quietly`: as Salesforce's own processes do, which move SystemModstamp alone."""
        with self.store.database.transaction():
            org = self.org(username)
            record = self.store.find(org, id)
            if record is None:
                raise Unknown("there is no such record")
            if quietly:
                self.store.update(org, record, changes, quietly=True)
            else:
                self._writes(username).update(record.object, id, changes)

    def remove(self, username: str, id: str, for_good: bool = False) -> None:
        with self.store.database.transaction():
            self._writes(username).delete_any(id)
            if for_good:
                self.store.purge(self.org(username), [id])

    def undelete(self, username: str, id: str) -> None:
        with self.store.database.transaction():
            record = self.store.find(self.org(username), id)
            if record is None:
                raise Unknown("there is no such record in the recycle bin")
            self.store.undelete(record)

    def empty_recycle_bin(self, username: str) -> None:
        with self.store.database.transaction():
            self.store.purge(self.org(username))

    def merge(self, username: str, winner: str, *losers: str) -> None:
        with self.store.database.transaction():
            self._writes(username).merge(winner, *losers)

    def convert(self, username: str, lead: str) -> tuple[str, str]:
        """The ids of the contact and the account that the lead becomes."""
        with self.store.database.transaction():
            return self._writes(username).convert(lead)

    def records(self, username: str, object: str, deleted: bool = False) -> list[Data]:
        org = self.org(username)
        info = org.info(object)
        if info is None:
            raise Unknown(f"there is no object {object}")
        return [one.shown(info) for one in self.store.records(org, info.name, deleted=deleted)]
