"""The list of deeds: who did what, when, in which tenant. No contact and no secret is ever named in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from allauth.account.signals import password_changed, password_reset
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models import Q, QuerySet
from django.dispatch import receiver

from connections.authors import Author, author
from connections.models import Account, AuditEntry, Connection, Deed, Membership, Role, Tenant, User
from connections.services import permits

HEADINGS = ("time", "who", "staff", "deed", "organisation", "connection", "about", "detail")


def note(
    deed: Deed,
    tenant: int | Tenant | None = None,
    *,
    connection: Connection | None = None,
    about: object = "",
    detail: str = "",
    by: User | None = None,
) -> None:
    """To be called inside the transaction of the deed. `by`: where somebody else did it than who is at work now."""
    who = Author(str(by), by.pk, author().at_desk) if by is not None else author()
    if connection is not None:
        tenant = connection.tenant_id
    AuditEntry.objects.create(
        tenant_id=tenant.pk if isinstance(tenant, Tenant) else tenant,
        person_id=who.user,
        who=who.name[:254],
        by_staff=who.at_desk,
        deed=deed,
        connection=connection if connection is not None and connection.pk else None,
        about=str(about or connection or "")[:255],
        detail=detail[:500],
    )


def of_account(deed: Deed, account: Account, detail: str = "", by: User | None = None) -> None:
    note(deed, account.tenant_id, about=f"{account.declaration.name}: {account.name}", detail=detail, by=by)


# ---- what allauth and Django tell


@receiver(user_logged_in)
def _signed_in(user: User, **kwargs: Any) -> None:
    """In every tenant of the person; of staff also where there is none."""
    tenants = list(Membership.objects.filter(user=user).values_list("tenant", flat=True))
    for tenant in [*tenants, *([None] if user.is_staff or not tenants else [])]:
        note(Deed.SIGNED_IN, tenant, by=user)


@receiver(user_login_failed)
def _refused(credentials: dict[str, Any], **kwargs: Any) -> None:
    """What was typed is kept only where it is somebody's address: it might be a password in the wrong box."""
    typed = str(credentials.get("email") or credentials.get("username") or "")
    known = User.objects.filter(email__iexact=typed).first() if typed else None
    note(Deed.REFUSED, about=known or "an unknown address")


@receiver([password_changed, password_reset])
def _password(user: User, **kwargs: Any) -> None:
    note(Deed.SECURITY, about=user, detail="a new password", by=user)


@receiver([authenticator_added, authenticator_removed, authenticator_reset])
def _factor(user: User, signal: Any, authenticator: Any = None, **kwargs: Any) -> None:
    verb = {authenticator_added: "added", authenticator_removed: "removed"}.get(signal, "made anew")
    note(Deed.SECURITY, about=user, detail=f"second factor {verb}: {getattr(authenticator, 'type', '')}", by=user)


# ---- looking


def for_member(membership: Membership) -> QuerySet[AuditEntry]:
    """Owners see all of their tenant, staff's deeds included; others their own, and those about connections that they
    see."""
    rows = AuditEntry.objects.filter(tenant=membership.tenant_id).select_related("connection")
    if membership.role == Role.OWNER:
        return rows.order_by("-id")
    seen = Q(person=membership.user_id) | Q(connection__in=permits.connections_for(membership))
    return rows.filter(seen).order_by("-id")


def as_rows(rows: Iterable[AuditEntry]) -> Iterator[tuple[object, ...]]:
    """The cells of a file, with a line of headings."""
    yield HEADINGS
    for row in rows:
        tenant = row.tenant.slug if row.tenant_id and row.tenant else ""
        name = row.connection.name if row.connection else ""
        staff = "staff" if row.by_staff else ""
        when = row.at.isoformat(timespec="seconds")
        yield when, row.who, staff, row.get_deed_display(), tenant, name, row.about, row.detail
