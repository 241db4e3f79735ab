"""Stop switches of the operators: for everything, an app, a tenant or a connection, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from connections.models import Account, Connection, Deed, Stop, Tenant, User
from connections.services import audit, syncing
from connectors import registry


class CannotStop(Exception):
    """The text says why, and what to do."""


def stop(
    reason: str,
    by: User | None = None,
    *,
    app: str = "",
    tenant: Tenant | None = None,
    connection: Connection | None = None,
) -> Stop:
    """About everything where nothing is named. Effective before any of the connections commits or sends its next batch.
    Raises CannotStop."""
    reason = reason.strip()
    if not reason:
        raise CannotStop("Say why: the people of the tenants concerned read it.")
    if app and app not in registry.apps():
        raise CannotStop(f"There is no app {app}. There are: {', '.join(sorted(registry.apps()))}.")
    made = Stop(app=app, tenant=tenant, connection=connection, reason=reason[:255], made_by=by)
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError:
        raise CannotStop("That is stopped already.") from None
    _note(made, f"stopped: {made.reason}", by)
    ids = list(concerned(made).values_list("pk", flat=True))
    syncing.halt(ids)
    return made


def lift(switch: Stop, by: User | None = None) -> bool:
    """What is due then runs again by itself. False where somebody else was faster."""
    rows = Stop.objects.in_force().filter(pk=switch.pk)
    lifted = bool(rows.update(lifted_at=timezone.now(), lifted_by=by))
    if lifted:
        _note(switch, "lifted", by)
    return lifted


def _note(switch: Stop, detail: str, by: User | None) -> None:
    audit.note(Deed.STOPPED, switch.tenant_id, connection=switch.connection, about=switch, detail=detail, by=by)


def concerned(switch: Stop) -> QuerySet[Connection]:
    """The connections that it holds, those among them that stand still anyway included."""
    rows = Connection.objects.all()
    if switch.connection_id:
        return rows.filter(pk=switch.connection_id)
    if switch.tenant_id:
        return rows.filter(tenant=switch.tenant_id)
    if switch.app:
        return rows.filter(Q(folder_a__account__app=switch.app) | Q(folder_b__account__app=switch.app))
    return rows


def in_force() -> list[Stop]:
    return list(Stop.objects.in_force().select_related("tenant", "connection__tenant").order_by("-made_at"))


def in_force_on(app: str = "", tenant: Tenant | None = None, connection: Connection | None = None) -> list[Stop]:
    """The one about just this, if there is one."""
    return list(Stop.objects.in_force().filter(app=app, tenant=tenant, connection=connection))


def reason_for(connection: Connection, switches: Iterable[Stop]) -> str:
    """Why a connection stands still by one of these; empty if it does not."""
    apps = {connection.folder_a.account.app, connection.folder_b.account.app}
    for switch in switches:
        named = (switch.connection_id, switch.tenant_id, switch.app)
        if not any(named) or switch.connection_id == connection.pk or switch.tenant_id == connection.tenant_id:
            return switch.reason
        if switch.app in apps:
            return switch.reason
    return ""


def banners(tenant: Tenant) -> list[str]:
    """For the people of a tenant: what stands still for more than one of their connections."""
    switches = [one for one in in_force() if one.connection_id is None and one.tenant_id in (None, tenant.pk)]
    if any(switch.app for switch in switches):
        used = set(Account.objects.filter(tenant=tenant).values_list("app", flat=True))
        switches = [switch for switch in switches if not switch.app or switch.app in used]
    return [
        gettext("%(what)s by those who run Pairwise: %(reason)s") % {"what": _what(switch), "reason": switch.reason}
        for switch in switches
    ]


def _what(switch: Stop) -> str:
    if switch.app:
        return gettext("Everything with %(app)s is stopped") % {"app": registry.app(switch.app).name}
    return gettext("Everything of yours is stopped") if switch.tenant_id else gettext("All synchronisation is stopped")
