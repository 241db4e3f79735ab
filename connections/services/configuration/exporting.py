"""The configuration that is in force, as a file. Applying it changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from connections.models import Account, Connection, Tenant
from connections.services import setting_up
from connections.services.configuration import describing, registrations
from connections.services.configuration.options import Entries

HEAD = "# Credentials are left out: those that are stored are kept.\n"


def export(tenants: Iterable[Tenant] | None = None) -> str:
    """YAML of these tenants, or of all. No secret stands in it."""
    rows = Tenant.objects.order_by("slug") if tenants is None else tenants
    apps = registrations.exported(None) if tenants is None else []
    data = {**({"apps": apps} if apps else {}), "tenants": [_tenant(tenant) for tenant in rows]}
    return HEAD + yaml.safe_dump(_literal(data), sort_keys=False, allow_unicode=True, width=110)


def _tenant(tenant: Tenant) -> dict[str, Any]:
    apps = registrations.exported(tenant)
    connections = Connection.objects.filter(tenant=tenant).select_related("folder_a__account", "folder_b__account")
    accounts = Account.objects.filter(tenant=tenant).defer("secrets").order_by("name")
    return {
        "slug": tenant.slug,
        **_filled(describing.of_tenant(tenant)),
        **({"apps": apps} if apps else {}),
        "accounts": [{"name": row.name, **_filled(describing.of_account(row))} for row in accounts],
        "connections": [_connection(row) for row in connections.order_by("name")],
    }


def _connection(row: Connection) -> dict[str, Any]:
    sides = {
        side: {"account": folder.account.name, "folder": setting_up.folder_text(folder)}
        for side, folder in (("a", row.folder_a), ("b", row.folder_b))
    }
    return {"name": row.name, **sides, **_nested(describing.of_connection(row))}


def _filled(entries: Entries) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if value != ""}


def _nested(entries: Entries) -> dict[str, Any]:
    """guard.deletes.share becomes a table in a table."""
    data: dict[str, Any] = {}
    for path, value in entries.items():
        *tables, last = path.split(".")
        inner = data
        for name in tables:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return data


def _literal(data: Any) -> Any:
    """Texts that look like ${NAME} are not expanded when they are read again."""
    if isinstance(data, Mapping):
        return {key: _literal(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_literal(value) for value in data]
    return data.replace("${", "$${") if isinstance(data, str) else data
