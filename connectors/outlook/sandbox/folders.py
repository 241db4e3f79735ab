"""Contact folders (learn.microsoft.com/graph/api/resources/contactfolder).

The listing shows the folders below the default folder "Contacts", not that folder itself, which answers under the
well-known name `contacts`.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.outlook.sandbox import filters, ids
from connectors.outlook.sandbox.call import LARGEST_PAGE, Call
from connectors.outlook.sandbox.errors import GraphError, bad_request, not_supported
from connectors.outlook.sandbox.shape import Data
from connectors.sandboxkit.database import Row
from connectors.sandboxkit.web import Response

DEFAULT_PAGE = 10
PROPERTIES = ("id", "displayName", "parentFolderId")


def render(call: Call, row: Row) -> Data:
    value: Data = {
        "id": ids.folder_id(call.mailbox.guid, row["id"]),
        "parentFolderId": ids.folder_id(call.mailbox.guid, row["parent"]),
        "displayName": row["name"],
    }
    select = [name.strip() for name in call.options.get("select", "").split(",") if name.strip()]
    for name in select:
        if name not in PROPERTIES:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.contactFolder'."
            )
    return {name: value[name] for name in value if not select or name == "id" or name in select}


def collection(call: Call, parent: int, name: str, *, top_level: bool) -> Response:
    if call.request.method == "GET":
        return _listing(call, parent, name, top_level=top_level)
    if call.request.method == "POST":
        return _create(call, parent, name)
    raise not_supported()


def _listing(call: Call, parent: int, name: str, *, top_level: bool) -> Response:
    call.need("Contacts.Read", "Contacts.ReadWrite")
    rows: Sequence[Row] = call.store.children(call.mailbox, parent)
    if top_level and call.mailbox.on("lists_default_folder"):
        rows = [call.store.folder(call.mailbox, parent), *rows]
    if "filter" in call.options:
        test = filters.parse(call.options["filter"]).test
        rows = [row for row in rows if test({"displayName": row["name"]}, {})]
    size = min(call.page_size or call.number("top", DEFAULT_PAGE), LARGEST_PAGE)
    skip = call.number("skip", 0)
    answer: Data = {"@odata.context": call.context(f"{call.owner}/{name}")}
    if call.flag("count"):
        answer["@odata.count"] = len(rows)
    answer["value"] = [render(call, row) for row in rows[skip : skip + size]]
    if len(rows) > skip + size:
        answer["@odata.nextLink"] = call.next_link({"$skip": str(skip + size)})
    return call.answer(answer)


def _create(call: Call, parent: int, name: str) -> Response:
    call.need("Contacts.ReadWrite")
    body = call.body()
    if body.get("parentFolderId"):
        parent = call.store.folder_by_key(call.mailbox, str(body["parentFolderId"]))["id"]
    display = _free_name(call, parent, body.get("displayName"))
    row = call.store.add_folder(call.mailbox, parent, display)
    return call.answer({"@odata.context": _context(call, name), **render(call, row)}, 201)


def _free_name(call: Call, parent: int, name: object, own: int = 0) -> str:
    if not isinstance(name, str) or not name.strip():
        raise bad_request("The property 'DisplayName' is required when creating the entity.", "ErrorInvalidProperty")
    siblings = (row for row in call.store.children(call.mailbox, parent) if row["id"] != own)
    if any(row["name"].lower() == name.lower() for row in siblings):
        raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")
    return name


def _context(call: Call, name: str) -> str:
    return call.context(f"{call.owner}/{name}/$entity")


def entity(call: Call, row: Row) -> Response:
    if call.request.method == "GET":
        call.need("Contacts.Read", "Contacts.ReadWrite")
        return call.answer({"@odata.context": _context(call, "contactFolders"), **render(call, row)})
    call.need("Contacts.ReadWrite")
    if call.request.method == "PATCH":
        return _update(call, row)
    if call.request.method == "DELETE":
        if row["role"]:
            raise GraphError(403, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
        call.store.delete_folder(call.mailbox, row)
        return Response(204)
    raise not_supported()


def _update(call: Call, row: Row) -> Response:
    """A new name, another parent, or both."""
    body = call.body()
    parent, name = row["parent"], body.get("displayName", row["name"])
    if body.get("parentFolderId"):
        parent = call.store.folder_by_key(call.mailbox, str(body["parentFolderId"]))["id"]
        if row["id"] in call.store.ancestors(call.mailbox, parent):
            raise bad_request("A folder cannot be moved into itself.", "ErrorInvalidRequest")
    if (parent, name) != (row["parent"], row["name"]):
        call.store.update_folder(call.mailbox, row, parent, _free_name(call, parent, name, row["id"]))
    row = call.store.folder(call.mailbox, row["id"])
    return call.answer({"@odata.context": _context(call, "contactFolders"), **render(call, row)})
