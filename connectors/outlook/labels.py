"""Categories of a mailbox: the names that its contacts carry, and the master list, which needs a scope of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from connectors.base import ConnectorError, FolderGone, Forbidden, Label, LabelKind, Unsupported
from connectors.http import NoAnswer
from connectors.outlook.graph import Graph, Place, query
from connectors.outlook.oauth import has_scope

SCOPE: Final = "MailboxSettings.Read"


class Categories:
    """The categories of one mailbox, read at most once. An id is the master list's, or else the bare name."""

    def __init__(self, graph: Graph, place: Place) -> None:
        self._graph = graph
        self._place = place
        self._url = f"{place.owner}/outlook/masterCategories"
        self._master: dict[str, str] | None = None  # id -> name
        self._bare: set[str] = set()  # names made here that no list could take

    def master(self) -> dict[str, str]:
        """Empty where the account may not see the list."""
        if self._master is None:
            self._master = self._read()
        return self._master

    def _read(self) -> dict[str, str]:
        granted = self._graph.host.vault.current().values.get("scope", "")
        if granted and not has_scope(granted, SCOPE):
            return {}
        try:
            pages = list(self._graph.pages(self._url, "the list of categories"))
        except (Forbidden, FolderGone):
            # Where the scope is known to be there this is a passing trouble: going on would change the labels' ids.
            if granted and not self._place.mailbox:
                raise
            return {}
        return {str(one["id"]): str(one["displayName"]) for page in pages for one in page if one.get("displayName")}

    def ids(self, names: Iterable[str]) -> frozenset[str]:
        names = list(names)
        if not names:
            return frozenset()
        known = {name.casefold(): id for id, name in self.master().items()}
        return frozenset(known.get(name.casefold(), name) for name in names)

    def names(self, ids: Iterable[str]) -> list[str]:
        ids = sorted(ids)
        return [self.master().get(id, id) for id in ids] if ids else []

    def labels(self) -> list[Label]:
        """The master list, or what the folder's contacts carry where that cannot be seen."""
        found = self.master() or {name: name for name in self._carried() | self._bare}
        return [
            Label(id, name, LabelKind.CATEGORY) for id, name in sorted(found.items(), key=lambda one: one[1].casefold())
        ]

    def _carried(self) -> set[str]:
        url = self._place.contacts + query(select="categories", top=250)
        pages = self._graph.pages(url, "the folder")
        return {name for page in pages for one in page for name in one.get("categories") or []}

    def create(self, name: str) -> Label:
        """The category with this name, new or not. Where the list may not be written, contacts carry the bare name."""
        name = name.strip()
        if not name:
            raise Unsupported("A category needs a name.")
        known = self._named(name)
        if known:
            return known
        try:
            made = self._graph.post(self._url, {"displayName": name, "color": "none"}, "to add a category")
        except (Forbidden, FolderGone):
            self._bare.add(name)
            return Label(name, name, LabelKind.CATEGORY)
        except ConnectorError as error:
            made = self._made_meanwhile(name, error)
        self._master = None
        return Label(str(made.get("id") or name), name, LabelKind.CATEGORY)

    def _made_meanwhile(self, name: str, error: ConnectorError) -> dict[str, str]:
        """The category that is there after all: somebody was faster, or only the answer was lost."""
        if not isinstance(error, NoAnswer) and type(error) is not ConnectorError:
            raise error
        self._master = None
        known = self._named(name)
        if known is None:
            raise error
        return {"id": known.id}

    def _named(self, name: str) -> Label | None:
        for id, known in self.master().items():
            if known.casefold() == name.casefold():
                return Label(id, known, LabelKind.CATEGORY)
        return None
