"""Extended properties and open extensions of a contact, and `$expand` for both.

Extended properties cannot be listed: the caller names their ids (learn.microsoft.com/graph/api/resources/
extended-properties-overview). Answers to writes never repeat them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.outlook.sandbox.call import Call
from connectors.outlook.sandbox.errors import GraphError, bad_request, by_status, item_not_found, not_supported
from connectors.outlook.sandbox.filters import property_key
from connectors.outlook.sandbox.shape import Data, invalid_property
from connectors.outlook.sandbox.store import Contact
from connectors.sandboxkit.web import Response

PREFIX = "Microsoft.OutlookServices.OpenTypeExtension."
_ITEM = re.compile(r"(?P<name>[A-Za-z]+)(?:\(\s*\$filter\s*=\s*(?P<filter>(?:[^()']|'(?:[^']|'')*')*)\))?$")
_IDS = re.compile(r"\s*id\s+eq\s+'((?:[^']|'')*)'\s*(?:or\b|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Expansion:
    """What `$expand` asks for: ids of extended properties as spelled, names of open extensions (empty: all)."""

    properties: tuple[str, ...] = ()
    extensions: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, text: str) -> Expansion:
        properties: tuple[str, ...] = ()
        extensions: tuple[str, ...] | None = None
        for item in _split(text):
            match = _ITEM.match(item)
            name = match["name"].lower() if match else ""
            wanted = _wanted(match["filter"]) if match and match["filter"] else ()
            if name == "singlevalueextendedproperties" and wanted:
                properties += wanted
            elif name == "extensions":
                extensions = tuple(_extension_name(spelled) for spelled in wanted)
            elif name not in ("multivalueextendedproperties", "singlevalueextendedproperties"):
                raise bad_request(f"Parsing OData Select and Expand failed: '{item}' cannot be expanded.")
            elif not wanted:
                raise bad_request("An extended property can only be expanded by its id.", "ErrorInvalidUrlQuery")
        return cls(properties, extensions)


def _split(text: str) -> list[str]:
    """At the commas outside parentheses and quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, sign in enumerate(text):
        if sign == "'":
            quoted = not quoted
        elif not quoted and sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "," and not quoted and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def _wanted(expression: str) -> tuple[str, ...]:
    found, place = [], 0
    while place < len(expression.rstrip()):
        match = _IDS.match(expression, place)
        if match is None:
            raise bad_request("The query filter contains one or more invalid nodes.", "ErrorInvalidUrlQueryFilter")
        found.append(match[1].replace("''", "'"))
        place = match.end()
    return tuple(found)


def _extension_name(spelled: str) -> str:
    if spelled.lower().startswith("microsoft.graph."):  # measured: the other prefix breaks the service
        raise by_status(500)
    return spelled.removeprefix(PREFIX).lower()


def expanded(call: Call, expansion: Expansion, contacts: Sequence[Contact], values: Sequence[Data]) -> None:
    """Adds to each answered contact what was to be expanded; a property that is not set brings no list."""
    wanted = {property_key(spelled): spelled for spelled in expansion.properties}
    if wanted:
        marks = ",".join("?" * len(wanted))
        for contact, value in zip(contacts, values, strict=True):
            rows = call.store.database.all(
                f"SELECT * FROM outlook_extended WHERE contact = ? AND property IN ({marks}) ORDER BY rowid",
                (contact.number, *wanted),
            )
            if rows:
                value["singleValueExtendedProperties"] = [{"id": row["spelled"], "value": row["value"]} for row in rows]
    if expansion.extensions is not None:
        for contact, value in zip(contacts, values, strict=True):
            value["extensions"] = [
                extension
                for extension in _extensions(call, contact)
                if not expansion.extensions or extension["extensionName"].lower() in expansion.extensions
            ]


def store_extended(call: Call, contact: Contact, body: Mapping[str, Any]) -> None:
    """Keeps the extended properties of a POST or PATCH; null takes one away."""
    rows = []
    for item in body.get("singleValueExtendedProperties") or []:
        if not isinstance(item, dict) or not isinstance(item.get("id"), str):
            raise invalid_property("An extended property needs an id and a value.")
        value = item.get("value")
        if value is not None and not isinstance(value, str):
            raise GraphError(400, "RequestBodyRead", "Cannot convert a value to the expected type 'Edm.String'.")
        rows.append((property_key(item["id"]), item["id"], value))
    if not call.mailbox.on("keeps_extended_properties"):
        return
    for key, spelled, value in rows:
        if value is None:
            call.store.database.execute(
                "DELETE FROM outlook_extended WHERE contact = ? AND property = ?", (contact.number, key)
            )
        else:
            call.store.database.execute(
                "INSERT OR REPLACE INTO outlook_extended VALUES (?, ?, ?, ?, ?, ?)",
                (contact.number, call.mailbox.number, key, spelled, value, contact.seq),
            )


# ---- open extensions, reached through their own address


def _extensions(call: Call, contact: Contact) -> list[Data]:
    rows = call.store.database.all("SELECT * FROM outlook_extension WHERE contact = ? ORDER BY name", (contact.number,))
    return [_rendered(row["name"], orjson.loads(row["data"])) for row in rows]


def _rendered(name: str, data: Data) -> Data:
    return {
        "@odata.type": "#microsoft.graph.openTypeExtension",
        "id": f"{PREFIX}{name}",
        "extensionName": name,
        **data,
    }


def extension_collection(call: Call, contact: Contact) -> Response:
    if call.request.method == "GET":
        call.need("Contacts.Read", "Contacts.ReadWrite")
        return call.answer({"@odata.context": call.context("extensions"), "value": _extensions(call, contact)})
    if call.request.method != "POST":
        raise not_supported()
    call.need("Contacts.ReadWrite")
    body = call.body()
    name = body.get("extensionName")
    if not isinstance(name, str) or not name:
        raise invalid_property("The property 'extensionName' is required when creating the entity.")
    return call.answer(_save(call, contact, name, body), 201)


def extension_entity(call: Call, contact: Contact, key: str) -> Response:
    name = key.removeprefix(PREFIX)
    row = call.store.database.one(
        "SELECT * FROM outlook_extension WHERE contact = ? AND name = ?", (contact.number, name)
    )
    if row is None:
        raise item_not_found()
    if call.request.method == "GET":
        call.need("Contacts.Read", "Contacts.ReadWrite")
        return call.answer(_rendered(row["name"], orjson.loads(row["data"])))
    call.need("Contacts.ReadWrite")
    if call.request.method == "PATCH":
        return call.answer(_save(call, contact, row["name"], {**orjson.loads(row["data"]), **call.body()}))
    if call.request.method == "DELETE":
        call.store.database.execute(
            "DELETE FROM outlook_extension WHERE contact = ? AND name = ?", (contact.number, name)
        )
        return Response(204)
    raise not_supported()


def _save(call: Call, contact: Contact, name: str, body: Mapping[str, Any]) -> Data:
    data = {key: value for key, value in body.items() if "@" not in key and key not in ("id", "extensionName")}
    call.store.database.execute(
        "INSERT OR REPLACE INTO outlook_extension VALUES (?, ?, ?)", (contact.number, name, orjson.dumps(data))
    )
    return _rendered(name, data)
