"""The contract between the engine and an app.

Everything is batch-shaped and streamed: no connector holds a whole folder in memory. Values are plain JSON in
the app's own field keys, so they can be stored, compared and shown without the connector at hand.

Shapes of a value, by `Field.type` (an unset field is absent from `Record.values`; None never appears there):

* TEXT, MULTILINE, EMAIL, PHONE, URL, OPTION: a non-empty string
* DATE: ``2001-02-28`` or, without a year, ``--02-28``; DATETIME: RFC 3339 in UTC
* NUMBER: int or float; BOOLEAN: bool
* OPTIONS: a sorted list of strings
* any type with ``multiple != 1``: a list of elements ``{"value": <as above>, "type"?: str, "label"?: str}`` in the
  app's order; the first element is the preferred one. Elements carry only the attributes in `Field.attributes`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from connectors.news import Webhooks
    from connectors.oauth import OAuth

Value = Any
Values = Mapping[str, Value]


class FieldType(StrEnum):
    TEXT = "text"
    MULTILINE = "multiline"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    DATE = "date"
    DATETIME = "datetime"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OPTION = "option"
    OPTIONS = "options"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an app's catalogue. `meaning` is the app-neutral tag from which default mappings follow."""

    key: str
    label: str
    type: FieldType = FieldType.TEXT
    meaning: str = ""
    read_only: bool = False
    required: bool = False
    max_length: int | None = None
    options: tuple[tuple[str, str], ...] = ()  # (value, label)
    multiple: int | None = 1  # how many values it holds; None: no limit
    attributes: frozenset[str] = frozenset()  # of an element: "type", "label"
    needs_year: bool = False  # of a date: ``--02-28`` cannot be stored here
    custom: bool = False  # not every account has it; read only where something needs it
    forward_only: bool = False  # of an option: the app never goes back in the order of the options
    reason: str = ""  # why it cannot be mapped, for people

    @property
    def is_list(self) -> bool:
        return self.multiple != 1


class LabelKind(StrEnum):
    CATEGORY = "category"
    LIST = "list"
    GROUP = "group"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Label:
    id: str
    name: str
    kind: LabelKind
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """A container that can be one side of a connection. `parent` is the id of the enclosing folder or empty."""

    id: str
    name: str
    path: str  # for people, and accepted in YAML: names from the root, joined by "/"
    parent: str = ""
    read_only: bool = False
    count: int | None = None  # contacts in it, where the app tells


@dataclass(frozen=True, slots=True)
class Record:
    """One contact as the app shows it now.

    `order` is the app's own ordered version (larger is newer) or None. `evidence` gives, per field key, when the app
    says that the field itself changed (POSIX seconds); `modified` when the record as a whole did. `body` is opaque:
    stored and handed back on write. `problem` says why the record cannot be read; it then has no values and is kept
    as it is.
    """

    id: str
    version: str
    values: Values
    labels: frozenset[str] = frozenset()
    uid: str = ""
    marker: str = ""
    order: int | None = None
    modified: float | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    body: str = ""
    problem: str = ""


class DepartureKind(StrEnum):
    DELETED = "deleted"  # the app says so; the only kind that can lead to a delete
    LEFT = "left"  # it left the folder and exists elsewhere
    UNKNOWN = "unknown"  # it is not here any more, the app does not say why


@dataclass(frozen=True, slots=True)
class Departure:
    """`successor`: the id under which the contact goes on, here or in another folder of the account: the one that won a
    merge, or what a lead was converted to."""

    id: str
    kind: DepartureKind
    successor: str = ""


@dataclass(frozen=True, slots=True)
class ChangePage:
    """A page of news of a folder. `cursor` resumes after this page, also in the middle of a listing.

    `listing`: the page is part of a full listing; what it never names has departed, once `last` was reached.
    `unchanged`: ids that are still there with the version `Known` had for them, so they were not read again.
    """

    records: Sequence[Record]
    departures: Sequence[Departure] = ()
    unchanged: Sequence[str] = ()
    cursor: str = ""
    last: bool = True
    listing: bool = False


class WriteKind(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Write:
    """One intended write. `values` is a patch: only fields that change, in the shapes above; None clears a field.

    A list field in a patch is the whole new list. `version` is the version the decision was made on (the lost-update
    check); `current` the values and `body` the opaque body the engine holds for the record.
    """

    kind: WriteKind
    marker: str
    id: str = ""
    version: str = ""
    values: Values = field(default_factory=dict)
    add_labels: frozenset[str] = frozenset()
    remove_labels: frozenset[str] = frozenset()
    current: Values = field(default_factory=dict)
    body: str = ""


class Outcome(StrEnum):
    DONE = "done"
    STALE = "stale"  # the record changed since `version`; read again and decide again
    GONE = "gone"  # the record is not there any more
    REFUSED = "refused"  # the app will never take this; see field and reason
    LATER = "later"  # not taken now, certainly without effect; try after `after` seconds
    ELSEWHERE = "elsewhere"  # nothing was made: the person is there already, in a folder that goes first
    UNKNOWN = "unknown"  # no answer came; it may or may not have taken effect


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of one write. DONE carries the record as the app now shows it (not for deletes).

    A create that the app refuses because the person is there already names that record in `existing`.
    """

    outcome: Outcome
    record: Record | None = None
    field: str = ""
    reason: str = ""
    after: float = 0.0
    existing: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an app can do. UI, help, validation and the engine read this; nothing else hard-codes an app's name."""

    two_way: bool = True
    sees_deletions: bool = True
    can_delete: bool = True
    label_kind: LabelKind | None = None
    creates_labels: bool = False
    custom_fields: bool = False
    declared_fields: bool = False  # custom fields exist but cannot be discovered: a person names them
    opt_out: bool = False
    labels_opt_out: bool = False  # no field for opt-outs; a label stands for them (`connectors.optoutlabel`)
    conditional_updates: bool = True
    merges: bool = False  # it can make one record of two (`Merges`)
    shows_latest: bool = False  # it tells what was changed last without a listing (`ShowsLatest`)
    converts: bool = False  # contacts go on in another folder of the account, under another id (`Converts`)
    idempotent_creates: bool = False  # a repeated create with the same marker makes no second record
    keeps_markers: bool = True  # False: `find` sees no marker; creates are found by what was sent (FindsSent)
    removes_markers: bool = False  # markers can be taken off again (`RemovesMarkers`)
    sequential_writes: bool = False  # one writing request at a time per account
    read_batch: int = 100
    write_batch: int = 100
    # More new records than the first number that wait together go in one call, of at most the second number. Such a
    # connector is one that `WorksOff`.
    bulk_creates: tuple[int, int] | None = None
    rate: tuple[int, float] | None = None  # requests, in how many seconds: what the app grants one account
    settle_after: float = 0.0  # seconds a sent request may still take effect and stay invisible
    visible_after: float = 0.0  # seconds for which a listing may still show what was before our write
    conditions: frozenset[str] = frozenset({"label", "field", "exists_in_other", "was_deleted"})
    actions: frozenset[str] = frozenset({"add_label", "remove_label", "set"})

    def check_batch(self, writes: Sequence[Write]) -> None:
        """Raises ValueError for more writes than one call takes."""
        least, most = self.bulk_creates or (0, 0)
        bulk = least < len(writes) <= most and all(write.kind is WriteKind.CREATE for write in writes)
        if len(writes) > self.write_batch and not bulk:
            raise ValueError("more writes than one request takes")


class Known(Protocol):
    """What the engine already holds of a folder, asked page-wise."""

    def versions(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The stored version of each id that is known and not departed."""

    def labelled(self, label: str) -> Sequence[str]:
        """The ids that are known to carry a label and not departed."""


class NothingKnown:
    def versions(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {}

    def labelled(self, label: str) -> Sequence[str]:
        return []


class Connector(Protocol):
    """An app, seen through one account. Raises `ConnectorError` and its kinds, nothing else."""

    capabilities: Capabilities

    def check(self) -> str:
        """Who this account is at the app, for people; raises if the credentials do not work."""

    def folders(self) -> Sequence[Folder]: ...

    def fields(self, folder: str) -> Sequence[Field]: ...

    def labels(self, folder: str) -> Sequence[Label]: ...

    def create_label(self, folder: str, name: str) -> Label: ...

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        """Pages of news since `cursor`; an empty cursor lists everything. Raises CursorExpired for every form of it."""

    def read(self, folder: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record | Departure]:
        """The present truth by id, every id answered."""

    def write(self, folder: str, writes: Sequence[Write], fields: Sequence[str]) -> Sequence[WriteResult]:
        """At most `write_batch` writes, or creates alone as `bulk_creates` says; one result each, in order. `fields`:
        what the returned records must show."""

    def find(self, folder: str, markers: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record]:
        """Those of our creates, by marker, that exist in the app."""


class TriesFields(Protocol):
    """A connector whose app has custom fields that cannot be discovered (`Capabilities.declared_fields`)."""

    def try_declared(self, folder: str, field: Field) -> Value | None:
        """Asks the app for the field on one contact of the folder: the value there, if any. Raises Unsupported, with
        the reason for people, if the app does not know the field or holds something else in it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A create whose answer is missing. `at`: when it was sent, by our clock."""

    marker: str
    values: Values
    at: float


class FindsSent(Protocol):
    """A connector whose app has no place for markers (`Capabilities.keeps_markers`)."""

    def find_sent(self, folder: str, sent: Sequence[Sent], fields: Sequence[str]) -> Mapping[str, Record]:
        """By marker, the record that each create made, as far as one can be told: ours, made since, with what was sent.
        No record stands for two creates."""


class WorksOff(Protocol):
    """A connector whose app makes very many records long after it was asked to (`Capabilities.bulk_creates`)."""

    def under_way(self, folder: str, since: float) -> str:
        """What the app is still at that may make records of creates sent at `since` (by our clock) or later, for
        people; empty if there is nothing, so that what `find` does not see then was not made. Raises ConnectorError."""


class RemovesMarkers(Protocol):
    """A connector whose app shows people the markers of our creates, or keeps them beside its own data, and lets go of
    them again (`Capabilities.removes_markers`)."""

    def remove_markers(self, folder: str, ids: Sequence[str], keep: Collection[str]) -> int:
        """Takes our markers off those of at most `read_batch` records that carry one which is not in `keep`; the number
        of them. Nothing else of a record changes, and a repeat does no harm. Raises ConnectorError."""

    def remove_helpers(self) -> Sequence[str]:
        """Removes the fields that we made in the account; their names."""


class Merges(Protocol):
    """A connector whose app makes one record of two (`Capabilities.merges`). No app takes that back."""

    def merge(self, folder: str, winner: str, loser: str) -> str:
        """The id under which both go on; the winner's values count where both have one. Raises ConnectorError, and
        `connectors.http.NoAnswer` where it may have taken effect."""


class Converts(Protocol):
    """A connector whose app turns contacts of one folder into contacts of another (`Capabilities.converts`)."""

    def origins(self, folder: str, ids: Sequence[str]) -> Mapping[str, str]:
        """The id that each of these, at most `read_batch`, had in another folder before; nothing for those that began
        here. Raises ConnectorError."""


@dataclass(frozen=True, slots=True)
class Latest:
    """`count`: contacts of a folder; `ids`: those changed last, newest first."""

    count: int
    ids: Sequence[str]


class ShowsLatest(Protocol):
    """A connector whose app tells what was changed last without a listing (`Capabilities.shows_latest`)."""

    def latest(self, folder: str, most: int) -> Latest | None:
        """None for a folder that cannot be asked so. What was changed a moment ago may be missing. Raises
        ConnectorError."""


# ---- what the host (the room `connections`, or a test) lends to a connector --------------------------------------


@dataclass(frozen=True, slots=True)
class Secrets:
    """An account's credentials at one moment. `version` grows with every renewal."""

    values: Mapping[str, str] = field(repr=False)
    version: int = 1


class Vault(Protocol):
    def current(self) -> Secrets: ...

    def renew(self, refresh: Callable[[Mapping[str, str]], Mapping[str, str]], failed: int) -> Secrets:
        """Renews once however many ask: calls `refresh(old values) -> changed values` only if `failed` is still the
        current version, under a lock shared by all processes; what it returns is merged into the values and stored."""


class Limits(Protocol):
    def before(self, kind: str) -> None:
        """Called before each request of a kind ("read" or "write"); raises Throttled if the account must wait."""

    def throttled(self, kind: str, seconds: float) -> None:
        """The app told us to wait; all workers of the account do."""


class UrlGuard(Protocol):
    def check(self, url: str) -> None:
        """Raises AddressRefused for an address that must not be contacted."""

    def check_peer(self, host: str, port: int, address: str) -> None:
        """Called with the IP address that `host` turned out to be, before a byte leaves; raises AddressRefused."""


class Clock(Protocol):
    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Host:
    """Everything a connector needs from outside."""

    base_url: str
    login_url: str
    vault: Vault
    limits: Limits
    guard: UrlGuard
    clock: Clock
    # Called just before the bytes of a writing request leave, and now and then while the app works off a long one.
    fence: Callable[[], None] = lambda: None
    settings: Mapping[str, str] = field(default_factory=dict)  # client_id, client_secret, api_version, settle_after...
    declared: Sequence[Field] = ()  # custom fields that a person declared for this account
    watched: Callable[[], frozenset[str]] = frozenset  # ids of the labels that matter to some connection of the account


@dataclass(frozen=True, slots=True)
class CredentialField:
    name: str
    label: str
    secret: bool = True
    required: bool = True
    help: str = ""


@dataclass(frozen=True, slots=True)
class App:
    """What a room under `connectors/` declares as `APP`; the registry finds it by itself."""

    key: str
    name: str
    summary: str
    credentials: tuple[CredentialField, ...]
    connect: Callable[[Host], Connector]
    capabilities: Capabilities
    base_url: str = ""  # the vendor's own; empty where each account has its own
    login_url: str = ""
    user_supplied_url: bool = False
    help: str = ""  # Markdown file in the room
    local: str = ""  # which contacts people see in the app's own programs that are not with the vendor, and what to do
    sandbox: str = ""  # dotted path of a callable that makes the WSGI part
    sandbox_prefix: str = ""
    # Makes the field that a person declares by the app's name for it; raises ValueError with a sentence for people.
    declare: Callable[[str, FieldType], Field] | None = None
    # The fields that every account has, by the name of a kind of folder; for the documentation.
    standard: Callable[[], Mapping[str, Sequence[Field]]] = dict
    oauth: OAuth | None = None  # how a person authorises an account; None: by entering the credentials
    webhooks: Webhooks | None = None  # how the vendor tells of news; None: it is asked


# ---- errors ------------------------------------------------------------------------------------------------------


class ConnectorError(Exception):
    """Something an account, a folder or the app did. The text is for people: what happened and what to do next.
    It never holds a secret or contact data."""

    retry = True  # may go away by itself


class AuthLost(ConnectorError):
    """The grant is revoked or the password wrong: a person must authorise again."""

    retry = False


class Forbidden(ConnectorError):
    """Signed in, but not allowed to do this (missing scope or permission)."""

    retry = False


class AddressRefused(ConnectorError):
    """The URL guard or the server's answer says that this is no address we may or can use."""

    retry = False


class Unsupported(ConnectorError):
    """The account or folder cannot be synced at all (for example a mailbox without REST access)."""

    retry = False


class FolderGone(ConnectorError):
    retry = False


class CursorExpired(ConnectorError):
    """The position in the change feed is lost; a full listing is needed."""


class Unavailable(ConnectorError):
    """5xx, time-out, cut connection, HTML or half an XML where data was expected."""


class Throttled(ConnectorError):
    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


class FenceLost(ConnectorError):
    """Another worker has taken over; this one must stop without writing."""


T = TypeVar("T")


def chunked(items: Iterable[T], size: int) -> Iterator[list[T]]:
    chunk: list[T] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
