"""A contact's photo: read and replaced, never removed; no change tracking
(learn.microsoft.com/graph/api/profilephoto-get)."""

from __future__ import annotations

import hashlib

from connectors.outlook.sandbox.call import Call
from connectors.outlook.sandbox.errors import GraphError, item_not_found, not_supported
from connectors.outlook.sandbox.store import Contact
from connectors.sandboxkit.web import Response

LARGEST = 4 * 1024 * 1024


def handle(call: Call, contact: Contact, *, content: bool) -> Response:
    """.../photo and .../photo/$value"""
    if call.request.method in ("PUT", "PATCH") and content:
        return _replace(call, contact)
    if call.request.method != "GET":
        raise not_supported()
    call.need("Contacts.Read", "Contacts.ReadWrite")
    row = call.store.database.one("SELECT * FROM outlook_photo WHERE contact = ?", (contact.number,))
    if row is None:
        raise item_not_found()
    tag = hashlib.sha256(row["content"]).hexdigest()[:16]
    if content:
        return Response(200, bytes(row["content"]), {"Content-Type": row["kind"], "ETag": f'"{tag}"'})
    return call.answer(
        {
            "@odata.context": call.context(f"{call.owner}/contacts/photo/$entity"),
            "@odata.mediaContentType": row["kind"],
            "@odata.mediaEtag": f'"{tag}"',
            "id": "240X240",
            "width": 240,
            "height": 240,
        }
    )


def _replace(call: Call, contact: Contact) -> Response:
    call.need("Contacts.ReadWrite")
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip()
    if not kind.startswith("image/"):
        raise GraphError(400, "ErrorInvalidImage", "The content type of the photo must be an image type.")
    if not call.request.body or len(call.request.body) > LARGEST:
        raise GraphError(413, "RequestEntityTooLarge", "The photo must be smaller than 4 MB.")
    call.store.database.execute(
        "INSERT OR REPLACE INTO outlook_photo VALUES (?, ?, ?)", (contact.number, kind, call.request.body)
    )
    return Response(200)
