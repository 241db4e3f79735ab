"""Where the link of an invitation leads: to sign up, to sign in, or straight into the tenant."""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.signals import user_signed_up
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from connections import languages
from connections.adapters import INVITATION, invited
from connections.models import User
from connections.services import asking, inviting


@login_not_required
@never_cache
@require_safe
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    invitation = inviting.open_invitation(token)
    if invitation is None:
        return render(request, "people/invitation_closed.html", status=404)
    if not isinstance(request.user, User):
        request.session[INVITATION] = token
        if inviting.expects(invitation.email):
            return redirect(f"{reverse('account_login')}?{urlencode({'next': request.path})}")
        return redirect(f"{reverse('account_signup')}?{urlencode({'email': invitation.email})}")
    try:
        inviting.accept(invitation, request.user)
    except inviting.NotYours as problem:
        context = {"invited": problem.email, "tenant": invitation.tenant}
        return render(request, "people/invitation_for_another.html", context, status=403)
    messages.success(request, gettext("You are a member of %(tenant)s now.") % {"tenant": invitation.tenant})
    return redirect("home")


@login_not_required
@never_cache
@require_safe
def open_request(request: HttpRequest, token: str) -> HttpResponse:
    """Where somebody who was asked to connect an account arrives: as a new member, or to do it at once."""
    asked = asking.open_request(token)
    if asked is None:
        return render(request, "people/request_closed.html", status=404)
    if not isinstance(request.user, User):
        if inviting.expects(asked.email):
            return redirect(f"{reverse('account_login')}?{urlencode({'next': request.path})}")
        request.session[INVITATION] = asking.invitation_for(asked)
        return redirect(f"{reverse('account_signup')}?{urlencode({'email': asked.email, 'next': request.path})}")
    try:
        asking.admit(asked, request.user)
    except inviting.NotYours as problem:
        context = {"invited": problem.email, "tenant": asked.tenant}
        return render(request, "people/invitation_for_another.html", context, status=403)
    if asked.account:
        return redirect("account-again", asked.tenant.slug, asked.account.pk)
    return redirect("account-connect", asked.tenant.slug, asked.app)


@receiver(user_signed_up)
def join(request: HttpRequest, user: User, **kwargs: object) -> None:
    """Signing up with an invitation is accepting it."""
    invitation = invited(request)
    if invitation:
        languages.choose(user, get_language() or "")
        inviting.accept(invitation, user)
        request.session.pop(INVITATION, None)
