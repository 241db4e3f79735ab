"""Errors in HubSpot's words (Error handling): an envelope with message, category and correlation id."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from connectors.sandboxkit.web import Response, json_response

SCOPES_PAGE = "https://developers.hubspot.com/scopes"


class HubSpotError(Exception):
    """An answer that is no success. `more` goes beside message and category; `problems` names the properties."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        problems: Sequence[Mapping[str, Any]] = (),
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.headers = dict(headers or {})
        self.problems = list(problems)
        self.more = more

    def body(self) -> dict[str, Any]:
        found = {"status": "error", "message": self.message, "correlationId": str(uuid.uuid4())}
        return {**found, "category": self.category, **self.more} if self.category else {**found, **self.more}

    def in_batch(self, **context: Sequence[str]) -> dict[str, Any]:
        """The form among the errors of a batch that answers 207."""
        about = {**self.more.get("context", {}), **{name: list(values) for name, values in context.items()}}
        found = {"status": "error", "category": self.category, "message": self.message, "context": about}
        return {**found, "errors": self.more.get("errors", []), "links": self.more.get("links", {})}

    def response(self) -> Response:
        body = self.body()
        return json_response(body, self.status, {"X-HubSpot-Correlation-Id": body["correlationId"], **self.headers})


def invalid(message: str, **more: Any) -> HubSpotError:
    return HubSpotError(400, "VALIDATION_ERROR", message, **more)


def invalid_values(portal: int, problems: Iterable[Mapping[str, Any]]) -> HubSpotError:
    """The problems of property values, which HubSpot writes as JSON into the message."""
    listed = [
        {"isValid": False, **problem, "localizedErrorMessage": problem["message"], "portalId": portal}
        for problem in problems
    ]
    return HubSpotError(
        400, "VALIDATION_ERROR", f"Property values were not valid: {orjson.dumps(listed).decode()}", problems=listed
    )


def not_found(message: str = "resource not found") -> HubSpotError:
    return HubSpotError(404, "OBJECT_NOT_FOUND", message)


def conflict(message: str) -> HubSpotError:
    return HubSpotError(409, "CONFLICT", message)


def exists(id: int) -> HubSpotError:
    return conflict(f"Contact already exists. Existing ID: {id}")


def bad_method() -> HubSpotError:
    return HubSpotError(405, "", "HTTP 405 Method Not Allowed")


def unauthenticated() -> HubSpotError:
    message = "Authentication credentials not found. This API supports OAuth 2.0 authentication."
    return HubSpotError(401, "INVALID_AUTHENTICATION", message)


def expired(seconds: float) -> HubSpotError:
    message = f"The OAuth token used to make this call expired {max(int(seconds), 1)} second(s) ago."
    return HubSpotError(401, "EXPIRED_AUTHENTICATION", message)


def missing_scopes(wanted: Sequence[str]) -> HubSpotError:
    detail = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": list(wanted)},
    }
    message = f"This app hasn't been granted all required scopes to make this call. {SCOPES_PAGE} lists them."
    return HubSpotError(403, "MISSING_SCOPES", message, errors=[detail], links={"scopes": SCOPES_PAGE})


def too_many(policy: str, seconds: float | None = None) -> HubSpotError:
    """The policies: DAILY, TEN_SECONDLY_ROLLING, and SECONDLY as searches answer it, without a policy's name."""
    headers = {} if seconds is None else {"Retry-After": f"{seconds:g}"}
    if policy == "SECONDLY":
        return HubSpotError(429, "RATE_LIMITS", "You have reached your secondly limit.", headers)
    message = f"You have reached your {policy.lower()} limit."
    request = str(uuid.uuid4())
    return HubSpotError(
        429, "RATE_LIMITS", message, headers, errorType="RATE_LIMIT", policyName=policy, requestId=request
    )


def by_status(status: int, seconds: float | None = None, *, search: bool = False) -> HubSpotError:
    """What the service says for a status that does not come from the request itself."""
    headers = {} if seconds is None else {"Retry-After": f"{seconds:g}"}
    match status:
        case 401:
            return expired(7)
        case 403:
            return missing_scopes([])
        case 404:
            return not_found()
        case 409:
            return conflict("Contact already exists. Existing ID: 1")
        case 423:
            return HubSpotError(423, "", "This resource is locked. Try again in a few seconds.", headers)
        case 429:
            return too_many("SECONDLY" if search else "TEN_SECONDLY_ROLLING", seconds)
        case 477:
            wait = {"Retry-After": headers.get("Retry-After", "60")}
            return HubSpotError(477, "MIGRATION_IN_PROGRESS", "The account is moving to another data centre.", wait)
    return HubSpotError(status, "", "internal error" if status >= 500 else "the request was refused", headers)
