"""Leads and contacts are the same people: of a customer no lead is made, and a contact may be what a lead became."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from connectors.base import FolderGone, Value
from connectors.salesforce.api import Api, FieldHidden, listed, portions

REASON: Final = "is a contact in Salesforce already, so no lead is made"


def among_contacts(api: Api, emails: Iterable[Value]) -> frozenset[str]:
    """Those of the addresses, folded, that a contact has; one query for 200. None where the user sees no contacts."""
    wanted = sorted({folded(email) for email in emails if email})
    start = "SELECT Email FROM Contact WHERE Email IN "
    try:
        return frozenset(
            folded(row["Email"])
            for some in portions(start, wanted)
            for row in api.query(start + listed(some), "contacts")  # noqa: S608 escaped
        )
    except (FieldHidden, FolderGone):
        return frozenset()


def converted_from(api: Api, contacts: Iterable[str]) -> dict[str, str]:
    """Of these contacts, by id, the lead that was converted to each; nobody where the user sees no leads."""
    start = "SELECT Id, ConvertedContactId FROM Lead WHERE IsConverted = true AND ConvertedContactId IN "
    try:
        return {
            str(row["ConvertedContactId"]): str(row["Id"])
            for some in portions(start, list(contacts))
            for row in api.query(start + listed(some), "leads")  # noqa: S608 escaped
        }
    except (FieldHidden, FolderGone):
        return {}


def folded(email: Value) -> str:
    return str(email or "").strip().casefold()
