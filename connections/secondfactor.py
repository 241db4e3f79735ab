"""Staff, and members of tenants that want it, reach no page before they have set up a second factor."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from connections.checks import LOCAL
from connections.models import User

WHY = gettext_noop(
    "Set up a second factor first: an app on your phone, or a passkey. Until then only these pages are open to you."
)


class SecondFactorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self._stops(request):
            messages.info(request, gettext(WHY))
            return redirect("mfa_index")
        return self.get_response(request)

    def _stops(self, request: HttpRequest) -> bool:
        user = request.user
        if not isinstance(user, User) or not user.is_authenticated or request.path.startswith(_own_pages()):
            return False
        return needed(user) and not is_mfa_enabled(user)


def needed(user: User) -> bool:
    """The demo on this machine does without: its people are made up and its password stands on the terminal."""
    if settings.DEMO and urlsplit(settings.PUBLIC_URL).hostname in LOCAL:
        return False
    return user.is_staff or user.memberships.filter(tenant__second_factor=True).exists()


def _own_pages() -> tuple[str, ...]:
    """Where one signs in and out, sets up the factor, and reads static files."""
    return reverse("account_login").removesuffix("login/"), settings.STATIC_URL, "/health/"
