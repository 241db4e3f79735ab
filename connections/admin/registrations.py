"""How this installation is known to the vendors. The secret goes in and never comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from connections import registrations
from connections.admin.base import PairwiseAdmin
from connections.encryption import Undecryptable
from connections.models import AppRegistration
from connections.models.registrations import SECRET
from connections.services import registering, subscribing
from connectors import registry
from connectors.base import App, ConnectorError
from connectors.oauth import OAuth

ONE = "one"  # one organisation alone, whose id is a field of its own


class RegistrationForm(forms.ModelForm):  # type: ignore[type-arg]
    """`app` and `oauth` are set on a subclass made for the app; see `form_for`."""

    app: App
    oauth: OAuth

    secret = forms.CharField(
        required=False,
        max_length=1000,
        widget=forms.PasswordInput({"autocomplete": "new-password", "class": "vTextField"}),
    )
    scopes = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple({"class": "radiolist"}), label="Further permissions",
        help_text="Asked for beside those that Pairwise needs. Everything works without them.",
    )  # fmt: skip

    class Meta:
        model = AppRegistration
        fields = ("tenant", "client_id", "secret_expires_on", "scopes", "base_url", "login_url")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        row.app = self.app.key
        stored = bool(row.pk and _is_stored(row))
        secret: Any = self.fields["secret"]
        secret.label, secret.required = "Client secret", not stored
        secret.help_text = "Stored; leave empty to keep it." if stored else "Stored encrypted and never shown again."
        if "scopes" in self.fields:
            scopes: Any = self.fields["scopes"]
            scopes.choices = [(scope.name, f"{scope.name}: {scope.why}") for scope in self.oauth.optional]
        if "kind" in self.fields:
            known = [choice.value for choice in self.oauth.account_types]
            now = row.account_types or known[0]
            self.fields["kind"].initial = now if now in known else ONE
            self.fields["directory"].initial = "" if now in known else now

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind, directory = cleaned.get("kind"), cleaned.get("directory", "").strip()
        if kind == ONE and not directory:
            self.add_error("directory", "Enter the id of the organisation's directory.")
        elif kind:
            self.instance.account_types = directory if kind == ONE else kind
        same = AppRegistration.objects.filter(app=self.app.key, tenant=cleaned.get("tenant"))
        if same.exclude(pk=self.instance.pk).exists():
            whose = cleaned.get("tenant") or "all tenants"
            self.add_error("tenant", f"{whose} has a registration for {self.app.name} already; open that one.")
        return cleaned

    def save(self, commit: bool = True) -> Any:
        registering.store_secret(self.instance, self.cleaned_data.get("secret", ""))
        return super().save(commit)


def _is_stored(row: AppRegistration) -> bool:
    try:
        return bool(row.secrets.get(SECRET))
    except Undecryptable:
        return False


def form_for(app: App, oauth: OAuth) -> type[RegistrationForm]:
    fields: dict[str, Any] = {"app": app, "oauth": oauth}
    if not oauth.optional:
        fields["scopes"] = None
    if oauth.account_types:
        choices = [(choice.value, choice.label) for choice in oauth.account_types]
        fields["kind"] = forms.ChoiceField(
            label="Account types",
            widget=forms.RadioSelect({"class": "radiolist"}),
            choices=[*choices, (ONE, "one organisation alone, with the id below")],
            help_text=f"The same as in the registration at {oauth.vendor}.",
        )
        fields["directory"] = forms.CharField(
            label="Directory (tenant) id", required=False, max_length=100, validators=_plain()
        )
    return type("RegistrationForm", (RegistrationForm,), fields)


def _plain() -> list[Any]:
    return list(AppRegistration._meta.get_field("account_types").validators)


@admin.register(AppRegistration)
class AppRegistrationAdmin(PairwiseAdmin[AppRegistration]):
    list_display = ("name", "tenant_name", "client_id", "secret_expires_on", "reminder")
    list_filter = ("app",)
    list_select_related = ("tenant",)
    search_fields = ("client_id", "tenant__name")
    ordering = ("app", "tenant__name")
    autocomplete_fields = ("tenant",)
    exclude = ("secrets",)
    change_form_template = "admin/pairwise/registration.html"

    @admin.display(description="app", ordering="app")
    def name(self, row: AppRegistration) -> str:
        found = registry.apps().get(row.app)
        return found.name if found else row.app

    @admin.display(description="for", ordering="tenant__name")
    def tenant_name(self, row: AppRegistration) -> str:
        return str(row.tenant or "all tenants")

    @admin.display(description="")
    def reminder(self, row: AppRegistration) -> str:
        if row.secret_expires_on is None:
            return ""
        left = (row.secret_expires_on - timezone.localdate()).days
        if left < 0:
            return "the secret has ended"
        return f"the secret ends in {left} days" if left <= registering.REMINDED.days else ""

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("secrets")

    def _app(self, request: HttpRequest, row: AppRegistration | None) -> App | None:
        found = registry.apps().get(row.app if row else request.GET.get("app", ""))
        return found if found and found.oauth else None

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        app = self._app(request, None)
        if app is None:
            apps = sorted((one for one in registry.apps().values() if one.oauth), key=lambda one: one.name)
            return self.page(request, "choose_app", "Register this installation: choose the app", apps=apps)
        return super().add_view(request, form_url, {**self._addresses(app), **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        app = self._app(request, row) if row else None
        context: dict[str, Any] = {"may_act": self.may_act(request), **(self._addresses(app) if app else {})}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def _addresses(self, app: App) -> dict[str, Any]:
        told = app.webhooks is not None and not app.webhooks.subscribes
        news_url = registrations.news_url(app) if told else ""
        return {
            "app": app,
            "oauth": app.oauth,
            "redirect_url": registrations.redirect_url(app),
            "news_url": news_url,
            "no_news": subscribing.why_not() if news_url else "",
        }

    def get_form(
        self, request: HttpRequest, obj: AppRegistration | None = None, change: bool = False, **kw: Any
    ) -> Any:
        app = self._app(request, obj)
        if app is None or app.oauth is None:  # the app was taken out of this installation
            return super().get_form(request, obj, change, **kw)
        kw["form"] = form_for(app, app.oauth)
        kw["fields"] = [name for name in RegistrationForm.Meta.fields if name != "scopes" or app.oauth.optional]
        return super().get_form(request, obj, change, **kw)

    def get_fieldsets(self, request: HttpRequest, obj: AppRegistration | None = None) -> Any:
        app = self._app(request, obj)
        kinds = ["kind", "directory"] if app and app.oauth and app.oauth.account_types else []
        asked = ["scopes"] if app and app.oauth and app.oauth.optional else []
        return [
            (None, {"fields": ["tenant", "client_id", "secret", "secret_expires_on"]}),
            *([("What is asked for", {"fields": [*kinds, *asked]})] if kinds or asked else []),
            ("Another address of the vendor", {"fields": ["base_url", "login_url"], "classes": ["collapse"]}),
        ]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return [
            f"{row}: {registering.users_of(row)} accounts were authorised through it; they have to be connected again"
            for row in objs
        ], {}, set(), []  # fmt: skip

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponse], str]]:
        return (("test", self.test_view, "test"),)

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self.button(request, pk)
        try:
            return self.back(request, row, registering.test(registrations.of_row(row)))
        except (ConnectorError, Undecryptable) as error:
            return self.back(request, row, str(error), messages.ERROR)
