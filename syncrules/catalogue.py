"""The fields of one side, found by key and by meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.base import Field

ALIASES = {"categories": "labels"}  # meanings that are called by two names


OPT_OUT = "opt_out."  # begins the meanings of the fields that say what a contact does not want


class Catalogue:
    """The fields that a folder's app has; of several fields with one meaning the first counts."""

    __slots__ = ("by_key", "by_meaning")

    def __init__(self, fields: Sequence[Field]) -> None:
        self.by_key: dict[str, Field] = {field.key: field for field in fields}
        self.by_meaning: dict[str, Field] = {}
        for field in fields:
            if field.meaning:
                self.by_meaning.setdefault(ALIASES.get(field.meaning, field.meaning), field)

    def __iter__(self) -> Iterator[Field]:
        return iter(self.by_key.values())

    def __len__(self) -> int:
        return len(self.by_key)

    def __contains__(self, key: str) -> bool:
        return key in self.by_key
