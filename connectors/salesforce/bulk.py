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

from connectors.base import AuthLost, ConnectorError, FenceLost, Unavailable
from connectors.http import NoAnswer
from connectors.salesforce.api import Api
from connectors.salesforce.errors import Problem, error_for

FROM: Final = 2000  # creates that are too many for collections
MOST: Final = 5_000
LARGEST: Final = 90_000_000  # bytes of one upload; Salesforce takes 100 million
PATIENCE: Final = 60.0  # seconds that we wait for a job; a slice of a run and this are shorter than a task may be
LONGEST_PAUSE: Final = 20.0  # between two looks, seconds
NULL: Final = "#N/A"
LATE: Final = "Salesforce is still at work on a large job. What became of its contacts is looked up at the next run."
_ERROR: Final = re.compile(r"^([A-Z_]+):(.*):([^:]*?)\s*--\s*$", re.DOTALL)
_ENDED: Final = {"JobComplete", "Failed", "Aborted"}

Body = Mapping[str, Any]


@dataclass(slots=True)
class Done:
    """What became of the rows of a job, by mark. Rows that are in neither were certainly not made, unless the job is
    `late`: then nothing is known of any."""

    ids: dict[str, str] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    late: bool = False


def can_carry(body: Body) -> bool:
    """Whether a CSV file says what is meant: the text that stands for "empty" there cannot be told from a value."""
    return NULL not in body.values()


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
        """Raises NoAnswer where the job may take effect, and other kinds of ConnectorError only where it does not."""
        self._open()
        try:
            self._upload(bodies)
            closed = self._close()
        except FenceLost:
            raise
        except ConnectorError:
            self._abort()
            raise
        return self._outcome(self._wait()) if closed else Done(late=True)

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

    def _abort(self) -> None:
        """So that no half job stays in the organisation's list; it does nothing there either way."""
        try:
            self._sent("PATCH", self.path, {"state": "Aborted"})
        except FenceLost:
            raise
        except ConnectorError:
            return

    # ---- from here on something may

    def _close(self) -> bool:
        """False if nobody knows whether the job runs."""
        try:
            self._sent("PATCH", self.path, {"state": "UploadComplete"})
        except NoAnswer:
            try:
                return self._state() != "Open"
            except FenceLost:
                raise
            except ConnectorError:
                return False
        return True

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
        if state not in _ENDED:
            return Done(late=True)
        try:
            made, failed = (self._rows(f"{self.path}/{name}/") for name in ("successfulResults", "failedResults"))
        except FenceLost:
            raise
        except ConnectorError:
            return Done(late=True)
        ids = {row[self.mark]: row["sf__Id"] for row in made if row.get(self.mark)}
        return Done(ids, {row[self.mark]: problem_of(row["sf__Error"]) for row in failed if row.get(self.mark)})

    def _rows(self, path: str) -> list[dict[str, str]]:
        text = self.api.get_text(path, self.what)
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def _sent(self, method: str, path: str, body: Any) -> Any:
        status, answer = self.api.send(method, path, body, self.what)
        if status >= 300:
            raise error_for(status, answer, self.what)
        return answer


def as_csv(bodies: Sequence[Body]) -> bytes:
    """UTF-8, with the names of all fields that any of the records has; an empty cell says nothing of its field."""
    names = sorted({name for body in bodies for name, value in body.items() if value is not None})
    text = io.StringIO(newline="")
    rows = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    rows.writerow(names)
    rows.writerows([_cell(body.get(name)) for name in names] for body in bodies)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def problem_of(text: str) -> Problem:
    """What a row of the failed ones says: ``CODE:message:field,field --``."""
    found = _ERROR.match(text)
    if found is None:
        return Problem(text.partition(":")[0] or "UNKNOWN", text)
    return Problem(found[1], found[2], tuple(name.strip() for name in found[3].split(",") if name.strip()))
