"""Pages that show running work: their moving part asks for itself again and again (htmx), the rest does not."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirectBase
from django.utils.cache import patch_vary_headers
from django.utils.html import format_html
from django.utils.safestring import SafeString

EVERY = "2s"
NAMED = 'id="pw-live" aria-live="polite"'
AT_REST = "_pairwise_at_rest"  # what a page leaves on its request once its moving part rests


def moving_part(request: HttpRequest, moves: bool, alone: bool) -> SafeString:
    """The attributes of the element. `alone`: nothing else on the page changes when it comes to rest."""
    if moves:
        asks = 'hx-get="{}" hx-trigger="every {}" hx-select="#pw-live" hx-swap="outerHTML"'
        return format_html(f"{NAMED} {asks}", request.get_full_path(), EVERY)
    setattr(request, AT_REST, not alone)
    return SafeString(NAMED)


class LiveMiddleware:
    """What asks for a moving part is led on as a person would be: to another page, or to the whole page at rest."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        patch_vary_headers(response, ("HX-Request",))
        if "HX-Request" not in request.headers:
            return response
        if isinstance(response, HttpResponseRedirectBase):
            return HttpResponse(headers={"HX-Redirect": response.url})
        if getattr(request, AT_REST, False):
            response["HX-Refresh"] = "true"
        return response
