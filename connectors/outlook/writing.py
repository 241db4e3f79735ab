"""Writes in batches, and what became of each.

Graph has no idempotent create, so a create carries its marker in an extended property by which `find` recognises it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from connectors.base import ConnectorError, FenceLost, Outcome, Record, Throttled, Value, Write, WriteKind, WriteResult
from connectors.http import NoAnswer
from connectors.outlook import extended
from connectors.outlook.batch import Inner, Request, split
from connectors.outlook.errors import MALFORMED, codes_in, error_for, is_full, refusal_of
from connectors.outlook.fields import FIELDS, Refusal, held_in, patch_of
from connectors.outlook.graph import Oversized
from connectors.outlook.reading import Reader

MAILBOX_FULL_WAIT: Final = 900.0  # seconds
_WHOLE_ANSWER: Final = {"Prefer": 'IdType="ImmutableId", return=representation'}
_NOT_TRIED: Final = 424
_ALL_GONE: Final = {"mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "errorfoldernotfound"}


@dataclass(frozen=True, slots=True)
class Writer:
    reader: Reader

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        results: dict[int, WriteResult] = {}
        requests: dict[int, Request] = {}
        for number, write in enumerate(writes):
            if _lacks_body(write):
                results[number] = WriteResult(Outcome.STALE)
                continue
            try:
                requests[number] = self.request(write)
            except Refusal as refusal:
                results[number] = WriteResult(Outcome.REFUSED, field=refusal.field, reason=refusal.reason)
        inners = dict(zip(requests, self._send(list(requests.values())), strict=True))
        self._raise_if_all_fail_alike([(writes[number].kind, inner) for number, inner in inners.items()])
        self._slow_down(list(inners.values()))
        for number, inner in inners.items():
            results[number] = self.result(writes[number], requests[number], inner)
        self._read_back(writes, results)
        return [results[number] for number in range(len(writes))]

    # ---- what is sent

    def request(self, write: Write) -> Request:
        """Raises Refusal for what Outlook cannot hold."""
        place = self.reader.place
        condition = {"If-Match": write.version} if write.version else {}
        if write.kind is WriteKind.DELETE:
            return Request("DELETE", place.contact(write.id), headers=condition)
        body = self._body(write)
        if write.kind is WriteKind.CREATE:
            return Request("POST", place.contacts, body, _WHOLE_ANSWER)
        if not body:
            return Request("GET", self.reader.url(write.id))
        return Request("PATCH", place.contact(write.id), body, {**condition, **_WHOLE_ANSWER})

    def _body(self, write: Write) -> dict[str, Any]:
        creating = write.kind is WriteKind.CREATE
        body = patch_of(write.values, write.current, write.body, creating=creating)
        categories = self._categories(write)
        if categories is not None and (categories or not creating):
            body["categories"] = categories
        properties: list[dict[str, str | None]] = [{"id": extended.MARKER, "value": write.marker}] if creating else []
        declared = self.reader.graph.host.declared
        for key, value in write.values.items():
            if key not in FIELDS and not (creating and value is None):
                properties.append(extended.property_for(extended.field_of(key, declared), value))
        if properties:
            body["singleValueExtendedProperties"] = properties
        return body

    def _categories(self, write: Write) -> list[str] | None:
        """The whole new list of names, or None where it stays as it is."""
        if "categories" in write.values:
            before: Value = write.values["categories"]
            names = [str(element["value"]) for element in before or []]
        else:
            names = list(held_in(write.body).get("categories") or [])
            names = names or [str(element["value"]) for element in write.current.get("categories") or []]
        removed = {name.casefold() for name in self.reader.categories.names(write.remove_labels)}
        kept = [name for name in names if name.casefold() not in removed]
        present = {name.casefold() for name in kept}
        added = [name for name in self._names(write.add_labels) if name.casefold() not in present]
        changed = "categories" in write.values or added or len(kept) < len(names)
        return kept + added if changed else None

    def _names(self, ids: frozenset[str]) -> list[str]:
        names = self.reader.categories.names(ids)
        if any(_is_uuid(name) for name in names):
            raise Refusal("categories", "A category that a rule adds is not in Outlook any more. Choose another one.")
        return names

    # ---- what comes back

    def _send(self, requests: Sequence[Request]) -> list[Inner]:
        """One answer each. A batch that is turned away as a whole had no effect; one without an answer may have."""
        found: list[Inner] = []
        waiting = deque(split(requests))
        while waiting:
            batch = waiting.popleft()
            try:
                found += self.reader.graph.batch(batch, "write")
            except NoAnswer:
                found += [Inner()] * len(batch)
            except Throttled as error:
                found += [Inner(429, None, {"Retry-After": str(error.after)})] * len(batch)
            except Oversized as error:
                if len(batch) == 1:
                    found.append(Inner(error.status, error.body))
                else:  # one request of it may be at fault
                    middle = len(batch) // 2
                    waiting.extendleft([batch[middle:], batch[:middle]])
            except FenceLost:
                raise
            except ConnectorError:
                if not found:
                    raise
                found += [Inner(_NOT_TRIED)] * len(batch)  # what was sent before must not be lost
        return found

    def _raise_if_all_fail_alike(self, answers: Sequence[tuple[WriteKind, Inner]]) -> None:
        """What concerns the account or the folder is no fault of a record; nothing had an effect then."""
        if answers and all(_concerns_all(kind, inner) for kind, inner in answers):
            inner = answers[0][1]
            raise error_for(inner.status, inner.body, "to write to the folder" if inner.status == 403 else "the folder")

    def _slow_down(self, inners: Sequence[Inner]) -> None:
        host = self.reader.graph.host
        waits = [inner.wait(host.clock.now()) for inner in inners if inner.is_throttled]
        if waits:
            host.limits.throttled("write", max(waits))

    def result(self, write: Write, request: Request, inner: Inner) -> WriteResult:
        codes = codes_in(inner.body)
        creating = write.kind is WriteKind.CREATE
        if inner.ok:
            try:
                return self._done(write, request, inner)
            except ConnectorError:  # the names of its categories could not be read: not confirmed yet
                return WriteResult(Outcome.UNKNOWN)
        if inner.is_throttled:
            return WriteResult(Outcome.LATER, after=inner.wait(self.reader.graph.host.clock.now()))
        if inner.status == 507 or is_full(codes):
            return WriteResult(Outcome.LATER, reason="The mailbox is full. Make room in it.", after=MAILBOX_FULL_WAIT)
        if inner.status in {0, 408} or inner.status >= 500:
            return WriteResult(Outcome.UNKNOWN)
        if inner.status in {401, 423, _NOT_TRIED} or (creating and inner.status in {404, 409, 410, 412}):
            return WriteResult(Outcome.LATER, after=1.0)
        if inner.status in {409, 412}:
            return WriteResult(Outcome.STALE)
        if inner.status in {404, 410} or MALFORMED in codes:
            return WriteResult(Outcome.GONE)
        if inner.status == 403:
            return WriteResult(Outcome.REFUSED, reason="This account may not change this contact.")
        if inner.status == 413:
            return WriteResult(Outcome.REFUSED, reason="The contact is larger than Outlook takes; shorten its notes.")
        field, reason = refusal_of(inner.body, request.body or {})
        return WriteResult(Outcome.REFUSED, field=field, reason=reason)

    def _done(self, write: Write, request: Request, inner: Inner) -> WriteResult:
        """DONE; without a record where the answer does not show all that the record must (see `_read_back`)."""
        if write.kind is WriteKind.DELETE:
            return WriteResult(Outcome.DONE)
        contact = inner.contact
        if write.kind is WriteKind.CREATE:
            if contact is None:
                return WriteResult(Outcome.UNKNOWN)
            return WriteResult(Outcome.DONE, self.reader.record(contact, write.marker))
        if contact is None or (request.method == "GET" and not self.reader.is_here(contact)):
            return WriteResult(Outcome.DONE if contact is None else Outcome.GONE)
        return WriteResult(Outcome.DONE, self.reader.record(contact))

    def _read_back(self, writes: Sequence[Write], results: dict[int, WriteResult]) -> None:
        """Reads what the answers to writes leave out: extended properties never come with them, an older form of PATCH
        answers nothing. Without that nothing is confirmed, so the outcome is unknown until it is."""
        ids: dict[int, str] = {}
        for number, result in results.items():
            wanted = result.outcome is Outcome.DONE and writes[number].kind is not WriteKind.DELETE
            if wanted and (result.record is None or self.reader.extended):
                ids[number] = result.record.id if result.record else writes[number].id
        if not ids:
            return
        try:
            seen = self.reader.read(list(ids.values()))
        except ConnectorError:
            seen = {}
        for number, id in ids.items():
            record = seen.get(id)
            confirmed = record if isinstance(record, Record) else None
            results[number] = WriteResult(Outcome.DONE if confirmed else Outcome.UNKNOWN, confirmed)


def _lacks_body(write: Write) -> bool:
    """Whether what lies beside the patch in a property that is sent whole would be lost; reading again brings it."""
    whole = write.add_labels or write.remove_labels or any("." in key and key in FIELDS for key in write.values)
    return write.kind is WriteKind.UPDATE and not write.body and bool(whole)


def _concerns_all(kind: WriteKind, inner: Inner) -> bool:
    codes = codes_in(inner.body)
    no_folder = kind is WriteKind.CREATE and (inner.status == 404 or MALFORMED in codes)
    return inner.status == 403 or no_folder or not _ALL_GONE.isdisjoint(codes)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
