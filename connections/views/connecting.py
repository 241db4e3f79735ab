"""Connecting an account: a page that says what for, the way to the vendor, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_safe
from social_core.exceptions import SocialAuthBaseException

from connections import registrations
from connections.encryption import Undecryptable
from connections.models import Account, ConnectionDraft, Membership, Tenant, User
from connections.oauth.backend import ConnectBackend
from connections.oauth.errands import Errand
from connections.oauth.failures import Failure, failure_of
from connections.services import access, connecting, drafting, entering, offering, permits
from connections.services.connecting import AnotherIdentity, NotConnected
from connections.services.offering import Offer
from connections.views.accounts import account_of
from connections.views.forms import PlaceForm, SharingForm, credentials_form
from connections.views.scope import member
from connectors import registry
from connectors.base import App, ConnectorError
from connectors.oauth import OAuth

PAGE = "people/connect.html"


@dataclass(frozen=True, slots=True)
class For:
    """The connection being set up for which an account is connected, and its side."""

    draft: ConnectionDraft
    side: str

    @property
    def back(self) -> str:
        return reverse("draft-accounts", args=[self.draft.tenant.slug, self.draft.pk])

    @property
    def query(self) -> str:
        return f"?draft={self.draft.pk}&side={self.side}"


def _for(request: HttpRequest, membership: Membership) -> For | None:
    """Raises Http404 for a draft that is not the person's own."""
    given, side = request.GET.get("draft", ""), request.GET.get("side", "")
    if not given:
        return None
    rows = drafting.drafts_of(membership).filter(pk=int(given)) if given.isdecimal() and len(given) < 10 else None
    draft = rows.first() if rows is not None else None
    if draft is None or side not in ("a", "b"):
        raise Http404
    return For(draft, side)


@require_safe
@member
def choose(request: HttpRequest, membership: Membership) -> HttpResponse:
    if not permits.may_add(membership):
        raise PermissionDenied
    context = {"tenant": membership.tenant, "offers": offering.offers(membership.tenant)}
    return render(request, "people/choose_app.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member
def add(request: HttpRequest, membership: Membership, app: str) -> HttpResponse:
    declared = registry.apps().get(app)
    if declared is None:
        raise Http404
    if not permits.may_add(membership):
        raise PermissionDenied
    return _connect(request, membership, declared, None)


@require_http_methods(["GET", "HEAD", "POST"])
@member
def again(request: HttpRequest, membership: Membership, pk: int) -> HttpResponse:
    account = account_of(membership, pk)
    declared = registry.apps().get(account.app)
    if declared is None or not permits.may_authorise(membership, account):
        raise PermissionDenied
    return _connect(request, membership, declared, account)


def _connect(request: HttpRequest, membership: Membership, app: App, account: Account | None) -> HttpResponse:
    offer, wanted = offering.offer(app, membership.tenant), _for(request, membership)
    context: dict[str, Any] = {"tenant": membership.tenant, "app": app, "account": account, "offer": offer}
    context["wanted"] = wanted
    if offer.reason:
        return render(request, PAGE, context, status=409 if request.method == "POST" else 200)
    if app.oauth is None:
        return _enter(request, membership, app, account, context)
    return _begin(request, membership, offer, account, context)


# ---- apps where a person signs in at the vendor


def _begin(
    request: HttpRequest, membership: Membership, offer: Offer, account: Account | None, context: dict[str, Any]
) -> HttpResponse:
    """Leads on by a link of a page: a redirect after a form is stopped by the content security policy."""
    app, oauth, registration = offer.app, offer.app.oauth, offer.registration
    assert oauth is not None  # noqa: S101 - asked before
    assert registration is not None  # noqa: S101
    sharing = SharingForm(request.POST or None) if account is None else None
    place = PlaceForm(oauth.places, request.POST or None) if account is None and oauth.places else None
    forms = [form for form in (sharing, place) if form is not None]
    if request.method == "POST" and all(form.is_valid() for form in forms):
        errand = Errand(
            app=app.key,
            user=membership.user_id,
            tenant=membership.tenant_id,
            account=account.pk if account else None,
            client_id=registration.client_id,
            login_url=_login_url(account, oauth, place),
            shared=sharing is None or sharing.is_shared,
            draft=context["wanted"].draft.pk if context["wanted"] else None,
            side=context["wanted"].side if context["wanted"] else "",
        )
        backend = ConnectBackend(request, app, oauth)
        leaving = {"url": backend.begin(errand, registration, _hint(request, account)), "app": app}
        return render(request, "people/leaving.html", leaving)
    consent = ""
    if oauth.admin_consent is not None:
        settings = {**registration.settings, "base_url": registration.base_url}
        login_url = registration.login_url or app.login_url
        consent = oauth.admin_consent(login_url, settings, registrations.redirect_url(app))
    asked = [*oauth.required, *(scope for scope in oauth.optional if scope.name in registration.scopes)]
    context |= {"forms": forms, "scopes": asked, "admin_consent": consent, "hint": request.GET.get("login", "")}
    context["granted"] = access.granted(account) if account else frozenset()
    return render(request, PAGE, context)


def _login_url(account: Account | None, oauth: OAuth, place: PlaceForm | None) -> str:
    """Where there is a choice, an account that is there goes back to where it came from."""
    if account is not None:
        return account.login_url if oauth.places else ""
    return place.address if place else ""


def _hint(request: HttpRequest, account: Account | None) -> str:
    """The login that the vendor's page should offer first; only what looks like one."""
    hint = account.remote_name if account else request.POST.get("login", "")
    return hint if "@" in hint and len(hint) < 255 else ""


@login_not_required  # who is not signed in any more is told so, and no code lands in the address of the sign-in page
@never_cache
@require_GET
def come_back(request: HttpRequest, app: str) -> HttpResponse:
    declared = registry.apps().get(app)
    if declared is None or declared.oauth is None:
        raise Http404
    if "state" not in request.GET and {"admin_consent", "error"} & request.GET.keys():
        context = {"app": declared, "oauth": declared.oauth, "agreed": "error" not in request.GET}
        return render(request, "people/admin_consent.html", context)
    backend = ConnectBackend(request, declared, declared.oauth)
    try:
        answer = backend.complete(user=request.user)
    except (SocialAuthBaseException, ConnectorError, NotConnected, Undecryptable) as error:
        return _failed(request, backend, failure_of(error, declared), error)
    assert isinstance(answer, HttpResponse)  # noqa: S101 - the pipeline ends with one
    return answer


def _failed(request: HttpRequest, backend: ConnectBackend, failure: Failure, error: Exception) -> HttpResponse:
    errand = getattr(backend, "errand", None)
    context: dict[str, Any] = {"app": backend.app, "failure": failure}
    tenant = Tenant.objects.filter(pk=errand.tenant, memberships__user=errand.user).first() if errand else None
    if tenant is not None and errand is not None and isinstance(request.user, User) and errand.user == request.user.pk:
        account = Account.objects.filter(pk=errand.account, tenant=tenant).first() if errand.account else None
        draft = drafting.of_user(request.user, tenant.pk, errand.draft) if errand.draft else None
        wanted = For(draft, errand.side) if draft else None
        query = wanted.query if wanted else ""
        context |= {"tenant": tenant, "again": _way(tenant, backend.app, account) + query, "wanted": wanted}
        if isinstance(error, AnotherIdentity):
            login = f"{'&' if query else '?'}{urlencode({'login': error.found})}"
            context |= {"other": error.found, "add": _way(tenant, backend.app, None) + query + login}
    return render(request, "people/not_connected.html", context, status=failure.status)


def _way(tenant: Tenant, app: App, account: Account | None) -> str:
    if account is None:
        return reverse("account-connect", args=[tenant.slug, app.key])
    return reverse("account-again", args=[tenant.slug, account.pk])


# ---- apps where a person enters credentials


def _enter(
    request: HttpRequest, membership: Membership, app: App, account: Account | None, context: dict[str, Any]
) -> HttpResponse:
    form = credentials_form(app, account)(request.POST or None)
    sharing = SharingForm(request.POST or None) if account is None else None
    forms = [form for form in (form, sharing) if form is not None]
    if request.method == "POST" and all(one.is_valid() for one in forms):
        shared = sharing is None or sharing.is_shared
        place = connecting.Place(membership.tenant_id, account.pk if account else None, shared)
        try:
            found, known = entering.enter(membership.user, place, app, form.address, form.entered())
        except (ConnectorError, NotConnected) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, connecting.told(found, known))
            wanted = context["wanted"]
            if wanted is not None and drafting.take_account(wanted.draft, wanted.side, found):
                return redirect(wanted.back)
            return redirect("accounts", membership.tenant.slug)
    return render(request, PAGE, {**context, "forms": forms})
