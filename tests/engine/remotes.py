"""The in-memory app with bad manners: lag, faults on demand, and death before and after every request."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

from connections.benchmark.catalogues import POOR, RICH
from connections.benchmark.remotes import InstantRemote, Position, Shelf, Stored
from connectors.base import (
    AuthLost,
    Capabilities,
    ChangePage,
    CursorExpired,
    Departure,
    DepartureKind,
    Field,
    FolderGone,
    Known,
    LabelKind,
    Outcome,
    Record,
    Throttled,
    Unavailable,
    Value,
    Values,
    Write,
    WriteResult,
)
from tests.engine.world import World

R = TypeVar("R")


class Versions(StrEnum):
    GOOD = "good"
    FLAKY = "flaky"  # every request shows another version
    NOT_ON_WRITE = "not on write"  # the answer to a write has none
    MISSING = "missing"


class Fault(StrEnum):
    LOST_REQUEST = "lost request"  # never arrives
    LOST_RESPONSE = "lost response"  # takes effect, the answer is cut
    STORED_500 = "stored, answered 500"
    LATE = "takes effect after the client gave up"
    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    AUTH_LOST = "grant revoked"
    FOLDER_GONE = "folder gone"
    CURSOR_EXPIRED = "cursor expired"


class Fate(StrEnum):
    """What becomes of one write of a batch that only half succeeds."""

    OK = "ok"
    REFUSED = "refused"
    LATER = "later"
    UNKNOWN_STORED = "no answer, stored"
    UNKNOWN_LOST = "no answer, not stored"


@dataclass
class Manners:
    """How the app behaves. `lag` is how many seconds news and searches are behind."""

    page: int = 3
    write_batch: int = 4
    bulk_creates: tuple[int, int] | None = None
    read_batch: int = 10
    conditional: bool = True
    idempotent: bool = False
    shows_markers: bool = False
    shows_uids: bool = False
    lag: float = 0.0
    find_lag: float = 0.0
    time_out: float = 0.0  # how long a request may be under way; settle_after is this and the lag of searches
    versions: Versions = Versions.GOOD
    ordered: bool = False
    evidence: bool = False
    converts: bool = False
    reads_apart: bool = False  # news name ids and versions only, bodies cost another request
    deletes: bool = True
    names_departures: bool = True
    sees_deletions: bool = True
    read_only: bool = False
    label_kind: LabelKind | None = LabelKind.CATEGORY
    unique_emails: bool = False
    rewrite: Callable[[dict[str, Value]], Mapping[str, Value | None]] | None = None
    refuse: Callable[[Write], str] | None = None  # names the field to blame, or nothing

    def capabilities(self) -> Capabilities:
        return Capabilities(
            two_way=not self.read_only,
            sees_deletions=self.sees_deletions,
            can_delete=self.deletes,
            label_kind=self.label_kind,
            creates_labels=self.label_kind is not None,
            conditional_updates=self.conditional,
            converts=self.converts,
            idempotent_creates=self.idempotent,
            read_batch=self.read_batch,
            write_batch=self.write_batch,
            bulk_creates=self.bulk_creates,
            settle_after=self.find_lag + self.time_out,
            visible_after=self.lag,
        )


AT_WORK = "The app is still at work on many new records."
# Neutral words for fields, and what the two made-up apps call them.
WORDS_RICH = {
    "full": "fn", "first": "given", "last": "family", "middle": "middle", "nickname": "nickname", "company": "org",
    "department": "unit", "title": "title", "emails": "emails", "mobile": "mobiles", "work phones": "work_phones",
    "home phones": "home_phones", "website": "url", "birthday": "bday", "note": "note", "street": "street",
    "city": "city", "zip": "zip", "country": "country",
}  # fmt: skip
WORDS_POOR = {
    "first": "givenName", "last": "surname", "middle": "middleName", "company": "companyName",
    "department": "department", "title": "jobTitle", "emails": "emailAddresses", "mobile": "mobilePhone",
    "work phones": "businessPhones", "home phones": "homePhones", "birthday": "birthday", "note": "personalNotes",
    "street": "businessStreet", "city": "businessCity", "zip": "businessPostalCode", "country": "businessCountry",
}  # fmt: skip


@dataclass
class _Break:
    kind: str
    fault: Fault
    times: int
    after: float
    skip: int


@dataclass
class Journal:
    """What the remote saw of us, for assertions."""

    writes: list[tuple[str, str, dict[str, Value]]] = field(default_factory=list)  # kind, id, patch
    batches: list[int] = field(default_factory=list)


class MemoryRemote(InstantRemote):
    def __init__(
        self,
        world: World,
        name: str = "a",
        fields: Sequence[Field] = RICH,
        manners: Manners | None = None,
        folders: Sequence[str] = ("contacts", "elsewhere"),
    ) -> None:
        self.manners = manners or Manners()
        super().__init__(
            fields,
            page=self.manners.page,
            capabilities=self.manners.capabilities(),
            folders=folders,
            clock=world.now,
        )
        self.world = world
        self.name = name
        self.shows_markers = self.manners.shows_markers
        self.shows_uids = self.manners.shows_uids
        self.journal = Journal()
        self.made_pages: list[Callable[[str], None]] = []  # called when a page is made and not yet read
        self.unreadable: set[str] = set()
        self.successors: dict[str, str] = {}
        self.listing_is_empty = False
        self._breaks: list[_Break] = []
        self._fates: deque[Sequence[Fate]] = deque()
        self._page_twice = False
        self._pages_reversed = False
        self._flaky = 0
        self.at_work = 0  # requests that take effect later
        self.tells_of_work = True
        for shelf in self.shelves.values():
            shelf.read_only = self.manners.read_only

    @property
    def words(self) -> Mapping[str, str]:
        return WORDS_RICH if "emails" in self.catalogue else WORDS_POOR

    # ---- what the harness orders

    def break_next(self, kind: str, fault: Fault, times: int = 1, after: float = 60.0, skip: int = 0) -> None:
        """The next `times` requests of a kind (changes, read, write, find, ... or any) meet a fault, but for the first
        `skip`; `after` is the Retry-After of a throttled one, or how late the effect of a late one is, in seconds."""
        self._breaks.append(_Break(kind, fault, times, after, skip))

    def next_batch(self, *fates: Fate) -> None:
        """What becomes of each write of the next batch; the last fate goes for all that follow."""
        self._fates.append(fates)

    def repeat_pages(self) -> None:
        self._page_twice = True

    def reverse_pages(self) -> None:
        self._pages_reversed = True

    def behave(self) -> None:
        """No fault from now on."""
        self._breaks.clear()
        self._fates.clear()
        self._page_twice = self._pages_reversed = self.listing_is_empty = False

    @property
    def total_requests(self) -> int:
        return sum(self.requests.values())

    @property
    def total_writes(self) -> int:
        return len(self.journal.writes)

    def contents(self, folder: str = "") -> list[dict[str, Value]]:
        return [dict(row.values) for row in self.rows(folder).values()]

    def label_names(self, record_id: str, folder: str = "") -> set[str]:
        return {self.tags[label] for label in self.rows(folder)[record_id].labels}

    def id_where(self, folder: str = "", **values: Value) -> str:
        """The id of the one record that shows these values."""
        found = [
            row.id
            for row in self.rows(folder).values()
            if all(row.values.get(key) == value for key, value in values.items())
        ]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} records show {values}")
        return found[0]

    def merge(self, loser: str, winner: str, folder: str = "") -> None:
        """Somebody merges two records in the app; what only the loser has, the winner takes over."""
        values = self.shelf(folder).rows[loser].values
        kept = self.shelf(folder).rows[winner].values
        self.successors[loser] = winner
        self._drop(self.shelf(folder), loser, DepartureKind.LEFT)
        self.edit(winner, folder, **{key: value for key, value in values.items() if not kept.get(key)})

    def convert(self, record_id: str, target: str, folder: str = "") -> str:
        """As a lead becomes a contact: under another id, in another folder."""
        made = self.move(record_id, target, folder, new_id=True)
        self.successors[record_id] = made
        return made

    def origins(self, folder: str, ids: Sequence[str]) -> dict[str, str]:
        return self._request("origins", lambda: {to: id for id, to in self.successors.items() if to in ids})

    # ---- requests

    def _request(self, kind: str, effect: Callable[[], R]) -> R:
        self.world.request(f"{self.name} {kind}")
        self.requests[kind] += 1
        self.world.crash.tick(f"before {self.name} {kind}")
        trouble = self._trouble(kind)
        if trouble:
            _raise_before(trouble)
        result = effect()
        self.world.crash.tick(f"after {self.name} {kind}")
        if trouble:
            raise Unavailable("The answer was cut off.")
        return result

    def _trouble(self, kind: str) -> _Break | None:
        for trouble in self._breaks:
            if trouble.kind in (kind, "any") and trouble.skip > 0:
                trouble.skip -= 1
            elif trouble.kind in (kind, "any"):
                trouble.times -= 1
                if not trouble.times:
                    self._breaks.remove(trouble)
                return trouble
        return None

    def write(
        self, folder: str, writes: Sequence[Write], fields: Sequence[str], fence: Callable[[], None] = lambda: None
    ) -> Sequence[WriteResult]:
        shelf = self.shelf(folder)
        self.capabilities.check_batch(writes)
        if not writes:
            return []
        self.world.request(f"{self.name} write")
        fence()
        self.world.freeze(f"{self.name} write")
        self.requests["write"] += 1
        self.journal.batches.append(len(writes))
        self.world.crash.tick(f"before {self.name} write")
        trouble = self._trouble("write")
        fault = trouble.fault if trouble else None
        if trouble and fault not in (Fault.LOST_RESPONSE, Fault.STORED_500, Fault.LATE, Fault.LOST_REQUEST):
            _raise_before(trouble)
        if trouble and fault == Fault.LATE:
            self._take_up(trouble.after, shelf, writes, fields)
        fates = self._fates.popleft() if self._fates else (Fate.OK,)
        results = []
        if fault not in (Fault.LATE, Fault.LOST_REQUEST):
            for number, write in enumerate(writes):
                results.append(self._one(shelf, write, fields, fates[min(number, len(fates) - 1)]))
        self.world.crash.tick(f"after {self.name} write")
        self.world.answer(f"{self.name} write")
        return [WriteResult(Outcome.UNKNOWN) for _ in writes] if fault else results

    def _take_up(self, seconds: float, shelf: Shelf, writes: Sequence[Write], fields: Sequence[str]) -> None:
        self.at_work += 1

        def finish() -> None:
            self.at_work -= 1
            for write in writes:
                self.apply(shelf, write, fields)

        self.world.after(seconds, finish)

    def under_way(self, folder: str, since: float) -> str:
        return self._request("under way", lambda: AT_WORK if self.at_work and self.tells_of_work else "")

    def _one(self, shelf: Shelf, write: Write, fields: Sequence[str], fate: Fate) -> WriteResult:
        if fate == Fate.REFUSED:
            return WriteResult(Outcome.REFUSED, reason="The app does not want it.")
        if fate == Fate.LATER:
            return WriteResult(Outcome.LATER, after=1.0)
        if fate == Fate.UNKNOWN_LOST:
            return WriteResult(Outcome.UNKNOWN)
        result = self.apply(shelf, write, fields)
        return WriteResult(Outcome.UNKNOWN) if fate == Fate.UNKNOWN_STORED else result

    def apply(self, shelf: Shelf, write: Write, fields: Sequence[str]) -> WriteResult:
        result = super().apply(shelf, write, fields)
        if result.outcome == Outcome.DONE:
            self.journal.writes.append((write.kind.value, write.id, dict(write.values)))
            if result.record and self.manners.versions == Versions.NOT_ON_WRITE:
                return replace(result, record=replace(result.record, version=""))
        return result

    def objection(self, write: Write) -> WriteResult | None:
        key = self.manners.refuse(write) if self.manners.refuse else ""
        if key:
            return WriteResult(Outcome.REFUSED, field=key, reason="The app refuses this value.")
        owner = self._owner_of_email(write) if self.manners.unique_emails else ""
        if owner:
            return WriteResult(Outcome.REFUSED, reason="Another record has this email.", existing=owner)
        return super().objection(write)

    def _owner_of_email(self, write: Write) -> str:
        wanted = _emails(write.values)
        for row in self.rows().values():
            if row.id != write.id and wanted & _emails(row.values):
                return row.id
        return ""

    # ---- reading

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        pages = super().changes(folder, cursor, fields, known)
        if self._pages_reversed:
            whole = list(pages)
            bodies = [page.records for page in reversed(whole)]
            yield from (replace(page, records=records) for page, records in zip(whole, bodies, strict=True))
            return
        for page in pages:
            for act in tuple(self.made_pages):
                act(f"{self.name} changes")
            page = replace(page, departures=[self._followed(one) for one in page.departures])
            if self._page_twice:
                yield replace(page, records=[*page.records, *page.records], last=False)
            if self.manners.reads_apart:
                for _ in range(0, len(page.records), self.manners.read_batch):
                    self._request("read", lambda: None)
            yield page

    def find(self, folder: str, markers: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:
        shelf = self.shelf(folder)

        def effect() -> dict[str, Record]:
            seen = self.world.time - self.manners.find_lag
            found = {}
            for marker in markers:
                row = shelf.rows.get(shelf.markers.get(marker, ""))
                if row and any(entry.id == row.id and entry.time <= seen for entry in shelf.log):
                    found[marker] = replace(self.show(row, fields), marker=marker)
            return found

        return self._request("find", effect) if markers else {}

    def _listing_page(
        self, shelf: Shelf, position: Position, fields: Sequence[str], known: Known
    ) -> tuple[ChangePage, Position]:
        if self.listing_is_empty:
            here = replace(position, listing=False, at=position.mark)
            return ChangePage([], (), (), str(here), True, listing=True), here
        if position.at == 0 and self.manners.lag:
            position = replace(position, mark=self._log_end(shelf))  # what is still invisible comes as news
        return super()._listing_page(shelf, position, fields, known)

    def _log_end(self, shelf: Shelf) -> int:
        end = len(shelf.log)
        while self.manners.lag and end and shelf.log[end - 1].time > self.world.time - self.manners.lag:
            end -= 1
        return end

    def _now(self, shelf: Shelf, ids: Sequence[str]) -> list[Stored]:
        if not self.manners.lag:
            return super()._now(shelf, ids)
        wanted = set(ids)
        states: dict[str, Stored | None] = {}
        for entry in shelf.log[: self._log_end(shelf)]:
            if entry.id in wanted:
                states[entry.id] = entry.state
        return [state for key in ids if (state := states.get(key))]

    def _departure(self, shelf: Shelf, record_id: str) -> Departure:
        departure = self._followed(super()._departure(shelf, record_id))
        return departure if self.manners.names_departures else replace(departure, kind=DepartureKind.UNKNOWN)

    def _followed(self, departure: Departure) -> Departure:
        return replace(departure, successor=self.successors.get(departure.id, ""))

    def show(self, row: Stored, fields: Sequence[str]) -> Record:
        record = super().show(row, fields)
        if row.id in self.unreadable:
            return replace(record, values={}, problem="The card is broken.")
        values = {key: _copy(value) for key, value in record.values.items()}
        evidence = dict(row.changed) if self.manners.evidence else {}
        return replace(record, values=values, evidence=evidence, order=row.version if self.manners.ordered else None)

    def _token(self, row: Stored) -> str:
        if self.manners.versions == Versions.MISSING:
            return ""
        if self.manners.versions == Versions.FLAKY:
            self._flaky += 1
            return f"{row.version}~{self._flaky}"
        return super()._token(row)

    def _holds(self, version: str, row: Stored) -> bool:
        return super()._holds(version.partition("~")[0], row)

    def normal(self, values: Values) -> dict[str, Value]:
        shown = super().normal(values)
        return {**shown, **self.manners.rewrite(shown)} if self.manners.rewrite else shown


class Login:
    """One worker's connector on an app: it calls the worker's fence just before a writing request leaves."""

    def __init__(self, remote: MemoryRemote, fence: Callable[[], None]) -> None:
        self.remote = remote
        self.fence = fence
        self.capabilities = remote.capabilities
        self.check, self.folders, self.fields, self.labels = (
            remote.check,
            remote.folders,
            remote.fields,
            remote.labels,
        )
        self.create_label, self.read, self.find = remote.create_label, remote.read, remote.find
        self.origins = remote.origins
        self.under_way = remote.under_way

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        return self.remote.changes(folder, cursor, fields, known)

    def write(self, folder: str, writes: Sequence[Write], fields: Sequence[str]) -> Sequence[WriteResult]:
        return self.remote.write(folder, writes, fields, self.fence)


def _raise_before(trouble: _Break) -> None:
    """Raises what the connector raises where a request has no effect; returns where it has one."""
    if trouble.fault in (Fault.LOST_RESPONSE, Fault.STORED_500):
        return
    errors: dict[Fault, Exception] = {
        Fault.THROTTLED: Throttled("The app asks us to wait.", trouble.after),
        Fault.AUTH_LOST: AuthLost("The app does not know this account any more; authorise it again."),
        Fault.FOLDER_GONE: FolderGone("This folder does not exist any more; choose another one."),
        Fault.CURSOR_EXPIRED: CursorExpired("The app has forgotten this position; a full listing is needed."),
    }
    raise errors.get(trouble.fault, Unavailable("The app does not answer."))


def _emails(values: Values) -> set[str]:
    lists = [values.get("emails") or [], values.get("emailAddresses") or []]
    return {element["value"].lower() for elements in lists for element in elements}


def _copy(value: Value) -> Value:
    if not isinstance(value, list):
        return value
    return [dict(element) if isinstance(element, dict) else element for element in value]


def rich(world: World, name: str = "a", **manners: object) -> MemoryRemote:
    return MemoryRemote(world, name, RICH, Manners(**manners))  # type: ignore[arg-type]


def poor(world: World, name: str = "b", **manners: object) -> MemoryRemote:
    return MemoryRemote(world, name, POOR, Manners(**manners))  # type: ignore[arg-type]
