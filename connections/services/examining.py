"""What is wrong with this installation, and how it is cured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from smtplib import SMTPException

import requests
from django.conf import settings
from django.core import checks
from django.core.cache import cache
from django.core.mail import send_mail
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django_q.brokers import get_broker
from redis.exceptions import RedisError

from connections import canary, host
from connections.encryption import Undecryptable
from connections.models import Account, AccountState, AppRegistration, OutgoingWebhook, Subscription
from connections.services import inviting, registering, subscribing
from connectors.base import ConnectorError

MIGRATE = "Run `python manage.py migrate`."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `cure` is empty where nothing is to be done."""

    what: str
    ok: bool
    text: str
    cure: str = ""

    def as_dict(self) -> dict[str, str | bool]:
        return asdict(self)


def examine(accounts: bool = True, mail_to: str = "") -> Iterator[Finding]:
    """Looks at everything, one thing after the other; with `accounts` also asks each account's app. `mail_to`: whom to
    send a mail, to see whether it goes out."""
    yield from _settings()
    database = _database()
    yield database
    if not database.ok:
        return
    yield from (_migrations(), _keys(), _cache(), _broker(), _cluster(), _mail(mail_to))
    yield from (_news(), *_registrations())
    if settings.SIGN_IN_ISSUER:
        yield _sign_in()
    if accounts:
        yield from (
            _account(account) for account in Account.objects.select_related("tenant").order_by("tenant", "name")
        )


def _settings() -> Iterator[Finding]:
    messages = checks.run_checks(include_deployment_checks=not (settings.EMBEDDED or settings.DEBUG))
    serious = [message for message in messages if message.is_serious(checks.WARNING) and not message.is_silenced()]
    for message in serious:
        cure = message.hint or "docs/configuration.md explains each setting."
        yield Finding("settings", False, f"{message.msg} ({message.id})", cure)
    if not serious:
        where = "embedded" if settings.EMBEDDED else "production"
        yield Finding("settings", True, f"The settings for {where} use at {settings.PUBLIC_URL} are complete.")


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        text = f"The database does not answer ({type(error).__name__})."
        return Finding("database", False, text, "Start it, and check DATABASE_URL and its password.")
    return Finding("database", True, f"{connection.display_name} answers.")


def is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Finding("migrations", False, f"{len(missing)} migrations are missing.", MIGRATE)
    return Finding("migrations", True, "All migrations are applied.")


def _keys() -> Finding:
    lost: list[str] = []
    try:
        for model in (Account, AppRegistration, OutgoingWebhook):
            for row in model._default_manager.only("secrets").order_by("pk").iterator():
                try:
                    len(row.secrets)
                except Undecryptable:
                    lost.append(str(row))
    except DatabaseError:
        return Finding("keys", False, "The accounts cannot be read.", MIGRATE)
    if lost:
        text = f"No key in FIELD_ENCRYPTION_KEYS opens the credentials of: {', '.join(lost)}."
        return Finding("keys", False, text, "Add the key they were encrypted with, or enter their credentials again.")
    return Finding("keys", True, "The keys open all stored credentials.")


def _news() -> Finding:
    """Polling is no fault: an installation without a public address does its work, only later."""
    if reason := subscribing.why_not():
        text = f"{reason} Apps are asked at each connection's interval, so an edit shows about that much later."
        return Finding("news", True, text)
    failed = Subscription.objects.exclude(reason="").select_related("folder__account__tenant").order_by("pk")
    try:
        reasons = [f"{row.folder.account.tenant.slug}/{row.folder.account}: {row.reason}" for row in failed[:5]]
        count = Subscription.objects.exclude(remote_id="").count()
    except DatabaseError:
        return Finding("news", False, "The subscriptions cannot be read.", MIGRATE)
    if reasons:
        return Finding("news", False, " ".join(reasons), "It is tried again by itself; these folders are polled.")
    text = f"Vendors tell {settings.PUBLIC_URL} of edits, which show within seconds; {count} folders are subscribed to."
    return Finding("news", True, text)


def _registrations() -> Iterator[Finding]:
    try:
        for reminder in registering.reminders():
            yield Finding("registration", not reminder.ended, reminder.text, reminder.cure)
    except DatabaseError:
        yield Finding("registration", False, "The app registrations cannot be read.", MIGRATE)


def _answers(what: str, ask: Callable[[], bool], well: str, cure: str) -> Finding:
    try:
        answered = ask()
    except (DatabaseError, RedisError, OSError) as error:
        return Finding(what, False, f"The {what} does not answer ({type(error).__name__}).", cure)
    return Finding(what, True, well) if answered else Finding(what, False, f"The {what} does not answer.", cure)


def _cache() -> Finding:
    def keeps() -> bool:
        cache.set("doctor", "well", 60)
        return bool(cache.get("doctor") == "well")

    kind = "Redis" if settings.REDIS_URL else "in the database"
    cure = "Check REDIS_URL." if settings.REDIS_URL else MIGRATE
    return _answers("cache", keeps, f"The cache ({kind}) keeps what it is given.", cure)


def _broker() -> Finding:
    broker = get_broker()
    cure = "Check REDIS_URL and QUEUE_BROKER." if settings.QUEUE_BROKER == "redis" else MIGRATE
    return _answers("broker", lambda: bool(broker.ping()), f"The queue ({settings.QUEUE_BROKER}) answers.", cure)


def _cluster() -> Finding:
    cure = "Start `python manage.py supervise`, and see what it prints."
    try:
        age = canary.age()
    except (DatabaseError, RedisError):
        age = None
    if age is None:
        return Finding("cluster", False, "No worker was ever heard.", cure)
    if age > 2 * settings.SUPERVISE_STALL:
        return Finding("cluster", False, f"No worker was heard for {age:.0f} seconds.", cure)
    return Finding("cluster", True, f"A worker was heard {age:.0f} seconds ago.")


def _mail(to: str) -> Finding:
    if not inviting.mail_is_set_up():
        text = "No mail is sent: invitations and new passwords are links in the admin, to be handed over."
        if not to:
            return Finding("mail", True, text)
        return Finding("mail", False, text, "Set EMAIL_URL to your mail server.")
    if not to:
        return Finding("mail", True, "Mail is set up. `doctor --mail ADDRESS` sends one.")
    try:
        send_mail("A test from Pairwise", f"Mail from {settings.PUBLIC_URL} arrives.\n", None, [to])
    except (OSError, SMTPException) as error:
        cure = "Check host, port, user and password in EMAIL_URL, and EMAIL_FROM."
        return Finding("mail", False, f"The mail server did not take a mail ({type(error).__name__}).", cure)
    return Finding("mail", True, f"The mail server took a mail to {to}.")


def _sign_in() -> Finding:
    cure = "Check SIGN_IN_ISSUER: the address before /.well-known/openid-configuration."
    address = f"{settings.SIGN_IN_ISSUER}/.well-known/openid-configuration"
    try:
        answer = requests.get(address, timeout=10)
        answer.raise_for_status()
        lacking = {"authorization_endpoint", "token_endpoint", "jwks_uri"} - answer.json().keys()
    except (requests.RequestException, ValueError) as error:
        text = f"{settings.SIGN_IN_NAME} does not answer as an OpenID Connect provider ({type(error).__name__})."
        return Finding("sign-in", False, text, cure)
    if lacking:
        return Finding("sign-in", False, f"{settings.SIGN_IN_NAME} names no {', '.join(sorted(lacking))}.", cure)
    return Finding("sign-in", True, f"{settings.SIGN_IN_NAME} answers.")


def _account(account: Account) -> Finding:
    what = f"account {account.tenant.slug}/{account.name}"
    if account.state == AccountState.PAUSED:
        return Finding(what, True, f"Paused, so not asked: {account.reason or 'no reason given'}")
    try:
        connector = host.connect(account)
        name = connector.check()
        count = len(connector.folders())
    except ConnectorError as error:
        cure = "It may pass by itself." if error.retry else "Open the account in the admin, correct it, and try again."
        return Finding(what, False, str(error), cure)
    except Exception as error:  # noqa: BLE001 - one broken connector must not hide what else is wrong
        return Finding(what, False, f"Failed unexpectedly ({type(error).__name__}).", "Please report this bug.")
    return Finding(what, True, f"Signed in as {name or 'unnamed'}, sees {count} folders.")
