"""Sends planned writes in batches. A batch is committed as `sent` before it leaves."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
from django.db import transaction
from django.db.models import Q, QuerySet

from connections.engine import store
from connections.engine.answers import Answers, source_of
from connections.engine.items import dumps
from connections.engine.labels import Labels
from connections.engine.leases import Lease
from connections.engine.match import key_texts
from connections.engine.planned import Planned
from connections.engine.setup import Part, Plant
from connections.engine.work import Job, save_pairs
from connections.models import Change, ChangeState, Connection, Item
from connections.models.changes import OPEN
from connectors.base import (
    Clock,
    ConnectorError,
    FenceLost,
    Outcome,
    Unavailable,
    Write,
    WriteKind,
    WriteResult,
)

SOON = 5.0

CHANGE_COLUMNS = (
    "tenant", "connection", "run", "pair", "kind", "sort", "side", "target_folder", "source_item", "target_item",
    "title", "marker", "state", "patch", "add_labels", "remove_labels", "before", "after", "source", "cause", "keys",
    "fingerprint", "fence", "made_at", "sent_at", "done_at", "field", "reason", "for_good", "undo_of", "decided_by",
)  # fmt: skip


@dataclass
class Sender:
    """Sends what is written into one side of a connection."""

    plant: Plant
    part: Part
    lease: Lease
    clock: Clock
    run_id: int | None
    labels: Labels
    counters: Counter[str]
    jobs: list[Job] = field(default_factory=list)
    creates: list[Job] = field(default_factory=list)  # that wait to be so many that they go together
    deletes: list[Job] = field(default_factory=list)
    to_read: set[str] = field(default_factory=set)
    under_way: set[str] = field(default_factory=set)  # what the app is still at, for people
    again: bool = False
    shared: bool | None = None  # whether other connections use the folder too; asked when first needed

    def add(self, job: Job) -> None:
        if job.planned.kind == "delete":
            self.deletes.append(job)
            return
        bulk = self.part.connector.capabilities.bulk_creates
        if bulk and job.planned.kind == "create":
            self.creates.append(job)
            if len(self.creates) == bulk[1]:
                self._send_creates()
            return
        self.jobs.append(job)
        size = self.part.connector.capabilities.write_batch
        if len(self.jobs) >= size:
            self.jobs, batch = self.jobs[size:], self.jobs[:size]
            self.send(batch)

    def flush(self, deletes: bool = False) -> None:
        self._send_creates()
        size = self.part.connector.capabilities.write_batch
        while self.jobs:
            self.jobs, batch = self.jobs[size:], self.jobs[:size]
            self.send(batch)
        while deletes and self.deletes:
            self.deletes, batch = self.deletes[size:], self.deletes[:size]
            self.send(batch)

    def _send_creates(self) -> None:
        """Those that are not many enough go with the other writes."""
        bulk = self.part.connector.capabilities.bulk_creates
        batch, self.creates = self.creates, []
        if bulk and len(batch) > bulk[0]:
            self.send(batch)
        else:
            self.jobs += batch

    def send(self, jobs: list[Job]) -> None:
        """Raises ConnectorError when the app as a whole fails; what is then unknown is recorded as that."""
        for job in jobs:
            job.add_labels = self.labels.ids(self.plant, self.part, job.planned.add_labels)
            job.remove_labels = self.labels.ids(self.plant, self.part, job.planned.remove_labels)
        jobs = self._commit_sent(jobs)
        if not jobs:
            return
        part = self.part
        writes = [self._write(job) for job in jobs]
        asked_at = self.clock.now()
        failure: ConnectorError | None = None
        try:
            self.lease.check()
            results: Sequence[WriteResult] = part.connector.write(part.folder.remote_id, writes, part.fields)
        except FenceLost:
            raise
        except ConnectorError as error:
            failure = error
            lost = isinstance(error, Unavailable)
            outcome = Outcome.UNKNOWN if lost else Outcome.LATER
            results = [WriteResult(outcome, reason=str(error))] * len(jobs)
        with transaction.atomic():
            self.lease.renew()
            answers = Answers(self.plant, part, jobs, results, asked_at, self.clock.now(), self.counters)
            answers.take()
        self.to_read |= answers.to_read
        if failure is None:
            self.under_way |= {one.reason for one in results if one.outcome is Outcome.UNKNOWN and one.reason}
        self.again = self.again or answers.again
        if failure is not None:
            raise failure

    # ---- before the batch leaves

    def _commit_sent(self, jobs: list[Job]) -> list[Job]:
        """The write-ahead log: nothing leaves without a durable row that carries its marker."""
        with transaction.atomic():
            self.lease.renew()
            jobs = self._without_clashes(jobs)
            now = self.clock.now()
            for job in jobs:
                job.marker = job.marker or str(uuid.uuid4())
            fresh = [self.change_row(job, ChangeState.SENT, now) for job in jobs if job.change_id is None]
            store.insert(Change, CHANGE_COLUMNS, fresh)
            lines = [
                ("sent", self.run_id, job.marker, now, self.lease.fence, source_of(job), *_label_texts(job), pk)
                for job in jobs
                if (pk := job.change_id) is not None
            ]
            names = ("state", "run", "marker", "sent_at", "fence", "source", "add_labels", "remove_labels")
            store.update(Change, names, lines)
        return jobs

    def _without_clashes(self, jobs: list[Job]) -> list[Job]:
        """Another connection may be creating the same person in this folder, or writing the same record, right now:
        then this one waits for it."""
        creates = [job for job in jobs if job.planned.kind == "create"]
        if not creates and not self._is_shared():
            return jobs
        folder = self.part.folder
        seq = type(folder).objects.select_for_update().values_list("seq", flat=True).get(pk=folder.pk)
        clashing = {id(job): "the same person is just being created" for job in self._created_elsewhere(creates, seq)}
        clashing |= {id(job): "a write to it has no answer yet" for job in self._written_elsewhere(jobs)}
        waiting = [job.work for job in jobs if id(job) in clashing]
        for job in jobs:
            if id(job) in clashing:
                reason = f"{clashing[id(job)]} by another connection"
                job.work.row.update(pending=True, next_at=self.clock.now() + SOON, health="waiting", reason=reason)
                job.work.failed = True
        if waiting:
            save_pairs(waiting)
            self.again = True
        return [job for job in jobs if id(job) not in clashing]

    def _is_shared(self) -> bool:
        if self.shared is None:
            folder = self.part.folder
            users = Connection.objects.filter(Q(folder_a=folder) | Q(folder_b=folder))
            self.shared = users.exclude(pk=self.plant.connection.pk).exists()
        return self.shared

    def _elsewhere(self) -> QuerySet[Change]:
        """Writes of other connections into this folder that have no answer yet."""
        return Change.objects.filter(target_folder=self.part.folder, state__in=OPEN).exclude(
            connection=self.plant.connection
        )

    def _created_elsewhere(self, creates: list[Job], seq: int) -> list[Job]:
        if not creates:
            return []
        folder = self.part.folder
        others = self._elsewhere().filter(kind="create").values_list("keys", flat=True)
        taken = {key for keys in others for key in orjson.loads(keys)}
        mine = {id(job): set(self._keys(job)) for job in creates}
        every = set().union(*mine.values())
        if folder.seq != seq and every:
            since = Item.objects.filter(folder=folder, seq__gt=folder.seq, departed="", keys__value__among=every)
            since = since.exclude(**{f"pairs_{self.part.side}__connection": self.plant.connection})
            taken |= set(since.values_list("keys__value", flat=True))
        return [job for job in creates if mine[id(job)] & taken]

    def _written_elsewhere(self, jobs: list[Job]) -> list[Job]:
        if not self._is_shared():
            return []
        targets = {id(job): item.id for job in jobs if (item := job.work.items[self.part.side]) is not None}
        busy = set(
            self._elsewhere().filter(target_item__among=targets.values()).values_list("target_item_id", flat=True)
        )
        return [job for job in jobs if targets.get(id(job)) in busy]

    def _keys(self, job: Job) -> list[str]:
        return key_texts(self.part.intake.reader.read(job.planned.patch), "")

    def change_row(self, job: Job, state: ChangeState, now: float) -> tuple[object, ...]:
        work, planned, side = job.work, job.planned, self.part.side
        target, source = work.items[side], work.items[side.other]
        cause = {
            "rules": planned.rules,
            "mappings": planned.why,
            "winner": planned.winner,
            "lost": planned.lost,
            "version": self.plant.connection.config_version,
        }
        if job.undoes:
            cause["undoes"] = job.undoes
        if planned.kind == "delete" and target is not None:
            cause["labels"] = sorted(target.labels)
        sent = state is ChangeState.SENT
        create = planned.kind == "create"
        return (
            self.plant.connection.tenant_id, self.plant.connection.pk, self.run_id, work.id, planned.kind, planned.sort,
            side.value, self.part.folder.pk, source.id if source else None,
            target.id if target and not create else None,
            work.title[:255], job.marker or str(uuid.uuid4()), state.value, dumps(dict(planned.patch)),
            *_label_texts(job if sent else planned), dumps(dict(planned.before)), "{}",
            source_of(job) if sent else "{}", dumps(cause), dumps(self._keys(job)) if create else "[]",
            planned.fingerprint, self.lease.fence if sent else 0, now, now if sent else 0, 0, "", "", False,
            max(job.undoes, default=None), job.decided_by,
        )  # fmt: skip

    def _write(self, job: Job) -> Write:
        planned = job.planned
        target = job.work.items[self.part.side] if planned.kind != "create" else None
        return Write(
            kind=WriteKind(planned.kind),
            marker=job.marker,
            id=target.remote_id if target else "",
            version=target.version if target else "",
            values=planned.patch,
            add_labels=job.add_labels,
            remove_labels=job.remove_labels,
            current=target.values if target else {},
            body=target.body if target else "",
        )


def _label_texts(labels: Job | Planned) -> tuple[str, str]:
    return dumps(sorted(labels.add_labels)), dumps(sorted(labels.remove_labels))
