from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models


class Deed(models.TextChoices):
    SIGNED_IN = "signed_in", "signed in"
    REFUSED = "refused", "sign-in refused"
    SECURITY = "security", "password or second factor"
    INVITED = "invited", "invited"
    JOINED = "joined", "joined"
    ROLE = "role", "role changed"
    LEFT = "left", "left"
    CONNECTED = "connected", "account connected"
    DISCONNECTED = "disconnected", "account disconnected"
    SHARED = "shared", "account shared or made private"
    LINK = "link", "link made"
    CONFIGURED = "configured", "configuration changed"
    RAN = "ran", "started, paused or resumed"
    STOPPED = "stopped", "stop switch"
    DECIDED = "decided", "plan or contact decided"
    UNDONE = "undone", "taken back"
    ENDED = "ended", "connection deleted or restored"
    OPENED = "opened", "contact opened by staff"
    EXPORTED = "exported", "exported"
    FORGOTTEN = "forgotten", "person forgotten"


class AppendOnly(TypeError):
    """The list of deeds is written once: nothing in it is changed or removed."""


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly


class AuditEntry(models.Model):
    """One deed of one person, or of a command. `who` stays when the person goes; `about` names what it was done to, and
    never a contact or a secret. Rows go with their tenant alone."""

    at = models.DateTimeField(auto_now_add=True)
    tenant = models.ForeignKey("connections.Tenant", models.CASCADE, null=True, related_name="+", db_index=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    who = models.CharField(max_length=254)
    by_staff = models.BooleanField(default=False)
    deed = models.CharField(max_length=20, choices=Deed)
    connection = models.ForeignKey("connections.Connection", models.SET_NULL, null=True, related_name="+")
    about = models.CharField(max_length=255, default="")
    detail = models.CharField(max_length=500, default="")

    objects = AuditQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="audit_of_tenant"),
            models.Index(fields=["deed", "-id"], name="audit_by_deed"),
        ]

    def __str__(self) -> str:
        return f"{self.who}: {self.get_deed_display()} {self.about}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly
