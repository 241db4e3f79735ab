"""What tests, the demo and the sandbox's user may do behind the API's back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.hubspot.sandbox import consent, properties, settings, webhooks
from connectors.hubspot.sandbox.definitions import COMPANIES, CONTACTS, NAMES, TYPES
from connectors.hubspot.sandbox.links import Links
from connectors.hubspot.sandbox.lists import MANUAL, Lists
from connectors.hubspot.sandbox.oauth import Identity
from connectors.hubspot.sandbox.schema import SWITCHES
from connectors.hubspot.sandbox.store import ARCHIVED, LIVE, Account, News, Record, Store
from connectors.hubspot.sandbox.tokens import Tokens
from connectors.hubspot.sandbox.webhooks import Webhooks
from connectors.hubspot.sandbox.writes import Writes
from connectors.sandboxkit.control import Unknown, WrongUse

Data = dict[str, Any]
CONTACT = "contacts"


class HubSpotSandbox:
    """The same in Python, for tests: `sandbox.part("hubspot")`. An account is named by its one user's address or by
    its number; `object` is contacts or companies. What is done here is done as by a person in HubSpot."""

    def __init__(self, store: Store, tokens: Tokens, identity: Identity, webhooks: Webhooks) -> None:
        self.store = store
        self.tokens = tokens
        self.identity = identity
        self.webhooks = webhooks

    # ---- accounts

    def add_account(
        self,
        email: str,
        switches: Mapping[str, Any] | None = None,
        scopes: Iterable[str] | None = None,
        client: str = "",
        portal: int = 0,
    ) -> Data:
        """Makes an account, or keeps the one there is; returns tokens as the token endpoint gives them, and a static
        one as `static_token`. `scopes`: what the tokens may, instead of all that the account has."""
        if "@" not in email:
            raise WrongUse("a user's name has the form of an email address")
        self._check(switches or {})
        with self.store.database.transaction():
            account = self.store.account(email) or self.store.add_account(email, portal)
            account = self.store.set_switches(account, switches or {})
            granted = list(scopes) if scopes is not None else list(account.on("scopes"))
            found = self.identity.answer(account, granted, client)
            return {**found, "static_token": self.tokens.issue(account.portal, "static", granted)}

    def account(self, key: str | int) -> Account:
        found = self.store.account(key)
        if found is None:
            raise Unknown(f"there is no account {key}")
        return found

    def accounts(self) -> list[Data]:
        return [
            {"email": one.email, "portal": one.portal, "switches": {**SWITCHES, **one.switches}}
            for one in self.store.accounts()
        ]

    def set_switches(self, account: str | int, **switches: Any) -> None:
        self._check(switches)
        with self.store.database.transaction():
            self.store.set_switches(self.account(account), switches)

    @staticmethod
    def _check(switches: Mapping[str, Any]) -> None:
        unknown = sorted(set(switches) - set(SWITCHES))
        if unknown:
            raise WrongUse(f"there is no switch {', '.join(unknown)}; known: {', '.join(SWITCHES)}")

    def expire_tokens(self, account: str | int, kinds: Iterable[str] = ("access",)) -> None:
        """kinds: access, refresh (as if the app had been uninstalled), static."""
        with self.store.database.transaction():
            for kind in kinds:
                self.tokens.expire(self.account(account), kind)

    def set_used(self, account: str | int, requests: int) -> None:
        """How many requests static tokens have sent today."""
        known = self.account(account)
        self.store.database.execute("UPDATE hubspot_account SET used = ? WHERE portal = ?", (requests, known.portal))

    def add_property(
        self,
        account: str | int,
        name: str,
        type: str = "string",
        field_type: str = "",
        object: str = CONTACT,
        **details: Any,
    ) -> None:
        """Details: label, groupName, options ([{value, label}] or values), hasUniqueValue, hidden..."""
        usual = {"string": "text", "number": "number", "bool": "booleancheckbox", "enumeration": "select"}
        group = "contactinformation" if _type(object) == CONTACTS else "companyinformation"
        options = [
            one if isinstance(one, Mapping) else {"value": one, "label": one} for one in details.pop("options", ())
        ]
        body = {"name": name, "label": name, "groupName": group, "type": type, "options": options}
        with self.store.database.transaction():
            known = self.account(account)
            kind = field_type or usual.get(type, "date")
            properties.create(self.store, known, _type(object), {**body, "fieldType": kind, **details})

    def remove_property(self, account: str | int, name: str, object: str = CONTACT) -> None:
        """Archives it; its values are no longer shown."""
        with self.store.database.transaction():
            known = self.account(account)
            if name not in self.store.properties(known, _type(object)):
                raise Unknown(f"there is no property {name}")
            properties.archive(self.store, known, _type(object), name)

    def add_owner(self, account: str | int, email: str, **details: Any) -> str:
        """Its id. Details: firstName, lastName, archived, teams. For an address that is known they change the owner."""
        with self.store.database.transaction():
            return str(settings.put_owner(self.store, self.account(account), email, **details)["id"])

    def owners(self, account: str | int) -> list[Data]:
        return settings.all_owners(self.store, self.account(account))

    # ---- records, as a person at work in HubSpot

    def _writes(self, account: str | int) -> Writes:
        known = self.account(account)
        return Writes(self.store, known, f"CRM_UI userId:{known.user}")

    def _record(self, account: str | int, object: str, id: str | int, state: str = LIVE) -> Record:
        record = self.store.record(self.account(account), _type(object), int(id), state=state)
        if record is None:
            raise Unknown("there is no such record")
        return record

    def load(
        self, account: str | int, records: Iterable[Data], object: str = CONTACT, *, settles: bool = True
    ) -> list[str]:
        """Makes records of property values. `further_emails`: secondary addresses, with semicolons between."""
        with self.store.database.transaction():
            writes, made = self._writes(account), []
            for values in records:
                further = values.get("further_emails", "")
                sent = {name: value for name, value in values.items() if name != "further_emails"}
                record = writes.create(_type(object), sent, settles=settles)
                if further:
                    self._set_further(record, further)
                made.append(str(record.id))
            return made

    def edit(self, account: str | int, id: str | int, changes: Data, object: str = CONTACT) -> None:
        """`further_emails` among the changes replaces the secondary addresses."""
        with self.store.database.transaction():
            writes, record = self._writes(account), self._record(account, object, id)
            sent = {name: value for name, value in changes.items() if name != "further_emails"}
            if sent:
                record = writes.update(record, sent)
            if "further_emails" in changes:
                self._set_further(record, changes["further_emails"])

    def _set_further(self, record: Record, addresses: str) -> None:
        account = self.account(record.portal)
        listed = [one.strip().lower() for one in addresses.split(";") if one.strip()]
        for one in listed:
            if self.store.by_address(account, one) not in (None, record.id):
                raise WrongUse("another contact has that address")
        changes, source = {"hs_additional_emails": ";".join(listed)}, f"CRM_UI userId:{account.user}"
        made = self.store.update(record, {**record.data, **changes}, source)
        self.store.tell(News(account, record.type, record.id, "propertyChange", source, made.updated, changes))

    def touch(self, account: str | int, id: str | int, object: str = CONTACT) -> None:
        """Moves the stamp alone, as background calculations do."""
        with self.store.database.transaction():
            record = self._record(account, object, id)
            self.store.update(record, record.data, "CALCULATED")

    def remove(self, account: str | int, id: str | int, object: str = CONTACT, *, for_good: bool = False) -> None:
        """Into the recycle bin; `for_good`: erased, as a right to be forgotten asks."""
        with self.store.database.transaction():
            writes, record = self._writes(account), self._record(account, object, id)
            if for_good:
                writes.forget(record)
            else:
                writes.archive(record)

    def restore(self, account: str | int, id: str | int, object: str = CONTACT) -> None:
        with self.store.database.transaction():
            self._writes(account).restore(self._record(account, object, id, ARCHIVED))

    def merge(self, account: str | int, primary: str | int, other: str | int, object: str = CONTACT) -> str:
        """The new id."""
        with self.store.database.transaction():
            records = [self._record(account, object, id) for id in (primary, other)]
            return str(self._writes(account).merge(_type(object), *records).id)

    def records(self, account: str | int, object: str = CONTACT, *, archived: bool = False) -> list[Data]:
        """All that is kept of each, by id: `id`, `updatedAt` in milliseconds, and the values that are not empty."""
        found = self.store.records(self.account(account), _type(object), state=ARCHIVED if archived else LIVE)
        return [
            {**{name: value for name, value in one.data.items() if value}, "id": str(one.id), "updatedAt": one.updated}
            for one in found
        ]

    def associate(self, account: str | int, contact: str | int, company: str | int) -> None:
        with self.store.database.transaction():
            known = self.account(account)
            Links(self.store, known, f"CRM_UI userId:{known.user}").add(
                (CONTACTS, COMPANIES), int(contact), int(company)
            )

    def opt_out(self, account: str | int, email: str, subscription: int = consent.ALL, *, back: bool = False) -> None:
        """Of all email or of one subscription type; `back`: in again."""
        state = consent.SUBSCRIBED if back else consent.UNSUBSCRIBED
        with self.store.database.transaction():
            consent.set_status(self.store, self.account(account), email, subscription, state)

    # ---- lists

    def add_list(
        self, account: str | int, name: str, kind: str = MANUAL, object: str = CONTACT, filters: Data | None = None
    ) -> str:
        """Its id. `filters`: the filter branch of a dynamic list or a snapshot."""
        with self.store.database.transaction():
            return str(Lists(self.store, self.account(account)).make(name, kind, _type(object), filters)["id"])

    def rename_list(self, account: str | int, id: str, name: str) -> None:
        with self.store.database.transaction():
            lists = Lists(self.store, self.account(account))
            lists.rename(lists.find(id), name)

    def remove_list(self, account: str | int, id: str) -> None:
        with self.store.database.transaction():
            lists = Lists(self.store, self.account(account))
            lists.touch(lists.find(id), deleted=self.store.now())

    def change_members(
        self, account: str | int, id: str, add: Iterable[str | int] = (), remove: Iterable[str | int] = ()
    ) -> None:
        with self.store.database.transaction():
            lists = Lists(self.store, self.account(account))
            row = lists.find(id)
            lists.add(row, [int(one) for one in add])
            lists.remove(row, [int(one) for one in remove])

    def lists(self, account: str | int) -> list[Data]:
        """id, name, kind and the ids of the members of each."""
        lists = Lists(self.store, self.account(account))
        return [
            {
                "id": str(row["id"]),
                "name": row["name"],
                "kind": row["kind"],
                "members": [str(id) for id in lists.members(row)],
            }
            for row in lists.all()
        ]

    # ---- apps

    def register_app(
        self,
        client_id: str,
        redirect_uris: Iterable[str],
        client_secret: str = "",
        app_id: int = 0,
        developer_key: str = "developer-key",
    ) -> int:
        """Its number. From the first registered client on, others are refused."""
        uris = list(redirect_uris)
        return webhooks.register(self.store, client_id, uris, client_secret, app_id, developer_key)

    def set_webhooks(
        self, app_id: int, target_url: str, events: Iterable[str], first_wait: float | None = None
    ) -> None:
        """Events: contact.creation, contact.propertyChange:email... They take the place of the former ones."""
        with self.store.database.transaction():
            self.webhooks.aim(app_id, target_url, {})
            self.store.database.execute("DELETE FROM hubspot_subscription WHERE app = ?", (app_id,))
            for event in events:
                kind, _, name = event.partition(":")
                self.webhooks.subscribe(app_id, kind, name)
        if first_wait is not None:
            self.webhooks.sender.first_wait = first_wait


def _type(object: str) -> str:
    lower = object.lower()
    found = TYPES.get(lower) or next((type for type, names in NAMES.items() if lower in names), None)
    if found is None:
        raise Unknown(f"there is no object {object}; known: contacts, companies")
    return found
