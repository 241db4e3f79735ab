"""Deleting a connection in two steps, and those that were deleted and can be restored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from connections.admin.base import EngineOwned, address, link, listing, staff
from connections.models import Connection, DeletedConnection, Run
from connections.services import background, ending, unmarking

if TYPE_CHECKING:
    from connections.admin.connections import ConnectionAdmin

KEEP, TAKE_BACK = "keep", "take_back"


def view(owner: ConnectionAdmin, request: HttpRequest, connection: Connection) -> HttpResponse:
    """First what stays where, and the choice; then in words what will be done; then it is done."""
    choice = request.POST.get("choice", "")
    if request.POST.get("step") == "do" and choice in (KEEP, TAKE_BACK):
        return _delete(owner, request, connection, choice)
    shown: dict[str, Any] = {
        "connection": connection,
        "days": ending.KEPT.days,
        "marked": unmarking.folders(connection),
        "markers": bool(request.POST.get("markers")),
    }
    if choice not in (KEEP, TAKE_BACK):
        shown["survey"] = ending.survey(connection)
        return owner.page(request, "delete_connection", f"Delete connection {connection}?", **shown)
    if choice == TAKE_BACK:
        shown["survey"] = ending.survey(connection)
    return owner.page(request, "delete_connection_confirm", f"Delete connection {connection}?", choice=choice, **shown)


def _delete(owner: ConnectionAdmin, request: HttpRequest, connection: Connection, choice: str) -> HttpResponse:
    person = staff(request)
    owner.log_deletions(request, Connection.objects.filter(pk=connection.pk))
    ending.delete(connection, by=person)
    text = f"Connection {connection} is deleted. It can be restored for {ending.KEPT.days} days."
    markers = bool(request.POST.get("markers"))
    if markers:
        unmarking.ask(connection)
        text += " Its markers are removed by a worker; its page says when that is done."
    if choice == TAKE_BACK:
        background.start_ending(connection, person)
        text += " What it created and nobody touched since is taken back as soon as a worker is free."
    elif markers:
        background.start_removing_markers(connection)
    owner.message_user(request, text)
    return HttpResponseRedirect(listing(DeletedConnection))


@admin.register(DeletedConnection)
class DeletedConnectionAdmin(EngineOwned[DeletedConnection]):
    list_display = ("name", "tenant", "side_a", "side_b", "deleted_at", "deleted_by", "until")
    list_select_related = ("tenant", "folder_a__account", "folder_b__account", "deleted_by")
    ordering = ("-deleted_at",)
    search_fields = ("name", "tenant__name")
    show_full_result_count = False
    fields: ClassVar[Any] = (*list_display, "last_runs", "markers_note")
    change_form_template = "admin/pairwise/deleted_connection.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).exclude(deleted_at=None).select_related(*self.list_select_related)
        return rows.defer(*(f"folder_{side}__{name}" for side in "ab" for name in ("catalogue", "account__secrets")))

    @admin.display(description="A")
    def side_a(self, connection: DeletedConnection) -> str:
        return f"{connection.folder_a.account}: {connection.folder_a}"

    @admin.display(description="B")
    def side_b(self, connection: DeletedConnection) -> str:
        return f"{connection.folder_b.account}: {connection.folder_b}"

    @admin.display(description="can be restored until")
    def until(self, connection: DeletedConnection) -> Any:
        return ending.until(connection)

    @admin.display(description="last runs")
    def last_runs(self, connection: DeletedConnection) -> str:
        return link(Run.objects.filter(connection_id=connection.pk).order_by("-id").first())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().change_view(request, object_id, form_url, {"may_act": self.may_act(request)})

    def may_act(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("connections.change_connection"))

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponse], str]]:
        return (("restore", self.restore_view, "restore"), ("remove", self.remove_view, "remove"))

    def restore_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        deleted = self.button(request, pk)
        try:
            ending.restore(deleted)
        except ending.CannotRestore as reason:
            return self.back(request, deleted, str(reason), messages.ERROR)
        self.message_user(request, f"Connection {deleted} is back, and paused: look at a preview, then resume it.")
        return HttpResponseRedirect(address(Connection.objects.get(pk=pk)))

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The end of it before its time; asked once more, since nothing brings it back."""
        deleted = self.row(request, pk)
        if not request.user.has_perm("connections.delete_connection"):
            raise PermissionDenied
        if request.method != "POST":
            return self.page(request, "remove_connection", f"Remove {deleted} for good?", connection=deleted)
        self.log_deletions(request, self.get_queryset(request).filter(pk=pk))
        ending.remove_for_good(Connection.every.get(pk=pk))
        self.message_user(request, f"Connection {deleted} is gone with its history. The contacts stay in both apps.")
        return HttpResponseRedirect(listing(DeletedConnection))
