"""What members may do with connected accounts and with connections. An account belongs to whoever authorised it;
without an owner, to the tenant."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from connections.models import Account, Connection, Membership, Role


def accounts_for(membership: Membership) -> QuerySet[Account]:
    """What a member sees: shared and own ones; owners of the tenant see that the others' private ones exist."""
    rows = Account.objects.filter(tenant=membership.tenant_id)
    return rows if membership.role == Role.OWNER else rows.filter(Q(shared=True) | Q(owner=membership.user_id))


def may_add(membership: Membership) -> bool:
    return membership.role in (Role.OWNER, Role.EDITOR)


def may_authorise(membership: Membership, account: Account) -> bool:
    """The person's own whatever the role; others' to let a colleague's connections go on."""
    if account.owner_id == membership.user_id or membership.role == Role.OWNER:
        return True
    return membership.role == Role.EDITOR and account.shared


def may_disconnect(membership: Membership, account: Account) -> bool:
    """Also whether somebody may choose who else uses it."""
    return account.owner_id == membership.user_id or membership.role == Role.OWNER


def usable_accounts(membership: Membership) -> QuerySet[Account]:
    """What a member may connect folders of, or see contacts of: a private account is its owner's alone."""
    return Account.objects.filter(Q(shared=True) | Q(owner=membership.user_id), tenant=membership.tenant_id)


def connections_for(membership: Membership) -> QuerySet[Connection]:
    """What a member sees: connections of accounts that the member sees."""
    rows = Connection.objects.filter(tenant=membership.tenant_id)
    if membership.role == Role.OWNER:
        return rows
    seen = Q()
    for side in ("a", "b"):
        account = f"folder_{side}__account"
        seen &= Q(**{f"{account}__shared": True}) | Q(**{f"{account}__owner": membership.user_id})
    return rows.filter(seen)


def may_see(membership: Membership, connection: Connection) -> bool:
    """Whether the connection is among `connections_for` this member."""
    return membership.role == Role.OWNER or may_see_contacts(membership, connection)


def may_see_contacts(membership: Membership, connection: Connection) -> bool:
    """Of others' private accounts the owners of a tenant see state, counts and errors alone."""
    accounts = (connection.folder_a.account, connection.folder_b.account)
    return all(account.shared or account.owner_id == membership.user_id for account in accounts)


def may_run(membership: Membership, connection: Connection) -> bool:
    """Also whether somebody may change it; who only looks may not."""
    return membership.role in (Role.OWNER, Role.EDITOR) and connection.tenant_id == membership.tenant_id
