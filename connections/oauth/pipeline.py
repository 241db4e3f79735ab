"""What happens with an access that a vendor gave: nothing is stored before all of it is known to be good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from connections.models import User
from connections.oauth.backend import ConnectBackend
from connections.services import connecting, drafting


def check_scopes(backend: ConnectBackend, response: Mapping[str, str], **kwargs: Any) -> None:
    connecting.refuse_half(backend.oauth, response)


def receive(backend: ConnectBackend, response: Mapping[str, str], user: User, **kwargs: Any) -> HttpResponse:
    """A step that returns an answer ends the pipeline."""
    errand, registration = backend.errand, backend.registration
    connecting.learn(backend.oauth, errand.account)
    met = connecting.meet(backend.app, backend.oauth, backend.visitor(response))
    login_url = errand.login_url or registration.login_url
    access = connecting.Access(backend.app, response, registration.base_url, login_url, registration.client_id)
    place = connecting.Place(errand.tenant, errand.account, errand.shared)
    account, known = connecting.store(user, place, access, met)
    messages.success(backend.asked, connecting.told(account, known))
    draft = drafting.of_user(user, errand.tenant, errand.draft) if errand.draft else None
    if draft is not None and drafting.take_account(draft, errand.side, account):
        return redirect("draft-accounts", account.tenant.slug, draft.pk)
    return redirect("accounts", account.tenant.slug)
