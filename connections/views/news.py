"""Where vendors post news: verified, noted and answered; the work is done elsewhere."""

from __future__ import annotations

import logging
import time

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from connections.models import Subscription
from connections.services.hearing import KeysOf, hear, subscription_at
from connectors import registry
from connectors.news import Delivery, Untrusted, Webhooks

log = logging.getLogger(__name__)

LARGEST = 1_048_576  # bytes; a hundred events are far below


@csrf_exempt
@login_not_required
@require_POST
def of_app(request: HttpRequest, app: str) -> HttpResponse:
    """The one address of all accounts of an app."""
    return _receive(request, app, None)


@csrf_exempt
@login_not_required
@require_POST
def of_folder(request: HttpRequest, app: str, address: str) -> HttpResponse:
    """The address that a subscription was given; nobody else knows it."""
    subscription = subscription_at(app, address)
    if subscription is None:
        raise Http404
    return _receive(request, app, subscription)


def _receive(request: HttpRequest, key: str, subscription: Subscription | None) -> HttpResponse:
    app = registry.apps().get(key)
    webhooks: Webhooks | None = app.webhooks if app else None
    if app is None or webhooks is None or webhooks.subscribes is (subscription is None):
        raise Http404
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not length.isdecimal() or int(length) > LARGEST:
        return _plain(413, "larger than anything this address is for")
    delivery = Delivery(
        uri=settings.PUBLIC_URL + request.get_full_path(),
        query=request.GET.dict(),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.body,
        at=time.time(),
    )
    try:
        reply = webhooks.receive(delivery, KeysOf(app, subscription))
    except Untrusted as error:
        log.warning("%s: a delivery of news was not believed: %s", app.name, error)
        return _plain(401, "not believed")
    except ValueError:
        return _plain(400, "not understood")
    hear(app, reply, subscription)
    return _plain(reply.status, reply.text)


def _plain(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
