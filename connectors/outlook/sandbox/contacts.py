"""Contacts: list, read, create, update, delete (learn.microsoft.com/graph/api/resources/contact)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.outlook.sandbox import filters, ids, past
from connectors.outlook.sandbox.call import DEFAULT_PAGE, LARGEST_PAGE, Call, timestamp
from connectors.outlook.sandbox.errors import bad_request, conflict, not_supported
from connectors.outlook.sandbox.expand import Expansion, expanded, store_extended
from connectors.outlook.sandbox.shape import (
    EMAIL_ECHOES,
    NAVIGATION,
    PROPERTIES,
    STRINGS,
    Data,
    created,
    invalid_property,
    patched,
    rewritten,
)
from connectors.outlook.sandbox.store import Contact
from connectors.sandboxkit.web import Response

SORTABLE = frozenset({*STRINGS, "birthday"})
LONGEST_LISTED_NOTE = 256


def render(call: Call, contact: Contact, select: Sequence[str] = ()) -> Data:
    """A contact as the service answers it. `select`: property names; empty for all."""
    key = ids.change_key(call.mailbox.guid, contact.seq)
    whole: Data = {
        "@odata.etag": ids.etag(key),
        "id": ids.contact_id(call.mailbox.guid, contact.number, contact.folder, immutable=call.immutable),
        "createdDateTime": timestamp(contact.created),
        "lastModifiedDateTime": timestamp(contact.modified),
        "changeKey": key,
        "parentFolderId": ids.folder_id(call.mailbox.guid, contact.folder),
        **contact.data,
    }
    if call.mailbox.kind == "personal":
        whole.update(zip(EMAIL_ECHOES, contact.data["emailAddresses"], strict=False))
    if not select:
        return whole
    return {name: whole[name] for name in ("@odata.etag", "id", *select) if name in whole}


def selected(call: Call) -> list[str]:
    text = call.options.get("select", "")
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in PROPERTIES and name not in NAVIGATION:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.contact'."
            )
    return [name for name in names if name != "id"]


def contact_context(call: Call, collection: str) -> str:
    return call.context(f"{call.owner}/{collection}/$entity")


def listing(call: Call, folder: int, collection: str) -> Response:
    """A page of the folder, with the service's own page size of 10 unless asked otherwise."""
    call.need("Contacts.Read", "Contacts.ReadWrite")
    size = min(call.page_size or call.number("top", DEFAULT_PAGE), LARGEST_PAGE)
    skip = call.number("skip", 0)
    expansion = Expansion.parse(call.options.get("expand", ""))
    select = selected(call)
    found = _found(call, folder, skip, size + 1)
    more, page = len(found) > size, _disturbed(call, found[:size])
    value = [_listed(render(call, contact, select)) for contact in page]
    expanded(call, expansion, page, value)
    answer: Data = {"@odata.context": call.context(f"{call.owner}/{collection}")}
    if call.flag("count"):
        answer["@odata.count"] = _count(call, folder)
    answer["value"] = value
    if more:
        answer["@odata.nextLink"] = call.next_link({"$skip": str(skip + size)})
    return call.answer(answer)


def _found(call: Call, folder: int, skip: int, most: int) -> list[Contact]:
    lag = call.fault("lag")
    until = past.horizon(call.store, float(lag.options.get("seconds", 0)) if lag else 0)
    search = call.options.get("search", "").strip('"').lower()
    if "filter" not in call.options and not search:
        order = _order(call)
        if until >= past.PRESENT:
            return past.member_slice(call.store, folder, order, skip, most)
        return past.members(call.store, folder, until)[skip : skip + most]
    if search and skip:
        raise bad_request("The following parameters are not supported with change tracking: '$skip'.")
    matches = _searched(call, folder, search, until) if search else filtered(call, folder, until)
    return matches[skip : skip + most]


def _order(call: Call) -> str:
    """A trusted SQL expression for `$orderby`."""
    parts = []
    for item in filter(None, (part.strip() for part in call.options.get("orderby", "").split(","))):
        name, _, direction = item.partition(" ")
        direction = direction.strip().lower() or "asc"
        if direction not in ("asc", "desc") or (name not in SORTABLE and not name.endswith("DateTime")):
            raise bad_request(f"The property '{name}' does not support ordering.", "ErrorInvalidUrlQuery")
        column = {"createdDateTime": "created", "lastModifiedDateTime": "modified"}.get(name)
        if column is None and name not in SORTABLE:
            raise bad_request(f"Could not find a property named '{name}' on type 'microsoft.graph.contact'.")
        parts.append(f"{column or 'lower(json_extract(data, ' + chr(39) + f'$.{name}' + chr(39) + '))'} {direction}")
    return ", ".join([*parts, "id"])


def _searched(call: Call, folder: int, word: str, until: int) -> list[Contact]:
    return [contact for contact in past.members(call.store, folder, until) if matches_word(contact.data, word)]


def matches_word(data: Mapping[str, Any], word: str) -> bool:
    texts = [data["displayName"], data["companyName"], *(email["address"] for email in data["emailAddresses"])]
    return any(word in text.lower() for text in texts if text)


def filtered(call: Call, folder: int, until: int) -> list[Contact]:
    """The contacts of the folder that pass `$filter`; one on extended properties looks through the whole mailbox."""
    wanted = filters.parse(call.options["filter"])
    if wanted.mailbox_wide:
        numbers = _by_extended(call, wanted, until)
    elif wanted.address is not None and until >= past.PRESENT:
        numbers = _by_address(call, folder, wanted.address)
    else:
        numbers = None
    contacts = past.members(call.store, folder, until) if numbers is None else _by_number(call, numbers)
    properties = _properties(call, contacts) if wanted.mailbox_wide else {}
    return [
        contact
        for contact in contacts
        if wanted.test(
            {**contact.data, "createdDateTime": timestamp(contact.created)} | _server_values(call, contact),
            properties.get(contact.number, {}),
        )
    ]


def _server_values(call: Call, contact: Contact) -> Data:
    return {
        "lastModifiedDateTime": timestamp(contact.modified),
        "parentFolderId": ids.folder_id(call.mailbox.guid, contact.folder),
    }


def _by_extended(call: Call, wanted: filters.Filter, until: int) -> list[int]:
    sql = "SELECT DISTINCT contact FROM outlook_extended WHERE mailbox = ?"
    values: list[Any] = [call.mailbox.number]
    if wanted.extended is not None:
        sql += " AND property = ? AND value = ?"
        values += wanted.extended
    if until < past.PRESENT:
        sql += " AND seq <= ?"
        values.append(until)
    return [row["contact"] for row in call.store.database.all(sql, values)]


def _by_address(call: Call, folder: int, address: str) -> list[int]:
    rows = call.store.database.all(
        "SELECT DISTINCT c.id FROM outlook_address a JOIN outlook_contact c ON c.id = a.contact "
        "WHERE a.address = ? AND c.folder = ? ORDER BY c.id",
        (address, folder),
    )
    return [row["id"] for row in rows]


def _by_number(call: Call, numbers: Sequence[int]) -> list[Contact]:
    found = (call.store.by_number(number) for number in sorted(numbers))
    return [contact for contact in found if contact is not None]


def _properties(call: Call, contacts: Sequence[Contact]) -> dict[int, dict[str, str]]:
    return {
        contact.number: {
            row["property"]: row["value"]
            for row in call.store.database.all("SELECT * FROM outlook_extended WHERE contact = ?", (contact.number,))
        }
        for contact in contacts
    }


def _listed(value: Data) -> Data:
    """Reported of lists alone: a note that begins with a line break loses its line breaks and its end."""
    notes = value.get("personalNotes")
    if notes and notes[0] in "\r\n":
        value["personalNotes"] = notes.replace("\r", "").replace("\n", "")[:LONGEST_LISTED_NOTE]
    return value


def _disturbed(call: Call, page: list[Contact]) -> list[Contact]:
    if call.fault("reorder"):
        page = page[::-1]
    if page and call.fault("duplicate"):
        page = [*page, page[0]]
    return page


def _count(call: Call, folder: int) -> int:
    if "filter" in call.options:
        return len(filtered(call, folder, past.PRESENT))
    number: int = call.store.database.value("SELECT count(*) FROM outlook_contact WHERE folder = ?", (folder,))
    return number


def count(call: Call, folder: int) -> Response:
    call.need("Contacts.Read", "Contacts.ReadWrite")
    return Response(200, str(_count(call, folder)).encode(), {"Content-Type": "text/plain"})


def create(call: Call, folder: int, collection: str) -> Response:
    call.need("Contacts.ReadWrite")
    body = call.body()
    if call.mailbox.on("given_name_required") and not body.get("givenName"):
        raise invalid_property("The property 'GivenName' is required when creating the entity.")
    data = _rewritten(call, created(body, call.mailbox.on("max_string_length")))
    contact = call.store.add_contact(call.mailbox, folder, data)
    store_extended(call, contact, body)
    answer = {"@odata.context": contact_context(call, collection), **render(call, contact)}
    location = f"{call.root}/{call.owner}/contacts('{answer['id']}')"
    return call.answer(answer, 201, {"Location": location})


def read(call: Call, contact: Contact, collection: str) -> Response:
    call.need("Contacts.Read", "Contacts.ReadWrite")
    expansion = Expansion.parse(call.options.get("expand", ""))
    value = render(call, contact, selected(call))
    expanded(call, expansion, [contact], [value])
    return call.answer({"@odata.context": contact_context(call, collection), **value})


def update(call: Call, contact: Contact, collection: str) -> Response:
    call.need("Contacts.ReadWrite")
    check_version(call, contact)
    body = call.body()
    data = _rewritten(call, patched(contact.data, body, call.mailbox.on("max_string_length")))
    contact = call.store.change_contact(call.mailbox, contact, data)
    store_extended(call, contact, body)
    prefer = call.request.headers.get("prefer", "").lower()
    if "return=minimal" in prefer or not (call.mailbox.on("patch_returns_body") or "return=representation" in prefer):
        return Response(204)
    return call.answer({"@odata.context": contact_context(call, collection), **render(call, contact)})


def delete(call: Call, contact: Contact, *, for_good: bool = False) -> Response:
    call.need("Contacts.ReadWrite")
    check_version(call, contact)
    call.store.delete_contact(call.mailbox, contact, for_good=for_good)
    return Response(204)


def check_version(call: Call, contact: Contact) -> None:
    wanted = call.request.headers.get("if-match", "*").strip()
    present = ids.etag(ids.change_key(call.mailbox.guid, contact.seq))
    if wanted != "*" and call.mailbox.on("if_match") and present not in (tag.strip() for tag in wanted.split(", ")):
        raise conflict()


def _rewritten(call: Call, data: Data) -> Data:
    fault = call.fault("rewrite")
    if fault is None:
        return data
    return rewritten(data, str(fault.options.get("phones", "")), str(fault.options.get("case", "")))


def collection(call: Call, folder: int, name: str) -> Response:
    """.../contacts"""
    if call.request.method == "GET":
        return listing(call, folder, name)
    if call.request.method == "POST":
        return create(call, folder, name)
    raise not_supported()


def entity(call: Call, contact: Contact, name: str) -> Response:
    """.../contacts/{id}"""
    if call.request.method == "GET":
        return read(call, contact, name)
    if call.request.method == "PATCH":
        return update(call, contact, name)
    if call.request.method == "DELETE":
        return delete(call, contact)
    raise not_supported()
