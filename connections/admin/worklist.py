"""The work list: all that waits for a person, a cause a line, and who sees to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from connections.admin import base
from connections.models import Handling, Run, User
from connections.services import handling, worklist
from connections.services.worklist import Kind, Line, Wanted
from connectors import registry

PAGE = 50
MAY_SEE = {
    Kind.HELD: "view_run",
    Kind.PLAN: "view_run",
    Kind.RUNS: "view_run",
    Kind.ACCOUNT: "view_account",
    Kind.REVIEW: "view_pair",
    Kind.FAILURES: "view_pair",
}
WHO = {"mine": "mine", "nobody": "nobody's"}
FILTERS = ("tenant", "app", "kind", "who", "snoozed")


class HandlingForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Handling
        fields = ("assignee", "note", "ticket", "snoozed_until")
        widgets = {
            "note": forms.Textarea({"rows": 4, "class": "vLargeTextField"}),
            "ticket": forms.TextInput({"class": "vTextField", "inputmode": "url"}),
            "snoozed_until": forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["assignee"]
        chosen.queryset = User.objects.filter(is_staff=True, is_active=True).order_by("email")

    def clean_snoozed_until(self) -> Any:
        until = self.cleaned_data["snoozed_until"]
        if until is not None and until <= timezone.localdate() and "snoozed_until" in self.changed_data:
            raise forms.ValidationError("Choose a day that is still to come.")
        return until


def listed(request: HttpRequest) -> HttpResponse:
    wanted = _wanted(request)
    every = _lines(request)
    some = [line for line in every if wanted.fits(line, base.staff(request).pk, timezone.localdate())]
    groups = Paginator(worklist.groups(some), PAGE).get_page(request.GET.get("page"))
    opened = next((group for group in groups if group.first.group == request.GET.get("cause")), None)
    members = Paginator(opened.lines if opened else [], PAGE).get_page(request.GET.get("members"))
    return base.page(
        request,
        "work",
        "Work list",
        wanted=wanted,
        groups=groups,
        shown=[(group, group.first, _address(group.first)) for group in groups],
        opened=opened,
        members=members,
        rows=[(line, _address(line)) for line in members],
        count=len(some),
        query=_query(request),
        apps=sorted(registry.apps().values(), key=lambda app: app.name),
        kinds=Kind.choices,
        who=WHO.items(),
        may_act=request.user.has_perm("connections.change_handling"),
    )


def handle(request: HttpRequest) -> HttpResponse:
    """One matter by `key`, or all that have a `cause` in common and pass the filters."""
    if not request.user.has_perm("connections.change_handling"):
        raise PermissionDenied
    every = _lines(request)
    back = f"{reverse('admin:work')}?{_query(request)}"
    seen = _seen(request.POST.get("seen", "")) if request.method == "POST" else {}
    some = [line for line in every if line.key in seen] if request.method == "POST" else _asked(request, every)
    if not some:
        messages.info(request, "That is settled meanwhile.")
        return HttpResponseRedirect(back)
    form = HandlingForm(request.POST or None, initial=_initial(some))
    if request.method == "POST" and form.is_valid():
        try:
            handling.handle(some, seen, _values(request, form, len(some) > 1), base.staff(request))
        except handling.Overtaken as reason:
            form.add_error(None, str(reason))
            some, seen = [line for line in _lines(request) if line.key in seen] or some, {}
        else:
            told = f"Noted for {some[0].about}." if len(some) == 1 else f"Noted for all {len(some):,}."
            messages.success(request, told)
            return HttpResponseRedirect(back)
    versions = seen or {line.key: line.version for line in some}
    what = str(some[0].about) if len(some) == 1 else f"{len(some):,} of one cause"
    context = {"form": form, "lines": some, "first": some[0], "seen": json.dumps(versions), "back": back}
    return base.page(request, "handle", f"See to {what}", **context)


def _lines(request: HttpRequest) -> list[Line]:
    """All that this member of staff may see."""
    if not request.user.has_perm("connections.view_handling"):
        raise PermissionDenied
    kinds = {kind for kind, name in MAY_SEE.items() if request.user.has_perm(f"connections.{name}")}
    return [line for line in worklist.lines(lambda rows: base.visible(rows, request)) if line.kind in kinds]


def _wanted(request: HttpRequest) -> Wanted:
    given = {name: request.GET.get(name, "").strip()[:100] for name in FILTERS}
    return Wanted(given["tenant"], given["app"], given["kind"], given["who"], bool(given["snoozed"]))


def _query(request: HttpRequest) -> str:
    """The filters alone, to be kept in links."""
    query = request.GET.copy()
    for name in set(query) - set(FILTERS):
        del query[name]
    return query.urlencode()


def _asked(request: HttpRequest, every: Sequence[Line]) -> list[Line]:
    if key := request.GET.get("key"):
        return [line for line in every if line.key == key]
    wanted, cause = _wanted(request), request.GET.get("cause")
    pk, today = base.staff(request).pk, timezone.localdate()
    return [line for line in every if line.group == cause and wanted.fits(line, pk, today)]


def _initial(some: Sequence[Line]) -> dict[str, Any]:
    row = some[0].handling if len(some) == 1 else None
    return {} if row is None else {name: getattr(row, name) for name in HandlingForm.Meta.fields}


def _values(request: HttpRequest, form: HandlingForm, several: bool) -> Mapping[str, Any]:
    """Of several at once an empty field leaves to each its own."""
    values = dict(form.cleaned_data)
    if "take" in request.POST:
        values["assignee"] = base.staff(request)
    return {name: value for name, value in values.items() if value} if several else values


def _seen(text: str) -> dict[str, int]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {key: version for key, version in items if isinstance(version, int)}


def _address(line: Line) -> str:
    """Where it is settled."""
    if line.run_id:
        return base.address(Run(pk=line.run_id))
    pages = {Kind.REVIEW: "review", Kind.FAILURES: "health"}
    return base.address(line.about, pages.get(line.kind, "change"))
