"""A connection: two folders that are kept the same, and how."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from connections.tenancy import TenantOwned, TenantQuerySet

_Connections = models.Manager.from_queryset(TenantQuerySet)


class DirectionChoice(models.TextChoices):
    BOTH = "both", "both ways"
    A_TO_B = "a_to_b", "A to B"
    B_TO_A = "b_to_a", "B to A"


class SideChoice(models.TextChoices):
    A = "a", "A"
    B = "b", "B"


class ConflictPolicy(models.TextChoices):
    WINNER = "winner", "the winner's value"
    NEWEST = "newest", "the newest value, else the winner's"
    ASK = "ask", "ask a person"


class DeletionPolicy(models.TextChoices):
    KEEP = "keep", "keep the other contact"
    DELETE = "delete", "delete the other contact too"
    LABEL = "label", "put a label on the other contact"


class LivingConnections(_Connections["Connection"]):
    """Without those that were deleted and can still be restored."""

    def get_queryset(self) -> TenantQuerySet[Connection]:
        return TenantQuerySet(self.model, using=self._db).filter(deleted_at=None)


class Connection(TenantOwned):
    name = models.SlugField(max_length=100)
    folder_a = models.ForeignKey("connections.Folder", models.PROTECT, related_name="connections_a")
    folder_b = models.ForeignKey("connections.Folder", models.PROTECT, related_name="connections_b")
    direction = models.CharField(max_length=6, choices=DirectionChoice.choices, default=DirectionChoice.BOTH)
    winner = models.CharField(max_length=1, choices=SideChoice.choices, default=SideChoice.A)
    conflicts = models.CharField(max_length=6, choices=ConflictPolicy.choices, default=ConflictPolicy.WINNER)
    delete_beats_update = models.BooleanField(default=False)
    restore_target = models.BooleanField(default=False, help_text="one-way: put back edits made on the target")
    deletions_a_to_b = models.CharField(max_length=6, choices=DeletionPolicy.choices, default=DeletionPolicy.KEEP)
    deletions_b_to_a = models.CharField(max_length=6, choices=DeletionPolicy.choices, default=DeletionPolicy.KEEP)
    deletion_label_a_to_b = models.CharField(max_length=255, default="", blank=True)
    deletion_label_b_to_a = models.CharField(max_length=255, default="", blank=True)
    interval = models.PositiveIntegerField(default=300, help_text="seconds between two looks at the apps")
    enabled = models.BooleanField(default=True)
    paused_reason = models.CharField(max_length=255, default="", blank=True)
    look_only = models.BooleanField(default=False, help_text="observe, match and plan, but never write")
    approve_first_run = models.BooleanField(default=False)
    approve_above = models.PositiveIntegerField(
        default=20, help_text="changes that a new configuration may make without waiting for approval"
    )
    avoid_duplicates = models.BooleanField(default=True, help_text="never create a contact that has none of the keys")
    match_keys = models.JSONField(default=list, blank=True, help_text="email, phone+name, name+company")
    guard_deletes_share = models.PositiveSmallIntegerField(default=10, help_text="percent of the larger side")
    guard_deletes_least = models.PositiveIntegerField(default=20)
    guard_blanks_share = models.PositiveSmallIntegerField(default=10, help_text="percent of the larger side")
    guard_blanks_least = models.PositiveIntegerField(default=20)
    guard_creates_share = models.PositiveSmallIntegerField(default=100, help_text="percent of the larger side")
    guard_creates_least = models.PositiveIntegerField(default=500)
    default_mappings = models.BooleanField(default=True, help_text="map what means the same on both sides")
    applied = models.JSONField(default=dict, blank=True, editable=False, help_text="entries of the file applied last")
    config_version = models.PositiveIntegerField(default=1, editable=False)
    live_version = models.PositiveIntegerField(
        default=1, editable=False, help_text="the configuration up to which what it changes is written"
    )
    held_version = models.PositiveIntegerField(
        default=0, editable=False, help_text="the configuration whose changes wait for approval"
    )
    lines = models.JSONField(
        default=dict, blank=True, editable=False, help_text="mapping lines at work, and whether each is still new"
    )
    worked_version = models.PositiveIntegerField(default=0, editable=False)
    worked_a = models.BigIntegerField(default=0, editable=False)
    worked_b = models.BigIntegerField(default=0, editable=False)
    first_run_done = models.BooleanField(default=False, editable=False)
    due_at = models.DateTimeField(null=True, blank=True, db_index=True, editable=False)
    queued_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_ok_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    removing_markers = models.BooleanField(default=False, editable=False)
    markers_note = models.TextField(
        "markers", default="", blank=True, editable=False, help_text="what became of our markers in the apps"
    )

    mappings: Any  # managers of models in a room below
    rules: Any

    objects: ClassVar[LivingConnections] = LivingConnections()
    every = TenantQuerySet.as_manager()

    class Meta:
        default_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="connection_name_once",
                condition=models.Q(deleted_at=None),
                violation_error_message="The tenant has a connection of this name already.",
            ),
            models.UniqueConstraint(
                fields=["folder_a", "folder_b"],
                name="connection_folders_once",
                condition=models.Q(deleted_at=None),
                violation_error_message="These two folders are connected already.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        if self.folder_a_id and self.folder_a_id == self.folder_b_id:
            raise ValidationError("Both sides are the same folder; choose two different ones.")
        for side, policy, label in (
            ("A", self.deletions_a_to_b, self.deletion_label_a_to_b),
            ("B", self.deletions_b_to_a, self.deletion_label_b_to_a),
        ):
            if policy == DeletionPolicy.LABEL and not label:
                raise ValidationError(f"Say which label marks a contact that was deleted on side {side}.")


class DeletedConnection(Connection):
    """A connection that was deleted: it does nothing, and can be restored for a while."""

    objects = TenantQuerySet.as_manager()  # type: ignore[assignment,misc]

    class Meta:
        proxy = True
        default_manager_name = "objects"
