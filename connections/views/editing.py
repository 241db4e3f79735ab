"""Rules and mappings on the pages of a tenant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from connections.editing.mappings import line_view, table_view
from connections.editing.place import Place
from connections.editing.rules import choices_view, list_view, rule_view
from connections.models import Connection, Membership
from connections.services import permits
from connections.views.scope import connected

ADDRESSES = {
    "rules": "connection-rules",
    "rule": "connection-rule",
    "rule_choices": "connection-rule-choices",
    "mappings": "connection-mapping",
    "mapping_line": "connection-mapping-line",
}


class OwnPages:
    def __init__(self, request: HttpRequest, membership: Membership, connection: Connection) -> None:
        self.request, self.membership, self.connection = request, membership, connection
        self.may_act = permits.may_run(membership, connection)

    def address(self, page: str) -> str:
        return reverse(ADDRESSES[page], args=[self.membership.tenant.slug, self.connection.pk])

    def page(self, template: str, title: str, **context: Any) -> TemplateResponse:
        shared = {"tenant": self.membership.tenant, "connection": self.connection, "may_act": self.may_act}
        return TemplateResponse(self.request, f"people/{template}.html", {**shared, "title": title, **context})


def _own(view: Callable[[Place], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    @connected()
    def shown(request: HttpRequest, membership: Membership, connection: Connection) -> HttpResponseBase:
        return view(OwnPages(request, membership, connection))

    return shown


rules, rule, mapping, line = map(_own, (list_view, rule_view, table_view, line_view))
choices = require_safe(_own(choices_view))
