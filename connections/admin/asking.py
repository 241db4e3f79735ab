"""Asking a person by a link to connect an account, new or again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from connections.admin.base import PairwiseAdmin, staff
from connections.models import Account, ConnectRequest, Tenant
from connections.services import asking, inviting, offering
from connectors import registry


class ConnectRequestInline(admin.TabularInline):  # type: ignore[type-arg]
    model = ConnectRequest
    extra = 0
    fields = readonly_fields = ("email", "what", "state", "asked_by", "created_at", "expires_at", "made")
    ordering = ("-created_at",)
    fk_name = "tenant"
    verbose_name_plural = "asked to connect an account"

    def has_add_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        return False  # by the button, which shows the link


class AskForm(forms.Form):
    email = forms.EmailField(label="Email address", help_text="Only somebody with this address can use the link.")

    def __init__(self, tenant: Tenant, account: Account | None, *args: Any) -> None:
        super().__init__(*args)
        if account is None:
            choices = [(offer.app.key, offer.app.name) for offer in offering.offers(tenant) if not offer.reason]
            self.fields["app"] = forms.ChoiceField(label="App", choices=choices)
        elif account.owner:
            self.fields["email"].initial = account.owner.email


def ask(page: PairwiseAdmin[Any], request: HttpRequest, tenant: Tenant, account: Account | None) -> HttpResponse:
    """Shows the link this once; only its digest is kept."""
    form = AskForm(tenant, account, request.POST or None)
    context: dict[str, Any] = {"form": form, "tenant": tenant, "account": account, "mail": inviting.mail_is_set_up()}
    if form.is_valid():
        app = registry.app(account.app if account else form.cleaned_data["app"])
        asked, link = asking.ask(tenant, app, form.cleaned_data["email"], staff(request), account)
        context |= {"asked": asked, "link": link, "mailed": asking.post(asked, link)}
    what = f"{account} again" if account else f"an account to {tenant}"
    return page.page(request, "ask", f"Ask somebody to connect {what}", **context)
