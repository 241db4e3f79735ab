"""Errors in Microsoft Graph's words (learn.microsoft.com/graph/errors)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.sandboxkit.web import Response, json_response

NOT_IN_STORE = "The specified object was not found in the store."
TEXTS: Mapping[int, tuple[str, str]] = {
    401: ("InvalidAuthenticationToken", "Access token has expired or is not yet valid."),
    429: ("ApplicationThrottled", "Application is over its MailboxConcurrency limit."),
    500: ("ErrorInternalServerError", "An internal server error occurred. The operation failed."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable. Please retry later."),
    504: ("UnknownError", "The gateway did not receive a response in time."),
}


class GraphError(Exception):
    """An answer that is no success; `headers` go into the answer."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def response(self, now: float, request_id: str, client_request_id: str) -> Response:
        return json_response(
            error_body(self.code, self.message, now, request_id, client_request_id), self.status, self.headers
        )


def error_body(code: str, message: str, now: float, request_id: str = "", client_id: str = "") -> dict[str, Any]:
    request_id = request_id or str(uuid.uuid4())
    inner = {
        "date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": client_id or request_id,
    }
    return {"error": {"code": code, "message": message, "innerError": inner}}


def wait_header(seconds: float | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": f"{seconds:g}"}


def by_status(status: int, seconds: float | None = None) -> GraphError:
    """What the service says for a status that does not come from the request itself."""
    code, message = TEXTS.get(status, ("UnknownError", "An unknown error occurred."))
    return GraphError(status, code, message, wait_header(seconds))


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    return GraphError(400, code, message)


def item_not_found() -> GraphError:
    return GraphError(404, "ErrorItemNotFound", NOT_IN_STORE)


def folder_not_found() -> GraphError:
    return GraphError(404, "ErrorFolderNotFound", "The specified folder could not be found in the store.")


def malformed_id() -> GraphError:
    return GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")


def unreadable(message: str = "") -> GraphError:
    text = (
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON "
        "format."
    )
    return GraphError(400, "UnableToDeserializePostBody", message or text)


def no_such_segment(name: str) -> GraphError:
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{name}'.")


def not_supported() -> GraphError:
    return GraphError(405, "ErrorInvalidRequest", "The OData request is not supported.")


def access_denied() -> GraphError:
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def conflict() -> GraphError:
    return GraphError(
        412,
        "ErrorIrresolvableConflict",
        "The send or update operation could not be performed because the change key passed in the request does not "
        "match the current change key for the item.",
    )


def state_not_found(status: int = 410, code: str = "SyncStateNotFound") -> GraphError:
    return GraphError(status, code, "The sync state generation is not found; a full synchronization is required.")


def mailbox_not_enabled() -> GraphError:
    return GraphError(
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    )
