"""Finding a person over all tenants, wherever in the admin one is."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from connections.admin import base
from connections.models import Health, Pair
from connections.services import explaining, finding, looking


def find(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("connections.view_pair"):
        raise PermissionDenied
    asked = request.GET.get("q", "").strip()[: finding.LONGEST]
    found = finding.find_person(asked, lambda rows: base.visible(rows, request))
    if not request.user.has_perm("connections.view_run"):
        found = finding.Found(found.pairs, found.strays, None, found.more)
    return base.page(
        request,
        "find",
        "Find a person",
        asked=asked,
        found=found,
        rows=[_row(pair) for pair in found.pairs],
        most=finding.SHOWN,
    )


def _row(pair: Pair) -> tuple[Pair, str, list[str]]:
    names = looking.side_names(pair.connection)
    last = [explaining.brief(change, names) for change in getattr(pair, "last", ())]
    return pair, explaining.WORDS[Health(pair.health)], last
