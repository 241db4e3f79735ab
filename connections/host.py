"""What this room lends to connectors: credentials, limits, the address guard, time and settings of one account."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from django.conf import settings

from connections.budgets import DatabaseLimits
from connections.models import Account
from connections.urlguard import AddressGuard
from connections.vault import DatabaseVault
from connectors.base import App, Clock, Connector, Host, Unsupported


class SystemClock:
    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def app_settings(key: str) -> Mapping[str, str]:
    """What the environment says about an app: APP_OUTLOOK_CLIENT_ID is `client_id` of `outlook`."""
    start = key.upper().replace("-", "_") + "_"
    found: Mapping[str, str] = settings.APP_SETTINGS
    return {name.removeprefix(start).lower(): value for name, value in found.items() if name.startswith(start)}


def host_for(account: Account, fence: Callable[[], None] = lambda: None, clock: Clock | None = None) -> Host:
    """Raises Unsupported if the account's app is not installed any more."""
    app, clock = declaration(account), clock or SystemClock()
    return Host(
        base_url=account.base_url or app.base_url,
        login_url=account.login_url or app.login_url,
        vault=DatabaseVault(account.pk, clock),
        limits=DatabaseLimits(account.pk, clock, app.capabilities.rate),
        guard=AddressGuard(),
        clock=clock,
        fence=fence,
        settings=app_settings(app.key),
        declared=[row.as_field() for row in account.declared_fields.order_by("name")],
    )


def connect(account: Account, fence: Callable[[], None] = lambda: None, clock: Clock | None = None) -> Connector:
    """The app, seen through the account. `fence` is called before each writing request; asks the app nothing yet."""
    return declaration(account).connect(host_for(account, fence, clock))


def declaration(account: Account) -> App:
    try:
        return account.declaration
    except KeyError:
        raise Unsupported(f"Account {account}: the app {account.app!r} is not part of this installation.") from None
