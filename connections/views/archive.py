"""Everything that is held of a tenant, for its owners to take along."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from connections.models import Deed, Membership, Role
from connections.services import archiving, audit, permits
from connections.views.scope import member


@require_http_methods(["GET", "HEAD", "POST"])
@member
def page(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    if membership.role != Role.OWNER:
        raise PermissionDenied
    tenant = membership.tenant
    if request.method != "POST":
        return render(request, "people/archive.html", {"tenant": tenant})
    audit.note(Deed.EXPORTED, tenant, about="everything")
    pieces = archiving.archive(tenant, lambda connection: permits.may_see_contacts(membership, connection))
    answer = StreamingHttpResponse(pieces, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{tenant.slug}.zip"'
    return answer
