"""Where a person arrives: staff in the admin, everybody else at the connections of their own organisations."""

from __future__ import annotations

from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from connections.models import Connection, User
from connections.services import permits
from connections.services.status import statuses


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - nobody else comes past the sign-in
    if user.is_staff:
        return redirect("admin:index")
    memberships = list(user.memberships.select_related("tenant").order_by("tenant__name"))
    rows = Connection.objects.none()
    for membership in memberships:
        rows |= permits.connections_for(membership)
    found = statuses(rows)
    by_tenant = {tenant: list(group) for tenant, group in groupby(found, lambda status: status.connection.tenant)}
    places = [(membership, by_tenant.get(membership.tenant, [])) for membership in memberships]
    return render(request, "people/home.html", {"places": places})
