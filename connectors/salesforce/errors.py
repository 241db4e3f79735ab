"""What Salesforce's error answers mean. Branches on codes, never on texts; only an administrator's own words, those of
validation rules, are passed on to people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.base import AuthLost, ConnectorError, Field, FolderGone, Forbidden, Throttled, Unavailable, Unsupported

LIMIT_WAIT: Final = 900.0  # seconds; the limit counts the last 24 hours and the answer names no time
LOCK_WAIT: Final = 5.0
GONE: Final = {"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"}
LOCKED: Final = {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "CONCURRENT_REQUESTS_LIMIT_EXCEEDED"}
NOT_DONE: Final = {"ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED", "BATCH_PROCESSING_HALTED"}
_NO_API: Final = {"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"}
_MAY_NOT: Final = {
    *("INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "INSUFFICIENT_ACCESS"),
    *("INVALID_FIELD_FOR_INSERT_UPDATE", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY_ACCESS"),
}
_OF_A_VALUE: Final = {
    *("STRING_TOO_LONG", "INVALID_EMAIL_ADDRESS", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "JSON_PARSER_ERROR"),
    *("FIELD_CUSTOM_VALIDATION_EXCEPTION", "FIELD_INTEGRITY_EXCEPTION", "NUMBER_OUTSIDE_VALID_RANGE"),
    "INVALID_TYPE_ON_FIELD_IN_RECORD",
}
_EXISTING: Final = re.compile(r"record with id: ([A-Za-z0-9]{15,18})")
_LONGEST_RULE: Final = 300


@dataclass(frozen=True, slots=True)
class Problem:
    """One error: of a request, or of a record inside a collection."""

    code: str
    message: str = ""
    fields: tuple[str, ...] = ()
    duplicates: Any = None

    @property
    def existing(self) -> str:
        """The record that is there already, where exactly one is named."""
        ids = list(dict.fromkeys(_matched(self.duplicates)))
        if not ids and self.code == "DUPLICATE_VALUE" and (found := _EXISTING.search(self.message)):
            ids = [found[1]]
        return ids[0] if len(ids) == 1 else ""


def problems_in(body: Any) -> list[Problem]:
    """The errors of an answer, whichever of Salesforce's forms they have."""
    errors = body if isinstance(body, list) else body.get("errors", [body]) if isinstance(body, dict) else []
    found = []
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict) and (
            code := error.get("errorCode") or error.get("statusCode") or error.get("error")
        ):
            fields = error.get("fields")
            named = tuple(str(one) for one in fields) if isinstance(fields, list) else ()
            duplicates = error.get("duplicateResut") or error.get("duplicateResult")
            found.append(Problem(str(code), str(error.get("message") or ""), named, duplicates))
    return found


def _matched(result: Any) -> list[str]:
    results = result.get("matchResults") if isinstance(result, dict) else None
    found = []
    for one in results if isinstance(results, list) else []:
        for match in one.get("matchRecords") or []:
            record = match.get("record") or {}
            if record.get("Id"):
                found.append(str(record["Id"]))
    return found


def error_for(status: int, body: Any, what: str) -> ConnectorError:
    """The error for an answer that concerns the account or a folder. `what`: what was asked for, for people."""
    codes = [one.code for one in problems_in(body)]
    code = codes[0] if codes else f"status {status}"
    if "REQUEST_LIMIT_EXCEEDED" in codes:
        return Throttled(
            "The organisation has used up its API calls of the last 24 hours. It goes on by itself later; an "
            "administrator can see who uses them under Setup, System Overview.",
            LIMIT_WAIT,
        )
    if not _NO_API.isdisjoint(codes):
        return Unsupported(
            "This organisation's edition, or the profile of this user, has no API access. Ask a Salesforce "
            "administrator for the permission API Enabled."
        )
    if status == 401:
        return AuthLost("Salesforce asks for a new sign-in of this account. Connect the account again.")
    if "INVALID_TYPE" in codes or status == 404:
        return FolderGone(f"Salesforce does not show {what} to this user any more: the right to see it was taken away.")
    if status == 403 or not _MAY_NOT.isdisjoint(codes):
        return Forbidden(f"Salesforce does not allow this user {what} ({code}). Ask a Salesforce administrator.")
    if status >= 500 or not LOCKED.isdisjoint(codes) or "QUERY_TIMEOUT" in codes:
        return Unavailable(f"Salesforce could not answer at the moment ({code}). It will be tried again.")
    return ConnectorError(f"Salesforce refused {what} ({code}).")


def refusal_of(problem: Problem, catalogue: Mapping[str, Field], sent: Sequence[str], noun: str) -> tuple[str, str]:
    """The key of the field at fault (empty if the answer does not tell) and a sentence without the value."""
    names = {"AccountId": "Account.Name"}
    keys = [names.get(one, one) for one in problem.fields if names.get(one, one) in catalogue]
    if not keys and len(sent) == 1 and problem.code in _OF_A_VALUE:
        keys = list(sent)
    key = keys[0] if keys else ""
    label = catalogue[key].label if key in catalogue else "a field"
    if problem.code == "REQUIRED_FIELD_MISSING":
        wanted = ", ".join(catalogue[one].label if one in catalogue else one for one in (keys or problem.fields))
        return "", f"Salesforce makes no {noun} without {wanted or 'all required fields'}; this one has none."
    if problem.code == "STRING_TOO_LONG":
        most = catalogue[key].max_length if key in catalogue else None
        return key, f"{label} is longer than Salesforce takes{f' ({most} characters)' if most else ''}."
    if problem.code == "INVALID_EMAIL_ADDRESS":
        return key, f"{label} is no email address that Salesforce takes."
    if problem.code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST":
        return key, f"{label} takes only the values of its list in Salesforce, and this is none of them."
    if problem.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION":
        return key, f"A validation rule of the organisation refuses it: {problem.message[:_LONGEST_RULE]}"
    if problem.code == "FIELD_INTEGRITY_EXCEPTION":
        return key, f"{label} does not fit what Salesforce knows, for example a state that is not of the country."
    if problem.code == "DUPLICATES_DETECTED":
        return "", f"A duplicate rule of the organisation says that this {noun} is there already."
    if problem.code == "DUPLICATE_VALUE":
        return key, f"Another {noun} has the same {label}, which must differ."
    if problem.code == "CANNOT_UPDATE_CONVERTED_LEAD":
        return "", "The lead was converted; Salesforce lets nobody change it any more."
    if problem.code in _MAY_NOT:
        return key, f"This user may not change {label if key else f'this {noun}'} in Salesforce."
    return key, f"Salesforce refused {label if key else f'the {noun}'} ({problem.code})."
