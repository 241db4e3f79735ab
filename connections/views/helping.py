"""The help centre. It holds nothing of anybody's, so everybody may read it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from connections.services import helping
from connectors import registry
from syncrules.defaulttables import between


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("q", "").strip()[:200]
    pages = [helping.page(key) for key in helping.PAGES]
    apps = [registry.app(key) for key in helping.app_keys()]
    hits = [(hit, _address(hit.page.key)) for hit in helping.search(asked)]
    return render(request, "help/index.html", {"pages": pages, "apps": apps, "asked": asked, "hits": hits})


def _address(key: str) -> str:
    return reverse("help-page" if key in helping.PAGES else "help-app", args=[key])


@login_not_required
@require_safe
def page(request: HttpRequest, key: str) -> HttpResponse:
    try:
        context = {"page": helping.page(key), "recordings": helping.recordings("") if key == helping.PAGES[0] else ()}
        return render(request, "help/page.html", context)
    except KeyError:
        raise Http404 from None


@login_not_required
@require_safe
def app(request: HttpRequest, key: str) -> HttpResponse:
    if key not in helping.app_keys():
        raise Http404
    found = registry.app(key)
    partners = [registry.app(other) for other in helping.app_keys() if other != key]
    chosen = next((other for other in partners if other.key == request.GET.get("with")), None)
    context = {
        "page": helping.app_page(found),
        "app": found,
        "facts": helping.facts(found),
        "folders": helping.fields(found),
        "recordings": helping.recordings(key),
        "pictures": helping.pictures(found),
        "partners": partners,
        "chosen": chosen,
        "pairings": between(found, chosen) if chosen else [],
    }
    return render(request, "help/page.html", context)
