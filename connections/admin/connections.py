"""Connections: set up step by step, edited on one page, run by buttons."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from connections.admin import editing, ending, health, setup
from connections.admin.base import PairwiseAdmin, address, link, listing, staff
from connections.admin.editing import offered
from connections.models import Change, ConfigurationVersion, Connection, Decision, DirectionChoice, Pair, SideChoice
from connections.services import arranging, background, looking, subscribing, syncing, undoing
from connections.services.configuration import versions
from connections.services.mapping import Editor
from connections.services.rules import Editor as RuleEditor
from connections.widgets import Suggested
from syncrules.mapping import MappingError

KEYS = (("email", "email"), ("phone+name", "phone and name"), ("name+company", "name and company"))


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """`given` is set on a subclass made for the connection."""

    given: arranging.Offer
    match_keys = forms.MultipleChoiceField(
        label="known by", choices=KEYS, widget=forms.CheckboxSelectMultiple, help_text="What makes two contacts one."
    )

    class Meta:
        model = Connection
        fields = (
            "name",
            "enabled",
            "direction",
            "winner",
            "conflicts",
            "interval",
            "look_only",
            "approve_first_run",
            "approve_above",
            "restore_target",
            "delete_beats_update",
            "deletions_a_to_b",
            "deletion_label_a_to_b",
            "deletions_b_to_a",
            "deletion_label_b_to_a",
            "avoid_duplicates",
            "match_keys",
            "guard_deletes_share",
            "guard_deletes_least",
            "guard_blanks_share",
            "guard_blanks_least",
            "guard_creates_share",
            "guard_creates_least",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        a, b = self.given.a, self.given.b
        both: Any = self.fields
        both["direction"].choices = [
            (DirectionChoice.BOTH, f"{a.name} ⇄ {b.name}"),
            (DirectionChoice.A_TO_B, f"{a.name} → {b.name}"),
            (DirectionChoice.B_TO_A, f"{b.name} → {a.name}"),
        ]
        both["winner"].choices = [(SideChoice.A, a.name), (SideChoice.B, b.name)]
        both["winner"].help_text = "whose value counts where both sides changed"
        self._name_deletions("a_to_b", a, b)
        self._name_deletions("b_to_a", b, a)
        self.initial["match_keys"] = self.instance.match_keys or ["email"]
        both["interval"].min_value = 1

    def _name_deletions(self, way: str, source: arranging.SideOffer, target: arranging.SideOffer) -> None:
        policy: Any = self.fields[f"deletions_{way}"]
        policy.label = f"deleted on {source.name}"
        policy.help_text = f"what happens to the contact on {target.name}"
        if not target.capabilities.can_delete:
            policy.choices = [choice for choice in policy.choices if choice[0] != "delete"]
        label = self.fields[f"deletion_label_{way}"]
        label.label = f"label on {target.name}"
        label.widget = Suggested((name for _, name in target.labels), {"class": "vTextField"})


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in looking.State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Connection)
class ConnectionAdmin(PairwiseAdmin[Connection]):
    list_display = ("name", "tenant_link", "side_a", "side_b", "state", "last_ok_at", "due_at")
    list_filter = (StateFilter, "direction")
    list_select_related = ("tenant", "folder_a__account", "folder_b__account")
    search_fields = ("name", "tenant__name", "folder_a__account__name", "folder_b__account__name")
    ordering = ("name",)
    show_full_result_count = False
    actions = ("sync_now", "preview", "plans", "pause", "resume")
    change_form_template = "admin/pairwise/connection.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).defer("folder_a__catalogue", "folder_b__catalogue")
        rows = rows.select_related("tenant", "folder_a__account", "folder_b__account")
        return looking.with_state(rows.defer("folder_a__account__secrets", "folder_b__account__secrets"))

    @admin.display(description="tenant", ordering="tenant__name")
    def tenant_link(self, connection: Connection) -> str:
        return link(connection.tenant)

    @admin.display(description="A")
    def side_a(self, connection: Connection) -> str:
        return f"{connection.folder_a.account}: {connection.folder_a}"

    @admin.display(description="B")
    def side_b(self, connection: Connection) -> str:
        return f"{connection.folder_b.account}: {connection.folder_b}"

    @admin.display(description="state", ordering="state")
    def state(self, connection: Any) -> SafeString:
        state = looking.State(connection.state)
        return format_html('<span class="pw-state pw-{}">{}</span>', state.value, state.label)

    # ---- setting up and editing

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)  # answers as Django does
        return setup.view(self, request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        connection = self.get_object(request, object_id)
        context: dict[str, Any] = dict(extra_context or {})
        if connection is not None:
            if request.method == "GET":
                for problem in arranging.refresh(connection):
                    self.message_user(request, problem, messages.WARNING)
            context |= self._context(request, connection)
        context["show_save_and_add_another"] = False
        return super().change_view(request, object_id, form_url, context)

    def _context(self, request: HttpRequest, connection: Connection) -> dict[str, Any]:
        given = offered(request, connection)
        return {
            "connection": connection,
            "given": given,
            "sides": [(given.a.name, connection.folder_a), (given.b.name, connection.folder_b)],
            "mapping": Editor(connection, given).overview(),
            "mapping_url": address(connection, "mappings"),
            "ways": RuleEditor(connection, given).overview(),
            "rules_url": address(connection, "rules"),
            "state": looking.State(connection.state),  # type: ignore[attr-defined]
            "runs": looking.latest_runs(connection),
            "news": dict.fromkeys(source.text for source in subscribing.sources(connection)),
            "may_act": self.may_act(request),
            "may_stop": request.user.has_perm("connections.add_stop"),
            "pairs_url": listing(Pair, connection=connection.pk),
            "changes_url": listing(Change, connection=connection.pk),
            "decisions_url": listing(Decision, connection=connection.pk),
            "versions_url": listing(ConfigurationVersion, connection=connection.pk),
        }

    def get_form(self, request: HttpRequest, obj: Connection | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            kwargs["form"] = type("ConnectionForm", (ConnectionForm,), {"given": offered(request, obj)})
            kwargs["fields"] = ConnectionForm.Meta.fields
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        guard = [(f"guard_{kind}_share", f"guard_{kind}_least") for kind in ("deletes", "blanks", "creates")]
        return [
            (None, {"fields": (("name", "enabled"), "direction", ("winner", "conflicts"), "interval")}),
            (
                "Caution",
                {
                    "fields": ("look_only", "approve_first_run", "approve_above", *guard),
                    "classes": ("collapse",),
                    "description": "A run waits for approval when it would do more of a kind than both numbers allow.",
                },
            ),
            ("Who is who", {"fields": ("avoid_duplicates", "match_keys"), "classes": ("collapse",)}),
            (
                "Deletions and edits on the target",
                {
                    "fields": (
                        ("deletions_a_to_b", "deletion_label_a_to_b"),
                        ("deletions_b_to_a", "deletion_label_b_to_a"),
                        "delete_beats_update",
                        "restore_target",
                    ),
                    "classes": ("collapse",),
                },
            ),
        ]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if form.has_changed() or any(formset.has_changed() for formset in formsets):
            arranging.configured(form.instance)
            if form.instance.first_run_done:
                self.message_user(request, arranging.goes_live(form.instance))

    def has_delete_permission(self, request: HttpRequest, obj: Connection | None = None) -> bool:
        """One at a time."""
        return obj is not None and super().has_delete_permission(request, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        connection = self.get_object(request, object_id)
        if connection is None or not self.has_delete_permission(request, connection):
            raise PermissionDenied
        return ending.view(self, request, connection)

    # ---- buttons

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponseBase], str]]:
        return (
            ("sync", self.sync_view, "sync"),
            ("plan", self.plan_view, "plan"),
            ("pause", self.pause_view, "pause"),
            ("resume", self.resume_view, "resume"),
            ("progress", self.progress_view, "progress"),
            ("undo-since", self.undo_since_view, "undo_since"),
            ("ask-again", self.ask_again_view, "ask_again"),
            *editing.pages(self),
            ("copy-mappings", self.copy_mappings_view, "copy_mappings"),
            ("default-mappings", self.default_mappings_view, "default_mappings"),
            ("health", partial(health.overview, self), "health"),
            ("review", partial(health.review, self), "review"),
            ("retry-cause", partial(health.retry_cause, self), "retry_cause"),
            ("keep-as-template", self.keep_as_template_view, "keep_as_template"),
        )

    def sync_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        connection = self.button(request, pk)
        reason = syncing.why_not(connection)
        if reason:
            return self.back(request, connection, reason, messages.ERROR)
        after = looking.newest_run_id(connection)
        syncing.wake(connection.pk)
        return HttpResponseRedirect(f"{address(connection, 'progress')}?after={after}")

    def plan_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        connection = self.button(request, pk)
        after = looking.newest_run_id(connection)
        background.start_plan(connection)
        return HttpResponseRedirect(f"{address(connection, 'progress')}?after={after}")

    def pause_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        connection = self.button(request, pk)
        reason = request.POST.get("reason", "").strip()
        if not reason:
            return self.back(request, connection, "Say why the connection is paused.", messages.ERROR)
        syncing.pause(connection, reason, by=staff(request))
        return self.back(request, connection, f"Connection {connection} is paused.")

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        connection = self.button(request, pk)
        syncing.resume(connection)
        return self.back(request, connection, f"Connection {connection} goes on.")

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Waits for a worker to begin, then leads to the run."""
        connection = self.row(request, pk)
        after = request.GET.get("after", "")
        run = looking.newer_run(connection, int(after) if after.isdigit() else 0)
        if run is not None:
            return HttpResponseRedirect(address(run))
        return self.page(request, "waiting", f"{connection}: waiting for a worker", original=connection)

    def undo_since_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """First the plan of it, as with every undo."""
        connection = self.button(request, pk)
        after = looking.newest_run_id(connection)
        try:
            background.start_undo_since(connection, undoing.moment_of(request.POST.get("since", "")))
        except (ValueError, undoing.NothingToUndo) as reason:
            return self.back(request, connection, str(reason), messages.ERROR)
        return HttpResponseRedirect(f"{address(connection, 'progress')}?after={after}")

    def ask_again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        connection = self.button(request, pk)
        arranging.forget_answers(connection)
        return self.back(request, connection)

    def copy_mappings_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        connection = self.button(request, pk)
        try:
            count = arranging.copy_default_mappings(connection)
        except MappingError as error:
            return self.back(request, connection, str(error), messages.ERROR)
        return self.back(request, connection, f"{count} lines are yours to edit now.")

    def default_mappings_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        connection = self.button(request, pk)
        arranging.use_default_mappings(connection)
        return self.back(request, connection, "What means the same on both sides is mapped again.")

    def keep_as_template_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        connection = self.button(request, pk)
        try:
            kept = versions.keep_as_template(
                connection, request.POST.get("name", "").strip(), "for_all" in request.POST
            )
        except ValidationError as error:
            return self.back(request, connection, " ".join(error.messages), messages.ERROR)
        return self.back(request, connection, f"Kept as template “{kept}”: new connections can begin with it.")

    # ---- actions of the list

    @admin.action(description="Sync now", permissions=["act"])
    def sync_now(self, request: HttpRequest, queryset: Any) -> None:
        for connection in queryset:
            reason = syncing.why_not(connection)
            if reason:
                self.message_user(request, reason, messages.ERROR)
            else:
                syncing.wake(connection.pk)
                self.message_user(request, f"Connection {connection} runs as soon as a worker is free.")

    @admin.action(description="Preview", permissions=["act"])
    def preview(self, request: HttpRequest, queryset: Any) -> None:
        for connection in queryset:
            background.start_plan(connection)
        self.message_user(request, "The plans are made as soon as workers are free; they stand among the runs.")

    @admin.action(description="Open plans together", permissions=["act"])
    def plans(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        chosen = urlencode([("connection", pk) for pk in queryset.values_list("pk", flat=True)])
        return HttpResponseRedirect(f"{reverse('admin:connections_run_plans')}?{chosen}")

    @admin.action(description="Pause…", permissions=["act"])
    def pause(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        reason = request.POST.get("reason", "").strip()
        if "apply" in request.POST and reason:
            for connection in queryset:
                syncing.pause(connection, reason, by=staff(request))
            self.message_user(request, f"Paused: {', '.join(map(str, queryset))}.")
            return None
        return self.page(request, "pause", "Pause connections", rows=queryset, action="pause")

    @admin.action(description="Resume", permissions=["act"])
    def resume(self, request: HttpRequest, queryset: Any) -> None:
        for connection in queryset:
            syncing.resume(connection)
        self.message_user(request, f"Going on: {', '.join(map(str, queryset))}.")
