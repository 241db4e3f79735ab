"""Requests to one account: renewal before the token ends, limits, errors, pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode

from connectors.base import Host, Throttled, Unavailable, chunked
from connectors.http import Answer, Bearer, Http, Kind, NoAnswer, retry_after
from connectors.hubspot import oauth
from connectors.hubspot.errors import DAY_WAIT, LOCKED, MOVING, error_for, wait_of

API_SHARE: Final = 80.0  # per cent of the account's daily calls; above that we wait
BATCH: Final = 100
RESERVE: Final = 0.1  # of the calls in ten seconds, for whoever else uses them
SEARCH_PAUSE: Final = 0.25  # seconds between searches; the account has five a second
EARLY: Final = 60.0  # seconds before its end at which a token is renewed
TIMEOUT: Final = (10.0, 110.0)  # HubSpot itself gives up after 100 seconds
LOST: Final = "HubSpot no longer accepts the authorisation of this account. Connect the account again."

Row = Mapping[str, Any]


class Api:
    def __init__(self, host: Host) -> None:
        self.host = host
        self.at = oauth.addresses(host)
        self._refresh = oauth.refresher(host)
        self.http = Http(host, Bearer(self._refresh, LOST), untold=_untold)
        self.server_time = 0.0  # by the clock of HubSpot, when it last answered
        self._options: Mapping[str, str] | None = None
        self._held_back: float | None = None  # a pause that begins when what is under way is done
        self._searched = float("-inf")

    def option(self, name: str) -> str:
        """What a person entered in the account beside its credentials; read once."""
        return self._secrets().get(name, "").strip()

    def may(self, scope: str) -> bool:
        return oauth.is_granted(self._secrets(), scope)

    def _secrets(self) -> Mapping[str, str]:
        if self._options is None:
            self._options = dict(self.host.vault.current().values)
        return self._options

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """No pause of our own begins between a write and the look at what became of it."""
        self._held_back = 0.0
        try:
            yield
        finally:
            seconds, self._held_back = self._held_back, None
            if seconds:
                self._pause(seconds)

    # ---- requests

    def get(self, path: str, what: str, **query: Any) -> Any:
        asked = {name: value for name, value in query.items() if value not in ("", None)}
        return self._read("GET", path + (f"?{urlencode(asked)}" if asked else ""), what)

    def ask(self, path: str, json: Any, what: str) -> Any:
        """A question that is sent as a body."""
        return self._read("POST", path, what, json)

    def search(self, kind: str, json: Any, what: str) -> Mapping[str, Any]:
        clock = self.host.clock
        if (pause := self._searched + SEARCH_PAUSE - clock.now()) > 0:
            clock.sleep(min(pause, SEARCH_PAUSE))
        self._searched = clock.now()
        return _shaped(self.ask(self.at.objects(kind, "/search"), json, what))

    def batch(self, kind: str, ids: Sequence[str], properties: Sequence[str], what: str, **more: Any) -> list[Row]:
        """Those of the records that are there, in HubSpot's order. `more`: idProperty; `archived` looks in the bin."""
        suffix = "?archived=true" if more.pop("archived", False) else ""
        found: list[Row] = []
        for some in chunked(dict.fromkeys(ids), BATCH):
            body = {"inputs": [{"id": id} for id in some], "properties": list(properties), **more}
            found += _results(self.ask(self.at.objects(kind, f"/batch/read{suffix}"), body, what))
        return found

    def pages(self, path: str, what: str, **query: Any) -> Iterator[list[Row]]:
        after = ""
        while True:
            page = self.get(path, what, after=after, **query)
            yield _results(page)
            following = after_of(page)
            if following == after:
                return
            after = following
            if not after:
                return

    def send(self, method: str, path: str, json: Any, what: str) -> tuple[int, Any]:
        """One writing request: its status and body, errors of single contacts included, and 423, for which one of them
        may be the cause. Raises what concerns the account, and NoAnswer where it may have taken effect."""
        answer = self._request(method, path, "write", json)
        try:
            body = answer.json() if answer.content else None
        except Unavailable as error:
            if answer.ok:
                raise NoAnswer(str(error)) from None
            body = None
        self._raise_for_account(answer, body, what, "write")
        return answer.status, body

    def _read(self, method: str, path: str, what: str, json: Any = None) -> Any:
        answer = self._request(method, path, "read", json)
        if answer.ok:
            return answer.json()
        try:
            body = answer.json()
        except Unavailable:
            body = None
        self._raise_for_account(answer, body, what, "read")
        raise error_for(answer.status, body, what)

    def _request(self, method: str, path: str, kind: Kind, json: Any) -> Answer:
        self._renew_in_time()
        address = (self.host.base_url or oauth.API_URL).rstrip("/") + path
        answer = self.http.request(method, address, kind=kind, json=json, timeout=TIMEOUT)
        self._heed(answer)
        return answer

    def _renew_in_time(self) -> None:
        secrets = self.host.vault.current()
        ends = secrets.values.get("expires_at", "")
        if ends.isdecimal() and secrets.values.get("refresh_token") and self.host.clock.now() >= int(ends) - EARLY:
            self.host.vault.renew(self._refresh, secrets.version)

    # ---- what answers mean for the account

    def _raise_for_account(self, answer: Answer, body: Any, what: str, kind: Kind) -> None:
        if answer.ok or answer.status not in (401, 403, LOCKED, MOVING) or (answer.status, kind) == (LOCKED, "write"):
            return
        wait = retry_after(answer.headers.get("Retry-After"), self.host.clock.now())
        error = error_for(answer.status, body, what, wait)
        if isinstance(error, Throttled):
            self.host.limits.throttled(kind, error.after)
        raise error

    def _heed(self, answer: Answer) -> None:
        """Slows down before a limit is met, not after."""
        date = answer.headers.get("Date")
        if date:
            try:
                self.server_time = parsedate_to_datetime(date).timestamp()
            except (ValueError, TypeError):
                self.server_time = self.host.clock.now()
        most, left = _number(answer, "Max"), _number(answer, "Remaining")
        if most and left is not None and left < most * RESERVE:
            self._pause((_number(answer, "Interval-Milliseconds") or 10_000) / 2000)
        daily, left = _number(answer, "Daily"), _number(answer, "Daily-Remaining")
        if daily and left is not None and (daily - left) * 100 >= daily * self._share():
            self._pause(DAY_WAIT)

    def _share(self) -> float:
        try:
            return min(max(float(self.option("api_share").rstrip("% ") or API_SHARE), 1.0), 100.0)
        except ValueError:
            return API_SHARE

    def _pause(self, seconds: float) -> None:
        if self._held_back is not None:
            self._held_back = max(self._held_back, seconds)
            return
        kinds: tuple[Kind, Kind] = ("read", "write")
        for kind in kinds:
            self.host.limits.throttled(kind, seconds)


def _untold(answer: Answer) -> float:
    try:
        return wait_of(answer.json())
    except Unavailable:
        return wait_of(None)


def _number(answer: Answer, name: str) -> int | None:
    text = answer.headers.get(f"X-HubSpot-RateLimit-{name}") or ""
    return int(text) if text.isdecimal() else None


def _shaped(page: Any) -> Mapping[str, Any]:
    if not isinstance(page, dict) or not isinstance(page.get("results"), list):
        raise Unavailable("HubSpot answered in an unknown shape. It will be tried again.")
    return page


def _results(page: Any) -> list[Row]:
    return [one for one in _shaped(page)["results"] if isinstance(one, dict)]


def after_of(page: Any) -> str:
    """Where the next page begins; empty on the last one."""
    paging = page.get("paging") if isinstance(page, Mapping) else None
    following = paging.get("next") if isinstance(paging, Mapping) else None
    return str(following.get("after") or "") if isinstance(following, Mapping) else ""
