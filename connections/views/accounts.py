"""The connected accounts of a tenant, for its members."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections.models import Account, AccountState, Deed, Membership
from connections.services import audit, connecting, disconnecting, permits
from connections.views.scope import member
from connectors import registry
from connectors.base import App


@dataclass(frozen=True, slots=True)
class Shown:
    """An account as this member sees it."""

    account: Account
    app: App | None
    connections: int
    may_authorise: bool
    may_disconnect: bool
    is_own: bool

    @property
    def needs_person(self) -> bool:
        return self.account.state == AccountState.NEEDS_AUTHORISATION


@require_safe
@member
def listed(request: HttpRequest, membership: Membership) -> HttpResponse:
    rows = permits.accounts_for(membership).select_related("owner", "tenant").defer("secrets").order_by("name")
    used = connecting.connections_by_account(membership.tenant)
    shown = [_shown(membership, account, used[account.pk]) for account in rows]
    context = {"tenant": membership.tenant, "accounts": shown, "may_add": permits.may_add(membership)}
    return render(request, "people/accounts.html", context)


def _shown(membership: Membership, account: Account, connections: int) -> Shown:
    return Shown(
        account,
        registry.apps().get(account.app),
        connections,
        permits.may_authorise(membership, account),
        permits.may_disconnect(membership, account),
        account.owner_id == membership.user_id,
    )


def account_of(membership: Membership, pk: int) -> Account:
    """Raises Http404 for what this member does not see."""
    account = permits.accounts_for(membership).select_related("tenant", "owner").filter(pk=pk).first()
    if account is None:
        raise Http404
    return account


@require_http_methods(["GET", "HEAD", "POST"])
@member
def disconnect(request: HttpRequest, membership: Membership, pk: int) -> HttpResponse:
    """Says what will happen, and does it when that is confirmed."""
    account = account_of(membership, pk)
    if not permits.may_disconnect(membership, account):
        raise PermissionDenied
    if request.method == "POST":
        messages.success(request, disconnecting.disconnect(account, membership.user))
        return redirect("accounts", membership.tenant.slug)
    used = connecting.connections_of(account).order_by("name")
    app = registry.apps().get(account.app)
    revokes = app is not None and app.oauth is not None and app.oauth.revoke is not None
    context = {"tenant": membership.tenant, "account": account, "connections": used, "app": app, "revokes": revokes}
    return render(request, "people/disconnect.html", context)


@require_POST
@member
def share(request: HttpRequest, membership: Membership, pk: int) -> HttpResponse:
    account = account_of(membership, pk)
    if not permits.may_disconnect(membership, account):
        raise PermissionDenied
    shared = request.POST.get("shared") == "yes"
    Account.objects.filter(pk=account.pk).update(shared=shared)
    audit.of_account(Deed.SHARED, account, "with the organisation" if shared else "private")
    whose = (
        gettext("Everybody of %(tenant)s may use %(account)s now.") % {"tenant": membership.tenant, "account": account}
        if shared
        else gettext("%(account)s is private now.") % {"account": account}
    )
    messages.success(request, whose)
    return redirect("accounts", membership.tenant.slug)
