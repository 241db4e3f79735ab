"""The switch at the foot of each page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from connections import languages
from connections.models import User


@login_not_required
@require_POST
def choose(request: HttpRequest) -> HttpResponseBase:
    """Of who is signed in the choice is kept for all browsers, and for mails."""
    if isinstance(request.user, User):
        languages.choose(request.user, request.POST.get("language", ""))
    return set_language(request)
