"""Creates in one job instead of in calls of 200: Bulk API 2.0 (Bulk API 2.0 and Bulk API Developer Guide, "Ingest").

A job makes records while we wait, and goes on if we do not. So only creates with a mark go this way: whatever a job
does later, a second create with the same mark is refused by Salesforce. Until a job is closed it has no effect.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.base import AuthLost, ConnectorError, FenceLost, Throttled, Unavailable
from connectors.salesforce.api import Api
from connectors.salesforce.errors import Problem, error_for
from connectors.salesforce.fields import seconds_of

FROM: Final = 2000  # creates that are too many for collections
MOST: Final = 5_000
LARGEST: Final = 90_000_000  # bytes of one upload; Salesforce takes 100 million
PATIENCE: Final = 60.0  # seconds that we wait for a job; a slice of a run and this are shorter than a task may be
LONGEST_PAUSE: Final = 20.0  # between two looks, seconds
NULL: Final = "#N/A"
LONGEST_CELL: Final = 32_000  # characters
CUT_OFF: Final = "The line to Salesforce was cut before a large job could begin. It goes on by itself in a moment."
ABORTED: Final = "Somebody aborted a large job in Salesforce before it came to this contact. It will be tried again."
ABORTED_WAIT: Final = 900.0  # seconds; whoever aborted a job does not want the next one at once
LATE: Final = "Salesforce is still at work on a large job. What became of its contacts is looked up at the next run."
_ERROR: Final = re.compile(r"^([A-Z_]+):(.*):([^:]*?)\s*--\s*$", re.DOTALL)
SLACK: Final = 60.0  # seconds by which two clocks that were compared may still differ
TO_CLOSE: Final = 120.0  # seconds from the opening of a job to its closing at most; a lease is shorter
_AT_WORK: Final = {"UploadComplete", "InProgress"}
_ENDED: Final = {"JobComplete", "Failed", "Aborted"}

Body = Mapping[str, Any]


@dataclass(slots=True)
class Done:
    """What became of the rows of a job, by mark. Those in `left` were certainly not made; `reason` says for people why
    they wait, and without one they may go otherwise at once. Of rows that are nowhere nothing is known."""

    ids: dict[str, str] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    left: frozenset[str] = frozenset()
    reason: str = ""


def can_carry(body: Body) -> bool:
    """Whether a CSV file says what is meant: the text that stands for "empty" there cannot be told from a value, and
    a cell holds less than a field may."""
    texts = [value for value in body.values() if isinstance(value, str)]
    return NULL not in texts and all(len(text) <= LONGEST_CELL for text in texts)


def portions(numbers: Sequence[int], bodies: Mapping[int, Body]) -> Iterator[list[int]]:
    """Cuts them so that the file of each job is not too large."""
    portion: list[int] = []
    size = 0
    for number in numbers:
        bytes_ = sum(2 * len(str(value).encode()) + 3 for value in bodies[number].values())
        if portion and size + bytes_ > LARGEST:
            yield portion
            portion, size = [], 0
        portion.append(number)
        size += bytes_
    if portion:
        yield portion


@dataclass(slots=True)
class Job:
    api: Api
    object: str
    mark: str
    id: str = ""

    @property
    def what(self) -> str:
        return f"a large job of {self.object} records"

    @property
    def path(self) -> str:
        return f"/jobs/ingest/{self.id}"

    def run(self, bodies: Sequence[Body]) -> Done:
        """Raises ConnectorError only where the job takes no effect."""
        marks = frozenset(str(body[self.mark]) for body in bodies)
        try:
            self._open()
            self._upload(bodies)
        except FenceLost:
            raise
        except Unavailable:
            self._abort()
            return Done(left=marks, reason=CUT_OFF)
        except (AuthLost, Throttled):
            self._abort()
            raise
        except ConnectorError:  # no jobs for this user, or no more of them today: collections may do
            self._abort()
            return Done(left=marks)
        if not self._close():
            return Done(left=marks, reason=CUT_OFF)
        return self._outcome(self._wait())

    # ---- before anything takes effect

    def _open(self) -> None:
        wanted = {"object": self.object, "operation": "insert", "contentType": "CSV", "lineEnding": "LF"}
        made = self._sent("POST", "/jobs/ingest", wanted)
        if not isinstance(made, dict) or not made.get("id"):
            raise Unavailable("Salesforce answered a job in an unknown shape. It will be tried again.")
        self.id = str(made["id"])

    def _upload(self, bodies: Sequence[Body]) -> None:
        status, answer = self.api.upload(f"{self.path}/batches", as_csv(bodies), "text/csv", self.what)
        if status >= 300:
            raise error_for(status, answer, self.what)

    def _abort(self) -> bool:
        """Whether the job certainly does nothing from now on; one that was not closed does nothing anyway."""
        if not self.id:
            return False
        try:
            self._sent("PATCH", self.path, {"state": "Aborted"})
        except FenceLost:
            raise
        except ConnectorError:
            return False
        return True

    # ---- from here on something may

    def _close(self) -> bool:
        """False if the job is certainly not closed. Where no answer comes, one that is still open is aborted: then the
        request to close it is refused even if it arrives yet."""
        try:
            self._sent("PATCH", self.path, {"state": "UploadComplete"})
        except FenceLost:
            raise
        except ConnectorError:
            return not (self._seen_open() and self._abort())
        return True

    def _seen_open(self) -> bool:
        try:
            return self._state() == "Open"
        except FenceLost:
            raise
        except ConnectorError:
            return False

    def _state(self) -> str:
        seen = self.api.get(self.path, self.what)
        return str(seen.get("state") or "") if isinstance(seen, dict) else ""

    def _wait(self) -> str:
        """The state in which the job ended; empty if that was not seen in time."""
        clock = self.api.host.clock
        until, pause = clock.now() + PATIENCE, 1.0
        while clock.now() < until:
            self.api.host.fence()  # keeps what we hold while we wait
            try:
                state = self._state()
            except AuthLost:
                break
            except FenceLost:
                raise
            except ConnectorError:
                state = ""
            if state in _ENDED:
                return state
            clock.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        return ""

    def _outcome(self, state: str) -> Done:
        """Of what a job did before it was given up or aborted, its results tell as well."""
        if state not in _ENDED:
            return Done()
        names = ("successfulResults", "failedResults", "unprocessedrecords")
        try:
            made, failed, left = (self._rows(f"{self.path}/{name}/") for name in names)
        except FenceLost:
            raise
        except ConnectorError:
            return Done()
        return Done(
            {row[self.mark]: row["sf__Id"] for row in made if row.get(self.mark)},
            {row[self.mark]: problem_of(row["sf__Error"]) for row in failed if row.get(self.mark)},
            frozenset(row[self.mark] for row in left if row.get(self.mark)),
            ABORTED if state == "Aborted" else "",
        )

    def _rows(self, path: str) -> list[dict[str, str]]:
        self.api.host.fence()  # the answers to a large job take their time too
        text = self.api.get_text(path, self.what)
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def _sent(self, method: str, path: str, body: Any) -> Any:
        status, answer = self.api.send(method, path, body, self.what)
        if status >= 300:
            raise error_for(status, answer, self.what)
        return answer


def under_way(api: Api, object: str, since: float, settle_after: float) -> str:
    """What Salesforce is still at, for people: a job that may be ours, as far as object, user and time tell. One that
    is open does nothing unless a request to close it is still on its way; we never close it later."""
    jobs = list(api.jobs("the jobs of the organisation"))
    ahead = api.server_time - api.host.clock.now()
    now = api.server_time
    for job in jobs:
        try:
            made = seconds_of(job.get("createdDate"))
        except ValueError:
            made = now  # it may be ours
        ours = job.get("object") == object and job.get("operation") == "insert" and made >= since + ahead - SLACK
        if not ours or (api.user and str(job.get("createdById") or api.user)[:15] != api.user[:15]):
            continue
        closing = job.get("state") == "Open" and now < made + settle_after + TO_CLOSE
        if closing or job.get("state") in _AT_WORK:
            return LATE
    return ""


def as_csv(bodies: Sequence[Body]) -> bytes:
    """UTF-8, with the names of all fields that any of the records has; an empty cell says nothing of its field, so
    that the organisation's default counts, and None empties it."""
    names = sorted({name for body in bodies for name in body})
    text = io.StringIO(newline="")
    rows = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    rows.writerow(names)
    rows.writerows([_cell(body[name]) if name in body else "" for name in names] for body in bodies)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    return NULL if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def problem_of(text: str) -> Problem:
    """What a row of the failed ones says: ``CODE:message:field,field --``."""
    found = _ERROR.match(text)
    if found is None:
        return Problem(text.partition(":")[0] or "UNKNOWN", text)
    return Problem(found[1], found[2], tuple(name.strip() for name in found[3].split(",") if name.strip()))
