"""What an account has beside its contacts: property definitions, owners, and our own field for marks.

These change seldom and are needed to make sense of every value, so a process remembers them for a while: a look for
news must not ask for them each time. Whoever asks for the fields gets them fresh.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Final

from connectors.base import Field, FieldType, Forbidden
from connectors.hubspot.api import Api, Row
from connectors.hubspot.errors import error_for, problem_of
from connectors.hubspot.fields import COMPANY, COMPANY_ID, MARK, Catalogue
from connectors.hubspot.signin import MAKE_FIELDS, OPT_OUT, READ_COMPANIES, READ_OWNERS

REMEMBERED: Final = 600.0
MOST: Final = 256
GROUP: Final = "pairwise"
_REMOVE: Final = "to remove its field for marks"
_MARK: Final = {
    "name": MARK,
    "label": "Pairwise mark",
    "description": "Tells Pairwise which contacts it has made, so that none is ever made twice.",
    "groupName": GROUP,
    "type": "string",
    "fieldType": "text",
    "hasUniqueValue": True,
    "hidden": False,
    "formField": False,
    "displayOrder": -1,
}


@dataclass
class Owners:
    """`shown`: an owner's email in lower case, or the id of one who has none; `names`: by what is shown."""

    shown: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    departed: bool = False  # also those whose access was taken away are in it

    def take(self, rows: Iterable[Row], living: bool) -> None:
        for row in rows:
            id, email = str(row.get("id")), str(row.get("email") or "").strip().lower()
            name = " ".join(str(row[part]) for part in ("firstName", "lastName") if row.get(part))
            self.shown.setdefault(id, email or id)
            if living:
                self.names.setdefault(email or id, f"{name} <{email}>" if name and email else name or email or id)

    @property
    def ids(self) -> dict[str, str]:
        """By what is shown; of two with one address, the one who can still sign in."""
        return {shown: id for id, shown in reversed(self.shown.items())}


@dataclass
class _Kept:
    until: float
    definitions: list[Row] | None = None
    owners: Owners | None = None


_memory: OrderedDict[str, _Kept] = OrderedDict()
_one_at_a_time = Lock()


class Portal:
    def __init__(self, api: Api) -> None:
        self.api = api
        self._catalogue: tuple[list[Row], Catalogue] | None = None
        self._asked = False  # for the fields, by us

    @property
    def _kept(self) -> _Kept:
        secrets = self.api.host.vault.current().values
        token = secrets.get("refresh_token") or secrets.get("access_token", "")
        key = hashlib.sha256(f"{self.api.host.base_url} {self.api.at.version} {token}".encode()).hexdigest()
        now = self.api.host.clock.now()
        with _one_at_a_time:
            kept = _memory.get(key)
            if kept is None or not now <= kept.until <= now + REMEMBERED:
                kept = _memory[key] = _Kept(now + REMEMBERED)
            _memory.move_to_end(key)
            while len(_memory) > MOST:
                _memory.popitem(last=False)
            return kept

    def forget(self) -> None:
        """Something that was remembered is no longer so."""
        kept = self._kept
        kept.definitions = kept.owners = None

    # ---- fields

    def catalogue(self, needed: Iterable[str] = ()) -> Catalogue:
        """`needed`: keys that are asked for anew if they are not known, since a field that was made a moment ago must
        not be taken for an empty one."""
        found = self._remembered()
        if self._asked or all(key in found.fields for key in needed):
            return found
        self.forget()
        return self._remembered()

    def _remembered(self) -> Catalogue:
        kept = self._kept
        if kept.definitions is None:
            self._asked = True
            page = self.api.get(self.api.at.properties("contacts"), "the fields of contacts")
            listed = page.get("results") if isinstance(page, dict) else None
            kept.definitions = [one for one in listed or [] if isinstance(one, dict)]
        if self._catalogue is None or self._catalogue[0] is not kept.definitions:
            may = self.api.may
            made = Catalogue.of(kept.definitions, companies=may(READ_COMPANIES), preferences=may(OPT_OUT))
            self._catalogue = kept.definitions, made
        return self._catalogue[1]

    def fields(self) -> list[Field]:
        """With the owners as options where they may be read."""
        self.forget()
        catalogue = self.catalogue()
        if not catalogue.owned:
            return list(catalogue.fields.values())
        names = self._owners().names
        options = tuple(sorted(names.items(), key=lambda one: one[1].casefold()))
        closed = "" if options else "Connect the account again with the permission to read owners."
        return [
            replace(one, type=FieldType.OPTION, options=options, read_only=one.read_only or not options,
                    reason=one.reason or closed) if one.key in catalogue.owned else one
            for one in catalogue.fields.values()
        ]  # fmt: skip

    # ---- owners

    def _owners(self) -> Owners:
        kept = self._kept
        if kept.owners is None:
            found = Owners()
            if self.api.may(READ_OWNERS):
                try:
                    for rows in self.api.pages(self.api.at.owners(), "the owners", limit=100):
                        found.take(rows, living=True)
                except Forbidden:
                    found.departed = True
            else:
                found.departed = True
            kept.owners = found
        return kept.owners

    def owners_of(self, ids: Iterable[str]) -> Mapping[str, str]:
        """What is shown for owners. Who cannot sign in any more stays the owner of contacts."""
        wanted = {id for id in ids if id}
        if not wanted:
            return {}
        owners = self._owners()
        if not owners.departed and not wanted <= owners.shown.keys():
            owners.departed = True
            for rows in self.api.pages(self.api.at.owners(), "the owners", limit=100, archived="true"):
                owners.take(rows, living=False)
        return owners.shown

    def owner_ids(self) -> Mapping[str, str]:
        return self._owners().ids

    # ---- the company of a contact

    def companies_of(self, rows: Iterable[Mapping[str, Any]], keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Properties of companies, by their id. None where they may not be read."""
        names = [key.removeprefix(COMPANY) for key in keys if key.startswith(COMPANY)]
        ids = sorted({str(row[COMPANY_ID]) for row in rows if row.get(COMPANY_ID)}) if names else []
        if not ids:
            return {}
        try:
            found = self.api.batch("companies", ids, names, "companies")
        except Forbidden:
            return {}
        return {str(one.get("id")): one.get("properties") or {} for one in found}

    # ---- marks

    @property
    def keeps_marks(self) -> bool:
        """Answered without a request, and the same for as long as the authorisation is."""
        return self.api.option("marks").lower() not in ("no", "off", "false") and self.api.may(MAKE_FIELDS)

    def ensure_marks(self) -> None:
        """Raises Forbidden where the field is not there and may not be made."""
        if not self.keeps_marks or self.catalogue().marks:
            return
        self.forget()
        if self.catalogue().marks:
            return
        for path, body in (("/groups", {"name": GROUP, "label": "Pairwise", "displayOrder": -1}), ("", _MARK)):
            address = self.api.at.properties("contacts", path)
            try:
                status, answer = self.api.send("POST", address, body, "to make its field for marks")
            except Forbidden:
                raise Forbidden(
                    "This account may not make the field in which Pairwise marks the contacts that it made. Give it "
                    "the permission crm.schemas.contacts.write, or enter “no” under Marks in the account."
                ) from None
            if status >= 300 and not _is_there(status, answer):
                raise error_for(status, answer, "to make its field for marks")
        self.forget()
        if not self.catalogue().marks:
            raise Forbidden(
                f"HubSpot has a field {MARK} that is not unique. Delete it there, so that Pairwise can make its own."
            )

    def remove_marks(self) -> list[str]:
        """The field and its group, if they are there; what it was called for people."""
        self.forget()
        if not self.keeps_marks or not self.catalogue().marks:
            return []
        for path in (f"/{MARK}", f"/groups/{GROUP}"):
            status, answer = self.api.send("DELETE", self.api.at.properties("contacts", path), None, _REMOVE)
            if status >= 300 and status != 404:
                raise error_for(status, answer, _REMOVE)
        self.forget()
        return [str(_MARK["label"])]


def _is_there(status: int, answer: Any) -> bool:
    problem = problem_of(answer, status)
    return problem.is_conflict or "exist" in problem.message.lower()
