"""Who belongs to a tenant: owners change roles and remove members; somebody always owns it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext

from connections.models import Account, Connection, Deed, Invitation, Membership, Role, Tenant
from connections.services import audit


class CannotChange(Exception):
    """The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What stands still when somebody goes."""

    accounts: list[Account]
    connections: list[Connection]


def members(tenant: Tenant) -> list[Membership]:
    return list(tenant.memberships.select_related("user").order_by("user__email"))


def open_invitations(tenant: Tenant) -> list[Invitation]:
    """Also those that have expired, until somebody is invited anew or they are withdrawn."""
    rows = tenant.invitations.filter(accepted_at=None).select_related("invited_by")
    return list(rows.order_by("email"))


def loss_of(membership: Membership) -> Loss:
    accounts = Account.objects.filter(tenant=membership.tenant_id, owner=membership.user_id)
    rows = Connection.objects.filter(tenant=membership.tenant_id)
    used = rows.filter(folder_a__account__in=accounts) | rows.filter(folder_b__account__in=accounts)
    return Loss(list(accounts.order_by("name")), list(used.order_by("name").distinct()))


@transaction.atomic
def change_role(membership: Membership, role: str) -> bool:
    """False where it is that role already. Raises CannotChange."""
    if role not in Role.values:
        raise CannotChange(gettext("Choose one of the roles."))
    rows = _locked(membership)
    if membership.pk not in rows or rows[membership.pk].role == role:
        return False
    if role != Role.OWNER:
        _leave_an_owner(rows, membership)
    Membership.objects.filter(pk=membership.pk).update(role=role)
    audit.note(Deed.ROLE, membership.tenant_id, about=membership.user, detail=f"{membership.role} to {role}")
    return True


@transaction.atomic
def remove(membership: Membership) -> bool:
    """Forgets the person's own accesses, too, so what runs on them stands still. False where somebody else was faster.
    Raises CannotChange."""
    rows = _locked(membership)
    if membership.pk not in rows:
        return False
    _leave_an_owner(rows, membership)
    rows[membership.pk].delete()
    audit.note(Deed.LEFT, membership.tenant_id, about=membership.user, detail="removed")
    return True


def withdraw(tenant: Tenant, pk: int) -> bool:
    """The link opens nothing any more. False where it was accepted or withdrawn before."""
    rows = tenant.invitations.filter(pk=pk, accepted_at=None)
    email = rows.values_list("email", flat=True).first()
    withdrawn = bool(rows.delete()[0])
    if withdrawn:
        audit.note(Deed.INVITED, tenant, about=email, detail="withdrawn")
    return withdrawn


def _locked(membership: Membership) -> dict[int, Membership]:
    """All members as they are now; of two changes at once the second waits here."""
    Tenant.objects.select_for_update().get(pk=membership.tenant_id)
    return {row.pk: row for row in Membership.objects.filter(tenant=membership.tenant_id).select_related("user")}


def _leave_an_owner(rows: dict[int, Membership], going: Membership) -> None:
    if not any(row.role == Role.OWNER and row.pk != going.pk for row in rows.values()):
        raise CannotChange(
            gettext("%(person)s is the only owner. Make somebody else an owner first.") % {"person": going.user}
        )
