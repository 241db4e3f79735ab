"""What people decide about pairs: who is who, who stays out, and which value is right."""

from __future__ import annotations

import orjson
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext

from connections import host, languages
from connections.engine import setup, undecided
from connections.engine.items import dumps
from connections.models import (
    Change,
    ChangeKind,
    ChangeState,
    Connection,
    Decision,
    Deed,
    Item,
    Pair,
    User,
    Verdict,
)
from connections.services import audit, syncing
from syncrules.mapping import CompiledMapping
from syncrules.optouts import CHOSEN
from syncrules.specs import Side


class CannotDecide(Exception):
    """The text says why, and what can be done instead."""


def decide(pair: Pair, verdict: str, other: Item | None = None, by: User | None = None) -> None:
    """Of a record without a counterpart: `same` and `apart` are about it and `other`, a record of the other folder;
    `exclude` and `create` about it alone; `later` puts the question off, or takes back what was said about it alone.

    Of two that are paired: `apart` makes two people of them, each of whom gets a counterpart of their own; `exclude`
    leaves both as they are, apart; `same` gives the one of them that is not in the folder of `other` that counterpart.
    Whoever loses a counterpart by `same` is left out. Nothing is written to an app by this; the next run carries it
    out, and each decision can be taken back. Raises CannotDecide. The connection is woken."""
    paired = pair.item_a is not None and pair.item_b is not None
    decide_on = _between_paired if paired else _items
    a, b = decide_on(pair, verdict, other)
    with transaction.atomic():
        _keep(pair.connection, a, b, verdict, by)
        if verdict == Verdict.SAME:
            for left_a, left_b in _displaced(pair.connection, a, b):
                _keep(pair.connection, left_a, left_b, Verdict.EXCLUDE, by)
        _decide_again(pair.connection, a, b, verdict)
        with languages.stored():
            detail = f"contact {pair.pk}: {verdict}"
        audit.note(Deed.DECIDED, connection=pair.connection, detail=detail, by=by)


def decide_as_said(pair: Pair, verdict: str, other: str, by: User) -> str:
    """`other`: the id of a record of one of the connection's folders, as a form has it. Returns what to tell. Raises
    CannotDecide."""
    if verdict not in Verdict.values:
        raise CannotDecide(gettext("Choose what you decide."))
    folders = (pair.connection.folder_a_id, pair.connection.folder_b_id)
    chosen = (
        Item.objects.filter(pk=other, folder__in=folders).first() if other.isdecimal() and len(other) < 18 else None
    )
    decide(pair, verdict, chosen, by=by)
    return gettext("Decided: %(verdict)s. The next run carries it out; it can be taken back.") % {
        "verdict": Verdict(verdict).label
    }


def _keep(connection: Connection, a: Item | None, b: Item | None, verdict: str, by: User | None) -> None:
    Decision.objects.update_or_create(
        connection=connection, item_a=a, item_b=b, defaults={"verdict": verdict, "by": by}
    )


def _displaced(connection: Connection, a: Item | None, b: Item | None) -> list[tuple[Item | None, Item | None]]:
    """The counterparts that two records have so far, who stay as they are from now on."""
    full = Pair.objects.filter(connection=connection, item_a__departed="", item_b__departed="")
    found: list[tuple[Item | None, Item | None]] = []
    found += [(None, row.item_b) for row in full.filter(item_a=a).exclude(item_b=b).select_related("item_b")]
    found += [(row.item_a, None) for row in full.filter(item_b=b).exclude(item_a=a).select_related("item_a")]
    return found


def _between_paired(pair: Pair, verdict: str, other: Item | None) -> tuple[Item | None, Item | None]:
    if verdict in (Verdict.APART, Verdict.EXCLUDE):
        return pair.item_a, pair.item_b
    if verdict != Verdict.SAME or other is None:
        raise CannotDecide(
            gettext("“%(pair)s” is on both sides already: link it to another, take both apart, or leave them out.")
            % {"pair": pair}
        )
    connection = pair.connection
    sides = {connection.folder_a_id: (other, pair.item_b), connection.folder_b_id: (pair.item_a, other)}
    if other.folder_id not in sides or other.departed:
        raise CannotDecide(
            gettext("“%(other)s” is in neither folder of this connection; choose one that is.") % {"other": other}
        )
    if other in (pair.item_a, pair.item_b):
        raise CannotDecide(gettext("“%(other)s” is its counterpart already.") % {"other": other})
    return sides[other.folder_id]


def take_back(decision: Decision) -> None:
    """As if the person had never decided; what followed from it stays."""
    with transaction.atomic():
        decision.delete()
        _decide_again(decision.connection, decision.item_a, decision.item_b, Verdict.LATER)


def _decide_again(connection: Connection, a: Item | None, b: Item | None, verdict: str) -> None:
    """The pairs of both records, and all that were compared with them."""
    ids = [item.pk for item in (a, b) if item is not None]
    pairs = Pair.objects.filter(Q(item_a_id__in=ids) | Q(item_b_id__in=ids), connection=connection)
    if verdict == Verdict.SAME:  # whoever rejected this pairing before has changed their mind
        lines = Change.objects.filter(pair__in=pairs, kind=ChangeKind.PAIR, state=ChangeState.REJECTED)
        lines.update(state=ChangeState.SUPERSEDED)
    pairs.update(pending=True, next_at=0)
    undecided.reconsider_around(connection, ids)
    syncing.wake(connection.pk)


def _items(pair: Pair, verdict: str, other: Item | None) -> tuple[Item | None, Item | None]:
    alone = verdict in (Verdict.EXCLUDE, Verdict.CREATE) or (verdict == Verdict.LATER and other is None)
    if alone:
        return pair.item_a, pair.item_b
    if other is None:
        raise CannotDecide(gettext("Say which contact of the other side “%(pair)s” is compared with.") % {"pair": pair})
    here = pair.item_a or pair.item_b
    if here is not None and other.folder_id == here.folder_id:
        raise CannotDecide(
            gettext("“%(other)s” is in the same folder as “%(pair)s”; choose one of the other side.")
            % {"other": other, "pair": pair}
        )
    return (pair.item_a, other) if pair.item_a is not None else (other, pair.item_b)


def resolve(pair: Pair, mapping_name: str, side: str) -> None:
    """Settles a conflict of one mapping: the value of `side` ("a" or "b") goes to both. Raises CannotDecide."""
    chosen = Side(side)
    if pair.item_a is None or pair.item_b is None or mapping_name not in orjson.loads(pair.conflicts):
        raise CannotDecide(
            gettext("“%(pair)s” has no open conflict in %(name)s.") % {"pair": pair, "name": mapping_name}
        )
    mapping = _mapping(pair, mapping_name)
    values = {Side.A: pair.item_a.record, Side.B: pair.item_b.record}
    keys = {Side.A: mapping.a_keys, Side.B: mapping.b_keys}
    bases = {each: orjson.loads(getattr(pair, f"base_{each}")) for each in Side}
    loser = chosen.other
    bases[loser].update({key: values[loser].get(key) for key in keys[loser]})
    nothing = CHOSEN if mapping.opts_out else None
    bases[chosen].update({key: nothing if values[chosen].get(key) is not None else CHOSEN for key in keys[chosen]})
    with transaction.atomic():
        Pair.objects.filter(pk=pair.pk).update(
            base_a=dumps(bases[Side.A]), base_b=dumps(bases[Side.B]), pending=True, next_at=0
        )
        syncing.wake(pair.connection_id)


def _mapping(pair: Pair, name: str) -> CompiledMapping:
    connection = pair.connection
    folders = {"a": connection.folder_a, "b": connection.folder_b}
    a, b = (setup.catalogue_of(folder, host.connect(folder.account)) for folder in folders.values())
    mapping = setup.mapping_table(connection, a, b).named(name)
    if mapping is not None:
        return mapping
    raise CannotDecide(gettext("The connection has no mapping called %(name)s any more.") % {"name": name})
