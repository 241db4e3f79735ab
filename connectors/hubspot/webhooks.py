"""What HubSpot's webhooks say (developers.hubspot.com, Webhooks, and Validating requests).

An event is a hint and nothing more: its order, and that it comes once, are not promised. What it names is read again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from connectors.news import Delivery, Keys, News, Reply, Untrusted, Webhooks

OLDEST: Final = 300.0  # seconds that a signature counts
MOST_EVENTS: Final = 100
_SIGNATURE: Final = "x-hubspot-signature-v3"
_TIMESTAMP: Final = "x-hubspot-request-timestamp"
_DECODED: Final = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")",
    "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ESCAPES: Final = re.compile("|".join(_DECODED), re.IGNORECASE)
_CONTACT: Final = ("contact", "object")


class EventKind(StrEnum):
    CREATED = "creation"
    CHANGED = "propertyChange"
    DELETED = "deletion"
    MERGED = "merge"
    RESTORED = "restore"
    ASSOCIATED = "associationChange"
    FORGOTTEN = "privacyDeletion"


@dataclass(frozen=True, slots=True)
class Event:
    """`portal`: whose contact it is, HubSpot's id of the account; `id`: of the contact; `at`: POSIX seconds. `key`: the
    same for every delivery of one event. `others`: further contacts that it concerns: of a merge, the former ones."""

    portal: str
    id: str
    kind: EventKind
    at: float
    key: str
    field: str = ""
    others: tuple[str, ...] = ()


def verify(secret: str, method: str, uri: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether HubSpot sent this in the last five minutes (signature version 3). `uri`: the full address as HubSpot
    called it, with the query; `now`: POSIX seconds."""
    given = {name.lower(): value for name, value in headers.items()}
    signature, stamp = given.get(_SIGNATURE, ""), given.get(_TIMESTAMP, "")
    if not secret or not signature or not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 16:
        return False
    if abs(now - int(stamp) / 1000) > OLDEST:
        return False
    source = method.upper().encode() + _decoded(uri).encode() + body + stamp.encode()
    wanted = base64.b64encode(hmac.new(secret.encode(), source, hashlib.sha256).digest())
    return hmac.compare_digest(wanted, signature.encode("utf-8", "replace"))


def _decoded(uri: str) -> str:
    return _ESCAPES.sub(lambda found: _DECODED[found[0].upper()], uri)


def events(body: bytes) -> list[Event]:
    """The events about contacts; those about anything else are left out. Raises ValueError for another shape."""
    try:
        listed = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ValueError("this is no JSON") from None
    if not isinstance(listed, list) or len(listed) > MOST_EVENTS:
        raise ValueError(f"a list of at most {MOST_EVENTS} events is expected")
    return [event for one in listed for event in _event(one)]


def _event(raw: Any) -> Iterator[Event]:
    if not isinstance(raw, dict):
        raise ValueError("an event is an object")
    object, _, name = str(raw.get("subscriptionType") or "").partition(".")
    if object not in _CONTACT or (object == "object" and str(raw.get("objectTypeId")) != "0-1"):
        return
    try:
        kind = EventKind(name)
        portal, at = int(raw["portalId"]), int(raw["occurredAt"])
        of_merge = int(raw["newObjectId"]) if raw.get("newObjectId") else None
        id = of_merge or int(raw.get("objectId") or raw.get("fromObjectId") or raw["primaryObjectId"])
        others = tuple(str(int(one)) for one in _former(raw) if int(one) != id)
    except (KeyError, TypeError, ValueError):
        if name not in set(EventKind):
            return
        raise ValueError("an event lacks what tells which contact it is about") from None
    field = str(raw.get("propertyName") or "")
    yield Event(str(portal), str(id), kind, at / 1000, f"{portal}/{id}/{name}/{field}/{at}", field, others)


def _former(raw: Mapping[str, Any]) -> Iterator[Any]:
    if raw.get("subscriptionType", "").endswith(".merge"):
        merged = raw.get("mergedObjectIds")
        yield from merged if isinstance(merged, list) else []
        yield from (raw[name] for name in ("primaryObjectId", "objectId") if raw.get(name))


# ---- what they mean for us


def receive(delivery: Delivery, keys: Keys) -> Reply:
    """Any of this installation's registrations may be the one whose secret signed it."""
    for client_id, secret in keys.secrets().items():
        if verify(secret, "POST", delivery.uri, delivery.headers, delivery.body, delivery.at):
            told = (News(account=event.portal, record=id) for event in events(delivery.body) for id in concerned(event))
            return Reply(news=list(dict.fromkeys(told)), client_id=client_id)
    raise Untrusted("no signature of the last five minutes with the secret of a registration")


def concerned(event: Event) -> tuple[str, ...]:
    """Of a merge also the former contacts: each is asked where it goes on."""
    return (event.id, *event.others)


# The properties that people edit most; a change of another one is found at the next look.
PROPERTIES: Final = (
    *("email", "firstname", "lastname", "phone", "mobilephone", "company", "jobtitle", "address", "city", "state"),
    *("zip", "country", "website", "lifecyclestage", "hubspot_owner_id", "hs_email_optout", "hs_additional_emails"),
)
EVENTS: Final = (
    *("contact.creation", "contact.deletion", "contact.merge", "contact.restore", "contact.privacyDeletion"),
    *(f"contact.propertyChange:{name}" for name in PROPERTIES),
)
WEBHOOKS: Final = Webhooks(receive, subscribes=False, events=EVENTS)
