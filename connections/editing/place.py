"""Where the rules and the mapping of a connection are edited: at the desk, or on the pages of its tenant."""

from __future__ import annotations

from typing import Any, Protocol

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from connections.models import Connection


class Place(Protocol):
    """`request` of somebody who may look at `connection`; `may_act`: and change it."""

    request: HttpRequest
    connection: Connection
    may_act: bool

    def address(self, page: str) -> str:
        """Of the pages `rules`, `rule`, `rule_choices`, `mappings`, `mapping_line`."""

    def page(self, template: str, title: str, **context: Any) -> TemplateResponse: ...


def say(place: Place, message: str, level: int = messages.SUCCESS) -> None:
    messages.add_message(place.request, level, message)


def back(place: Place, page: str, message: str, level: int = messages.SUCCESS) -> HttpResponse:
    say(place, message, level)
    return HttpResponseRedirect(place.address(page))


def require_acting(place: Place) -> None:
    """Raises PermissionDenied."""
    if not place.may_act:
        raise PermissionDenied
