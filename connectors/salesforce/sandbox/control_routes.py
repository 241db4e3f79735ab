"""The JSON addresses under /control/salesforce: a thin cover over `SalesforceSandbox`."""

from __future__ import annotations

from typing import Any

from connectors.salesforce.sandbox.control import SalesforceSandbox
from connectors.salesforce.sandbox.errors import SalesforceError
from connectors.sandboxkit.control import Unknown, WrongUse
from connectors.sandboxkit.web import Request, Response, json_response

HELP = {
    "POST accounts": "{username, switches}: an organisation with one user, and its tokens",
    "PATCH accounts/USERNAME": "{switches: {...}}",
    "POST accounts/USERNAME/fields": "{object, name, type, label, length, external_id, unique, ...}: a custom field",
    "POST accounts/USERNAME/expire": "{kinds: [access, refresh]}",
    "POST accounts/USERNAME/used": "{calls: API calls in the last 24 hours}",
    "GET|POST accounts/USERNAME/records/OBJECT": "all records; {records: [...], visible_in} loads many",
    "PATCH|DELETE accounts/USERNAME/records/OBJECT/ID": "as a person in Salesforce",
    "POST accounts/USERNAME/merge": "{winner, losers: [...]}",
    "POST accounts/USERNAME/convert": "{lead}",
    "DELETE accounts/USERNAME/bin": "empties the recycle bin",
    "DELETE cursors": "every query locator so far is lost",
    "POST apps": "{client_id, redirect_uris, client_secret}: from then on only registered ones",
}


class ControlRoutes:
    def __init__(self, api: SalesforceSandbox) -> None:
        self.api = api

    def handle(self, request: Request) -> Response:
        segments = request.segments
        try:
            if segments[:1] == ["accounts"]:
                return self._accounts(request, segments[1:])
            if segments == ["apps"] and request.method == "POST":
                self.api.register_app(**request.json())
                return json_response({}, 201)
            if segments == ["cursors"] and request.method == "DELETE":
                self.api.expire_cursors()
                return Response(204)
        except SalesforceError as error:
            raise WrongUse(f"{error.code}: {error.message}") from error
        except TypeError as error:
            raise WrongUse(f"a value is missing or of the wrong type: {error}") from error
        raise Unknown("under /control/salesforce there are accounts, apps and cursors")

    def _accounts(self, request: Request, rest: list[str]) -> Response:
        if not rest and request.method == "GET":
            return json_response({"accounts": self.api.accounts()})
        if not rest and request.method == "POST":
            return json_response(self.api.add_account(**request.json()), 201)
        if not rest:
            raise WrongUse("accounts takes GET and POST")
        username, body = rest[0], request.json() if request.body else {}
        if rest[1:2] == ["records"] and len(rest) >= 3:
            return self._records(request, username, rest[2], rest[3:], body)
        match (request.method, *rest[1:]):
            case ("PATCH",):
                self.api.set_switches(username, **body.get("switches", {}))
            case ("POST", "fields"):
                self.api.add_field(username, **body)
            case ("POST", "expire"):
                self.api.expire_tokens(username, body.get("kinds", ["access"]))
            case ("POST", "used"):
                self.api.set_used(username, int(body["calls"]))
            case ("POST", "merge"):
                self.api.merge(username, body["winner"], *body["losers"])
            case ("POST", "convert"):
                contact, account = self.api.convert(username, body["lead"])
                return json_response({"contact": contact, "account": account})
            case ("DELETE", "bin"):
                self.api.empty_recycle_bin(username)
            case _:
                raise Unknown("of an account there are fields, expire, used, records, merge, convert and bin")
        return Response(204)

    def _records(self, request: Request, username: str, object: str, rest: list[str], body: dict[str, Any]) -> Response:
        match (request.method, *rest):
            case ("GET",):
                return json_response({"records": self.api.records(username, object)})
            case ("POST",):
                return json_response({"ids": self.api.load(username, object, **body)}, 201)
            case ("PATCH", id):
                self.api.edit(username, id, body)
                return Response(204)
            case ("DELETE", id):
                self.api.remove(username, id, for_good=request.query.get("for_good") == "true")
                return Response(204)
        raise Unknown("records takes GET and POST, one of them PATCH and DELETE")
