"""One backend of social-auth for all vendors, made from what an app declares.

social-auth builds the address, keeps state and PKCE apart per dance, reads the answer and runs the pipeline. Requests
to the vendor go through our own HTTP session, with its address guard and caps, by the functions that the app declares.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from social_core.backends.oauth import BaseOAuth2PKCE
from social_core.exceptions import AuthConfigurationError, AuthInputError, AuthSessionError
from social_django.models import DjangoStorage
from social_django.strategy import DjangoStrategy

from connections import host, registrations
from connections.models.registrations import SECRET
from connections.oauth import errands
from connections.oauth.errands import Errand
from connections.registrations import Registration
from connectors.base import App, Host
from connectors.oauth import OAuth

PIPELINE = ["connections.oauth.pipeline.check_scopes", "connections.oauth.pipeline.receive"]


class ConnectStrategy(DjangoStrategy):
    """Runs the pipeline without django.contrib.auth, so that nothing here can sign anyone in."""

    def authenticate(self, backend: Any, **kwargs: Any) -> Any:
        kwargs |= {"strategy": self, "storage": self.storage, "backend": backend}
        kwargs.pop("request", None)
        return backend.authenticate(self.request, **kwargs)

    def get_pipeline(self, backend: Any = None) -> list[str]:
        return PIPELINE


class ConnectBackend(BaseOAuth2PKCE[HttpResponse]):
    ASSOCIATION_ONLY = True  # for somebody who is signed in, whose session the state is bound to
    REDIRECT_STATE = False  # the redirect address must be the registered one, letter by letter

    errand: Errand
    state: str
    registration: Registration

    def __init__(self, request: HttpRequest, app: App, oauth: OAuth) -> None:
        self.name, self.app, self.oauth, self.asked = app.key, app, oauth, request
        super().__init__(ConnectStrategy(DjangoStorage, request), registrations.redirect_url(app))
        self.redirect_uri = registrations.redirect_url(app)

    def setting(self, name: str, default: Any = None) -> Any:
        """Nothing comes from Django's settings, where social-auth would also take what is meant for others."""
        return default

    def get_key_and_secret(self) -> tuple[str, str]:
        return self.registration.client_id, self.registration.settings.get(SECRET, "")

    @property
    def login_url(self) -> str:
        return self.errand.login_url or self.registration.login_url or self.app.login_url

    @property
    def base_url(self) -> str:
        return self.registration.base_url or self.app.base_url

    # ---- going

    def begin(self, errand: Errand, registration: Registration, hint: str = "") -> str:
        """The address to send the person to. `hint`: the login that they are likely to choose."""
        self.errand, self.registration, self.state = errand, registration, secrets.token_urlsafe(32)
        names, optional = [scope.name for scope in self.oauth.required], list(registration.scopes)
        apart = self.oauth.optional_parameter
        query = {
            **self.auth_params(self.state),  # type: ignore[no-untyped-call]
            "scope": self.oauth.spelled(names if apart else names + optional, self.base_url),
            **({apart: self.oauth.spelled(optional, self.base_url)} if apart and optional else {}),
            **self.oauth.extra,
            **({"login_hint": hint} if hint else {}),
        }
        errands.keep(self.asked.session, self.state, errand)
        return f"{self.oauth.endpoint(self.login_url, registration.settings)}?{urlencode(query)}"

    def create_code_verifier(self, state: str | None = None) -> str:
        self.errand.verifier = secrets.token_urlsafe(48)
        return self.errand.verifier

    # ---- coming back

    def validate_association_state(self, request_state: Any, user: Any = None) -> str:
        """Takes the errand out of the session, so that a second call with the same state finds nothing."""
        if not isinstance(request_state, str) or not request_state:
            raise AuthInputError(self, parameter="state", code="missing_parameter", stage="callback")
        found = errands.take(self.asked.session, request_state)
        if found is None or found.app != self.app.key:
            raise AuthSessionError(self, code="session_context_missing", stage="callback")
        self.errand = found
        if self.require_association_user(user, stage="callback").id != found.user:
            raise AuthSessionError(self, code="user_mismatch", stage="callback")
        for one in registrations.candidates(self.app, found.tenant):
            if one.client_id == found.client_id:
                self.registration = one
                return request_state
        raise AuthConfigurationError(self, code="missing_setting", parameter="client_id", stage="callback")

    def get_code_verifier(self, state: str | None = None) -> str:
        return self.errand.verifier

    def request_access_token(self, *args: Any, data: Mapping[str, str] | None = None, **kwargs: Any) -> dict[Any, Any]:
        """The account's secrets. `data`: what the token endpoint is to be asked."""
        form = data or {}
        if not form.get("code"):
            raise AuthInputError(self, parameter="code", code="missing_parameter", stage="callback")
        visitor = self.visitor({})
        return dict(self.oauth.redeem(visitor, form["code"], form["redirect_uri"], form["code_verifier"]))

    def visitor(self, secrets: Mapping[str, str]) -> Host:
        return host.visit(self.app, secrets, self.registration.settings, self.base_url, self.login_url)

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {}  # the pipeline asks, once it is clear that the access is enough
