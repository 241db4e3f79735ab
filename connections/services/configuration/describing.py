"""What there is now, in the form in which a file would say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connections.engine import setup
from connections.models import Account, Connection, Label, Tenant
from connections.services import setting_up
from connections.services.configuration.options import OPTIONS, Entries
from syncrules.rules import source_of
from syncrules.specs import Direction, RuleSpec, Side

CONNECTION_DEFAULTS: Mapping[str, Any] = {
    **{option.path: option.default for option in OPTIONS},
    "mappings": "default",
    "rules": [rule.to_dict() for rule in setting_up.everything()],
}


def of_tenant(tenant: Tenant) -> Entries:
    return {"name": tenant.name, "region": tenant.region, "history_days": tenant.history_days}


def tenant_defaults(slug: str) -> Entries:
    return {"name": slug, "region": "", "history_days": 365}


def of_account(account: Account) -> Entries:
    return {"app": account.app, "base_url": account.base_url, "login_url": account.login_url}


ACCOUNT_DEFAULTS: Entries = {"base_url": "", "login_url": ""}


def of_connection(connection: Connection) -> Entries:
    return {
        **{option.path: option.of(connection) for option in OPTIONS},
        "mappings": _mappings(connection),
        "rules": [_rule(spec, _label_names(connection, spec)) for spec in setup.rule_specs(connection)],
    }


def _mappings(connection: Connection) -> Any:
    lines = [spec.to_dict() for spec in setup.own_specs(connection)]
    if not connection.default_mappings:
        return lines
    return {"default": True, "lines": lines} if lines else "default"


def _label_names(connection: Connection, spec: RuleSpec) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The present names of the labels that a rule holds by id, on its source and on its target."""
    folders = [connection.folder_a, connection.folder_b]
    source, target = folders if spec.direction is Direction.A_TO_B else reversed(folders)
    ids = {part.label_id for part in spec.conditions} | {part.label_id for part in spec.actions} - {""}
    if not ids:
        return {}, {}
    found = []
    for folder in (source, target):
        rows = Label.objects.filter(account=folder.account_id, remote_id__in=ids)
        found.append(dict(rows.values_list("remote_id", "name")))
    return found[0], found[1]


def _rule(spec: RuleSpec, names: tuple[Mapping[str, str], Mapping[str, str]]) -> dict[str, Any]:
    """A file calls labels by their names alone."""
    data = spec.to_dict()
    for place, word, known in (("if", "label", names[0]), ("then", "", names[1])):
        for part in data.get(place, ()):
            label = known.get(part.pop("label_id", ""))
            if label is not None:
                key = word or next(iter(part))
                part[key] = label
    return data


def as_called_now(connection: Connection, entries: Entries) -> dict[str, Any]:
    """The entries, with the present names of labels that were renamed since the rules came to know them."""
    rules = entries.get("rules")
    if not isinstance(rules, list):
        return dict(entries)
    once = setting_up.once_called(connection.folder_a, connection.folder_b)
    names = {}
    for side, folder in ((Side.A, connection.folder_a), (Side.B, connection.folder_b)):
        known = dict(Label.objects.filter(account=folder.account_id).values_list("remote_id", "name"))
        taken = {name.casefold() for name in known.values()}
        names[side] = {name: known[label] for name, label in once[side].items() if name not in taken}
    return {**entries, "rules": [_renamed(rule, names) for rule in rules]}


def _renamed(rule: Mapping[str, Any], names: Mapping[Side, Mapping[str, str]]) -> dict[str, Any]:
    source = source_of(RuleSpec.from_dict(rule))
    found = dict(rule)
    for place, side, words in (("if", source, ("label",)), ("then", source.other, ("add_label", "remove_label"))):
        if place in found:
            found[place] = [
                {
                    key: names[side].get(str(value).casefold(), value) if key in words else value
                    for key, value in part.items()
                }
                for part in found[place]
            ]
    return found
