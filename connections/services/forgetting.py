"""Forgetting a person: erased in the apps and here, for good. What stays is a keyed hash, so that we never create them
again. The key is the tenant's own and is itself encrypted, so it survives a change of FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

import logging
import secrets
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from connections import host
from connections.engine.forgotten import KEY, digest, of_tenant
from connections.engine.leases import Fence, Lease, claim, worker_name
from connections.models import (
    Change,
    ChangeKind,
    Connection,
    Decision,
    Deed,
    Folder,
    Forgetting,
    ForgottenKey,
    Handling,
    Item,
    ItemKey,
    Pair,
    Run,
    Seen,
    Tenant,
    User,
    stopped,
)
from connections.models.changes import OPEN
from connections.services import audit
from connectors.base import Connector, ConnectorError, Outcome, Record, Write, WriteKind, chunked
from syncrules.keys import is_role_address

log = logging.getLogger(__name__)

WARNING = (
    "This cannot be undone. The contact is deleted in every app below, and everything Pairwise knows about it is "
    "erased, with its history. Only a keyed hash stays, so that it is never created again."
)
TRIES = 3
SOMEBODY = "(forgotten)"
# models whose rows are called like contacts, and where their tenant stands
NAMING = {Change: "tenant", Decision: "connection__tenant", Item: "folder__account__tenant", Pair: "connection__tenant"}
SHORTEST = 3  # characters of a name that is looked for in other texts


class NotYet(Exception):
    """It could not be finished now; the text says why. It is tried again."""


# ---- who it is


@dataclass(frozen=True, slots=True)
class Person:
    """Records that belong together because they were kept the same, or share an email and a name."""

    items: Sequence[Item]

    @property
    def name(self) -> str:
        return next((item.title for item in self.items if item.title), "a contact without a name")

    @property
    def ids(self) -> list[int]:
        return [item.pk for item in self.items]


def people(tenant: Tenant, text: str) -> list[Person]:
    """Found by email, by an app's own id, or by the whole name."""
    here = Item.objects.filter(folder__tenant=tenant)
    found = set(here.filter(remote_id=text.strip()).values_list("id", flat=True))
    if "@" in text:
        keys = ItemKey.objects.filter(folder__tenant=tenant, value=f"e:{text.strip().casefold()}")
        found |= set(keys.values_list("item_id", flat=True))
    if not found:
        found = set(here.filter(title__iexact=text.strip()).values_list("id", flat=True))
    everybody = []
    while found:
        one = person(tenant, {min(found)})
        everybody.append(one)
        found -= set(one.ids)
    return everybody


def person(tenant: Tenant, ids: Collection[int]) -> Person:
    """Everything of the tenant that belongs to these records."""
    known: set[int] = set()
    fresh = set(Item.objects.filter(folder__tenant=tenant, id__in=ids).values_list("id", flat=True))
    while fresh:
        known |= fresh
        fresh = (_paired(fresh) | _alike(tenant, fresh)) - known
    items = Item.objects.filter(id__in=known, folder__tenant=tenant).select_related("folder__account")
    return Person(list(items.order_by("folder__account__name", "folder__path", "id")))


def _paired(ids: set[int]) -> set[int]:
    rows = Pair.objects.filter(Q(item_a_id__in=ids) | Q(item_b_id__in=ids)).values_list("item_a_id", "item_b_id")
    return {pk for row in rows for pk in row if pk}


def _alike(tenant: Tenant, ids: set[int]) -> set[int]:
    found: set[int] = set()
    for pk, name in Item.objects.filter(id__in=ids).exclude(name_key="").values_list("id", "name_key"):
        emails = ItemKey.objects.filter(item_id=pk, value__startswith="e:").values_list("value", flat=True)
        own = [value for value in emails if not is_role_address(value[2:])]
        same = ItemKey.objects.filter(folder__tenant=tenant, value__in=own, item__name_key=name)
        found |= set(same.values_list("item_id", flat=True))
    return found


# ---- remembering whom not to know


@transaction.atomic
def ask(tenant: Tenant, one: Person, by: User | None = None) -> Forgetting:
    """From now on the person is not created any more; `carry_out` erases what is there."""
    row = Tenant.objects.select_for_update().get(pk=tenant.pk)
    if not row.forget_key:
        row.forget_key = {KEY: secrets.token_hex(32)}
        row.save(update_fields=["forget_key"])
    key = bytes.fromhex(row.forget_key[KEY])
    forgetting = Forgetting.objects.create(tenant=row, asked_by=by, items=one.ids)
    digests = {digest(key, text) for text in _telling(row, one)}
    rows = [ForgottenKey(tenant=row, forgetting=forgetting, digest=text) for text in sorted(digests)]
    ForgottenKey.objects.bulk_create(rows, ignore_conflicts=True)
    audit.note(Deed.FORGOTTEN, row, detail=f"request {forgetting.pk}", by=by)
    return forgetting


def _telling(tenant: Tenant, one: Person) -> set[str]:
    """Keys that tell this person from all others of the tenant: a switchboard's address would forget the whole firm."""
    keys = set(ItemKey.objects.filter(item_id__in=one.ids).values_list("value", flat=True))
    others = ItemKey.objects.filter(folder__tenant=tenant, value__in=keys, item__departed="")
    shared = set(others.exclude(item_id__in=one.ids).values_list("value", flat=True))
    own = {key for key in keys - shared if not (key.startswith("e:") and is_role_address(key[2:]))}
    strong = {key for key in own if not key.startswith("c:")}
    return strong if any(not key.startswith("u:") for key in strong) else own


def is_forgotten(tenant: Tenant, email: str) -> bool:
    forgotten = of_tenant(tenant)
    return forgotten is not None and forgotten.knows([f"e:{email.strip().casefold()}"])


# ---- erasing


def carry_out(forgetting: Forgetting) -> str:
    """Erases the person in the apps and then here; may be repeated until it is done. Returns what was done, in words
    that name nobody. Raises NotYet."""
    if forgetting.done_at is not None:
        return forgetting.message
    items = list(
        Item.objects.filter(id__in=forgetting.items, folder__tenant=forgetting.tenant_id).order_by("folder_id", "id")
    )
    try:
        told = _erase(forgetting, items)
    except (NotYet, ConnectorError) as reason:
        Forgetting.objects.filter(pk=forgetting.pk).update(message=f"Not finished: {reason}")
        raise NotYet(str(reason)) from reason
    log.info("tenant %s: a person was forgotten, %s records", forgetting.tenant_id, len(items))
    return told


def _erase(forgetting: Forgetting, items: Sequence[Item]) -> str:
    ids = [item.pk for item in items]
    pairs = list(Pair.objects.filter(Q(item_a_id__in=ids) | Q(item_b_id__in=ids)).values_list("id", flat=True))
    unsettled = Change.objects.filter(state__in=OPEN).filter(
        Q(pair_id__in=pairs) | Q(source_item_id__in=ids) | Q(target_item_id__in=ids)
    )
    used = {item.folder_id for item in items} | set(unsettled.values_list("target_folder_id", flat=True))
    folders = list(Folder.objects.filter(id__in=used).select_related("account").order_by("id"))
    told = []
    with _alone(folders) as leases:
        for folder in folders:
            there = [item.remote_id for item in items if item.folder_id == folder.pk]
            open_creates = unsettled.filter(target_folder=folder, kind=ChangeKind.CREATE)
            told.append(_erase_there(folder, there, list(open_creates), leases))
        text = "; ".join(filter(None, told)) or "nothing was there"
        with transaction.atomic():
            for lease in leases:
                lease.renew()
            list(Folder.objects.select_for_update().filter(id__in=used).order_by("id"))
            _erase_here(forgetting, items, pairs)
            Forgetting.objects.filter(pk=forgetting.pk).update(done_at=timezone.now(), items=[], message=text)
    return text


@contextmanager
def _alone(folders: Sequence[Folder]) -> Iterator[list[Lease]]:
    """No run of any connection is under way on these folders, and none begins."""
    owner, clock = worker_name(), host.SystemClock()
    users = Connection.every.filter(Q(folder_a__in=folders) | Q(folder_b__in=folders)).order_by("id")
    keys = [f"connection:{pk}" for pk in users.values_list("id", flat=True)]
    with ExitStack() as stack:
        leases = []
        for key in [*keys, *(f"folder:{folder.pk}" for folder in folders)]:
            lease = claim(key, owner, clock)
            if lease is None:
                raise NotYet("A run is under way on the same contacts.")
            stack.callback(lease.release)
            leases.append(lease)
        if (held := users.filter(stopped()).first()) is not None:
            raise NotYet(f"Operations have stopped {held}.")
        yield leases


def _erase_there(folder: Folder, remote_ids: Sequence[str], creates: Sequence[Change], leases: Sequence[Lease]) -> str:
    fence = Fence()
    connector = host.connect(folder.account, fence=fence)
    wanted = set(remote_ids) | _late(connector, folder, creates)
    if not connector.capabilities.two_way or not connector.capabilities.can_delete or folder.read_only:
        return f"{folder.account} does not let Pairwise delete: look for {len(wanted)} records there by hand"
    fields: list[str] = orjson.loads(folder.fields)
    count, refusal = 0, ""
    for batch in chunked(sorted(wanted), min(connector.capabilities.read_batch, connector.capabilities.write_batch)):
        for _ in range(TRIES):
            for lease in leases:
                lease.renew()
            fence.lease = leases[0]
            answers = connector.read(folder.remote_id, batch, fields)
            records = [answer for answer in answers.values() if isinstance(answer, Record)]
            if not records:
                break
            results = connector.write(folder.remote_id, [_deletion(record) for record in records], fields)
            count += sum(result.outcome is Outcome.DONE for result in results)
            refusal = next((result.reason for result in results if result.outcome is Outcome.REFUSED), "")
            if all(result.outcome in (Outcome.DONE, Outcome.GONE) for result in results):
                break
        else:
            raise NotYet(f"{folder.account} did not delete every record. {refusal}".strip())
    return f"{count} deleted in {folder.account}" if count else ""


def _late(connector: Connector, folder: Folder, creates: Sequence[Change]) -> set[str]:
    """Records that we may have made without an answer: they must show before they can be erased."""
    now = host.SystemClock().now()
    if any(now < change.sent_at + connector.capabilities.settle_after for change in creates):
        raise NotYet(f"{folder.account} has not answered yet whether it made a copy.")
    markers = [change.marker for change in creates]
    found = connector.find(folder.remote_id, markers, orjson.loads(folder.fields)) if markers else {}
    return {record.id for record in found.values()}


def _deletion(record: Record) -> Write:
    return Write(
        kind=WriteKind.DELETE,
        marker=str(uuid.uuid4()),
        id=record.id,
        version=record.version,
        values={},
        current=record.values,
        body=record.body,
    )


def _erase_here(forgetting: Forgetting, items: Sequence[Item], pairs: Sequence[int]) -> None:
    tenant = forgetting.tenant_id
    ids = [item.pk for item in items]
    changes = Change.objects.filter(tenant_id=tenant)
    mine = changes.filter(Q(pair_id__in=pairs) | Q(source_item_id__in=ids) | Q(target_item_id__in=ids))
    names = {item.title for item in items} | set(Pair.objects.filter(id__in=pairs).values_list("title", flat=True))
    names |= set(mine.values_list("title", flat=True))
    keys = ItemKey.objects.filter(item_id__in=ids, value__startswith="e:").values_list("value", flat=True)
    for email in {key[2:] for key in keys}:
        orphans = changes.filter(pair=None, source_item=None, target_item=None)
        told = ("patch", "before", "after", "source", "keys", "cause")
        orphans.filter(_any_contains(told, email)).delete()
    mine.delete()
    Pair.objects.filter(id__in=pairs).delete()
    for item in items:
        Seen.objects.filter(folder_id=item.folder_id, remote_id=item.remote_id).delete()
    Item.objects.filter(id__in=ids).delete()
    _erase_names(tenant, {name for name in names if len(name) >= SHORTEST})


def _any_contains(fields: Iterable[str], text: str) -> Q:
    found = Q()
    for field in fields:
        found |= Q(**{f"{field}__icontains": text})
    return found


def _erase_names(tenant_id: int, names: Collection[str]) -> None:
    """Where other rows speak of the person: reasons, and what runs told."""
    for name in names:
        Pair.objects.filter(connection__tenant=tenant_id, reason__contains=name).update(
            reason="", pending=True, next_at=0
        )
        Change.objects.filter(tenant_id=tenant_id, reason__contains=name).update(reason="")
        for run in Run.objects.filter(tenant_id=tenant_id, message__contains=name):
            Run.objects.filter(pk=run.pk).update(message=run.message.replace(name, SOMEBODY))
        for handling in Handling.objects.filter(tenant=tenant_id, note__contains=name):
            Handling.objects.filter(pk=handling.pk).update(note=handling.note.replace(name, SOMEBODY))
        _erase_from_log(tenant_id, name)
    for run in Run.objects.filter(tenant_id=tenant_id).exclude(losses=[]):
        losses: list[dict[str, Any]] = [
            {**loss, "samples": [name for name in loss.get("samples", ()) if name not in names]} for loss in run.losses
        ]
        if losses != run.losses:
            Run.objects.filter(pk=run.pk).update(losses=losses)


def _erase_from_log(tenant_id: int, name: str) -> None:
    """What staff did to contacts of other tenants stays in their log; what is there no more is nobody's to tell."""
    for model, tenant in NAMING.items():
        content = ContentType.objects.get_for_model(model)
        entries = LogEntry.objects.filter(content_type=content, object_repr__contains=name)
        ids = [int(text) for text in map(str, entries.values_list("object_id", flat=True)) if text.isdecimal()]
        theirs = model._default_manager.filter(pk__in=ids).exclude(**{tenant: tenant_id}).values_list("pk", flat=True)
        mine = [str(pk) for pk in set(ids) - set(theirs)]
        entries.filter(object_id__in=mine).update(object_repr=SOMEBODY, change_message="")


def unfinished() -> Iterator[Forgetting]:
    yield from Forgetting.objects.filter(done_at=None).order_by("id")
