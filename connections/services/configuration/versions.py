"""Every change of a connection's configuration is kept, can be looked at, and can be gone back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from connections.authors import author
from connections.models import ConfigurationVersion, Connection, Deed, Folder, Template
from connections.services import arranging, audit, setting_up
from connections.services.configuration import describing
from connections.services.configuration.applying import columns_of, configuration_of
from connections.services.configuration.differences import Entry, compare
from connections.services.configuration.options import Entries

OWN = ("enabled",)  # whether a connection is switched on is not what another one takes over


@dataclass(frozen=True, slots=True)
class Step:
    """A version and what it changed against the one before."""

    version: ConfigurationVersion
    changes: Sequence[Entry]

    @property
    def lines(self) -> list[str]:
        return [change.line() for change in self.changes]


def record(connection: Connection, note: str = "") -> ConfigurationVersion | None:
    """Keeps the present configuration if it differs from the one kept last."""
    fresh = Connection.objects.select_related("folder_a__account", "folder_b__account").get(pk=connection.pk)
    entries = dict(describing.of_connection(fresh))
    last = ConfigurationVersion.objects.filter(connection=fresh).order_by("-number").first()
    if last is not None and last.entries == entries:
        return None
    made = ConfigurationVersion.objects.create(
        tenant_id=fresh.tenant_id,
        connection=fresh,
        number=last.number + 1 if last else 1,
        made_by=author().name,
        note=note[:200],
        entries=entries,
    )
    audit.note(Deed.CONFIGURED, connection=fresh, detail=f"version {made.number}{note and ': '}{note}")
    return made


def step(version: ConfigurationVersion) -> Step:
    """The first version against what a connection is by itself."""
    rows = ConfigurationVersion.objects.filter(connection=version.connection_id, number__lt=version.number)
    before = rows.order_by("-number").first()
    return Step(version, compare(before.entries if before else describing.CONNECTION_DEFAULTS, version.entries, {}))


def differences(version: ConfigurationVersion) -> list[Entry]:
    """What going back to it would change now."""
    connection = version.connection
    return compare(describing.of_connection(connection), describing.as_called_now(connection, version.entries), {})


def go_back(version: ConfigurationVersion) -> None:
    """Gives the connection this configuration again, after both apps said that it can still work.

    Raises CannotSetUp with what no longer can, or ConnectorError; then nothing is changed."""
    connection = version.connection
    folders = connection.folder_a, connection.folder_b
    checked = setting_up.check(configuration_of(version.entries), *folders, connection.tenant.region)
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(**columns_of(version.entries))
        setting_up.replace_mappings(connection, checked.mappings, checked.beside_default)
        setting_up.replace_rules(connection, setting_up.everything() if checked.rules is None else checked.rules)
        arranging.configured(connection, f"went back to version {version.number}")


# ---- taken over by another connection


def keep_as_template(connection: Connection, name: str, for_all: bool) -> Template:
    """Raises ValidationError where the name is taken."""
    template = Template(
        tenant=None if for_all else connection.tenant,
        name=name,
        app_a=connection.folder_a.account.app,
        app_b=connection.folder_b.account.app,
        entries=_shared(describing.of_connection(connection)),
        made_by=author().name,
    )
    template.full_clean()
    template.save()
    return template


def templates_for(tenant_id: int, app_a: str, app_b: str) -> QuerySet[Template]:
    own_or_all = Q(tenant=None) | Q(tenant=tenant_id)
    return Template.objects.filter(own_or_all, app_a=app_a, app_b=app_b).order_by("name")


def models_for(tenant_id: int, app_a: str, app_b: str) -> QuerySet[Connection]:
    """Connections of the tenant that a new one between these apps can be made like."""
    rows = Connection.objects.filter(tenant=tenant_id, folder_a__account__app=app_a, folder_b__account__app=app_b)
    return rows.order_by("name")


def make_like(model: Connection | Template, name: str, a: Folder, b: Folder, paused_reason: str) -> Connection:
    """A new connection with the options, mappings and rules of another one or of a template.

    Raises CannotSetUp where they cannot work between these folders, or ConnectorError."""
    entries = model.entries if isinstance(model, Template) else _shared(describing.of_connection(model))
    checked = setting_up.check(configuration_of(entries), a, b, a.tenant.region)
    options = {**columns_of(entries), "paused_reason": paused_reason}
    return setting_up.make_connection(name, a, b, checked, options)


def _shared(entries: Entries) -> Mapping[str, Any]:
    return {path: value for path, value in entries.items() if path not in OWN}
