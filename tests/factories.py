"""Rows for tests: a tenant, accounts, folders and connections, each with sensible values where a test is silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from connections.models import Account, Connection, Folder, Tenant
from syncrules.models import FieldMapping, Rule
from syncrules.specs import MappingSpec, RuleSpec

_numbers = count(1)

EVERYTHING: tuple[dict[str, Any], ...] = (
    {"name": "Everything", "direction": "a_to_b"},
    {"name": "Everything back", "direction": "b_to_a"},
)


def make_tenant(**values: Any) -> Tenant:
    number = next(_numbers)
    return Tenant.objects.create(**{"slug": f"tenant-{number}", "name": f"Tenant {number}", "region": "BE", **values})


def make_account(tenant: Tenant | None = None, **values: Any) -> Account:
    tenant = tenant or make_tenant()
    return Account.objects.create(**{"tenant": tenant, "name": f"account-{next(_numbers)}", "app": "carddav", **values})


def make_folder(account: Account | None = None, remote_id: str = "contacts", **values: Any) -> Folder:
    account = account or make_account()
    names = {"remote_id": remote_id, "name": remote_id, "path": remote_id}
    folder, _ = Folder.objects.get_or_create(
        account=account, remote_id=remote_id, defaults={**names, "tenant": account.tenant, **values}
    )
    return folder


def make_connection(
    folder_a: Folder | None = None,
    folder_b: Folder | None = None,
    mappings: str | Sequence[MappingSpec | Mapping[str, Any]] = "default",
    rules: Sequence[RuleSpec | Mapping[str, Any]] = EVERYTHING,
    **options: Any,
) -> Connection:
    """A connection of two folders of one tenant. `rules` and `mappings` take specs or their form in a file."""
    folder_a = folder_a or make_folder()
    folder_b = folder_b or make_folder(make_account(folder_a.account.tenant))
    connection = Connection.objects.create(
        **{
            "tenant": folder_a.account.tenant,
            "name": f"connection-{next(_numbers)}",
            "folder_a": folder_a,
            "folder_b": folder_b,
            "default_mappings": mappings == "default",
            **options,
        }
    )
    set_rules(connection, rules)
    if not isinstance(mappings, str):
        for position, line in enumerate(mappings):
            spec = line if isinstance(line, MappingSpec) else MappingSpec.from_dict(line)
            FieldMapping.from_spec(spec, connection=connection, position=position).save()
    return connection


def set_rules(connection: Connection, rules: Sequence[RuleSpec | Mapping[str, Any]]) -> None:
    """Replaces the rules, as a person would in the admin."""
    Rule.objects.filter(connection=connection).delete()
    for position, line in enumerate(rules):
        spec = line if isinstance(line, RuleSpec) else RuleSpec.from_dict(line)
        Rule.from_spec(spec, connection=connection, position=position).save()
    connection.config_version += 1
    connection.save(update_fields=["config_version"])
