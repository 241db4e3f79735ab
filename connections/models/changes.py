"""Runs, and changes: the plan, the write-ahead log, the history and the source of undo, all four."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from connections.models.folders import Folder, Item
from connections.models.pairs import Pair
from connections.tenancy import TenantOwned


class RunKind(models.TextChoices):
    INITIAL = "initial", gettext_lazy("first run")
    INCREMENTAL = "incremental", gettext_lazy("incremental")
    FULL = "full", gettext_lazy("full")
    UNDO = "undo", gettext_lazy("undo")


class RunState(models.TextChoices):
    RUNNING = "running", gettext_lazy("running")
    DONE = "done", gettext_lazy("done")
    PLANNED = "planned", gettext_lazy("planned, nothing written")
    HELD = "held", gettext_lazy("waiting for approval")
    FAILED = "failed", gettext_lazy("failed")
    AUTH = "auth", gettext_lazy("needs re-authorisation")


class Run(TenantOwned):
    """One pass of the engine over a connection, in one or more slices."""

    connection = models.ForeignKey("connections.Connection", models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=11, choices=RunKind.choices)
    state = models.CharField(max_length=8, choices=RunState.choices, default=RunState.RUNNING)
    preview = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    slices = models.PositiveIntegerField(default=0)
    position = models.BigIntegerField(default=0, editable=False, help_text="the pair up to which the last slice came")
    counters = models.JSONField(default=dict, blank=True)
    done_items = models.PositiveIntegerField(default=0)
    total_items = models.PositiveIntegerField(default=0)
    message = models.TextField(default="", blank=True)
    losses = models.JSONField(default=list, blank=True, help_text="what the other side cannot hold, seen by a preview")
    left = models.JSONField(default=list, blank=True, help_text="changes that an undo leaves alone, with their fields")
    held = models.JSONField(default=dict, blank=True, help_text="kind of change -> why it waits")

    class Meta:
        indexes = [models.Index(fields=["connection", "-id"], name="run_latest")]

    def __str__(self) -> str:
        return f"run {self.pk}"


class ChangeKind(models.TextChoices):
    CREATE = "create", gettext_lazy("create")
    PAIR = "pair", gettext_lazy("pair")
    UPDATE = "update", gettext_lazy("update")
    DELETE = "delete", gettext_lazy("delete")
    MERGE = "merge", gettext_lazy("merge")  # decided and carried out by a person; only kept here


UNDOABLE = (ChangeKind.CREATE.value, ChangeKind.UPDATE.value, ChangeKind.DELETE.value)


class ChangeSort(models.TextChoices):
    """What a change does to the contact; finer than its kind."""

    PAIR = "pair", gettext_lazy("pair")
    CREATE = "create", gettext_lazy("create")
    FILL = "fill", gettext_lazy("fill")
    OVERWRITE = "overwrite", gettext_lazy("overwrite")
    LABEL = "label", gettext_lazy("label")
    DELETE = "delete", gettext_lazy("delete")


class ChangeState(models.TextChoices):
    PROPOSED = "proposed", gettext_lazy("proposed")
    APPROVED = "approved", gettext_lazy("approved")
    SENT = "sent", gettext_lazy("sent")
    DONE = "done", gettext_lazy("done")
    UNKNOWN = "unknown", gettext_lazy("sent, no answer")
    REFUSED = "refused", gettext_lazy("refused")
    STALE = "stale", gettext_lazy("overtaken, decided again")
    SUPERSEDED = "superseded", gettext_lazy("superseded")
    REJECTED = "rejected", gettext_lazy("rejected")


PLANNED = (ChangeState.PROPOSED.value, ChangeState.APPROVED.value, ChangeState.REJECTED.value)
OPEN = (ChangeState.SENT.value, ChangeState.UNKNOWN.value)


class Change(models.Model):
    """One intended write to one record. `patch` is what is written, `before` and `after` what the record showed."""

    tenant = models.ForeignKey("connections.Tenant", models.CASCADE, related_name="+", db_index=False)
    connection = models.ForeignKey("connections.Connection", models.CASCADE, related_name="changes", db_index=False)
    run = models.ForeignKey(Run, models.SET_NULL, null=True, related_name="changes")
    pair = models.ForeignKey(Pair, models.SET_NULL, null=True, related_name="changes")
    kind = models.CharField(max_length=6, choices=ChangeKind.choices)
    sort = models.CharField(max_length=9, choices=ChangeSort.choices, default="", editable=False)
    side = models.CharField(max_length=1, help_text="the side that is written")
    target_folder = models.ForeignKey(Folder, models.CASCADE, related_name="+", db_index=False)
    source_item = models.ForeignKey(Item, models.SET_NULL, null=True, related_name="+", db_index=False)
    target_item = models.ForeignKey(Item, models.SET_NULL, null=True, related_name="+", db_index=False)
    title = models.CharField(max_length=255, default="", blank=True)
    marker = models.CharField(max_length=36, unique=True)
    state = models.CharField(max_length=10, choices=ChangeState.choices)
    patch = models.TextField(default="{}")
    add_labels = models.TextField(default="[]")
    remove_labels = models.TextField(default="[]")
    before = models.TextField(default="{}")
    after = models.TextField(default="{}")
    source = models.TextField(default="{}", help_text="what the source side showed, kept until the answer came")
    cause = models.TextField(default="{}", help_text="rules, mappings, winner and configuration version, as JSON")
    keys = models.TextField(default="[]", help_text="matching keys of a create, as JSON")
    fingerprint = models.CharField(max_length=32, default="")
    fence = models.BigIntegerField(default=0)
    made_at = models.FloatField(default=0)
    sent_at = models.FloatField(default=0)
    done_at = models.FloatField(default=0)
    field = models.CharField(max_length=255, default="", blank=True)
    reason = models.CharField(max_length=500, default="", blank=True)
    for_good = models.BooleanField(default=False, help_text="rejected until a person reverts it")
    undo_of = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="undone_by", db_index=False
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "source_item", "side"],
                condition=models.Q(kind="create", state__in=OPEN),
                name="one_open_create",
            ),
            models.UniqueConstraint(
                fields=["target_item"],
                condition=models.Q(state__in=OPEN, target_item__isnull=False),
                name="one_open_write",
            ),
        ]
        indexes = [
            models.Index(fields=["connection", "state", "id"], name="change_by_state"),
            models.Index(fields=["target_folder"], name="change_open", condition=models.Q(state__in=OPEN)),
            models.Index(fields=["connection", "-id"], name="change_latest"),
            models.Index(
                fields=["run", "sort", "side", "state", "id"],
                name="change_planned",
                condition=models.Q(state__in=PLANNED),
            ),
            models.Index(fields=["undo_of"], name="change_undone", condition=models.Q(undo_of__isnull=False)),
            models.Index(fields=["decided_by"], name="change_decided", condition=models.Q(decided_by__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.title}".strip()

    @property
    def why(self) -> dict[str, Any]:
        return dict(orjson.loads(self.cause))

    @property
    def fields(self) -> list[str]:
        return sorted(orjson.loads(self.patch))
