"""The mapping table of a connection: a page with all lines and what no line speaks of, and a page for one line."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from connections.admin.base import PairwiseAdmin, address
from connections.admin.picking import KeysField, field_options
from connections.models import Connection
from connections.services import arranging
from connections.services.arranging import Offer, SideOffer, labels_of, offer
from connections.services.mapping import Editor
from syncrules.mapping import MappingError
from syncrules.models import WriteMode
from syncrules.specs import Direction, MappingSpec, Side, SpecError

LISTED = 100  # options of a field that the page of a line names


class LineForm(forms.Form):
    name = forms.CharField(
        max_length=200, required=False, widget=forms.TextInput({"placeholder": "named after its fields"})
    )
    direction = forms.ChoiceField()
    mode = forms.ChoiceField(
        label="write",
        choices=WriteMode.choices,
        help_text="Overwrite: an empty field erases only what a person cleared. Fill if blank: only where the other "
        "side has nothing. Clear if empty: an empty field always clears the other side.",
    )
    winner = forms.ChoiceField(required=False, help_text="whose value counts where both sides changed")
    pattern = forms.CharField(
        max_length=200,
        required=False,
        strip=False,
        help_text="How several fields make one text, for example {0} {1} or {0}, {1}. Left out: a space between them.",
    )
    table = forms.CharField(
        label="value table",
        required=False,
        widget=forms.Textarea({"rows": 6, "cols": 50}),
    )
    enabled = forms.BooleanField(required=False, label="at work")

    def __init__(self, given: Offer, spec: MappingSpec, data: Any = None) -> None:
        super().__init__(data)
        self.given, self.spec = given, spec
        a, b = given.a.name, given.b.name
        for side, keys in ((given.a, spec.a), (given.b, spec.b)):
            self.fields[side.side] = KeysField(field_options(side.catalogue), side.name)
            self.initial[side.side] = list(keys)
        choices: Any = self.fields
        arrows = {Direction.BOTH: f"{a} ⇄ {b}", Direction.A_TO_B: f"{a} → {b}", Direction.B_TO_A: f"{a} ← {b}"}
        able = [direction for direction in Direction if data is not None or _can(direction, given, spec)]
        choices["direction"].choices = [(direction.value, arrows[direction]) for direction in able or list(Direction)]
        choices["winner"].choices = [("", "as the connection says"), ("a", a), ("b", b)]
        choices["table"].help_text = f"Options that mean the same, a line each: option of {a} = option of {b}."
        lefts, rights = _labels(given.a, spec.a), _labels(given.b, spec.b)
        direction = spec.direction if spec.direction in able else (able or [spec.direction])[0]
        self.initial.update(
            {
                "name": spec.name,
                "direction": direction.value,
                "mode": spec.mode.value,
                "winner": spec.winner or "",
                "pattern": spec.pattern,
                "enabled": spec.enabled,
                "table": "\n".join(
                    f"{lefts.get(left, left)} = {rights.get(right, right)}" for left, right in spec.values
                ),
            }
        )
        self.order_fields(["a", "b", "direction", "mode", "winner", "pattern", "table", "name", "enabled"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        a, b = cleaned.get("a"), cleaned.get("b")
        if a and b:
            lefts, rights = (set(_labels(side, keys).values()) for side, keys in ((self.given.a, a), (self.given.b, b)))
            try:
                cleaned["values"] = [
                    _couple(line, lefts, rights) for line in cleaned.get("table", "").splitlines() if line.strip()
                ]
            except ValueError as error:
                self.add_error("table", str(error))
        return cleaned

    def wanted(self) -> MappingSpec:
        """The line as it was filled in. Raises SpecError."""
        given = self.cleaned_data
        lefts, rights = (
            {label: value for value, label in _labels(side, given[side.side]).items()}
            for side in (self.given.a, self.given.b)
        )
        data = {
            "name": given["name"] or labels_of(self.given.a.catalogue, given["a"])[:200],
            "a": given["a"],
            "b": given["b"],
            "direction": given["direction"],
            "mode": given["mode"],
            "winner": given["winner"] or None,
            "pattern": given["pattern"],
            "values": [[lefts.get(left, left), rights.get(right, right)] for left, right in given["values"]],
            "enabled": given["enabled"],
        }
        return MappingSpec.from_dict(data)


def _can(direction: Direction, given: Offer, spec: MappingSpec) -> bool:
    """Whether values can flow so: into fields that can be written."""
    for side, mine, keys in ((Side.A, given.a, spec.a), (Side.B, given.b, spec.b)):
        known = [field for key in keys if (field := mine.catalogue.by_key.get(key))]
        locked = not mine.capabilities.two_way or any(field.read_only for field in known)
        if locked and direction.carries(side.other):
            return False
    return True


def _labels(side: SideOffer, keys: Any) -> dict[str, str]:
    """The options of a line's field, value to label; a label that occurs twice stands for none."""
    known = side.catalogue.by_key.get(keys[0]) if len(keys) == 1 else None
    if known is None:
        return {}
    labels = [label for _, label in known.options]
    once = {label for label in labels if label} if len(set(labels)) == len(labels) else set()
    return {value: label if label in once else value for value, label in known.options}


def _couple(line: str, lefts: set[str], rights: set[str]) -> tuple[str, str]:
    """Both sides of a line; where an option itself holds the sign, the one reading that names known options."""
    pieces = line.split("=")
    ways = [("=".join(pieces[:at]).strip(), "=".join(pieces[at:]).strip()) for at in range(1, len(pieces))]
    known = [way for way in ways if way[0] in lefts and way[1] in rights]
    found = known if len(ways) > 1 else ways
    if len(found) != 1 or not all(found[0]):
        raise ValueError(f"“{line.strip()}” is not of the form: option = option.")
    return found[0]


# ---- the pages


def table_view(owner: PairwiseAdmin[Connection], request: HttpRequest, pk: int) -> HttpResponse:
    connection = _connection(owner, request, pk)
    if request.method == "POST":
        return _switch(owner, request, connection)
    for problem in arranging.refresh(connection):
        owner.message_user(request, problem, messages.WARNING)
    editor = Editor(connection)
    sides = [(side.name, side.side, editor.overview().unmapped[side.side]) for side in (editor.given.a, editor.given.b)]
    return owner.page(
        request,
        "mappings",
        f"Mapping of {connection}",
        original=connection,
        given=editor.given,
        table=editor.overview(),
        sides=sides,
        line_url=address(connection, "mapping_line"),
        may_act=owner.may_act(request),
    )


def line_view(owner: PairwiseAdmin[Connection], request: HttpRequest, pk: int) -> HttpResponse:
    """`line`: the fields of a line that is there; `a`, `b`: fields to begin a new one with."""
    connection = _connection(owner, request, pk)
    if not owner.may_act(request):
        raise PermissionDenied
    editor = Editor(connection)
    line = request.GET.get("line", "")
    old = editor.find(line)
    if line and old is None:
        owner.message_user(request, "This line is not there any more.", messages.WARNING)
        return HttpResponseRedirect(address(connection, "mappings"))
    spec = old or MappingSpec("", tuple(request.GET.getlist("a")), tuple(request.GET.getlist("b")))
    if request.method == "POST" and "remove" in request.POST and old in editor.own:
        editor.remove(line)
        return _back(owner, request, connection, f"Line “{spec.name}” is removed.")
    form = LineForm(editor.given, spec, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            wanted = form.wanted()
            if wanted != old:
                editor.save(wanted, instead_of=line)
        except (MappingError, SpecError) as error:
            form.add_error(None, f"This line cannot be saved: {error}.")
        else:
            return _back(owner, request, connection, f"Line “{wanted.name}” is saved. {_what_follows(connection)}")
    return owner.page(
        request,
        "mapping_line",
        f"Line “{spec.name}”" if old else "New line",
        original=connection,
        form=form,
        own=old in editor.own,
        options=[_options(side, keys) for side, keys in ((editor.given.a, spec.a), (editor.given.b, spec.b))],
        back=address(connection, "mappings"),
    )


def _switch(owner: PairwiseAdmin[Connection], request: HttpRequest, connection: Connection) -> HttpResponse:
    if not owner.may_act(request):
        raise PermissionDenied
    try:
        changed = Editor(connection).switch(request.POST.getlist("on"))
    except MappingError as error:
        return _back(owner, request, connection, f"Nothing is changed: {error}.", messages.ERROR)
    told = f"{changed} lines switched. {_what_follows(connection)}" if changed else "No line was switched."
    return _back(owner, request, connection, told)


def _what_follows(connection: Connection) -> str:
    if not connection.first_run_done:
        return "Nothing is synced yet; a preview shows what the whole mapping would do."
    return f"Contacts in sync are now compared by what is newly mapped alone. {arranging.goes_live(connection)}"


def _back(
    owner: PairwiseAdmin[Connection],
    request: HttpRequest,
    connection: Connection,
    message: str,
    level: int = messages.SUCCESS,
) -> HttpResponse:
    owner.message_user(request, message, level)
    return HttpResponseRedirect(address(connection, "mappings"))


def _options(side: SideOffer, keys: Any) -> dict[str, Any]:
    labels = list(_labels(side, keys).values())
    return {"name": side.name, "labels": labels[:LISTED], "more": max(0, len(labels) - LISTED)}


def _connection(owner: PairwiseAdmin[Connection], request: HttpRequest, pk: int) -> Connection:
    connection = owner.row(request, pk)
    if not owner.has_view_permission(request, connection):
        raise PermissionDenied
    return connection


def offered(request: HttpRequest, connection: Connection) -> Offer:
    """Once per request, however many inlines ask."""
    kept: dict[int, Offer] = request.__dict__.setdefault("_offers", {})
    if connection.pk not in kept:
        kept[connection.pk] = offer(connection)
    return kept[connection.pk]
