"""Who can own a contact or lead: the active users."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from connectors.base import ConnectorError, Field
from connectors.salesforce.api import Api
from connectors.salesforce.fields import OWNER


@dataclass
class Owners:
    """Asked for once."""

    api: Api

    def offered(self, fields: Iterable[Field]) -> list[Field]:
        return [replace(field, options=self._people) if field.key == OWNER else field for field in fields]

    @cached_property
    def _people(self) -> tuple[tuple[str, str], ...]:
        """As (id, "Name <email>"). A user who may not see the others is offered none: owners then match nobody."""
        soql = "SELECT Id, Name, Email FROM User WHERE IsActive = true ORDER BY Name"
        try:
            rows = list(self.api.query(soql, "the users"))
        except ConnectorError as error:
            if error.retry:
                raise
            return ()
        return tuple((str(row["Id"]), f"{row.get('Name') or ''} <{row.get('Email') or ''}>".strip()) for row in rows)
