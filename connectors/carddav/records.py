"""From stored cards to records, and reading cards in batches whatever one of them holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urljoin

from connectors.base import FolderGone, Forbidden, Record, Unavailable, chunked
from connectors.carddav.dav import UNREADABLE, Dav, Member, multiget_body, multistatus
from connectors.carddav.fields import Catalogue, uid
from connectors.carddav.lists import Categories
from connectors.carddav.vcard import Card, NotACard
from connectors.http import Answer, TooLarge, host_of

BATCH: Final = 100
LARGEST_CARD: Final = 16 * 1024 * 1024  # characters


@dataclass(frozen=True, slots=True)
class Stored:
    """A card as the server holds it. `text` is None if it cannot be handed out; `problem` then says why."""

    href: str
    etag: str
    text: str | None
    modified: float | None = None
    problem: str = ""


def file_name(href: str) -> str:
    """All that names a card that cannot be read."""
    return unquote(href.rpartition("/")[2])


def stem(href: str) -> str:
    """The file name without its ending."""
    name = file_name(href)
    return name[:-4] if name.lower().endswith(".vcf") else name


def bare(uid: str) -> str:
    return uid.strip().lower().removeprefix("urn:uuid:")


def record_of(stored: Stored, catalogue: Catalogue, fields: Sequence[str]) -> Record | None:
    """The record, one with `problem` if the card cannot be read, or None for a group card: that is no contact."""
    if stored.text is None:
        return Record(stored.href, stored.etag, {}, problem=stored.problem)
    if len(stored.text) > LARGEST_CARD:
        problem = f"This entry ({file_name(stored.href)}) is larger than 16 MB. Make it smaller."
        return Record(stored.href, stored.etag, {}, problem=problem)
    try:
        card = Card(stored.text)
    except NotACard as error:
        problem = f"This entry ({file_name(stored.href)}) {error}. Correct or delete it in the address book."
        return Record(stored.href, stored.etag, {}, problem=problem)
    if card.is_group:
        return None
    return shown(card, stored, catalogue, fields)


def shown(card: Card, stored: Stored, catalogue: Catalogue, fields: Sequence[str]) -> Record:
    name = stem(stored.href)
    identity = uid(card)
    return Record(
        id=stored.href,
        version=stored.etag,
        values=catalogue.values(card, fields),
        labels=frozenset(Categories().names(card)),
        uid=identity,
        marker=name if identity and bare(identity) == bare(name) else "",
        modified=stored.modified,
        body=card.body,
    )


class Reader:
    """Reads cards of one book by href."""

    def __init__(self, dav: Dav, url: str, path: str) -> None:
        self._dav = dav
        self._url = url
        self._path = path

    def all(self, hrefs: Iterable[str]) -> dict[str, Stored | None]:
        """What is stored under each href; None where the server says that nothing is there."""
        return {href: one for batch in chunked(hrefs, BATCH) for href, one in self.batch(batch).items()}

    def batch(self, hrefs: Sequence[str]) -> dict[str, Stored | None]:
        """Raises FolderGone or Forbidden if the book itself is the trouble."""
        if not hrefs:
            return {}
        try:
            answer = self._dav.ask("REPORT", self._url, multiget_body(hrefs), 1, accept=(500,))
        except TooLarge:
            return self._divided(hrefs)
        if answer.status in {404, 410}:
            raise FolderGone(f"The address book is not there any more on {host_of(self._url)}. Choose another one.")
        if answer.status == 403:
            raise Forbidden(f"{host_of(self._url)} does not let this user read the address book any more.")
        if answer.status == 500 or answer.status in {400, 405, 415, 501}:
            return self._one_by_one(hrefs, answer)
        told = multistatus(answer)
        members = told.by_href()
        found: dict[str, Stored | None] = {}
        unanswered: list[str] = []
        for href in hrefs:
            member = members.get(href)
            if member is None or (member.data is None and member.status not in {404, 410}):
                unanswered.append(href)
            else:
                found[href] = self._stored(member, told.repaired)
        return found | {href: self._single(href) for href in unanswered}

    def _divided(self, hrefs: Sequence[str]) -> dict[str, Stored | None]:
        if len(hrefs) == 1:
            return {hrefs[0]: _unreadable(hrefs[0], "is too large to be read. Make it smaller")}
        middle = len(hrefs) // 2
        return {**self.batch(hrefs[:middle]), **self.batch(hrefs[middle:])}

    def _one_by_one(self, hrefs: Sequence[str], answer: Answer) -> dict[str, Stored | None]:
        """After a refused batch: one card that the server cannot hand out must not hold up the others."""
        found = {href: self._single(href) for href in hrefs}
        if all(one is not None and one.text is None for one in found.values()) and not self._is_well(found):
            raise Unavailable(f"{host_of(self._url)} cannot hand out its contacts (status {answer.status}).")
        return found

    def _is_well(self, found: Mapping[str, Stored | None]) -> bool:
        """Whether the trouble is the card's own: it is the only one, and the book itself answers."""
        return len(found) == 1 and self._dav.propfind(self._url, "D:resourcetype").status == 207

    def _single(self, href: str) -> Stored | None:
        answer = self._dav.get(urljoin(self._url, href))
        if answer.status in {404, 410}:
            return None
        if not answer.ok:
            return _unreadable(href, f"cannot be handed out by the server (status {answer.status}). Look at it there")
        etag = answer.headers.get("ETag", "")
        try:
            return Stored(href, etag, answer.content.decode("utf-8-sig"))
        except UnicodeDecodeError:
            return _unreadable(href, _NOT_UTF8, etag)

    def _stored(self, member: Member, repaired: bool) -> Stored | None:
        if member.data is None:
            return None
        if repaired and UNREADABLE in member.data:
            return _unreadable(member.href, _NOT_UTF8, member.etag)
        return Stored(member.href, member.etag, member.data, member.modified)


_NOT_UTF8 = "holds text that is not UTF-8. Correct it in the address book"


def _unreadable(href: str, why: str, etag: str = "") -> Stored:
    return Stored(href, etag, None, problem=f"This entry ({file_name(href)}) {why}.")
