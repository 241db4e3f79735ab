"""Two catalogues of the kind that the connectors declare, and short ways to merge with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.base import Field, FieldType
from syncrules.catalogue import Catalogue
from syncrules.defaults import default_mappings
from syncrules.mapping import CompiledMapping, compile_mapping
from syncrules.merge import PairMerge, Policy, SideState, bases_after, merge_pair
from syncrules.specs import MappingSpec

TYPED = frozenset({"type", "label"})
PARTS = (
    ("street", "street"),
    ("city", "city"),
    ("state", "region"),
    ("postalCode", "postal_code"),
    ("countryOrRegion", "country"),
)


def text(key: str, meaning: str = "", type: FieldType = FieldType.TEXT, **more: Any) -> Field:
    return Field(key, key, type, meaning, **more)


def many(key: str, meaning: str, type: FieldType = FieldType.TEXT, multiple: int | None = None, **more: Any) -> Field:
    return Field(key, key, type, meaning, multiple=multiple, **more)


POOR = Catalogue(
    [
        text("displayName", "name.full"),
        text("title", "name.prefix"),
        text("givenName", "name.given"),
        text("middleName", "name.middle"),
        text("surname", "name.family"),
        text("generation", "name.suffix"),
        text("nickName", "name.nickname"),
        text("fileAs", "name.file_as"),
        text("companyName", "org.name"),
        text("jobTitle", "org.title", max_length=40),
        many("emailAddresses", "email", FieldType.EMAIL, 3),
        text("mobilePhone", "phone.mobile", FieldType.PHONE),
        many("businessPhones", "phone.work", FieldType.PHONE, 2),
        *(text(f"{place}.{part}", f"address.{place}.{tag}") for place in ("work", "home") for part, tag in PARTS),
        text("birthday", "birthday", FieldType.DATE, needs_year=True),
        text("personalNotes", "note", FieldType.MULTILINE, max_length=60),
        text("homePage", "url", FieldType.URL),
        many("categories", "labels"),
    ]
)

RICH = Catalogue(
    [
        text("fn", "name.full"),
        *(text(f"n.{part}", f"name.{part}") for part in ("prefix", "given", "middle", "family", "suffix")),
        text("nickname", "name.nickname"),
        text("sort", "name.file_as"),
        text("org", "org.name"),
        text("role", "org.title"),
        many("email", "email", FieldType.EMAIL, attributes=TYPED),
        *(many(f"tel.{kind}", f"phone.{kind}", FieldType.PHONE) for kind in ("mobile", "work", "home", "other")),
        *(
            text(f"adr.{place}.{tag}", f"address.{place}.{tag}")
            for place in ("work", "home", "other")
            for tag in ("po_box", "extended", "street", "city", "region", "postal_code", "country")
        ),
        text("bday", "birthday", FieldType.DATE),
        text("note", "note", FieldType.MULTILINE),
        many("url", "url", FieldType.URL, attributes=TYPED),
        many("cats", "categories"),
    ]
)


def compiled(a: Catalogue = POOR, b: Catalogue = RICH, *specs: MappingSpec) -> tuple[CompiledMapping, ...]:
    return tuple(compile_mapping(spec, a, b, "BE") for spec in specs or default_mappings(a, b))


DEFAULT = compiled()


class Pair:
    """Both sides of a pair with their bases, as the engine would hold them."""

    def __init__(
        self,
        a: Mapping[str, Any],
        b: Mapping[str, Any],
        mappings: Sequence[CompiledMapping] = DEFAULT,
        agreed: bool = True,
        **policy: Any,
    ) -> None:
        self.a, self.b = dict(a), dict(b)
        self.mappings = mappings
        self.policy = Policy(**policy)
        self.bases = bases_after(mappings, self.a, self.b) if agreed else ({}, {})
        self.times: dict[str, Any] = {}

    def merge(self, **times: Any) -> PairMerge:
        a = SideState(self.a, self.bases[0], times.get("evidence_a", {}), times.get("modified_a"))
        b = SideState(self.b, self.bases[1], times.get("evidence_b", {}), times.get("modified_b"))
        return merge_pair(self.mappings, a, b, self.policy)

    def sync(self) -> PairMerge:
        """Merges, writes, and lets both bases take what the sides show."""
        merged = self.merge()
        self.a, self.b = applied(self.a, merged.to_a), applied(self.b, merged.to_b)
        self.bases = bases_after(self.mappings, self.a, self.b, merged.conflicts)
        return merged


def applied(values: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**values, **patch}.items() if value is not None}


def mails(*values: str) -> list[dict[str, str]]:
    """``a@x.com`` or ``work:a@x.com``, the type before the colon."""
    elements = []
    for value in values:
        kind, _, address = value.rpartition(":")
        elements.append({"value": address, "type": kind} if kind else {"value": address})
    return elements
