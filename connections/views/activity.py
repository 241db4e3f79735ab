"""What was done in a tenant, and by whom."""

from __future__ import annotations

from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from connections import csvfile
from connections.models import AuditEntry, Connection, Deed, Membership, Role
from connections.services import audit, permits
from connections.views.scope import member

PAGE = 50


@require_safe
@member
def page(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    rows, asked = _wanted(request, membership)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 18:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: PAGE + 1])
    context = {
        "tenant": membership.tenant,
        "entries": found[:PAGE],
        "onward": urlencode({**asked, "before": found[PAGE - 1].pk}) if len(found) > PAGE else "",
        "asked": asked,
        "query": urlencode(asked),
        "deeds": Deed.choices,
        "connections": _connections(membership),
        "is_owner": membership.role == Role.OWNER,
    }
    return render(request, "people/activity.html", context)


@require_safe
@member
def as_csv(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    rows, _ = _wanted(request, membership)
    audit.note(Deed.EXPORTED, membership.tenant, about="the activity")
    return csvfile.download(audit.as_rows(rows.select_related("tenant").iterator(500)), "activity")


def _wanted(request: HttpRequest, membership: Membership) -> tuple[QuerySet[AuditEntry], dict[str, str]]:
    """The rows, and what of the request narrowed them."""
    rows, asked = audit.for_member(membership), {}
    if (deed := request.GET.get("deed", "")) in Deed.values:
        rows, asked["deed"] = rows.filter(deed=deed), deed
    name = request.GET.get("connection", "")
    if name and _connections(membership).filter(name=name).exists():
        rows, asked["connection"] = rows.filter(connection__name=name), name
    return rows, asked


def _connections(membership: Membership) -> QuerySet[Connection]:
    return permits.connections_for(membership).order_by("name")
