"""Accounts: storing credentials, and asking an app whether they work."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast

from django.db.models import Q
from django.utils import timezone

from connections import host
from connections.encryption import Undecryptable
from connections.models import Account, AccountState, Connection, DeclaredField, Folder
from connectors import registry
from connectors.base import AuthLost, Connector, ConnectorError, Field, TriesFields


def stored_names(account: Account) -> frozenset[str]:
    """Which credentials are stored; nothing if they cannot be opened any more."""
    try:
        return frozenset(account.secrets)
    except Undecryptable:
        return frozenset()


def open_credentials(account: Account) -> dict[str, str]:
    """The stored ones that open nothing, such as the user name and settings."""
    app = registry.apps().get(account.app)
    opened = {one.name for one in app.credentials if not one.secret} if app else set()
    try:
        return {name: value for name, value in account.secrets.items() if name in opened}
    except Undecryptable:
        return {}


def granted(account: Account) -> frozenset[str]:
    """The permissions that the app's vendor gave, as far as its answer told."""
    oauth = account.declaration.oauth
    try:
        secrets = dict(account.secrets)
    except Undecryptable:
        secrets = {}
    if oauth is None or account.state == AccountState.NEEDS_AUTHORISATION or not secrets.get("access_token"):
        return frozenset()
    return frozenset(scope.name for scope in oauth.scopes if oauth.is_granted(secrets, scope.name))


def store_credentials(account: Account, values: Mapping[str, str], forget: Collection[str] = ()) -> None:
    """Puts values beside those that are stored already. The account is saved, and may work again."""
    try:
        kept = {name: value for name, value in account.secrets.items() if name not in forget}
    except Undecryptable:
        kept = {}
    account.secrets = {**kept, **values}
    account.token_version += 1
    if account.state == AccountState.NEEDS_AUTHORISATION:
        account.state, account.reason = AccountState.ACTIVE, ""
    account.save()


def check(account: Account) -> str:
    """Asks the app who the account is there, and remembers the answer. Raises ConnectorError with the reason."""
    rows = Account.objects.filter(pk=account.pk)
    try:
        name = host.connect(account).check()
    except AuthLost as error:
        rows.update(state=AccountState.NEEDS_AUTHORISATION, reason=str(error)[:500])
        raise
    except ConnectorError as error:
        rows.update(reason=str(error)[:500])
        raise
    rows.exclude(state=AccountState.PAUSED).update(state=AccountState.ACTIVE, reason="")
    rows.update(remote_name=name[:255], last_ok_at=timezone.now())
    return name


def in_use(account: Account) -> bool:
    """Whether a connection has one of the account's folders as a side, also a deleted one that can be restored."""
    sides = Q(folder_a__account=account) | Q(folder_b__account=account)
    return Connection.every.filter(sides).exists()


def pause(account: Account, reason: str) -> None:
    Account.objects.filter(pk=account.pk).update(state=AccountState.PAUSED, reason=reason[:500])


def resume(account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(state=AccountState.ACTIVE, reason="")


def try_fields(account: Account, rows: Sequence[DeclaredField]) -> list[str]:
    """Asks the app for each declared field of one contact, since no app lists such fields.

    Returns what is wrong, a sentence each; a field that is unset everywhere is not wrong. Raises ConnectorError."""
    connector = host.connect(account)
    stored = Folder.objects.filter(account=account).values_list("remote_id", flat=True).first()
    folder = stored or next((each.id for each in connector.folders()), "")
    if not folder:
        return [f"The account {account} shows no folder, so its custom fields could not be tried."]
    known = {field.label: field for field in connector.fields(folder) if field.custom}
    return [problem for row in rows if (problem := _try(connector, folder, row, known.get(str(row), row.as_field())))]


def _try(connector: Connector, folder: str, row: DeclaredField, field: Field) -> str:
    if field.reason:
        return f"The field {row} cannot be used: {field.reason}"
    try:
        cast(TriesFields, connector).try_declared(folder, field)
    except ConnectorError as error:
        return f"The field {row} could not be read: {error}"
    return ""
