"""The sandbox with its HubSpot part, whether or not the app is declared."""

from __future__ import annotations

from connectors.hubspot.sandbox import make
from connectors.sandbox import Sandbox
from connectors.sandboxkit.kit import Kit


def hubspot_sandbox() -> Sandbox:
    sandbox = Sandbox()
    if "hubspot" not in sandbox.parts:
        kit = Kit(sandbox.database, sandbox.clock, sandbox.faults, sandbox.journal, lambda: sandbox.url)
        part = sandbox.parts["hubspot"] = make(kit)
        sandbox._routes = sorted([*part.routes.items(), *sandbox._routes], key=lambda route: -len(route[0]))
    return sandbox
