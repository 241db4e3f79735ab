"""The JSON addresses under /control/outlook: a thin cover over `OutlookSandbox`."""

from __future__ import annotations

from typing import Any

from connectors.outlook.sandbox.control import OutlookSandbox
from connectors.outlook.sandbox.errors import GraphError
from connectors.sandboxkit.control import Unknown, WrongUse
from connectors.sandboxkit.web import Request, Response, json_response

HELP = {
    "POST accounts": "{email, name, kind: work|personal, tokens, switches}: a mailbox and its tokens",
    "PATCH accounts/EMAIL": "{switches: {...}}",
    "POST accounts/EMAIL/tokens": "{scope, expires_in, access_token, refresh_token, client_id}",
    "POST accounts/EMAIL/expire": "{kinds: [access, refresh]}",
    "POST accounts/EMAIL/folders": "{path: Contacts/Customers}",
    "GET|POST accounts/EMAIL/contacts": "all contacts; {folder, contacts: [...]} loads many",
    "PATCH|DELETE accounts/EMAIL/contacts/ID": "as a person in Outlook",
    "POST accounts/EMAIL/contacts/ID/move": "{folder: Contacts/Old}",
    "POST accounts/EMAIL/lifecycle": "{event: missed|subscriptionRemoved|reauthorizationRequired}",
    "POST apps": "{client_id, redirect_uris, client_secret}: from then on only registered ones",
    "DELETE cursors": "every delta token so far is lost",
}


class ControlRoutes:
    def __init__(self, api: OutlookSandbox) -> None:
        self.api = api

    def handle(self, request: Request) -> Response:
        segments = request.segments
        try:
            if segments[:1] == ["accounts"]:
                return self._accounts(request, segments[1:])
            if segments == ["apps"] and request.method == "POST":
                self.api.register_app(**_body(request, "client_id", "redirect_uris", "client_secret"))
                return json_response({}, 201)
            if segments == ["cursors"] and request.method == "DELETE":
                self.api.expire_cursors()
                return Response(204)
        except GraphError as error:
            raise WrongUse(f"{error.code}: {error.message}") from error
        except TypeError as error:
            raise WrongUse(f"a value is missing or of the wrong type: {error}") from error
        raise Unknown("under /control/outlook there are accounts, apps and cursors")

    def _accounts(self, request: Request, rest: list[str]) -> Response:
        method = request.method
        if not rest and method == "GET":
            return json_response({"accounts": self.api.accounts()})
        if not rest and method == "POST":
            return json_response(
                self.api.add_account(**_body(request, "email", "name", "kind", "tokens", "switches")), 201
            )
        if not rest:
            raise WrongUse("accounts takes GET and POST")
        email, what = rest[0], (method, *rest[1:2])
        if what == ("PATCH",):
            self.api.set_switches(email, **request.json().get("switches", {}))
            return Response(204)
        if what == ("POST", "tokens"):
            options = ("scope", "expires_in", "access_token", "refresh_token", "client_id")
            return json_response(self.api.issue_tokens(email, **_body(request, *options)), 201)
        if what == ("POST", "expire"):
            self.api.expire_tokens(email, request.json().get("kinds", ["access"]))
            return Response(204)
        if what == ("POST", "folders"):
            return json_response({"id": self.api.add_folder(email, request.json()["path"])}, 201)
        if what == ("POST", "lifecycle"):
            return json_response({"sent": self.api.lifecycle(email, request.json()["event"])})
        if len(rest) >= 2 and rest[1] == "contacts":
            return self._contacts(request, email, rest[2:])
        raise Unknown("of an account there are tokens, expire, folders, contacts and lifecycle")

    def _contacts(self, request: Request, email: str, rest: list[str]) -> Response:
        method = request.method
        if not rest and method == "GET":
            return json_response({"contacts": self.api.contacts(email, request.query.get("folder"))})
        if not rest and method == "POST":
            return json_response({"ids": self.api.load(email, **_body(request, "contacts", "folder"))}, 201)
        if len(rest) == 1 and method == "PATCH":
            self.api.edit(email, rest[0], request.json())
            return Response(204)
        if len(rest) == 1 and method == "DELETE":
            self.api.remove(email, rest[0], for_good=request.query.get("for_good") == "true")
            return Response(204)
        if len(rest) == 2 and rest[1] == "move" and method == "POST":
            self.api.move(email, rest[0], request.json()["folder"])
            return Response(204)
        raise Unknown("contacts takes GET and POST, one of them PATCH, DELETE and POST .../move")


def _body(request: Request, *known: str) -> dict[str, Any]:
    body = request.json()
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise WrongUse(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    return body
