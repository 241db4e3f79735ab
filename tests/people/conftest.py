"""Two tenants with members, an installation that is registered at the sandbox, and the dance as a browser does it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client
from django.urls import reverse

from connections import registrations
from connections.models import Account, AppRegistration, Membership, Role, Tenant, User
from connectors.registry import app as app_of
from connectors.sandbox import Sandbox
from tests.factories import make_tenant

SECRET = "s3cret-of-the-registration"  # noqa: S105
LINK = '<a class="button" href="'


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    with Sandbox() as found:
        yield found


@pytest.fixture
def sandbox(running: Sandbox, settings: Any) -> Sandbox:
    running.reset()
    settings.ALLOWED_PRIVATE_HOSTS = [urlsplit(running.url).netloc]
    settings.APP_SETTINGS = {}
    return running


@pytest.fixture
def acme(db: None) -> Tenant:
    return make_tenant(slug="acme", name="Acme")


@pytest.fixture
def globex(db: None) -> Tenant:
    return make_tenant(slug="globex", name="Globex")


def registered(sandbox: Sandbox, app: str, tenant: Tenant | None = None, **values: Any) -> AppRegistration:
    """At both ends: here, and with the vendor's stand-in, which from then on refuses everybody else."""
    row = AppRegistration(app=app, tenant=tenant, client_id=f"pairwise-{tenant or 'all'}", **values)
    row.secrets = {"client_secret": SECRET}
    row.login_url = sandbox.url + {"outlook": "/microsoft", "salesforce": "/salesforce", "hubspot": "/hubspot"}[app]
    row.base_url = sandbox.url + {"outlook": "/graph", "hubspot": "/hubspot"}[app] if app != "salesforce" else ""
    row.save()
    sandbox.part(app).register_app(row.client_id, [registrations.redirect_url(app_of(app))], SECRET)
    return row


@pytest.fixture
def outlook(sandbox: Sandbox, db: None) -> Any:
    """Microsoft's stand-in, at which the installation is registered."""
    registered(sandbox, "outlook")
    return sandbox.part("outlook")


def member(tenant: Tenant, email: str = "anna@example.com", role: str = Role.EDITOR) -> User:
    user = User.objects.filter(email=email).first() or User.objects.create_user(email)
    Membership.objects.create(tenant=tenant, user=user, role=role)
    return user


@dataclass
class Person:
    """Somebody with two browser windows: one of ours, one at the vendor."""

    user: User
    tenant: Tenant
    client: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        self.client.force_login(self.user)

    def page(self, name: str, *arguments: Any) -> str:
        answer = self.client.get(reverse(name, args=[self.tenant.slug, *arguments]))
        assert answer.status_code == 200, answer.status_code
        return answer.content.decode()

    def leave(self, app: str = "outlook", account: Account | None = None, **form: str) -> str:
        """Presses the button; the vendor's address that the page leads to."""
        way = ("account-again", account.pk) if account else ("account-connect", app)
        answer = self.client.post(reverse(way[0], args=[self.tenant.slug, way[1]]), {"sharing": "shared", **form})
        text = answer.content.decode()
        assert LINK in text, text
        return text.partition(LINK)[2].partition('"')[0].replace("&amp;", "&")

    def agree(self, address: str, login: str, decision: str = "", **changed: str) -> str:
        """Signs in and agrees at the vendor; the address that the browser is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        said = decision or ("accept" if "microsoft" in address else "allow")
        form = {**asked, "account": login, "decision": said, **changed}
        answer = requests.post(address.partition("?")[0], data=form, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"].removeprefix("http://localhost:8000")

    def connect(self, login: str, app: str = "outlook", account: Account | None = None, **form: str) -> Any:
        """The whole dance; the answer to the way back."""
        return self.client.get(self.agree(self.leave(app, account, **form), login))


@pytest.fixture
def anna(acme: Tenant) -> Person:
    return Person(member(acme), acme)
