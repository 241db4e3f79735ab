"""The list of deeds. Nothing in it can be changed; who may see a tenant sees its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path, reverse

from connections import csvfile
from connections.admin.base import BigTable, ConnectionFilter, visible
from connections.models import AuditEntry, Deed, Tenant
from connections.services import audit


class TenantFilter(admin.SimpleListFilter):
    title = "tenant"
    parameter_name = "tenant"
    shown = 50

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = visible(Tenant.objects.order_by("name"), request).values_list("id", "name")
        return [(str(pk), name) for pk, name in rows[: self.shown]]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(tenant=int(value)) if value.isdecimal() and len(value) < 18 else queryset.none()


@admin.register(AuditEntry)
class AuditAdmin(BigTable[AuditEntry]):
    list_display = ("at", "who", "by_staff", "deed", "tenant", "connection", "about", "detail")
    list_filter = ("deed", "by_staff", ("at", admin.DateFieldListFilter), TenantFilter, ConnectionFilter)
    search_fields = ("who", "about", "detail")
    search_help_text = "a name or address, an account, a connection"
    list_select_related = ("tenant", "connection")
    fields = readonly_fields = ("at", "who", "by_staff", "deed", "tenant", "connection", "about", "detail")
    ordering = ("-id",)
    change_list_template = "admin/pairwise/audit.html"

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view: Callable[..., HttpResponseBase] = self.admin_site.admin_view(self.csv_view)
        return [path("csv/", view, name="audit_csv"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        asked = request.GET.urlencode()
        link = f"{reverse('admin:audit_csv')}{'?' if asked else ''}{asked}"
        return super().changelist_view(request, {**(extra_context or {}), "csv_url": link})

    def csv_view(self, request: HttpRequest) -> HttpResponseBase:
        """What the list shows, all of it."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        rows: Iterable[AuditEntry] = self.get_changelist_instance(request).get_queryset(request).iterator(500)
        audit.note(Deed.EXPORTED, about="the list of deeds")
        return csvfile.download(audit.as_rows(rows), "deeds")
