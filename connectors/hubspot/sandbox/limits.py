"""How many requests an account takes (API usage guidelines): bursts, searches, and the day of a static token."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.hubspot.sandbox.errors import HubSpotError, too_many
from connectors.hubspot.sandbox.store import Account, Store

INTERVAL = 10.0


class Limits:
    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._seen: dict[tuple[int, str], deque[float]] = {}

    def reset(self) -> None:
        with self._lock:
            self._seen.clear()

    def count(
        self, account: Account, client: str, *, static: bool, search: bool
    ) -> tuple[dict[str, str], HubSpotError | None]:
        """The headers that tell about the limits, and the refusal where one is reached."""
        headers: dict[str, str] = {}
        daily = int(account.on("daily_limit")) if static else 0
        if daily:
            used = self._used_today(account)
            headers["X-HubSpot-RateLimit-Daily"] = str(daily)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(daily - used, 0))
            if used > daily:
                return headers, too_many("DAILY")
        if search:
            most = int(account.on("search_per_second"))
            full = bool(most) and self._left(account.portal, "search", most, 1.0) < 0
            return headers, too_many("SECONDLY") if full else None
        most = int(account.on("burst_limit"))
        if not most:
            return headers, None
        left = self._left(account.portal, f"app {client}", most, INTERVAL)
        headers["X-HubSpot-RateLimit-Max"] = str(most)
        headers["X-HubSpot-RateLimit-Remaining"] = str(max(left, 0))
        headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(int(INTERVAL * 1000))
        headers["X-HubSpot-RateLimit-Secondly"] = str(most // 10)
        headers["X-HubSpot-RateLimit-Secondly-Remaining"] = str(max(min(left, most // 10), 0))
        return headers, too_many("TEN_SECONDLY_ROLLING") if left < 0 else None

    def _left(self, portal: int, kind: str, most: int, seconds: float) -> int:
        """How many more are allowed after this one; negative: this one was too many, and does not count."""
        now = self.store.clock.now()
        with self._lock:
            seen = self._seen.setdefault((portal, kind), deque())
            while seen and (seen[0] <= now - seconds or seen[0] > now):
                seen.popleft()
            if len(seen) >= most:
                return -1
            seen.append(now)
            return most - len(seen)

    def _used_today(self, account: Account) -> int:
        """Counts the request; a day begins at midnight where the account is."""
        day = datetime.fromtimestamp(self.store.clock.now(), ZoneInfo(account.on("time_zone"))).date().isoformat()
        database = self.store.database
        key = (account.portal,)
        if database.value("SELECT day FROM hubspot_account WHERE portal = ?", key) != day:
            database.execute("UPDATE hubspot_account SET day = ?, used = 0 WHERE portal = ?", (day, *key))
        database.execute("UPDATE hubspot_account SET used = used + 1 WHERE portal = ?", key)
        return int(database.value("SELECT used FROM hubspot_account WHERE portal = ?", key))
