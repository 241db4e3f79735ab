"""The page of a plan: its groups, a search, its lines field by field, and what is decided about them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, StreamingHttpResponse

from connections.admin.base import listing
from connections.models import Change, ChangeState, Run
from connections.services import planlines, planning, syncing
from connections.services.planlines import Choice

STATES = {
    ChangeState.PROPOSED.value: "waiting",
    ChangeState.APPROVED.value: "approved",
    ChangeState.REJECTED.value: "rejected",
}


def choice_of(values: Any, run: Run) -> Choice:
    """From a query or a form; what makes no sense is left out."""
    state = values.get("state", "")
    return Choice(
        (run,),
        sort=values.get("sort", "")[:9],
        side=values.get("side", "")[:1],
        text=values.get("q", "").strip()[:100],
        state=state if state in STATES else ChangeState.PROPOSED.value,
    )


def plan_context(request: HttpRequest, run: Run, may_act: bool) -> dict[str, Any]:
    choice = choice_of(request.GET, run)
    after = request.GET.get("after", "")
    rows, onward = planlines.page(choice.rows(), int(after) if after.isdigit() else 0)
    shower = planlines.Shower(run.connection)
    view = {"sort": choice.sort, "side": choice.side, "q": choice.text, "state": choice.state}
    return {
        "run": run,
        "may_act": may_act,
        "groups": planlines.groups(run),
        "choice": choice,
        "states": STATES,
        "lines": [shower.show(row) for row in rows],
        "view": urlencode({name: value for name, value in view.items() if value}),
        "onward": onward,
        "first": not after,
        "rejections_url": listing(
            Change, connection__id__exact=run.connection_id, state__exact=ChangeState.REJECTED.value
        ),
        "narrowed": bool(choice.sort or choice.text),
    }


def plan_csv(request: HttpRequest, run: Run) -> StreamingHttpResponse:
    rows = choice_of(request.GET, run).rows()
    answer = StreamingHttpResponse(planlines.as_csv(rows, run.connection), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="plan-{run.pk}.csv"'
    return answer


def together_context(request: HttpRequest, may_act: bool) -> dict[str, Any]:
    runs = planlines.open_plans(_numbers(request.GET.getlist("connection")))
    return {"runs": runs, "groups": planlines.together(runs), "may_act": may_act}


def decide_together(request: HttpRequest) -> list[tuple[str, int]]:
    """For the plans that the page showed; what was planned anew since is not decided."""
    runs = Run.objects.filter(pk__in=_numbers(request.POST.getlist("run"))).select_related("connection")
    told = [(run.connection, *decide_lines(request, run)) for run in runs]
    return [(f"{connection}: {text}", level) for connection, text, level in told]


def _numbers(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isdigit()]


def decide_lines(request: HttpRequest, run: Run) -> tuple[str, int]:
    """What is told, and how serious it is."""
    values = request.POST
    rows = choice_of(values, run).rows()
    if values.get("scope") == "ticked":
        ticked = _numbers(values.getlist("line"))
        if not ticked:
            return "Tick at least one line first.", messages.WARNING
        rows = rows.filter(pk__in=ticked)
    by: Any = request.user
    match values.get("verdict"):
        case "approve":
            count = syncing.approve(run, among=rows, by=by)
            return f"{count:,} approved. They are written as soon as a worker is free.", messages.SUCCESS
        case "reject":
            count = syncing.reject(run, among=rows, by=by)
            return f"{count:,} rejected, until one of their sides changes.", messages.SUCCESS
        case "never":
            count = syncing.reject(run, among=rows, for_good=True, by=by)
            return f"{count:,} rejected, until somebody reverts it.", messages.SUCCESS
        case "revert":
            count = planning.forget_rejections(list(rows.values_list("pk", flat=True)))
            return f"{count:,} may be proposed again, by the next plan.", messages.SUCCESS
    return "Nothing was decided.", messages.WARNING
