"""The contact folders of the account and of the mailboxes that are shared with it.

Graph leaves the default folder out of the list of folders (learn.microsoft.com/graph/known-issues): it answers under
the name ``contacts``, and the list holds what lies directly below it. Contacts of sub-folders are in none of the
folders above them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from connectors.base import Folder, FolderGone
from connectors.outlook.batch import Inner, Request
from connectors.outlook.errors import error_for, mailbox_error
from connectors.outlook.graph import Graph, Place, entries_of, query

_LIST: Final = query(top=100)
_COUNT: Final = query(top=1, select="id,parentFolderId", count="true")


def folders_of(graph: Graph, mailbox: str = "") -> list[Folder]:
    """All folders, each after the one that it lies in."""
    owner = Place("", mailbox).owner
    first = [
        Request("GET", f"{owner}/contactFolders/contacts"),
        Request("GET", f"{owner}/contacts{_COUNT}"),
        Request("GET", f"{owner}/contactFolders{_LIST}"),
    ]
    named, contacts, listed = graph.read_all(first)
    root = _default(named, contacts, mailbox)
    found = {root.id: root}
    _add(found, _children(graph, listed, mailbox), root, mailbox)
    level = [folder for folder in found.values() if folder is not root]
    while level:
        level = _descend(graph, found, level, mailbox)
    return _in_order(found, root)


def _default(named: Inner, contacts: Inner, mailbox: str) -> Folder:
    if not contacts.ok:
        raise mailbox_error(contacts.status, contacts.body, mailbox)
    body = named.body if named.ok and isinstance(named.body, dict) else {}
    held = entries_of(contacts.body)
    id = body.get("id") or (held[0].get("parentFolderId") if held else "")
    if not id:
        raise FolderGone("Outlook does not name the mailbox's folder Contacts. Put a contact into it and try again.")
    name = str(body.get("displayName") or "Contacts")
    path = f"{mailbox}/{name}" if mailbox else name
    return Folder(Place(str(id), mailbox).id, name, path, count=_count(contacts))


def _descend(graph: Graph, found: dict[str, Folder], level: Sequence[Folder], mailbox: str) -> list[Folder]:
    """Counts the folders of a level and finds those below them."""
    places = [Place.of(folder.id) for folder in level]
    requests = [
        request
        for place in places
        for request in (
            Request("GET", f"{place.url}/childFolders{_LIST}"),
            Request("GET", place.contacts + _COUNT),
        )
    ]
    inners = graph.read_all(requests)
    below: list[Folder] = []
    for folder, listed, counted in zip(level, inners[::2], inners[1::2], strict=True):
        if counted.status == 404:  # deleted in this moment
            del found[folder.id]
            continue
        found[folder.id] = Folder(folder.id, folder.name, folder.path, folder.parent, count=_count(counted))
        below += _add(found, _children(graph, listed, mailbox), folder, mailbox)
    return below


def _children(graph: Graph, listed: Inner, mailbox: str) -> Iterator[dict[str, Any]]:
    if listed.status == 404 and mailbox:
        return  # one folder can be shared without the ones below it
    if not listed.ok:
        raise error_for(listed.status, listed.body, "its folders")
    yield from entries_of(listed.body)
    following = listed.body.get("@odata.nextLink")
    if following:
        for page in graph.pages(graph.own(following), "its folders"):
            yield from page


def _add(found: dict[str, Folder], children: Iterator[dict[str, Any]], parent: Folder, mailbox: str) -> list[Folder]:
    """Takes in what is not known yet; the default folder, where a mailbox lists it, is known."""
    new = []
    for child in children:
        id = Place(str(child.get("id") or ""), mailbox).id
        name = str(child.get("displayName") or "").strip()
        if name and child.get("id") and id not in found:
            folder = Folder(id, name, f"{parent.path}/{name}", parent.id)
            found[id] = folder
            new.append(folder)
    return new


def _in_order(found: dict[str, Folder], root: Folder) -> list[Folder]:
    return [root, *sorted((one for one in found.values() if one.id != root.id), key=lambda one: one.path.casefold())]


def _count(inner: Inner) -> int | None:
    """What lies in the folder: Graph counts distribution lists too, which it never hands out."""
    count = inner.body.get("@odata.count") if isinstance(inner.body, dict) else None
    return count if isinstance(count, int) else None
