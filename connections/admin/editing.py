"""Rules and mappings at the desk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse

from connections.admin.base import PairwiseAdmin, address
from connections.editing import mappings, rules
from connections.editing.place import Place
from connections.models import Connection
from connections.services.arranging import Offer, offer

VIEWS: tuple[tuple[str, Callable[[Place], HttpResponseBase], str], ...] = (
    ("mappings", mappings.table_view, "mappings"),
    ("mapping-line", mappings.line_view, "mapping_line"),
    ("rules", rules.list_view, "rules"),
    ("rule", rules.rule_view, "rule"),
    ("rule-choices", rules.choices_view, "rule_choices"),
)


class Desk:
    def __init__(self, owner: PairwiseAdmin[Connection], request: HttpRequest, pk: int) -> None:
        """Raises PermissionDenied."""
        self.owner, self.request = owner, request
        self.connection = owner.row(request, pk)
        if not owner.has_view_permission(request, self.connection):
            raise PermissionDenied
        self.may_act = owner.may_act(request)

    def address(self, page: str) -> str:
        return address(self.connection, page)

    def page(self, template: str, title: str, **context: Any) -> TemplateResponse:
        shared = {"original": self.connection, "may_act": self.may_act}
        return self.owner.page(self.request, template, title, **shared, **context)


def pages(owner: PairwiseAdmin[Connection]) -> Iterator[tuple[str, Callable[..., HttpResponseBase], str]]:
    for route, view, name in VIEWS:
        yield route, partial(_shown, owner, view), name


def _shown(
    owner: PairwiseAdmin[Connection], view: Callable[[Place], HttpResponseBase], request: HttpRequest, pk: int
) -> HttpResponseBase:
    return view(Desk(owner, request, pk))


def offered(request: HttpRequest, connection: Connection) -> Offer:
    """Once per request, however many inlines ask."""
    kept: dict[int, Offer] = request.__dict__.setdefault("_offers", {})
    if connection.pk not in kept:
        kept[connection.pk] = offer(connection)
    return kept[connection.pk]
