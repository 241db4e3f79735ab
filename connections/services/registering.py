"""App registrations: whether the vendor knows them, and when their secrets end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from secrets import token_urlsafe

from django.utils import timezone

from connections import host, registrations
from connections.models import Account, AppRegistration
from connections.models.registrations import SECRET
from connections.registrations import ENVIRONMENT, Registration
from connectors import registry
from connectors.base import AuthLost

REMINDED = timedelta(days=30)  # before a secret ends
NO_CODE = "asked-by-pairwise-whether-the-registration-is-known"


@dataclass(frozen=True, slots=True)
class Reminder:
    """`pk`: of the row, None for the environment."""

    text: str
    cure: str
    pk: int | None
    ended: bool


def test(registration: Registration) -> str:
    """Asks the vendor to redeem a code that is none: whoever is not known is refused for that before.

    Returns a sentence; raises ConnectorError with what the vendor does not accept."""
    oauth = registration.app.oauth
    assert oauth is not None  # noqa: S101 - only apps that have one are registered
    app = registration.app
    visitor = host.visit(app, {}, registration.settings, registration.base_url, registration.login_url)
    with suppress(AuthLost):  # the code is refused, not the client
        oauth.redeem(visitor, NO_CODE, registrations.redirect_url(app), token_urlsafe(48))
    return (
        f"{oauth.vendor} answers and has no objection to the client id and the secret. "
        "The redirect address and the permissions show when somebody connects an account."
    )


def store_secret(row: AppRegistration, secret: str) -> None:
    """To be saved; an empty one leaves what is stored."""
    if secret:
        row.secrets = {SECRET: secret}


def reminders(today: date | None = None) -> Iterator[Reminder]:
    """Secrets that have ended or soon will, the most urgent first."""
    today = today or timezone.localdate()
    ending = [one for one in _all() if one.expires_on is not None and one.expires_on - today <= REMINDED]
    for one in sorted(ending, key=lambda one: one.expires_on or today):
        yield _reminder(one, today)


def _all() -> Iterator[Registration]:
    apps = [app for app in registry.apps().values() if app.oauth is not None]
    for app in apps:
        found = registrations.of_environment(app)
        if found is not None:
            yield found
    rows = AppRegistration.objects.filter(app__in=[app.key for app in apps]).select_related("tenant")
    for row in rows.defer("secrets").exclude(secret_expires_on=None):
        place = f"the registration for {row.tenant or 'all tenants'}"
        yield Registration(registry.app(row.app), {}, place, expires_on=row.secret_expires_on, pk=row.pk)


def _reminder(one: Registration, today: date) -> Reminder:
    oauth, day = one.app.oauth, one.expires_on
    assert oauth is not None  # noqa: S101
    assert day is not None  # noqa: S101
    left = (day - today).days
    when = f"ended on {day:%d %B %Y}" if left < 0 else f"ends on {day:%d %B %Y}, in {left} days"
    text = f"{one.app.name}: the secret of {one.place} {when}. Without it no account of the app can be renewed."
    place = "into APP_…_CLIENT_SECRET" if one.place == ENVIRONMENT else "in the admin under app registrations"
    return Reminder(
        text, f"Make a new secret at {oauth.console} and enter it {place}, with its date.", one.pk, left < 0
    )


def users_of(row: AppRegistration) -> int:
    """How many accounts were authorised through it."""
    found = Account.objects.filter(app=row.app, client_id=row.client_id)
    return (found.filter(tenant=row.tenant_id) if row.tenant_id else found).count()
