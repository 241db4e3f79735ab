"""Ordering news from vendors, folder by folder: made, renewed, healed and ended by themselves.

Without an address that vendors can reach there is no news; polling then carries the work, as it does whatever else goes
wrong here.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, ngettext

from connections import host, scheduling
from connections.engine.leases import claim, worker_name
from connections.models import Account, AccountState, Connection, Folder, Subscription
from connectors import registry
from connectors.base import ConnectorError, Unsupported
from connectors.news import Subscribed, Subscribes, SubscriptionGone

log = logging.getLogger(__name__)

AGAIN = timedelta(minutes=10)  # after a failure
SELDOM = timedelta(hours=24)  # where the app tells nothing of such a folder
LEASE = 120.0
EACH_TIME = 50  # subscriptions that one task looks after
TRIED = "accounts-asked-who-they-are"  # in the cache
RUNNING: Mapping[str, Any] = {"enabled": True, "paused_reason": ""}


def fingerprint(secret: str) -> str:
    """By what an address or a proof is known; the database tells neither. Kept through a rotation of SECRET_KEY by
    ordering anew."""
    return salted_hmac("pairwise.news", secret, algorithm="sha256").hexdigest()


def why_not() -> str:
    """Why vendors cannot tell this installation of changes; empty if they can."""
    if settings.WEBHOOKS == "off":
        return gettext("News from vendors is switched off (WEBHOOKS=off).")
    if settings.WEBHOOKS == "on":
        return ""
    parts = urlsplit(settings.PUBLIC_URL)
    name = parts.hostname or ""
    if parts.scheme != "https":
        return gettext("Vendors send news to https addresses only, and PUBLIC_URL is %(address)s.") % {
            "address": settings.PUBLIC_URL
        }
    if "." not in name.strip(".") or name.endswith((".local", ".localhost", ".internal", ".lan")) or _is_ip(name):
        return gettext("Vendors cannot reach PUBLIC_URL: %(name)s is no public name.") % {"name": name}
    return ""


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _apps(subscribes: bool) -> list[str]:
    return [app.key for app in registry.apps().values() if app.webhooks and app.webhooks.subscribes is subscribes]


def nameless() -> QuerySet[Account]:
    """Accounts whose vendor names them in its news by an id that we do not know yet: their tokens were entered."""
    tried = Q(pk__in=cache.get(TRIED, ()))
    rows = Account.objects.filter(app__in=_apps(False), state=AccountState.ACTIVE, remote_id="").exclude(tried)
    return rows if not why_not() else rows.none()


def _name(account: Account) -> None:
    oauth = account.declaration.oauth
    try:
        found = oauth.identify(host.host_for(account)).id if oauth else ""
        Account.objects.filter(pk=account.pk, remote_id="").update(remote_id=found)
    except ConnectorError as error:
        log.info("account %s: %s", account.pk, type(error).__name__)
    cache.set(TRIED, [*cache.get(TRIED, ()), account.pk][-EACH_TIME:], AGAIN.total_seconds())


def wanted() -> QuerySet[Folder]:
    """Folders whose news somebody waits for."""
    used = Connection.objects.filter(Q(folder_a=OuterRef("pk")) | Q(folder_b=OuterRef("pk")), **RUNNING)
    return Folder.objects.filter(
        Exists(used), account__app__in=_apps(True), account__state=AccountState.ACTIVE
    ).select_related("account")


def is_due(now: datetime | None = None) -> bool:
    return nameless().exists() or any(rows.exists() for rows in _due(now or timezone.now()))


def _due(now: datetime) -> tuple[QuerySet[Folder], QuerySet[Subscription], QuerySet[Subscription]]:
    """Folders without a subscription; subscriptions to be made or renewed; those that nobody needs."""
    folders = wanted() if not why_not() else Folder.objects.none()
    rows = Subscription.objects.select_related("folder__account")
    looked_after = rows.filter(folder__in=folders.values("pk"))
    active = Q(folder__account__state=AccountState.ACTIVE)
    return (
        folders.filter(subscription=None),
        looked_after.filter(Q(next_at__lte=now) | ~Q(public_url=settings.PUBLIC_URL)),
        rows.filter(active).exclude(folder__in=folders.values("pk")),
    )


def keep() -> str:
    """Orders, renews and ends what is due; one worker at a time does."""
    lease = claim("subscriptions", worker_name(), host.SystemClock(), LEASE)
    if lease is None:
        return "another worker is at it"
    try:
        for account in nameless()[:EACH_TIME]:
            _name(account)
        missing, due, unneeded = _due(timezone.now())
        for folder in missing[:EACH_TIME]:
            _open(folder)
        rows = list(due[:EACH_TIME])
        for row in rows:
            _look_after(row)
        ending = list(unneeded[:EACH_TIME])
        for row in ending:
            _end(row)
        return f"{len(rows)} looked after, {len(ending)} ended"
    finally:
        lease.release()


def _open(folder: Folder) -> None:
    """It is due, as the vendor has no address for it yet."""
    unknown = fingerprint(token_urlsafe())
    Subscription.objects.create(tenant_id=folder.tenant_id, folder=folder, address_hash=unknown)


def _look_after(row: Subscription) -> None:
    """What the vendor refuses is told with the folder and tried again; polling goes on meanwhile."""
    try:
        connector = cast(Subscribes, host.connect(row.folder.account))
        moved = row.public_url != settings.PUBLIC_URL
        if row.remote_id and moved:
            connector.unsubscribe(row.remote_id)
        if row.remote_id and not moved:
            _store(row, _renewed(row, connector))
        else:
            _store(row, _ordered(row, connector))
    except ConnectorError as error:
        pause = SELDOM if isinstance(error, Unsupported) else AGAIN
        Subscription.objects.filter(pk=row.pk).update(reason=str(error)[:500], next_at=timezone.now() + pause)
    except Exception as error:  # noqa: BLE001 - one broken account must not hold up the others; no text, it may quote
        log.error("subscription %s: %s", row.pk, type(error).__name__)
        Subscription.objects.filter(pk=row.pk).update(next_at=timezone.now() + AGAIN)


def _renewed(row: Subscription, connector: Subscribes) -> Subscribed:
    try:
        return connector.renew_subscription(row.remote_id)
    except SubscriptionGone:
        return _ordered(row, connector)


def _ordered(row: Subscription, connector: Subscribes) -> Subscribed:
    """The address must be known before the vendor tries it, which is before it answers us. What changed while there was
    no subscription is found by looking once."""
    address, state = token_urlsafe(32), token_urlsafe(32)
    Subscription.objects.filter(pk=row.pk).update(
        address_hash=fingerprint(address),
        state_hash=fingerprint(state),
        public_url=settings.PUBLIC_URL,
        remote_id="",
        expires_at=None,
    )
    path = reverse("news-of-folder", args=[row.folder.account.app, address])
    found = connector.subscribe(row.folder.remote_id, f"{settings.PUBLIC_URL}{path}", state)
    for connection in Connection.objects.filter(Q(folder_a=row.folder) | Q(folder_b=row.folder), **RUNNING):
        scheduling.wake(connection.pk)
    return found


def _store(row: Subscription, found: Subscribed) -> None:
    """Renewed when half of its time is over."""
    now = timezone.now()
    ends = datetime.fromtimestamp(found.expires_at, UTC)
    Subscription.objects.filter(pk=row.pk).update(
        remote_id=found.id, expires_at=ends, next_at=now + max((ends - now) / 2, timedelta(minutes=1)), reason=""
    )


def _end(row: Subscription) -> None:
    if row.remote_id:
        try:
            cast(Subscribes, host.connect(row.folder.account)).unsubscribe(row.remote_id)
        except ConnectorError as error:
            log.info("subscription %s was not ended (%s); it ends by itself", row.pk, type(error).__name__)
    row.delete()


def end_all(account: Account) -> None:
    """Before the account's access is given back."""
    for row in Subscription.objects.filter(folder__account=account).select_related("folder__account"):
        _end(row)


# ---- what people are told


@dataclass(frozen=True, slots=True)
class Source:
    """How news of one side comes. `live`: the vendor tells us."""

    side: str
    live: bool
    text: str


def sources(connection: Connection) -> Iterator[Source]:
    for side, folder in (("a", connection.folder_a), ("b", connection.folder_b)):
        yield _source(side, folder, connection.interval)


def _source(side: str, folder: Folder, interval: int) -> Source:
    app = host.declaration(folder.account)
    asked = _asked(app.name, interval)
    if app.webhooks is None:
        return Source(side, False, asked)
    if reason := why_not():
        return Source(side, False, f"{asked} {reason}")
    if not app.webhooks.subscribes:
        return Source(
            side,
            True,
            gettext("%(app)s tells of edits at once, if its webhooks are set up as the help says.") % {"app": app.name},
        )
    row = Subscription.objects.filter(folder=folder).first()
    if row is None or not row.remote_id:
        why = gettext(row.reason) if row is not None and row.reason else gettext("News of it is being ordered.")
        return Source(side, False, f"{asked} {why}")
    return Source(
        side,
        True,
        gettext("%(app)s tells of edits at once; they show on the other side within seconds.") % {"app": app.name},
    )


def _asked(app: str, seconds: int) -> str:
    if seconds % 60:
        text = gettext("%(app)s is asked every %(count)s seconds; an edit there shows within about that time.")
        return text % {"app": app, "count": seconds}
    return ngettext(
        "%(app)s is asked every minute; an edit there shows within about that time.",
        "%(app)s is asked every %(count)s minutes; an edit there shows within about that time.",
        seconds // 60,
    ) % {"app": app, "count": seconds // 60}
