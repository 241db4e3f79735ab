"""Writing cards: one conditional request each, and one reading of the whole batch afterwards.

A server may rewrite what it stores even where its answer says otherwise (RFC 6352 section 6.3.2.3; Radicale and Cyrus
return a strong ETag for a card that they changed), so what became of a card is read, never assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, urljoin

from connectors.base import ConnectorError, FenceLost, Outcome, Throttled, Unavailable, Write, WriteKind, WriteResult
from connectors.carddav.dav import Dav, conditions, conflicting_href, multistatus, query_body
from connectors.carddav.fields import CATEGORIES, Catalogue
from connectors.carddav.lists import Categories
from connectors.carddav.records import Reader, Stored, bare, record_of, shown
from connectors.carddav.vcard import Card, NotACard
from connectors.http import Answer, NoAnswer

LOCKED_WAIT: Final = 60.0  # seconds
FULL_WAIT: Final = 3600.0
_REASONS: Final = {
    "valid-address-data": "The server does not accept this contact as a valid vCard.",
    "supported-address-data": "The server does not accept this version of vCard.",
    "max-resource-size": "The contact is larger than the server allows. Shorten its notes or make its photo smaller.",
    "no-uid-conflict": "The address book already has this contact under another name.",
    "addressbook-collection-location-ok": "The server does not accept contacts at this place.",
    "need-privileges": "This user may read the address book but not write to it.",
}


@dataclass(slots=True)
class _Sent:
    """A write on its way: `result` once it is certain, else what to look at afterwards."""

    write: Write
    href: str
    result: WriteResult | None = None
    card: Card | None = None  # what was sent, or is left as it was
    etag: str = ""  # what the answer to it said, empty if it said nothing to rely on
    failed: bool = False  # its condition: the name is taken, or the card is not the one we know


class Writer:
    """Writes to one book."""

    def __init__(
        self, dav: Dav, url: str, path: str, catalogue: Catalogue, fields: Sequence[str], now: Callable[[], float]
    ) -> None:
        self._dav = dav
        self._url = url
        self._path = path
        self._catalogue = catalogue
        self._fields = fields
        self._now = now
        self._reader = Reader(dav, url, path)

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        """One result each, in order. Raises only while nothing was sent; after that a trouble of the server or the
        account becomes LATER for what was not sent and UNKNOWN for what got no answer."""
        sent = [_Sent(write, write.id or self.href(write.marker)) for write in writes]
        self._prepare(sent)
        before = self._dav.http.sent["write"]
        stopped: ConnectorError | None = None
        for one in sent:
            if one.result is not None:
                continue
            if stopped is None:
                try:
                    self._send(one)
                except FenceLost:
                    raise
                except NoAnswer as error:
                    stopped = error
                    one.result = WriteResult(Outcome.UNKNOWN, reason=str(error))
                except ConnectorError as error:
                    if self._dav.http.sent["write"] <= before + 1:
                        raise
                    stopped = error
            if stopped is not None and one.result is None:
                one.result = _later(stopped)
        self._settle(sent)
        return [one.result or WriteResult(Outcome.UNKNOWN) for one in sent]

    def href(self, marker: str) -> str:
        return f"{self._path}{quote(marker, safe='-._~')}.vcf"

    def _prepare(self, sent: Sequence[_Sent]) -> None:
        """Makes and edits the cards; those whose body or version we do not hold are read once more, all together."""
        lacking = []
        for one in sent:
            write = one.write
            if bad := self._catalogue.unwritable(write.values):
                one.result = WriteResult(Outcome.REFUSED, field=bad, reason="This field cannot be written.")
            elif write.kind is WriteKind.CREATE:
                one.card = self._catalogue.new(write.marker, _patch(write, None), self._now())
            elif not write.version:
                lacking.append(one)
            elif write.kind is WriteKind.DELETE:
                continue
            elif (card := _whole(write.body)) is not None:
                one.card = card
            else:
                lacking.append(one)
        stored = self._reader.all([one.href for one in lacking])
        for one in lacking:
            self._take(one, stored.get(one.href))
        for one in sent:
            if one.write.kind is WriteKind.UPDATE and one.card is not None:
                self._edit(one, one.card)

    def _edit(self, one: _Sent, card: Card) -> None:
        if not self._catalogue.patch(card, _patch(one.write, card), self._now()):
            stored = Stored(one.href, one.write.version, card.text)
            one.result = WriteResult(Outcome.DONE, shown(card, stored, self._catalogue, self._fields))

    def _take(self, one: _Sent, stored: Stored | None) -> None:
        if stored is None:
            one.result = WriteResult(Outcome.GONE)
        elif stored.etag != one.write.version:  # also where ours is empty: only a server without ETags has none
            one.result = WriteResult(Outcome.STALE)
        elif one.write.kind is WriteKind.UPDATE:
            one.card = _whole(stored.text or "")
            if one.card is None:
                reason = stored.problem or "The stored entry is not a readable vCard, so it is not changed."
                one.result = WriteResult(Outcome.REFUSED, reason=reason)

    def _send(self, one: _Sent) -> None:
        write = one.write
        if write.kind is WriteKind.DELETE:
            one.card = None
            answer = self._request("DELETE", one.href, {"If-Match": write.version or "*"})
            one.result = self._deleted(one, answer)
            return
        card = one.card
        assert card is not None, "prepared"  # noqa: S101
        condition = {"If-Match": write.version or "*"} if write.kind is WriteKind.UPDATE else {"If-None-Match": "*"}
        headers = {**condition, "Content-Type": "text/vcard; charset=utf-8"}
        answer = self._request("PUT", one.href, headers, card.wire)
        if answer.ok:
            etag = answer.headers.get("ETag", "").strip()
            one.etag = "" if etag.startswith("W/") else etag
            return
        one.result = self._refused(one, answer)

    def _request(self, method: str, href: str, headers: Mapping[str, str], data: bytes | None = None) -> Answer:
        url = urljoin(self._url, href)
        return self._dav.http.request(method, url, kind="write", headers=headers, data=data, accept=(500,))

    def _deleted(self, one: _Sent, answer: Answer) -> WriteResult | None:
        if answer.status == 207:
            try:
                worst = max((member.status for member in multistatus(answer).members), default=200)
            except Unavailable as error:
                return WriteResult(Outcome.UNKNOWN, reason=str(error))
            answer = replace(answer, status=worst)
        return WriteResult(Outcome.DONE) if answer.ok else self._refused(one, answer)

    def _refused(self, one: _Sent, answer: Answer) -> WriteResult | None:
        """The result of a refused write; None if it takes a look at what is there."""
        named = conditions(answer)
        creating = one.write.kind is WriteKind.CREATE
        if creating and "no-uid-conflict" in named:
            href = conflicting_href(answer) or self._holder(one.write.marker)
            return WriteResult(Outcome.REFUSED, field="uid", reason=_REASONS["no-uid-conflict"], existing=href)
        if answer.status == 412 and not named & set(_REASONS):
            one.failed = True
            return None
        if creating and answer.status in {404, 409, 410}:
            return WriteResult(Outcome.LATER, reason="The address book is not there at the moment.", after=LOCKED_WAIT)
        return self._judge(answer)

    def _judge(self, answer: Answer) -> WriteResult:
        status = answer.status
        named = conditions(answer)
        reason = next((text for name, text in _REASONS.items() if name in named), "")
        if status in {404, 410}:
            return WriteResult(Outcome.GONE)
        if status == 423:
            return WriteResult(Outcome.LATER, reason="The contact is locked on the server.", after=LOCKED_WAIT)
        if status == 507:
            return WriteResult(Outcome.LATER, reason="The server has no room left for this user.", after=FULL_WAIT)
        if status == 500:
            reason = "The server had an error with this contact (status 500)."
            return WriteResult(Outcome.UNKNOWN, reason=reason)
        if status == 413:
            reason = _REASONS["max-resource-size"]
        elif status == 403 and not reason:
            reason = _REASONS["need-privileges"]
        return WriteResult(Outcome.REFUSED, reason=reason or f"The server refuses this contact (status {status}).")

    def _holder(self, marker: str) -> str:
        """Which card has our UID, where the server only says that one has."""
        answer = self._dav.ask("REPORT", self._url, query_body("UID", marker), 1)
        if answer.status != 207:
            return ""
        for member in multistatus(answer).members:
            card = _whole(member.data or "")
            if card is not None and bare(card.text_of("UID")) == bare(marker):
                return member.href
        return ""

    def _settle(self, sent: Sequence[_Sent]) -> None:
        """Reads what was written, all together, and says what became of it."""
        open_ = [one for one in sent if one.result is None]
        try:
            stored = self._reader.all([one.href for one in open_])
        except ConnectorError as error:
            stored = {}
            for one in open_:
                if one.failed:
                    creating = one.write.kind is WriteKind.CREATE
                    one.result = _later(error) if creating else WriteResult(Outcome.STALE)
        for one in open_:
            if one.result is not None:
                continue
            found = stored.get(one.href)
            one.result = self._unmet(one, found) if one.failed else self._done(one, found)

    def _done(self, one: _Sent, found: Stored | None) -> WriteResult:
        """The record as the server shows it, unless somebody changed it since: then as we wrote it, under the version
        that had, so that their change comes as news and is not taken for ours."""
        sent = Stored(one.href, one.etag, one.card.text if one.card else "")
        if found is None or found.text is None or (one.etag and found.etag != one.etag):
            found = sent
        record = record_of(found, self._catalogue, self._fields)
        if record is None or record.problem:
            record = record_of(sent, self._catalogue, self._fields)
        return WriteResult(Outcome.DONE, record)

    def _unmet(self, one: _Sent, found: Stored | None) -> WriteResult:
        """Of a card that changed or went away meanwhile, or of a create whose name is taken. Nobody else makes a name
        from our marker, so that is our own card, sent before an answer got lost; its UID may be the server's by now."""
        if one.write.kind is not WriteKind.CREATE:
            return WriteResult(Outcome.STALE if found else Outcome.GONE)
        record = record_of(found, self._catalogue, self._fields) if found else None
        if record is None:
            return WriteResult(Outcome.LATER, reason="The server could not say whether the contact is there.")
        return WriteResult(Outcome.DONE, record)


def _whole(text: str) -> Card | None:
    """The card to edit, or None if the text does not hold all of it."""
    try:
        card = Card(text)
    except NotACard:
        return None
    return card if card.is_complete else None


def _patch(write: Write, card: Card | None) -> dict[str, object]:
    """The values to put, labels (which are categories) among them."""
    patch: dict[str, object] = dict(write.values)
    if write.add_labels or write.remove_labels:
        listed = patch.get(CATEGORIES)
        names = [element["value"] for element in listed] if isinstance(listed, list) else []
        if CATEGORIES not in patch and card is not None:
            names = Categories().names(card)
        kept = [name for name in names if name not in write.remove_labels]
        patch[CATEGORIES] = [{"value": name} for name in (*kept, *sorted(write.add_labels - set(kept)))] or None
    return patch


def _later(error: ConnectorError) -> WriteResult:
    after = error.after if isinstance(error, Throttled) else 0.0
    return WriteResult(Outcome.LATER, reason=str(error), after=after)
