"""What we have observed: folders, the items in them, and the labels of accounts.

Times of the engine are POSIX seconds (floats), values and labels are JSON text: these rows are written by the
thousand, and a plain column is read and written by every database without conversion.
"""

from __future__ import annotations

from typing import Any

import orjson
from django.db import models
from django.utils.translation import gettext_lazy

from connections.tenancy import TenantOwned


class Folder(TenantOwned):
    """A container on an account. It owns the cursor and the items, so that it is polled once for all connections.

    `seq` counts the real changes of its items in commit order; each connection remembers how far it has worked.
    """

    account = models.ForeignKey("connections.Account", models.CASCADE, related_name="folders")
    remote_id = models.CharField(max_length=1000)
    name = models.CharField(max_length=255)
    path = models.CharField(max_length=1000)
    read_only = models.BooleanField(default=False)
    fields = models.TextField(default="[]", help_text="field keys that the items hold, as JSON")
    catalogue = models.TextField(default="[]", help_text="the app's field catalogue as last seen, as JSON")
    listed_labels = models.TextField(
        default="", blank=True, help_text="ids of the labels that the app listed last, as JSON; empty: not asked yet"
    )
    labels_asked_at = models.FloatField(default=0, help_text="when the app was asked for its labels for a rule")
    cursor = models.TextField(default="", blank=True)
    listing = models.BooleanField(default=False, help_text="a full listing is under way")
    listing_started_at = models.FloatField(default=0)
    listed_at = models.FloatField(default=0, help_text="start of the last completed full listing")
    observed_at = models.FloatField(default=0)
    seq = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "remote_id"], name="folder_once_per_account")]

    def __str__(self) -> str:
        return self.path or self.name


class Departed(models.TextChoices):
    NO = "", "here"
    DELETED = "deleted", gettext_lazy("deleted")
    LEFT = "left", gettext_lazy("moved away")
    UNKNOWN = "unknown", gettext_lazy("gone")


class Item(models.Model):
    """Our mirror of one record. `former` holds, for a while after our own write, what was there before it."""

    folder = models.ForeignKey(Folder, models.CASCADE, related_name="items", db_index=False)
    remote_id = models.CharField(max_length=1000)
    version = models.CharField(max_length=500, default="", blank=True)
    order = models.BigIntegerField(null=True, blank=True)
    values = models.TextField(default="{}")
    labels = models.TextField(default="[]")
    hash = models.CharField(max_length=32, default="")
    uid = models.CharField(max_length=500, default="", blank=True)
    marker = models.CharField(max_length=64, default="", blank=True)
    title = models.CharField(max_length=255, default="", blank=True, help_text="the contact's name, for people")
    name_key = models.CharField(max_length=255, default="", blank=True)
    body = models.TextField(default="", blank=True)
    problem = models.CharField(max_length=500, default="", blank=True)
    evidence = models.TextField(default="{}")
    modified = models.FloatField(null=True, blank=True)
    seq = models.BigIntegerField(default=0)
    first_seen_at = models.FloatField(default=0)
    observed_at = models.FloatField(default=0)
    departed = models.CharField(max_length=8, choices=Departed.choices, default="", blank=True)
    successor = models.CharField(
        max_length=1000, default="", blank=True, help_text="the remote id under which a departed contact goes on"
    )
    written_at = models.FloatField(default=0)
    former = models.TextField(default="", blank=True)
    recheck_at = models.FloatField(null=True, blank=True)
    origin = models.BigIntegerField(null=True, blank=True, help_text="the item that it is a copy of, or a copy's copy")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["remote_id", "folder"], name="item_once_per_folder")]
        indexes = [
            models.Index(fields=["folder", "seq"], name="item_by_seq"),
            models.Index(fields=["folder", "uid"], name="item_by_uid", condition=~models.Q(uid="")),
            models.Index(
                fields=["folder", "recheck_at"], name="item_recheck", condition=models.Q(recheck_at__isnull=False)
            ),
            models.Index(fields=["origin", "folder"], name="item_copies", condition=models.Q(origin__isnull=False)),
            models.Index(fields=["folder", "successor"], name="item_successor", condition=~models.Q(successor="")),
            models.Index(fields=["name_key"], name="item_by_name", opclasses=["varchar_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return self.title or self.remote_id

    @property
    def record(self) -> dict[str, Any]:
        return dict(orjson.loads(self.values))


class ItemKey(models.Model):
    """One normalised matching key of an item, such as ``e:anna@example.com``."""

    id = models.BigAutoField(primary_key=True)
    folder = models.ForeignKey(Folder, models.CASCADE, related_name="+", db_index=False)
    item = models.ForeignKey(Item, models.CASCADE, related_name="keys")
    value = models.CharField(max_length=500)

    class Meta:
        indexes = [
            models.Index(
                fields=["folder", "value"], name="itemkey_lookup", opclasses=["int8_ops", "varchar_pattern_ops"]
            )
        ]

    def __str__(self) -> str:
        return self.value


class DroppedKey(models.Model):
    """A matching key that an item lost with its change `seq`: whoever was compared by it may be clear now."""

    id = models.BigAutoField(primary_key=True)
    folder = models.ForeignKey(Folder, models.CASCADE, related_name="+", db_index=False)
    value = models.CharField(max_length=500)
    seq = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["folder", "seq"], name="droppedkey_by_seq")]

    def __str__(self) -> str:
        return self.value


class Seen(models.Model):
    """An id named by the full listing that is under way; what it never names has departed when it is complete."""

    id = models.BigAutoField(primary_key=True)
    folder = models.ForeignKey(Folder, models.CASCADE, related_name="+", db_index=False)
    remote_id = models.CharField(max_length=1000)

    class Meta:
        indexes = [models.Index(fields=["folder", "remote_id"], name="seen_lookup")]

    def __str__(self) -> str:
        return self.remote_id


class Label(TenantOwned):
    """A category, list, group or tag of an account, as last seen."""

    account = models.ForeignKey("connections.Account", models.CASCADE, related_name="labels")
    folder = models.ForeignKey(Folder, models.CASCADE, null=True, blank=True, related_name="label_rows")
    remote_id = models.CharField(max_length=500)
    name = models.CharField(max_length=255)
    kind = models.CharField(max_length=20)
    read_only = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "folder", "remote_id"], name="label_once")]

    def __str__(self) -> str:
        return self.name
