"""News that a vendor posts to us (webhooks): what an app declares about it. The address itself is in `connections`.

News is a hint to look, never data: whatever it says is read from the app before it is believed, and what is never
told is found by polling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from connectors.base import ConnectorError


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was posted. `uri`: the whole address as the vendor called it; `headers`: names in lower case; `at`: when it
    came, POSIX seconds."""

    uri: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float


class Event(StrEnum):
    CHANGED = "changed"
    MISSED = "missed"  # the vendor could not tell us of changes
    EXPIRES = "expires"  # the subscription ends soon unless it is renewed
    ENDED = "ended"  # the subscription is no more


@dataclass(frozen=True, slots=True)
class News:
    """`account`: the id of `connectors.oauth.Identity`; empty where the address tells whom it concerns. `record`: the
    id of the contact, where a read by that may know more than the change feed (its records then carry an `order`, so
    that the feed's older view is not believed later); empty: look at the change feed."""

    event: Event = Event.CHANGED
    account: str = ""
    record: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the vendor gets as an answer, and the news. `client_id`: the registration whose secret proved them."""

    status: int = 202
    text: str = ""
    news: Sequence[News] = ()
    client_id: str = ""


class Keys(Protocol):
    """By what a delivery is known to come from the vendor."""

    def is_state(self, state: str) -> bool:
        """Whether it is what we gave the vendor for the subscription that the address belongs to."""

    def secrets(self) -> Mapping[str, str]:
        """The secrets of this installation's registrations for the app, by client id."""


class Untrusted(Exception):
    """The delivery does not prove that the vendor sent it, or is too old. The text holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Webhooks:
    """`receive` verifies and reads a delivery; it raises Untrusted, and ValueError for a body that is none.

    `subscribes`: the connector orders news of each folder to an address of its own (`Subscribes`). Else an operator
    enters the one address of this installation at the vendor's, for `events`, and news of all accounts come there.
    """

    receive: Callable[[Delivery, Keys], Reply]
    subscribes: bool
    events: tuple[str, ...] = ()  # as the vendor calls them


@dataclass(frozen=True, slots=True)
class Subscribed:
    """`expires_at`: POSIX seconds."""

    id: str
    expires_at: float


class SubscriptionGone(ConnectorError):
    """The vendor does not know the subscription any more."""


class Subscribes(Protocol):
    """A connector that orders news. All raise ConnectorError; Unsupported where the app tells nothing of a folder."""

    def subscribe(self, folder: str, url: str, state: str) -> Subscribed: ...

    def renew_subscription(self, id: str) -> Subscribed:
        """Raises SubscriptionGone."""

    def unsubscribe(self, id: str) -> None:
        """One that is gone is fine."""
