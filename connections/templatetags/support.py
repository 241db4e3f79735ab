"""“Ask for help” with what it is about, so that nobody has to describe where they are."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from connections.models import Connection, Stop, Tenant
from connections.services import stopping

register = template.Library()
STOPS_SHOWN = 5


@register.simple_tag
def ask_for_help(about: Any = None) -> SafeString | str:
    """Nothing where whoever runs this has not said whom to ask."""
    where = settings.SUPPORT_URL
    if not where:
        return ""
    reference = reference_of(about)
    name = "subject" if where.startswith("mailto:") else "reference"
    if reference:
        where += f"{'&' if '?' in where else '?'}{name}={quote(f'Pairwise {reference}')}"
    return format_html(' <a class="asking" href="{}" rel="noreferrer">{}</a>', where, gettext("Ask for help"))


@register.simple_tag
def stops_in_force(user: Any) -> list[Stop]:
    """For staff, on each of their pages."""
    return stopping.in_force()[:STOPS_SHOWN] if getattr(user, "is_staff", False) else []


@register.simple_tag
def stop_banners(tenant: Any = None) -> list[str]:
    """What operations stopped for all of a tenant; none on pages that are no tenant's."""
    return stopping.banners(tenant) if isinstance(tenant, Tenant) else []


def reference_of(about: Any) -> str:
    """Tenant and connection, and never anything of a contact."""
    connection = about if isinstance(about, Connection) else getattr(about, "connection", None)
    return f"{connection.tenant.slug}/{connection.name}" if isinstance(connection, Connection) else ""
