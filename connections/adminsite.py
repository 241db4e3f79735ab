"""The admin site itself. It lives outside the package `admin`, which can only be imported once the site is there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite, autodiscover
from django.contrib.admin.apps import SimpleAdminConfig
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path


class PairwiseAdminSite(AdminSite):
    site_header = "Pairwise"
    site_title = "Pairwise"
    index_title = "Overview"
    index_template = "admin/pairwise/index.html"
    site_url = None
    enable_nav_sidebar = False

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        desk = {
            "may_find": request.user.has_perm("connections.view_pair"),
            "may_work": request.user.has_perm("connections.view_handling"),
        }
        return {**super().each_context(request), "is_demo": settings.DEMO, **desk}

    def get_urls(self) -> list[Any]:
        desk, worklist = (import_module(f"connections.admin.{name}") for name in ("desk", "worklist"))
        own = [
            path("find/", self.admin_view(desk.find), name="find"),
            path("work/", self.admin_view(worklist.listed), name="work"),
            path("work/handle/", self.admin_view(worklist.handle), name="work-handle"),
        ]
        return [*own, *super().get_urls()]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Where everybody signs in: the admin's own form knows neither a second factor nor limits."""
        from allauth.account.decorators import secure_admin_login  # noqa: PLC0415 - needs models

        answer: HttpResponse = secure_admin_login(super().login)(request, extra_context)
        return answer

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        overviews = import_module("connections.services.overviews")  # models are not there yet when this module is read
        visible = import_module("connections.admin.base").visible
        overview = overviews.overview(lambda rows: visible(rows, request))
        return super().index(request, {"overview": overview, **(extra_context or {})})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Ours first, in the order in which people need them; then what other packages brought along."""
        found: list[Any] = super().get_app_list(request, app_label)
        for app in found:
            if app["app_label"] == "account":
                app["name"] = "Signing in"  # else it would be called as our accounts are
            app["models"].sort(key=lambda model: (_place(model["object_name"]), model["name"]))
        return sorted(found, key=lambda app: app["app_label"] != "connections")


ORDER = [
    "Connection",
    "Template",
    "Account",
    "AppRegistration",
    "Tenant",
    "User",
    "Stop",
    "Run",
    "Change",
    "Pair",
    "Decision",
    "ConfigurationVersion",
    "Notification",
    "OutgoingWebhook",
    "Folder",
    "Item",
    "Label",
    "Lease",
]


def _place(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


class PairwiseAdminConfig(SimpleAdminConfig):
    """Registers no pages by itself: a command starts in half the time when it loads none."""

    default_site = "connections.adminsite.PairwiseAdminSite"


def register_pages() -> None:
    """Once, where the addresses of the pages are made."""
    autodiscover()
    import_module("connections.admin.others").take_over()
