"""Accounts that people connect themselves: what they let us have becomes an account, new or again, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from connections import host, scheduling
from connections.encryption import Undecryptable
from connections.models import Account, AccountState, Connection, Deed, Membership, Tenant, User
from connections.services import asking, audit, naming, permits
from connectors.base import App, ConnectorError, Host
from connectors.oauth import Identity, OAuth


class NotConnected(Exception):
    """Nothing was stored. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a person let us have. `base_url` and `login_url` are empty for the vendor's own."""

    app: App
    secrets: Mapping[str, str] = field(repr=False)
    base_url: str = ""
    login_url: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Met:
    """Whose access it is. `name`: for people; `login`: what a new account is called after, if not that."""

    identity: Identity
    name: str
    login: str = ""


class AnotherIdentity(NotConnected):
    """Somebody signed in with another login than the account's; `found` is the name of the other."""

    def __init__(self, account: Account, met: Met) -> None:
        self.found = met.name
        known, found = account.remote_name or account.name, met.name
        if known == found:  # a copy of an organisation is called as the original
            known, found = f"{known} ({account.remote_id})", f"{found} ({met.identity.id})"
        super().__init__(
            gettext(
                "You signed in as %(found)s, but this account is %(known)s. Nothing was changed: going "
                "on with other contacts would mix up the two. Sign in as %(known)s, or connect %(found)s "
                "as an account of its own."
            )
            % {"found": found, "known": known}
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where it belongs. `account`: the one to authorise again; None for a new one, that is `shared` or not."""

    tenant: int
    account: int | None
    shared: bool


def refuse_half(oauth: OAuth, secrets: Mapping[str, str]) -> None:
    """Raises NotConnected, naming what is missing, where less was granted than is needed."""
    missing = [scope for scope in oauth.required if not oauth.is_granted(secrets, scope.name)]
    if missing:
        named = gettext(" and ").join(f"“{scope.name}” ({gettext(scope.why)})" for scope in missing)
        raise NotConnected(
            gettext(
                "%(vendor)s did not grant %(named)s. Without it Pairwise cannot keep contacts the same. "
                "Connect again and leave all permissions ticked; in a company an administrator may have "
                "to allow them."
            )
            % {"vendor": oauth.vendor, "named": named}
        )


def meet(app: App, oauth: OAuth, visitor: Host) -> Met:
    """Asks whose access it is and looks whether it can be used. Raises ConnectorError with the reason."""
    return Met(oauth.identify(visitor), app.connect(visitor).check())


def learn(oauth: OAuth, pk: int | None) -> None:
    """An account that was made by hand or from a file was never asked whose it is. As long as its access works, it is
    asked before somebody signs in to it anew, so that another login is noticed."""
    if pk is None:
        return
    account = Account.objects.filter(pk=pk, remote_id="").first()
    if account is not None:
        with suppress(ConnectorError):
            known = oauth.identify(host.host_for(account))
            Account.objects.filter(pk=pk).update(remote_id=known.id[:255], remote_user=known.user[:255])


@transaction.atomic
def store(user: User, place: Place, access: Access, met: Met) -> tuple[Account, bool]:
    """The account, and whether it was there already. Raises NotConnected."""
    tenant = Tenant.objects.select_for_update().get(pk=place.tenant)  # one at a time, so that none is made twice
    membership = Membership.objects.filter(tenant=tenant, user=user).first()
    if membership is None:
        raise NotConnected(gettext("You are no member of this organisation any more. Ask for an invitation."))
    account = _same(tenant, user, access, met) if place.account is None else _chosen(membership, place.account, met)
    if account is None:
        if not permits.may_add(membership):
            raise NotConnected(
                gettext("In %(tenant)s you may only look. Ask an owner to let you connect accounts.")
                % {"tenant": tenant}
            )
        name = free_name(tenant, met.login or met.name, access.app)
        account = Account(tenant=tenant, app=access.app.key, name=name, shared=place.shared)
    known = account.pk is not None
    _take(account, user, access, met)
    audit.of_account(Deed.CONNECTED, account, "again" if known else "", by=user)
    asking.fulfil(user, account)
    if known:
        wake(account)
    return account, known


def _same(tenant: Tenant, user: User, access: Access, met: Met) -> Account | None:
    """The person's own account with this login, or one that belongs to nobody."""
    rows = Account.objects.select_for_update().filter(
        Q(owner=user) | Q(owner=None),
        tenant=tenant,
        app=access.app.key,
        remote_id=met.identity.id,
        remote_user=met.identity.user,
    )
    return rows.order_by("pk").first()


def _chosen(membership: Membership, pk: int, met: Met) -> Account:
    account = permits.accounts_for(membership).select_for_update().filter(pk=pk).first()
    if account is None or not permits.may_authorise(membership, account):
        raise NotConnected(gettext("This account is not there any more, or not yours to connect."))
    if account.remote_id or account.declaration.oauth is None:
        same = account.remote_id in ("", met.identity.id)
    else:  # made by hand or from a file, and never asked who it is
        same = account.remote_name in ("", met.name)
    if not same:
        raise AnotherIdentity(account, met)
    return account


def _take(account: Account, user: User, access: Access, met: Met) -> None:
    try:
        kept = dict(account.secrets)
    except Undecryptable:
        kept = {}
    account.secrets = {**kept, **access.secrets}
    account.token_version += 1
    account.base_url, account.login_url, account.client_id = access.base_url, access.login_url, access.client_id
    account.remote_id, account.remote_user = met.identity.id[:255], met.identity.user[:255]
    account.remote_name, account.owner = met.name[:255], user
    if account.state == AccountState.NEEDS_AUTHORISATION:
        account.state = AccountState.ACTIVE
    if account.state == AccountState.ACTIVE:
        account.reason, account.last_ok_at = "", timezone.now()
    account.save()


def told(account: Account, known: bool) -> str:
    name = gettext("%(app)s of %(login)s") % {"app": account.declaration.name, "login": account.remote_name}
    if known:
        return gettext("%(name)s is connected again. Its connections go on by themselves from where they stood.") % {
            "name": name
        }
    return gettext("%(name)s is connected, as “%(account)s”.") % {"name": name, "account": account.name}


def free_name(tenant: Tenant, text: str, app: App) -> str:
    """A name that no account of the tenant has, such as anna-outlook."""
    stem = f"{text.partition('@')[0][:60]} {app.key}"
    return naming.free_name(Account.objects.filter(tenant=tenant), stem)


def wake(account: Account) -> None:
    """What stood still for want of the account goes on, from where it stood."""
    for pk in connections_of(account).values_list("pk", flat=True):
        scheduling.wake(pk)


def connections_of(account: Account) -> QuerySet[Connection]:
    return Connection.objects.filter(Q(folder_a__account=account) | Q(folder_b__account=account))


def connections_by_account(tenant: Tenant) -> Counter[int]:
    """How many connections use each account, by its id."""
    sides = Connection.objects.filter(tenant=tenant).values_list("folder_a__account_id", "folder_b__account_id")
    return Counter(account for pair in sides for account in set(pair))
