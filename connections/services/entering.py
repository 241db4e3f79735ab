"""Accounts of apps without a sign-in page: an address, a user name and an app password, tried before they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.core.cache import cache
from django.utils.translation import gettext

from connections import host, registrations
from connections.models import Account, User
from connections.services import connecting
from connections.services.connecting import Access, Met, NotConnected, Place
from connectors.base import App, ConnectorError
from connectors.oauth import Identity

TRIES = 20  # that may fail in a row, so that nobody guesses passwords of others through us
REST = 3600  # seconds


def enter(user: User, place: Place, app: App, address: str, secrets: Mapping[str, str]) -> tuple[Account, bool]:
    """Asks the server, and stores the account if it can be used; whether it was there already comes along.

    Raises ConnectorError with what the server says, NotConnected."""
    key = f"entering:{user.pk}"
    failed = cache.get(key, 0)
    if failed >= TRIES:
        raise NotConnected(gettext("That were many tries. Wait an hour, and look up address and password meanwhile."))
    try:
        found = _enter(user, place, app, address, secrets)
    except (ConnectorError, NotConnected):
        cache.set(key, failed + 1, REST)
        raise
    cache.delete(key)
    return found


def _enter(user: User, place: Place, app: App, address: str, secrets: Mapping[str, str]) -> tuple[Account, bool]:
    visitor = host.visit(app, secrets, registrations.app_settings(app.key), address)
    name = app.connect(visitor).check()
    identity = identity_of(app, address, secrets)
    met = Met(identity, name, login=identity.user)
    return connecting.store(user, place, Access(app, secrets, address), met)


def identity_of(app: App, address: str, secrets: Mapping[str, str]) -> Identity:
    """Server and user name: no such server tells more of whose contacts they are."""
    server = urlsplit(address or app.base_url)
    open_ones = [secrets.get(one.name, "") for one in app.credentials if not one.secret]
    return Identity(f"{server.hostname}:{server.port or server.scheme}", " ".join(open_ones).casefold())


def full_address(text: str) -> str:
    """As people type it: https is added, and of an email address the server behind the @ is taken. Raises ValueError
    for what cannot be an address."""
    text = text.strip()
    full = text if "://" in text else f"https://{text.rpartition('@')[2].lstrip('/')}"
    parts = urlsplit(full)
    if not parts.hostname or parts.port == 0 or any(sign.isspace() for sign in full):
        raise ValueError(text)
    return full
