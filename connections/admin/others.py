"""Pages that other packages brought along: those that show secrets go, the queue's are for superusers only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

SHOW_SECRETS = frozenset(
    {
        "mfa.authenticator",  # seeds of second factors
        "socialaccount.socialaccount",  # who is who at the sign-in of an organisation
        "socialaccount.socialapp",  # its secret, which stands in the settings
        "socialaccount.socialtoken",
        "usersessions.usersession",  # session keys
        "social_django.usersocialauth",  # tokens; our accounts do not live there
        "social_django.nonce",
        "social_django.association",
    }
)


class SuperusersOnly:
    """In front of a package's own ModelAdmin."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)


def is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


def take_over() -> None:
    """After all packages have registered their pages."""
    for model, page in list(admin.site._registry.items()):
        if model._meta.label_lower in SHOW_SECRETS:
            admin.site.unregister(model)
        elif model._meta.app_label == "django_q":
            kind = type(page)
            admin.site.unregister(model)
            admin.site.register(model, type(kind.__name__, (SuperusersOnly, kind), {"show_full_result_count": False}))
