"""Users as far as a contacts client meets them, and the translation of ids."""

from __future__ import annotations

from connectors.outlook.sandbox import ids
from connectors.outlook.sandbox.call import Call
from connectors.outlook.sandbox.errors import access_denied, bad_request, not_supported
from connectors.outlook.sandbox.shape import Data
from connectors.outlook.sandbox.store import Mailbox
from connectors.sandboxkit.web import Response

MOST_IDS = 1000
ID_TYPES = frozenset({"entryId", "ewsId", "immutableEntryId", "restId", "restImmutableEntryId"})


def user_value(mailbox: Mailbox) -> Data:
    given, _, surname = mailbox.name.rpartition(" ")
    return {
        "businessPhones": [],
        "displayName": mailbox.name,
        "givenName": given or None,
        "jobTitle": None,
        "mail": mailbox.email if mailbox.kind == "work" else None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": "en-US",
        "surname": surname or None,
        "userPrincipalName": mailbox.email,
        "id": mailbox.user_id,
    }


def user(call: Call) -> Response:
    if call.request.method != "GET":
        raise not_supported()
    if not call.scopes & {"user.read", "user.readwrite", "user.read.all", "user.readbasic.all"}:
        raise access_denied()
    value = user_value(call.mailbox)
    select = [name.strip() for name in call.options.get("select", "").split(",") if name.strip()]
    if select:
        value = {name: value[name] for name in value if name in select}
    return call.answer({"@odata.context": call.context("users/$entity"), **value})


def translate(call: Call) -> Response:
    """Between ordinary and immutable ids (learn.microsoft.com/graph/api/user-translateexchangeids)."""
    if call.request.method != "POST":
        raise not_supported()
    body = call.body()
    inputs, source, target = (body.get(key) for key in ("inputIds", "sourceIdType", "targetIdType"))
    if not isinstance(inputs, list) or len(inputs) > MOST_IDS or source not in ID_TYPES or target not in ID_TYPES:
        raise bad_request("inputIds (at most 1000), sourceIdType and targetIdType are required.")
    return call.answer(
        {
            "@odata.context": call.context("Collection(microsoft.graph.convertIdResult)"),
            "value": [_translated(call, str(item), immutable=target == "restImmutableEntryId") for item in inputs],
        }
    )


def _translated(call: Call, source: str, *, immutable: bool) -> Data:
    try:
        named = ids.decode(source, call.mailbox.guid, ids.ORDINARY, ids.IMMUTABLE)
    except ids.MalformedId:
        return {"sourceId": source, "errorDetails": {"code": "ErrorInvalidIdMalformed", "message": "Id is malformed."}}
    contact = call.store.by_number(named.number)
    if contact is None:
        return {
            "sourceId": source,
            "errorDetails": {"code": "ErrorItemNotFound", "message": "The item was not found."},
        }
    target = ids.contact_id(call.mailbox.guid, contact.number, contact.folder, immutable=immutable)
    return {"sourceId": source, "targetId": target}
