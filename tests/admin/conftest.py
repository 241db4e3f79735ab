"""Two apps in memory behind two accounts, reached by the one seam through which the product reaches apps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client
from pytest_django.fixtures import Settings

from connections import host, scheduling
from connections.benchmark.catalogues import POOR, RICH
from connections.benchmark.remotes import InstantRemote
from connections.models import Account, Budget, Connection, Run, Tenant, User
from connections.services import syncing
from connectors.base import Connector, ConnectorError
from connectors.sandbox import Sandbox
from tests.connectors.hubspot.conftest import Account as HubSpotAccount
from tests.connectors.hubspot.test_through_the_engine import Stage
from tests.factories import make_account, make_connection, make_folder, make_tenant
from tests.faults.stage import Person

SECRET = "swordfish-in-the-vault"  # every account of these tests has it, and no page may show it


class Apps:
    """The remotes by account name; `down` holds accounts whose app does not answer."""

    def __init__(self) -> None:
        self.remotes: dict[str, InstantRemote] = {}
        self.down: dict[str, ConnectorError] = {}
        self.asked: list[str] = []
        self.strict = False  # whether to refuse being asked inside a transaction; tests in one of their own cannot

    def connect(self, account: Account, fence: Any = None, clock: Any = None) -> Connector:
        self.asked.append(account.name)
        if self.strict:
            assert not transaction.get_connection().in_atomic_block, "an app is asked inside a transaction"
        if account.name in self.down:
            raise self.down[account.name]
        return self.remotes[account.name]


@pytest.fixture
def apps(monkeypatch: pytest.MonkeyPatch) -> Apps:
    found = Apps()
    found.remotes["anna"] = InstantRemote(POOR, folders=("contacts", "customers"))
    found.remotes["dav"] = InstantRemote(RICH, folders=("book",))
    monkeypatch.setattr(host, "connect", found.connect)
    return found


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was put into the queue, instead of a cluster."""
    calls: list[tuple[Any, ...]] = []
    for module in ("connections.scheduling", "connections.services.background"):
        monkeypatch.setattr(f"{module}.async_task", lambda *call: calls.append(call))
    monkeypatch.setattr(transaction, "on_commit", lambda effect: effect())  # tests end in a rollback
    return calls


@pytest.fixture
def tenant(db: None) -> Tenant:
    return make_tenant(slug="acme", name="Acme")


@pytest.fixture
def accounts(tenant: Tenant) -> tuple[Account, Account]:
    secrets = {"username": "anna", "password": SECRET}
    return (
        make_account(tenant, name="anna", base_url="https://a.example", secrets=secrets),
        make_account(tenant, name="dav", base_url="https://b.example", secrets=secrets),
    )


@pytest.fixture
def connection(accounts: tuple[Account, Account]) -> Connection:
    return make_connection(make_folder(accounts[0], "contacts"), make_folder(accounts[1], "book"), name="both")


@pytest.fixture
def synced(apps: Apps, connection: Connection, queue: list[Any]) -> Run:
    """A first run that created and paired, and left a contact that a person must look at."""
    fill(apps)
    run = syncing.sync(connection)
    assert run.state == "done", run.message
    return run


def fill(apps: Apps) -> None:
    anna, dav = apps.remotes["anna"], apps.remotes["dav"]
    anna.add({"givenName": "Ada", "surname": "Byron", "emailAddresses": [{"value": "ada@example.com"}]})
    anna.add({"givenName": "Grace", "surname": "Hopper", "emailAddresses": [{"value": "grace@example.com"}]})
    dav.add({"given": "Ada", "family": "Byron", "emails": [{"value": "ada@example.com"}], "title": "Countess"})
    dav.add({"given": "<script>alert(1)</script>", "emails": [{"value": "evil@example.com"}], "note": "<b>bold</b>"})
    dav.add({"given": "Nobody", "family": "Keyless"})


def sign_in(client: Client, user: User) -> None:
    """Somebody with a second factor."""
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    client.force_login(user)


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    sign_in(client, User.objects.create_superuser("root@example.com", "irrelevant"))
    return client


@pytest.fixture
def staff(db: None) -> Callable[..., Client]:
    """A member of staff with only these permissions."""
    from django.contrib.auth.models import Permission

    def make(*permissions: str) -> Client:
        user = User.objects.create_user("staff@example.com", "irrelevant", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        sign_in(client, user)
        return client

    return make


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def hubspot(
    sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None
) -> Iterator[Callable[..., Stage]]:
    """Makes an Outlook folder and a HubSpot account with these contacts the same; both in the sandbox."""
    monkeypatch.setattr(scheduling, "async_task", lambda *rest: None)
    settings.ALLOWED_PRIVATE_HOSTS = [sandbox.url.removeprefix("http://")]
    settings.APP_SETTINGS = {"HUBSPOT_SETTLE_AFTER": "1", "OUTLOOK_SETTLE_AFTER": "1", "OUTLOOK_VISIBLE_AFTER": "0"}
    accounts: list[HubSpotAccount] = []

    def make(*contacts: dict[str, Any], people: Iterable[Person] = (), **options: Any) -> Stage:
        account = HubSpotAccount(sandbox)
        accounts.append(account)
        account.load(*contacts)
        stage = Stage(sandbox, account, **options)
        stage.mailbox.add(*people)
        stage.settle()
        Budget.objects.all().delete()  # spent on the stage's clock, which is ahead of the real one
        return stage

    yield make
    for account in accounts:
        account.close()
    sandbox.faults.clear()
