"""Master categories of a mailbox (learn.microsoft.com/graph/api/resources/outlookcategory).

Contacts hold plain names, also such as are not in the master list; deleting an entry leaves the names on contacts.
"""

from __future__ import annotations

from connectors.outlook.sandbox.call import Call
from connectors.outlook.sandbox.errors import GraphError, bad_request, item_not_found, not_supported
from connectors.outlook.sandbox.shape import Data
from connectors.sandboxkit.database import Row
from connectors.sandboxkit.web import Response

COLORS = frozenset({"none", *(f"preset{number}" for number in range(25))})
_CONTEXT = "outlook/masterCategories"


def render(row: Row) -> Data:
    return {"id": row["id"], "displayName": row["name"], "color": row["color"]}


def handle(call: Call, key: str) -> Response:
    """.../outlook/masterCategories and, with a key, one of them."""
    method = call.request.method
    if method == "GET":
        call.need("MailboxSettings.Read", "MailboxSettings.ReadWrite")
    else:
        call.need("MailboxSettings.ReadWrite")
    if not key:
        if method == "GET":
            return _listing(call)
        if method == "POST":
            return _create(call)
        raise not_supported()
    row = call.store.database.one(
        "SELECT * FROM outlook_category WHERE mailbox = ? AND id = ?", (call.mailbox.number, key)
    )
    if row is None:
        raise item_not_found()
    if method == "PATCH":
        return _recolor(call, row)
    if method == "DELETE":
        call.store.database.execute("DELETE FROM outlook_category WHERE id = ?", (key,))
        return Response(204)
    if method != "GET":
        raise not_supported()
    return call.answer({"@odata.context": call.context(f"{call.owner}/{_CONTEXT}/$entity"), **render(row)})


def _listing(call: Call) -> Response:
    """All of them; the service pages only when asked to."""
    rows = call.store.database.all(
        "SELECT * FROM outlook_category WHERE mailbox = ? ORDER BY rowid", (call.mailbox.number,)
    )
    skip = call.number("skip", 0)
    size = call.number("top", max(1, len(rows)))
    answer: Data = {
        "@odata.context": call.context(f"{call.owner}/{_CONTEXT}"),
        "value": [render(row) for row in rows[skip : skip + size]],
    }
    if len(rows) > skip + size:
        answer["@odata.nextLink"] = call.next_link({"$skip": str(skip + size)})
    return call.answer(answer)


def _color(value: object) -> str:
    if value is None:
        return "none"
    if value not in COLORS:
        raise GraphError(400, "RequestBodyRead", "Cannot convert a value to the expected type 'categoryColor'.")
    return str(value)


def _create(call: Call) -> Response:
    body = call.body()
    name = body.get("displayName")
    if not isinstance(name, str) or not name.strip():
        raise bad_request("The property 'DisplayName' is required when creating the entity.", "ErrorInvalidProperty")
    known = call.store.database.one(
        "SELECT 1 FROM outlook_category WHERE mailbox = ? AND name = ?", (call.mailbox.number, name)
    )
    if known is not None:
        raise GraphError(409, "ErrorCategoryExists", "A category with the specified name already exists.")
    key = call.store.add_category(call.mailbox.number, name, _color(body.get("color")))
    value = {"id": key, "displayName": name, "color": _color(body.get("color"))}
    return call.answer({"@odata.context": call.context(f"{call.owner}/{_CONTEXT}/$entity"), **value}, 201)


def _recolor(call: Call, row: Row) -> Response:
    body = call.body()
    if "displayName" in body and body["displayName"] != row["name"]:
        raise bad_request("The property 'DisplayName' cannot be changed.", "ErrorInvalidProperty")
    color = _color(body.get("color", row["color"]))
    call.store.database.execute("UPDATE outlook_category SET color = ? WHERE id = ?", (color, row["id"]))
    return call.answer({**render(row), "color": color})
