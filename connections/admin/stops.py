"""The stop switches, each with its reason, and the banner that says what stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from connections.admin.base import EngineOwned, address, listing, staff, visible
from connections.models import Connection, Stop, Tenant
from connections.services import stopping
from connectors import registry

WHAT = {"everything": "everything", "app": "an app", "tenant": "a tenant", "connection": "a connection"}


if TYPE_CHECKING:
    _Choice = ModelChoiceField[Connection]
else:  # not generic when it runs
    _Choice = ModelChoiceField


class ConnectionChoice(_Choice):
    def label_from_instance(self, row: Connection) -> str:
        return f"{row.tenant}/{row}"


class StopForm(forms.Form):
    what = forms.ChoiceField(label="What should stand still", choices=list(WHAT.items()), widget=forms.RadioSelect)
    reason = forms.CharField(
        max_length=255,
        widget=forms.TextInput({"class": "vTextField"}),
        help_text="The people of the tenants concerned read it, too.",
    )
    field_order = ("what", "app", "tenant", "connection", "reason")

    def __init__(self, request: HttpRequest, data: Any = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        apps = [("", "—"), *((app.key, app.name) for app in registry.apps().values())]
        rows = Connection.objects.select_related("tenant").order_by("tenant__name", "name")
        self.fields["app"] = forms.ChoiceField(choices=apps, required=False)
        self.fields["tenant"] = ModelChoiceField(visible(Tenant.objects.order_by("name"), request), required=False)
        self.fields["connection"] = ConnectionChoice(visible(rows, request), required=False)
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        entered = super().clean() or {}
        what = entered.get("what", "")
        if what in ("app", "tenant", "connection") and not entered.get(what):
            self.add_error(what, "Choose which.")
        return entered

    def scope(self) -> dict[str, Any]:
        what = self.cleaned_data["what"]
        return {what: self.cleaned_data[what]} if what != "everything" else {}


@admin.register(Stop)
class StopAdmin(EngineOwned[Stop]):
    list_display = ("__str__", "reason", "made_at", "made_by", "lifted_at", "lifted_by")
    list_select_related = ("tenant", "connection__tenant", "made_by", "lifted_by")
    ordering = ("lifted_at", "-made_at")
    show_full_result_count = False
    fields: ClassVar[Any] = ("__str__", "reason", "connections", "made_at", "made_by", "lifted_at", "lifted_by")
    readonly_fields = fields
    change_form_template = "admin/pairwise/stop.html"

    @admin.display(description="connections that it holds")
    def connections(self, switch: Stop) -> str:
        return f"{stopping.concerned(switch).count():,}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def may_act(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("connections.add_stop"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First the form, then in words what it holds, then it is done."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        given = {"what": "connection", **request.GET.dict()} if "connection" in request.GET else {}
        form = StopForm(request, request.POST or None, given)
        if request.method != "POST" or not form.is_valid():
            return self.page(request, "add_stop", "Stop", form=form)
        scope, reason = form.scope(), form.cleaned_data["reason"]
        if "confirmed" not in request.POST:
            about = Stop(reason=reason, **scope)
            shown = {"form": form, "about": about, "count": stopping.concerned(about).count()}
            return self.page(request, "add_stop", f"Stop {about}?", **shown)
        try:
            made = stopping.stop(reason, staff(request), **scope)
        except stopping.CannotStop as refused:
            form.add_error(None, str(refused))
            return self.page(request, "add_stop", "Stop", form=form)
        self.log_addition(request, made, [{"added": {}}])
        self.message_user(request, f"Stopped: {made}. Nothing of it is sent any more until the stop is lifted.")
        return HttpResponseRedirect(address(made))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        may_lift = row is not None and row.lifted_at is None and self.may_act(request)
        return super().change_view(request, object_id, form_url, {"may_lift": may_lift})

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponse], str]]:
        return (("lift", self.lift_view, "lift"),)

    def lift_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        switch = self.button(request, pk)
        lifted = stopping.lift(switch, staff(request))
        if lifted:
            self.log_change(request, switch, "Lifted.")
        self.message_user(
            request, f"Lifted: {switch}. What is due runs by itself." if lifted else f"Lifted already: {switch}."
        )
        return HttpResponseRedirect(listing(Stop))
