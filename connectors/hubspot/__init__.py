"""HubSpot: contacts, with lists as labels and as folders."""

from __future__ import annotations

from connectors.base import App, CredentialField
from connectors.hubspot.connector import CAPABILITIES, connect
from connectors.hubspot.oauth import API_URL, LOGIN_URL
from connectors.hubspot.signin import OAUTH
from connectors.hubspot.standard import standard
from connectors.hubspot.webhooks import WEBHOOKS

APP = App(
    key="hubspot",
    name="HubSpot",
    summary="Contacts of HubSpot, with lists",
    credentials=(
        CredentialField(
            "access_token",
            "Access token",
            help="Of a private app or a service key of the account. It is made under Settings, Integrations.",
        ),
        CredentialField(
            "refresh_token",
            "Refresh token",
            required=False,
            help="Only where Pairwise signed in itself. A token of a private app needs none.",
        ),
        CredentialField(
            "marks",
            "Marks",
            secret=False,
            required=False,
            help="no: Pairwise makes no field for marks, and finds its contacts by email and name instead.",
        ),
        CredentialField(
            "api_share",
            "Share of the API calls",
            secret=False,
            required=False,
            help="Pairwise pauses when the account has used this part of its daily API calls: 80 if left out.",
        ),
    ),
    connect=connect,
    capabilities=CAPABILITIES,
    base_url=API_URL,
    login_url=LOGIN_URL,
    help="help.md",
    sandbox="connectors.hubspot.sandbox:make",
    sandbox_prefix="/hubspot",
    standard=standard,
    oauth=OAUTH,
    webhooks=WEBHOOKS,
)
