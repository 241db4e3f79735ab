from __future__ import annotations

from django.db import models


class Lease(models.Model):
    """Who may work on what, until when. `fence` grows with every claim: an old holder is known by its number."""

    key = models.CharField(max_length=100, unique=True)
    owner = models.CharField(max_length=64, default="", blank=True)
    fence = models.BigIntegerField(default=0)
    expires_at = models.FloatField(default=0, help_text="POSIX seconds")
    heartbeat_at = models.FloatField(default=0)

    def __str__(self) -> str:
        return self.key
