from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from connections.checks import LOCAL
from connections.metrics import DatabaseCollector


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus; nobody without the token learns that it is there."""
    if not _may_read(request):
        return HttpResponse(status=404)
    registry = CollectorRegistry()
    registry.register(DatabaseCollector())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


def _may_read(request: HttpRequest) -> bool:
    """Without a token only on an installation that is for its own machine: behind a proxy everybody has its address."""
    if settings.METRICS_TOKEN:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        return kind.lower() == "bearer" and constant_time_compare(given.strip(), settings.METRICS_TOKEN)
    local = urlsplit(settings.PUBLIC_URL).hostname in LOCAL and not settings.TRUSTED_PROXIES
    return local and request.META.get("REMOTE_ADDR") in LOCAL
