"""CardDAV (RFC 6352): iCloud, Fastmail, Nextcloud, Radicale, Baikal and any other address book server."""

from __future__ import annotations

from connectors.base import App, CredentialField
from connectors.carddav.connector import CAPABILITIES, CardDav
from connectors.carddav.fields import Catalogue, declare

APP = App(
    key="carddav",
    name="CardDAV",
    summary="Address books of iCloud, Fastmail, Nextcloud, Radicale, Baikal and every other CardDAV server.",
    credentials=(
        CredentialField(
            "username",
            "User name",
            secret=False,
            help="As you sign in at the server; often your whole email address.",
        ),
        CredentialField(
            "password",
            "Password",
            help="Where you sign in with a second factor (iCloud, Fastmail, Nextcloud), an app password.",
        ),
    ),
    connect=CardDav,
    capabilities=CAPABILITIES,
    user_supplied_url=True,
    help="help.md",
    declare=declare,
    standard=lambda: {"CardDAV": Catalogue().fields},
)
