"""What was observed: folders, items and labels; and leases, which say who is at work. All to look at only."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from connections.admin import base
from connections.admin.base import BigTable, EngineOwned, link
from connections.models import Folder, Item, Label, Lease
from connections.services import finding, looking


@admin.register(Folder)
class FolderAdmin(EngineOwned[Folder]):
    list_display = ("path", "account_link", "tenant", "read_only", "listing", "listed", "observed")
    list_filter = ("read_only", "listing")
    list_select_related = ("account", "tenant")
    search_fields = ("path", "account__name")
    show_full_result_count = False
    ordering = ("-id",)
    fields: ClassVar[Any] = ("path", "account_link", "tenant", "read_only", "listing", "listed", "observed", "seq")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Folder]:
        return super().get_queryset(request).defer("catalogue", "cursor", "fields", "account__secrets")

    @admin.display(description="account")
    def account_link(self, folder: Folder) -> SafeString | str:
        return link(folder.account)

    @admin.display(description="last full listing")
    def listed(self, folder: Folder) -> Any:
        return looking.moment(folder.listed_at)

    @admin.display(description="last observed")
    def observed(self, folder: Folder) -> Any:
        return looking.moment(folder.observed_at)


class FolderFilter(admin.SimpleListFilter):
    title = "folder"
    parameter_name = "folder"
    shown = 30

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        folders = base.visible(Folder.objects.order_by("path"), request)
        rows = folders.values_list("id", "account__name", "path")
        found = {str(pk): f"{account}: {path}" for pk, account, path in rows[: self.shown]}
        chosen = self.value()
        if chosen and chosen.isdigit() and chosen not in found:
            found |= {str(pk): f"{account}: {path}" for pk, account, path in rows.filter(pk=chosen)}
        return list(found.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(folder_id=int(value)) if value.isdigit() else queryset.none()


@admin.register(Item)
class ItemAdmin(BigTable[Item]):
    list_display = ("name", "folder_link", "departed", "problem", "observed")
    list_filter = (FolderFilter,)
    list_select_related = ("folder__account",)
    list_columns = ("title", "departed", "problem", "observed_at", "folder__path", "folder__account__name")
    search_fields = ("title",)
    search_help_text = "a whole email address, or the app's own id of the contact"
    ordering = ("-id",)
    change_form_template = "admin/pairwise/item.html"
    fields: ClassVar[Any] = ("name", "folder_link", "remote_id", "version", "departed", "problem", "observed", "seq")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Item]:
        return super().get_queryset(request).defer("body", "former", "evidence", "values", "labels")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return (finding.find_items(queryset, search_term) if search_term else queryset), False

    @admin.display(description="contact")
    def name(self, item: Item) -> str:
        return item.title or "without a name"

    @admin.display(description="folder")
    def folder_link(self, item: Item) -> SafeString | str:
        return link(item.folder, f"{item.folder.account}: {item.folder}")

    @admin.display(description="last observed")
    def observed(self, item: Item) -> Any:
        return looking.moment(item.observed_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        item = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if item is not None:
            context |= {"story": looking.item_story(item)}
        return super().change_view(request, object_id, form_url, context)


@admin.register(Label)
class LabelAdmin(EngineOwned[Label]):
    list_display = ("name", "kind", "account", "tenant", "read_only")
    list_filter = ("kind",)
    list_select_related = ("account", "tenant")
    search_fields = ("name", "account__name")
    show_full_result_count = False
    ordering = ("name", "id")
    fields: ClassVar[Any] = ("name", "kind", "account", "tenant", "read_only")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Label]:
        return super().get_queryset(request).defer("account__secrets")


@admin.register(Lease)
class LeaseAdmin(EngineOwned[Lease]):
    list_display = ("key", "owner", "fence", "expires", "heartbeat")
    search_fields = ("key",)
    show_full_result_count = False
    ordering = ("-id",)
    fields: ClassVar[Any] = ("key", "owner", "fence", "expires", "heartbeat")

    @admin.display(description="runs out at")
    def expires(self, lease: Lease) -> Any:
        return looking.moment(lease.expires_at)

    @admin.display(description="last sign of life")
    def heartbeat(self, lease: Lease) -> Any:
        return looking.moment(lease.heartbeat_at)
