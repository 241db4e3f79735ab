"""What people and webhooks were told, or could not be told, and the webhooks of tenants. Tenants manage both."""

from __future__ import annotations

from django.contrib import admin

from connections.admin.base import EngineOwned
from connections.models import Notification, OutgoingWebhook


@admin.register(Notification)
class NotificationAdmin(EngineOwned[Notification]):
    list_display = ("day", "tenant", "recipient", "cause", "state", "attempts", "error")
    list_filter = ("state", "cause", "day")
    list_select_related = ("tenant", "user", "webhook__tenant")
    ordering = ("-id",)
    show_full_result_count = False
    fields = readonly_fields = (
        *("tenant", "recipient", "cause", "key", "day", "facts"),
        *("state", "created_at", "next_at", "sent_at", "over_at", "attempts", "error"),
    )


@admin.register(OutgoingWebhook)
class OutgoingWebhookAdmin(EngineOwned[OutgoingWebhook]):
    list_display = ("__str__", "enabled", "last_at", "last_ok", "last_result")
    list_filter = ("enabled", "last_ok")
    list_select_related = ("tenant",)
    ordering = ("tenant", "id")
    fields = readonly_fields = (
        *("tenant", "host", "causes", "enabled", "made_by", "made_at"),
        *("last_at", "last_ok", "last_result"),
    )

    @admin.display(description="server")
    def host(self, hook: OutgoingWebhook) -> str:
        """Without its path, which is often a secret of the receiver."""
        return hook.host
