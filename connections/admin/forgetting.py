"""Forgetting a person: the page that shows everything that would go, and the list of what is left of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from connections.admin.base import EngineOwned, PairwiseAdmin, address, staff
from connections.models import Forgetting, Tenant
from connections.services import background, forgetting


def may_forget(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("connections.add_forgetting"))


def view(owner: PairwiseAdmin[Any], request: HttpRequest, tenant: Tenant, ids: Sequence[int | None]) -> HttpResponse:
    """Shows who it is in all apps; does it only for those who say that they know what it means."""
    if not may_forget(request):
        raise PermissionDenied
    one = forgetting.person(tenant, [pk for pk in ids if pk])
    if request.method != "POST" or "understood" not in request.POST or not one.items:
        return owner.page(
            request, "forget", "Forget this person?", person=one, tenant=tenant, warning=forgetting.WARNING
        )
    by = staff(request)
    asked = forgetting.ask(tenant, one, by)
    background.start_forgetting(asked)
    owner.message_user(request, "The person is erased as soon as a worker is free, and is not created again.")
    return HttpResponseRedirect(address(asked))


@admin.register(Forgetting)
class ForgettingAdmin(EngineOwned[Forgetting]):
    """Nobody can tell from this who it was. Deleting an entry lets the person be created again."""

    list_display = ("__str__", "tenant", "asked_by", "done_at", "message")
    list_select_related = ("tenant", "asked_by")
    ordering = ("-id",)
    show_full_result_count = False
    fields: ClassVar[Any] = ("tenant", "asked_at", "asked_by", "done_at", "message")
    change_form_template = "admin/pairwise/forgetting.html"

    def has_delete_permission(self, request: HttpRequest, obj: Forgetting | None = None) -> bool:
        finished = obj is not None and obj.done_at is not None
        return finished and admin.ModelAdmin.has_delete_permission(self, request, obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        open_still = row is not None and row.done_at is None and may_forget(request)
        return super().change_view(request, object_id, form_url, {"may_try": open_still})

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponse], str]]:
        return (("again", self.again_view, "again"),)

    def may_act(self, request: HttpRequest) -> bool:
        return may_forget(request)

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        asked = self.button(request, pk)
        background.start_forgetting(asked)
        return self.back(request, asked, "It is tried again as soon as a worker is free.")
