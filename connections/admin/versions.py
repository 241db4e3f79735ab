from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from connections.admin.base import ConnectionFilter, EngineOwned, PairwiseAdmin, link
from connections.models import ConfigurationVersion, Template
from connections.services.configuration import versions
from connections.services.setting_up import CannotSetUp
from connectors.base import ConnectorError


@admin.register(ConfigurationVersion)
class ConfigurationVersionAdmin(EngineOwned[ConfigurationVersion]):
    list_display = ("__str__", "made_at", "made_by", "note")
    list_filter = (ConnectionFilter,)
    list_select_related = ("connection",)
    ordering = ("-id",)
    fields = readonly_fields = ("connection_link", "made_at", "made_by", "note")
    change_form_template = "admin/pairwise/version.html"
    show_full_result_count = False

    @admin.display(description="connection")
    def connection_link(self, version: ConfigurationVersion) -> str:
        return link(version.connection)

    def has_delete_permission(self, request: HttpRequest, obj: ConfigurationVersion | None = None) -> bool:
        return False

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponse], str]]:
        return (("go-back", self.go_back_view, "go_back"),)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        context: dict[str, Any] = dict(extra_context or {})
        if version is not None:
            context["step"] = versions.step(version)
            context["back"] = [entry.line() for entry in versions.differences(version)]
            context["may_change"] = self._may_change(request)
        return super().change_view(request, object_id, form_url, context)

    def go_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        version = self.row(request, pk)
        if request.method != "POST" or not self._may_change(request):
            raise PermissionDenied
        try:
            versions.go_back(version)
        except (CannotSetUp, ConnectorError) as error:
            return self.back(request, version, f"Nothing is changed: {error}", messages.ERROR)
        told = f"The connection is configured as in version {version.number} again; all contacts are looked at anew."
        self.message_user(request, told)
        return self.back(request, version.connection)

    @staticmethod
    def _may_change(request: HttpRequest) -> bool:
        return bool(request.user.has_perm("connections.change_connection"))


@admin.register(Template)
class TemplateAdmin(PairwiseAdmin[Template]):
    """Made on a connection's page; here they are looked at, renamed and thrown away."""

    list_display = ("name", "app_a", "app_b", "tenant", "made_by", "made_at")
    list_select_related = ("tenant",)
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "tenant", "app_a", "app_b", "made_by", "made_at")
    readonly_fields = ("tenant", "app_a", "app_b", "made_by", "made_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
