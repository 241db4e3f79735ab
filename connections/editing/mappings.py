"""The mapping table of a connection: a page with all lines and what no line speaks of, and a page for one line."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext

from connections.editing.lineform import LineForm, option_labels
from connections.editing.place import Place, back, require_acting, say
from connections.models import Connection
from connections.services import arranging
from connections.services.arranging import SideOffer
from connections.services.mapping import Editor
from syncrules.mapping import MappingError
from syncrules.specs import MappingSpec, SpecError

LISTED = 100  # options of a field that the page of a line names


def table_view(place: Place) -> HttpResponse:
    connection = place.connection
    if place.request.method == "POST":
        return _switch(place)
    for problem in arranging.refresh(connection) if place.may_act else ():
        say(place, problem, messages.WARNING)
    editor = Editor(connection)
    table = editor.overview()
    return place.page(
        "mappings",
        gettext("Mapping of %(connection)s") % {"connection": connection},
        given=editor.given,
        table=table,
        sides=[(side.name, side.side, table.unmapped[side.side]) for side in (editor.given.a, editor.given.b)],
        line_url=place.address("mapping_line"),
    )


def line_view(place: Place) -> HttpResponse:
    """`line`: the fields of a line that is there; `a`, `b`: fields to begin a new one with."""
    require_acting(place)
    request, editor = place.request, Editor(place.connection)
    line = request.GET.get("line", "")
    old = editor.find(line)
    if line and old is None:
        return back(place, "mappings", gettext("This line is not there any more."), messages.WARNING)
    spec = old or MappingSpec("", tuple(request.GET.getlist("a")), tuple(request.GET.getlist("b")))
    if request.method == "POST" and "remove" in request.POST and old in editor.own:
        editor.remove(line)
        return back(place, "mappings", gettext("Line “%(name)s” is removed.") % {"name": spec.name})
    form = LineForm(editor.given, spec, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            wanted = form.wanted()
            if wanted != old:
                editor.save(wanted, instead_of=line)
        except (MappingError, SpecError) as error:
            form.add_error(None, gettext("This line cannot be saved: %(error)s.") % {"error": error})
        else:
            told = gettext("Line “%(name)s” is saved. %(follows)s") % {
                "name": wanted.name,
                "follows": _what_follows(place.connection),
            }
            return back(place, "mappings", told)
    return place.page(
        "mapping_line",
        gettext("Line “%(name)s”") % {"name": spec.name} if old else gettext("New line"),
        form=form,
        own=old in editor.own,
        options=[_options(side, keys) for side, keys in ((editor.given.a, spec.a), (editor.given.b, spec.b))],
        back=place.address("mappings"),
    )


def _switch(place: Place) -> HttpResponse:
    require_acting(place)
    try:
        changed = Editor(place.connection).switch(place.request.POST.getlist("on"))
    except MappingError as error:
        return back(place, "mappings", gettext("Nothing is changed: %(error)s.") % {"error": error}, messages.ERROR)
    told = (
        gettext("%(changed)s lines switched. %(follows)s")
        % {"changed": changed, "follows": _what_follows(place.connection)}
        if changed
        else gettext("No line was switched.")
    )
    return back(place, "mappings", told)


def _what_follows(connection: Connection) -> str:
    if not connection.first_run_done:
        return gettext("Nothing is synced yet; a preview shows what the whole mapping would do.")
    compared = gettext("Contacts in sync are now compared by what is newly mapped alone.")
    return f"{compared} {arranging.goes_live(connection)}"


def _options(side: SideOffer, keys: Any) -> dict[str, Any]:
    labels = list(option_labels(side, keys).values())
    return {"name": side.name, "labels": labels[:LISTED], "more": max(0, len(labels) - LISTED)}
