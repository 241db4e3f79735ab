"""What a person wants to be told of a tenant, the tenant's webhooks, and the link by which somebody is told no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from connections.models import Cause, Membership, Notification, NotificationState, OutgoingWebhook, Role
from connections.models.notifications import every_cause
from connections.services import choosing, inviting, outgoing
from connections.services.entering import full_address
from connections.views.scope import member

FAILED_SHOWN = timedelta(days=14)
WEBHOOK_CAUSES = [
    (Cause.ACCOUNT.value, gettext_lazy("an account needs to be connected again")),  # whosever it is
    *((cause, Cause(cause).label) for cause in every_cause() if cause != Cause.ACCOUNT),
]


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        help_text=gettext_lazy("A public https address that takes POST requests with JSON."),
    )
    causes = forms.MultipleChoiceField(
        label=gettext_lazy("What it is told"),
        choices=WEBHOOK_CAUSES,
        initial=every_cause,
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_url(self) -> str:
        try:
            return full_address(self.cleaned_data["url"])
        except ValueError:
            raise forms.ValidationError(
                gettext("This is no address. It has the form https://server.example/path.")
            ) from None


@require_http_methods(["GET", "HEAD", "POST"])
@member
def page(request: HttpRequest, membership: Membership) -> HttpResponse:
    if request.method == "POST":
        count = choosing.choose(membership, request.POST.getlist("on"))
        messages.success(request, gettext("Saved.") if count else gettext("Nothing was changed."))
        return redirect("notifications", membership.tenant.slug)
    return _page(request, membership, WebhookForm(label_suffix=""))


def _page(request: HttpRequest, membership: Membership, form: WebhookForm, **more: Any) -> HttpResponse:
    made = choosing.choices([membership.tenant_id])
    told = Notification.objects.filter(tenant=membership.tenant_id, user=membership.user_id).order_by("-sent_at")
    since = timezone.localdate() - FAILED_SHOWN
    sent = told.filter(state=NotificationState.SENT)
    is_owner = membership.role == Role.OWNER
    context = {
        "tenant": membership.tenant,
        "causes": [
            (cause, choosing.wants(membership, cause, made), sent.filter(cause=cause).first())
            for cause in choosing.offered(membership)
        ],
        "failed": told.filter(state=NotificationState.FAILED, day__gt=since).order_by("-day").first(),
        "mail": inviting.mail_is_set_up(),
        "is_owner": is_owner,
        "webhooks": [(hook, _told(hook)) for hook in _webhooks(membership).order_by("pk")] if is_owner else (),
        "form": form,
        **more,
    }
    return render(request, "people/notifications.html", context)


def _webhooks(membership: Membership) -> QuerySet[OutgoingWebhook]:
    return OutgoingWebhook.objects.filter(tenant=membership.tenant_id).defer("secrets")


def _told(hook: OutgoingWebhook) -> list[str]:
    return [str(words) for cause, words in WEBHOOK_CAUSES if cause in hook.causes]


@never_cache
@require_POST
@member
def add(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Shows the secret this once."""
    _owners_only(membership)
    form = WebhookForm(request.POST, label_suffix="")
    if form.is_valid():
        url, causes = form.cleaned_data["url"], form.cleaned_data["causes"]
        try:
            made, secret = outgoing.add(membership.tenant, url, causes, membership.user)
        except outgoing.CannotAdd as reason:
            form.add_error("url", str(reason))
        else:
            return _page(request, membership, WebhookForm(label_suffix=""), made=made, secret=secret)
    return _page(request, membership, form)


@require_POST
@member
def do(request: HttpRequest, membership: Membership, webhook: int) -> HttpResponse:
    rows = _webhooks(membership).filter(pk=webhook).select_related("tenant")
    hook = rows.first()
    if hook is None:
        raise Http404
    _owners_only(membership)
    match request.POST.get("do", ""):
        case "test":
            _test(request, hook)
        case "remove":
            hook.delete()
            messages.success(request, gettext("%(address)s is removed and told nothing more.") % {"address": hook.url})
        case "on" | "off" as what:
            rows.update(enabled=what == "on")
            told = gettext("%(address)s is switched on.") if what == "on" else gettext("%(address)s is switched off.")
            messages.success(request, told % {"address": hook.url})
    return redirect("notifications", membership.tenant.slug)


def _test(request: HttpRequest, hook: OutgoingWebhook) -> None:
    try:
        outgoing.test(hook)
    except outgoing.Undelivered as reason:
        messages.error(request, gettext("The test did not arrive: %(reason)s") % {"reason": reason})
    else:
        messages.success(request, gettext("The test arrived."))


def _owners_only(membership: Membership) -> None:
    if membership.role != Role.OWNER:
        raise PermissionDenied


@csrf_exempt  # mail programs post on somebody's behalf, without a page of ours before it (RFC 8058)
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Asks, since programs that look for viruses open links; a POST does it."""
    link = choosing.opened(token)
    if link is None:
        return render(request, "people/stop_closed.html", status=404)
    if request.method == "POST":
        choosing.stop(link)
    context = {"link": link, "about": link.cause.label, "done": request.method == "POST"}
    return render(request, "people/stop_notifications.html", context)
