"""Mails and webhooks as they leave: their headers and signatures, and what happens where nobody takes them."""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import json
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from smtplib import SMTPRecipientsRefused
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.utils import timezone

from connections.models import Notification, NotificationState, OutgoingWebhook
from connections.services import inviting, notifying, outgoing, sending
from connections.urlguard import AddressGuard
from tests.connections.test_notifying import Broken, Clock, World, clock, mailing, world  # noqa: F401 - fixtures
from tests.connectors.server import Handler, Reply, Request, serve

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Hears = Callable[..., tuple[OutgoingWebhook, str]]


# ---- mails


def test_a_mail_says_what_to_do_and_how_to_get_no_more(world: World) -> None:  # noqa: F811
    world.run("held", 1200)
    notifying.notify()
    message = next(one for one in mail.outbox if one.to == [world.editor.email])
    sent = message.message()
    assert sent.is_multipart()
    assert message.subject == f"{world.tenant}: {world.connection.name} waits for approval"
    assert "holds back 1,200 changes" in message.body
    page = f"http://localhost:8000/tenants/{world.tenant.slug}/connections/{world.connection.pk}/"
    html = str(message.alternatives[0][0])  # type: ignore[attr-defined]
    assert page in message.body
    assert f'href="{page}"' in html
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = str(sent["List-Unsubscribe"]).strip("<>")
    assert address.startswith("http://localhost:8000/notifications/stop/")
    assert address in message.body
    assert address in html
    assert sent["Auto-Submitted"] == "auto-generated"


def test_names_are_escaped_in_html_and_stay_on_one_line_in_headers(world: World) -> None:  # noqa: F811
    world.tenant.name = "<b>A & B</b>\nBcc: eve@example.com"
    world.tenant.save()
    world.lose()
    notifying.notify()
    [message] = mail.outbox
    assert message.subject == f"<b>A & B</b> Bcc: eve@example.com: connect {world.account.name} again"
    assert message.recipients() == [world.editor.email]
    assert "<b>A & B</b>" in message.body
    assert "&lt;b&gt;A &amp; B" in str(message.alternatives[0][0])  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError(), SMTPRecipientsRefused({})])
def test_while_the_mail_server_is_down_it_is_tried_ever_less_often_and_then_shown(
    world: World,  # noqa: F811
    clock: Clock,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    server = Broken(error)
    monkeypatch.setattr(sending, "mail", server)
    world.lose()
    moments: list[int] = []
    start = clock.moment
    while not moments or Notification.objects.get().state == NotificationState.WAITING:
        before = server.asked
        notifying.notify()
        moments += [round((clock.moment - start).total_seconds() / 60)] * (server.asked - before)
        clock.pass_(minutes=5 if len(moments) < 3 else 20)
    assert moments == [0, 5, 20, 80, 260, 620, 1340, 2780]
    row = Notification.objects.get()
    assert (row.state, row.attempts) == ("failed", 8)
    assert row.error == f"The mail server did not take it ({type(error).__name__})."
    assert mail.outbox == []


def test_when_it_is_up_again_the_mail_goes_out_once(
    world: World,  # noqa: F811
    clock: Clock,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = sending.mail
    monkeypatch.setattr(sending, "mail", Broken(ConnectionRefusedError()))
    world.lose()
    assert notifying.notify() == "1 noted, 0 sent"
    monkeypatch.setattr(sending, "mail", real)
    assert notifying.notify() == "0 noted, 0 sent"
    clock.pass_(hours=13)  # on the next day
    assert notifying.notify() == "0 noted, 1 sent"
    assert [row.day.day for row in Notification.objects.all()] == [5]
    for _ in range(3):
        clock.pass_(hours=5)
        assert notifying.notify() == "0 noted, 0 sent"


def test_where_a_worker_died_over_a_mail_it_is_not_sent_again(
    world: World,  # noqa: F811
    clock: Clock,  # noqa: F811
) -> None:
    world.lose()
    notifying.note(timezone.now())
    Notification.objects.update(begun_at=timezone.now(), attempts=1)
    assert notifying.notify() == "0 noted, 0 sent"
    clock.pass_(minutes=11)
    notifying.notify()
    assert Notification.objects.get().state == NotificationState.FAILED
    assert mail.outbox == []
    clock.pass_(days=1)
    assert notifying.notify() == "1 noted, 1 sent"


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as a sender needs; `mute` never says a word."""

    daemon_threads = allow_reuse_address = True

    def __init__(self, mute: bool = False) -> None:
        self.mute, self.taken = mute, list[bytes]()
        self.released = threading.Event()
        super().__init__(("127.0.0.1", 0), _Session)


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, MailServer)
        if server.mute:
            server.released.wait(20)
            return
        self.wfile.write(b"220 mail.example\r\n")
        while line := self.rfile.readline():
            word = line[:4].strip().upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                server.taken.append(b"".join(iter(self.rfile.readline, b".\r\n")))
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 well\r\n")


@pytest.fixture
def smtp(settings: Any) -> Iterator[Callable[..., MailServer]]:
    servers = []

    def start(mute: bool = False) -> MailServer:
        server = MailServer(mute)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address[:2]
        return server

    yield start
    for server in servers:
        server.released.set()
        server.shutdown()
        server.server_close()


def test_a_mail_server_gets_one_mail_with_all_it_needs(world: World, smtp: Callable[..., MailServer]) -> None:  # noqa: F811
    server = smtp()
    world.lose()
    for _ in range(2):
        notifying.notify()
    [raw] = server.taken
    letter = email.message_from_bytes(raw, policy=email.policy.default)
    assert letter["To"] == world.editor.email
    assert re.fullmatch(r"<http://localhost:8000/notifications/stop/[\w:-]+/>", letter["List-Unsubscribe"].strip())
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter["Message-ID"] == f"<{Notification.objects.get().uuid}@localhost>"
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]


def test_a_mail_server_that_hangs_holds_no_worker(
    world: World,  # noqa: F811
    smtp: Callable[..., MailServer],
    settings: Any,
) -> None:
    assert settings.EMAIL_TIMEOUT < 60
    settings.EMAIL_TIMEOUT = 0.5
    smtp(mute=True)
    world.lose()
    assert notifying.notify() == "1 noted, 0 sent"
    assert Notification.objects.get().state == NotificationState.WAITING


# ---- webhooks


def noting(heard: list[Request], status: int = 200) -> Handler:
    def answer(request: Request) -> Reply:
        heard.append(request)
        return Reply(status)

    return answer


@pytest.fixture
def hears(world: World, settings: Any) -> Iterator[Hears]:  # noqa: F811
    """Adds a webhook that a handler answers; nothing is mailed unless a test says so."""
    open_servers = []

    def add(handler: Handler, causes: list[str] | None = None) -> tuple[OutgoingWebhook, str]:
        server = serve(handler)
        url = server.__enter__()
        open_servers.append(server)
        settings.ALLOWED_PRIVATE_HOSTS = [*settings.ALLOWED_PRIVATE_HOSTS, urlsplit(url).netloc]
        return outgoing.add(world.tenant, f"{url}/hooks/s3cret-path", causes or ["account", "held", "digest"], None)

    yield add
    for server in open_servers:
        server.__exit__(None, None, None)


@pytest.fixture
def unmailed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "mail_is_set_up", lambda: False)


def documented_check() -> Callable[[str, str, bytes], bool]:
    """The example of the documentation, run as it stands there."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "notifications.md").read_text()
    found: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", text, flags=re.S)[0], found)  # noqa: S102
    check: Callable[[str, str, bytes], bool] = found["is_from_pairwise"]
    return check


def test_what_is_posted_is_signed(world: World, hears: Hears, monkeypatch: pytest.MonkeyPatch, unmailed: None) -> None:  # noqa: F811
    monkeypatch.undo()  # the receiver looks at a real clock
    monkeypatch.setattr(inviting, "mail_is_set_up", lambda: False)
    heard: list[Request] = []
    _, secret = hears(noting(heard, 204), ["account"])
    world.lose()
    assert notifying.notify().startswith("1 noted, 1 sent")
    [request] = heard
    header = request.headers["Pairwise-Signature"]
    moment, given = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", header).groups()  # type: ignore[union-attr]
    wanted = hmac.new(secret.encode(), f"{moment}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert given == wanted
    check = documented_check()
    assert check(secret, header, request.body)
    assert not check(secret, header, request.body + b" ")
    assert not check("another secret", header, request.body)
    assert not check(secret, header.replace(moment, str(int(moment) - 1)), request.body)
    assert (request.method, request.headers["Content-Type"]) == ("POST", "application/json")
    body = json.loads(request.body)
    assert body["cause"] == "account"
    assert body["tenant"] == world.tenant.slug
    assert body["account"]["name"] == world.account.name
    assert body["id"] == str(Notification.objects.get().uuid)


def test_a_webhook_is_told_once_a_day_and_only_what_it_asked_for(
    world: World,  # noqa: F811
    clock: Clock,  # noqa: F811
    hears: Hears,
    unmailed: None,
) -> None:
    heard: list[Request] = []
    hook, _ = hears(noting(heard), ["held"])
    world.lose()
    world.run("held")
    for _ in range(5):
        notifying.notify()
        clock.pass_(hours=1)
    assert [json.loads(request.body)["cause"] for request in heard] == ["held"]
    OutgoingWebhook.objects.filter(pk=hook.pk).update(enabled=False)
    clock.pass_(days=8)
    notifying.notify()
    assert [json.loads(request.body)["cause"] for request in heard] == ["held"]


BAD: dict[str, tuple[Handler, str]] = {
    "500": (lambda request: Reply(500, b"Karla Kolumna"), "127.0.0.1 answered with status 500."),
    "404": (lambda request: Reply(404), "127.0.0.1 answered with status 404."),
    "silence": (lambda request: None, "127.0.0.1 cannot be reached, or broke the connection."),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_webhook_that_fails_is_tried_again_and_says_why(
    world: World,  # noqa: F811
    clock: Clock,  # noqa: F811
    hears: Hears,
    unmailed: None,
    kind: str,
) -> None:
    handler, why = BAD[kind]
    ids: list[str] = []

    def answer(request: Request) -> Reply | None:
        ids.append(json.loads(request.body)["id"])
        return handler(request) if len(ids) < 3 else Reply(200)

    hook, _ = hears(answer)
    world.lose()
    assert notifying.notify() == "1 noted, 0 sent"
    assert Notification.objects.get().error == why
    hook.refresh_from_db()
    assert (hook.last_ok, hook.last_result) == (False, why)
    clock.pass_(minutes=5)
    notifying.notify()
    clock.pass_(minutes=15)
    assert notifying.notify() == "0 noted, 1 sent"
    assert len(ids) == 3
    assert len(set(ids)) == 1
    hook.refresh_from_db()
    assert (hook.last_ok, hook.last_result) == (True, "answered 200")


def test_a_webhook_that_hangs_is_left_after_a_short_while(
    world: World,  # noqa: F811
    hears: Hears,
    unmailed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()

    def hang(request: Request) -> Reply:
        release.wait(20)
        return Reply(200)

    assert sum(outgoing.TIMEOUT) < 15
    monkeypatch.setattr(outgoing, "TIMEOUT", (0.5, 0.5))
    hears(hang)
    world.lose()
    assert notifying.notify() == "1 noted, 0 sent"
    release.set()
    assert Notification.objects.get().error == "127.0.0.1 did not answer in time."


def test_a_redirect_is_not_followed(world: World, hears: Hears, unmailed: None) -> None:  # noqa: F811
    heard: list[Request] = []
    elsewhere, _ = hears(noting(heard), ["plan"])
    for status in (301, 302, 303, 307, 308):
        hook, _ = hears(lambda request, status=status: Reply(status, headers={"Location": elsewhere.url}))
        with pytest.raises(outgoing.Undelivered, match="redirects .* not followed"):
            outgoing.test(hook)
        hook.delete()
    assert heard == []


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hook",
        "http://example.com/hook",
        "https://user:password@example.com/hook",
        "ftp://example.com/",
    ],
)
def test_private_and_unencrypted_addresses_are_refused(world: World, url: str) -> None:  # noqa: F811
    with pytest.raises(outgoing.CannotAdd) as refused:
        outgoing.add(world.tenant, url, ["held"], None)
    hook = OutgoingWebhook.objects.create(tenant=world.tenant, url=url, secrets={"secret": "x"})
    with pytest.raises(outgoing.Undelivered) as later:
        outgoing.test(hook)
    assert str(later.value) == str(refused.value), "it is checked again each time"


def test_a_name_that_turns_private_after_the_check_is_not_posted_to(
    world: World,  # noqa: F811
    hears: Hears,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    """Whoever runs the zone of a name may answer the second question differently."""
    heard: list[Request] = []
    hook, _ = hears(noting(heard))
    settings.ALLOWED_PRIVATE_HOSTS = []
    monkeypatch.setattr(AddressGuard, "check", lambda self, url: None)
    with pytest.raises(outgoing.Undelivered, match="private network"):
        outgoing.test(hook)
    assert heard == []


def test_neither_secret_nor_path_shows_in_results_and_logs(
    world: World,  # noqa: F811
    hears: Hears,
    caplog: pytest.LogCaptureFixture,
    unmailed: None,
) -> None:
    hook, secret = hears(lambda request: Reply(500))
    world.lose()
    with caplog.at_level("INFO"):
        notifying.notify()
    hook.refresh_from_db()
    for text in (hook.last_result, Notification.objects.get().error, caplog.text, str(hook)):
        assert "s3cret-path" not in text
        assert secret not in text
