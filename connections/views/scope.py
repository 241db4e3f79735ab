"""The one way into a page of a tenant: as a member of it. To everybody else it is not there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from connections.models import Connection, Membership, User
from connections.services import looking, permits


def member(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For addresses with the `tenant`'s slug: the view gets the membership in its place."""

    @wraps(view)
    def scoped(request: HttpRequest, tenant: str, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        rows = Membership.objects.select_related("tenant", "user")
        membership = rows.filter(user=user, tenant__slug=tenant).first() if isinstance(user, User) else None
        if membership is None:
            raise Http404
        return view(request, membership, **kwargs)

    return scoped


def connected(
    contacts: bool = True, acts: bool = False
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """For addresses with a tenant and the id of a `connection`: the view gets the row, with its state, in the id's
    place. `contacts`: the page shows contacts, so it is closed to owners where a private account is another's; `acts`:
    it changes something, so who may only look is refused."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @member
        @wraps(view)
        def opened(request: HttpRequest, membership: Membership, connection: int, **kwargs: Any) -> HttpResponseBase:
            rows = permits.connections_for(membership).select_related(
                "tenant", "folder_a__account", "folder_b__account"
            )
            row = looking.with_state(rows.defer("folder_a__account__secrets", "folder_b__account__secrets"))
            found: Connection | None = row.filter(pk=connection).first()
            if found is None:
                raise Http404
            changes = acts or request.method == "POST"
            if changes and not permits.may_run(membership, found):
                raise PermissionDenied
            if contacts and not permits.may_see_contacts(membership, found):
                context = {"tenant": membership.tenant, "connection": found}
                return render(request, "people/private.html", context, status=403)
            return view(request, membership, found, **kwargs)

        return opened

    return decorate
