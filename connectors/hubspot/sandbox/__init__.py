"""A stand-in for the parts of HubSpot that concern contacts: CRM objects, lists, owners, consent, OAuth, webhooks.

It follows the vendor's documentation and published reports; where accounts differ a switch chooses.
"""

from __future__ import annotations

from connectors.hubspot.sandbox.api import Api
from connectors.hubspot.sandbox.control import HubSpotSandbox
from connectors.hubspot.sandbox.control_routes import HELP, ControlRoutes
from connectors.hubspot.sandbox.pages import Pages
from connectors.hubspot.sandbox.sender import Sender
from connectors.hubspot.sandbox.store import Store
from connectors.hubspot.sandbox.tokens import Tokens
from connectors.hubspot.sandbox.webhooks import Webhooks
from connectors.sandboxkit.kit import Kit, Part


def make(kit: Kit) -> Part:
    store = Store(kit.database, kit.clock)
    tokens = Tokens(store)
    sender = Sender(kit, store)
    hooks = Webhooks(store, tokens, sender)
    rest = Api(kit, store, tokens, hooks)
    api = HubSpotSandbox(store, tokens, rest.identity, hooks)

    def reset() -> None:
        store.reset()
        rest.limits.reset()
        sender.forget()

    return Part(
        key="hubspot",
        name="HubSpot",
        summary="The CRM API with contacts, companies and lists, OAuth and webhooks at /hubspot",
        routes={"/hubspot": rest.handle, "/hubspot/pages": Pages(store, api).handle},
        help=HELP,
        pages="/hubspot/pages/",
        control=ControlRoutes(api).handle,
        reset=reset,
        close=sender.close,
        api=api,
    )
