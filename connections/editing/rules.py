"""The rules of a connection: a page with all of them and a box to try them, and a page for one rule.

Whatever would move the scope of a live connection is shown before it is saved, while it is being counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext

from connections.editing.place import Place, back, require_acting, say
from connections.editing.ruleform import RuleForm
from connections.languages import number
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


def list_view(place: Place) -> HttpResponseBase:
    connection = place.connection
    if place.request.method == "POST":
        return _change(place)
    for problem in arranging.refresh(connection) if place.may_act else ():
        say(place, problem, messages.WARNING)
    editor = Editor(connection)
    return place.page(
        "rules",
        gettext("Rules of %(connection)s") % {"connection": connection},
        ways=editor.overview(),
        notes=_notes(editor),
        rule_url=place.address("rule"),
        **_tried(connection, place.request.GET),
    )


def rule_view(place: Place) -> HttpResponseBase:
    """`rule`: the id of one that is there; `direction`: that of a new one."""
    require_acting(place)
    request, connection = place.request, place.connection
    editor = Editor(connection)
    spec = editor.find(request.GET.get("rule", ""))
    if spec is None and "rule" in request.GET:
        return back(place, "rules", gettext("This rule is not there any more."), messages.WARNING)
    given = request.GET.get("direction")
    direction = Direction.B_TO_A if given == Direction.B_TO_A else Direction.A_TO_B
    spec = spec or RuleSpec(DRAFT, "", direction)
    data = request.POST if request.method == "POST" else None
    form = RuleForm(editor.given, spec, place.address("rule_choices"), data)
    tried: dict[str, Any] = {"who": request.POST.get("who", "")}
    if data is not None and form.is_valid():
        try:
            wanted = editor.with_rule(form.wanted())
        except CannotSave as error:
            form.add_error(None, f"This cannot be saved: {str(error).rstrip('.?')}.")
        else:
            if "try" not in data:
                return _save(place, editor, wanted, f"rule “{form.wanted().name}”")
            tried = _tried(connection, data, wanted)
    names = (editor.given.a.name, editor.given.b.name)
    return place.page(
        "rule",
        gettext("Rule “%(name)s”") % {"name": spec.name} if spec.name else gettext("New rule"),
        form=form,
        ends=names if spec.direction is Direction.A_TO_B else names[::-1],
        back=place.address("rules"),
        **tried,
    )


def choices_view(place: Place) -> HttpResponse:
    """Names that begin with or hold what was typed: of labels, or of the options of a field."""
    require_acting(place)
    asked = place.request.GET
    side = arranging.offer(place.connection).side(asked.get("side", ""))
    typed = asked.get("typed", "").casefold()
    names = [name for name in _names(side, asked.get("subject", "")) if typed in name.casefold()]
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
        return {"who": who, "found": [], "cannot": gettext("Nothing can be tried: %(error)s.") % {"error": error}}
    return {"who": who, "found": found[: explaining.MOST], "more": len(found) > explaining.MOST, "tried": tried}


def _notes(editor: Editor) -> list[str]:
    try:
        return editor.notes()
    except MappingError as error:
        return [gettext("The mapping cannot be used: %(error)s.") % {"error": error}]


# ---- changing


def _change(place: Place) -> HttpResponseBase:
    require_acting(place)
    given, editor = place.request.POST, Editor(place.connection)
    rule = given.get("rule", "")
    spec = editor.find(rule)
    if spec is None:
        return back(place, "rules", gettext("This rule is not there any more."), messages.WARNING)
    try:
        if "remove" in given:
            wanted, note = editor.without(rule), f"rule “{spec.name}” removed"
        elif "up" in given:
            wanted, note = editor.moved_up(rule), f"rule “{spec.name}” moved up"
        else:
            wanted, note = editor.switched(rule), f"rule “{spec.name}” switched {'off' if spec.enabled else 'on'}"
    except CannotSave as error:
        return back(place, "rules", gettext("Nothing is changed: %(error)s.") % {"error": error}, messages.ERROR)
    return _save(place, editor, wanted, note)


def _save(place: Place, editor: Editor, wanted: Sequence[RuleSpec], note: str) -> HttpResponseBase:
    """At once, or after it was shown who would come in and who would leave; `confirmed` is the configuration that this
    was shown for."""
    connection = place.connection
    seen = str(connection.config_version)
    if connection.first_run_done and editor.moves_scope(wanted) and place.request.POST.get("confirmed") != seen:
        return _scope(place, wanted, note)
    editor.save(wanted, note)
    return back(place, "rules", gettext("Saved: %(note)s.") % {"note": note})


def _scope(place: Place, wanted: Sequence[RuleSpec], note: str) -> HttpResponseBase:
    again = [(name, value) for name, values in place.request.POST.lists() for value in values if _is_ours(name)]
    page = place.page(
        "rule_scope",
        gettext("Who would come in, and who would leave"),
        note=note,
        again=again,
        marker=HERE,
        back=place.address("rules"),
    )
    head, _, foot = page.rendered_content.partition(HERE)

    def parts() -> Iterator[str]:
        yield head
        try:
            yield from _counted(scoping.preview(place.connection, wanted))
        except MappingError as error:
            yield format_html(
                '<p class="pw-problem">{}</p>', gettext("This cannot be counted: %(error)s.") % {"error": error}
            )
        yield foot

    return StreamingHttpResponse(parts())


def _is_ours(name: str) -> bool:
    return name not in ("csrfmiddlewaretoken", "confirmed")


def _counted(scopes: Iterator[scoping.Scope]) -> Iterator[str]:
    scope = None
    yield '<ul class="pw-list">'
    for place, scope in enumerate(scopes):
        for enters, name in scope.new_samples:
            yield format_html(
                "<li>{}: {}</li>",
                gettext("comes in") if enters else gettext("leaves"),
                name or gettext("without a name"),
            )
        if scope.looked_at < scope.total and place % SHOWN_EVERY == 0:
            yield format_html(
                '<li class="pw-quiet">{}</li>',
                gettext("%(looked_at)s of %(total)s looked at …")
                % {"looked_at": number(scope.looked_at), "total": number(scope.total)},
            )
    yield "</ul>"
    if scope is not None:
        yield format_html('<p class="pw-message"><strong>{}</strong></p>', scope.sentence)
