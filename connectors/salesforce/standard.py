"""The fields of a Salesforce organisation that nobody has changed, as its describe shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.base import Field
from connectors.salesforce.fields import Catalogue


def standard() -> Mapping[str, Sequence[Field]]:
    """Contacts and leads of the sandbox's organisation. Imported when asked for: signing in needs no sandbox."""
    from connectors.salesforce.sandbox.objects import object_of

    return {
        f"Salesforce {kind.lower()}s": tuple(
            Catalogue.of(object_of(kind, (), (), ()).describe(""), mark="").fields.values()
        )
        for kind in ("Contact", "Lead")
    }
