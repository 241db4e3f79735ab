"""The rules of a connection: a page with all of them and a box to try them, and a page for one rule.

Whatever would move the scope of a live connection is shown before it is saved, while it is being counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.utils.html import format_html

from connections.admin.base import PairwiseAdmin, address
from connections.admin.ruleform import RuleForm
from connections.models import Connection, Pair
from connections.services import arranging, explaining, scoping, trying
from connections.services.arranging import SideOffer
from connections.services.rules import DRAFT, CannotSave, Editor
from syncrules.conditions import shown_value
from syncrules.mapping import MappingError
from syncrules.specs import Direction, RuleSpec

HERE = "<!-- the scope comes here -->"
SUGGESTED = 30  # names of labels or options that are suggested at a time
SHOWN_EVERY = 5  # portions between two lines about how far the counting is


def list_view(owner: PairwiseAdmin[Connection], request: HttpRequest, pk: int) -> HttpResponseBase:
    connection = _connection(owner, request, pk)
    if request.method == "POST":
        return _change(owner, request, connection)
    for problem in arranging.refresh(connection):
        owner.message_user(request, problem, messages.WARNING)
    editor = Editor(connection)
    return owner.page(
        request,
        "rules",
        f"Rules of {connection}",
        original=connection,
        ways=editor.overview(),
        notes=_notes(editor),
        rule_url=address(connection, "rule"),
        may_act=owner.may_act(request),
        **_tried(connection, request.GET),
    )


def rule_view(owner: PairwiseAdmin[Connection], request: HttpRequest, pk: int) -> HttpResponseBase:
    """`rule`: the id of one that is there; `direction`: that of a new one."""
    connection = _connection(owner, request, pk)
    if not owner.may_act(request):
        raise PermissionDenied
    editor = Editor(connection)
    spec = editor.find(request.GET.get("rule", ""))
    if spec is None and "rule" in request.GET:
        owner.message_user(request, "This rule is not there any more.", messages.WARNING)
        return HttpResponseRedirect(address(connection, "rules"))
    given = request.GET.get("direction")
    direction = Direction.B_TO_A if given == Direction.B_TO_A else Direction.A_TO_B
    spec = spec or RuleSpec(DRAFT, "", direction)
    data = request.POST if request.method == "POST" else None
    form = RuleForm(editor.given, spec, address(connection, "rule_choices"), data)
    tried: dict[str, Any] = {"who": request.POST.get("who", "")}
    if data is not None and form.is_valid():
        try:
            wanted = editor.with_rule(form.wanted())
        except CannotSave as error:
            form.add_error(None, f"This cannot be saved: {str(error).rstrip('.?')}.")
        else:
            if "try" not in data:
                return _save(owner, request, connection, editor, wanted, f"rule “{form.wanted().name}”")
            tried = _tried(connection, data, wanted)
    names = (editor.given.a.name, editor.given.b.name)
    return owner.page(
        request,
        "rule",
        f"Rule “{spec.name}”" if spec.name else "New rule",
        original=connection,
        form=form,
        ends=names if spec.direction is Direction.A_TO_B else names[::-1],
        back=address(connection, "rules"),
        **tried,
    )


def choices_view(owner: PairwiseAdmin[Connection], request: HttpRequest, pk: int) -> HttpResponse:
    """Names that begin with or hold what was typed: of labels, or of the options of a field."""
    connection = _connection(owner, request, pk)
    side = arranging.offer(connection).side(request.GET.get("side", ""))
    typed = request.GET.get("typed", "").casefold()
    names = [name for name in _names(side, request.GET.get("subject", "")) if typed in name.casefold()]
    names.sort(key=lambda name: (not name.casefold().startswith(typed), name.casefold()))
    return JsonResponse({"names": names[:SUGGESTED]})


def _names(side: SideOffer, subject: str) -> list[str]:
    kind, _, key = subject.partition(":")
    if not key:
        return [name for _, name in side.labels] if "label" in kind else []
    known = side.catalogue.by_key.get(key)
    if known is None:
        return []
    return ["yes", "no"] if known.type == "boolean" else [shown_value(option, known) for option, _ in known.options]


# ---- trying


def _tried(connection: Connection, asked: Any, rules: Sequence[RuleSpec] | None = None) -> dict[str, Any]:
    """What a page says about the contact that was asked for, by `pair` or by anything that finds it."""
    who = asked.get("who", "").strip()
    chosen = asked.get("pair", "")
    if not who and not chosen.isdigit():
        return {"who": who}
    rows = Pair.objects.filter(connection=connection)
    found = list(rows.filter(pk=int(chosen))) if chosen.isdigit() else explaining.find(connection, who)
    try:
        tried = trying.try_contact(connection, found[0], rules) if len(found) == 1 else None
    except MappingError as error:
        return {"who": who, "found": [], "cannot": f"Nothing can be tried: {error}."}
    return {"who": who, "found": found[: explaining.MOST], "more": len(found) > explaining.MOST, "tried": tried}


def _notes(editor: Editor) -> list[str]:
    try:
        return editor.notes()
    except MappingError as error:
        return [f"The mapping cannot be used: {error}."]


# ---- changing


def _change(owner: PairwiseAdmin[Connection], request: HttpRequest, connection: Connection) -> HttpResponseBase:
    if not owner.may_act(request):
        raise PermissionDenied
    editor = Editor(connection)
    rule = request.POST.get("rule", "")
    spec = editor.find(rule)
    if spec is None:
        return _back(owner, request, connection, "This rule is not there any more.", messages.WARNING)
    try:
        if "remove" in request.POST:
            wanted, note = editor.without(rule), f"rule “{spec.name}” removed"
        elif "up" in request.POST:
            wanted, note = editor.moved_up(rule), f"rule “{spec.name}” moved up"
        else:
            wanted, note = editor.switched(rule), f"rule “{spec.name}” switched {'off' if spec.enabled else 'on'}"
    except CannotSave as error:
        return _back(owner, request, connection, f"Nothing is changed: {error}.", messages.ERROR)
    return _save(owner, request, connection, editor, wanted, note)


def _save(
    owner: PairwiseAdmin[Connection],
    request: HttpRequest,
    connection: Connection,
    editor: Editor,
    wanted: Sequence[RuleSpec],
    note: str,
) -> HttpResponseBase:
    """At once, or after it was shown who would come in and who would leave; `confirmed` is the configuration that this
    was shown for."""
    seen = str(connection.config_version)
    if connection.first_run_done and editor.moves_scope(wanted) and request.POST.get("confirmed") != seen:
        return _scope(owner, request, connection, wanted, note)
    editor.save(wanted, note)
    return _back(owner, request, connection, f"Saved: {note}.")


def _scope(
    owner: PairwiseAdmin[Connection],
    request: HttpRequest,
    connection: Connection,
    wanted: Sequence[RuleSpec],
    note: str,
) -> HttpResponseBase:
    again = [(name, value) for name, values in request.POST.lists() for value in values if _is_ours(name)]
    page = owner.page(
        request,
        "rule_scope",
        "Who would come in, and who would leave",
        original=connection,
        note=note,
        again=again,
        marker=HERE,
        back=address(connection, "rules"),
    )
    head, _, foot = page.rendered_content.partition(HERE)

    def parts() -> Iterator[str]:
        yield head
        try:
            yield from _counted(scoping.preview(connection, wanted))
        except MappingError as error:
            yield format_html('<p class="pw-problem">{}</p>', f"This cannot be counted: {error}.")
        yield foot

    return StreamingHttpResponse(parts())


def _is_ours(name: str) -> bool:
    return name not in ("csrfmiddlewaretoken", "confirmed")


def _counted(scopes: Iterator[scoping.Scope]) -> Iterator[str]:
    scope = None
    yield '<ul class="pw-list">'
    for number, scope in enumerate(scopes):
        for enters, name in scope.new_samples:
            yield format_html("<li>{}: {}</li>", "comes in" if enters else "leaves", name or "without a name")
        if scope.looked_at < scope.total and number % SHOWN_EVERY == 0:
            yield format_html('<li class="pw-quiet">{}</li>', f"{scope.looked_at:,} of {scope.total:,} looked at …")
    yield "</ul>"
    if scope is not None:
        told = f"Of {scope.looked_at:,} contacts {scope.entering:,} would come in and {scope.leaving:,} would leave."
        yield format_html('<p class="pw-message"><strong>{}</strong></p>', told)


def _back(
    owner: PairwiseAdmin[Connection],
    request: HttpRequest,
    connection: Connection,
    message: str,
    level: int = messages.SUCCESS,
) -> HttpResponse:
    owner.message_user(request, message, level)
    return HttpResponseRedirect(address(connection, "rules"))


def _connection(owner: PairwiseAdmin[Connection], request: HttpRequest, pk: int) -> Connection:
    connection = owner.row(request, pk)
    if not owner.has_view_permission(request, connection):
        raise PermissionDenied
    return connection
