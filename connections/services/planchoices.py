"""What a page of a plan shows and decides: a choice of its lines, from a query or a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext, gettext_lazy

from connections.languages import number
from connections.models import ChangeState, Run, User
from connections.services import planlines, planning, syncing
from connections.services.planlines import Choice

STATES = {
    ChangeState.PROPOSED.value: gettext_lazy("waiting"),
    ChangeState.APPROVED.value: gettext_lazy("approved"),
    ChangeState.REJECTED.value: gettext_lazy("rejected"),
}


def choice_of(values: Mapping[str, Any], run: Run) -> Choice:
    """What makes no sense is left out."""
    state = values.get("state", "")
    return Choice(
        (run,),
        sort=values.get("sort", "")[:9],
        side=values.get("side", "")[:1],
        text=values.get("q", "").strip()[:100],
        state=state if state in STATES else ChangeState.PROPOSED.value,
    )


def shown(values: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """What a template needs; `view` is the choice as a query, `after` in it goes on from a line."""
    choice = choice_of(values, run)
    after = values.get("after", "")
    rows, onward = planlines.page(choice.rows(), int(after) if after.isdecimal() else 0)
    shower = planlines.Shower(run.connection)
    view = {"sort": choice.sort, "side": choice.side, "q": choice.text, "state": choice.state}
    return {
        "run": run,
        "groups": planlines.groups(run),
        "choice": choice,
        "states": STATES,
        "lines": [shower.show(row) for row in rows],
        "view": urlencode({name: value for name, value in view.items() if value}),
        "onward": onward,
        "first": not after,
        "narrowed": bool(choice.sort or choice.text),
    }


@dataclass(frozen=True, slots=True)
class Told:
    text: str
    is_done: bool = True


def decide(values: Mapping[str, Any], ticked: Sequence[str], run: Run, by: User) -> Told:
    """The verdict of a form, about all that it chose or about the ticked lines."""
    rows = choice_of(values, run).rows()
    if values.get("scope") == "ticked":
        ids = [int(text) for text in ticked if text.isdecimal() and len(text) < 18]
        if not ids:
            return Told(gettext("Tick at least one line first."), False)
        rows = rows.filter(pk__in=ids)
    match values.get("verdict"):
        case "approve":
            count = syncing.approve(run, among=rows, by=by)
            return Told(
                gettext("%(count)s approved. They are written as soon as a worker is free.") % {"count": number(count)}
            )
        case "reject":
            count = syncing.reject(run, among=rows, by=by)
            return Told(gettext("%(count)s rejected, until one of their sides changes.") % {"count": number(count)})
        case "never":
            count = syncing.reject(run, among=rows, for_good=True, by=by)
            return Told(gettext("%(count)s rejected, until somebody reverts it.") % {"count": number(count)})
        case "revert":
            count = planning.forget_rejections(list(rows.values_list("pk", flat=True)))
            return Told(gettext("%(count)s may be proposed again, by the next plan.") % {"count": number(count)})
    return Told(gettext("Nothing was decided."), False)
