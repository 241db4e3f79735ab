"""Taking an account away: its access, here and at the vendor. Contacts stay where they are, in both apps."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from connections import host
from connections.encryption import Undecryptable
from connections.models import Account, AccountState, Deed, User
from connections.services import access, audit, subscribing
from connectors.base import ConnectorError, Host, Unsupported


def disconnect(account: Account, by: User) -> str:
    """Forgets the credentials, so that its connections stand still, and asks the vendor to take the access back. An
    account that no connection needs is removed. Returns what a person should know, as sentences."""
    secrets: Mapping[str, str] = {}
    with suppress(Undecryptable):
        secrets = dict(account.secrets)
    visitor = _visitor(account, secrets)
    subscribing.end_all(account)
    with transaction.atomic():
        unused = not access.in_use(account)
        audit.of_account(Deed.DISCONNECTED, account, by=by)
        if unused:
            account.delete()
        else:
            Account.objects.filter(pk=account.pk).update(
                secrets=access.open_credentials(account),
                token_version=F("token_version") + 1,
                state=AccountState.NEEDS_AUTHORISATION,
                reason=f"Disconnected by {by} on {timezone.localdate():%d %B %Y}. Connect it again to go on.",
            )
    if unused:
        told = gettext("%(account)s is removed. No contact was deleted.")
    else:
        told = gettext(
            "%(account)s is disconnected; its connections stand still until it is connected again. "
            "No contact was deleted."
        )
    return f"{told % {'account': account}} {_revoked(account, visitor)}".strip()


def _visitor(account: Account, secrets: Mapping[str, str]) -> Host | None:
    """Who still has the credentials when they are not stored any more."""
    try:
        lent = host.host_for(account)
    except Unsupported:
        return None
    return host.visit(account.declaration, secrets, lent.settings, lent.base_url, lent.login_url)


def _revoked(account: Account, visitor: Host | None) -> str:
    oauth = account.declaration.oauth if visitor is not None else None
    if oauth is None or visitor is None:
        return ""
    also = (
        gettext("To take it back there as well, open %(address)s.") % {"address": oauth.withdraw}
        if oauth.withdraw
        else ""
    )
    if oauth.revoke is None:
        told = gettext("%(vendor)s still lists Pairwise among the apps you allowed.") % {"vendor": oauth.vendor}
        return f"{told} {also}"
    if _shared(account):
        return ""
    try:
        oauth.revoke(visitor)
    except ConnectorError as error:
        told = gettext("%(vendor)s could not be told: %(error)s") % {"vendor": oauth.vendor, "error": error}
        return f"{told} {also}"
    return gettext("%(vendor)s has taken the access back.") % {"vendor": oauth.vendor}


def _shared(account: Account) -> bool:
    """Another account lives on the same login: some vendors would take its access back too."""
    same = Account.objects.filter(app=account.app, client_id=account.client_id, remote_id=account.remote_id)
    return bool(account.remote_id) and same.filter(remote_user=account.remote_user).exclude(pk=account.pk).exists()
