"""A stand-in for Microsoft Graph v1.0 (contacts) and the Microsoft identity platform, for demo and tests.

It follows the vendor's documentation and published reports; where those disagree a switch of the mailbox chooses.
"""

from __future__ import annotations

from connectors.outlook.sandbox.control import OutlookSandbox
from connectors.outlook.sandbox.control_routes import HELP, ControlRoutes
from connectors.outlook.sandbox.graph import Graph
from connectors.outlook.sandbox.oauth import USER_INFO, Identity
from connectors.outlook.sandbox.pages import Pages
from connectors.outlook.sandbox.store import Store
from connectors.outlook.sandbox.subscriptions import Subscriptions
from connectors.outlook.sandbox.tokens import Tokens
from connectors.sandboxkit.kit import Kit, Part


def make(kit: Kit) -> Part:
    store = Store(kit.database, kit.clock)
    tokens = Tokens(store)
    subscriptions = Subscriptions(kit, store)
    identity = Identity(kit, store, tokens)
    api = OutlookSandbox(store, tokens, subscriptions)
    return Part(
        key="outlook",
        name="Outlook",
        summary="Microsoft Graph v1.0 at /graph/v1.0, the Microsoft identity platform at /microsoft",
        routes={
            "/graph/v1.0": Graph(kit, store, tokens, subscriptions).handle,
            "/microsoft": identity.handle,
            USER_INFO: identity.user_info,
            "/outlook": Pages(store, api).handle,
        },
        help=HELP,
        pages="/outlook/",
        control=ControlRoutes(api).handle,
        reset=store.reset,
        close=subscriptions.close,
        api=api,
    )
