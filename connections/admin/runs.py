from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connections.admin.base import BigTable, ConnectionFilter, address, link, listing, staff
from connections.admin.planpages import decide_lines, decide_together, plan_context, plan_csv, together_context
from connections.models import Change, Run, RunKind, RunState
from connections.services import background, looking, syncing, undoing


@admin.register(Run)
class RunAdmin(BigTable[Run]):
    list_display = ("name", "connection_link", "kind", "shown_state", "did", "started_at", "ended_at", "short")
    list_filter = (ConnectionFilter, "state", "kind")
    list_select_related = ("connection",)
    list_columns = (
        "kind", "state", "preview", "started_at", "ended_at", "done_items", "total_items", "message", "counters",
        "connection__name",
    )  # fmt: skip
    ordering = ("-id",)
    change_form_template = "admin/pairwise/run.html"
    fields: ClassVar[Any] = ("connection", "kind", "shown_state", "preview", "started_at", "ended_at", "slices")

    @admin.display(description="run")
    def name(self, run: Run) -> str:
        return f"{run.pk}"

    @admin.display(description="connection")
    def connection_link(self, run: Run) -> SafeString | str:
        return link(run.connection)

    @admin.display(description="state")
    def shown_state(self, run: Run) -> SafeString:
        return format_html('<span class="pw-state pw-{}">{}</span>', run.state, run.get_state_display())

    @admin.display(description="did")
    def did(self, run: Run) -> str:
        if run.state == RunState.RUNNING and run.total_items:
            return f"{run.done_items} of {run.total_items}"
        return looking.summary(run.counters)

    @admin.display(description="message")
    def short(self, run: Run) -> str:
        return run.message if len(run.message) < 90 else f"{run.message[:88]}…"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("connection")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if run is not None:
            context |= {
                "run": run,
                "story": looking.run_story(run),
                "left": list(undoing.left_alone(run)) if run.left else [],
                "running": run.state == RunState.RUNNING,
                "undo": run.kind == RunKind.UNDO,
                "may_act": self.may_act(request),
                "changes_url": listing(Change, run__id__exact=run.pk),
            }
        return super().change_view(request, object_id, form_url, context)

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponseBase], str]]:
        return (
            ("plan", self.plan_view, "plan"),
            ("plan.csv", self.csv_view, "plan_csv"),
            ("decide", self.decide_view, "decide"),
            ("approve", self.approve_view, "approve"),
            ("reject", self.reject_view, "reject"),
            ("undo", self.undo_view, "undo"),
            ("take-back", self.take_back_view, "take_back"),
        )

    def get_urls(self) -> list[URLPattern]:
        pages = (("plans", self.plans_view), ("plans/decide", self.decide_plans_view))
        own = [
            path(f"{route}/", self.admin_site.admin_view(view), name=f"{self.url_name}_{route.replace('/', '_')}")
            for route, view in pages
        ]
        return [*own, *super().get_urls()]

    # ---- several plans together

    def plans_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = together_context(request, self.may_act(request))
        return self.page(request, "plans", "Open plans", **context)

    def decide_plans_view(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or not self.may_act(request):
            raise PermissionDenied
        for text, level in decide_together(request):
            self.message_user(request, text, level)
        return HttpResponseRedirect(reverse("admin:connections_run_plans"))

    # ---- the plan, line by line

    def plan_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self.row(request, pk)
        context = plan_context(request, run, self.may_act(request))
        return self.page(request, "plan", f"Plan of {run.connection}", **context)

    def csv_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        run = self.row(request, pk)
        return plan_csv(request, run)

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self.button(request, pk)
        message, level = decide_lines(request, run)
        self.message_user(request, message, level)
        return HttpResponseRedirect(f"{address(run, 'plan')}?{request.POST.get('view', '')}")

    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """All lines, or those of one kind."""
        run = self.button(request, pk)
        count = syncing.approve(run, kinds=request.POST.getlist("kind"), by=staff(request))
        return self.back(request, run, f"{count} approved. They are written as soon as a worker is free.")

    def reject_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self.button(request, pk)
        for_good = request.POST.get("for_good") == "yes"
        kinds = request.POST.getlist("kind")
        count = syncing.reject(run, kinds=kinds, for_good=for_good, by=staff(request))
        until = "until somebody reverts it" if for_good else "until one of their sides changes"
        return self.back(request, run, f"{count} rejected, {until}.")

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """First the plan of it: nothing is taken back before somebody has seen what that means."""
        run = self.button(request, pk)
        return plan_undo(self, request, run)

    def take_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self.button(request, pk)
        if run.kind != RunKind.UNDO or not run.preview:
            return self.back(request, run, "Look at what the undo would do first.", messages.ERROR)
        after = looking.newest_run_id(run.connection)
        if request.POST.get("only") != "approved":
            syncing.approve(run, by=staff(request))
        background.start_undo(run, preview=False)
        return HttpResponseRedirect(f"{address(run.connection, 'progress')}?after={after}")


def plan_undo(owner: Any, request: HttpRequest, what: Any) -> HttpResponse:
    """For runs, changes and pairs alike: `what` has a connection."""
    after = looking.newest_run_id(what.connection)
    try:
        background.start_undo(what, preview=True)
    except undoing.NothingToUndo as reason:
        answer: HttpResponse = owner.back(request, what, str(reason), messages.ERROR)
        return answer
    return HttpResponseRedirect(f"{address(what.connection, 'progress')}?after={after}")
