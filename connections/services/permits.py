"""What members may do with connected accounts. An account belongs to whoever authorised it; without an owner, to the
tenant."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from connections.models import Account, Membership, Role


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
