"""What vendors tell us: the news that we ordered, and the records that were named in it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from connections.models.folders import Folder
from connections.tenancy import TenantOwned


class Subscription(TenantOwned):
    """News of one folder, ordered from the vendor. Its address and what proves a delivery are known by hashes alone."""

    folder = models.OneToOneField(Folder, models.CASCADE, related_name="subscription")
    address_hash = models.CharField(max_length=64, unique=True)
    state_hash = models.CharField(max_length=64)
    public_url = models.CharField(max_length=500, help_text="where this installation was when it was ordered")
    remote_id = models.CharField(max_length=255, default="", blank=True, help_text="empty: not confirmed by the vendor")
    expires_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(default=timezone.now, help_text="when it is to be ordered or renewed")
    reason = models.CharField(max_length=500, default="", blank=True, help_text="why there is none")
    heard_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"news of {self.folder}"


class ToldRecord(models.Model):
    """A record that changed, as a vendor told us: to be read by its id."""

    id = models.BigAutoField(primary_key=True)
    folder = models.ForeignKey(Folder, models.CASCADE, related_name="+", db_index=False)
    remote_id = models.CharField(max_length=1000)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["folder", "remote_id"], name="told_once")]

    def __str__(self) -> str:
        return self.remote_id
