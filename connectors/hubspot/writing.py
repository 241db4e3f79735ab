"""Writes in batches of a hundred, and what became of each.

HubSpot knows no conditional write, so what is to be changed is read just before, and an edit that came in between makes
the write stale. Every input carries a trace id of its own: only then is a batch taken in part, and results come in any
order (developers.hubspot.com, Error handling, multi-status errors).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from connectors.base import (
    ConnectorError,
    FenceLost,
    Outcome,
    Record,
    Throttled,
    Write,
    WriteKind,
    WriteResult,
)
from connectors.http import NoAnswer
from connectors.hubspot.api import BATCH, Row
from connectors.hubspot.errors import LOCK_WAIT, LOCKED, Problem, problem_of, problems_in, refusal_of
from connectors.hubspot.existing import Existing
from connectors.hubspot.fields import EMAIL, FURTHER_EMAILS, MARK, OPT_OUT, Refusal
from connectors.hubspot.reading import Reader, content_of, labels_of

LIMIT: Final = BATCH
MOST_LOCKS: Final = 12
OUTSIDE: Final = "is a contact in HubSpot already, outside of this list; add it to the list there to keep it in sync"
_WHAT: Final = "to write contacts"
_NOT_CONFIRMED: Final = WriteResult(Outcome.UNKNOWN)
_LATER: Final = WriteResult(Outcome.LATER, after=LOCK_WAIT)
_PASSING: Final = frozenset({"RATE_LIMITS", "RATE_LIMIT", "LOCKED"})
_BROKEN: Final = frozenset({"INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT"})
_DEFINITIONS: Final = frozenset({"PROPERTY_DOESNT_EXIST", "INVALID_OPTION", "READ_ONLY_VALUE"})
_STAYS_OUT: Final = "Who has opted out stays opted out; only that person takes it back."
_NO_ADDRESS: Final = "An opt-out belongs to an email address, and this contact has none in HubSpot."
_FURTHER: Final = "The contact has this email address in HubSpot as a further one; only there it can become the first."
_NO_WAY_BACK: Final = "HubSpot moves a lifecycle stage only forward, and this contact is further already."


@dataclass(slots=True)
class Writer:
    """By the number of a write: `results` of those that are decided, `rows` as contacts show after those that are
    done."""

    reader: Reader
    results: dict[int, WriteResult] = field(default_factory=dict)
    before: dict[int, Row] = field(default_factory=dict)
    rows: dict[int, Row] = field(default_factory=dict)
    labels: dict[int, frozenset[str]] = field(default_factory=dict)
    companies: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    sent: bool = False
    locks: int = 0  # batches that were cut because something in them was locked

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        if not writes:
            return []
        with self.reader.api.uninterrupted():
            return self._write(writes)

    def _write(self, writes: Sequence[Write]) -> list[WriteResult]:
        if any(write.kind is WriteKind.CREATE for write in writes):
            self.reader.portal.ensure_marks()
        self._look(writes)
        bodies = self._bodies(writes)
        self._opt_out([n for n in bodies if n in self.before and EMAIL not in bodies[n]], bodies, writes)
        creates = [n for n in bodies if writes[n].kind is WriteKind.CREATE]
        updates = [n for n in bodies if writes[n].kind is WriteKind.UPDATE and n not in self.results]
        self._batch("create", creates, bodies, writes)
        self._batch("update", [n for n in updates if bodies[n]], bodies, writes)
        self.rows.update({n: self.before[n] for n in updates if not bodies[n]})
        self._archive([n for n in bodies if writes[n].kind is WriteKind.DELETE], writes)
        self._opt_out([n for n in self.rows if EMAIL in bodies[n]], bodies, writes)
        self._label(writes, bodies)
        self._show(writes)
        return [self.results.get(number, _NOT_CONFIRMED) for number in range(len(writes))]

    # ---- before anything is sent

    def _look(self, writes: Sequence[Write]) -> None:
        """The targets as they are now; those that are gone or were changed get their result here."""
        targets = {n: write for n, write in enumerate(writes) if write.kind is not WriteKind.CREATE}
        if not targets:
            return
        rows = self.reader.fetch(write.id for write in targets.values())
        self.companies = self.reader.companies_of(rows.values())
        labels = self._known_labels(targets.values())
        records = {one.id: one for one in self.reader.records(list(rows.values()), labels, self.companies)}
        for number, write in targets.items():
            record = records.get(write.id)
            if record is None:
                self.results[number] = WriteResult(Outcome.GONE)
            elif record.problem:
                self.results[number] = WriteResult(Outcome.REFUSED, reason=record.problem)
            elif _is_stale(write, record):
                self.results[number] = WriteResult(Outcome.STALE)
            else:
                self.before[number] = rows[write.id]
                self.labels[number] = labels[write.id] & self.reader.carried

    def _known_labels(self, targets: Iterable[Write]) -> dict[str, frozenset[str]]:
        held = {write.id: labels_of(write.version) for write in targets}
        found = {id: one for id, one in held.items() if one is not None}
        return found | self.reader.lists.of([id for id in held if id not in found], self.reader.carried)

    def _bodies(self, writes: Sequence[Write]) -> dict[int, dict[str, str]]:
        """What to send for each write that still stands."""
        catalogue = self.reader.portal.catalogue(key for write in writes for key in write.values)
        owned = any(key in catalogue.owned for write in writes for key, value in write.values.items() if value)
        owners = self.reader.portal.owner_ids() if owned else {}
        found: dict[int, dict[str, str]] = {}
        for number, write in enumerate(writes):
            creating = write.kind is WriteKind.CREATE
            if not creating and number not in self.before:
                continue
            try:
                self._may(write, self.before.get(number))
                body = catalogue.properties_of(write.values, owners, creating)
            except Refusal as refusal:
                self.results[number] = WriteResult(Outcome.REFUSED, field=refusal.field, reason=refusal.reason)
                continue
            if creating and self.reader.portal.keeps_marks:
                body[MARK] = write.marker
            found[number] = {} if write.kind is WriteKind.DELETE else body
        return found

    def _may(self, write: Write, row: Row | None) -> None:
        """Raises Refusal for what HubSpot would ignore without a word, or only a person may do."""
        held: Mapping[str, Any] = (row.get("properties") if row else None) or {}
        if OPT_OUT in write.values:
            if not write.values[OPT_OUT]:
                if str(held.get(OPT_OUT)).lower() == "true":
                    raise Refusal(OPT_OUT, _STAYS_OUT)
            elif not (write.values[EMAIL] if EMAIL in write.values else held.get(EMAIL)):
                raise Refusal(OPT_OUT, _NO_ADDRESS)
        email = str(write.values.get(EMAIL) or "").strip().lower()
        if email and email in str(held.get(FURTHER_EMAILS) or "").lower().split(";"):
            raise Refusal(EMAIL, _FURTHER)
        for key, wanted in write.values.items():
            if self.reader.portal.catalogue().goes_back(key, held.get(key), wanted):
                raise Refusal(key, _NO_WAY_BACK)

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

    def _batch(
        self, verb: str, numbers: Sequence[int], bodies: Mapping[int, Mapping[str, str]], writes: Sequence[Write]
    ) -> None:
        if numbers:
            self._attempt(numbers, partial(self._send, verb, numbers, bodies, writes))

    def _send(
        self, verb: str, numbers: Sequence[int], bodies: Mapping[int, Mapping[str, str]], writes: Sequence[Write]
    ) -> None:
        """A batch that is refused as a whole is sent in halves, so that one contact does not hold up the others. While
        all are locked that would be in vain, so it has an end."""
        inputs = []
        for n in numbers:
            id = {"id": writes[n].id} if verb == "update" else {}
            inputs.append({**id, "properties": bodies[n], "objectWriteTraceId": _trace(n)})
        path = self.reader.api.at.objects("contacts", f"/batch/{verb}")
        status, answer = self.reader.api.send("POST", path, {"inputs": inputs}, _WHAT)
        if status < 300:
            self._taken(numbers, answer, bodies, writes)
        elif len(numbers) == 1 or (status == LOCKED and self.locks >= MOST_LOCKS):
            self._failed(dict.fromkeys(numbers, problem_of(answer, status)), writes)
        else:
            self.sent = True
            self.locks += status == LOCKED
            middle = len(numbers) // 2
            for half in (numbers[:middle], numbers[middle:]):
                self._batch(verb, half, bodies, writes)

    def _taken(
        self,
        numbers: Sequence[int],
        answer: Any,
        bodies: Mapping[int, Mapping[str, str]],
        writes: Sequence[Write],
    ) -> None:
        listed = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(listed, list):
            raise NoAnswer("HubSpot answered something unknown. Whether it took the changes will be looked up.")
        left = dict.fromkeys(numbers)
        for row in listed:
            number = next((n for n in left if _is_of(row, n, writes[n], bodies[n])), None)
            if number is not None:
                del left[number]
                self.rows[number] = _merged(self.before.get(number), row)
        problems: dict[int, Problem] = {}
        for problem in problems_in(answer):
            concerned = [n for n in left if _trace(n) in problem.traces or writes[n].id in problem.ids]
            problems.update(dict.fromkeys(concerned, problem))
        self.results.update({n: _NOT_CONFIRMED for n in left if n not in problems})
        self._failed(problems, writes)

    def _archive(self, numbers: Sequence[int], writes: Sequence[Write]) -> None:
        if not numbers:
            return

        def send() -> None:
            path = self.reader.api.at.objects("contacts", "/batch/archive")
            inputs = [{"id": id} for id in dict.fromkeys(writes[n].id for n in numbers)]
            status, answer = self.reader.api.send("POST", path, {"inputs": inputs}, "to delete contacts")
            if status < 300 and not problems_in(answer):
                self.results.update(dict.fromkeys(numbers, WriteResult(Outcome.DONE)))
            else:
                problem = (problems_in(answer) or [problem_of(answer, status)])[0]
                reason = f"HubSpot did not delete the contact ({problem.code})."
                self.results.update(dict.fromkeys(numbers, WriteResult(Outcome.REFUSED, reason=reason)))

        self._attempt(numbers, send)

    # ---- what was refused

    def _failed(self, problems: Mapping[int, Problem], writes: Sequence[Write]) -> None:
        there = {n: one for n, one in problems.items() if writes[n].kind is WriteKind.CREATE and _may_be_there(one)}
        if there:
            self._there_already(there, writes)
        for number, problem in problems.items():
            if number not in self.results and number not in self.rows:
                self.results[number] = self._refused(problem, writes[number])

    def _refused(self, problem: Problem, write: Write) -> WriteResult:
        codes = {fault.code for fault in problem.faults}
        if codes & _DEFINITIONS:
            self.reader.portal.forget()
        if (
            problem.status == LOCKED
            or problem.category in _PASSING
            or any(fault.name == MARK for fault in problem.faults)
        ):
            return _LATER
        if problem.category in _BROKEN:
            return _NOT_CONFIRMED
        if problem.category == "OBJECT_NOT_FOUND" and write.kind is not WriteKind.CREATE:
            return WriteResult(Outcome.GONE)
        fields = self.reader.portal.catalogue().fields
        key, reason = refusal_of(problem, fields, list(write.values))
        return WriteResult(Outcome.REFUSED, field=key, reason=reason)

    def _there_already(self, problems: Mapping[int, Problem], writes: Sequence[Write]) -> None:
        """Who has the email or the mark. With our mark it is our own create of before, whose answer was lost."""
        existing = Existing(self.reader)
        try:
            found = existing.of({n: (problem, writes[n]) for n, problem in problems.items()})
        except NoAnswer:
            raise
        except ConnectorError:
            self.results.update(dict.fromkeys(problems, _LATER))
            return
        for number, row in found.items():
            id, held = str(row.get("id")), row.get("properties") or {}
            if held.get(MARK) == writes[number].marker:
                self.rows[number] = row
                self.labels[number] = existing.labels[id]
            elif self.reader.list_id and self.reader.list_id not in existing.labels[id]:
                self.results[number] = WriteResult(Outcome.ELSEWHERE, reason=OUTSIDE)
            else:
                key, reason = refusal_of(problems[number], {}, list(writes[number].values))
                self.results[number] = WriteResult(Outcome.REFUSED, field=key, reason=reason, existing=id)

    # ---- beside the properties

    def _opt_out(self, numbers: Sequence[int], bodies: dict[int, dict[str, str]], writes: Sequence[Write]) -> None:
        for n in numbers:
            row = self.rows.get(n) or self.before.get(n) or {}
            held = row.get("properties") or {}
            if not writes[n].values.get(OPT_OUT) or str(held.get(OPT_OUT)).lower() == "true":
                continue
            email = bodies[n].get(EMAIL) or str(held.get(EMAIL) or "")
            self._attempt([n], partial(self._unsubscribe, n, email, row))

    def _unsubscribe(self, number: int, email: str, row: Row) -> None:
        """Before anything else is written, so that a refusal refuses all; a new address only once it is the contact's
        own."""
        path = self.reader.api.at.unsubscribe_all(email)
        status, answer = self.reader.api.send("POST", path, {}, "to opt contacts out of email")
        if status < 300:
            shown = {**row, "properties": {**(row.get("properties") or {}), OPT_OUT: "true"}}
            (self.rows if number in self.rows else self.before)[number] = shown
        elif number not in self.rows:
            reason = f"HubSpot did not opt the contact out of email ({problem_of(answer, status).code})."
            self.results[number] = WriteResult(Outcome.REFUSED, field=OPT_OUT, reason=reason)

    def _label(self, writes: Sequence[Write], bodies: Mapping[int, Mapping[str, str]]) -> None:
        for how in ("add", "remove"):
            for label, numbers in self._wanted(how, writes).items():
                self._attempt(numbers, partial(self._change, how, label, numbers, writes, bodies))

    def _wanted(self, how: str, writes: Sequence[Write]) -> dict[str, list[int]]:
        wanted: dict[str, list[int]] = {}
        for n in self.rows:
            if n in self.results:
                continue
            labels = writes[n].add_labels if how == "add" else writes[n].remove_labels
            if how == "add" and self.reader.list_id and writes[n].kind is WriteKind.CREATE:
                labels = labels | {self.reader.list_id}
            for label in labels:
                wanted.setdefault(label, []).append(n)
        return wanted

    def _change(
        self,
        how: str,
        label: str,
        numbers: Sequence[int],
        writes: Sequence[Write],
        bodies: Mapping[int, Mapping[str, str]],
    ) -> None:
        problem = self.reader.lists.change(label, [str(self.rows[n].get("id")) for n in numbers], how)
        for n in numbers:
            if problem is None:
                held = self.labels.get(n, frozenset())
                self.labels[n] = held | {label} if how == "add" else held - {label}
            elif label == self.reader.list_id and how == "add":
                self.results[n] = _NOT_CONFIRMED  # made, but not in the folder: it is sent again
            elif writes[n].kind is WriteKind.UPDATE and not bodies[n]:
                reason = f"HubSpot does not change the members of a list of a rule ({problem.code})."
                self.results[n] = WriteResult(Outcome.REFUSED, reason=reason)

    # ---- what comes back

    def _show(self, writes: Sequence[Write]) -> None:
        """As answered, on top of what was there: a second look would show the same."""
        done = [n for n in self.rows if n not in self.results]
        rows = [self.rows[n] for n in done]
        labels = {str(self.rows[n].get("id")): self.labels.get(n, frozenset()) for n in done}
        try:
            records = self.reader.records(rows, labels, self.companies if self.before else None) if rows else []
        except ConnectorError:
            return
        for number, record in zip(done, records, strict=True):
            creating = writes[number].kind is WriteKind.CREATE
            shown = replace(record, marker=writes[number].marker) if creating else record
            self.results[number] = WriteResult(Outcome.DONE, shown)


def _is_stale(write: Write, record: Record) -> bool:
    """Whether somebody changed what we want to write; of a delete, anything at all. Lists are not content."""
    if not write.version or content_of(write.version) == content_of(record.version):
        return False
    if write.kind is WriteKind.DELETE:
        return True
    return any(record.values.get(key) != write.current.get(key) for key in write.values)


def _trace(number: int) -> str:
    return f"w{number}"


def _is_of(row: Any, number: int, write: Write, body: Mapping[str, str]) -> bool:
    """Whether a result is that of a write, as surely as it tells."""
    if not isinstance(row, dict) or not row.get("id"):
        return False
    if row.get("objectWriteTraceId"):
        return bool(row["objectWriteTraceId"] == _trace(number))
    if write.kind is not WriteKind.CREATE:
        return str(row["id"]) == write.id
    held = row.get("properties") or {}
    if MARK in body:
        return bool(held.get(MARK) == body[MARK])
    return all(str(held.get(name) or "") == value for name, value in body.items())


def _merged(before: Row | None, answer: Row) -> Row:
    old = (before or {}).get("properties") or {}
    return {**(before or {}), **answer, "properties": {**old, **(answer.get("properties") or {})}}


def _may_be_there(problem: Problem) -> bool:
    return problem.is_conflict or bool(problem.existing) or any(fault.name == MARK for fault in problem.faults)
