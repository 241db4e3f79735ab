"""The fields of a HubSpot account to which nobody has added any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.base import Field
from connectors.hubspot.fields import Catalogue


def standard() -> Mapping[str, Sequence[Field]]:
    """Contacts of the sandbox's account. Imported when asked for: signing in needs no sandbox."""
    from connectors.hubspot.sandbox.definitions import CONTACTS
    from connectors.hubspot.sandbox.definitions import standard as properties

    definitions = [one.as_json() for one in properties(CONTACTS).values()]
    return {"HubSpot contacts": tuple(Catalogue.of(definitions).fields.values())}
