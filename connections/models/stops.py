from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

NOTHING = Q(app="", tenant=None, connection=None)


class StopQuerySet(models.QuerySet["Stop"]):
    def in_force(self) -> StopQuerySet:
        return self.filter(lifted_at=None)

    def concerning(self, connection: int, tenant: int, apps: Iterable[str]) -> StopQuerySet:
        """Those in force that hold a connection, the widest first."""
        about = NOTHING | Q(app__in=set(apps)) | Q(tenant=tenant) | Q(connection=connection)
        return self.in_force().filter(about).order_by("connection", "tenant", "app", "id")


class Stop(models.Model):
    """A switch of the operators: whatever it is about does not run until it is lifted. About everything where it names
    neither an app, nor a tenant, nor a connection."""

    key = models.CharField(max_length=70, editable=False)
    app = models.CharField(max_length=50, default="", blank=True)
    tenant = models.ForeignKey("connections.Tenant", models.CASCADE, null=True, blank=True, related_name="stops")
    connection = models.ForeignKey(
        "connections.Connection", models.CASCADE, null=True, blank=True, related_name="stops"
    )
    reason = models.CharField(max_length=255, help_text="the people of the tenants concerned read it, too")
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True, editable=False)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    objects = StopQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(tenant=None, connection=None) | Q(app="", connection=None) | Q(app="", tenant=None),
                name="stop_of_one_thing",
                violation_error_message="A stop is about an app, a tenant or a connection, or about everything.",
            ),
            models.UniqueConstraint(
                fields=["key"],
                name="stopped_once",
                condition=Q(lifted_at=None),
                violation_error_message="That is stopped already.",
            ),
        ]

    def save(self, *args: Any, **options: Any) -> None:
        self.key = f"{self.app}:{self.tenant_id or ''}:{self.connection_id or ''}"
        super().save(*args, **options)

    def __str__(self) -> str:
        if self.connection is not None:
            return f"connection {self.connection.tenant}/{self.connection}"
        return f"tenant {self.tenant}" if self.tenant is not None else f"app {self.app}" if self.app else "everything"


def stopped() -> Exists:
    """Of a row of connections: whether a stop holds it."""
    about = (
        NOTHING
        | Q(tenant=OuterRef("tenant"))
        | Q(connection=OuterRef("pk"))
        | Q(app=OuterRef("folder_a__account__app"))
        | Q(app=OuterRef("folder_b__account__app"))
    )
    return Exists(Stop.objects.in_force().filter(about))
