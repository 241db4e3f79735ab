"""Every row that belongs to a tenant says so, and is reached through one queryset."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.db import models

if TYPE_CHECKING:
    from connections.models import Tenant, User

M = TypeVar("M", bound=models.Model, covariant=True)


class TenantQuerySet(models.QuerySet[M]):
    def for_tenant(self, tenant: Tenant) -> TenantQuerySet[M]:
        return self.filter(tenant=tenant)

    def for_user(self, user: User) -> TenantQuerySet[M]:
        """What the tenants of this person own; the same answer for "not there" and "not yours"."""
        return self.filter(tenant__memberships__user=user)


class TenantOwned(models.Model):
    tenant = models.ForeignKey("connections.Tenant", models.CASCADE, related_name="+")

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True
