"""The page of a plan: its groups, a search, its lines field by field, and what is decided about them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, StreamingHttpResponse

from connections import csvfile
from connections.admin.base import listing, staff
from connections.models import Change, ChangeState, Deed, Run
from connections.services import audit, planchoices, planlines


def plan_context(request: HttpRequest, run: Run, may_act: bool) -> dict[str, Any]:
    rejected = listing(Change, connection__id__exact=run.connection_id, state__exact=ChangeState.REJECTED.value)
    return {**planchoices.shown(request.GET.dict(), run), "may_act": may_act, "rejections_url": rejected}


def plan_csv(request: HttpRequest, run: Run) -> StreamingHttpResponse:
    rows = planchoices.choice_of(request.GET.dict(), run).rows()
    audit.note(Deed.EXPORTED, connection=run.connection, detail=f"the plan of run {run.pk}")
    return csvfile.download(planlines.table(rows, run.connection), f"plan-{run.pk}")


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
    by = staff(request)
    told = planchoices.decide(request.POST.dict(), request.POST.getlist("line"), run, by)
    return told.text, messages.SUCCESS if told.is_done else messages.WARNING
