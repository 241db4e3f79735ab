"""Who wants to be told of what, and the link in each mail by which somebody is told no more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.urls import reverse

from connections.models import Cause, Membership, NotificationChoice, Role, Tenant, User

SALT = "pairwise.notifications"
VALID_FOR = 90 * 24 * 3600  # seconds; a mail that old is not what anybody unsubscribes from

Choices = Mapping[tuple[int, int, str], bool]  # by user, tenant and cause


def choices(tenants: Iterable[int]) -> Choices:
    rows = NotificationChoice.objects.filter(tenant__in=list(tenants))
    return {(user, tenant, cause): on for user, tenant, cause, on in rows.values_list("user", "tenant", "cause", "on")}


def wants(membership: Membership, cause: Cause, made: Choices) -> bool:
    return made.get((membership.user_id, membership.tenant_id, cause.value), by_default(membership.role, cause))


def by_default(role: str, cause: Cause) -> bool:
    match cause:
        case Cause.ACCOUNT:
            return True
        case Cause.COLLEAGUE:
            return False
        case Cause.DIGEST:
            return role == Role.OWNER
    return role in (Role.OWNER, Role.EDITOR)


def offered(membership: Membership) -> list[Cause]:
    """What this person can be told of at all: who only looks connects no account of a colleague."""
    return [cause for cause in Cause if cause is not Cause.COLLEAGUE or membership.role != Role.VIEWER]


def choose(membership: Membership, on: Collection[str]) -> int:
    """Everything named is wanted from now on, nothing else; returns how many were switched. What a person never
    switched goes on as the role has it."""
    made = choices([membership.tenant_id])
    switched = [cause for cause in offered(membership) if wants(membership, cause, made) != (cause.value in on)]
    for cause in switched:
        _set(membership.user_id, membership.tenant_id, cause, cause.value in on)
    return len(switched)


def _set(user: int, tenant: int, cause: Cause, on: bool) -> None:
    NotificationChoice.objects.update_or_create(user_id=user, tenant_id=tenant, cause=cause, defaults={"on": on})


# ---- links that need no sign-in


@dataclass(frozen=True, slots=True)
class Unwanted:
    """What a link is about."""

    user: User
    tenant: Tenant
    cause: Cause


def stop_link(user: int, tenant: int, cause: str) -> str:
    token = signing.dumps([user, tenant, cause], salt=SALT)
    return f"{settings.PUBLIC_URL}{reverse('notifications-stop', args=[token])}"


def opened(token: str) -> Unwanted | None:
    """None for every link that is not ours, too old, or about somebody who is no member any more."""
    try:
        user, tenant, cause = signing.loads(token, salt=SALT, max_age=VALID_FOR)
    except (signing.BadSignature, ValueError):
        return None
    row = Membership.objects.select_related("user", "tenant").filter(user=user, tenant=tenant).first()
    return Unwanted(row.user, row.tenant, Cause(cause)) if row is not None and cause in Cause.values else None


def stop(link: Unwanted) -> None:
    _set(link.user.pk, link.tenant.pk, link.cause, False)
