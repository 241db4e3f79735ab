"""Requests to Microsoft Graph for one account: its addresses, its preferences, its errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

from connectors.base import AddressRefused, ConnectorError, Host, Throttled, Unavailable
from connectors.http import Bearer, Http, Kind, NoAnswer
from connectors.outlook import oauth
from connectors.outlook.batch import IMMUTABLE, Inner, Request, answers, payload, split
from connectors.outlook.errors import error_for

READ_ROUNDS: Final = 4  # how often the requests of a batch that were turned away are sent
LONGEST_PAUSE: Final = 10.0  # seconds; a longer wait is the engine's
LOST: Final = "Microsoft no longer accepts the authorisation of this account. Connect the account again."


@dataclass(frozen=True, slots=True)
class Place:
    """Where contacts lie: a folder of the account's own mailbox, or of one that is shared with it.

    As a folder id of ours: ``{id}`` or ``{address of the mailbox}/{id}``; Graph's ids hold no slash.
    """

    folder: str
    mailbox: str = ""

    @classmethod
    def of(cls, id: str) -> Place:
        mailbox, _, folder = id.rpartition("/")
        return cls(folder, mailbox)

    @property
    def id(self) -> str:
        return f"{self.mailbox}/{self.folder}" if self.mailbox else self.folder

    @property
    def owner(self) -> str:
        return f"/users/{quote(self.mailbox, safe='@')}" if self.mailbox else "/me"

    @property
    def url(self) -> str:
        return f"{self.owner}/contactFolders/{segment(self.folder)}"

    @property
    def contacts(self) -> str:
        return f"{self.url}/contacts"

    def contact(self, id: str) -> str:
        """The contact as something of this folder."""
        return f"{self.contacts}/{segment(id)}"

    def anywhere(self, id: str) -> str:
        """The contact wherever in the mailbox it lies."""
        return f"{self.owner}/contacts/{segment(id)}"


@dataclass(frozen=True, slots=True)
class Around:
    """How contacts name their folder, which need not be how the folder was asked for, and the folder of the deleted."""

    here: str
    trash: str  # empty if it cannot be told


def segment(id: str) -> str:
    """An id in a path. Personal mailboxes do not find an id whose closing = is encoded."""
    return quote(id, safe="=-_")


def query(**options: str | int) -> str:
    """OData options: `query(select="id", top=1)` gives ``?$select=id&$top=1``."""
    pairs = {f"${name}": str(value) for name, value in options.items()}
    return "?" + urlencode(pairs, safe="$,", quote_via=quote)


class Graph:
    def __init__(self, host: Host) -> None:
        self.host = host
        self.http = Http(host, Bearer(oauth.refresher(host), LOST))
        self._around: dict[str, Around] = {}
        self.root = f"{(host.base_url or oauth.GRAPH_URL).rstrip('/')}/v1.0"

    def get(self, url: str, what: str, prefer: str = "") -> dict[str, Any]:
        """The answer to a read; `url` is relative to the version root or a link that Graph gave."""
        target = url if url.startswith(("http://", "https://")) else self.root + url
        headers = {"Prefer": f"{IMMUTABLE}, {prefer}" if prefer else IMMUTABLE, "client-request-id": str(uuid4())}
        answer = self.http.request("GET", target, headers=headers)
        return self._body(answer.status, answer.json() if answer.ok else _lenient(answer), what)

    def post(self, url: str, body: Mapping[str, Any], what: str) -> dict[str, Any]:
        """One write on its own. Raises NoAnswer where it may have taken effect."""
        headers = {"Prefer": IMMUTABLE, "client-request-id": str(uuid4())}
        answer = self.http.request("POST", self.root + url, kind="write", json=body, headers=headers)
        body = _lenient(answer)
        if answer.ok and not isinstance(body, dict):
            raise NoAnswer("Outlook answered something unknown. Whether it took the change will be looked up.")
        return self._body(answer.status, body, what)

    def send(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """One write whose repetition does no harm: its status and its body, if that is JSON."""
        answer = self.http.request(
            method, self.root + url, kind="write", json=body, headers={"client-request-id": str(uuid4())}
        )
        return answer.status, _lenient(answer)

    def _body(self, status: int, body: Any, what: str) -> dict[str, Any]:
        if not 200 <= status < 300:
            raise error_for(status, body, what)
        if not isinstance(body, dict):
            raise Unavailable("Outlook answered something unknown. It will be tried again.")
        return body

    def pages(self, url: str, what: str) -> Iterator[list[dict[str, Any]]]:
        """The entries of a list, page by page."""
        while url:
            body = self.get(url, what)
            yield entries_of(body)
            following = body.get("@odata.nextLink")
            if following == url:
                raise Unavailable("Outlook gives the same page again and again. It will be tried again.")
            url = self.own(following) if following else ""

    def around(self, place: Place) -> Around:
        """Looked up once, and only when a contact turns out to lie elsewhere."""
        if place.id not in self._around:
            asked = [
                f"{place.owner}/contactFolders/deleteditems",
                place.contacts + query(top=1, select="parentFolderId"),
            ]
            trash, held = self.read_all([Request("GET", url) for url in asked])
            contacts = entries_of(held.body) if held.ok and isinstance(held.body, dict) else []
            here = str(contacts[0].get("parentFolderId") or "") if contacts else ""
            bin_ = str(trash.body.get("id") or "") if trash.ok and isinstance(trash.body, dict) else ""
            self._around[place.id] = Around(here or place.folder, bin_)
        return self._around[place.id]

    def own(self, link: Any) -> str:
        """The link, if it leads to where the account's token belongs. Raises AddressRefused."""
        if not isinstance(link, str) or not self.is_own(link):
            raise AddressRefused("Outlook named a next page at another address. It was not followed.")
        return link

    def is_own(self, link: str) -> bool:
        ours, theirs = urlsplit(self.root), urlsplit(link)
        return (ours.scheme, ours.netloc.lower()) == (theirs.scheme, theirs.netloc.lower()) and theirs.path.startswith(
            ours.path + "/"
        )

    def batch(self, requests: Sequence[Request], kind: Kind) -> list[Inner]:
        """One round trip for at most 20 requests. A status of 0 stands for an answer that is missing.

        Raises what `Http.request` raises, and `Oversized` where the batch as a whole was not taken.
        """
        for _ in requests[1:]:  # each counts by itself against the app's limits
            self.host.limits.before(kind)
        headers = {"client-request-id": str(uuid4())}
        answer = self.http.request("POST", f"{self.root}/$batch", kind=kind, json=payload(requests), headers=headers)
        if answer.status in {400, 413}:
            raise Oversized("Outlook did not take a batch of requests.", answer.status, _lenient(answer))
        if not answer.ok:
            raise error_for(answer.status, _lenient(answer), "its requests")
        try:
            return answers(answer.json(), len(requests))
        except Unavailable as error:
            raise (NoAnswer(str(error)) if kind == "write" else error) from None

    def read_all(self, requests: Sequence[Request]) -> list[Inner]:
        """Reads in batches; those that were turned away or not answered are asked again, the others are not.

        Raises Throttled or Unavailable if some stay without an answer.
        """
        found: dict[int, Inner] = {}
        waiting = list(range(len(requests)))
        for left in reversed(range(READ_ROUNDS)):
            asked = waiting
            waiting = []
            for batch in split([requests[number] for number in asked]):
                numbers, asked = asked[: len(batch)], asked[len(batch) :]
                for number, inner in zip(numbers, self.batch(batch, "read"), strict=True):
                    found[number] = inner
                    if inner.status in {0, 401, 429} or inner.status >= 500:
                        waiting.append(number)
            if not waiting:
                return [found[number] for number in range(len(requests))]
            self._pause([found[number] for number in waiting], last=left == 0)
        raise AssertionError("unreachable: the last pause raises")

    def _pause(self, turned_away: Sequence[Inner], last: bool) -> None:
        throttled = [inner.wait(self.host.clock.now()) for inner in turned_away if inner.is_throttled]
        seconds = max(throttled, default=1.0)
        if throttled and (last or seconds > LONGEST_PAUSE):
            self.host.limits.throttled("read", seconds)
            raise Throttled(f"Outlook asks to wait for {seconds:.0f} seconds. It goes on by itself then.", seconds)
        if last:
            raise Unavailable("Outlook does not answer a part of the requests. They will be tried again.")
        self.host.clock.sleep(seconds)


class Oversized(ConnectorError):
    """A batch that the service did not take apart; none of its requests had an effect."""

    def __init__(self, message: str, status: int, body: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


def entries_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a list answer. Raises Unavailable where it is none."""
    entries = body.get("value")
    if not isinstance(entries, list):
        raise Unavailable("Outlook answered a list in an unknown shape. It will be tried again.")
    return [entry for entry in entries if isinstance(entry, dict)]


def _lenient(answer: Any) -> Any:
    """The body of an answer that may be no JSON, as those of gateways."""
    try:
        return answer.json()
    except Unavailable:
        return None
