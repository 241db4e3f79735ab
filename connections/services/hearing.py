"""News that came from a vendor: whom it concerns is made due at once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from connections import registrations, scheduling
from connections.encryption import Undecryptable
from connections.models import AppRegistration, Connection, Folder, Subscription, ToldRecord
from connections.models.registrations import SECRET
from connections.services.subscribing import fingerprint
from connectors.base import App
from connectors.news import Event, News, Reply

log = logging.getLogger(__name__)

MOST_TOLD = 2_000  # records of a folder; of more than that the change feed tells in fewer requests


def subscription_at(app: str, address: str) -> Subscription | None:
    """The one that an address was made for."""
    rows = Subscription.objects.filter(address_hash=fingerprint(address), folder__account__app=app)
    return rows.select_related("folder").first()


class KeysOf:
    """What proves a delivery to the address of a subscription, or to the one address of an app."""

    def __init__(self, app: App, subscription: Subscription | None = None) -> None:
        self._app = app
        self._subscription = subscription

    def is_state(self, state: str) -> bool:
        row = self._subscription
        return row is not None and constant_time_compare(row.state_hash, fingerprint(state))

    @cached_property
    def _secrets(self) -> Mapping[str, str]:
        found = [registrations.of_environment(self._app)]
        for row in AppRegistration.objects.filter(app=self._app.key):
            try:
                found.append(registrations.of_row(row))
            except Undecryptable:
                log.error("registration %s: its secret cannot be decrypted, so its news is not believed", row.pk)
        return {one.client_id: one.settings[SECRET] for one in found if one and one.settings.get(SECRET)}

    def secrets(self) -> Mapping[str, str]:
        return self._secrets


def hear(app: App, reply: Reply, subscription: Subscription | None = None) -> int:
    """Notes what is to be read and calls a worker for each connection concerned. Returns how many connections."""
    if not reply.news:
        return 0
    with transaction.atomic():
        if subscription is not None:
            folders = [subscription.folder]
            _heal(subscription, {one.event for one in reply.news})
        else:
            folders = _folders_of(app, reply)
        concerned = list(
            Connection.objects.filter(Q(folder_a__in=folders) | Q(folder_b__in=folders), enabled=True, paused_reason="")
        )
        used = {pk for one in concerned for pk in (one.folder_a_id, one.folder_b_id)}
        _note([folder for folder in folders if folder.pk in used], reply.news)
        for connection in concerned:
            scheduling.wake(connection.pk)
    return len(concerned)


def _folders_of(app: App, reply: Reply) -> list[Folder]:
    accounts = {one.account for one in reply.news if one.account}
    rows = Folder.objects.filter(account__app=app.key, account__remote_id__in=accounts).select_related("account")
    found = list(rows.filter(account__client_id__in=("", reply.client_id)))
    if not found:
        log.info("%s told news of an account that is not connected here", app.name)
    return found


def _note(folders: Iterable[Folder], news: Sequence[News]) -> None:
    for folder in folders:
        named = {one.record for one in news if one.record and one.account == folder.account.remote_id}
        if not named:
            continue
        told = ToldRecord.objects.filter(folder=folder)
        if told.count() + len(named) > MOST_TOLD:
            told.delete()
            continue
        ToldRecord.objects.filter(folder=folder, remote_id__in=named).delete()  # told anew while it is being read
        ToldRecord.objects.bulk_create([ToldRecord(folder=folder, remote_id=one) for one in sorted(named)])


def _heal(subscription: Subscription, events: set[Event]) -> None:
    now = timezone.now()
    rows = Subscription.objects.filter(pk=subscription.pk)
    rows.update(heard_at=now)
    if Event.ENDED in events:
        rows.update(remote_id="", expires_at=None, next_at=now)
    elif Event.EXPIRES in events:
        rows.update(next_at=now)
    if events & {Event.ENDED, Event.EXPIRES}:
        transaction.on_commit(scheduling.call_subscriptions)
