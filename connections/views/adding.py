"""Setting a connection up, one question per page. Answers are kept: who leaves and comes back goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from connections.models import AccountState, ConnectionDraft, Folder, Membership
from connections.services import arranging, drafting, looking, offering, peeking, permits, setting_up, starting
from connections.services.arranging import Tree
from connections.services.drafting import STEPS
from connections.services.setting_up import CannotSetUp
from connections.views.draftforms import AppsForm, DirectionForm, MatchingForm, RulesForm
from connections.views.scope import member
from connectors import registry

Step = Callable[[HttpRequest, Membership, ConnectionDraft], HttpResponse]
PEEKED = 5  # folders of a side of which a page shows contacts


def drafted(step: str) -> Callable[[Step], Callable[..., HttpResponseBase]]:
    """A step of the person's own draft; who comes too early is led to the question that is open."""

    def decorate(view: Step) -> Callable[..., HttpResponseBase]:
        @require_http_methods(["GET", "HEAD", "POST"])
        @member
        @wraps(view)
        def shown(request: HttpRequest, membership: Membership, draft: int) -> HttpResponse:
            row = _own(membership, draft)
            if not {row.app_a, row.app_b} <= registry.apps().keys():
                messages.error(
                    request, gettext("An app of this set-up is not part of Pairwise any more. Begin a new one.")
                )
                return redirect("connection-add", membership.tenant.slug)
            if step != "accounts" and not drafting.may_use(membership, row):
                messages.error(
                    request, gettext("An account of this set-up is not yours to use any more. Choose another one.")
                )
                return _to(row, "accounts")
            if not drafting.is_open(row, step):
                return _to(row, drafting.open_step(row))
            return view(request, membership, row)

        return shown

    return decorate


def _own(membership: Membership, pk: int) -> ConnectionDraft:
    if not permits.may_add(membership):
        raise PermissionDenied
    draft = drafting.drafts_of(membership).filter(pk=pk).first()
    if draft is None:
        raise Http404
    return draft


def _to(draft: ConnectionDraft, step: str) -> HttpResponse:
    return redirect(f"draft-{step}", draft.tenant.slug, draft.pk)


def _onward(draft: ConnectionDraft, step: str) -> HttpResponse:
    order = list(STEPS)
    return _to(draft, order[order.index(step) + 1])


def _page(request: HttpRequest, draft: ConnectionDraft, step: str, **context: Any) -> HttpResponse:
    order = list(STEPS)
    place = order.index(step)
    steps = [
        {
            "title": title,
            "url": _address(draft, key) if key not in ("apps", step) and drafting.is_open(draft, key) else "",
            "is_here": key == step,
        }
        for key, title in STEPS.items()
    ]
    context |= {
        "tenant": draft.tenant,
        "draft": draft,
        "names": drafting.names(draft),
        "steps": steps,
        "number": place + 1,
        "back": _address(draft, order[place - 1]) if place > 1 else "",
    }
    return render(request, f"wizard/{step}.html", context)


def _address(draft: ConnectionDraft, step: str) -> str:
    return reverse(f"draft-{step}", args=[draft.tenant.slug, draft.pk])


# ---- the apps


@require_http_methods(["GET", "HEAD", "POST"])
@member
def begin(request: HttpRequest, membership: Membership) -> HttpResponse:
    if not permits.may_add(membership):
        raise PermissionDenied
    offers = offering.offers(membership.tenant)
    form = AppsForm(offers, request.POST or None)
    if request.method == "POST" and form.is_valid():
        draft = drafting.begin(membership, form.cleaned_data["app_a"], form.cleaned_data["app_b"])
        return _to(draft, "accounts")
    context = {
        "tenant": membership.tenant,
        "form": form,
        "refused": [one for one in offers if one.reason],
        "drafts": [(draft, _address(draft, drafting.open_step(draft))) for draft in _begun(membership)],
        "steps": [{"title": title, "url": "", "is_here": key == "apps"} for key, title in STEPS.items()],
        "number": 1,
    }
    return render(request, "wizard/apps.html", context)


def _begun(membership: Membership) -> list[ConnectionDraft]:
    return list(drafting.drafts_of(membership).order_by("-changed_at")[:10])


@require_POST
@member
def discard(request: HttpRequest, membership: Membership, draft: int) -> HttpResponse:
    drafting.discard(_own(membership, draft))
    messages.success(request, gettext("The set-up is thrown away. Nothing was written to any app."))
    return redirect("connection-add", membership.tenant.slug)


# ---- the accounts


@drafted("accounts")
def accounts(request: HttpRequest, membership: Membership, draft: ConnectionDraft) -> HttpResponse:
    usable = permits.usable_accounts(membership).defer("secrets").select_related("owner").order_by("name")
    sides = [
        (side, drafting.app_of(draft, side), list(usable.filter(app=getattr(draft, f"app_{side}")))) for side in "ab"
    ]
    errors: dict[str, str] = {}
    if request.method == "POST":
        chosen = {}
        for side, app, rows in sides:
            found = next((row for row in rows if str(row.pk) == request.POST.get(f"account_{side}")), None)
            if found is None:
                errors[side] = gettext("Choose an account of %(app)s, or connect one.") % {"app": app.name}
            elif found.state != AccountState.ACTIVE:
                errors[side] = gettext("%(account)s %(state)s. Connect it again, or choose another one.") % {
                    "account": found,
                    "state": found.get_state_display(),
                }
            else:
                chosen[side] = found
        drafting.take_accounts(draft, chosen)
        if not errors:
            return _onward(draft, "accounts")
    shown = [
        {
            "side": side,
            "app": app,
            "accounts": rows,
            "chosen": getattr(draft, f"account_{side}_id") or (rows[0].pk if len(rows) == 1 else None),
            "error": errors.get(side, ""),
        }
        for side, app, rows in sides
    ]
    return _page(request, draft, "accounts", sides=shown, complete=all(one["accounts"] for one in shown))


# ---- the folders


@drafted("folders")
def folders(request: HttpRequest, membership: Membership, draft: ConnectionDraft) -> HttpResponse:
    error, other = "", None
    if request.method == "POST":
        try:
            drafting.take_folders(draft, *(_chosen(request, draft, side) for side in "ab"))
            return _onward(draft, "folders")
        except setting_up.ConnectedAlready as refused:
            error, other = str(refused), permits.connections_for(membership).filter(pk=refused.other.pk).first()
        except CannotSetUp as refused:
            error = str(refused)
    assert draft.account_a is not None  # noqa: S101 - the step is not open without them
    assert draft.account_b is not None  # noqa: S101
    left = arranging.folder_tree(draft.account_a)
    right = left if draft.account_a_id == draft.account_b_id else arranging.folder_tree(draft.account_b)
    sides = [
        {"side": side, "tree": tree, "account": account, "chosen": _ticked(request, draft, side, tree)}
        for side, tree, account in (("a", left, draft.account_a), ("b", right, draft.account_b))
    ]
    return _page(request, draft, "folders", sides=sides, error=error, other=other)


def _chosen(request: HttpRequest, draft: ConnectionDraft, side: str) -> list[Folder]:
    ids = [int(text) for text in request.POST.getlist(f"folder_{side}") if text.isdecimal() and len(text) < 18]
    rows = Folder.objects.filter(pk__in=ids, account=getattr(draft, f"account_{side}_id"))
    return list(rows.select_related("account", "tenant").order_by("path"))


def _ticked(request: HttpRequest, draft: ConnectionDraft, side: str, tree: Tree) -> list[int]:
    if request.method == "POST":
        return [folder.pk for folder in _chosen(request, draft, side)]
    only = [branch.folder.pk for branch in tree.branches]
    return list(getattr(draft, f"folders_{side}")) or (only if len(only) == 1 else [])


@drafted("contacts")
def contacts(request: HttpRequest, membership: Membership, draft: ConnectionDraft) -> HttpResponse:
    said = request.POST.get("answer", "")
    if said == "yes":
        drafting.answer(draft, confirmed=True)
        return _onward(draft, "contacts")
    sides = [
        {
            "app": drafting.app_of(draft, side),
            "account": getattr(draft, f"account_{side}"),
            "peeks": [peeking.peek(folder) for folder in drafting.folders(draft, side)[:PEEKED]],
            "query": f"?draft={draft.pk}&side={side}",
        }
        for side in "ab"
    ]
    return _page(request, draft, "contacts", sides=sides, no=said == "no")


# ---- how


@drafted("direction")
def direction(request: HttpRequest, membership: Membership, draft: ConnectionDraft) -> HttpResponse:
    form = DirectionForm(draft, request.POST or None)
    if request.method == "POST" and form.is_valid():
        drafting.answer(draft, direction=form.cleaned_data["direction"], winner=form.cleaned_data["winner"])
        try:
            for problem in drafting.ask_apps(draft):
                raise CannotSetUp(problem)
            starting.look_ahead(draft)
            return _onward(draft, "direction")
        except CannotSetUp as refused:
            form.add_error(None, str(refused))
    return _page(request, draft, "direction", form=form)


@drafted("mapping")
def mapping(request: HttpRequest, membership: Membership, draft: ConnectionDraft) -> HttpResponse:
    error = ""
    if request.method == "POST":
        try:
            drafting.take_mapping(draft, request.POST.getlist("on"))
            return _onward(draft, "mapping")
        except CannotSetUp as refused:
            error = str(refused)
    problems = drafting.ask_apps(draft)
    return _page(request, draft, "mapping", tables=drafting.tables(draft), error=error, problems=problems)


@drafted("rules")
def rules(request: HttpRequest, membership: Membership, draft: ConnectionDraft) -> HttpResponse:
    problems = drafting.ask_apps(draft)
    form = RulesForm(drafting.ways(draft), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            drafting.take_rules(draft, form.labels())
            return _onward(draft, "rules")
        except CannotSetUp as refused:
            form.add_error(None, str(refused))
    return _page(request, draft, "rules", form=form, problems=problems)


@drafted("matching")
def matching(request: HttpRequest, membership: Membership, draft: ConnectionDraft) -> HttpResponse:
    form = MatchingForm(draft, request.POST or None)
    if request.method == "POST" and form.is_valid():
        drafting.answer(draft, matching=form.matching())
        return _plan(request, draft)
    counted = starting.keyless(draft)
    return _page(
        request, draft, "matching", form=form, counted=counted, counting=any(one.count is None for one in counted)
    )


# ---- the plan, and starting


STARTS = {"start": starting.start, "few": starting.start_with_few, "look": starting.only_look}
TOLD = {
    "start": gettext_lazy(
        "started: what the plan says is written as soon as a worker is free, and from then on whatever changes."
    ),
    "few": gettext_lazy(
        "started with the first contacts. Look at them in both apps, then approve the rest of the plan."
    ),
    "look": gettext_lazy("looking only: it shows what it would do, and writes nothing until you start it."),
}


@drafted("plan")
def plan(request: HttpRequest, membership: Membership, draft: ConnectionDraft) -> HttpResponse:
    if request.method == "POST":
        how = request.POST.get("how", "")
        if how not in STARTS:
            return _plan(request, draft)
        begun = STARTS[how](draft, membership.user)
        if begun:
            messages.success(request, f"{', '.join(map(str, begun))}: {TOLD[how]}")
            if len(begun) == 1:
                where = reverse("connection", args=[membership.tenant.slug, begun[0].pk])
                return redirect(f"{where}?after={looking.newest_run_id(begun[0])}")
            return redirect("tenant", membership.tenant.slug)
        messages.error(request, gettext("The plan is not ready, or not up to date any more. Look at it again first."))
        return _to(draft, "plan")
    found = starting.planned(draft)
    context = {
        "plans": found,
        "under_way": any(one.is_under_way for one in found),
        "ready": bool(found) and all(one.is_ready for one in found),
        "few": starting.FIRST if len(found) == 1 and found[0].is_ready and starting.has_more(found[0]) else 0,
        "losses": [(one, one.run.losses) for one in found if one.is_ready and one.run and one.run.losses],
    }
    return _page(request, draft, "plan", **context)


def _plan(request: HttpRequest, draft: ConnectionDraft) -> HttpResponse:
    try:
        starting.plan_all(draft)
    except CannotSetUp as refused:
        messages.error(request, str(refused))
    return _to(draft, "plan")
