"""The contacts of a connection: lists, one contact on both sides, and the queue of those that need a person."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections import csvfile
from connections.models import Connection, Deed, Membership, Pair
from connections.services import (
    audit,
    deciding,
    listing,
    looking,
    neighbours,
    permits,
    planchoices,
    planlines,
    reviewing,
    syncing,
    tending,
)
from connections.services.listing import Wanted
from connections.views.scope import connected


def _number(request: HttpRequest, name: str = "after") -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 18 else 0


def _wanted(request: HttpRequest, connection: Connection) -> Wanted:
    given = request.GET
    return Wanted(
        connection,
        given.get("health", "")[:20],
        given.get("reason", "")[:500],
        given.get("q", "").strip()[:100],
        given.get("notes") == "yes",
    )


def _context(membership: Membership, connection: Connection) -> dict[str, object]:
    may_act = permits.may_run(membership, connection)
    return {"tenant": membership.tenant, "connection": connection, "may_act": may_act}


# ---- lists


@require_safe
@connected()
def listed(request: HttpRequest, membership: Membership, connection: Connection) -> HttpResponseBase:
    wanted = _wanted(request, connection)
    pairs, onward = listing.page(wanted, _number(request))
    names = looking.side_names(connection)
    context = {"wanted": wanted, "pairs": pairs, "onward": onward, "names": names, "first": "after" not in request.GET}
    return render(request, "people/contacts.html", {**_context(membership, connection), **context})


@require_safe
@connected()
def as_csv(request: HttpRequest, membership: Membership, connection: Connection) -> HttpResponseBase:
    wanted = _wanted(request, connection)
    audit.note(Deed.EXPORTED, connection=connection, detail=f"contacts: {wanted.health or 'all'}")
    return csvfile.download(listing.table(wanted), f"{connection.name}-{wanted.health or 'contacts'}")


# ---- one contact


def _pair(connection: Connection, pk: int) -> Pair:
    rows = Pair.objects.select_related("item_a", "item_b")
    pair = rows.filter(pk=pk, connection=connection).first()
    if pair is None:
        raise Http404
    pair.connection = connection
    return pair


@require_safe
@connected()
def one(request: HttpRequest, membership: Membership, connection: Connection, pair: int) -> HttpResponseBase:
    row = _pair(connection, pair)
    story = looking.pair_story(row)
    context = {
        "pair": row,
        "story": story,
        "sides": list(zip("ab", story.sides, strict=True)),
        "half": (row.item_a_id is None) != (row.item_b_id is None),
        "both": row.item_a_id is not None and row.item_b_id is not None,
        "elsewhere": _elsewhere(membership, row),
    }
    return render(request, "people/contact.html", {**_context(membership, connection), **context})


def _elsewhere(membership: Membership, pair: Pair) -> list[Pair]:
    """Of the other connections that hold one of its records, those that the member sees."""
    others = neighbours.elsewhere(pair)
    seen = permits.connections_for(membership).filter(pk__in=[other.connection_id for other in others])
    ids = set(seen.values_list("pk", flat=True))
    return [other for other in others if other.connection_id in ids]


@require_POST
@connected()
def decide(request: HttpRequest, membership: Membership, connection: Connection, pair: int) -> HttpResponseBase:
    """What was decided about a contact; `mapping` with `side` settles a conflict, `retry` tries it again."""
    row, given = _pair(connection, pair), request.POST
    try:
        if "retry" in given:
            syncing.retry(connection, [row.pk])
            told = gettext("It is tried again as soon as a worker is free.")
        elif "mapping" in given:
            deciding.resolve(row, given["mapping"], given.get("side", ""))
            told = gettext("Decided. The value is written in the next run.")
        else:
            told = deciding.decide_as_said(row, given.get("verdict", ""), given.get("other", ""), membership.user)
        messages.success(request, f"{row}: {told}")
    except (deciding.CannotDecide, ValueError) as reason:
        messages.error(request, str(reason))
    if given.get("next") == "review":
        return redirect("connection-review", membership.tenant.slug, connection.pk)
    return redirect("connection-contact", membership.tenant.slug, connection.pk, row.pk)


@require_safe
@connected()
def review(request: HttpRequest, membership: Membership, connection: Connection) -> HttpResponseBase:
    questions, onward = reviewing.queue(connection, _number(request))
    context = {"questions": questions, "onward": onward}
    return render(request, "people/review.html", {**_context(membership, connection), **context})


# ---- the plan


@require_http_methods(["GET", "HEAD", "POST"])
@connected()
def plan(request: HttpRequest, membership: Membership, connection: Connection) -> HttpResponseBase:
    empty = tending.held_as_empty(connection)
    run = tending.open_plan(connection)
    if request.method == "POST":
        return _decide_lines(request, membership, connection)
    context: dict[str, object] = {"empty": empty, "run": run}
    if run is not None:
        run.connection = connection
        context |= planchoices.shown(request.GET.dict(), run)
    return render(request, "people/plan.html", {**_context(membership, connection), **context})


def _decide_lines(request: HttpRequest, membership: Membership, connection: Connection) -> HttpResponse:
    """About the plan that the page showed; what was planned anew since is not decided."""
    given = request.POST
    rows = connection.runs.filter(pk=given["run"]) if given.get("run", "").isdecimal() else connection.runs.none()
    run = rows.first()
    if run is None:
        messages.error(request, gettext("This plan is not there any more. Look at the present one."))
    elif given.get("verdict") == "empty":
        syncing.approve(run, by=membership.user)
        messages.success(request, gettext("Taken as it is: the next run goes on."))
    else:
        told = planchoices.decide(given.dict(), given.getlist("line"), run, membership.user)
        messages.add_message(request, messages.SUCCESS if told.is_done else messages.WARNING, told.text)
    where = redirect("connection-plan", membership.tenant.slug, connection.pk)
    where["Location"] += f"?{given.get('view', '')}" if given.get("view") else ""
    return where


@require_safe
@connected()
def plan_csv(request: HttpRequest, membership: Membership, connection: Connection) -> HttpResponseBase:
    run = tending.open_plan(connection)
    if run is None:
        raise Http404
    rows = planchoices.choice_of(request.GET.dict(), run).rows()
    audit.note(Deed.EXPORTED, connection=connection, detail=f"the plan of run {run.pk}")
    return csvfile.download(planlines.table(rows, connection), f"plan-{run.pk}")
