"""Setting a connection up by hand: what there is to choose from, asked live, and what follows from a choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext, gettext_noop

from connections import host
from connections.engine import setup
from connections.engine.labels import note_listed
from connections.models import Account, Connection, Folder, Item, Label, SideChoice
from connections.services import syncing
from connectors import base, registry
from connectors.base import Capabilities, ConnectorError
from syncrules.catalogue import Catalogue
from syncrules.defaults import default_mappings
from syncrules.mapping import MappingError
from syncrules.models import FieldMapping
from syncrules.rulecheck import Offered
from syncrules.specs import Direction, MappingSpec
from syncrules.table import combined

FRESH = 300  # seconds for which an answer of an app about its fields and labels is taken as live
NEW = gettext_noop("new: look it over, preview it, then resume it")  # why a connection that was just made does not run
DRAFTED = gettext_noop(
    "being set up; it is started from its plan"
)  # the same of one that a member sets up step by step


# ---- folders


@dataclass(frozen=True, slots=True)
class Branch:
    folder: Folder
    depth: int
    count: int | None


@dataclass(frozen=True, slots=True)
class Tree:
    """The folders of an account; `problem` says why they are those seen last and not the present ones."""

    branches: Sequence[Branch]
    problem: str = ""


def folder_tree(account: Account) -> Tree:
    """Asked live, with counts; where the app cannot be asked, what is stored."""
    try:
        live = host.connect(account).folders()
    except ConnectorError as error:
        stored = Folder.objects.filter(account=account).order_by("path")
        return Tree(
            [Branch(row, 0, None) for row in stored],
            gettext("Account %(account)s cannot be asked now: %(error)s") % {"account": account, "error": error},
        )
    return Tree(take_folders(account, live))


def take_folders(account: Account, live: Sequence[base.Folder]) -> list[Branch]:
    """Stores what the app just named, and gives it the order of a tree."""
    rows = _store_folders(account, live)
    return [Branch(rows[each.id], depth, each.count) for each, depth in _nested(live)]


def _store_folders(account: Account, live: Sequence[base.Folder]) -> dict[str, Folder]:
    rows = {row.remote_id: row for row in Folder.objects.filter(account=account)}
    for each in live:
        shown = {"name": each.name[:255], "path": each.path[:1000], "read_only": each.read_only}
        row = rows.get(each.id)
        if row is None:
            rows[each.id] = Folder.objects.create(
                tenant_id=account.tenant_id, account=account, remote_id=each.id, **shown
            )
        elif any(getattr(row, name) != value for name, value in shown.items()):
            Folder.objects.filter(pk=row.pk).update(**shown)
            row.name, row.path, row.read_only = each.name, each.path, each.read_only
    return rows


def _nested(live: Sequence[base.Folder], parent: str = "", depth: int = 0) -> Iterator[tuple[base.Folder, int]]:
    """Children after their parent; what names a parent that is not listed stands at the root."""
    ids = {each.id for each in live}
    for each in sorted(live, key=lambda folder: folder.path.casefold()):
        above = each.parent if each.parent in ids and each.parent != each.id else ""
        if above == parent:
            yield each, depth
            yield from _nested(live, each.id, depth + 1)


# ---- catalogues


@dataclass(frozen=True, slots=True)
class SideOffer:
    """What one side of a connection has to choose from."""

    side: str
    name: str
    catalogue: Catalogue
    labels: Sequence[tuple[str, str]]  # id, name
    capabilities: Capabilities
    locked: frozenset[str] = frozenset()  # ids of labels that the app fills by itself

    def for_rules(self) -> Offered:
        return Offered(self.name, self.catalogue, self.capabilities, dict(self.labels), self.locked)


@dataclass(frozen=True, slots=True)
class Offer:
    a: SideOffer
    b: SideOffer
    region: str

    def side(self, side: str) -> SideOffer:
        return self.a if side == SideChoice.A else self.b


def offer(connection: Connection) -> Offer:
    """From what is stored; `refresh` makes that live."""
    return Offer(_side(connection, "a"), _side(connection, "b"), connection.tenant.region)


def _side(connection: Connection, side: str) -> SideOffer:
    folder: Folder = getattr(connection, f"folder_{side}")
    listed = setup.listed_labels(folder)
    rows = (
        Label.objects.filter(account=folder.account_id).order_by("name").values_list("remote_id", "name", "read_only")
    )
    known = {row[0] for row in rows}
    labels = [row for row in rows if listed is None or row[0] in listed or row[0] == row[1]]
    app = registry.apps().get(folder.account.app)
    labels += [(name, name, False) for name in _labels_in_use(folder, app) if name not in known]
    return SideOffer(
        side,
        str(folder.account),
        Catalogue(setup.load_fields(folder.catalogue or "[]")),
        [(label_id, name) for label_id, name, _ in labels],
        app.capabilities if app is not None else Capabilities(),
        frozenset(label_id for label_id, _, read_only in labels if read_only),
    )


def _labels_in_use(folder: Folder, app: base.App | None) -> list[str]:
    """Categories that contacts have and that the app does not list: they exist by being used."""
    if app is None or app.capabilities.label_kind not in (base.LabelKind.CATEGORY, base.LabelKind.TAG):
        return []
    names: list[str] | None = cache.get(_in_use(folder))
    if names is None:
        rows = Item.objects.filter(folder=folder, departed="").exclude(labels="[]").order_by()
        names = sorted(
            {name for text in rows.values_list("labels", flat=True).distinct() for name in orjson.loads(text)}
        )
        cache.set(_in_use(folder), names, FRESH)
    return names


def _in_use(folder: Folder) -> str:
    return f"labels-in-use:{folder.pk}"


def refresh(connection: Connection) -> list[str]:
    """Asks both apps for their fields and labels, unless they were just asked. Returns a sentence per app that could
    not be asked; what was stored before then stands."""
    problems = [_refresh_folder(folder) for folder in (connection.folder_a, connection.folder_b)]
    return [problem for problem in problems if problem]


def _refresh_folder(folder: Folder) -> str:
    if cache.get(_asked(folder)):
        return ""
    try:
        connector = host.connect(folder.account)
        setup.catalogue_of(folder, connector, refresh=True)
        store_labels(folder, connector)
    except ConnectorError as error:
        return gettext(
            "Account %(account)s cannot be asked now, so its fields and labels are those seen last: %(error)s"
        ) % {"account": folder.account, "error": error}
    cache.set(_asked(folder), True, FRESH)
    return ""


def forget_answers(connection: Connection) -> None:
    """The next `refresh` asks both apps in any case."""
    folders = (connection.folder_a, connection.folder_b)
    cache.delete_many([key(folder) for folder in folders for key in (_asked, _in_use)])


def _asked(folder: Folder) -> str:
    return f"catalogue-asked:{folder.pk}"


def store_labels(folder: Folder, connector: base.Connector) -> None:
    if connector.capabilities.label_kind is None:
        return
    known = {row.remote_id: row for row in Label.objects.filter(account=folder.account_id, folder=None)}
    listed = connector.labels(folder.remote_id)
    note_listed(folder, [label.id for label in listed])
    for label in listed:
        shown = {"name": label.name[:255], "kind": label.kind, "read_only": label.read_only}
        row = known.get(label.id)
        if row is None:
            Label.objects.create(
                tenant_id=folder.tenant_id, account=folder.account, folder=None, remote_id=label.id, **shown
            )
        elif any(getattr(row, name) != value for name, value in shown.items()):
            Label.objects.filter(pk=row.pk).update(**shown)


def labels_of(catalogue: Catalogue, keys: Sequence[str]) -> str:
    return " + ".join(catalogue.by_key[key].label if key in catalogue else key for key in keys)


# ---- changes


EVERYTHING = {Direction.A_TO_B: gettext_noop("Everything from A"), Direction.B_TO_A: gettext_noop("Everything from B")}


@transaction.atomic
def copy_default_mappings(connection: Connection) -> int:
    """Writes the default lines down as the connection's own, beside those it has. Returns how many there are."""
    given = offer(connection)
    specs = combined(default_mappings(given.a.catalogue, given.b.catalogue), setup.own_specs(connection))
    if not specs:
        raise MappingError(gettext("The fields of both apps are not known yet; test the accounts first."))
    FieldMapping.objects.filter(connection=connection).delete()
    _write_lines(connection, specs)
    Connection.objects.filter(pk=connection.pk).update(default_mappings=False)
    configured(connection)
    return len(specs)


def _write_lines(connection: Connection, specs: Sequence[MappingSpec]) -> None:
    rows = [FieldMapping.from_spec(spec, connection=connection, position=at) for at, spec in enumerate(specs)]
    FieldMapping.objects.bulk_create(rows)


@transaction.atomic
def use_default_mappings(connection: Connection) -> None:
    """Gives the own lines up: what means the same on both sides is mapped again."""
    FieldMapping.objects.filter(connection=connection).delete()
    Connection.objects.filter(pk=connection.pk).update(default_mappings=True)
    configured(connection)


def configured(connection: Connection, note: str = "") -> None:
    """To be called after every change of options, mappings or rules: all pairs are decided anew."""
    Connection.objects.filter(pk=connection.pk).update(config_version=F("config_version") + 1)
    keep_version(connection, note)
    syncing.wake(connection.pk)


def goes_live(connection: Connection) -> str:
    """What becomes of a change of the configuration of a connection that is at work, in words."""
    return gettext(
        "Up to %(count)s changes that follow from this alone are written at once; if there are "
        "more, they are shown as a plan and wait for approval. Everything else goes on."
    ) % {"count": connection.approve_above}


def keep_version(connection: Connection, note: str = "") -> None:
    from connections.services.configuration import versions  # noqa: PLC0415 - it stands on this module

    versions.record(connection, note)
