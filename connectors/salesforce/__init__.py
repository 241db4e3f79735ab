"""Salesforce: contacts and leads of Sales Cloud, with campaigns as labels."""

from __future__ import annotations

from connectors.base import App, CredentialField
from connectors.salesforce.connector import CAPABILITIES, connect
from connectors.salesforce.oauth import LOGIN_URL
from connectors.salesforce.signin import OAUTH
from connectors.salesforce.standard import standard

APP = App(
    key="salesforce",
    name="Salesforce",
    summary="Contacts and leads of Salesforce, with campaigns",
    credentials=(
        CredentialField("access_token", "Access token", required=False, help="Left out: it is made from the next one."),
        CredentialField(
            "refresh_token",
            "Refresh token",
            required=False,
            help="Renews the access. Without it the account works until the session ends, about two hours.",
        ),
        CredentialField(
            "instance_url",
            "Address of the organisation",
            secret=False,
            required=False,
            help="https://yourname.my.salesforce.com. Comes with the token; enter it only if you paste a token.",
        ),
        CredentialField("id", "Identity address", secret=False, required=False, help="Comes with the token."),
        CredentialField(
            "marker_field",
            "Field for marks",
            secret=False,
            required=False,
            help="A text field on contacts and leads that is an External ID and unique, for example Pairwise_Mark__c. "
            "With it no record is ever made twice, whatever breaks.",
        ),
        CredentialField(
            "create_accounts",
            "Make missing accounts",
            secret=False,
            required=False,
            help="yes: a company that Salesforce does not know becomes an account there. Left out: it is not written.",
        ),
        CredentialField(
            "api_share",
            "Share of the API calls",
            secret=False,
            required=False,
            help="Pairwise pauses when the organisation has used this part of its daily API calls: 80 if left out.",
        ),
    ),
    connect=connect,
    capabilities=CAPABILITIES,
    login_url=LOGIN_URL,
    help="help.md",
    sandbox="connectors.salesforce.sandbox:make",
    sandbox_prefix="/salesforce",
    standard=standard,
    oauth=OAUTH,
)
