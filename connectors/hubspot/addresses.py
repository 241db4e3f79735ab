"""Where each part of HubSpot's API lies, by version (developers.hubspot.com, API versioning and the migration guide).

Dated versions stay current for six months and supported for eighteen; requests and answers are the same in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from connectors.base import Unsupported

LEGACY: Final = "v3"
VERSIONS: Final = (LEGACY, "2026-03", "2026-09")
CURRENT: Final = "2026-09"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Paths below the address of the API. `version`: one of VERSIONS, or a later dated one."""

    version: str = CURRENT

    @classmethod
    def of(cls, version: str) -> Addresses:
        """Raises Unsupported for what is no version."""
        wanted = version.strip() or CURRENT
        if wanted != LEGACY and not (len(wanted) == 7 and wanted[4] == "-" and wanted.replace("-", "").isdigit()):
            raise Unsupported(f"{wanted!r} is no version of HubSpot's API. Known are {', '.join(VERSIONS)}.")
        return cls(wanted)

    def _of(self, area: str, name: str, legacy: str = LEGACY) -> str:
        if area == "crm" and self.version != LEGACY:
            return _dated(name, self.version)
        return f"/{area}/{legacy if self.version == LEGACY else self.version}/{name}"

    def objects(self, kind: str, more: str = "") -> str:
        return self._of("crm", f"objects/{kind}") + more

    def properties(self, kind: str, more: str = "") -> str:
        return self._of("crm", f"properties/{kind}") + more

    def owners(self) -> str:
        return self._of("crm", "owners")

    def lists(self, more: str = "") -> str:
        return self._of("crm", "lists") + more

    def account(self) -> str:
        return self._of("account-info", "details")

    def token(self, more: str = "") -> str:
        return self._of("oauth", "token") + more

    def unsubscribe_all(self, email: str) -> str:
        address = quote(email, safe="@")
        return self._of("communication-preferences", f"statuses/{address}/unsubscribe-all?channel=EMAIL", "v4")


def _dated(name: str, version: str) -> str:
    """The version stands behind the first part: /crm/objects/2026-09/contacts."""
    area, _, rest = name.partition("/")
    return f"/crm/{area}/{version}" + (f"/{rest}" if rest else "")
