"""The one way into a page of a tenant: as a member of it. To everybody else it is not there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from connections.models import Membership, User


def member(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For addresses with the `tenant`'s slug: the view gets the membership in its place."""

    @wraps(view)
    def scoped(request: HttpRequest, tenant: str, **kwargs: Any) -> HttpResponse:
        user = request.user
        rows = Membership.objects.select_related("tenant", "user")
        membership = rows.filter(user=user, tenant__slug=tenant).first() if isinstance(user, User) else None
        if membership is None:
            raise Http404
        return view(request, membership, **kwargs)

    return scoped
