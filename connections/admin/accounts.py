"""Accounts. Credentials go in and never come out: the form has a field for each one the app declares, always empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from connections.admin.asking import ask
from connections.admin.base import PairwiseAdmin, link
from connections.models import Account, AccountState, DeclaredField
from connections.services import access
from connectors import registry
from connectors.base import App, ConnectorError, CredentialField

CREDENTIAL = "credential_"
FORGET = "forget_"


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """`declared` is set on a subclass made for the app; see `form_for`."""

    declared: App

    class Meta:
        model = Account
        fields = ("tenant", "name", "base_url", "login_url", "owner", "shared")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.app = self.declared.key
        self.fields["base_url"].required = self.declared.user_supplied_url

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        stored = access.stored_names(self.instance) if self.instance.pk else frozenset()
        for credential in self.declared.credentials:
            name = CREDENTIAL + credential.name
            if credential.required and not cleaned.get(name) and credential.name not in stored:
                self.add_error(name, f"{self.declared.name} needs this.")
        if not stored and not any(self.entered().values()):
            self.add_error(None, "Enter the credentials of the account.")
        return cleaned

    def entered(self) -> dict[str, str]:
        """The credentials that were typed in just now."""
        found = {each.name: self.cleaned_data.get(CREDENTIAL + each.name, "") for each in self.declared.credentials}
        return {name: value for name, value in found.items() if value}

    def forgotten(self) -> list[str]:
        return [each.name for each in self.declared.credentials if self.cleaned_data.get(FORGET + each.name)]


def form_for(app: App, stored: frozenset[str]) -> type[AccountForm]:
    """The form with a write-only field for each credential of the app."""
    fields: dict[str, Any] = {"declared": app}
    for credential in app.credentials:
        fields[CREDENTIAL + credential.name] = _credential_field(credential, credential.name in stored)
        if credential.name in stored and not credential.required:
            label = f"Forget the stored {credential.label[:1].lower()}{credential.label[1:]}"
            fields[FORGET + credential.name] = forms.BooleanField(required=False, label=label)
    return type("AccountForm", (AccountForm,), fields)


def _credential_field(credential: CredentialField, stored: bool) -> forms.CharField:
    hint = "Stored; leave empty to keep it." if stored else ""
    attributes = {"autocomplete": "new-password" if credential.secret else "off", "class": "vTextField"}
    return forms.CharField(
        label=credential.label,
        required=False,
        max_length=20_000,
        help_text=" ".join(filter(None, (credential.help, hint))),
        widget=forms.PasswordInput(attributes) if credential.secret else _Unshown(attributes),
    )


class _Unshown(forms.TextInput):
    """A text that may be read while it is typed, and is not sent back."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class DeclaredFieldInline(admin.TabularInline):  # type: ignore[type-arg]
    model = DeclaredField
    extra = 0
    fields = ("name", "label", "type")
    verbose_name = "custom field"
    verbose_name_plural = "custom fields that the app has but cannot list"


@admin.register(Account)
class AccountAdmin(PairwiseAdmin[Account]):
    list_display = ("name", "tenant_link", "app", "state", "reason", "remote_name", "last_ok_at")
    list_filter = ("state", "app")
    list_select_related = ("tenant",)
    search_fields = ("name", "remote_name", "tenant__name")
    ordering = ("name",)
    autocomplete_fields = ("owner",)
    actions = ("test_accounts",)
    change_form_template = "admin/pairwise/account.html"
    inlines = (DeclaredFieldInline,)

    @admin.display(description="tenant", ordering="tenant__name")
    def tenant_link(self, account: Account) -> str:
        return link(account.tenant)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("secrets")

    # ---- the form

    def _app(self, request: HttpRequest, account: Account | None) -> App | None:
        key = account.app if account else request.GET.get("app", "")
        return registry.apps().get(key)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The app first: what is asked next depends on it."""
        if self._app(request, None) is None:
            apps = sorted(registry.apps().values(), key=lambda app: app.name)
            return self.page(request, "choose_app", "Add an account: choose the app", apps=apps)
        return super().add_view(request, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Account | None = None, change: bool = False, **kwargs: Any) -> Any:
        app = self._app(request, obj)
        if app is None:  # the app was taken out of this installation
            return super().get_form(request, obj, change, **kwargs)
        kwargs["form"] = form_for(app, access.stored_names(obj) if obj else frozenset())
        kwargs["fields"] = [name for name in AccountForm.Meta.fields if obj is None or name != "tenant"]
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        app = self._app(request, obj)
        credentials = list(self._credential_names(app, obj)) if app else []
        first = ["tenant", "app_name", "name"]
        sets: list[Any] = [
            (None, {"fields": first}),
            ("Credentials", {"fields": credentials, "description": "They are stored encrypted and never shown again."}),
            ("Address", {"fields": ["base_url", "login_url"]}),
            ("Use", {"fields": ["owner", "shared"]}),
        ]
        if obj:
            sets.insert(1, ("State", {"fields": ["state", "reason", "remote_name", "last_ok_at"]}))
        return [entry for entry in sets if entry[1]["fields"]]

    def _credential_names(self, app: App, account: Account | None) -> Iterator[str]:
        stored = access.stored_names(account) if account else frozenset()
        for credential in app.credentials:
            yield CREDENTIAL + credential.name
            if credential.name in stored and not credential.required:
                yield FORGET + credential.name

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> list[str]:
        shown = ["app_name", "state", "reason", "remote_name", "last_ok_at"]
        return [*shown, "tenant"] if obj else shown

    @admin.display(description="app")
    def app_name(self, account: Account) -> str:
        found = registry.apps().get(account.app)
        return found.name if found else account.app or "—"

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"tenant": request.GET.get("tenant")}

    def get_inlines(self, request: HttpRequest, obj: Account | None) -> list[Any]:
        app = self._app(request, obj)
        return [DeclaredFieldInline] if obj and app and app.capabilities.declared_fields else []

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        entered, forgotten = form.entered(), form.forgotten()
        if entered or forgotten:
            access.store_credentials(obj, entered, forgotten)
        else:
            obj.save()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for row in formset.save(commit=False):
            row.tenant = form.instance.tenant
            row.save()
        for row in formset.deleted_objects:
            row.delete()
        changed = [*formset.new_objects, *(row for row, _ in formset.changed_objects)]
        if changed:  # asked when nothing is locked any more: no app is waited for inside a transaction
            transaction.on_commit(partial(self._try_fields, request, form.instance, changed))

    def _try_fields(self, request: HttpRequest, account: Account, rows: list[DeclaredField]) -> None:
        try:
            problems = access.try_fields(account, rows)
        except ConnectorError as error:
            problems = [f"The custom fields could not be tried: {error}"]
        for problem in problems:
            self.message_user(request, problem, messages.WARNING)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """What was observed through an account goes with it, so only one that no connection uses can be deleted."""
        if obj is None or access.in_use(obj):
            return False
        return super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        told = "its credentials, and what was observed through it; the contacts stay in the app"
        return [f"account {account}: {told}" for account in objs], {}, set(), []

    # ---- buttons

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponse], str]]:
        return (
            ("test", self.test_view, "test"),
            ("pause", self.pause_view, "pause"),
            ("resume", self.resume_view, "resume"),
            ("ask", self.ask_view, "ask"),
        )

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        account = self.button(request, pk)
        self._test(request, account)
        return self.back(request, account)

    def pause_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        account = self.button(request, pk)
        access.pause(account, request.POST.get("reason", "") or f"paused by {request.user}")
        return self.back(request, account, f"Account {account} is paused: nothing is asked or written through it.")

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        account = self.button(request, pk)
        access.resume(account)
        return self.back(request, account, f"Account {account} is used again.")

    def ask_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        account = self.row(request, pk)
        if not self.may_act(request):
            raise PermissionDenied
        return ask(self, request, account.tenant, account)

    @admin.action(description="Test the selected accounts", permissions=["act"])
    def test_accounts(self, request: HttpRequest, queryset: Any) -> None:
        for account in queryset[:20]:
            self._test(request, account)

    def _test(self, request: HttpRequest, account: Account) -> None:
        try:
            name = access.check(account)
        except ConnectorError as error:
            self.message_user(request, f"Account {account}: {error}", messages.ERROR)
        else:
            self.message_user(request, f"Account {account} works: the app knows it as {name}.")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"may_act": self.may_act(request), "paused": AccountState.PAUSED, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)
