from __future__ import annotations

import hashlib
import logging
import socket
from collections.abc import Callable, Mapping
from urllib.request import parse_http_list, parse_keqv_list

import pytest

from connectors.auth import Password
from connectors.base import AddressRefused, AuthLost, FenceLost, Throttled, Unavailable
from connectors.http import Basic, Bearer, Http, NoAnswer, retry_after
from tests.connectors.host import LoopbackGuard, MemoryLimits, MemoryVault, VirtualClock, make_host
from tests.connectors.server import Handler, Reply, Request, serve


class Script:
    """Answers with one reply after the other, the last one for ever, and keeps the requests."""

    def __init__(self, *replies: Reply | None) -> None:
        self.replies = list(replies)
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Reply | None:
        self.requests.append(request)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def refused_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_an_answer_comes_with_status_headers_and_body() -> None:
    script = Script(Reply(404, b'{"a": 1}', {"X-Thing": "yes"}))
    with serve(script) as url:
        answer = Http(make_host(url)).request("GET", url + "/x?y=1", headers={"Accept": "text/plain"})
    assert (answer.status, answer.ok, answer.json(), answer.headers["x-thing"]) == (404, False, {"a": 1}, "yes")
    assert script.requests[0].path == "/x?y=1"
    assert script.requests[0].headers["Accept"] == "text/plain"


def test_json_and_forms_are_encoded() -> None:
    script = Script(Reply())
    with serve(script) as url:
        http = Http(make_host(url))
        http.request("POST", url, kind="write", json={"ä": [1, None]})
        http.request("POST", url, kind="read", data={"grant_type": "refresh token"})
    assert script.requests[0].body == '{"ä":[1,null]}'.encode()
    assert script.requests[0].headers["Content-Type"] == "application/json"
    assert script.requests[1].body == b"grant_type=refresh+token"
    assert http.sent == {"write": 1, "read": 1}


def test_html_where_json_was_expected_is_unavailable() -> None:
    with serve(Script(Reply(200, b"<html>login"))) as url, pytest.raises(Unavailable, match="not JSON") as error:
        Http(make_host(url)).request("GET", url).json()
    assert "login" not in str(error.value)


def test_the_connection_is_kept_alive() -> None:
    ports: set[str] = set()

    def answer(request: Request) -> Reply:
        ports.add(str(request.headers["X-Number"]))
        return Reply(body=b"x")

    with serve(answer) as url:
        http = Http(make_host(url))
        for number in range(3):
            http.request("GET", url, headers={"X-Number": str(number)})
        pools = http._session.adapters["http://"].poolmanager.pools  # type: ignore[attr-defined]
        assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118
    assert len(ports) == 3


def test_basic_authentication_is_utf8_and_a_wrong_password_is_final() -> None:
    script = Script(Reply(), Reply(401))
    with serve(script) as url:
        http = Http(make_host(url, {"username": "änne", "password": "s:ß"}), Basic())
        http.request("GET", url)
        with pytest.raises(AuthLost, match="user name and password"):
            http.request("GET", url)
    assert script.requests[0].headers["Authorization"] == "Basic w6RubmU6czrDnw=="
    assert len(script.requests) == 2


class DigestServer:
    """Takes nothing but Digest (RFC 7616, MD5 with qop=auth) and never forgets a nonce unless told to."""

    def __init__(self) -> None:
        self.nonce = "n1"
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        given = request.headers.get("Authorization", "")
        if given.startswith("Digest ") and self._is_right(
            request, parse_keqv_list(parse_http_list(given.removeprefix("Digest ")))
        ):
            return Reply(body=request.body)
        stale = ", stale=true" if given.startswith("Digest ") and self.nonce not in given else ""
        return Reply(401, headers={"WWW-Authenticate": f'Digest realm="dav", nonce="{self.nonce}", qop="auth"{stale}'})

    def _is_right(self, request: Request, given: dict[str, str]) -> bool:
        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 the scheme's own

        who, what = md5("änne:dav:pässword"), md5(f"{request.method}:{request.path}")
        rest = f"{self.nonce}:{given['nc']}:{given['cnonce']}:auth"
        return given["uri"] == request.path and given["response"] == md5(f"{who}:{rest}:{what}")


def test_a_server_that_takes_only_digest_is_answered_with_the_whole_request() -> None:
    server = DigestServer()
    with serve(server) as url:
        http = Http(make_host(url, {"username": "änne", "password": "pässword"}), Password())
        for number in range(3):
            sent = http.request("PUT", f"{url}/a?b={number}", kind="write", data=b"card")
            assert (sent.status, sent.content) == (200, b"card")
        assert len(server.requests) == 4
        server.nonce = "n2"
        assert http.request("GET", f"{url}/a").ok
        assert len(server.requests) == 6


def test_a_wrong_password_is_final_with_digest_and_where_basic_is_offered_too() -> None:
    server = DigestServer()
    with serve(server) as url, pytest.raises(AuthLost, match="user name and password"):
        Http(make_host(url, {"username": "änne", "password": "guess"}), Password()).request("GET", url + "/")
    assert len(server.requests) == 2
    both = Script(Reply(401, headers={"WWW-Authenticate": 'Digest realm="a", nonce="b", Basic realm="a"'}))
    with serve(both) as url, pytest.raises(AuthLost):
        Http(make_host(url, {"username": "änne", "password": "guess"}), Password()).request("GET", url + "/")
    assert len(both.requests) == 1
    for rubbish in (
        "Digest",
        "Digest realm",
        "Digest =,,",
        'Digest realm="a", nonce=',
        'Digest nonce="a"',
        "Negotiate",
    ):
        odd = Script(Reply(401, headers={"WWW-Authenticate": rubbish}))
        with serve(odd) as url, pytest.raises(AuthLost):
            Http(make_host(url, {"username": "änne", "password": "guess"}), Password()).request("GET", url + "/")
        assert len(odd.requests) == 1


def bearer(token: str) -> Bearer:
    return Bearer(refresh=lambda old: {"access_token": token})


@pytest.mark.parametrize("kind", ["read", "write"])
def test_an_expired_token_is_renewed_once_and_the_request_sent_again(kind: str) -> None:
    def answer(request: Request) -> Reply:
        return Reply(200 if request.headers["Authorization"] == "Bearer new" else 401)

    with serve(answer) as url:
        host = make_host(url, {"access_token": "old"})
        http = Http(host, bearer("new"))
        assert http.request("POST", url, kind=kind, json={}).status == 200  # type: ignore[arg-type]
        assert http.request("POST", url, kind=kind, json={}).status == 200  # type: ignore[arg-type]
    assert isinstance(host.vault, MemoryVault)
    assert host.vault.renewals == 1


def test_a_token_that_stays_refused_asks_for_a_person() -> None:
    script = Script(Reply(401))
    with serve(script) as url, pytest.raises(AuthLost, match="Connect the account again"):
        Http(make_host(url, {"access_token": "old"}), bearer("new")).request("GET", url)
    assert len(script.requests) == 2


def test_a_token_renewed_elsewhere_meanwhile_is_used_without_renewing_again() -> None:
    host = make_host("http://127.0.0.1", {"access_token": "old"})
    assert isinstance(host.vault, MemoryVault)
    vault = host.vault

    def answer(request: Request) -> Reply:
        if request.headers["Authorization"] == "Bearer old":
            vault.renew(lambda old: {"access_token": "theirs"}, failed=1)
            return Reply(401)
        return Reply(body=str(request.headers["Authorization"]).encode())

    with serve(answer) as url:
        assert Http(host, bearer("mine")).request("GET", url).content == b"Bearer theirs"
    assert vault.renewals == 1


def test_how_long_to_wait_may_stand_in_the_body_of_the_answer() -> None:
    with serve(Script(Reply(429, b'{"policy": "second"}'))) as url:
        http = Http(make_host(url), untold=lambda answer: 1.0 if answer.json()["policy"] == "second" else 10.0)
        with pytest.raises(Throttled) as error:
            http.request("GET", url)
        assert error.value.after == 1.0


def test_throttling_is_told_to_all_and_holds_further_requests() -> None:
    script = Script(Reply(429, headers={"Retry-After": "7"}), Reply())
    with serve(script) as url:
        host = make_host(url)
        http = Http(host)
        with pytest.raises(Throttled) as error:
            http.request("GET", url)
        assert error.value.after == 7
        assert isinstance(host.limits, MemoryLimits)
        assert host.limits.told == [("read", 7)]
        with pytest.raises(Throttled):
            http.request("GET", url)
        assert len(script.requests) == 1
        host.clock.sleep(7)
        assert http.request("GET", url).ok


def test_service_unavailable_with_a_time_is_throttling_for_writes_too() -> None:
    with serve(Script(Reply(503, headers={"Retry-After": "3"}))) as url, pytest.raises(Throttled) as error:
        Http(make_host(url)).request("PUT", url, kind="write")
    assert error.value.after == 3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("12", 12),
        ("-1", 0),
        ("1e9", 86400),
        ("nan", None),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=100) == seconds


@pytest.mark.parametrize("failure", [Reply(502), Reply(503), Reply(504), None, Reply(200, b"abcdef", cut_after=3)])
def test_reads_are_repeated_a_bounded_number_of_times(failure: Reply | None) -> None:
    script = Script(failure, failure, Reply(200, b"there"))
    with serve(script) as url:
        host = make_host(url)
        assert Http(host).request("GET", url).content == b"there"
        assert isinstance(host.clock, VirtualClock)
        assert len(host.clock.slept) == 2
        assert all(0 < pause < 3 for pause in host.clock.slept)
        script.replies = [failure]
        script.requests.clear()
        with pytest.raises(Unavailable):
            Http(make_host(url)).request("GET", url)
        assert len(script.requests) == 3


def test_an_own_error_of_the_app_is_not_repeated_at_once() -> None:
    script = Script(Reply(500))
    with serve(script) as url, pytest.raises(Unavailable, match="error of its own"):
        Http(make_host(url)).request("GET", url)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [None, Reply(500), Reply(502), Reply(504), Reply(200, b"abcdef", cut_after=3)],
    ids=lambda f: repr(f)[:20],
)
def test_a_write_without_a_usable_answer_is_sent_once_and_may_have_happened(failure: Reply | None) -> None:
    script = Script(failure)
    with serve(script) as url, pytest.raises(NoAnswer):
        Http(make_host(url)).request("PUT", url, kind="write", data=b"x")
    assert len(script.requests) == 1


def test_a_write_that_times_out_may_have_happened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(NoAnswer, match="in time"):
            Http(make_host(url)).request("PUT", url, kind="write", timeout=(1, 0.05))


def test_a_write_that_never_left_certainly_did_not_happen() -> None:
    url = refused_port()
    with pytest.raises(Unavailable, match="cannot be reached") as error:
        Http(make_host(url)).request("PUT", url, kind="write")
    assert not isinstance(error.value, NoAnswer)


def test_unavailable_without_a_time_certainly_did_not_happen() -> None:
    with serve(Script(Reply(503))) as url, pytest.raises(Unavailable) as error:
        Http(make_host(url)).request("PUT", url, kind="write")
    assert not isinstance(error.value, NoAnswer)


def test_the_fence_stands_before_each_writing_request_only() -> None:
    script = Script(Reply())

    def fallen() -> None:
        raise FenceLost("Another worker has taken over.")

    with serve(script) as url:
        http = Http(make_host(url, fence=fallen))
        http.request("GET", url)
        with pytest.raises(FenceLost):
            http.request("PUT", url, kind="write")
    assert [request.method for request in script.requests] == ["GET"]
    assert http.sent == {"read": 1}


def test_the_guard_is_asked_before_anything_is_sent() -> None:
    with pytest.raises(AddressRefused):
        Http(make_host("http://10.0.0.1")).request("GET", "http://10.0.0.1/")


def test_an_address_with_a_password_in_it_is_refused_also_in_a_redirect() -> None:
    script = Script(Reply(302, headers={"Location": "http://user:hush@127.0.0.1:1/"}))
    with serve(script) as url:
        for address in (url, url.replace("//", "//user:hush@")):
            with pytest.raises(AddressRefused, match="Leave user name") as error:
                Http(make_host(url, {"username": "u", "password": "p"}), Basic()).request("GET", address)
            assert "hush" not in str(error.value)
    assert len(script.requests) == 1


def redirecting(status: int, target: Callable[[], str]) -> Handler:
    def answer(request: Request) -> Reply:
        return Reply(status, headers={"Location": target()}) if request.path == "/old" else Reply(body=b"end")

    return answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_keep_method_body_and_password_on_one_host(status: int) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Reply:
        seen.append(request)
        return redirecting(status, lambda: "/new")(request) or Reply()

    with serve(answer) as url:
        host = make_host(url, {"username": "u", "password": "p"})
        answered = Http(host, Basic()).request("PROPFIND", url + "/old", data=b"<x/>")
    assert (answered.content, answered.url) == (b"end", url + "/new")
    assert [(r.method, r.body) for r in seen] == [("PROPFIND", b"<x/>")] * 2
    assert seen[0].headers["Authorization"] == seen[1].headers["Authorization"]
    assert isinstance(host.guard, LoopbackGuard)
    assert host.guard.checked == [url + "/old", url + "/new"]


def test_a_redirect_to_another_host_never_carries_the_password() -> None:
    other = Script(Reply(body=b"open"), Reply(401))
    with serve(other) as there, serve(redirecting(302, lambda: there + "/x")) as here:
        http = Http(make_host(here, {"username": "u", "password": "p"}), Basic())
        assert http.request("GET", here + "/old").content == b"open"
        with pytest.raises(AuthLost, match="another host"):
            http.request("GET", here + "/old")
    assert all("Authorization" not in request.headers for request in other.requests)


def test_a_trusted_redirect_carries_the_password() -> None:
    other = Script(Reply(body=b"open"))
    with serve(other) as there, serve(redirecting(302, lambda: there + "/x")) as here:
        host = make_host(here, {"username": "u", "password": "p"})
        Http(host, Basic(), trusts=lambda start, end: True).request("GET", here + "/old")
    assert "Authorization" in other.requests[0].headers


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://10.0.0.1/x", "//10.0.0.1/x"])
def test_a_redirect_to_a_forbidden_place_is_refused(target: str) -> None:
    with serve(redirecting(302, lambda: target)) as url, pytest.raises(AddressRefused):
        Http(make_host(url)).request("GET", url + "/old")


def test_a_circle_of_redirects_ends() -> None:
    script = Script(Reply(302, headers={"Location": "/again"}))
    with serve(script) as url, pytest.raises(AddressRefused, match="circle"):
        Http(make_host(url)).request("GET", url)
    assert len(script.requests) == 6


def test_a_write_is_not_redirected_to_another_place() -> None:
    other = Script(Reply())
    with serve(other) as there, serve(redirecting(307, lambda: there + "/x")) as here, pytest.raises(AddressRefused):
        Http(make_host(here)).request("PUT", here + "/old", kind="write", data=b"x")
    assert other.requests == []


def test_a_huge_answer_is_not_kept_in_memory() -> None:
    with serve(Script(Reply(200, b"x" * 300_000))) as url, pytest.raises(Unavailable, match="answered more than"):
        Http(make_host(url), max_bytes=100_000).request("GET", url)


def test_cookies_and_the_environment_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", refused_port())
    script = Script(Reply(headers={"Set-Cookie": "a=b"}))
    with serve(script) as url:
        http = Http(make_host(url))
        http.request("GET", url)
        http.request("GET", url)
    assert "Cookie" not in script.requests[1].headers


SECRET = "t0ps3cret"  # noqa: S105


@pytest.mark.parametrize("failure", [None, Reply(500, SECRET.encode()), Reply(401), Reply(429), Reply(200, b"{" * 9)])
def test_errors_and_logs_hold_no_secret_path_or_body(failure: Reply | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="connectors")
    secrets: Mapping[str, str] = {"username": SECRET, "password": SECRET}
    with serve(Script(failure)) as url, pytest.raises(Exception, match=r"127\.0\.0\.1") as error:
        Http(make_host(url, secrets), Basic()).request("GET", f"{url}/{SECRET}?q={SECRET}").json()
    shown = "".join(str(cause) + repr(cause) for cause in (error.value, error.value.__cause__))
    assert SECRET not in shown + caplog.text
    assert error.value.__cause__ is None
