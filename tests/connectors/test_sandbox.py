"""The sandbox as a whole: its server, its control addresses, its file, its command."""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
import requests

from connectors.sandbox import Sandbox
from connectors.sandboxkit.web import Environ

EMAIL = "anna@example.com"
ACCOUNT = f"/control/outlook/accounts/{EMAIL}"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


class Control:
    def __init__(self, sandbox: Sandbox) -> None:
        self.url = sandbox.url
        self.session = requests.Session()

    def __call__(self, method: str, path: str, status: int, **options: object) -> requests.Response:
        answer = self.session.request(method, self.url + path, timeout=5, **options)  # type: ignore[arg-type]
        assert answer.status_code == status, answer.text
        return answer

    def account(self) -> dict[str, str]:
        made: dict[str, str] = self("POST", "/control/outlook/accounts", 201, json={"email": EMAIL}).json()
        return made


@pytest.fixture
def control(sandbox: Sandbox) -> Control:
    return Control(sandbox)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_mailbox_is_made_loaded_and_read_back(control: Control) -> None:
    tokens = control.account()
    people = [{"givenName": f"Person {number}"} for number in range(3)]
    ids = control("POST", f"{ACCOUNT}/contacts", 201, json={"contacts": people, "folder": "Contacts/VIP"}).json()["ids"]
    control("PATCH", f"{ACCOUNT}/contacts/{ids[0]}", 204, json={"jobTitle": "Analyst"})
    control("POST", f"{ACCOUNT}/contacts/{ids[1]}/move", 204, json={"folder": "Contacts"})
    control("DELETE", f"{ACCOUNT}/contacts/{ids[2]}", 204)
    held = control("GET", f"{ACCOUNT}/contacts", 200).json()["contacts"]
    seen = {contact["id"]: (contact["folder"], contact["jobTitle"]) for contact in held}
    assert seen == {ids[0]: ("Contacts/VIP", "Analyst"), ids[1]: ("Contacts", None)}
    shown = control("GET", "/graph/v1.0/me/contacts", 200, headers=bearer(tokens["access_token"])).json()
    assert [contact["givenName"] for contact in shown["value"]] == ["Person 1"]


def test_tokens_can_be_chosen_issued_and_ended(control: Control) -> None:
    body = {"email": EMAIL, "tokens": {"access_token": "my-access", "refresh_token": "my-refresh"}}
    assert control("POST", "/control/outlook/accounts", 201, json=body).json()["access_token"] == "my-access"
    control("GET", "/graph/v1.0/me", 200, headers=bearer("my-access"))
    control("POST", f"{ACCOUNT}/expire", 204, json={"kinds": ["access"]})
    control("GET", "/graph/v1.0/me", 401, headers=bearer("my-access"))
    form = {"client_id": "x", "grant_type": "refresh_token", "refresh_token": "my-refresh"}
    renewed = control("POST", "/microsoft/common/oauth2/v2.0/token", 200, data=form).json()["access_token"]
    control("GET", "/graph/v1.0/me", 200, headers=bearer(renewed))
    short = control("POST", f"{ACCOUNT}/tokens", 201, json={"expires_in": 0}).json()["access_token"]
    control("GET", "/graph/v1.0/me", 401, headers=bearer(short))


def test_switches_are_set_and_shown(control: Control) -> None:
    tokens = control.account()
    control("PATCH", ACCOUNT, 204, json={"switches": {"mailbox_enabled": False}})
    [account] = control("GET", "/control/outlook/accounts", 200).json()["accounts"]
    assert account["switches"]["mailbox_enabled"] is False
    control("GET", "/graph/v1.0/me/contacts", 404, headers=bearer(tokens["access_token"]))


def test_faults_are_switched_on_listed_and_off(control: Control) -> None:
    token = bearer(control.account()["access_token"])
    fault = {"kind": "error", "status": 502, "count": 0, "match": {"path": "/contacts$"}}
    made = control("POST", "/control/faults", 201, json=fault).json()
    control("GET", "/graph/v1.0/me/contacts", 502, headers=token)
    control("GET", "/graph/v1.0/me", 200, headers=token)
    [listed] = control("GET", "/control/faults", 200).json()["faults"]
    assert (listed["id"], listed["hits"]) == (made["id"], 1)
    control("DELETE", f"/control/faults/{made['id']}", 204)
    control("DELETE", f"/control/faults/{made['id']}", 404)
    control("GET", "/graph/v1.0/me/contacts", 200, headers=token)


def test_requests_are_counted_by_method_and_route(control: Control) -> None:
    token = bearer(control.account()["access_token"])
    for _ in range(3):
        control("GET", "/graph/v1.0/me/contacts", 200, headers=token)
    control("GET", "/graph/v1.0/me/contacts/nonsense", 400, headers=token)
    log = control("GET", "/control/requests?last=1", 200).json()
    assert log["counters"] == {"GET /graph/v1.0/me/contacts": 3, "GET /graph/v1.0/me/contacts/{id}": 1}
    assert log["total"] == 4
    assert [line["status"] for line in log["requests"]] == [400]
    control("DELETE", "/control/requests", 204)
    assert control("GET", "/control/requests", 200).json()["total"] == 0


def test_a_reset_forgets_everything(control: Control) -> None:
    token = bearer(control.account()["access_token"])
    control("POST", "/control/faults", 201, json={"kind": "lag", "seconds": 5})
    control("POST", "/control/clock", 200, json={"advance": 100})
    control("POST", "/control/reset", 204)
    control("GET", "/graph/v1.0/me", 401, headers=token)
    assert control("GET", "/control/outlook/accounts", 200).json() == {"accounts": []}
    assert control("GET", "/control/faults", 200).json()["faults"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "/control/outlook/accounts", {"email": "nonsense"}, 400, "email address"),
        ("POST", "/control/outlook/accounts", {"mail": EMAIL}, 400, "mail"),
        ("POST", "/control/outlook/accounts", {"email": EMAIL, "switches": {"colour": 1}}, 400, "colour"),
        ("GET", "/control/outlook/accounts/nobody@example.com/contacts", None, 404, "nobody@example.com"),
        ("POST", "/control/faults", {"kind": "earthquake"}, 400, "earthquake"),
        ("POST", "/control/faults", {"kind": "error", "nth": "second"}, 400, "second"),
        ("POST", "/control/faults", {"kind": "error", "match": {"path": "("}}, 400, "regular expression"),
        ("GET", "/control/requests?last=some", None, 400, "some"),
        ("POST", "/control/clock", {}, 400, "advance"),
        ("POST", "/control/clock", {"advance": "soon"}, 400, "soon"),
        ("GET", "/control/nonsense", None, 404, "GET /control"),
    ],
)
def test_wrong_use_is_explained(
    control: Control, method: str, path: str, body: dict[str, object] | None, status: int, words: str
) -> None:
    assert words in control(method, path, status, json=body).json()["error"]


def test_other_sites_pages_control_nothing(control: Control) -> None:
    control("POST", "/control/reset", 403, headers={"Origin": "https://evil.example"}, json={})


def test_a_connection_is_kept_and_serves_many_requests(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=5)
    connection.connect()
    socket = connection.sock
    for path, status in (("/", 200), ("/nonsense", 404), ("/control", 200)):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert (answer.status, answer.version) == (status, 11)
        assert connection.sock is socket
    connection.close()


def test_many_callers_at_once_lose_nothing(sandbox: Sandbox) -> None:
    token = sandbox.part("outlook").add_account(EMAIL)["access_token"]
    failures: list[int] = []

    def work() -> None:
        session = requests.Session()
        session.headers.update(bearer(token))
        for number in range(20):
            answer = session.post(f"{sandbox.url}/graph/v1.0/me/contacts", json={"givenName": str(number)}, timeout=10)
            if answer.status_code != 201:
                failures.append(answer.status_code)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    held = sandbox.part("outlook").contacts(EMAIL)
    assert len(held) == 160
    assert len({contact["changeKey"] for contact in held}) == 160


@pytest.mark.parametrize("path", ["/", "/control", "/graph/v1.0/me", "/outlook/", "/assets/sandbox.js"])
def test_it_is_a_correct_wsgi_application(path: str) -> None:
    sandbox = Sandbox()
    environ: Environ = {}
    setup_testing_defaults(environ)
    environ |= {"PATH_INFO": path, "QUERY_STRING": ""}
    statuses: list[str] = []

    def start(status: str, headers: list[tuple[str, str]], problem: object = None) -> Callable[[bytes], object]:
        statuses.append(status)
        return statuses.__contains__

    chunks: Any = validator(sandbox)(environ, start)
    assert b"".join(chunks)
    chunks.close()
    assert statuses == ["401 Unauthorized" if "graph" in path else "200 OK"]
    sandbox.stop()


def test_its_file_outlives_it(tmp_path: Path) -> None:
    file = str(tmp_path / "sandbox.sqlite3")
    with Sandbox(file) as first:
        token = first.part("outlook").add_account(EMAIL)["access_token"]
        [key] = first.part("outlook").load(EMAIL, [{"givenName": "Ada"}])
    with Sandbox(file) as second:
        assert [contact["id"] for contact in second.part("outlook").contacts(EMAIL)] == [key]
        answer = requests.get(f"{second.url}/graph/v1.0/me/contacts", headers=bearer(token), timeout=5)
        assert len(answer.json()["value"]) == 1


def test_the_command_serves_until_it_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "connectors.sandbox", "--port", "0", "--file", str(tmp_path / "s.sqlite3")]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = process.stderr.readline().split()[-1]
        assert requests.get(f"{address}/", timeout=5).status_code == 200
        process.terminate()
        assert process.wait(10) is not None
