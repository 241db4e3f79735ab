"""The one HTTP session of all connectors: address guard, sign-in, limits, retries, size caps, errors for people.

What a connector can rely on:

* a request of kind "write" is sent at most once; whether it reached the app is told apart: `Unavailable` and
  `Throttled` mean that it certainly had no effect, `NoAnswer` that it may have had one;
* no exception and no log line holds a secret, a body, a path or a query: only the host's name.
"""

from __future__ import annotations

import logging
import math
import random
import ssl
import time
from collections import Counter
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from types import EllipsisType
from typing import Any, Final, Literal
from urllib.parse import urljoin, urlsplit

import orjson
import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connectors.auth import Auth as Auth
from connectors.auth import Basic as Basic
from connectors.auth import Bearer as Bearer
from connectors.base import AddressRefused, AuthLost, Host, Secrets, Throttled, Unavailable
from connectors.transport import GuardedAdapter

Kind = Literal["read", "write"]
Timeout = tuple[float, float]  # seconds: to connect, between two received pieces

TIMEOUT: Final[Timeout] = (10.0, 60.0)
LONGEST_ANSWER: Final = 300.0  # seconds for a whole answer, against one that drips
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_REDIRECTS: Final = 5
READ_ATTEMPTS: Final = 3
WAIT_IF_UNTOLD: Final = 30.0  # seconds, for a 429 without Retry-After
LONGEST_WAIT: Final = 24 * 3600.0
USER_AGENT: Final = "Pairwise"

log = logging.getLogger(__name__)


class NoAnswer(Unavailable):
    """A writing request left and no usable answer came: it may or may not have taken effect."""


class _Hopeless(Unavailable):
    """Not worth asking again at once."""


class TooLarge(_Hopeless):
    """A read's answer is over the cap; asking for less at a time may help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the app said; any status that is not turned into an error below."""

    status: int
    headers: Mapping[str, str]  # names in any case
    content: bytes
    url: str  # where the answer came from, after redirects

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            raise Unavailable(
                f"{host_of(self.url)} answered something that is not JSON (status {self.status}). "
                "It will be tried again; if it stays so, check the address."
            ) from None


def host_of(url: str) -> str:
    """The host's name, for people."""
    return urlsplit(url).hostname or "the server"


def same_host(one: str, other: str) -> bool:
    """Whether credentials for `one` may go to `other`: the same host and port, or the same host moving up to https."""
    a, b = urlsplit(one), urlsplit(other)
    if a.hostname != b.hostname:
        return False
    if (a.scheme, _port(one)) == (b.scheme, _port(other)):
        return True
    return (a.scheme, b.scheme) == ("http", "https") and (_port(one), _port(other)) == (80, 443)


def _port(url: str) -> int | None:
    parts = urlsplit(url)
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)


class Http:
    """A keep-alive session for one account. `sent` counts what left, by kind, so that tests can hold floors."""

    def __init__(
        self,
        host: Host,
        auth: Auth | None = None,
        *,
        trusts: Callable[[str, str], bool] = same_host,
        max_bytes: int = MAX_BYTES,
        untold: Callable[[Answer], float] = lambda answer: WAIT_IF_UNTOLD,
    ) -> None:
        """`trusts(from, to)`: whether a redirect takes the credentials along; `untold(answer)`: seconds to wait after a
        429 without Retry-After."""
        self.host = host
        self.auth = auth
        self.sent: Counter[str] = Counter()
        self._trusts = trusts
        self._max_bytes = max_bytes
        self._untold = untold
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, GuardedAdapter(host.guard))
        self._session.trust_env = False  # neither netrc nor a proxy from the environment decides where secrets go
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.clear()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"})

    def close(self) -> None:
        self._session.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        kind: Kind = "read",
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | str | Mapping[str, str] | None = None,
        auth: Auth | None | EllipsisType = ...,
        timeout: Timeout = TIMEOUT,
        retry: bool | None = None,
        accept: Container[int] = (),
    ) -> Answer:
        """Sends one request and returns the answer, whatever its status but the ones named here.

        `json` is encoded, `data` sent as it is (a mapping as a form); `auth` replaces the session's own, None leaves
        it out; `retry` says whether a failed attempt may be repeated (default: reads only); `accept` names statuses
        from 500 on that are to be handed back as well. Raises `AuthLost` (401),
        `Throttled` (429, 503 with Retry-After), `AddressRefused` (guard, redirect), `Unavailable` (no connection, 5xx
        but 501 and 507, an answer too large), `NoAnswer` instead of it where a write may have taken effect, and what
        guard, limits, vault and fence raise.
        """
        wanted = dict(headers or {})
        body: bytes | str | Mapping[str, str] | None = data
        if json is not None:
            body = orjson.dumps(json)
            wanted.setdefault("Content-Type", "application/json")
        signer = self.auth if isinstance(auth, EllipsisType) else auth
        call = _Call(self, method, kind, wanted, body, signer, timeout, accept)
        attempts = READ_ATTEMPTS if (kind == "read" if retry is None else retry) else 1
        for attempt in range(1, attempts + 1):
            try:
                return call.follow(url)
            except _Hopeless:
                raise
            except Unavailable:
                if attempt == attempts:
                    raise
                self.host.clock.sleep(0.5 * 2**attempt * random.uniform(0.5, 1.0))  # noqa: S311 jitter
        raise AssertionError("unreachable: the last attempt returns or raises")


@dataclass(slots=True)
class _Call:
    """One request on its way: redirects, renewal, and what an answer or its absence means."""

    http: Http
    method: str
    kind: Kind
    headers: dict[str, str]
    body: bytes | str | Mapping[str, str] | None
    auth: Auth | None
    timeout: Timeout
    accept: Container[int]

    def follow(self, url: str) -> Answer:
        """Sends, following redirects by hand: method and body stay, unlike what browsers and libraries do."""
        auth = self.auth
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._signed(url, auth)
            target = answer.headers.get("Location")
            if answer.status not in {301, 302, 303, 307, 308} or not target:
                return self._judge(answer)
            onward = urljoin(url, target)
            self._may_redirect(url, onward, answer.status)
            if not self.http._trusts(url, onward):
                auth = None
            if answer.status == 303 and self.method == "POST":
                self.method, self.body = "GET", None
            url = onward
        raise AddressRefused(f"{host_of(url)} redirects in a circle. Check the address.")

    def _may_redirect(self, url: str, onward: str, status: int) -> None:
        parts = urlsplit(onward)
        if parts.scheme not in {"http", "https"} or (urlsplit(url).scheme == "https" and parts.scheme != "https"):
            raise AddressRefused(f"{host_of(url)} redirects to an address without encryption. That is not followed.")
        if self.kind == "write" and not (status in {301, 307, 308} and same_host(url, onward)):
            raise AddressRefused(
                f"{host_of(url)} redirects writes to another place. Nothing was written; enter the address it moved to."
            )

    def _signed(self, url: str, auth: Auth | None) -> Answer:
        """Sends with the account's secrets; after a 401 once more with renewed ones."""
        if auth is None:
            answer = self._send(url, {})
            if answer.status == 401 and self.auth is not None:
                raise AuthLost(
                    f"{host_of(url)} asks for a password that was given for another host. Check the address."
                )
            return answer
        vault = self.http.host.vault
        secrets = vault.current()
        answer = self._send(url, self._signature(url, auth, secrets))
        if answer.status == 401 and auth.challenged(answer.headers.get("WWW-Authenticate", ""), secrets):
            answer = self._send(url, self._signature(url, auth, secrets))
        if answer.status == 401 and auth.refresh is not None:
            secrets = vault.renew(auth.refresh, secrets.version)
            answer = self._send(url, self._signature(url, auth, secrets))
        if answer.status == 401:
            raise AuthLost(auth.lost.format(host=host_of(url)))
        return answer

    def _signature(self, url: str, auth: Auth, secrets: Secrets) -> dict[str, str]:
        return {"Authorization": auth.header(secrets, self.method, url)}

    def _send(self, url: str, signature: Mapping[str, str]) -> Answer:
        host = self.http.host
        if "@" in urlsplit(url).netloc:  # it would be sent in place of the account's own
            raise AddressRefused("Leave user name and password out of the address; they have fields of their own.")
        host.guard.check(url)
        host.limits.before(self.kind)
        if self.kind == "write":
            host.fence()
        self.http.sent[self.kind] += 1
        try:
            with self.http._session.request(
                self.method,
                url,
                headers={**self.headers, **signature},
                data=self.body,
                timeout=self.timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = self._content(response, url)
                headers = CaseInsensitiveDict(response.headers)
                log.debug("%s %s: %s, %d bytes", self.method, host_of(url), response.status_code, len(content))
                return Answer(response.status_code, headers, content, url)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, UnicodeError):
            raise AddressRefused(f"{host_of(url)} is no usable address. Check it.") from None
        except (requests.RequestException, Urllib3Error, OSError) as error:
            raise self._silence(error, url) from None

    def _content(self, response: requests.Response, url: str) -> bytes:
        """The body, unpacked, within the caps for size and time."""
        until = time.monotonic() + LONGEST_ANSWER
        pieces: list[bytes] = []
        size = 0
        for piece in response.iter_content(65536):
            size += len(piece)
            if size > self.http._max_bytes:
                what = f"{host_of(url)} answered more than {self.http._max_bytes >> 20} MB."
                raise TooLarge(what) if self.kind == "read" else self._lost(what)
            if time.monotonic() > until:
                raise self._lost(f"{host_of(url)} needs too long for its answer.", repeat=False)
            pieces.append(piece)
        return b"".join(pieces)

    def _silence(self, error: Exception, url: str) -> Unavailable:
        """The error for a request that got no answer; only one that never left is certainly without effect."""
        name = host_of(url)
        if _has_bad_certificate(error):
            return _Hopeless(f"The certificate of {name} is not valid, so nothing was sent. Ask whoever runs it.")
        if _never_left(error):
            return Unavailable(f"{name} cannot be reached. It will be tried again; if it stays so, check the address.")
        if isinstance(error, requests.Timeout):
            return self._lost(f"{name} did not answer in time.")
        return self._lost(f"{name} broke the connection before its answer was complete.")

    def _lost(self, what: str, repeat: bool = True) -> Unavailable:
        if self.kind == "write":
            return NoAnswer(f"{what} Whether it took the change will be looked up.")
        return (Unavailable if repeat else _Hopeless)(f"{what} It will be tried again.")

    def _judge(self, answer: Answer) -> Answer:
        name, status = host_of(answer.url), answer.status
        wait = retry_after(answer.headers.get("Retry-After"), self.http.host.clock.now())
        if status == 429 or (status == 503 and wait is not None):
            seconds = self.http._untold(answer) if wait is None else wait
            self.http.host.limits.throttled(self.kind, seconds)
            raise Throttled(f"{name} asks to wait for {seconds:.0f} seconds. It goes on by itself then.", seconds)
        if status in self.accept:
            return answer
        if status == 503:
            raise Unavailable(f"{name} is not available at the moment (status 503). It will be tried again.")
        if status >= 500 and status not in {501, 507}:
            raise self._lost(f"{name} had an error of its own (status {status}).", repeat=status in {502, 504})
        return answer


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds from a Retry-After header (RFC 9110, section 10.2.3: a number or a date), within a day; None if none."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if not math.isnan(seconds) else None


def _causes(error: BaseException) -> list[BaseException]:
    """The error and all that it wraps, in whichever of the ways the libraries below us wrap errors."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return found


def _never_left(error: Exception) -> bool:
    return isinstance(error, requests.ConnectTimeout) or any(
        isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError) for cause in _causes(error)
    )


def _has_bad_certificate(error: Exception) -> bool:
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))
