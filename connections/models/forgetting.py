"""People who asked to be forgotten: what is left of them are hashes that only we can make again."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from connections.tenancy import TenantOwned


class Forgetting(TenantOwned):
    """One person who is, or is being, forgotten. `items` names the records until they are erased, and is empty then."""

    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    done_at = models.DateTimeField(null=True, blank=True)
    items = models.JSONField(default=list, blank=True)
    message = models.TextField(default="", blank=True)

    def __str__(self) -> str:
        return f"a person forgotten on {self.asked_at:%Y-%m-%d}"


class ForgottenKey(TenantOwned):
    """A keyed hash of something by which the person was known, such as an email address."""

    forgetting = models.ForeignKey(Forgetting, models.CASCADE, related_name="keys")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="forgotten_once")]

    def __str__(self) -> str:
        return self.digest[:8]
