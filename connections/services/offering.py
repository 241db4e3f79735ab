"""Which apps a tenant can connect, and why not the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from connections import registrations
from connections.encryption import Undecryptable
from connections.models import Tenant
from connections.registrations import Registration
from connectors import registry
from connectors.base import App


@dataclass(frozen=True, slots=True)
class Offer:
    """`reason`: why the app cannot be connected here; empty where it can."""

    app: App
    reason: str = ""
    registration: Registration | None = None


def offer(app: App, tenant: Tenant) -> Offer:
    if app.oauth is None:
        return Offer(app)
    try:
        found = registrations.registration_for(app, tenant)
    except Undecryptable:
        return Offer(
            app, gettext("The registration that is stored cannot be opened any more. Ask those who run Pairwise.")
        )
    if found is None:
        return Offer(
            app,
            gettext("Pairwise is not registered at %(vendor)s here yet. Ask those who run it to set that up.")
            % {"vendor": app.oauth.vendor},
        )
    return Offer(app, registration=found)


def offers(tenant: Tenant) -> Sequence[Offer]:
    apps = sorted(registry.apps().values(), key=lambda app: app.name)
    return [offer(app, tenant) for app in apps]
