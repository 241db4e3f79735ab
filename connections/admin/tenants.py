from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from connections.admin.asking import ConnectRequestInline, ask
from connections.admin.base import PairwiseAdmin, staff
from connections.models import Invitation, Membership, Notification, Role, Tenant, User
from connections.services import inviting


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ("user", "tenant")
    verbose_name_plural = "memberships"


class InvitationInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Invitation
    extra = 0
    fields = readonly_fields = ("email", "role", "state", "invited_by", "created_at", "expires_at")
    ordering = ("-created_at",)
    verbose_name_plural = "invitations"

    def has_add_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        return False  # by the button, which shows the link


class InviteForm(forms.Form):
    email = forms.EmailField(label="Email address")
    role = forms.ChoiceField(choices=Role.choices, initial=Role.EDITOR, help_text="An owner may also invite others.")


@admin.register(Tenant)
class TenantAdmin(PairwiseAdmin[Tenant]):
    list_display = ("name", "slug", "region", "created_at")
    search_fields = ("name", "slug")
    ordering = ("name",)
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembershipInline, InvitationInline, ConnectRequestInline)
    change_form_template = "admin/pairwise/tenant.html"

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponse], str]]:
        return (("invite", self.invite_view, "invite"), ("ask", self.ask_view, "ask"))

    def ask_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        tenant = self.row(request, pk)
        if not self.may_act(request):
            raise PermissionDenied
        return ask(self, request, tenant, None)

    def invite_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Shows the link this once; only its digest is kept."""
        tenant = self.row(request, pk)
        if not self.may_act(request):
            raise PermissionDenied
        form = InviteForm(request.POST or None)
        context: dict[str, Any] = {"form": form, "tenant": tenant, "mail": inviting.mail_is_set_up()}
        if form.is_valid():
            entered = form.cleaned_data
            invitation, link = inviting.invite(tenant, entered["email"], entered["role"], staff(request))
            context |= {"invitation": invitation, "link": link, "mailed": inviting.post(invitation, link)}
        return self.page(request, "invite", f"Invite a person to {tenant}", **context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().change_view(request, object_id, form_url, {"may_act": self.may_act(request)})

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        """A tenant takes everything with it: that is done with a configuration file, which shows it beforehand."""
        return False


class UserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name")
        field_classes: dict[str, Any] = {}


@admin.register(User)
class PersonAdmin(PairwiseAdmin[User], UserAdmin):  # type: ignore[type-arg]
    add_form = UserForm
    list_display = ("email", "name", "is_active", "is_staff", "is_superuser")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "joined_at")
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "joined_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    add_form_template = "admin/auth/user/add_form.html"
    change_form_template = "admin/pairwise/user.html"

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponse], str]]:
        return (("password-link", self.password_link_view, "password_link"),)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What somebody was told goes with the person, although no page deletes it by itself."""
        found, counts, needed, protected = super().get_deleted_objects(objs, request)
        return found, counts, needed - {Notification._meta.verbose_name}, protected

    def password_link_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = self.button(request, pk)
        if person.is_superuser and not request.user.is_superuser:
            raise PermissionDenied
        link = inviting.password_link(person)
        return self.page(request, "password_link", f"A new password for {person}", person=person, link=link)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().change_view(request, object_id, form_url, {"may_act": self.may_act(request)})
