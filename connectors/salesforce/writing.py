"""Writes in large calls, and what became of each.

Creates and deletes go as collections of 200, and very many creates in one job. Updates go as parts of composite calls,
25 in each, because only a part can carry a condition: If-Unmodified-Since, which counts whole seconds. What it cannot
see, an edit within the second of the last one, is found by reading all targets just before: one call for the whole
batch. A delete takes no condition, so for it that look is all there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from functools import partial
from typing import Any, Final

from connectors.base import (
    ConnectorError,
    FenceLost,
    Outcome,
    Record,
    Throttled,
    Value,
    Write,
    WriteKind,
    WriteResult,
    chunked,
)
from connectors.http import NoAnswer
from connectors.salesforce import bulk
from connectors.salesforce.api import Row
from connectors.salesforce.campaigns import Campaigns, Pair
from connectors.salesforce.companies import Companies
from connectors.salesforce.customers import REASON, among_contacts, folded
from connectors.salesforce.errors import GONE, LOCK_WAIT, LOCKED, NOT_DONE, Problem, error_for, problems_in, refusal_of
from connectors.salesforce.fields import COMPANY, Refusal, seconds_of
from connectors.salesforce.reading import Reader, departure_of

LIMIT: Final = 200
PARTS: Final = 25
NOUNS: Final = {"Contact": "contact", "Lead": "lead"}
_ALERTS_PASS: Final = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}  # for what is there already
_NOT_CONFIRMED: Final = WriteResult(Outcome.UNKNOWN)


@dataclass(slots=True)
class Writer:
    reader: Reader
    campaigns: Campaigns
    results: dict[int, WriteResult] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)  # of what was written, by the number of the write
    repeated: list[int] = field(default_factory=list)  # creates whose mark is there already
    sent: bool = False

    @property
    def object(self) -> str:
        return self.reader.source.object

    @property
    def noun(self) -> str:
        return NOUNS[self.object]

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        if not writes:
            return []
        with self.reader.api.uninterrupted():
            return self._write(writes)

    def _write(self, writes: Sequence[Write]) -> list[WriteResult]:
        if any(write.kind is WriteKind.CREATE for write in writes):
            self.reader.source.check_mark()
        rows = self._present(writes)
        bodies = self._bodies(writes, rows)
        creates = [number for number in bodies if writes[number].kind is WriteKind.CREATE]
        if len(creates) > LIMIT:
            creates = self._in_bulk(creates, bodies, writes)
        for some in chunked(creates, LIMIT):
            self._attempt(some, partial(self._create, some, bodies, writes))
        self._look_up_repeated(writes)
        updates = [number for number in bodies if writes[number].kind is WriteKind.UPDATE and bodies[number]]
        for some in chunked(updates, PARTS):
            self._attempt(some, partial(self._update, some, bodies, writes, rows))
        gone = [number for number in bodies if writes[number].kind is WriteKind.DELETE]
        if gone:
            self._attempt(gone, lambda: self._delete(gone, writes))
        unchanged = [n for n, body in bodies.items() if writes[n].kind is WriteKind.UPDATE and not body]
        self.ids.update({number: writes[number].id for number in unchanged})
        self._label(writes, bodies)
        self._read_back(writes)
        return [self.results[number] for number in range(len(writes))]

    # ---- before anything is sent

    def _present(self, writes: Sequence[Write]) -> dict[int, Row]:
        """The targets as they are now; those that are gone or were changed get their result here."""
        ids = [write.id for write in writes if write.kind is not WriteKind.CREATE]
        rows = {str(row["Id"]): row for row in self.reader.among("Id", ids)}
        found: dict[int, Row] = {}
        for number, write in enumerate(writes):
            if write.kind is WriteKind.CREATE:
                continue
            row = rows.get(write.id)
            if row is None or departure_of(row):
                self.results[number] = WriteResult(Outcome.GONE)
            elif write.version and self.reader.record(row).version != write.version:
                self.results[number] = WriteResult(Outcome.STALE)
            else:
                found[number] = row
        return found

    def _bodies(self, writes: Sequence[Write], rows: Mapping[int, Row]) -> dict[int, dict[str, Any]]:
        """What to send for each write that still stands."""
        standing = [n for n, write in enumerate(writes) if n in rows or write.kind is WriteKind.CREATE]
        names = [str(writes[n].values[COMPANY]) for n in standing if writes[n].values.get(COMPANY)]
        companies = Companies.of(self.reader.api, names) if names else Companies({}, False)
        found: dict[int, dict[str, Any]] = {}
        customers = self._customers([writes[n] for n in standing])
        for number in standing:
            creating = writes[number].kind is WriteKind.CREATE
            if creating and folded(writes[number].values.get("Email")) in customers:
                self.results[number] = WriteResult(Outcome.ELSEWHERE, reason=REASON)
                continue
            try:
                found[number] = self._body(writes[number], rows.get(number), companies)
            except Refusal as refusal:
                self.results[number] = WriteResult(Outcome.REFUSED, field=refusal.field, reason=refusal.reason)
        return found

    def _customers(self, writes: Sequence[Write]) -> frozenset[str]:
        """Addresses of who is not to become a lead."""
        if self.object != "Lead":
            return frozenset()
        creates = (write for write in writes if write.kind is WriteKind.CREATE)
        return among_contacts(self.reader.api, [write.values.get("Email") for write in creates])

    def _body(self, write: Write, row: Row | None, companies: Companies) -> dict[str, Any]:
        if write.kind is WriteKind.DELETE:
            return {}
        creating = write.kind is WriteKind.CREATE
        catalogue = self.reader.source.catalogue()
        shown = catalogue.values_of(row, write.values) if row else {}
        body = catalogue.body_of(write.values, shown, creating=creating)
        if COMPANY in write.values and not (creating and write.values[COMPANY] is None):
            name = write.values[COMPANY]
            if row and name and _folded(name) == _folded(catalogue.values_of(row, [COMPANY]).get(COMPANY)):
                return body  # of several accounts with one name, the one that was chosen stays
            if COMPANY not in catalogue.fields or catalogue.fields[COMPANY].read_only:
                raise Refusal(COMPANY, "Salesforce does not let this user choose the account of a contact.")
            body["AccountId"] = companies.account(str(name)) if name else None
        if creating and self.reader.source.mark:
            body[self.reader.source.mark] = write.marker
        return body

    # ---- sending

    def _attempt(self, numbers: Sequence[int], send: Callable[[], None]) -> None:
        """One call. Without an answer its writes may have taken effect; once something was sent, no later trouble may
        make that forgotten."""
        try:
            send()
        except NoAnswer:
            self.results.update(dict.fromkeys(numbers, _NOT_CONFIRMED))
        except FenceLost:
            raise
        except ConnectorError as error:
            if not self.sent:
                raise
            after = error.after if isinstance(error, Throttled) else 1.0
            self.results.update(dict.fromkeys(numbers, WriteResult(Outcome.LATER, after=after)))
        self.sent = True

    def _collection(self, method: str, path: str, body: Any, count: int) -> list[Any]:
        status, answer = self.reader.api.send(method, path, body, f"to write {self.noun}s")
        if status >= 300:
            raise error_for(status, answer, f"to write {self.noun}s")
        if not isinstance(answer, list) or len(answer) != count:
            raise NoAnswer("Salesforce answered something unknown. Whether it took the changes will be looked up.")
        return answer

    def _create(self, numbers: Sequence[int], bodies: Mapping[int, Any], writes: Sequence[Write]) -> None:
        records = [{"attributes": {"type": self.object}, **bodies[number]} for number in numbers]
        answer = self._collection("POST", "/composite/sobjects", {"allOrNone": False, "records": records}, len(numbers))
        for number, result in zip(numbers, answer, strict=True):
            if result.get("success"):
                self.ids[number] = str(result["id"])
            else:
                self._not_created(number, _first(result), bodies[number], writes[number])

    def _in_bulk(self, numbers: Sequence[int], bodies: Mapping[int, Any], writes: Sequence[Write]) -> list[int]:
        """Returns those that must go otherwise."""
        otherwise = [number for number in numbers if not bulk.can_carry(bodies[number])]
        fit = [number for number in numbers if bulk.can_carry(bodies[number])]
        for some in bulk.portions(fit, bodies):
            job = bulk.Job(self.reader.api, self.object, self.reader.source.mark)
            self._attempt(some, partial(self._in_one_job, job, some, bodies, writes, otherwise))
        return otherwise

    def _in_one_job(
        self,
        job: bulk.Job,
        numbers: Sequence[int],
        bodies: Mapping[int, Any],
        writes: Sequence[Write],
        otherwise: list[int],
    ) -> None:
        done = job.run([bodies[number] for number in numbers])
        for number in numbers:
            marker = writes[number].marker
            if marker in done.ids:
                self.ids[number] = done.ids[marker]
            elif marker in done.problems:
                self._not_created(number, done.problems[marker], bodies[number], writes[number])
            elif marker not in done.left:
                self.results[number] = WriteResult(Outcome.UNKNOWN, reason=bulk.LATE)
            elif done.reason:
                after = bulk.ABORTED_WAIT if done.reason == bulk.ABORTED else LOCK_WAIT
                self.results[number] = WriteResult(Outcome.LATER, reason=done.reason, after=after)
            else:
                otherwise.append(number)

    def _not_created(self, number: int, problem: Problem, body: Mapping[str, Any], write: Write) -> None:
        if problem.code == "DUPLICATES_DETECTED":  # only an answer to one record names the one that is there
            problem = self._alone(number, body) or problem
        if number not in self.ids and number not in self.results:
            self._failed(number, problem, write)

    def _alone(self, number: int, body: Mapping[str, Any]) -> Problem | None:
        try:
            status, answer = self.reader.api.send("POST", f"/sobjects/{self.object}", body, f"to write {self.noun}s")
        except NoAnswer:
            self.results[number] = _NOT_CONFIRMED
            return None
        except FenceLost:
            raise
        except ConnectorError:
            return None
        if status < 300 and isinstance(answer, dict) and answer.get("id"):
            self.ids[number] = str(answer["id"])
            return None
        return _first(answer)

    def _look_up_repeated(self, writes: Sequence[Write]) -> None:
        """Our own creates of before, whose answer was lost."""
        for some in chunked(self.repeated, LIMIT):
            try:
                found = self.reader.find([writes[number].marker for number in some])
            except FenceLost:
                raise
            except ConnectorError:
                return
            there = {number: found[marker] for number in some if (marker := writes[number].marker) in found}
            self.results.update({number: WriteResult(Outcome.DONE, record) for number, record in there.items()})

    def _update(
        self, numbers: Sequence[int], bodies: Mapping[int, Any], writes: Sequence[Write], rows: Mapping[int, Row]
    ) -> None:
        parts = []
        for number in numbers:
            until = formatdate(seconds_of(rows[number]["SystemModstamp"]), usegmt=True)
            condition = {"If-Unmodified-Since": until} if writes[number].version else {}
            parts.append(
                {
                    "method": "PATCH",
                    "url": f"{self.reader.api.path}/sobjects/{self.object}/{writes[number].id}",
                    "referenceId": f"w{number}",
                    "httpHeaders": {**condition, **_ALERTS_PASS},
                    "body": bodies[number],
                }
            )
        wanted = {"allOrNone": False, "compositeRequest": parts}
        status, answer = self.reader.api.send("POST", "/composite", wanted, f"to write {self.noun}s")
        if status >= 300:
            raise error_for(status, answer, f"to write {self.noun}s")
        answers = answer.get("compositeResponse") if isinstance(answer, dict) else None
        by_name = {one.get("referenceId"): one for one in answers or []}
        for number in numbers:
            self._updated(number, by_name.get(f"w{number}") or {}, writes[number])

    def _updated(self, number: int, part: Mapping[str, Any], write: Write) -> None:
        status = int(part.get("httpStatusCode") or 0)
        if 200 <= status < 300:
            self.ids[number] = write.id
        elif status == 412:
            self.results[number] = WriteResult(Outcome.STALE)
        elif not status or (status >= 500 and _first(part.get("body")).code not in LOCKED):
            self.results[number] = _NOT_CONFIRMED
        else:
            self._failed(number, _first(part.get("body")), write)

    def _delete(self, numbers: Sequence[int], writes: Sequence[Write]) -> None:
        ids = ",".join(writes[number].id for number in numbers)
        answer = self._collection("DELETE", f"/composite/sobjects?allOrNone=false&ids={ids}", None, len(numbers))
        for number, result in zip(numbers, answer, strict=True):
            if result.get("success"):
                self.results[number] = WriteResult(Outcome.DONE)
            else:
                self._failed(number, _first(result), writes[number])

    def _failed(self, number: int, problem: Problem, write: Write) -> None:
        creating = write.kind is WriteKind.CREATE
        mark = self.reader.source.mark
        if (
            creating
            and mark
            and problem.code == "DUPLICATE_VALUE"
            and mark in (*problem.fields, *problem.message.split())
        ):
            self.repeated.append(number)
            self.results[number] = _NOT_CONFIRMED
        elif problem.code in LOCKED or problem.code in NOT_DONE:
            self.results[number] = WriteResult(Outcome.LATER, after=LOCK_WAIT)
        elif problem.code in GONE and not creating and not problem.fields:
            self.results[number] = WriteResult(Outcome.GONE)
        else:
            fields = self.reader.source.catalogue().fields
            key, reason = refusal_of(problem, fields, list(write.values), self.noun)
            existing = problem.existing if creating else ""
            self.results[number] = WriteResult(Outcome.REFUSED, field=key, reason=reason, existing=existing)

    # ---- labels

    def _label(self, writes: Sequence[Write], bodies: Mapping[int, Any]) -> None:
        added = {(label, id): n for n, id in self.ids.items() for label in writes[n].add_labels}
        removed = {(label, id): n for n, id in self.ids.items() for label in writes[n].remove_labels}
        for pairs, change in ((added, self.campaigns.add), (removed, self.campaigns.remove)):
            if not pairs:
                continue
            labels_alone = {n for n in pairs.values() if writes[n].kind is WriteKind.UPDATE and not bodies[n]}
            try:
                refused = change(list(pairs))
            except FenceLost:
                raise
            except ConnectorError as error:
                if not self.sent:
                    raise
                lost = isinstance(error, NoAnswer)
                result = _NOT_CONFIRMED if lost else WriteResult(Outcome.LATER, after=getattr(error, "after", 1.0))
                self._give_up(labels_alone, result)
            else:
                self._refuse_labels(refused, pairs, labels_alone)
            self.sent = True

    def _refuse_labels(self, refused: Mapping[Pair, Problem], pairs: Mapping[Pair, int], alone: set[int]) -> None:
        """Where values were written too, the record as read back shows that the label is not there."""
        for pair, problem in refused.items():
            if pairs[pair] in alone:
                locked = problem.code in LOCKED
                reason = f"Salesforce does not take this {self.noun} into the campaign of a rule ({problem.code})."
                outcome = Outcome.LATER if locked else Outcome.REFUSED
                self._give_up({pairs[pair]}, WriteResult(outcome, reason=reason, after=LOCK_WAIT if locked else 0.0))

    def _give_up(self, numbers: set[int], result: WriteResult) -> None:
        for number in numbers:
            self.ids.pop(number, None)
            self.results[number] = result

    # ---- what comes back

    def _read_back(self, writes: Sequence[Write]) -> None:
        """Answers to writes show nothing of the record, and the organisation's own rules may have changed it."""
        if not self.ids:
            return
        seen: dict[str, Any] = {}
        try:
            for some in chunked(self.ids.values(), LIMIT):
                if seen:
                    self.reader.api.host.fence()  # keeps what we hold while very many are read
                seen.update(self.reader.read(some))
        except FenceLost:
            raise
        except ConnectorError:
            pass  # those that were not read have no answer yet
        for number, id in self.ids.items():
            record = seen.get(id)
            if isinstance(record, Record):
                creating = writes[number].kind is WriteKind.CREATE
                shown = replace(record, marker=writes[number].marker) if creating else record
                self.results[number] = WriteResult(Outcome.DONE, shown)
            else:
                self.results[number] = _NOT_CONFIRMED


def _first(body: Any) -> Problem:
    found = problems_in(body)
    return found[0] if found else Problem("UNKNOWN")


def _folded(name: Value) -> str:
    return " ".join(str(name or "").split()).casefold()
