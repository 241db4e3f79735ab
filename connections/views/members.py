"""The people of a tenant: all see who they are, owners invite, change and remove."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from connections.models import Membership, Role, User
from connections.services import inviting, membering
from connections.views.scope import member

ROLES = {
    Role.OWNER.value: gettext_lazy("owner: everything, and who belongs here"),
    Role.EDITOR.value: gettext_lazy("editor: sets up and looks after connections"),
    Role.VIEWER.value: gettext_lazy("viewer: looks"),
}


class InviteForm(forms.Form):
    email = forms.EmailField(label=gettext_lazy("Email address"), max_length=254)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=list(ROLES.items()), initial=Role.EDITOR.value)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member
def page(request: HttpRequest, membership: Membership) -> HttpResponse:
    if request.method != "POST":
        return _page(request, membership)
    _owners_only(membership)
    form = InviteForm(request.POST, label_suffix="")
    if not form.is_valid():
        return _page(request, membership, form=form)
    email = form.cleaned_data["email"]
    if membership.tenant.memberships.filter(user__email__iexact=email).exists():
        form.add_error("email", gettext("This person is a member already."))
        return _page(request, membership, form=form)
    by = request.user if isinstance(request.user, User) else None
    invitation, link = inviting.invite(membership.tenant, email, form.cleaned_data["role"], by)
    if inviting.post(invitation, link):
        messages.success(request, gettext("%(person)s is invited by mail.") % {"person": invitation.email})
        return redirect("members", membership.tenant.slug)
    return _page(request, membership, invited=invitation, link=link)


@require_http_methods(["GET", "HEAD", "POST"])
@member
def one(request: HttpRequest, membership: Membership, person: int) -> HttpResponse:
    """To remove somebody, or to leave, after it was said what stands still then; owners also change the role here."""
    about = membership.tenant.memberships.select_related("user", "tenant").filter(pk=person).first()
    if about is None:
        raise Http404
    if about.pk != membership.pk or "role" in request.POST:
        _owners_only(membership)
    if request.method != "POST":
        shown = {"tenant": membership.tenant, "about": about, "loss": membering.loss_of(about)}
        return render(request, "people/remove_member.html", shown)
    try:
        if "remove" in request.POST:
            membering.remove(about)
            messages.success(request, gettext("%(person)s is no member any more.") % {"person": about.user})
        elif membering.change_role(about, request.POST.get("role", "")):
            messages.success(
                request,
                gettext("%(person)s is %(role)s now.")
                % {"person": about.user, "role": Role(request.POST["role"]).label},
            )
    except membering.CannotChange as reason:
        messages.error(request, str(reason))
    still_there = about.user_id != membership.user_id or "remove" not in request.POST
    return redirect("members", membership.tenant.slug) if still_there else redirect("home")


@require_POST
@member
def withdraw(request: HttpRequest, membership: Membership, invitation: int) -> HttpResponse:
    if not membership.tenant.invitations.filter(pk=invitation).exists():
        raise Http404
    _owners_only(membership)
    if membering.withdraw(membership.tenant, invitation):
        messages.success(request, gettext("The invitation is withdrawn; its link opens nothing any more."))
    return redirect("members", membership.tenant.slug)


def _owners_only(membership: Membership) -> None:
    if membership.role != Role.OWNER:
        raise PermissionDenied


def _page(request: HttpRequest, membership: Membership, form: InviteForm | None = None, **more: Any) -> HttpResponse:
    context = {
        "tenant": membership.tenant,
        "members": membering.members(membership.tenant),
        "invitations": membering.open_invitations(membership.tenant),
        "roles": ROLES,
        "is_owner": membership.role == Role.OWNER,
        "mail": inviting.mail_is_set_up(),
        "form": form or InviteForm(label_suffix=""),
        **more,
    }
    return render(request, "people/members.html", context)
