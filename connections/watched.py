"""Which labels of an account matter: those of which rules or policies of its connections speak."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from connections.models import Account, Connection, Label
from syncrules import compare
from syncrules.rules import source_of
from syncrules.specs import ActionKind, ConditionKind, RuleSpec, Side


def watched_labels(account: Account) -> frozenset[str]:
    """Their ids. A rule may name a label instead; one that the account was never seen to have is left out."""
    named = {name for connection in _connections(account) for name in _named(connection, account) if name}
    if not named:
        return frozenset()
    folded = {compare.folded(name) for name in named}
    known = Label.objects.filter(account=account).values_list("remote_id", "name")
    return frozenset(id for id, name in known if id in named or compare.folded(name) in folded)


def _connections(account: Account) -> Iterator[Connection]:
    mine = Q(folder_a__account=account) | Q(folder_b__account=account)
    yield from Connection.objects.filter(mine).select_related("folder_a", "folder_b")


def _named(connection: Connection, account: Account) -> Iterator[str]:
    """Ids, or names where there is no id, of labels on the sides that are the account's."""
    folders = {Side.A: connection.folder_a, Side.B: connection.folder_b}
    mine = {side for side, folder in folders.items() if folder.account_id == account.pk}
    for row in connection.rules.all():
        for side, name in _of_rule(row.spec()):
            if side in mine:
                yield name
    if Side.A in mine:
        yield connection.deletion_label_b_to_a
    if Side.B in mine:
        yield connection.deletion_label_a_to_b


def _of_rule(spec: RuleSpec) -> Iterator[tuple[Side, str]]:
    """A rule that is switched off keeps what it knows, so that switching it on is no surprise."""
    source = source_of(spec)
    for condition in spec.conditions:
        if condition.kind is ConditionKind.LABEL:
            yield source, condition.label_id or condition.subject
            if spec.mirror:
                yield source.other, condition.subject
    for action in spec.actions:
        if action.kind is not ActionKind.SET:
            yield source.other, action.label_id or action.subject
            if spec.mirror:
                yield source, action.subject
