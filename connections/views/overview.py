"""Where a tenant's members see how its connections are doing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from connections.models import AccountState, Membership
from connections.services import drafting, permits
from connections.services.status import statuses
from connections.views.scope import member


@require_safe
@member
def tenant(request: HttpRequest, membership: Membership) -> HttpResponse:
    found = statuses(permits.connections_for(membership))
    accounts = permits.accounts_for(membership).defer("secrets").exclude(state=AccountState.ACTIVE).order_by("name")
    drafts = list(drafting.drafts_of(membership).order_by("-changed_at")[:10]) if permits.may_add(membership) else []
    begun = {pk for draft in drafts for pk in draft.connections}
    context = {
        "tenant": membership.tenant,
        "statuses": [one for one in found if not (one.is_new and one.connection.pk in begun)],
        "drafts": [(draft, f"draft-{drafting.open_step(draft)}") for draft in drafts],
        "accounts": [(account, permits.may_authorise(membership, account)) for account in accounts],
        "may_add": permits.may_add(membership),
        "private": {one.connection.pk for one in found if not permits.may_see_contacts(membership, one.connection)},
    }
    return render(request, "people/tenant.html", context)
