"""What people are told without looking: who wants what, what was told to whom, and addresses that are told as well."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from connections.encryption import EncryptedField
from connections.tenancy import TenantOwned


class Cause(models.TextChoices):
    ACCOUNT = "account", gettext_lazy("an account of yours needs to be connected again")
    COLLEAGUE = "colleague", gettext_lazy("an account of a colleague needs to be connected again, and you may do it")
    HELD = "held", gettext_lazy("a run was held back and waits for approval")
    PLAN = "plan", gettext_lazy("a plan waits for a decision")
    FAILURES = "failures", gettext_lazy("many contacts of a connection failed")
    DIGEST = "digest", gettext_lazy("a weekly digest of how the connections are doing")


class NotificationChoice(TenantOwned):
    """What a person said about one cause; where there is no row the role decides."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notification_choices")
    cause = models.CharField(max_length=10, choices=Cause.choices)
    on = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "tenant", "cause"], name="choice_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_cause_display()}, {'on' if self.on else 'off'}"


def every_cause() -> list[str]:
    return [cause.value for cause in Cause if cause is not Cause.COLLEAGUE]


class OutgoingWebhook(TenantOwned):
    """An address of the tenant's own that is told as well. `secrets`: `secret` signs what is sent to it."""

    url = models.CharField("address", max_length=500)
    secrets = EncryptedField(default=dict, blank=True)
    causes = models.JSONField(default=every_cause, blank=True)
    enabled = models.BooleanField(default=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    last_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_ok = models.BooleanField(default=False, editable=False)
    last_result = models.CharField(max_length=255, default="", blank=True, editable=False)

    class Meta:
        verbose_name = "outgoing webhook"

    def __str__(self) -> str:
        return f"{self.host} of {self.tenant}"

    @property
    def host(self) -> str:
        """Its name alone: a path is often a secret of the receiver."""
        return urlsplit(self.url).hostname or ""


class NotificationState(models.TextChoices):
    WAITING = "waiting", "waiting"
    SENT = "sent", "sent"
    FAILED = "failed", "failed"
    UNNEEDED = "unneeded", "not sent, as its cause had ended or nobody wanted it any more"


class Notification(TenantOwned):
    """Something that one person, or one webhook, is told: once a day at most for one cause about one thing.

    `key`: what it is about, for example `connection:7`; `facts`: counts and names of our own things, never anything of
    a contact. `over_at` is when the cause ended; the next time it comes it is told anew.
    """

    uuid = models.UUIDField(default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="notifications"
    )
    webhook = models.ForeignKey(OutgoingWebhook, models.CASCADE, null=True, blank=True, related_name="notifications")
    cause = models.CharField(max_length=10, choices=Cause.choices)
    key = models.CharField(max_length=40)
    day = models.DateField(help_text="in the time zone of the installation")
    facts = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=8, choices=NotificationState.choices, default=NotificationState.WAITING)
    created_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(default=timezone.now, help_text="when it is tried")
    begun_at = models.DateTimeField(null=True, blank=True, help_text="since when a worker sends it")
    sent_at = models.DateTimeField(null=True, blank=True)
    over_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=255, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "tenant", "cause", "key", "day"],
                name="person_told_once_a_day",
                condition=Q(webhook=None),
            ),
            models.UniqueConstraint(
                fields=["webhook", "cause", "key", "day"], name="webhook_told_once_a_day", condition=Q(user=None)
            ),
            models.CheckConstraint(
                condition=Q(user=None, webhook__isnull=False) | Q(user__isnull=False, webhook=None),
                name="told_to_one",
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], name="notification_due", condition=Q(state="waiting")),
            models.Index(fields=["tenant", "cause"], name="notification_lasting", condition=Q(over_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.get_cause_display()}, {self.day}"

    @property
    def recipient(self) -> Any:
        return self.user or self.webhook
