"""Outlook: the contacts of Microsoft 365, Exchange Online and Outlook.com."""

from __future__ import annotations

from connectors.base import App, CredentialField
from connectors.outlook.connector import CAPABILITIES, connect
from connectors.outlook.extended import declare
from connectors.outlook.fields import CATALOGUE
from connectors.outlook.oauth import GRAPH_URL, LOGIN_URL
from connectors.outlook.signin import OAUTH
from connectors.outlook.webhooks import WEBHOOKS

APP = App(
    key="outlook",
    name="Outlook",
    summary="Contact folders of Microsoft 365, Exchange Online and Outlook.com",
    credentials=(
        CredentialField("access_token", "Access token", required=False, help="Left out: it is made from the next one."),
        CredentialField(
            "refresh_token",
            "Refresh token",
            required=False,
            help="Renews the access. Without it the account works until the access token runs out, about an hour.",
        ),
        CredentialField("expires_at", "Access token expires at", secret=False, required=False),
        CredentialField(
            "shared_mailboxes",
            "Shared mailboxes",
            secret=False,
            required=False,
            help="Email addresses of mailboxes that are shared with this account, separated by commas.",
        ),
    ),
    connect=connect,
    capabilities=CAPABILITIES,
    base_url=GRAPH_URL,
    login_url=LOGIN_URL,
    help="help.md",
    local=(
        "Contacts that live on one computer only: in a data file (.pst), or in a mailbox that Outlook fetches by POP. "
        "Microsoft does not have them. Move them in Outlook into a contact folder of the mailbox itself."
    ),
    sandbox="connectors.outlook.sandbox:make",
    sandbox_prefix="/graph",
    declare=declare,
    standard=lambda: {"Outlook": CATALOGUE},
    oauth=OAUTH,
    webhooks=WEBHOOKS,
)
