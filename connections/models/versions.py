"""How connections are and were configured: in the form in which a file would say it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from connections.tenancy import TenantOwned


class ConfigurationVersion(TenantOwned):
    """A connection's configuration from one change to the next."""

    connection = models.ForeignKey("connections.Connection", models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.CharField(max_length=254)
    note = models.CharField(max_length=200, default="", blank=True)
    entries = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "number"], name="version_once")]

    def __str__(self) -> str:
        return f"version {self.number} of {self.connection}"


class Template(models.Model):
    """A configuration to begin new connections with; without a tenant it is for all of them."""

    tenant = models.ForeignKey("connections.Tenant", models.CASCADE, null=True, blank=True, related_name="templates")
    name = models.CharField(max_length=100, unique=True)
    app_a = models.CharField(max_length=30)
    app_b = models.CharField(max_length=30)
    entries = models.JSONField()
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.CharField(max_length=254)

    def __str__(self) -> str:
        return self.name
