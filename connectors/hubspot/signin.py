"""How a person authorises an account at HubSpot (developers.hubspot.com, Working with OAuth)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.base import Host, Unavailable
from connectors.http import Http
from connectors.hubspot.api import Api
from connectors.hubspot.oauth import API_URL, LOGIN_URL, addresses, client, is_granted, redeem
from connectors.oauth import Identity, OAuth, Scope

READ_CONTACTS: Final = "crm.objects.contacts.read"
WRITE_CONTACTS: Final = "crm.objects.contacts.write"
READ_LISTS: Final = "crm.lists.read"
WRITE_LISTS: Final = "crm.lists.write"
MAKE_FIELDS: Final = "crm.schemas.contacts.write"
READ_COMPANIES: Final = "crm.objects.companies.read"
READ_OWNERS: Final = "crm.objects.owners.read"
OPT_OUT: Final = "communication_preferences.write"

SCOPES: Final = (
    Scope("oauth", "to sign in"),
    Scope(READ_CONTACTS, "to read contacts"),
    Scope(WRITE_CONTACTS, "to write contacts"),
    Scope("crm.schemas.contacts.read", "to know which fields contacts have"),
    Scope(MAKE_FIELDS, "to make one field for marks, so that no contact is ever made twice", required=False),
    Scope(READ_LISTS, "to use lists in rules and as folders", required=False),
    Scope(WRITE_LISTS, "to add contacts to lists", required=False),
    Scope(READ_OWNERS, "to map the owner of a contact", required=False),
    Scope(READ_COMPANIES, "to use fields of the company of a contact", required=False),
    Scope("communication_preferences.read_write", "to opt a contact out of email", required=False),
)


def sign_in(login_url: str, settings: Mapping[str, str]) -> str:
    return f"{(login_url or LOGIN_URL).rstrip('/')}/oauth/authorize"


def identify(host: Host) -> Identity:
    """The account as a whole: a token acts for the app, whoever of its users signed in."""
    portal = host.vault.current().values.get("hub_id", "")
    if not portal:
        api = Api(host)
        try:
            portal = str(api.get(api.at.account(), "its name").get("portalId") or "")
        finally:
            api.http.close()
    if not portal:
        raise Unavailable("HubSpot did not say which account this is. Try again.")
    return Identity(portal)


def revoke(host: Host) -> None:
    """One that is unknown there is as good as revoked."""
    token = host.vault.current().values.get("refresh_token")
    if not token:
        return
    form = {**client(host), "token": token, "token_type_hint": "refresh_token"}
    http = Http(host)
    try:
        url = (host.base_url or API_URL).rstrip("/") + addresses(host).token("/revoke")
        answer = http.request("POST", url, data=form, auth=None)
    finally:
        http.close()
    if not answer.ok and answer.status not in (400, 404):
        raise Unavailable(f"HubSpot did not take the authorisation back (status {answer.status}).")


OAUTH: Final = OAuth(
    vendor="HubSpot",
    console="https://developers.hubspot.com",
    endpoint=sign_in,
    scopes=SCOPES,
    redeem=redeem,
    identify=identify,
    is_granted=is_granted,
    optional_parameter="optional_scope",
    revoke=revoke,
)
