"""The page of a connection: how it is doing, its buttons, its settings, and what it did."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections.models import ChangeState, Connection, Membership, Pair, Role, Run
from connections.models.changes import UNDOABLE
from connections.services import listing, looking, neighbours, permits, stopping, tending, wellbeing
from connections.services.status import status_of
from connections.views.scope import connected

DIRECTIONS = {"both": "{a} ⇄ {b}", "a_to_b": "{a} → {b}", "b_to_a": "{b} → {a}"}


@require_safe
@connected(contacts=False)
def page(request: HttpRequest, membership: Membership, connection: Any) -> HttpResponseBase:
    states = wellbeing.states(connection)
    run = Run.objects.filter(pk=connection.run_id).first() if connection.run_id else None
    status = status_of(connection, run, {state.health: state.count for state in states}, stopping.in_force())
    after = request.GET.get("after", "")
    waits = after.isdecimal() and len(after) < 18 and (run is None or run.pk <= int(after))
    names = looking.side_names(connection)
    context = {
        "tenant": membership.tenant,
        "connection": connection,
        "status": status,
        "states": states,
        "waits": waits and not status.is_running,
        "is_live": waits or status.is_running,
        "may_act": permits.may_run(membership, connection),
        "may_see": permits.may_see_contacts(membership, connection),
        "direction": DIRECTIONS[connection.direction].format(**names),
        "winner": names[connection.winner],
        "sides": [
            (connection.folder_a.account, connection.folder_a),
            (connection.folder_b.account, connection.folder_b),
        ],
        "news": list(dict.fromkeys(source.text for source in status.news)),
        "runs": list(looking.latest_runs(connection)),
        "lines": tending.waiting_lines(connection),
        "empty": tending.held_as_empty(connection),
        "notes": wellbeing.with_notes(connection),
        "contradictions": neighbours.contradictions(connection) if membership.role == Role.OWNER else [],
    }
    return render(request, "people/connection.html", context)


@require_POST
@connected(contacts=False)
def do(request: HttpRequest, membership: Membership, connection: Connection) -> HttpResponseBase:
    what, newest = request.POST.get("do", ""), looking.newest_run_id(connection)
    where = _address(connection)
    try:
        messages.success(request, tending.do(connection, what, membership.user, request.POST.dict()))
    except tending.CannotDo as reason:
        messages.error(request, str(reason))
        return redirect(where)
    return redirect(f"{where}?after={newest}" if what in ("sync", "recheck", "plan", "write") else where)


def _address(connection: Connection, name: str = "connection") -> str:
    return reverse(name, args=[connection.tenant.slug, connection.pk])


# ---- settings


class SettingsForm(forms.Form):
    name = forms.SlugField(max_length=100, help_text=gettext_lazy("Letters, digits and hyphens."))
    interval = forms.TypedChoiceField(label=gettext_lazy("How often both sides are looked at"), coerce=int)
    direction = forms.ChoiceField(label=gettext_lazy("Which way do contacts go?"), widget=forms.RadioSelect)
    winner = forms.ChoiceField(
        label=gettext_lazy("Both sides were changed, and differ. Which one counts?"),
        help_text=gettext_lazy("Nothing empty wins over a value; what lost is kept in the history."),
        widget=forms.RadioSelect,
    )

    def __init__(self, connection: Connection, data: Any = None) -> None:
        initial = {name: getattr(connection, name) for name in ("name", "interval", "direction", "winner")}
        super().__init__(data, initial=initial, label_suffix="")
        self.connection = connection
        names = looking.side_names(connection)
        able: Any = self.fields
        own = {connection.interval: gettext("every %(interval)s seconds") % {"interval": connection.interval}}
        able["interval"].choices = sorted({**own, **tending.INTERVALS}.items())
        able["winner"].choices = [(side, gettext("That of %(side)s") % {"side": names[side]}) for side in "ab"]
        locked = {"both": ("a", "b"), "a_to_b": ("b",), "b_to_a": ("a",)}
        able["direction"].choices = [
            (way, words.format(**names))
            for way, words in DIRECTIONS.items()
            if way == connection.direction or not any(self._is_locked(side) for side in locked[way])
        ]

    def _is_locked(self, side: str) -> bool:
        folder = self.connection.folder_a if side == "a" else self.connection.folder_b
        return folder.read_only

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        twins = Connection.objects.filter(tenant=self.connection.tenant_id, name=name).exclude(pk=self.connection.pk)
        if twins.exists():
            raise forms.ValidationError(gettext("Another connection is called so already."))
        return name


@require_http_methods(["GET", "HEAD", "POST"])
@connected(acts=True)
def settings(request: HttpRequest, membership: Membership, connection: Connection) -> HttpResponseBase:
    form = SettingsForm(connection, request.POST or None)
    if request.method == "POST" and form.is_valid():
        messages.success(request, tending.settle(connection, form.cleaned_data))
        return redirect(_address(connection))
    context = {"tenant": membership.tenant, "connection": connection, "form": form}
    return render(request, "people/settings.html", context)


# ---- what it did


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 18 else 0


@require_safe
@connected()
def history(request: HttpRequest, membership: Membership, connection: Connection) -> HttpResponseBase:
    before, run = (_number(request, name) for name in ("before", "run"))
    rows, onward = listing.history(connection, before, run)
    names = looking.side_names(connection)
    labels = {"a": looking.field_labels(connection.folder_a), "b": looking.field_labels(connection.folder_b)}
    lines = [
        (row, names[row.side], [labels[row.side].get(key, key) for key in row.fields], looking.moment(row.made_at))
        for row in rows
    ]
    may_act = permits.may_run(membership, connection)
    living = set(Pair.objects.filter(pk__in=[row.pair_id for row in rows]).values_list("pk", flat=True))
    context = {
        "tenant": membership.tenant,
        "connection": connection,
        "lines": lines,
        "onward": onward,
        "living": living,
        "run": Run.objects.filter(pk=run, connection=connection).first() if run else None,
        "undoable": {row.pk for row in rows if may_act and row.state == ChangeState.DONE and row.kind in UNDOABLE},
        "may_act": may_act,
    }
    return render(request, "people/history.html", context)
