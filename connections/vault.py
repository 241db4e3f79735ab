"""An account's credentials for connectors: read from the database, renewed once however many workers ask."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from django.db import OperationalError, models

from connections.encryption import Undecryptable
from connections.engine.leases import claim, worker_name
from connections.models import Account, AccountState
from connectors.base import AuthLost, Clock, Secrets, Unavailable

log = logging.getLogger(__name__)

RENEWAL = 120.0  # seconds a renewal may take before another worker tries; longer than any request's time-out
POLL = 0.2
STORE_ATTEMPTS = 8  # a rotated token exists nowhere else, so it is not given up because the database is busy


class DatabaseVault:
    """Credentials of one account. Kept in memory until an app refuses them: whoever finds them refused comes to
    `renew`, which sees first whether somebody else has newer ones."""

    def __init__(self, account_id: int, clock: Clock) -> None:
        self._account_id = account_id
        self._clock = clock
        self._secrets: Secrets | None = None

    def current(self) -> Secrets:
        if self._secrets is None:
            self._secrets = self._load()
        return self._secrets

    def renew(self, refresh: Callable[[Mapping[str, str]], Mapping[str, str]], failed: int) -> Secrets:
        """See `connectors.base.Vault`. No transaction is open while `refresh` talks to the app."""
        until = self._clock.now() + RENEWAL
        while True:
            self._secrets = self._load()
            if self._secrets.version != failed:
                return self._secrets
            lease = claim(f"renewal:{self._account_id}", worker_name(), self._clock, RENEWAL)
            if lease is not None:
                break
            if self._clock.now() > until:
                raise Unavailable("Another worker renews the authorisation of this account. It will be tried again.")
            self._clock.sleep(POLL)
        try:
            self._secrets = self._load()  # who held the lease before us may have just finished
            if self._secrets.version == failed:
                self._secrets = self._renewed(refresh, self._secrets)
            return self._secrets
        finally:
            lease.release()

    def _load(self) -> Secrets:
        row = Account.objects.only("name", "secrets", "token_version").get(pk=self._account_id)
        try:
            return Secrets(dict(row.secrets), row.token_version)
        except Undecryptable as error:
            raise AuthLost(f"Account {row.name}: {error}") from None

    def _renewed(self, refresh: Callable[[Mapping[str, str]], Mapping[str, str]], old: Secrets) -> Secrets:
        try:
            changed = refresh(old.values)
        except AuthLost as error:
            refused = self._row(old.version).update(state=AccountState.NEEDS_AUTHORISATION, reason=str(error)[:500])
            if not refused:
                return self._load()  # what was refused was already replaced by somebody else
            raise
        values = {**old.values, **changed}
        if self._store(values, old.version):
            return Secrets(values, old.version + 1)
        return self._load()  # a person authorised the account anew meanwhile; theirs counts

    def _row(self, version: int) -> models.QuerySet[Account]:
        return Account.objects.filter(pk=self._account_id, token_version=version)

    def _store(self, values: Mapping[str, str], version: int) -> bool:
        for attempt in range(STORE_ATTEMPTS):
            try:
                stored = self._row(version).update(secrets=values, token_version=version + 1)
                lost = self._row(version + 1).filter(state=AccountState.NEEDS_AUTHORISATION)
                lost.update(state=AccountState.ACTIVE, reason="")
                return bool(stored)
            except OperationalError:
                if attempt == STORE_ATTEMPTS - 1:
                    raise
                log.warning("The database did not take renewed credentials of account %s; again.", self._account_id)
                self._clock.sleep(POLL * 2**attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")
