from __future__ import annotations

from django.conf import settings
from django.core.validators import URLValidator
from django.db import models
from django.utils import timezone

from connections.tenancy import TenantOwned


class Handling(TenantOwned):
    """Which member of staff sees to a matter of the work list, and until when nobody needs to. The matter itself is not
    stored: it is found anew at each look, and knows its row by `key`, for example ``held:run:7``."""

    key = models.CharField(max_length=60, unique=True, editable=False)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="handlings"
    )
    note = models.TextField(max_length=2000, default="", blank=True, help_text="for colleagues; nothing of a contact")
    ticket = models.CharField(
        "link to the ticket",
        max_length=500,
        default="",
        blank=True,
        validators=[URLValidator(schemes=["http", "https"])],
    )
    snoozed_until = models.DateField("not before", null=True, blank=True, help_text="out of the list until that day")
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    def __str__(self) -> str:
        return self.key
