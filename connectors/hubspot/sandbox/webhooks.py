"""Webhooks: an app's settings and subscriptions (Webhooks API), and the events that follow from changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from connectors.hubspot.sandbox.definitions import NAMES
from connectors.hubspot.sandbox.errors import bad_method, invalid, not_found, unauthenticated
from connectors.hubspot.sandbox.oauth import LOOPBACK
from connectors.hubspot.sandbox.sender import Sender
from connectors.hubspot.sandbox.store import News, Store, moment
from connectors.hubspot.sandbox.tokens import Tokens, bearer
from connectors.sandboxkit.database import Row
from connectors.sandboxkit.web import Request, Response, json_response

VERSIONS = ("v3", "2026-03", "2026-09")
MOST = 1_000
KINDS = ("creation", "deletion", "propertyChange", "merge", "restore", "associationChange", "privacyDeletion")
EVENTS = frozenset(f"{object}.{kind}" for object in ("contact", "company", "object") for kind in KINDS)
UNSEEN = ("hs_lastmodifieddate", "lastmodifieddate", "num_unique_conversion_events")


class Webhooks:
    def __init__(self, store: Store, tokens: Tokens, sender: Sender) -> None:
        self.store = store
        self.tokens = tokens
        self.sender = sender
        store.listeners.append(self.changed)

    # ---- settings

    def handle(self, request: Request) -> Response:
        segments = request.segments
        if len(segments) < 4 or segments[1] not in VERSIONS or not segments[2].isdecimal():
            raise not_found()
        app = self._app(request, int(segments[2]))
        match (request.method, *segments[3:]):
            case (_, "settings"):
                return self._settings(request, app)
            case ("GET", "subscriptions"):
                return json_response({"results": [_shown(row) for row in self.subscriptions(app["id"])]})
            case ("POST", "subscriptions"):
                body = request.json()
                return json_response(_shown(self.subscribe(app["id"], **_details(body))), 201)
            case ("POST", "subscriptions", "batch", "update"):
                return self._batch(request, app)
            case (_, "subscriptions", id):
                return self._one(request, app, id)
        raise not_found()

    def _app(self, request: Request, id: int) -> Row:
        """The developer's key, or a token that the app got for itself."""
        app = self.store.database.one("SELECT * FROM hubspot_app WHERE id = ?", (id,))
        row = self.tokens.find(bearer(request), "app")
        if app is None or not (
            request.query.get("hapikey") == app["developer_key"] or (row is not None and row["client"] == app["client"])
        ):
            raise unauthenticated()
        return app

    def _settings(self, request: Request, app: Row) -> Response:
        match request.method:
            case "GET" if not app["target"]:
                raise not_found("no webhook settings were found for the app")
            case "PUT":
                body = request.json()
                self.aim(app["id"], str(body.get("targetUrl") or ""), (body.get("throttling") or {}))
            case "DELETE":
                self.store.database.execute("UPDATE hubspot_app SET target = '' WHERE id = ?", (app["id"],))
                return Response(204)
            case "GET":
                pass
            case _:
                raise bad_method()
        row = self.store.database.one("SELECT * FROM hubspot_app WHERE id = ?", (app["id"],)) or app
        shown = {"createdAt": moment(row["created"]), "updatedAt": moment(row["updated"])}
        return json_response(
            {"targetUrl": row["target"], "throttling": {"maxConcurrentRequests": row["most"]}, **shown}
        )

    def aim(self, app: int, target: str, throttling: Mapping[str, Any]) -> None:
        """Sets the one address of all accounts; plain http only to this machine."""
        most, parts = int(throttling.get("maxConcurrentRequests") or 10), urlsplit(target)
        if most <= 5:
            raise invalid("maxConcurrentRequests must be greater than 5")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise invalid("targetUrl must be an https address")
        now = self.store.now()
        self.store.database.execute(
            "UPDATE hubspot_app SET target = ?, most = ?, updated = ?, created = max(created, ?) WHERE id = ?",
            (target, most, now, now, app),
        )

    # ---- subscriptions

    def subscriptions(self, app: int) -> list[Row]:
        return self.store.database.all("SELECT * FROM hubspot_subscription WHERE app = ? ORDER BY id", (app,))

    def subscribe(self, app: int, event: str, property: str = "", type: str = "", *, active: bool = True) -> Row:
        object, _, kind = event.partition(".")
        if event not in EVENTS or (object == "object" and not type):
            raise invalid(f"{event} is no event that can be subscribed to")
        if (kind == "propertyChange") != bool(property) or property in UNSEEN:
            raise invalid("propertyName goes with a change of a property, and not with all of them")
        present = self.subscriptions(app)
        if len(present) >= MOST:
            raise invalid(f"An app may have {MOST} subscriptions")
        if any((row["event"], row["property"], row["type"]) == (event, property, type) for row in present):
            raise invalid(f"There is a subscription to {event} already")
        now = self.store.now()
        id = self.store.database.execute(
            "INSERT INTO hubspot_subscription (app, event, property, type, active, created, updated) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (app, event, property, type, active, now, now),
        )
        return self._row(app, str(id))

    def _row(self, app: int, id: str) -> Row:
        found = next((row for row in self.subscriptions(app) if str(row["id"]) == id), None)
        if found is None:
            raise not_found(f"no subscription {id} was found")
        return found

    def _switch(self, app: int, id: str, active: bool) -> Row:
        self._row(app, id)
        self.store.database.execute(
            "UPDATE hubspot_subscription SET active = ?, updated = ? WHERE id = ?", (active, self.store.now(), int(id))
        )
        return self._row(app, id)

    def _one(self, request: Request, app: Row, id: str) -> Response:
        row = self._row(app["id"], id)
        match request.method:
            case "GET":
                return json_response(_shown(row))
            case "PATCH":
                return json_response(_shown(self._switch(app["id"], id, bool(request.json().get("active")))))
            case "DELETE":
                self.store.database.execute("DELETE FROM hubspot_subscription WHERE id = ?", (row["id"],))
                return Response(204)
        raise bad_method()

    def _batch(self, request: Request, app: Row) -> Response:
        began = moment(self.store.now())
        items = request.json().get("inputs") or []
        results = [_shown(self._switch(app["id"], str(one.get("id")), bool(one.get("active")))) for one in items]
        at = {"startedAt": began, "completedAt": moment(self.store.now())}
        return json_response({"status": "COMPLETE", "results": results, **at})

    # ---- events

    def changed(self, news: News) -> None:
        """Queues what the subscribers of every app that is installed in the account want to know."""
        sql = (
            "SELECT * FROM hubspot_app WHERE target != '' AND EXISTS (SELECT 1 FROM hubspot_token WHERE portal = ? "
            "AND kind = 'refresh' AND (hubspot_token.client = '' OR hubspot_token.client = hubspot_app.client))"
        )
        for app in self.store.database.all(sql, (news.account.portal,)):
            for row in self.subscriptions(app["id"]):
                if row["active"] and _concerns(row, news):
                    for event in _events(row, news):
                        self.sender.put(app["id"], news.account.email, event)


def _details(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "event": str(body.get("eventType") or ""),
        "property": str(body.get("propertyName") or ""),
        "type": str(body.get("objectTypeId") or ""),
        "active": bool(body.get("active")),
    }


def _concerns(row: Row, news: News) -> bool:
    object, _, kind = row["event"].partition(".")
    ends = [news.more["fromObjectTypeId"], news.more["toObjectTypeId"]] if news.kind == "associationChange" else []
    types = ends or [news.type]  # both directions of an association arrive
    mine = row["type"] in types if object == "object" else object in [NAMES[type][0] for type in types]
    return mine and kind == news.kind and (kind != "propertyChange" or row["property"] in news.changes)


def _events(row: Row, news: News) -> list[dict[str, Any]]:
    """The attempt's number and the event's id are set when it is sent."""
    source, _, id = news.source.partition(" ")
    event: dict[str, Any] = {
        "subscriptionId": row["id"],
        "portalId": news.account.portal,
        "appId": row["app"],
        "occurredAt": news.at,
        "subscriptionType": row["event"],
        "changeSource": source,
        "sourceId": id,
    }
    if row["event"].startswith("object."):
        event["objectTypeId"] = news.type
    if news.kind == "associationChange":
        return [{**event, **news.more}]
    event["objectId"] = news.id
    match news.kind:
        case "creation":
            event["changeFlag"] = "NEW"
        case "deletion":
            event["changeFlag"] = "DELETED"
        case "propertyChange":
            value = news.changes[row["property"]]
            event |= {"propertyName": row["property"], "propertyValue": value, "isSensitive": False}
    return [{**event, **news.more}]


def _shown(row: Row) -> dict[str, Any]:
    found = {
        "id": str(row["id"]),
        "eventType": row["event"],
        "active": bool(row["active"]),
        "createdAt": moment(row["created"]),
        "updatedAt": moment(row["updated"]),
    }
    extra = {"propertyName": row["property"], "objectTypeId": row["type"]}
    return {**found, **{name: value for name, value in extra.items() if value}}


def register(
    store: Store, client: str, redirects: list[str], secret: str, app_id: int = 0, developer_key: str = "developer-key"
) -> int:
    """Makes an app known, or changes it, and returns its id."""
    row = store.database.one("SELECT id FROM hubspot_app WHERE client = ?", (client,))
    if row is not None:
        store.database.execute(
            "UPDATE hubspot_app SET secret = ?, redirects = ?, developer_key = ? WHERE id = ?",
            (secret, orjson.dumps(redirects), developer_key, row["id"]),
        )
        return int(row["id"])
    id = app_id or 50_000 + store.number()
    store.database.execute(
        "INSERT INTO hubspot_app (id, client, secret, redirects, developer_key) VALUES (?, ?, ?, ?, ?)",
        (id, client, secret, orjson.dumps(redirects), developer_key),
    )
    return id
