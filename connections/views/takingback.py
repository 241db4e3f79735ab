"""Taking back what was written: a contact, a change, a run, or everything since a moment."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from connections.engine.halts import Stopped
from connections.languages import number
from connections.models import Connection, Membership, Run, RunKind, RunState
from connections.services import looking, planchoices, takingback, undoing
from connections.services.undoing import NothingToUndo
from connections.views.scope import connected


@require_http_methods(["GET", "HEAD", "POST"])
@connected(acts=True)
def begin(request: HttpRequest, membership: Membership, connection: Connection) -> HttpResponseBase:
    """Asked for: a worker plans it. Read: waits for that plan, which was made `after` a run."""
    where = reverse("connection-undo", args=[membership.tenant.slug, connection.pk])
    if request.method == "POST":
        newest = looking.newest_run_id(connection)
        try:
            takingback.plan(connection, request.POST.dict())
        except (NothingToUndo, Stopped, ValueError) as reason:
            messages.error(request, str(reason))
            return redirect("connection-history", membership.tenant.slug, connection.pk)
        return redirect(f"{where}?after={newest}")
    after = request.GET.get("after", "")
    run = takingback.newest_plan(connection, int(after)) if after.isdecimal() and len(after) < 18 else None
    if run is not None and run.state != RunState.RUNNING:
        return redirect("connection-take-back", membership.tenant.slug, connection.pk, run.pk)
    if not after:
        return redirect("connection-history", membership.tenant.slug, connection.pk)
    context = {"tenant": membership.tenant, "connection": connection, "waits": True}
    return render(request, "people/takeback.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@connected(acts=True)
def plan(request: HttpRequest, membership: Membership, connection: Connection, run: int) -> HttpResponseBase:
    row = Run.objects.filter(pk=run, connection=connection, kind=RunKind.UNDO, preview=True).first()
    if row is None:
        raise Http404
    row.connection = connection
    if request.method == "POST":
        return _carry_out(request, membership, row)
    context = {
        "tenant": membership.tenant,
        "connection": connection,
        "may_act": True,
        "left": list(undoing.left_alone(row)),
        "open": takingback.open_lines(row),
        **planchoices.shown({"after": request.GET.get("after", "")}, row),
    }
    return render(request, "people/takeback.html", context)


def _carry_out(request: HttpRequest, membership: Membership, run: Run) -> HttpResponseBase:
    connection, newest = run.connection, looking.newest_run_id(run.connection)
    ticked = [int(text) for text in request.POST.getlist("line") if text.isdecimal() and len(text) < 18]
    lines = ticked if request.POST.get("scope") == "ticked" else None
    try:
        count = takingback.carry_out(run, membership.user, lines)
    except (NothingToUndo, Stopped) as reason:
        messages.error(request, str(reason))
        return redirect("connection-take-back", membership.tenant.slug, connection.pk, run.pk)
    messages.success(
        request,
        gettext("%(count)s are taken back as soon as a worker is free. That can be taken back as well.")
        % {"count": number(count)},
    )
    page = reverse("connection", args=[membership.tenant.slug, connection.pk])
    return redirect(f"{page}?after={newest}")
