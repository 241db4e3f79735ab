"""A first look at the contacts of a folder, so that a person can say whether these are the right ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.utils.translation import gettext

from connections import host
from connections.engine import setup
from connections.engine.items import Intake
from connections.models import Folder, Item
from connections.services.looking import moment
from connectors.base import Connector, ConnectorError, Field, NothingKnown, Record, ShowsLatest
from syncrules.catalogue import Catalogue

SHOWN = 5
ENOUGH = 400  # records after which the first look ends; the rest is looked at with the plan
WANTED = ("name.full", "name.given", "name.family", "org.name", "email", "phone.mobile", "phone.work")
BESIDE = ("email", "org.name", "phone.mobile", "phone.work")  # what helps to know who it is, beside the name


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    beside: str
    changed: datetime | None


@dataclass(frozen=True, slots=True)
class Peek:
    """`whole`: `count` is that of all contacts in the folder, and the samples are those that were changed last; else it
    is how many were looked at. `problem`: why the app could not be asked."""

    folder: Folder
    samples: Sequence[Sample] = ()
    count: int = 0
    whole: bool = False
    problem: str = ""


def peek(folder: Folder) -> Peek:
    """From what was observed, if the folder was listed before; else the app is asked, and nothing is stored but its
    field catalogue."""
    if folder.listed_at:
        return _observed(folder)
    try:
        connector = host.connect(folder.account)
        catalogue = setup.catalogue_of(folder, connector)
        records, count, whole = _latest(connector, folder, [known.key for known in _wanted(catalogue)])
    except ConnectorError as error:
        return Peek(
            folder,
            problem=gettext("%(account)s cannot be asked now: %(error)s") % {"account": folder.account, "error": error},
        )
    namer = Intake(folder.pk, catalogue, folder.tenant.region)
    latest = sorted(records, key=lambda record: record.modified or 0.0, reverse=True)[:SHOWN]
    shown = [_sample(catalogue, namer.title(record.values), record.values, record.modified) for record in latest]
    return Peek(folder, shown, count, whole)


def _wanted(catalogue: Catalogue) -> list[Field]:
    return [catalogue.by_meaning[meaning] for meaning in WANTED if meaning in catalogue.by_meaning]


def _latest(connector: Connector, folder: Folder, fields: Sequence[str]) -> tuple[list[Record], int, bool]:
    """Records, how many contacts there are, and whether those that were changed last are among the records. Where the
    app cannot be asked for them, the folder is listed from its beginning."""
    asked = cast("ShowsLatest", connector) if connector.capabilities.shows_latest else None
    latest = asked.latest(folder.remote_id, SHOWN) if asked else None
    if latest is not None:
        seen = connector.read(folder.remote_id, latest.ids, fields)
        return [one for one in seen.values() if isinstance(one, Record)], latest.count, True
    found: list[Record] = []
    for page in connector.changes(folder.remote_id, "", fields, NothingKnown()):
        found += page.records
        if page.last or len(found) >= ENOUGH:
            return found, len(found), page.last
    return found, len(found), True


def _observed(folder: Folder) -> Peek:
    rows = Item.objects.filter(folder=folder, departed="")
    catalogue = Catalogue(setup.load_fields(folder.catalogue or "[]"))
    latest = rows.only("title", "values", "modified").order_by("-modified", "-seq")[:SHOWN]
    shown = [_sample(catalogue, item.title, item.record, item.modified) for item in latest]
    return Peek(folder, shown, rows.count(), True)


def _sample(catalogue: Catalogue, name: str, values: object, modified: float | None) -> Sample:
    record = dict(values) if isinstance(values, dict) else {}
    for meaning in BESIDE:
        known = catalogue.by_meaning.get(meaning)
        shown = record.get(known.key) if known else None
        text = str(shown[0]["value"]) if isinstance(shown, list) and shown else str(shown or "")
        if text and text != name:
            return Sample(name, text[:120], moment(modified))
    return Sample(name, "", moment(modified))
