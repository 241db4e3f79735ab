"""The filters of lists (Lists, List filters), as far as they look at a record's own properties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.hubspot.sandbox.definitions import Property
from connectors.hubspot.sandbox.errors import invalid
from connectors.hubspot.sandbox.search import comparable
from connectors.hubspot.sandbox.store import Record

Branch = Mapping[str, Any]
_BOTH = {"IS_EQUAL_TO", "IS", "IS_EXACTLY", "IS_ANY_OF", "CONTAINS", "STARTS_WITH", "ENDS_WITH", "IS_KNOWN"}
_AGAINST = {"IS_NOT_EQUAL_TO", "IS_NOT", "IS_NONE_OF", "DOES_NOT_CONTAIN", "IS_UNKNOWN"}
_ORDERED = {"IS_GREATER_THAN", "IS_LESS_THAN", "IS_AFTER", "IS_BEFORE"}
OPERATORS = _BOTH | _AGAINST | _ORDERED


def check(known: Mapping[str, Property], branch: Branch) -> None:
    """Refuses what names no property or no operator."""
    for one in branch.get("filters") or ():
        operator = (one.get("operation") or {}).get("operator")
        if one.get("filterType") != "PROPERTY" or one.get("property") not in known or operator not in OPERATORS:
            raise invalid(f"The filter on {one.get('property')} is not valid")
    for inner in branch.get("filterBranches") or ():
        check(known, inner)


def fits(known: Mapping[str, Property], record: Record, branch: Branch) -> bool:
    filters, branches = branch.get("filters") or [], branch.get("filterBranches") or []
    results = [
        *(_fits(known[one["property"]], record.value(one["property"]) or "", one["operation"]) for one in filters),
        *(fits(known, record, inner) for inner in branches),
    ]
    kind = branch.get("filterBranchType") or branch.get("filterBranchOperator")
    return any(results) if kind == "OR" else bool(results) and all(results)


def _fits(known: Property, value: str, operation: Branch) -> bool:
    operator = str(operation["operator"])
    wanted = operation.get("values") or ([operation["value"]] if "value" in operation else [])
    if operator in _ORDERED:
        mine, bound = comparable(known, value), comparable(known, str(wanted[0])) if wanted else ""
        return (
            bool(value)
            and type(mine) is type(bound)
            and (mine > bound) == (operator in ("IS_GREATER_THAN", "IS_AFTER"))
        )
    if operator in _AGAINST:
        return not _matches(known, value, operator, wanted)
    return _matches(known, value, operator, wanted)


def _matches(known: Property, value: str, operator: str, wanted: Sequence[Any]) -> bool:
    if operator in ("IS_KNOWN", "IS_UNKNOWN"):
        return bool(value)
    texts = [str(one).lower() for one in wanted]
    lower = value.lower()
    match operator:
        case "CONTAINS" | "DOES_NOT_CONTAIN":
            return any(text in lower for text in texts)
        case "STARTS_WITH":
            return any(lower.startswith(text) for text in texts)
        case "ENDS_WITH":
            return any(lower.endswith(text) for text in texts)
    held = {comparable(known, part) for part in value.split(";")} if known.several else {comparable(known, value)}
    return bool(value) and bool(held & {comparable(known, str(one)) for one in wanted})
