"""The company of a contact is an account of its own: found by name, made only where the account of Pairwise says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from connectors.base import ConnectorError, chunked
from connectors.salesforce.api import Api, listed, portions
from connectors.salesforce.errors import error_for, problems_in
from connectors.salesforce.fields import COMPANY, Refusal

MOST: Final = 200
_YES: Final = {"yes", "true", "1", "on"}


@dataclass(frozen=True, slots=True)
class Companies:
    """The accounts that some names stand for; one query for all of them."""

    found: dict[str, list[str]]  # by folded name
    creates: bool

    @classmethod
    def of(cls, api: Api, names: Iterable[str]) -> Companies:
        wanted = {_folded(name): name for name in names}
        creates = api.option("create_accounts").lower() in _YES
        found: dict[str, list[str]] = defaultdict(list)
        start = "SELECT Id, Name FROM Account WHERE Name IN  ORDER BY Id"
        for some in portions(start, list(wanted.values())):
            soql = f"SELECT Id, Name FROM Account WHERE Name IN {listed(some)} ORDER BY Id"  # noqa: S608 escaped
            for row in api.query(soql, "accounts"):
                found[_folded(str(row["Name"]))].append(str(row["Id"]))
        missing = [name for folded, name in wanted.items() if folded not in found]
        if creates and missing:
            _create(api, missing, found)
        return cls(dict(found), creates)

    def account(self, name: str) -> str:
        """Raises Refusal where no account, or more than one, has this name."""
        ids = self.found.get(_folded(name), [])
        if len(ids) == 1:
            return ids[0]
        if ids:
            reason = f"{len(ids)} accounts in Salesforce have the name of this company; choose one there by hand."
        elif self.creates:
            reason = "Salesforce did not take the company as a new account."
        else:
            reason = (
                "No account in Salesforce has the name of this company. Make it there, or let Pairwise make accounts."
            )
        raise Refusal(COMPANY, reason)


def _create(api: Api, names: list[str], found: dict[str, list[str]]) -> None:
    """What is refused stays missing; a duplicate rule's one match is taken."""
    what = "to make accounts"
    for some in chunked(names, MOST):
        records = [{"attributes": {"type": "Account"}, "Name": name} for name in some]
        status, answer = api.send("POST", "/composite/sobjects", {"allOrNone": False, "records": records}, what)
        if status >= 300 or not isinstance(answer, list) or len(answer) != len(some):
            error: ConnectorError = error_for(status, answer, what)
            raise error
        for name, result in zip(some, answer, strict=True):
            existing = [one.existing for one in problems_in(result) if one.existing]
            if result.get("success"):
                found[_folded(name)].append(str(result["id"]))
            elif existing:
                found[_folded(name)].append(existing[0])


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
