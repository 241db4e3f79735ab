"""Which registration counts: the tenant's own, else the one for all tenants, else what the environment says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from django.conf import settings
from django.urls import reverse

from connections.encryption import Undecryptable
from connections.models import Account, AppRegistration, Tenant
from connections.models.registrations import SECRET
from connectors import registry
from connectors.base import App

ENVIRONMENT = "the environment"


@dataclass(frozen=True, slots=True)
class Registration:
    """`settings`: what a connector reads (client_id, client_secret, tenant). `place`: where it was entered, for people;
    `scopes`: asked for beside the required ones."""

    app: App
    settings: Mapping[str, str] = field(repr=False)
    place: str
    base_url: str = ""
    login_url: str = ""
    scopes: tuple[str, ...] = ()
    expires_on: date | None = None
    pk: int | None = None

    @property
    def client_id(self) -> str:
        return self.settings["client_id"]


def app_settings(key: str) -> Mapping[str, str]:
    """What the environment says about an app: APP_OUTLOOK_CLIENT_ID is `client_id` of `outlook`."""
    start = key.upper().replace("-", "_") + "_"
    found: Mapping[str, str] = settings.APP_SETTINGS
    return {name.removeprefix(start).lower(): value for name, value in found.items() if name.startswith(start)}


def candidates(app: App, tenant: Tenant | int) -> Iterator[Registration]:
    """Those that a tenant may use, the one that counts first. Raises Undecryptable."""
    if app.oauth is None:
        return
    rows = AppRegistration.objects.filter(app=app.key)
    for row in (rows.filter(tenant=tenant).first(), rows.filter(tenant=None).first()):
        if row is not None:
            yield of_row(row)
    found = of_environment(app)
    if found is not None:
        yield found


def registration_for(app: App, tenant: Tenant | int) -> Registration | None:
    return next(candidates(app, tenant), None)


def of_row(row: AppRegistration) -> Registration:
    app = registry.app(row.app)
    own = {"client_id": row.client_id, SECRET: row.secrets.get(SECRET, ""), "tenant": row.account_types}
    return Registration(
        app=app,
        settings={**app_settings(row.app), **own},
        place=f"the registration for {row.tenant or 'all tenants'}",
        base_url=row.base_url,
        login_url=row.login_url,
        scopes=tuple(row.scopes),
        expires_on=row.secret_expires_on,
        pk=row.pk,
    )


def of_environment(app: App) -> Registration | None:
    found = app_settings(app.key)
    if not found.get("client_id"):
        return None
    return Registration(
        app=app,
        settings=found,
        place=ENVIRONMENT,
        base_url=found.get("base_url", ""),
        login_url=found.get("login_url", ""),
        scopes=tuple(found.get("scopes", "").split()),
        expires_on=_day(found.get("secret_expires_on", "")),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def settings_for(account: Account) -> Mapping[str, str]:
    """The app's settings for an account: with the registration through which it was authorised, as long as that is
    there, since the vendor renews an authorisation for no other. Accounts made by hand or from a file name none; theirs
    is the environment's, if it has one."""
    app = account.declaration
    try:
        found = list(candidates(app, account.tenant_id))
    except Undecryptable:
        found = []
    known = account.client_id
    same = [one for one in found if (one.client_id == known if known else one.place == ENVIRONMENT)]
    chosen = next(iter([*same, *found]), None)
    return app_settings(app.key) if chosen is None else chosen.settings


def news_url(app: App) -> str:
    """Where the vendor sends news of all accounts to; it is entered there."""
    return f"{settings.PUBLIC_URL}{reverse('news-of-app', args=[app.key])}"


def redirect_url(app: App) -> str:
    """Where the vendor sends people back to; it is registered there, letter by letter."""
    return f"{settings.PUBLIC_URL}{reverse('connect-back', args=[app.key])}"
