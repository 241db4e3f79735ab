"""Change notifications (learn.microsoft.com/graph/api/resources/subscription): handshake, delivery, lifecycle."""

from __future__ import annotations

import queue
import re
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
import requests

from connectors.outlook.sandbox import ids
from connectors.outlook.sandbox.call import Call
from connectors.outlook.sandbox.errors import GraphError, access_denied, bad_request, not_supported
from connectors.outlook.sandbox.oauth import WORK_TENANT
from connectors.outlook.sandbox.shape import Data
from connectors.outlook.sandbox.store import Changed, Mailbox, Store
from connectors.sandboxkit.database import Row
from connectors.sandboxkit.kit import Kit
from connectors.sandboxkit.web import Response

LONGEST_SECONDS = 10_080 * 60
SHORTEST_SECONDS = 45 * 60
HANDSHAKE_SECONDS = 10
DELIVERY_SECONDS = 3
TRIES = 4
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FOLDER = re.compile(r"contactFolders(?:/([^/]+)|\('([^']+)'\))/contacts$", re.IGNORECASE)
OPTIONAL = ("clientState", "lifecycleNotificationUrl", "latestSupportedTlsVersion", "notificationQueryOptions")


@dataclass(frozen=True, slots=True)
class Letter:
    url: str
    body: bytes
    tries: int = 0


class Subscriptions:
    """Posts notifications from a thread of its own, which starts with the first one."""

    def __init__(self, kit: Kit, store: Store) -> None:
        self.kit = kit
        self.store = store
        self._letters: queue.Queue[Letter | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = False
        store.listeners.append(self.changed)

    # ---- the resource

    def handle(self, call: Call, rest: Sequence[str]) -> Response:
        call.need("Contacts.Read", "Contacts.ReadWrite")
        method = call.request.method
        if not rest:
            if method == "POST":
                return self._create(call)
            if method == "GET":
                return self._list(call)
            raise not_supported()
        row = self._row(call, rest[0])
        if list(rest[1:]) == ["reauthorize"] and method == "POST":
            return Response(204)
        if len(rest) > 1:
            raise not_supported()
        if method == "GET":
            return call.answer(self._rendered(call, row))
        if method == "PATCH":
            return self._renew(call, row)
        if method == "DELETE":
            self.store.database.execute("DELETE FROM outlook_subscription WHERE id = ?", (row["id"],))
            return Response(204)
        raise not_supported()

    def _row(self, call: Call, key: str) -> Row:
        row = self.store.database.one(
            "SELECT * FROM outlook_subscription WHERE id = ? AND mailbox = ? AND expires > ?",
            (key, call.mailbox.number, self.kit.clock.now()),
        )
        if row is None:
            raise GraphError(404, "ResourceNotFound", "The object was not found.")
        return row

    def _rendered(self, call: Call, row: Row) -> Data:
        return {"@odata.context": call.context("subscriptions/$entity"), **_value(row)}

    def _list(self, call: Call) -> Response:
        rows = self.store.database.all(
            "SELECT * FROM outlook_subscription WHERE mailbox = ? AND expires > ?",
            (call.mailbox.number, self.kit.clock.now()),
        )
        return call.answer({"@odata.context": call.context("subscriptions"), "value": [_value(row) for row in rows]})

    def _create(self, call: Call) -> Response:
        body = call.body()
        kinds = _kinds(body.get("changeType"))
        folder = self._folder(call, str(body.get("resource") or ""))
        expires = self._expiry(body.get("expirationDateTime"))
        url = _address(body.get("notificationUrl"), "notificationUrl")
        lifecycle = body.get("lifecycleNotificationUrl")
        if lifecycle is not None and urlsplit(_address(lifecycle, "lifecycleNotificationUrl")).netloc != (
            urlsplit(url).netloc
        ):
            raise bad_request("The host of both notification URLs must be the same.", "InvalidRequest")
        if len(str(body.get("clientState") or "")) > 128:
            raise bad_request("The clientState is longer than 128 characters.", "InvalidRequest")
        self._refuse_twin(call, str(body["resource"]), kinds)
        for address in filter(None, (url, lifecycle)):
            self._shake_hands(address)
        data = {name: body.get(name) for name in OPTIONAL}
        data |= {"changeType": kinds, "notificationUrl": url, "resource": body["resource"]}
        data |= {"applicationId": str(uuid.uuid5(uuid.NAMESPACE_URL, call.client)), "creatorId": call.caller.guid}
        key = str(uuid.uuid4())
        self.store.database.execute(
            "INSERT INTO outlook_subscription VALUES (?, ?, ?, ?, ?, ?)",
            (key, call.mailbox.number, folder, int(call.immutable), expires, orjson.dumps(data)),
        )
        return call.answer(self._rendered(call, self._row(call, key)), 201)

    def _folder(self, call: Call, resource: str) -> int | None:
        """The folder a resource stands for; None: all contacts of the mailbox."""
        path = resource.strip("/")
        if path.lower().startswith("users/"):
            mailbox = self.store.mailbox(path.split("/")[1])
            if mailbox is None or mailbox.number != call.mailbox.number:
                raise access_denied()
            path = path.split("/", 2)[2] if path.count("/") >= 2 else ""
        else:
            path = path.removeprefix("me/")
        if path.lower() == "contacts":
            return None
        match = _FOLDER.match(path)
        if match is None:
            raise bad_request("Resource is not supported for subscriptions.", "InvalidRequest")
        number: int = self.store.folder_by_key(call.mailbox, match[1] or match[2])["id"]
        return number

    def _expiry(self, text: Any) -> float:
        now = self.kit.clock.now()
        try:
            moment = datetime.fromisoformat(re.sub(r"\.(\d{1,6})\d*", r".\1", str(text).replace("Z", "+00:00")))
        except ValueError:
            raise bad_request("The expirationDateTime is not a valid time.", "InvalidRequest") from None
        expires = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        if expires <= now:
            raise bad_request("Subscription expiration time must be in the future.", "InvalidRequest")
        if expires > now + LONGEST_SECONDS:
            raise bad_request("Subscription expiration can only be 10080 minutes in the future.", "InvalidRequest")
        return max(expires, now + SHORTEST_SECONDS)

    def _refuse_twin(self, call: Call, resource: str, kinds: str) -> None:
        rows = self.store.database.all(
            "SELECT * FROM outlook_subscription WHERE mailbox = ? AND expires > ?",
            (call.mailbox.number, self.kit.clock.now()),
        )
        if len(rows) >= 1000:
            raise GraphError(403, "Forbidden", "The number of subscriptions for the mailbox is exceeded.")
        for row in rows:
            data = orjson.loads(row["data"])
            if data["resource"] == resource and data["changeType"] == kinds:
                raise GraphError(409, "Conflict", "A subscription with the same resource and changeType exists.")

    def _renew(self, call: Call, row: Row) -> Response:
        body = call.body()
        data = orjson.loads(row["data"])
        if body.get("notificationUrl"):
            data["notificationUrl"] = _address(body["notificationUrl"], "notificationUrl")
            self._shake_hands(data["notificationUrl"])
        expires = self._expiry(body["expirationDateTime"]) if "expirationDateTime" in body else row["expires"]
        self.store.database.execute(
            "UPDATE outlook_subscription SET expires = ?, data = ? WHERE id = ?",
            (expires, orjson.dumps(data), row["id"]),
        )
        return call.answer(self._rendered(call, self._row(call, row["id"])))

    def _shake_hands(self, url: str) -> None:
        token = f"Validation: Testing client application reachability {uuid.uuid4()}"
        joint = "&" if "?" in url else "?"
        try:
            answer = self._session.post(
                f"{url}{joint}validationToken={quote(token)}",
                headers={"Content-Type": "text/plain; charset=utf-8"},
                timeout=HANDSHAKE_SECONDS,
                allow_redirects=False,
            )
            kind = answer.headers.get("Content-Type", "")
            shaken = answer.status_code == 200 and answer.text == token and kind.startswith("text/plain")
        except requests.RequestException:
            shaken = False
        if not shaken:
            raise bad_request(
                "Subscription validation request failed. Notification endpoint must respond with 200 OK to validation "
                "request.",
                "ValidationError",
            )

    # ---- delivery

    def changed(self, news: Changed) -> None:
        """Tells the subscribers of a contact's folder, or of the whole mailbox."""
        rows = self.store.database.all(
            "SELECT * FROM outlook_subscription WHERE mailbox = ? AND (folder IS NULL OR folder = ?) AND expires > ?",
            (news.mailbox, news.folder, self.kit.clock.now()),
        )
        mailbox = self.store.mailbox(news.mailbox) if rows else None
        for row in rows:
            data = orjson.loads(row["data"])
            if mailbox is not None and news.kind in data["changeType"].split(","):
                self._post(data["notificationUrl"], _notification(row, data, mailbox, news))

    def lifecycle(self, mailbox: Mailbox, event: str) -> int:
        """Sends a lifecycle event to all who asked for such; returns to how many. A removal also removes."""
        sent = 0
        for row in self.store.database.all("SELECT * FROM outlook_subscription WHERE mailbox = ?", (mailbox.number,)):
            data = orjson.loads(row["data"])
            if data["lifecycleNotificationUrl"]:
                body = {**_letter_head(row, data), "lifecycleEvent": event}
                self._post(data["lifecycleNotificationUrl"], body)
                sent += 1
            if event == "subscriptionRemoved":
                self.store.database.execute("DELETE FROM outlook_subscription WHERE id = ?", (row["id"],))
        return sent

    def _post(self, url: str, body: Data) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._deliver, name="sandbox-notifications", daemon=True)
                self._thread.start()
        self._letters.put(Letter(url, orjson.dumps({"value": [body]})))

    def _deliver(self) -> None:
        while (letter := self._letters.get()) is not None:
            try:
                answer = self._session.post(
                    letter.url,
                    data=letter.body,
                    headers={"Content-Type": "application/json; charset=utf-8"},
                    timeout=DELIVERY_SECONDS,
                    allow_redirects=False,
                )
                delivered = answer.status_code < 300
            except requests.RequestException:
                delivered = False
            if not delivered and letter.tries + 1 < TRIES:
                self._letters.put(Letter(letter.url, letter.body, letter.tries + 1))

    def close(self) -> None:
        if self._thread is not None:
            self._letters.put(None)
            self._thread.join(DELIVERY_SECONDS)


def _kinds(value: Any) -> str:
    kinds = [kind.strip().lower() for kind in str(value or "").split(",")]
    if not set(kinds) <= {"created", "updated", "deleted"}:
        raise bad_request("The changeType is not supported.", "InvalidRequest")
    return ",".join(kinds)


def _address(value: Any, name: str) -> str:
    """Https, as the service wants it; plain http only to this machine."""
    parts = urlsplit(str(value or ""))
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise bad_request(f"The {name} must be an https address.", "InvalidRequest")
    return str(value)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def _value(row: Row) -> Data:
    data = orjson.loads(row["data"])
    return {
        "id": row["id"],
        "resource": data["resource"],
        "applicationId": data["applicationId"],
        "changeType": data["changeType"],
        "clientState": data["clientState"],
        "notificationUrl": data["notificationUrl"],
        "notificationQueryOptions": data["notificationQueryOptions"],
        "lifecycleNotificationUrl": data["lifecycleNotificationUrl"],
        "expirationDateTime": _moment(row["expires"]),
        "creatorId": data["creatorId"],
        "includeResourceData": None,
        "latestSupportedTlsVersion": data["latestSupportedTlsVersion"] or "v1_2",
        "encryptionCertificate": None,
        "encryptionCertificateId": None,
        "notificationUrlAppId": None,
    }


def _letter_head(row: Row, data: Data) -> Data:
    return {
        "subscriptionId": row["id"],
        "subscriptionExpirationDateTime": _moment(row["expires"]),
        "tenantId": WORK_TENANT,
        "clientState": data["clientState"],
    }


def _notification(row: Row, data: Data, mailbox: Mailbox, news: Changed) -> Data:
    key = ids.contact_id(mailbox.guid, news.contact, news.folder, immutable=bool(row["immutable"]))
    resource = f"Users/{mailbox.user_id}/Contacts/{key}"
    return {
        **_letter_head(row, data),
        "changeType": news.kind,
        "resource": resource,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Contact",
            "@odata.id": resource,
            "@odata.etag": ids.etag(ids.change_key(mailbox.guid, news.seq)),
            "id": key,
        },
    }
