"""Posts webhook events from a thread of its own: up to 100 at a time, signed, again where the receiver fails."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson
import requests

from connectors.hubspot.sandbox.store import Store
from connectors.sandboxkit.database import Row
from connectors.sandboxkit.kit import Kit
from connectors.sandboxkit.web import Request

MOST_EVENTS = 100
RETRIES = 10
ANSWER_SECONDS = 5.0
GATHER_SECONDS = 0.05
_DECODED = {"%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")"}
_DECODED |= {"%2A": "*", "%2C": ",", "%3B": ";"}


@dataclass(slots=True)
class Letter:
    app: int
    account: str
    events: list[dict[str, Any]] = field(default_factory=list)
    attempt: int = 0
    due: float = 0.0


class Sender:
    """`first_wait`: seconds before the first retry; each next one doubles it. The service spreads ten over 24 hours."""

    def __init__(self, kit: Kit, store: Store) -> None:
        self.kit = kit
        self.store = store
        self.first_wait = 0.5
        self._letters: list[Letter] = []
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._ids = itertools.count(1)
        self._session = requests.Session()
        self._session.trust_env = False

    def put(self, app: int, account: str, event: dict[str, Any]) -> None:
        """Events of one account that come at about the same time travel together."""
        with self._wake:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)
                self._thread.start()
            known = {**event, "eventId": next(self._ids)}
            for letter in self._letters:
                fresh = letter.attempt == 0 and len(letter.events) < MOST_EVENTS
                if fresh and (letter.app, letter.account) == (app, account):
                    letter.events.append(known)
                    return
            self._letters.append(Letter(app, account, [known], 0, time.monotonic() + GATHER_SECONDS))
            self._wake.notify()

    def forget(self) -> None:
        with self._wake:
            self._letters.clear()

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(ANSWER_SECONDS)

    # ---- the thread

    def _run(self) -> None:
        while (letter := self._next()) is not None:
            delivered = self._delivered(letter)
            if not delivered and letter.attempt < RETRIES:
                letter.attempt += 1
                jitter = random.uniform(0.8, 1.2)  # noqa: S311 - not a secret
                letter.due = time.monotonic() + self.first_wait * 2 ** (letter.attempt - 1) * jitter
                with self._wake:
                    self._letters.append(letter)

    def _next(self) -> Letter | None:
        with self._wake:
            while not self._closed:
                now = time.monotonic()
                ready = min(self._letters, key=lambda letter: letter.due, default=None)
                if ready is not None and ready.due <= now:
                    self._letters.remove(ready)
                    return ready
                self._wake.wait(ready.due - now if ready else None)
        return None

    def _delivered(self, letter: Letter) -> bool:
        """Whether the receiver took it, or nobody wants it any more."""
        app = self.store.database.one("SELECT * FROM hubspot_app WHERE id = ?", (letter.app,))
        if app is None or not app["target"]:
            return True
        # A request to ourselves, so that the faults know what they may strike.
        asked = Request("POST", "/delivery", {}, {}, prefix="/hubspot", account=letter.account)
        events = [{**event, "attemptNumber": letter.attempt} for event in letter.events]
        if self.kit.faults.hit(asked, "reorder"):
            events.reverse()
        if self.kit.faults.hit(asked, "duplicate"):
            events = [*events, *events][:MOST_EVENTS]
        late = self.kit.faults.hit(asked, "delay")
        if late is not None:
            time.sleep(float(late.options.get("seconds", 0)))
        if self.kit.faults.hit(asked, "drop"):
            return True  # events can be lost for good
        return self._post(app, events, asked)

    def _post(self, app: Row, events: Sequence[dict[str, Any]], asked: Request) -> bool:
        body = orjson.dumps(list(events))
        forged = self.kit.faults.hit(asked, "signature")
        at = int(self.kit.clock.now() * 1000) - (3_600_000 if forged and forged.options.get("old") else 0)
        secret = app["secret"] if forged is None or forged.options.get("old") else f"not {app['secret']}"
        try:
            answer = self._session.post(
                app["target"],
                data=body,
                headers={"Content-Type": "application/json", **signed(secret, "POST", app["target"], body, at)},
                timeout=ANSWER_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException:
            return False
        return 200 <= answer.status_code < 300


def signed(secret: str, method: str, address: str, body: bytes, at: int) -> dict[str, str]:
    """The headers of a signed request; `at`: milliseconds (Validating requests)."""
    text = f"{method}{decoded(address)}".encode() + body + str(at).encode()
    third = base64.b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()
    return {
        "X-HubSpot-Signature": hashlib.sha256(secret.encode() + body).hexdigest(),
        "X-HubSpot-Signature-Version": "v1",
        "X-HubSpot-Signature-v3": third,
        "X-HubSpot-Request-Timestamp": str(at),
    }


def decoded(address: str) -> str:
    """An address with those signs decoded that a signature wants decoded, and no others."""
    replace: Callable[[re.Match[str]], str] = lambda found: _DECODED.get(found[0].upper(), found[0])  # noqa: E731
    return re.sub(r"%[0-9A-Fa-f]{2}", replace, quote(address, safe="%/:?#[]@!$&'()*+,;=~-._"))
