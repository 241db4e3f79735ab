from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy


class Deed(models.TextChoices):
    SIGNED_IN = "signed_in", gettext_lazy("signed in")
    REFUSED = "refused", gettext_lazy("sign-in refused")
    SECURITY = "security", gettext_lazy("password or second factor")
    INVITED = "invited", gettext_lazy("invited")
    JOINED = "joined", gettext_lazy("joined")
    ROLE = "role", gettext_lazy("role changed")
    LEFT = "left", gettext_lazy("left")
    CONNECTED = "connected", gettext_lazy("account connected")
    DISCONNECTED = "disconnected", gettext_lazy("account disconnected")
    SHARED = "shared", gettext_lazy("account shared or made private")
    LINK = "link", gettext_lazy("link made")
    CONFIGURED = "configured", gettext_lazy("configuration changed")
    RAN = "ran", gettext_lazy("started, paused or resumed")
    STOPPED = "stopped", gettext_lazy("stop switch")
    DECIDED = "decided", gettext_lazy("plan or contact decided")
    UNDONE = "undone", gettext_lazy("taken back")
    ENDED = "ended", gettext_lazy("connection deleted or restored")
    OPENED = "opened", gettext_lazy("contact opened by staff")
    EXPORTED = "exported", gettext_lazy("exported")
    FORGOTTEN = "forgotten", gettext_lazy("person forgotten")


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
