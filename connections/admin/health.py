"""How the contacts of a connection are, and the queue of those that a person must decide about."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from connections.admin.base import address, listing
from connections.models import Health, Pair
from connections.services import neighbours, reviewing, syncing, wellbeing


def overview(owner: Any, request: HttpRequest, pk: int) -> HttpResponse:
    connection = owner.row(request, pk)
    states = wellbeing.states(connection)
    lists = {state.health: listing(Pair, connection=pk, health__exact=state.health) for state in states}
    answer: HttpResponse = owner.page(
        request,
        "health",
        f"Contacts of {connection}",
        connection=connection,
        states=[(state, lists[state.health]) for state in states],
        notes=wellbeing.with_notes(connection),
        notes_url=listing(Pair, connection=pk, notes="some"),
        contradictions=neighbours.contradictions(connection),
        may_act=owner.may_act(request),
        failed=Health.FAILED.value,
        review=Health.REVIEW.value,
    )
    return answer


def retry_cause(owner: Any, request: HttpRequest, pk: int) -> HttpResponse:
    connection = owner.button(request, pk)
    ids = wellbeing.of_cause(connection, Health.FAILED, request.POST.get("reason", ""))
    count = syncing.retry(connection, ids) if ids else 0
    owner.message_user(request, f"{count:,} are tried again as soon as a worker is free.")
    return HttpResponseRedirect(address(connection, "health"))


def review(owner: Any, request: HttpRequest, pk: int) -> HttpResponse:
    connection = owner.row(request, pk)
    after = request.GET.get("after", "")
    questions, onward = reviewing.queue(connection, int(after) if after.isdigit() else 0)
    answer: HttpResponse = owner.page(
        request,
        "review",
        f"Who is who in {connection}?",
        connection=connection,
        questions=questions,
        onward=onward,
        may_act=owner.may_act(request),
    )
    return answer
