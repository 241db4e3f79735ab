"""Change notifications of Microsoft Graph (learn.microsoft.com/graph/change-notifications-delivery-webhooks and
change-notifications-lifecycle-events)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from connectors.base import Unavailable, Unsupported
from connectors.news import Delivery, Event, Keys, News, Reply, Subscribed, SubscriptionGone, Untrusted, Webhooks
from connectors.outlook.errors import error_for
from connectors.outlook.graph import Graph, Place, segment

LIFE: Final = timedelta(minutes=10_000)  # of the 10,080 that contacts are granted
_EVENTS: Final = {
    "reauthorizationRequired": Event.EXPIRES,
    "subscriptionRemoved": Event.ENDED,
    "missed": Event.MISSED,
}


def receive(delivery: Delivery, keys: Keys) -> Reply:
    """A new subscription is made only when its address gives the validation token back as plain text."""
    token = delivery.query.get("validationToken")
    if token is not None:
        return Reply(200, token)
    body = orjson.loads(delivery.body)
    entries = body.get("value") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        raise ValueError("a notification holds a list")
    return Reply(202, news=list(_news(entries, keys)))


def _news(entries: list[Any], keys: Keys) -> Iterator[News]:
    for entry in entries:
        if not isinstance(entry, dict) or not keys.is_state(str(entry.get("clientState") or "")):
            raise Untrusted("a notification without the secret of its subscription")
        lifecycle = entry.get("lifecycleEvent")
        if lifecycle is None:
            yield News()
        elif lifecycle in _EVENTS:
            yield News(_EVENTS[lifecycle])


WEBHOOKS: Final = Webhooks(receive, subscribes=True)


class Subscriptions:
    """The subscriptions of one account (learn.microsoft.com/graph/api/resources/subscription)."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def make(self, place: Place, url: str, state: str) -> Subscribed:
        """Raises Unsupported for a mailbox that is shared with the account: Graph grants that to applications only."""
        if place.mailbox:
            raise Unsupported("Outlook sends no news of mailboxes that are shared with an account. They are polled.")
        order = {
            "changeType": "created,updated,deleted",
            "notificationUrl": url,
            "lifecycleNotificationUrl": url,
            "resource": place.contacts.lstrip("/"),
            "expirationDateTime": self._end(),
            "clientState": state,
            "latestSupportedTlsVersion": "v1_2",
        }
        status, body = self._graph.send("POST", "/subscriptions", order)
        if status == 409 and self._end_own(order["resource"], url):
            status, body = self._graph.send("POST", "/subscriptions", order)
        if not 200 <= status < 300:
            raise error_for(status, body, "news of the folder")
        return _subscribed(body)

    def _end_own(self, resource: Any, url: str) -> bool:
        """One that we made and then forgot, because we broke off before its answer was stored."""
        ours = urlsplit(url).netloc
        listed = [one for page in self._graph.pages("/subscriptions", "news of the folder") for one in page]
        forgotten = [
            str(one.get("id") or "")
            for one in listed
            if one.get("resource") == resource and urlsplit(str(one.get("notificationUrl") or "")).netloc == ours
        ]
        for id in forgotten:
            self.end(id)
        return bool(forgotten)

    def renew(self, id: str) -> Subscribed:
        status, body = self._graph.send("PATCH", _address(id), {"expirationDateTime": self._end()})
        if status == 404:
            raise SubscriptionGone("Outlook has ended the subscription to its news. It is made again.")
        if not 200 <= status < 300:
            raise error_for(status, body, "news of the folder")
        return _subscribed(body)

    def end(self, id: str) -> None:
        status, body = self._graph.send("DELETE", _address(id))
        if status != 404 and not 200 <= status < 300:
            raise error_for(status, body, "news of the folder")

    def _end(self) -> str:
        end = datetime.fromtimestamp(self._graph.host.clock.now(), UTC) + LIFE
        return end.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")


def _address(id: str) -> str:
    return f"/subscriptions/{segment(id)}"


def _subscribed(body: Any) -> Subscribed:
    try:
        # Graph writes seven decimals
        end = datetime.fromisoformat(str(body["expirationDateTime"])[:19]).replace(tzinfo=UTC)
        return Subscribed(str(body["id"]), end.timestamp())
    except (KeyError, TypeError, ValueError):
        raise Unavailable("Outlook confirmed its news in an unknown shape. It will be tried again.") from None
