"""Requests to one organisation: where it lies, how much of its daily calls is used, its errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

from connectors.base import AddressRefused, ConnectorError, Host, Throttled, Unavailable
from connectors.http import Answer, Bearer, Http, Kind, NoAnswer
from connectors.salesforce import oauth
from connectors.salesforce.errors import LIMIT_WAIT, error_for, problems_in

VERSION: Final = "67.0"
API_SHARE: Final = 80.0  # per cent of the organisation's daily calls; above that we wait
LONGEST_ADDRESS: Final = 15_000  # the service takes 16,384 bytes
TIMEOUT: Final = (10.0, 180.0)  # an organisation's own triggers can make a write slow
LOST: Final = "Salesforce no longer accepts the authorisation of this account. Connect the account again."
_USER: Final = re.compile(r"/(005[A-Za-z0-9]{12,15})$")
_USAGE: Final = re.compile(r"\bapi-usage=(\d+)/(\d+)")

Row = Mapping[str, Any]


class FieldHidden(ConnectorError):
    """A query names a field that the user may not see, or not any more."""


class Api:
    def __init__(self, host: Host) -> None:
        self.host = host
        self.http = Http(host, Bearer(oauth.refresher(host), LOST))
        self.version = host.settings.get("api_version", VERSION)
        self.server_time = 0.0  # by the clock of Salesforce, when it last answered
        self._options: Mapping[str, str] | None = None
        self._held_back: float | None = None  # a pause that begins when what is under way is done

    @property
    def instance(self) -> str:
        """Where the organisation lies, as the token last told."""
        address = self.host.vault.current().values.get("instance_url") or self.host.base_url
        if not address:
            raise AddressRefused("The address of the Salesforce organisation is not known. Connect the account again.")
        return address.rstrip("/")

    @property
    def path(self) -> str:
        return f"/services/data/v{self.version}"

    def option(self, name: str) -> str:
        """What a person entered in the account beside its credentials; read once."""
        if self._options is None:
            self._options = dict(self.host.vault.current().values)
        return self._options.get(name, "").strip()

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

    def get(self, path: str, what: str) -> Any:
        """`path`: below the version, or as an answer named it."""
        return self._got(path, what).json()

    def get_text(self, path: str, what: str) -> str:
        """As `get`, of what is no JSON."""
        return self._got(path, what).text

    def _got(self, path: str, what: str) -> Answer:
        full = path if path.startswith("/services/") else self.path + path
        answer = self.http.request("GET", self.instance + full, timeout=TIMEOUT)
        self._heed(answer)
        return self._judged(answer, what)

    def send(
        self, method: str, path: str, json: Any, what: str, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """One writing request: its status and body, errors of single records included. Raises what concerns the
        account, and NoAnswer where it may have taken effect."""
        address = self.instance + self.path + path
        answer = self.http.request(method, address, kind="write", json=json, headers=headers, timeout=TIMEOUT)
        return self._answered(answer, what)

    def upload(self, path: str, data: bytes, content_type: str, what: str) -> tuple[int, Any]:
        """As `send`, of what is no JSON."""
        headers = {"Content-Type": content_type}
        address = self.instance + self.path + path
        answer = self.http.request("PUT", address, kind="write", data=data, headers=headers, timeout=TIMEOUT)
        return self._answered(answer, what)

    def _answered(self, answer: Answer, what: str) -> tuple[int, Any]:
        self._heed(answer)
        try:
            body = answer.json() if answer.content else None
        except Unavailable as error:
            if answer.ok:
                raise NoAnswer(str(error)) from None
            body = None
        self._raise_limit(answer, body, what)
        return answer.status, body

    def count(self, soql: str, what: str) -> int:
        """Of a query that begins with ``SELECT COUNT()``."""
        page = self.get(f"/query?q={quote(soql)}", what)
        if not isinstance(page, dict) or not isinstance(page.get("totalSize"), int):
            raise Unavailable("Salesforce answered a query in an unknown shape. It will be tried again.")
        return int(page["totalSize"])

    def query(self, soql: str, what: str, everything: bool = False) -> Iterator[Row]:
        """All rows, however many pages Salesforce makes of them. `everything`: deleted ones too."""
        path = f"/{'queryAll' if everything else 'query'}?q={quote(soql)}"
        while path:
            page = self.get(path, what)
            if not isinstance(page, dict) or not isinstance(page.get("records"), list):
                raise Unavailable("Salesforce answered a query in an unknown shape. It will be tried again.")
            yield from page["records"]
            following = page.get("nextRecordsUrl")
            if following == path:
                raise Unavailable("Salesforce gives the same page again and again. It will be tried again.")
            path = self._own(following) if following else ""

    def jobs(self, what: str) -> Iterator[Row]:
        """The ingest jobs of the organisation that it still remembers, those of others included."""
        path = "/jobs/ingest?jobType=V2Ingest"
        while path:
            page = self.get(path, what)
            if not isinstance(page, dict) or not isinstance(page.get("records"), list):
                raise Unavailable("Salesforce answered its list of jobs in an unknown shape. It will be tried again.")
            yield from page["records"]
            following = page.get("nextRecordsUrl")
            if following == path:
                raise Unavailable("Salesforce gives the same page again and again. It will be tried again.")
            path = self._own(following) if following else ""

    @property
    def user(self) -> str:
        """The id of who is signed in; empty where that is not known."""
        found = _USER.search(self.option("id"))
        return found[1] if found else ""

    def children(self, nested: Any, what: str) -> Iterator[Row]:
        """The rows of a child query, also those that did not fit into the page."""
        if isinstance(nested, dict):
            yield from nested.get("records") or []
            following = nested.get("nextRecordsUrl")
            while following:
                page = self.get(self._own(following), what)
                yield from page.get("records") or []
                following = page.get("nextRecordsUrl")

    def _own(self, path: Any) -> str:
        if not isinstance(path, str) or not path.startswith("/services/data/"):
            raise AddressRefused("Salesforce named a next page at another address. It was not followed.")
        return path

    # ---- what answers mean

    def _judged(self, answer: Answer, what: str) -> Answer:
        if answer.ok:
            return answer
        try:
            body = answer.json()
        except Unavailable:
            body = None
        self._raise_limit(answer, body, what)
        if any(one.code == "INVALID_FIELD" for one in problems_in(body)):
            raise FieldHidden(f"Salesforce does not show this user a field of {what} any more.")
        raise error_for(answer.status, body, what)

    def _raise_limit(self, answer: Answer, body: Any, what: str) -> None:
        """What concerns all requests of the account alike."""
        if answer.ok or answer.status not in (401, 403):
            return
        error = error_for(answer.status, body, what)
        if isinstance(error, Throttled):
            self._pause(error.after)
        raise error

    def _heed(self, answer: Answer) -> None:
        """Stops before the organisation's other users run out of calls."""
        date = answer.headers.get("Date")
        if date:
            try:
                self.server_time = parsedate_to_datetime(date).timestamp()
            except (ValueError, TypeError):
                self.server_time = self.host.clock.now()
        found = _USAGE.search(answer.headers.get("Sforce-Limit-Info") or "")
        if found and int(found[1]) * 100 >= int(found[2]) * self._share():
            self._pause(LIMIT_WAIT)

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


def literal(text: str) -> str:
    """A text as SOQL takes it."""
    for sign, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(sign, escaped)
    return f"'{text}'"


def portions(soql: str, values: Sequence[str], most: int = 200) -> Iterator[list[str]]:
    """Cuts values for an IN list so that the address stays short enough; `soql`: the rest of the statement."""
    room = LONGEST_ADDRESS - len(quote(soql))
    portion: list[str] = []
    size = 0
    for value in values:
        bytes_ = len(quote(literal(value))) + 3
        if portion and (len(portion) == most or size + bytes_ > room):
            yield portion
            portion, size = [], 0
        portion.append(value)
        size += bytes_
    if portion:
        yield portion


def listed(values: Iterable[str]) -> str:
    return f"({','.join(literal(value) for value in values)})"
