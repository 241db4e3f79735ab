"""For load balancers and monitoring: alive at all, ready to serve, working off the queue."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from connections import canary


@login_not_required
@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"ok": True})


@login_not_required
@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    try:
        executor = MigrationExecutor(connection)
        migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        cache.get("health")
    except (DatabaseError, RedisError):
        return JsonResponse({"ok": False, "why": "database or cache does not answer"}, status=503)
    if not migrated:
        return JsonResponse({"ok": False, "why": "migrations are missing"}, status=503)
    return JsonResponse({"ok": True})


@login_not_required
@never_cache
@require_safe
def queue(request: HttpRequest) -> JsonResponse:
    age = canary.age()
    ok = age is not None and age <= 2 * settings.SUPERVISE_STALL
    return JsonResponse({"ok": ok, "canary_seconds": None if age is None else round(age, 1)}, status=200 if ok else 503)
