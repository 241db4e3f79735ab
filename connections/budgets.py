"""How fast an account is asked, all workers taken together.

Two things in one row per account and kind of request: until when the app told us to wait, and up to which moment the
app's rate is already spent. Workers take a few requests at a time out of it, so that not every request costs a query.
"""

from __future__ import annotations

from django.db import transaction

from connections.models import Budget
from connectors.base import Clock, Throttled

ANY = "any"  # apps count requests of all kinds together
LOOK = 1.0  # seconds after which another worker's "wait" is noticed at the latest
PATIENCE = 2.0  # seconds that are slept here; longer waits are handed to the caller
SHARE = 0.75  # of the app's rate that is used steadily ...
BURST = 0.25  # ... and that may be used at once after a pause; together never more than the whole


class DatabaseLimits:
    """`rate`: (requests, seconds) the app grants to one account, or None."""

    def __init__(self, account_id: int, clock: Clock, rate: tuple[int, float] | None = None) -> None:
        self._account_id = account_id
        self._clock = clock
        self._rate = rate
        self._looked: dict[str, float] = {}
        self._closed: dict[str, float] = {}
        self._in_hand = 0

    def before(self, kind: str) -> None:
        now = self._clock.now()
        if now - self._looked.get(kind, float("-inf")) >= LOOK:
            self._looked[kind] = now
            found = Budget.objects.filter(account_id=self._account_id, kind=kind).values_list("closed_until", flat=True)
            self._closed[kind] = max(found, default=0.0)
        if (wait := self._closed.get(kind, 0.0) - now) > 0:
            raise Throttled(f"The app asked this account to wait for another {wait:.0f} seconds.", wait)
        if self._rate is not None:
            self._spend(self._rate)

    def throttled(self, kind: str, seconds: float) -> None:
        until = self._clock.now() + seconds
        Budget.objects.get_or_create(account_id=self._account_id, kind=kind)
        Budget.objects.filter(account_id=self._account_id, kind=kind, closed_until__lt=until).update(closed_until=until)
        self._closed[kind] = max(self._closed.get(kind, 0.0), until)

    def _spend(self, rate: tuple[int, float]) -> None:
        if self._in_hand == 0:
            size = max(1, min(10, rate[0] // 20))
            while (wait := self._take(rate, size)) > 0:
                if wait > PATIENCE:
                    raise Throttled(f"The app's rate for this account is used up for {wait:.0f} seconds.", wait)
                self._clock.sleep(wait)
            self._in_hand = size
        self._in_hand -= 1

    def _take(self, rate: tuple[int, float], size: int) -> float:
        """Takes `size` requests out of the common budget and gives 0, or takes none and gives the seconds to wait."""
        each = rate[1] / (rate[0] * SHARE)
        saved = max(BURST * rate[0], size) * each
        now = self._clock.now()
        Budget.objects.get_or_create(account_id=self._account_id, kind=ANY)
        with transaction.atomic():
            row = Budget.objects.select_for_update().get(account_id=self._account_id, kind=ANY)
            spent = max(row.spent_until, now - saved) + size * each
            if spent > now + 1e-6:
                return spent - now
            Budget.objects.filter(pk=row.pk).update(spent_until=spent)
        return 0.0
