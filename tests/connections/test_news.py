"""News from vendors: ordered, believed only with proof, and turned into a connection that is due at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from connections import host, scheduling, tasks
from connections.engine.leases import claim
from connections.models import AccountState, Connection, Folder, Subscription, ToldRecord
from connections.services import disconnecting, hearing, subscribing, syncing
from connections.services.subscribing import fingerprint
from connectors import registry
from connectors.base import Unsupported
from connectors.hubspot.sandbox.control import HubSpotSandbox
from connectors.news import Event, News, Reply
from connectors.outlook.sandbox.control import OutlookSandbox
from connectors.sandbox import Sandbox
from tests.apps import Apps
from tests.factories import make_account, make_connection, make_folder, make_tenant

EMAIL = "anna@example.com"
LATER = timedelta(hours=1)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was put into the queue."""
    called: list[str] = []
    monkeypatch.setattr(scheduling, "async_task", lambda name, *rest: called.append(name))
    return called


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def outlook(sandbox: Sandbox) -> OutlookSandbox:
    found: OutlookSandbox = sandbox.part("outlook")
    return found


@pytest.fixture
def connection(
    transactional_db: None,
    sandbox: Sandbox,
    outlook: OutlookSandbox,
    live_server: LiveServer,
    settings: Settings,
    calls: list[str],
) -> Connection:
    """A mailbox of the sandbox on side A; the server under test is where the vendor sends news to."""
    settings.PUBLIC_URL, settings.WEBHOOKS = live_server.url, "on"
    settings.ALLOWED_PRIVATE_HOSTS = [sandbox.url.removeprefix("http://")]
    account = make_account(
        make_tenant(),
        app="outlook",
        base_url=f"{sandbox.url}/graph",
        login_url=f"{sandbox.url}/microsoft",
        secrets=outlook.add_account(EMAIL),
    )
    return make_connection(make_folder(account, "contacts"), due_at=timezone.now() + LATER)


def subscription() -> Subscription:
    return Subscription.objects.select_related("folder__account").get()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_due(connection: Connection) -> bool:
    connection.refresh_from_db()
    return connection.due_at is not None and connection.due_at <= timezone.now()


def rest(connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk).update(due_at=timezone.now() + LATER, queued_at=None)


class TestOrderedNews:
    def test_an_edit_at_the_vendor_makes_its_connection_due_at_once(
        self, connection: Connection, outlook: OutlookSandbox, calls: list[str]
    ) -> None:
        subscribing.keep()
        assert is_due(connection), "what changed before the subscription must be looked for"
        rest(connection)
        calls.clear()
        outlook.load(EMAIL, [{"givenName": "Ada"}])
        eventually(lambda: is_due(connection))
        assert calls == ["connections.tasks.run"]
        assert subscription().heard_at is not None

    def test_nothing_is_due_once_the_news_is_ordered(self, connection: Connection, sandbox: Sandbox) -> None:
        assert subscribing.is_due()
        subscribing.keep()
        assert not subscribing.is_due()
        asked = len(sandbox.journal.requests())
        subscribing.keep()
        assert len(sandbox.journal.requests()) == asked

    def test_it_is_renewed_when_half_of_its_time_is_over(self, connection: Connection, sandbox: Sandbox) -> None:
        subscribing.keep()
        first = subscription()
        assert first.expires_at is not None
        assert timezone.now() < first.next_at < first.expires_at - timedelta(days=2)
        Subscription.objects.update(next_at=timezone.now())
        sandbox.clock.advance(3 * 86400)
        subscribing.keep()
        assert subscription().remote_id == first.remote_id
        assert sandbox.journal.counters()["PATCH /graph/v1.0/subscriptions/{id}"] == 1

    def test_one_that_the_vendor_forgot_is_made_again(self, connection: Connection, sandbox: Sandbox) -> None:
        subscribing.keep()
        first = subscription()
        Subscription.objects.update(next_at=timezone.now())
        sandbox.database.execute("DELETE FROM outlook_subscription", ())
        rest(connection)
        subscribing.keep()
        assert subscription().remote_id not in ("", first.remote_id)
        assert is_due(connection), "nobody told what changed meanwhile"

    def test_one_that_the_vendor_removes_is_made_again_and_looked_after(
        self, connection: Connection, outlook: OutlookSandbox, calls: list[str]
    ) -> None:
        subscribing.keep()
        first = subscription()
        rest(connection)
        calls.clear()
        outlook.lifecycle(EMAIL, "subscriptionRemoved")
        eventually(lambda: subscription().remote_id == "")
        eventually(lambda: is_due(connection))
        assert "connections.tasks.subscribe" in calls
        tasks.subscribe()
        assert subscription().remote_id not in ("", first.remote_id)

    def test_one_that_must_be_authorised_again_is_renewed(
        self, connection: Connection, outlook: OutlookSandbox, sandbox: Sandbox
    ) -> None:
        subscribing.keep()
        outlook.lifecycle(EMAIL, "reauthorizationRequired")
        eventually(subscribing.is_due)
        tasks.subscribe()
        assert sandbox.journal.counters()["PATCH /graph/v1.0/subscriptions/{id}"] == 1
        assert not subscribing.is_due()

    def test_missed_news_is_looked_for(self, connection: Connection, outlook: OutlookSandbox) -> None:
        subscribing.keep()
        rest(connection)
        outlook.lifecycle(EMAIL, "missed")
        eventually(lambda: is_due(connection))

    def test_one_whose_answer_was_lost_is_not_left_behind(
        self, connection: Connection, outlook: OutlookSandbox, sandbox: Sandbox
    ) -> None:
        sandbox.fault("drop", match={"method": "POST", "path": "/subscriptions$"}, when="after")
        subscribing.keep()
        assert subscription().remote_id == ""
        Subscription.objects.update(next_at=timezone.now())
        subscribing.keep()
        assert subscription().remote_id != ""
        assert sandbox.journal.counters()["DELETE /graph/v1.0/subscriptions/{id}"] == 1

    def test_what_the_vendor_refuses_is_told_and_tried_again_later(
        self, connection: Connection, sandbox: Sandbox
    ) -> None:
        sandbox.fault("error", match={"path": "/subscriptions"}, status=403)
        subscribing.keep()
        row = subscription()
        assert "Microsoft does not allow this account news of the folder" in row.reason
        assert timezone.now() < row.next_at < timezone.now() + LATER
        [side_a, _] = subscribing.sources(connection)
        assert not side_a.live
        assert row.reason in side_a.text

    def test_shared_mailboxes_are_polled(self, connection: Connection) -> None:
        outlook: Any = host.connect(connection.folder_a.account)
        with pytest.raises(Unsupported, match="shared"):
            outlook.subscribe("ben@example.com/contacts", "https://pairwise.example.com", "state")

    @pytest.mark.parametrize("change", ["paused", "switched off", "account lost", "no address"])
    def test_one_that_nobody_needs_is_ended(
        self, connection: Connection, sandbox: Sandbox, settings: Settings, change: str
    ) -> None:
        subscribing.keep()
        if change == "paused":
            syncing.pause(connection, "by Anna")
        elif change == "switched off":
            Connection.objects.update(enabled=False)
        elif change == "account lost":
            account = connection.folder_a.account
            account.state = AccountState.NEEDS_AUTHORISATION
            account.save()
            assert not subscribing.is_due(), "the vendor would not listen"
            return
        else:
            settings.WEBHOOKS = "off"
        assert subscribing.is_due()
        subscribing.keep()
        assert not Subscription.objects.exists()
        assert sandbox.journal.counters()["DELETE /graph/v1.0/subscriptions/{id}"] == 1

    def test_another_address_of_the_installation_is_told_to_the_vendor(
        self, connection: Connection, settings: Settings, sandbox: Sandbox
    ) -> None:
        subscribing.keep()
        first = subscription()
        settings.PUBLIC_URL = settings.PUBLIC_URL.replace("localhost", "127.0.0.1")
        subscribing.keep()
        assert subscription().remote_id not in ("", first.remote_id)
        assert subscription().public_url == settings.PUBLIC_URL
        assert sandbox.journal.counters()["DELETE /graph/v1.0/subscriptions/{id}"] == 1

    def test_a_disconnected_account_ends_its_news_first(
        self, connection: Connection, sandbox: Sandbox, django_user_model: Any
    ) -> None:
        subscribing.keep()
        user = django_user_model.objects.create_user("anna@acme.example", "irrelevant")
        disconnecting.disconnect(connection.folder_a.account, user)
        assert sandbox.journal.counters()["DELETE /graph/v1.0/subscriptions/{id}"] == 1
        assert not Subscription.objects.exists()


ADDRESS, STATE = "the-address-of-the-folder", "the-secret-of-the-subscription"


@pytest.fixture
def folder(db: None, apps: Apps, calls: list[str]) -> Folder:
    """Of a connection, with a subscription whose secrets the tests know."""
    folder = make_folder(make_account(app="outlook"), "contacts")
    make_connection(folder, due_at=timezone.now() + LATER)
    Subscription.objects.create(
        tenant=folder.tenant, folder=folder, address_hash=fingerprint(ADDRESS), state_hash=fingerprint(STATE)
    )
    return folder


def post(body: Any, address: str = ADDRESS, app: str = "outlook") -> int:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    url = f"/news/{app}/{address}/" if address else f"/news/{app}/"
    return int(Client().post(url, data, content_type="application/json").status_code)


def notification(**changes: Any) -> dict[str, Any]:
    return {"value": [{"subscriptionId": "1", "changeType": "updated", "clientState": STATE, **changes}]}


class TestUnbelievedNews:
    def test_the_right_proof_is_believed(self, folder: Folder) -> None:
        assert post(notification()) == 202
        assert is_due(Connection.objects.get())

    @pytest.mark.parametrize("state", ["", "another", None])
    def test_a_wrong_proof_is_not(self, folder: Folder, state: str | None) -> None:
        assert post(notification(clientState=state)) == 401
        assert not is_due(Connection.objects.get())

    def test_one_wrong_among_right_ones_is_enough(self, folder: Folder) -> None:
        body = {"value": notification()["value"] + notification(clientState="another")["value"]}
        assert post(body) == 401
        assert not is_due(Connection.objects.get())

    @pytest.mark.parametrize("address", ["unknown", ""])
    def test_an_unknown_address_is_not_there(self, folder: Folder, address: str) -> None:
        assert post(notification(), address) == 404

    def test_an_address_belongs_to_one_app(self, folder: Folder) -> None:
        assert post(notification(), app="salesforce") == 404
        assert post(notification(), app="nothing") == 404

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"value": 1}', b"\xff", b'{"value": ["x"]}'])
    def test_what_is_no_notification_is_refused(self, folder: Folder, body: bytes) -> None:
        assert post(body) in (400, 401)
        assert not is_due(Connection.objects.get())

    def test_an_oversized_one_is_refused_unread(self, folder: Folder) -> None:
        assert post(b" " * 1_048_577) == 413

    def test_a_token_is_given_back_as_plain_text_and_only_at_a_known_address(self, folder: Folder) -> None:
        url = f"/news/outlook/{ADDRESS}/?validationToken=a%3Cb%3E+c"
        answer = Client().post(url, b"", content_type="text/plain")
        assert (answer.status_code, answer.content) == (200, b"a<b> c")
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert Client().post(url.replace(ADDRESS, "unknown")).status_code == 404

    def test_an_unknown_lifecycle_event_is_ignored(self, folder: Folder) -> None:
        assert post(notification(lifecycleEvent="somethingNew")) == 202
        assert not is_due(Connection.objects.get())

    def test_nothing_is_asked_by_get(self, folder: Folder) -> None:
        assert Client().get(f"/news/outlook/{ADDRESS}/").status_code == 405


class TestHeardNews:
    def test_only_those_concerned_are_called(self, folder: Folder) -> None:
        other = make_connection(make_folder(make_account(app="outlook")), due_at=timezone.now() + LATER)
        post(notification())
        assert not is_due(other)

    def test_many_deliveries_call_once(
        self, folder: Folder, calls: list[str], django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            for _ in range(5):
                post(notification())
        assert calls == ["connections.tasks.run"]

    def test_a_paused_connection_stays_at_rest(self, folder: Folder, calls: list[str]) -> None:
        Connection.objects.update(paused_reason="by Anna")
        assert post(notification()) == 202
        assert not is_due(Connection.objects.get())

    def test_whoever_is_woken_while_running_runs_again(
        self, folder: Folder, apps: Apps, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = Connection.objects.get()
        for account, remote in zip((folder.account, connection.folder_b.account), [apps.anna, apps.dav], strict=True):
            monkeypatch.setitem(apps.remotes, account.name, remote)
        Connection.objects.update(due_at=timezone.now())
        real = syncing.runner

        def interrupted(*arguments: Any) -> Any:
            hearing.hear(registry.app("outlook"), Reply(news=[News()]), subscription())
            return real(*arguments)

        monkeypatch.setattr(syncing, "runner", interrupted)
        tasks.run(connection.pk)
        assert is_due(connection)
        monkeypatch.setattr(syncing, "runner", real)
        tasks.run(connection.pk)
        assert not is_due(connection)

    def test_whoever_leaves_a_folder_to_another_worker_looks_again_soon(
        self, folder: Folder, apps: Apps, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = Connection.objects.get()
        for account, remote in zip((folder.account, connection.folder_b.account), [apps.anna, apps.dav], strict=True):
            monkeypatch.setitem(apps.remotes, account.name, remote)
        lease = claim(f"folder:{folder.pk}", "another worker", host.SystemClock())
        assert lease is not None
        Connection.objects.update(due_at=timezone.now())
        tasks.run(connection.pk)
        connection.refresh_from_db()
        assert connection.due_at is not None
        assert connection.due_at - timezone.now() < timedelta(seconds=syncing.SOON)
        lease.release()
        Connection.objects.update(due_at=timezone.now())
        tasks.run(connection.pk)
        connection.refresh_from_db()
        assert connection.due_at is not None
        assert connection.due_at - timezone.now() > timedelta(seconds=60)


@pytest.fixture
def named(folder: Folder) -> Folder:
    folder.account.remote_id = "portal-1"
    folder.account.client_id = "ours"
    folder.account.save()
    return folder


def told(folder: Folder) -> set[str]:
    return set(ToldRecord.objects.filter(folder=folder).values_list("remote_id", flat=True))


def tell(*records: str, account: str = "portal-1", client_id: str = "ours") -> int:
    news = [News(account=account, record=record) for record in records]
    return hearing.hear(registry.app("outlook"), Reply(news=news, client_id=client_id))


class TestNamedRecords:
    def test_they_are_kept_until_they_are_read(self, named: Folder) -> None:
        assert tell("7", "8") == 1
        assert tell("8", "9") == 1
        assert told(named) == {"7", "8", "9"}

    def test_another_account_or_registration_hears_nothing(self, named: Folder) -> None:
        assert tell("7", account="portal-2") == 0
        assert tell("7", client_id="theirs") == 0
        assert told(named) == set()

    def test_too_many_are_left_to_the_change_feed(self, named: Folder) -> None:
        tell(*map(str, range(hearing.MOST_TOLD)))
        assert tell("one more") == 1
        assert told(named) == set()

    def test_lifecycle_events_name_nobody(self, named: Folder) -> None:
        hearing.hear(registry.app("outlook"), Reply(news=[News(Event.MISSED)]), subscription())
        assert told(named) == set()


class TestPublicAddress:
    @pytest.mark.parametrize("url", ["https://pairwise.example.com", "https://sync.acme.be:8443"])
    def test_a_public_https_address_is_enough(self, settings: Settings, url: str) -> None:
        settings.PUBLIC_URL, settings.WEBHOOKS = url, "auto"
        assert subscribing.why_not() == ""

    @pytest.mark.parametrize(
        "url",
        [
            "http://pairwise.example.com",
            "http://localhost:8000",
            "https://localhost",
            "https://10.0.0.7",
            "https://[::1]:8000",
            "https://pairwise",
            "https://pairwise.local",
        ],
    )
    def test_another_is_not(self, settings: Settings, url: str) -> None:
        settings.PUBLIC_URL, settings.WEBHOOKS = url, "auto"
        assert "PUBLIC_URL" in subscribing.why_not()

    def test_it_can_be_switched(self, settings: Settings) -> None:
        settings.PUBLIC_URL, settings.WEBHOOKS = "https://pairwise.example.com", "off"
        assert "switched off" in subscribing.why_not()
        settings.PUBLIC_URL, settings.WEBHOOKS = "http://localhost", "on"
        assert subscribing.why_not() == ""


SECRET = "the-secret-of-the-app"


@pytest.fixture
def portal(
    transactional_db: None, sandbox: Sandbox, live_server: LiveServer, settings: Settings, calls: list[str]
) -> Connection:
    """An account of the stand-in for HubSpot on side B, whose token was entered by hand."""
    settings.PUBLIC_URL, settings.WEBHOOKS = live_server.url, "on"
    settings.ALLOWED_PRIVATE_HOSTS = [sandbox.url.removeprefix("http://")]
    settings.APP_SETTINGS = {"HUBSPOT_CLIENT_ID": "pairwise", "HUBSPOT_CLIENT_SECRET": SECRET}
    api: HubSpotSandbox = sandbox.part("hubspot")
    webhooks = registry.app("hubspot").webhooks
    assert webhooks is not None
    app = api.register_app("pairwise", [f"{live_server.url}/connect/hubspot/"], SECRET)
    api.set_webhooks(app, f"{live_server.url}/news/hubspot/", webhooks.events, first_wait=0.1)
    secrets = api.add_account(EMAIL, client="pairwise")
    account = make_account(
        app="hubspot",
        base_url=f"{sandbox.url}/hubspot",
        login_url=f"{sandbox.url}/hubspot",
        secrets={name: str(secrets[name]) for name in ("access_token", "refresh_token")},
    )
    return make_connection(
        make_folder(make_account(account.tenant)), make_folder(account, "contacts"), due_at=timezone.now() + LATER
    )


class TestNewsOfAllAccounts:
    def test_an_edit_names_the_record_that_is_to_be_read(self, portal: Connection, sandbox: Sandbox) -> None:
        subscribing.keep()
        [id] = sandbox.part("hubspot").load(EMAIL, [{"email": "ada@example.com", "firstname": "Ada"}])
        eventually(lambda: is_due(portal))
        eventually(lambda: told(portal.folder_b) == {id})

    def test_an_account_made_by_hand_is_asked_who_it_is(self, portal: Connection, sandbox: Sandbox) -> None:
        assert subscribing.is_due()
        subscribing.keep()
        portal.folder_b.account.refresh_from_db()
        assert portal.folder_b.account.remote_id == str(sandbox.part("hubspot").account(EMAIL).portal)
        assert not subscribing.is_due()

    def test_one_that_does_not_answer_is_asked_again_later(self, portal: Connection, sandbox: Sandbox) -> None:
        sandbox.fault("error", match={"path": "account-info"}, status=500, count=0)
        subscribing.keep()
        assert not subscribing.is_due()
        cache.delete(subscribing.TRIED)
        sandbox.faults.clear()
        subscribing.keep()
        portal.folder_b.account.refresh_from_db()
        assert portal.folder_b.account.remote_id

    @pytest.mark.parametrize("broken", [{}, {"old": True}], ids=["wrong", "old"])
    def test_a_delivery_with_a_bad_signature_is_turned_away_and_the_next_one_heard(
        self, portal: Connection, sandbox: Sandbox, broken: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        subscribing.keep()
        sandbox.fault("signature", match={"path": "/delivery$"}, **broken)
        sandbox.part("hubspot").load(EMAIL, [{"email": "ada@example.com"}])
        eventually(lambda: is_due(portal))  # by the vendor's second try
        assert [one.getMessage() for one in caplog.records if "not believed" in one.getMessage()] == [
            "HubSpot: a delivery of news was not believed: no signature of the last five minutes with the secret of a "
            "registration"
        ]

    def test_a_replayed_delivery_changes_nothing_more(self, portal: Connection, sandbox: Sandbox) -> None:
        subscribing.keep()
        sandbox.fault("duplicate", match={"path": "/delivery$"})
        [id] = sandbox.part("hubspot").load(EMAIL, [{"email": "ada@example.com"}])
        eventually(lambda: told(portal.folder_b) == {id})

    def test_news_of_an_unknown_account_is_taken_and_changes_nothing(
        self, portal: Connection, live_server: LiveServer
    ) -> None:
        body = orjson.dumps(
            [{"portalId": 4711, "objectId": 1, "subscriptionType": "contact.creation", "occurredAt": 1, "eventId": 1}]
        )
        stamp = str(int(time.time() * 1000))
        address = f"{live_server.url}/news/hubspot/"
        signed = hmac.new(SECRET.encode(), b"POST" + address.encode() + body + stamp.encode(), hashlib.sha256)
        answer = Client().post(
            "/news/hubspot/",
            body,
            content_type="application/json",
            headers={
                "X-HubSpot-Signature-v3": base64.b64encode(signed.digest()).decode(),
                "X-HubSpot-Request-Timestamp": stamp,
            },
        )
        assert answer.status_code == 202
        assert not is_due(portal)
        assert not ToldRecord.objects.exists()
