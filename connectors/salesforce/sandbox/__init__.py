"""A stand-in for the REST, Bulk 2.0 and OAuth parts of Salesforce that concern contacts, leads and campaigns.

It follows the vendor's documentation and published reports; where organisations differ a switch chooses.
"""

from __future__ import annotations

from connectors.salesforce.sandbox.api import Api
from connectors.salesforce.sandbox.control import SalesforceSandbox
from connectors.salesforce.sandbox.control_routes import HELP, ControlRoutes
from connectors.salesforce.sandbox.pages import Pages
from connectors.salesforce.sandbox.store import Store
from connectors.salesforce.sandbox.tokens import Tokens
from connectors.sandboxkit.kit import Kit, Part


def make(kit: Kit) -> Part:
    store = Store(kit.database, kit.clock)
    tokens = Tokens(store)
    rest = Api(kit, store, tokens)
    api = SalesforceSandbox(store, tokens, rest.identity)
    return Part(
        key="salesforce",
        name="Salesforce",
        summary="The REST API, Bulk API 2.0 and OAuth at /salesforce/services",
        routes={"/salesforce": rest.handle, "/salesforce/pages": Pages(store, api).handle},
        help=HELP,
        pages="/salesforce/pages/",
        control=ControlRoutes(api).handle,
        reset=store.reset,
        api=api,
    )
