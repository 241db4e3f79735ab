"""Errors in Salesforce's words: an array of message, errorCode and fields (REST API Developer Guide, status codes)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.sandboxkit.web import Response, json_response


class SalesforceError(Exception):
    """An answer that is no success. `more` goes beside message and code."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = list(fields)
        self.headers = dict(headers or {})
        self.more = more

    def body(self) -> list[dict[str, Any]]:
        named = {"fields": self.fields} if self.fields or self.status == 400 and self.code in _WITH_FIELDS else {}
        return [{**self.more, "message": self.message, "errorCode": self.code, **named}]

    def in_collection(self) -> dict[str, Any]:
        """The form inside a collection's results."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields}

    def response(self) -> Response:
        return json_response(self.body(), self.status, self.headers)


_WITH_FIELDS = frozenset(
    {
        *("REQUIRED_FIELD_MISSING", "STRING_TOO_LONG", "INVALID_EMAIL_ADDRESS", "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        *("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "DUPLICATE_VALUE", "FIELD_INTEGRITY_EXCEPTION"),
        *("INVALID_CROSS_REFERENCE_KEY", "INVALID_FIELD_FOR_INSERT_UPDATE", "MALFORMED_ID"),
    }
)


def not_found(message: str = "The requested resource does not exist") -> SalesforceError:
    return SalesforceError(404, "NOT_FOUND", message)


def is_deleted() -> SalesforceError:
    return SalesforceError(404, "ENTITY_IS_DELETED", "entity is deleted")


def malformed(message: str) -> SalesforceError:
    return SalesforceError(400, "MALFORMED_QUERY", message)


def no_such_column(name: str, object: str) -> SalesforceError:
    message = (
        f"No such column '{name}' on entity '{object}'. If you are attempting to use a custom field, be sure to "
        "append the '__c' after the custom field name. Please reference your WSDL or the describe call."
    )
    return SalesforceError(400, "INVALID_FIELD", message)


def bad_method(method: str) -> SalesforceError:
    return SalesforceError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are HEAD,GET")


def expired_session() -> SalesforceError:
    return SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def by_status(status: int, seconds: float | None = None) -> SalesforceError:
    """What the service says for a status that does not come from the request itself. A limit is a 403 there."""
    if status == 401:
        return expired_session()
    if status == 429:
        return SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    headers = {} if seconds is None else {"Retry-After": f"{seconds:g}"}
    if status == 503:
        return SalesforceError(503, "SERVER_UNAVAILABLE", "Server unavailable, please try again later", (), headers)
    return SalesforceError(status, "UNKNOWN_EXCEPTION", "An unexpected error occurred.", (), headers)
