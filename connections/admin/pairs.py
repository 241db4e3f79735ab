from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connections.admin import forgetting
from connections.admin.base import BigTable, ConnectionFilter, EngineOwned, address, link, listing, staff
from connections.admin.runs import plan_undo
from connections.models import Change, Decision, Deed, Item, Pair
from connections.services import audit, deciding, explaining, finding, looking, merging, neighbours, syncing
from connectors.base import ConnectorError


class NotesFilter(admin.SimpleListFilter):
    """Pairs of which something is to know: a value left out, or a name that only a person can put right."""

    title = "to know"
    parameter_name = "notes"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("some", "something to look at")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(warnings="[]") if self.value() == "some" else queryset


@admin.register(Pair)
class PairAdmin(BigTable[Pair]):
    list_display = ("name", "connection_link", "shown_health", "reason", "on_a", "on_b")
    list_filter = (ConnectionFilter, "health", NotesFilter)
    list_select_related = ("connection",)
    list_columns = ("title", "health", "reason", "item_a", "item_b", "connection__name")
    search_fields = ("title",)
    search_help_text = "a part of the name, or a whole email address"
    actions = ("retry",)
    change_form_template = "admin/pairwise/pair.html"
    fields: ClassVar[Any] = ("name", "connection", "shown_health", "reason")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Each order that is offered has an index below it."""
        narrowed = request.GET.get("health__exact") or request.GET.get(NotesFilter.parameter_name)
        if request.GET.get(ConnectionFilter.parameter_name) and not narrowed:
            return ("title", "id")
        return ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pair]:
        return super().get_queryset(request).defer("base_a", "base_b", "refused", "rounds")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return (finding.find_pairs(queryset, search_term) if search_term else queryset), False

    @admin.display(description="contact")
    def name(self, pair: Pair) -> str:
        return pair.title or "without a name"

    @admin.display(description="connection")
    def connection_link(self, pair: Pair) -> SafeString | str:
        return link(pair.connection)

    @admin.display(description="health")
    def shown_health(self, pair: Pair) -> SafeString:
        return format_html('<span class="pw-state pw-{}">{}</span>', pair.health, pair.get_health_display())

    @admin.display(description="on A", boolean=True)
    def on_a(self, pair: Pair) -> bool:
        return pair.item_a_id is not None

    @admin.display(description="on B", boolean=True)
    def on_b(self, pair: Pair) -> bool:
        return pair.item_b_id is not None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        pair = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if pair is not None:
            audit.note(Deed.OPENED, connection=pair.connection, detail=f"contact {pair.pk}")
            context |= {
                "pair": pair,
                "story": looking.pair_story(pair),
                "may_act": self.may_act(request),
                "may_forget": forgetting.may_forget(request),
                "both": pair.item_a_id is not None and pair.item_b_id is not None,
                "elsewhere": neighbours.elsewhere(pair),
                "contradictions": neighbours.contradictions(pair.connection),
                "link_text": request.GET.get("link", "")[:100],
                "twins": merging.twins(pair),
                "linkable": neighbours.linkable(pair, request.GET.get("link", "")[:100]),
                "half": (pair.item_a_id is None) != (pair.item_b_id is None),
                "changes_url": listing(Change, pair__id__exact=pair.pk),
            }
        return super().change_view(request, object_id, form_url, context)

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponse], str]]:
        return (
            ("retry", self.retry_view, "retry"),
            ("decide", self.decide_view, "decide"),
            ("resolve", self.resolve_view, "resolve"),
            ("merge", self.merge_view, "merge"),
            ("undo", self.undo_view, "undo"),
            ("forget", self.forget_view, "forget"),
            ("explain", self.explain_view, "explain"),
        )

    def retry_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        pair = self.button(request, pk)
        syncing.retry(pair.connection, [pair.pk])
        return self.back(request, pair, f"{pair} is tried again as soon as a worker is free.")

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        pair = self.button(request, pk)
        try:
            told = deciding.decide_as_said(
                pair,
                request.POST.get("verdict", ""),
                request.POST.get("other", ""),
                staff(request),
            )
        except deciding.CannotDecide as reason:
            return self.back(request, pair, str(reason), messages.ERROR)
        if request.POST.get("next") == "review":
            self.message_user(request, f"{pair}: {told}")
            return HttpResponseRedirect(address(pair.connection, "review"))
        return self.back(request, pair, told)

    def resolve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        pair = self.button(request, pk)
        try:
            deciding.resolve(pair, request.POST.get("mapping", ""), request.POST.get("side", ""))
        except (deciding.CannotDecide, ValueError) as reason:
            return self.back(request, pair, str(reason), messages.ERROR)
        return self.back(request, pair, "Decided. The value is written in the next run.")

    def merge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        pair = self.button(request, pk)
        if not request.POST.get("sure"):
            return self.back(
                request, pair, "Nothing was merged: tick that you know it cannot be taken back.", messages.ERROR
            )
        folders = (pair.connection.folder_a_id, pair.connection.folder_b_id)
        chosen = [request.POST.get(name, "") for name in ("winner", "loser")]
        ids = [pk for pk in chosen if pk.isdecimal() and len(pk) < 18]
        found = {str(item.pk): item for item in Item.objects.filter(pk__in=ids, folder__in=folders)}
        winner, loser = (found.get(pk) for pk in chosen)
        if winner is None or loser is None:
            return self.back(request, pair, "Choose which of the two is kept.", messages.ERROR)
        try:
            merging.merge(pair, winner, loser, by=staff(request))
        except (merging.CannotMerge, ConnectorError) as reason:
            return self.back(request, pair, str(reason), messages.ERROR)
        return self.back(
            request, pair, f"{loser} was merged into {winner}. The next run carries on with the one that is left."
        )

    def forget_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        pair = self.row(request, pk)
        return forgetting.view(self, request, pair.connection.tenant, [pair.item_a_id, pair.item_b_id])

    def explain_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        pair = self.row(request, pk)
        if not self.has_view_permission(request, pair):
            raise PermissionDenied
        return self.page(request, "explain", f"Why {pair} is as it is", pair=pair, explained=explaining.explain(pair))

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return plan_undo(self, request, self.button(request, pk))

    @admin.action(description="Try again", permissions=["act"])
    def retry(self, request: HttpRequest, queryset: Any) -> None:
        chosen: dict[int, list[int]] = {}
        connections = {}
        for pair in queryset.only("id", "connection").select_related(None).prefetch_related("connection"):
            connections[pair.connection_id] = pair.connection
            chosen.setdefault(pair.connection_id, []).append(pair.pk)
        count = sum(syncing.retry(connections[pk], ids) for pk, ids in chosen.items())
        self.message_user(request, f"{count} are tried again as soon as a worker is free.")


@admin.register(Decision)
class DecisionAdmin(EngineOwned[Decision]):
    """What people decided about contacts. Taken back by deciding anew on the pair, or by deleting it here."""

    list_display = ("__str__", "connection", "contact_a", "contact_b", "by", "at")
    list_filter = (ConnectionFilter, "verdict")
    list_select_related = ("connection", "item_a", "item_b", "by")
    show_full_result_count = False
    ordering = ("-id",)
    fields: ClassVar[Any] = ("connection", "verdict", "contact_a", "contact_b", "by", "at")

    @admin.display(description="on A")
    def contact_a(self, decision: Decision) -> SafeString | str:
        return link(decision.item_a)

    @admin.display(description="on B")
    def contact_b(self, decision: Decision) -> SafeString | str:
        return link(decision.item_b)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        rows = super().get_queryset(request)
        return rows.defer(*(f"item_{side}__{name}" for side in "ab" for name in ("values", "body", "former")))

    def has_delete_permission(self, request: HttpRequest, obj: Decision | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def delete_model(self, request: HttpRequest, obj: Decision) -> None:
        deciding.take_back(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Decision]) -> None:
        for decision in queryset.select_related("connection", "item_a", "item_b"):
            deciding.take_back(decision)
