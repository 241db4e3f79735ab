"""Changes: the plan and the history. One row says what is written to which record, why, and what was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connections.admin.base import BigTable, ConnectionFilter, link, staff
from connections.admin.runs import plan_undo
from connections.models import Change, ChangeState, Deed, Run
from connections.models.changes import UNDOABLE
from connections.services import audit, finding, looking, planning, syncing
from connections.services.causes import in_words


class SideFilter(admin.SimpleListFilter):
    title = "side that is written"
    parameter_name = "side"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("a", "A"), ("b", "B")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(side=self.value()) if self.value() else queryset


class RunFilter(admin.SimpleListFilter):
    """Not a list of runs, which are many: it shows the run whose page led here, and the way out."""

    title = "run"
    parameter_name = "run__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, f"run {value}")] if (value := self.value()) else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(run_id=int(value)) if value.isdigit() else queryset.none()

    def has_output(self) -> bool:
        return bool(self.value())


@admin.register(Change)
class ChangeAdmin(BigTable[Change]):
    list_display = (
        "what", "connection_name", "side_name", "shown_state", "made", "done", "why", "decided_by", "reason"
    )  # fmt: skip
    list_filter = (RunFilter, ConnectionFilter, "state", "kind", SideFilter)
    list_select_related = (
        "connection__folder_a__account",
        "connection__folder_b__account",
        "decided_by",
    )
    list_columns = (
        "kind", "side", "title", "state", "made_at", "done_at", "cause", "reason", "connection__name",
        "connection__folder_a__path", "connection__folder_a__account__name",
        "connection__folder_b__path", "connection__folder_b__account__name", "decided_by__email",
    )  # fmt: skip
    ordering = ("-id",)
    search_fields = ("title",)
    search_help_text = "a part of the contact's name"
    actions = ("approve", "reject", "reject_for_good", "revert")
    change_form_template = "admin/pairwise/change.html"
    fields: ClassVar[Any] = ("what", "connection", "run", "pair", "side_name", "shown_state", "reason", "decided_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Change]:
        return super().get_queryset(request).defer("source", "keys", "before", "after", "patch")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return (finding.find_changes(queryset, search_term), False) if search_term else (queryset, False)

    @admin.display(description="change")
    def what(self, change: Change) -> str:
        return f"{change.get_kind_display()}: {change.title or 'a contact without a name'}"

    @admin.display(description="connection")
    def connection_name(self, change: Change) -> SafeString | str:
        return link(change.connection)

    @admin.display(description="written to")
    def side_name(self, change: Change) -> str:
        return looking.side_names(change.connection)[change.side]

    @admin.display(description="state")
    def shown_state(self, change: Change) -> SafeString:
        return format_html('<span class="pw-state pw-{}">{}</span>', change.state, change.get_state_display())

    @admin.display(description="planned")
    def made(self, change: Change) -> Any:
        return looking.moment(change.made_at)

    @admin.display(description="done")
    def done(self, change: Change) -> Any:
        return looking.moment(change.done_at)

    @admin.display(description="why")
    def why(self, change: Change) -> str:
        causes = [*change.why.get("mappings", ()), *change.why.get("rules", ())]
        names = looking.side_names(change.connection)
        return ", ".join(in_words(cause, names) for cause in causes[:2]) + (" …" if len(causes) > 2 else "")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        change = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if change is not None:
            audit.note(Deed.OPENED, connection=change.connection, detail=f"change {change.pk}")
            context |= {
                "change_row": change,
                "story": looking.change_story(change),
                "may_act": self.may_act(request),
                "proposed": change.state == ChangeState.PROPOSED,
                "can_undo": change.state == ChangeState.DONE and change.kind in UNDOABLE,
            }
        return super().change_view(request, object_id, form_url, context)

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponse], str]]:
        return (
            ("approve", self.approve_view, "approve"),
            ("reject", self.reject_view, "reject"),
            ("undo", self.undo_view, "undo"),
        )

    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        change = self.button(request, pk)
        count = self._approve(request, Change.objects.filter(pk=pk))
        return self.back(request, change, "Approved." if count else "This line is not open any more.")

    def reject_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        change = self.button(request, pk)
        count = self._reject(request, Change.objects.filter(pk=pk), request.POST.get("for_good") == "yes")
        return self.back(request, change, "Rejected." if count else "This line is not open any more.")

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return plan_undo(self, request, self.button(request, pk))

    @admin.action(description="Approve", permissions=["act"])
    def approve(self, request: HttpRequest, queryset: Any) -> None:
        self.message_user(request, f"{self._approve(request, queryset)} approved.")

    @admin.action(description="Reject until a side changes", permissions=["act"])
    def reject(self, request: HttpRequest, queryset: Any) -> None:
        self.message_user(request, f"{self._reject(request, queryset, False)} rejected.")

    @admin.action(description="Reject for good", permissions=["act"])
    def reject_for_good(self, request: HttpRequest, queryset: Any) -> None:
        self.message_user(request, f"{self._reject(request, queryset, True)} rejected for good.")

    @admin.action(description="Revert a rejection", permissions=["act"])
    def revert(self, request: HttpRequest, queryset: Any) -> None:
        count = planning.forget_rejections(list(queryset.values_list("id", flat=True)))
        self.message_user(request, f"{count} may be proposed again.")

    def _approve(self, request: HttpRequest, changes: Any) -> int:
        by = staff(request)
        return sum([syncing.approve(run, change_ids=ids, by=by) for run, ids in _by_run(changes)])

    def _reject(self, request: HttpRequest, changes: Any, for_good: bool) -> int:
        by = staff(request)
        return sum([syncing.reject(run, change_ids=ids, for_good=for_good, by=by) for run, ids in _by_run(changes)])


def _by_run(rows: QuerySet[Change]) -> list[tuple[Run, list[int]]]:
    ids: dict[int | None, list[int]] = {}
    for run_id, pk in rows.order_by().values_list("run_id", "id"):
        ids.setdefault(run_id, []).append(pk)
    return [(run, ids[run.pk]) for run in Run.objects.filter(pk__in=[pk for pk in ids if pk])]
