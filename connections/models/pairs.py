"""The place of one person in one connection, and people's decisions about who is who."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from connections.models.folders import Item


class Health(models.TextChoices):
    IN_SYNC = "in_sync", gettext_lazy("in sync")
    EXCLUDED = "excluded", gettext_lazy("excluded")
    WAITING = "waiting", gettext_lazy("waiting")
    DUPLICATE = "duplicate", gettext_lazy("duplicate")
    REVIEW = "review", gettext_lazy("needs review")
    FAILED = "failed", gettext_lazy("failed")
    DELETED = "deleted", gettext_lazy("deleted on the other side")


class Pair(models.Model):
    """An item on each side, or only one (a half pair), linked by remote ids alone.

    `base_a` and `base_b` are what each side showed when both last agreed: field key -> value, null for an unset one;
    a key that is absent has no base. `pending` says that the pair must be decided (again), not before `next_at`.
    `refused` remembers, per side, digests of field values that the app would not take; `rounds` our latest writes,
    to notice sides that keep resetting each other.
    """

    connection = models.ForeignKey("connections.Connection", models.CASCADE, related_name="pairs", db_index=False)
    item_a = models.ForeignKey(Item, models.SET_NULL, null=True, blank=True, related_name="pairs_a", db_index=False)
    item_b = models.ForeignKey(Item, models.SET_NULL, null=True, blank=True, related_name="pairs_b", db_index=False)
    health = models.CharField(max_length=9, choices=Health.choices, default=Health.WAITING)
    reason = models.CharField(max_length=500, default="", blank=True)
    title = models.CharField(max_length=255, default="", blank=True)
    base_a = models.TextField(default="{}")
    base_b = models.TextField(default="{}")
    settled_a = models.BigIntegerField(default=0)
    settled_b = models.BigIntegerField(default=0)
    pending = models.BooleanField(default=True)
    next_at = models.FloatField(default=0)
    attempts_a = models.PositiveSmallIntegerField(default=0)
    attempts_b = models.PositiveSmallIntegerField(default=0)
    blocked_a_until = models.FloatField(default=0, help_text="writes to side a rest until then")
    blocked_b_until = models.FloatField(default=0, help_text="writes to side b rest until then")
    cause_a = models.CharField(max_length=500, default="", blank=True)
    cause_b = models.CharField(max_length=500, default="", blank=True)
    refused = models.TextField(default="{}")
    rounds = models.TextField(default="[]")
    warnings = models.TextField(default="[]")
    conflicts = models.TextField(default="[]", help_text="mapping names that wait for a person, as JSON")
    brought_by = models.TextField(default="[]", help_text="ids of the rules that brought the pair in, as JSON")
    undone = models.BooleanField(default=False, help_text="rests after an undo until a person edits a side")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item_a", "connection"], name="pair_a_once"),
            models.UniqueConstraint(fields=["item_b", "connection"], name="pair_b_once"),
        ]
        indexes = [
            models.Index(fields=["connection", "health", "id"], name="pair_by_health"),
            models.Index(fields=["connection", "id"], name="pair_pending", condition=models.Q(pending=True)),
            models.Index(fields=["connection", "title"], name="pair_by_title"),
            models.Index(fields=["connection", "id"], name="pair_with_notes", condition=~models.Q(warnings="[]")),
        ]

    def __str__(self) -> str:
        return self.title or f"pair {self.pk}"

    @property
    def warning_list(self) -> list[Any]:
        return list(orjson.loads(self.warnings))


class Verdict(models.TextChoices):
    SAME = "same", gettext_lazy("the same person")
    APART = "apart", gettext_lazy("two people")
    LATER = "later", gettext_lazy("decide later")
    EXCLUDE = "exclude", gettext_lazy("leave out of this connection")
    CREATE = "create", gettext_lazy("create anyway")


class Decision(models.Model):
    """What a person said about two items, or about one item alone."""

    connection = models.ForeignKey("connections.Connection", models.CASCADE, related_name="decisions")
    item_a = models.ForeignKey(Item, models.CASCADE, null=True, blank=True, related_name="+")
    item_b = models.ForeignKey(Item, models.CASCADE, null=True, blank=True, related_name="+")
    verdict = models.CharField(max_length=7, choices=Verdict.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "item_a", "item_b"], name="decision_once")]

    def __str__(self) -> str:
        return self.get_verdict_display()
