"""/crm/v3/objects/{type}/search: filters over an index that shows the account as it was a moment ago (CRM search)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from connectors.hubspot.sandbox import index, objects
from connectors.hubspot.sandbox.call import Call
from connectors.hubspot.sandbox.definitions import COMPANIES, CONTACTS, NAMES, STAMPS, Property
from connectors.hubspot.sandbox.errors import invalid
from connectors.hubspot.sandbox.store import Record
from connectors.hubspot.sandbox.values import milliseconds
from connectors.sandboxkit.web import Response, json_response

PAGE, MOST = 10, 200
LONGEST_BODY = 3_000
MOST_GROUPS, MOST_FILTERS, MOST_IN_ALL = 5, 6, 18
OPERATORS = (
    *("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"),
    *("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"),
)
WORDS = {
    CONTACTS: ("firstname", "lastname", "email", "phone", "hs_additional_emails", "fax", "mobilephone", "company"),
    COMPANIES: ("name", "domain", "phone", "website"),
}
Filter = Mapping[str, Any]


def handle(call: Call, type: str) -> Response:
    """The page is cut out of the index; what is no longer live is then dropped from it but still counted."""
    call.need_records(type, "read")
    body = call.body()
    if len(call.request.body.decode("utf-8", "replace")) > LONGEST_BODY:
        raise invalid(f"The request body is longer than {LONGEST_BODY} characters")
    groups = _groups(call, type, body)
    size, start = _number(body, "limit", PAGE), _number(body, "after", 0)
    if not 0 < size <= MOST:
        raise invalid(f"The limit of a search is {MOST} results a page")
    window = int(call.account.on("search_window"))
    if start and start >= window:
        raise invalid(f"Paging is limited to {window} results; narrow the search")
    order = _order(call, type, body.get("sorts") or [])
    total, page = _found(call, type, groups, str(body.get("query") or ""), order, (start, min(start + size, window)))
    live = call.store.among(call.account, type, [one.id for one in page])
    names = objects.read_names(call, type, [str(name) for name in body.get("properties") or []])
    results = [objects.answer(call, one, names) for one in page if one.id in live]
    answer: dict[str, Any] = {"total": total, "results": call.shown(results)}
    if start + size < total:
        answer["paging"] = {"next": {"after": str(start + size)}}
    return json_response(answer)


def _number(body: Mapping[str, Any], name: str, default: int) -> int:
    text = str(body.get(name) if body.get(name) not in (None, "") else default)
    if not text.isdecimal():
        raise invalid(f"{name} must be a whole number")
    return int(text)


def _groups(call: Call, type: str, body: Mapping[str, Any]) -> list[list[Filter]]:
    """Filters of a group are ANDed, groups ORed."""
    listed = body.get("filterGroups") or ([{"filters": body["filters"]}] if body.get("filters") else [])
    groups: list[list[Filter]] = [list(group.get("filters") or []) for group in listed]
    if len(groups) > MOST_GROUPS:
        raise invalid(f"A search may have {MOST_GROUPS} filter groups, not {len(groups)}")
    if any(len(group) > MOST_FILTERS for group in groups) or sum(map(len, groups)) > MOST_IN_ALL:
        raise invalid(f"A search may have {MOST_FILTERS} filters in a group and {MOST_IN_ALL} in all")
    known = call.properties(type)
    for one in (one for group in groups for one in group):
        name, operator = str(one.get("propertyName", "")).lower(), one.get("operator")
        if name not in known and not name.startswith("associations."):
            raise invalid(f"There was a problem with the request: the property {name} does not exist")
        if operator not in OPERATORS:
            raise invalid(f"Invalid input JSON on line 1, column 1: {operator} is no operator")
        needed = {"IN": "values", "NOT_IN": "values", "HAS_PROPERTY": "", "NOT_HAS_PROPERTY": ""}.get(operator, "value")
        if needed and one.get(needed) in (None, "", []) or operator == "BETWEEN" and not one.get("highValue"):
            raise invalid(f"There was a problem with the request: the filter on {name} has no {needed}")
    return groups


def _found(
    call: Call,
    type: str,
    groups: Sequence[Sequence[Filter]],
    query: str,
    order: tuple[str, bool],
    place: tuple[int, int],
) -> tuple[int, Sequence[Record]]:
    """How many the index has of what is wanted, and those of a page."""
    fault = call.fault("lag")
    lag = float(call.account.on("search_lag")) + (float(fault.options.get("seconds", 60)) if fault else 0.0)
    until = call.store.now() - int(lag * 1000) if lag else index.PRESENT
    every = [_bounds(group) for group in groups]
    if len(groups) <= 1 and None not in every and not query and order[0] in index.FAST:
        bounds = (every[0] if every else None) or []
        by = (index.FAST[order[0]], order[1])
        return index.page(call.store, call.account, type, until, bounds, by, place)
    since: list[index.Bound] = [("updated", ">=", _since(type, groups))]
    found = index.records(call.store, call.account, type, until, since)
    found = _sorted(call, type, [one for one in found if _wanted(call, one, groups, query)], order)
    return len(found), found[place[0] : place[1]]


def _bounds(group: Sequence[Filter]) -> list[index.Bound] | None:
    """The filters of a group as the database understands them; None where it does not."""
    found: list[index.Bound] = []
    for one in group:
        name, operator = str(one["propertyName"]).lower(), str(one["operator"])
        texts = [("GTE", one.get("value")), ("LTE", one.get("highValue"))] if operator == "BETWEEN" else []
        for sign, text in texts or [(operator, one.get("value"))]:
            value = milliseconds(str(text))
            whole = value is not None and (name != "hs_object_id" or str(text).isdecimal())
            if name not in index.FAST or sign not in index.SIGNS or value is None or not whole:
                return None
            found.append((index.FAST[name], index.SIGNS[sign], int(str(text)) if name == "hs_object_id" else value))
    return found


def _since(type: str, groups: Sequence[Sequence[Filter]]) -> int:
    bounds = []
    for group in groups:
        stamps = [
            milliseconds(str(one.get("value")))
            for one in group
            if str(one["propertyName"]).lower() == STAMPS[type] and one["operator"] in ("GT", "GTE", "EQ", "BETWEEN")
        ]
        bounds.append(max((stamp for stamp in stamps if stamp is not None), default=0))
    return min(bounds, default=0)


def _wanted(call: Call, record: Record, groups: Sequence[Sequence[Filter]], query: str) -> bool:
    if query:
        texts = " ".join(record.value(name) or "" for name in WORDS[record.type]).lower()
        if not all(word in texts for word in query.lower().split()):
            return False
    return not groups or any(all(_fits(call, record, one) for one in group) for group in groups)


def _fits(call: Call, record: Record, one: Filter) -> bool:
    name, operator = str(one["propertyName"]).lower(), str(one["operator"])
    if name.startswith("associations."):
        others = call.links.of(record.type, record.id, call.type(name.partition(".")[2]))
        ids = [str(id) for id in others]
        wanted = [str(value) for value in one.get("values") or [one.get("value")]]
        if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
            return bool(ids) == (operator == "HAS_PROPERTY")
        return any(id in wanted for id in ids) != (operator in ("NEQ", "NOT_IN"))
    value = record.value(name) or ""
    if operator == "HAS_PROPERTY":
        return bool(value)
    if operator == "NOT_HAS_PROPERTY":
        return not value
    return bool(value) and compares(call.properties(record.type)[name], value, operator, one)


def compares(known: Property, value: str, operator: str, one: Filter) -> bool:
    """Whether a value that is there passes a filter."""
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return _has_token(value, str(one["value"])) == (operator == "CONTAINS_TOKEN")
    mine = comparable(known, value)
    several = known.several or (known.type == "enumeration" and "C" in known.flags)  # such as further addresses
    if operator in ("IN", "NOT_IN"):
        texts = [str(wanted) for wanted in one["values"]]
        if several:
            hit = bool(set(value.split(";")) & set(texts))
        else:  # texts are kept in lower case by the index, and a list of values is compared as it stands
            hit = mine in (texts if known.type == "string" else [comparable(known, text) for text in texts])
        return hit == (operator == "IN")
    wanted = comparable(known, str(one["value"]))
    if operator in ("EQ", "NEQ"):
        equal = str(one["value"]) in value.split(";") if several else mine == wanted
        return equal == (operator == "EQ")
    if isinstance(mine, str) != isinstance(wanted, str):
        return False
    match operator:
        case "LT":
            return bool(mine < wanted)
        case "LTE":
            return bool(mine <= wanted)
        case "GT":
            return bool(mine > wanted)
        case "GTE":
            return bool(mine >= wanted)
    return bool(wanted <= mine <= comparable(known, str(one["highValue"])))


def comparable(known: Property, text: str) -> Any:
    """A value in the form in which it is compared: numbers and moments as numbers, texts in lower case."""
    if known.type in ("date", "datetime"):
        found = milliseconds(text)
        return text.lower() if found is None else float(found)
    if known.type == "number":
        try:
            return float(text)
        except ValueError:
            return text.lower()
    return text if known.type == "enumeration" else text.lower()


def _has_token(value: str, wanted: str) -> bool:
    value, wanted = value.lower(), wanted.lower().strip()
    tokens = re.findall(r"\w+", value)
    if "*" in wanted:
        pattern = wanted.replace("[", "[[]")
        return any(fnmatchcase(one, pattern) for one in (value, *value.split(), *tokens))
    sought = re.findall(r"\w+", wanted)
    return bool(sought) and any(tokens[place : place + len(sought)] == sought for place in range(len(tokens)))


def _order(call: Call, type: str, sorts: Sequence[Any]) -> tuple[str, bool]:
    """The property to sort by, and whether backwards."""
    if len(sorts) > 1:
        raise invalid("Only one sort is allowed")
    if not sorts:
        return "createdate", False
    if isinstance(sorts[0], str):
        name, back = sorts[0].lstrip("-"), sorts[0].startswith("-")
    else:
        name, back = str(sorts[0].get("propertyName", "")), sorts[0].get("direction") == "DESCENDING"
    if name.lower() not in call.properties(type):
        raise invalid(f"There was a problem with the request: {NAMES[type][1]} cannot be sorted by {name}")
    return name.lower(), back


def _sorted(call: Call, type: str, found: Sequence[Record], order: tuple[str, bool]) -> list[Record]:
    name, back = order
    known = call.properties(type)[name]
    filled = [(comparable(known, one.value(name) or ""), one.id, one) for one in found if one.value(name)]
    filled.sort(key=lambda item: (isinstance(item[0], str), item[0], item[1]), reverse=back)
    return [*(one for _, _, one in filled), *(one for one in found if not one.value(name))]
