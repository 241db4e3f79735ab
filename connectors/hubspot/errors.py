"""What HubSpot's error answers mean (developers.hubspot.com, Error handling).

Its own texts can hold contact data, so people are told in ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from connectors.base import AuthLost, ConnectorError, Field, FolderGone, Forbidden, Throttled, Unavailable, Unsupported

DAY_WAIT: Final = 900.0  # seconds; the day ends at midnight where the account is, which the answer does not tell
WINDOW_WAIT: Final = 10.0
SECOND_WAIT: Final = 1.0
LOCK_WAIT: Final = 2.0
MOVING_WAIT: Final = 900.0
LOCKED: Final = 423
MOVING: Final = 477
_EXISTING: Final = re.compile(r"Existing ID:\s*(\d+)|\b(\d+) already has that value")
_NOT_VALID: Final = re.compile(r"Property values were not valid:\s*(\[.*\])\s*$", re.DOTALL)
_QUOTED: Final = re.compile(r"propertyName=(\w+)|[Pp]roperty \"?(\w+)\"?")
_SENTENCES: Final = {
    "PROPERTY_DOESNT_EXIST": "{label} does not exist in HubSpot any more. Take it out of the mapping, or make it anew.",
    "INVALID_EMAIL": "{label} is no email address that HubSpot takes.",
    "INVALID_OPTION": "{label} takes only the options that it has in HubSpot, and this is none of them.",
    "READ_ONLY_VALUE": "HubSpot fills {label} by itself and lets nobody change it.",
    "INVALID_INTEGER": "{label} takes whole numbers only.",
    "INVALID_LONG": "{label} takes whole numbers only.",
    "INVALID_NUMBER": "{label} takes numbers only.",
    "INVALID_DATE": "{label} takes whole dates only.",
    "INVALID_OWNER_ID": "The owner is no user of the HubSpot account any more.",
    "INVALID_STRING": "{label} is longer than HubSpot takes.",
    "PERMISSION_DENIED": "This account may not change {label} in HubSpot. An administrator there can allow it.",
    "REQUIRED_PROPERTY": "{label} is required by an administrator of the HubSpot account, and is empty here.",
}
_REQUIRED: Final = "REQUIRED_PROPERTY"
TAKEN: Final = "Another contact in HubSpot has this email address, as its own or as a further one."


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one property."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One error: of a request, or of some of the inputs of a batch."""

    status: int = 0
    category: str = ""
    message: str = ""
    faults: tuple[Fault, ...] = ()
    traces: tuple[str, ...] = ()  # of the inputs that it concerns
    ids: tuple[str, ...] = ()

    @property
    def is_conflict(self) -> bool:
        return self.status == 409 or self.category in ("CONFLICT", "OBJECT_ALREADY_EXISTS")

    @property
    def existing(self) -> str:
        """The contact that is there already, where the answer names it."""
        found = _EXISTING.search(self.message)
        return (found[1] or found[2]) if found else ""

    @property
    def code(self) -> str:
        """For people to look up."""
        codes = [fault.code for fault in self.faults if fault.code]
        return codes[0] if codes else self.category or f"status {self.status}"


def problem_of(error: Any, status: int = 0) -> Problem:
    """`error`: an error answer, or an entry of the `errors` of a batch. Every member is optional."""
    if not isinstance(error, Mapping):
        return Problem(status)
    context = error.get("context")
    context = context if isinstance(context, Mapping) else {}
    message = str(error.get("message") or "")
    return Problem(
        status,
        str(error.get("category") or error.get("errorType") or ""),
        message,
        (*_faults(message, error.get("errors")), *(Fault(one, _REQUIRED) for one in _texts(context.get("properties")))),
        _texts(context.get("objectWriteTraceId")),
        _texts(context.get("ids")),
    )


def problems_in(body: Any) -> list[Problem]:
    """Those of the inputs of a batch that was taken in part."""
    errors = body.get("errors") if isinstance(body, Mapping) else None
    return [problem_of(one) for one in errors] if isinstance(errors, list) else []


def _faults(message: str, errors: Any) -> Iterator[Fault]:
    """The list inside the text, and the list beside it."""
    inner = _NOT_VALID.search(message)
    if inner:
        try:
            listed = orjson.loads(inner[1])
        except orjson.JSONDecodeError:
            listed = []
        for one in listed if isinstance(listed, list) else []:
            if isinstance(one, Mapping):
                yield Fault(str(one.get("name") or ""), str(one.get("error") or ""))
    for one in errors if isinstance(errors, list) else []:
        if isinstance(one, Mapping):
            context = one.get("context")
            names = _texts(context.get("propertyName")) if isinstance(context, Mapping) else ()
            yield Fault(names[0] if names else "", str(one.get("code") or ""))
    if not inner:
        for found in _QUOTED.finditer(message):
            yield Fault(found[1] or found[2], "")


def _texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(str(one) for one in values)


# ---- of a request


def wait_of(body: Any) -> float:
    """Seconds to wait after a 429 that names no time: the policy says which of the limits was met."""
    body = body if isinstance(body, Mapping) else {}
    said = f"{body.get('policyName') or ''} {body.get('message') or ''}".upper()
    if "DAILY" in said:
        return DAY_WAIT
    return SECOND_WAIT if "SECONDLY" in said and "TEN_SECONDLY" not in said else WINDOW_WAIT


def error_for(status: int, body: Any, what: str, wait: float | None = None) -> ConnectorError:
    """The error for an answer that concerns the account or a folder. `what`: what was asked for, for people; `wait`:
    what Retry-After said."""
    problem = problem_of(body, status)
    if status == LOCKED:
        return Throttled("HubSpot is busy with these contacts. It goes on by itself in a moment.", wait or LOCK_WAIT)
    if status == MOVING:
        return Throttled(
            "HubSpot is moving this account to another data centre. It goes on by itself when that is done.",
            wait or MOVING_WAIT,
        )
    if status == 401:
        return AuthLost("HubSpot no longer accepts the authorisation of this account. Connect the account again.")
    if status == 403:
        scopes = ", ".join(sorted(_missing(body)))
        more = f" It lacks the permission {scopes}." if scopes else ""
        return Forbidden(f"HubSpot does not allow this account {what}.{more} Connect it again with that permission.")
    if status == 404:
        return FolderGone(f"HubSpot does not show {what} to this account any more.")
    if status == 414:
        return Unsupported(f"HubSpot takes no more of {what} ({problem.code}).")
    if status >= 500:
        return Unavailable(f"HubSpot could not answer at the moment (status {status}). It will be tried again.")
    return ConnectorError(f"HubSpot refused {what} ({problem.code}).")


def _missing(body: Any) -> set[str]:
    errors = body.get("errors") if isinstance(body, Mapping) else None
    found: set[str] = set()
    for one in errors if isinstance(errors, list) else []:
        context = one.get("context") if isinstance(one, Mapping) else None
        if isinstance(context, Mapping):
            for name in ("requiredGranularScopes", "requiredScopes", "missingScopes"):
                found.update(_texts(context.get(name)))
    return found


# ---- of one contact


def refusal_of(problem: Problem, catalogue: Mapping[str, Field], sent: Sequence[str]) -> tuple[str, str]:
    """The key of the field at fault (empty if the answer does not tell) and a sentence without the value."""
    if problem.is_conflict:
        return ("email" if "email" in sent else "", TAKEN)
    named = [fault for fault in problem.faults if fault.name in sent]
    missing = [fault for fault in problem.faults if fault.name and fault.name not in sent]
    if named:
        fault = named[0]
    elif missing and not _in_doubt(missing[0], catalogue):
        label = catalogue[missing[0].name].label
        return "", _SENTENCES[_REQUIRED].format(label=label)
    elif len(sent) == 1 and problem.category == "VALIDATION_ERROR":
        fault = Fault(sent[0], problem.code)
    else:
        return "", f"HubSpot refused the contact ({problem.code})."
    label = catalogue[fault.name].label if fault.name in catalogue else fault.name
    sentence = _SENTENCES.get(fault.code)
    if sentence:
        return fault.name, sentence.format(label=label)
    return fault.name, f"A rule of the HubSpot account refuses the value of {label} ({fault.code or problem.code})."


def _in_doubt(fault: Fault, catalogue: Mapping[str, Field]) -> bool:
    return fault.name not in catalogue or "REQUIRED" not in fault.code.upper()
