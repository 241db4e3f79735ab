"""The JSON addresses under /control/hubspot: a thin cover over `HubSpotSandbox`."""

from __future__ import annotations

from typing import Any

from connectors.hubspot.sandbox.control import HubSpotSandbox
from connectors.hubspot.sandbox.errors import HubSpotError
from connectors.sandboxkit.control import Unknown, WrongUse
from connectors.sandboxkit.web import Request, Response, json_response

HELP = {
    "POST accounts": "{email, switches, scopes, client, portal}: an account with one user, and its tokens",
    "PATCH accounts/EMAIL": "{switches: {...}}",
    "POST accounts/EMAIL/properties": "{name, type, field_type, object, label, options, hasUniqueValue, ...}",
    "DELETE accounts/EMAIL/properties/NAME": "archives it; object=companies for one of theirs",
    "GET|POST accounts/EMAIL/owners": "all; {email, firstName, lastName, archived} makes or changes one",
    "GET|POST accounts/EMAIL/lists": "all, with members; {name, kind, object, filters} makes one",
    "PATCH|DELETE accounts/EMAIL/lists/ID": "{name, add: [record ids], remove: [record ids]}",
    "POST accounts/EMAIL/expire": "{kinds: [access, refresh, static]}",
    "POST accounts/EMAIL/used": "{requests: those of static tokens today}",
    "POST accounts/EMAIL/opt-out": "{email, subscription, back}",
    "GET|POST accounts/EMAIL/records/OBJECT": "all records; {records: [...], settles} loads many",
    "PATCH|DELETE accounts/EMAIL/records/OBJECT/ID": "as a person in HubSpot; DELETE with for_good=true erases",
    "POST accounts/EMAIL/records/OBJECT/ID/restore": "out of the recycle bin",
    "POST accounts/EMAIL/records/OBJECT/ID/touch": "moves its stamp alone",
    "POST accounts/EMAIL/merge": "{primary, other, object}: the new id",
    "POST accounts/EMAIL/associate": "{contact, company}",
    "POST apps": "{client_id, redirect_uris, client_secret, app_id, developer_key}: from then on only registered ones",
    "POST apps/ID/webhooks": "{target_url, events: [contact.creation, contact.propertyChange:email], first_wait}",
}


class ControlRoutes:
    def __init__(self, api: HubSpotSandbox) -> None:
        self.api = api

    def handle(self, request: Request) -> Response:
        segments = request.segments
        try:
            if segments[:1] == ["accounts"]:
                return self._accounts(request, segments[1:])
            if segments == ["apps"] and request.method == "POST":
                return json_response({"app_id": self.api.register_app(**request.json())}, 201)
            if segments[:1] == ["apps"] and segments[2:] == ["webhooks"] and request.method == "POST":
                self.api.set_webhooks(int(segments[1]), **request.json())
                return Response(204)
        except HubSpotError as error:
            raise WrongUse(f"{error.category}: {error.message}") from error
        except TypeError as error:
            raise WrongUse(f"a value is missing or of the wrong type: {error}") from error
        raise Unknown("under /control/hubspot there are accounts and apps")

    def _accounts(self, request: Request, rest: list[str]) -> Response:
        if not rest and request.method == "GET":
            return json_response({"accounts": self.api.accounts()})
        if not rest and request.method == "POST":
            return json_response(self.api.add_account(**request.json()), 201)
        if not rest:
            raise WrongUse("accounts takes GET and POST")
        account, body = rest[0], request.json() if request.body else {}
        if rest[1:2] == ["records"] and len(rest) >= 3:
            return self._records(request, account, rest[2], rest[3:], body)
        if rest[1:2] == ["lists"]:
            return self._lists(request, account, rest[2:], body)
        match (request.method, *rest[1:]):
            case ("PATCH",):
                self.api.set_switches(account, **body.get("switches", {}))
            case ("POST", "properties"):
                self.api.add_property(account, **body)
            case ("DELETE", "properties", name):
                self.api.remove_property(account, name, request.query.get("object", "contacts"))
            case ("GET", "owners"):
                return json_response({"owners": self.api.owners(account)})
            case ("POST", "owners"):
                return json_response({"id": self.api.add_owner(account, **body)}, 201)
            case ("POST", "expire"):
                self.api.expire_tokens(account, body.get("kinds", ["access"]))
            case ("POST", "used"):
                self.api.set_used(account, int(body["requests"]))
            case ("POST", "opt-out"):
                self.api.opt_out(account, **body)
            case ("POST", "merge"):
                return json_response({"id": self.api.merge(account, **body)})
            case ("POST", "associate"):
                self.api.associate(account, body["contact"], body["company"])
            case _:
                known = "properties, owners, lists, records, expire, used, opt-out, merge and associate"
                raise Unknown(f"of an account there are {known}")
        return Response(204)

    def _lists(self, request: Request, account: str, rest: list[str], body: dict[str, Any]) -> Response:
        match (request.method, *rest):
            case ("GET",):
                return json_response({"lists": self.api.lists(account)})
            case ("POST",):
                return json_response({"id": self.api.add_list(account, **body)}, 201)
            case ("PATCH", id):
                if "name" in body:
                    self.api.rename_list(account, id, body["name"])
                self.api.change_members(account, id, body.get("add", ()), body.get("remove", ()))
                return Response(204)
            case ("DELETE", id):
                self.api.remove_list(account, id)
                return Response(204)
        raise Unknown("lists takes GET and POST, one of them PATCH and DELETE")

    def _records(self, request: Request, account: str, object: str, rest: list[str], body: dict[str, Any]) -> Response:
        match (request.method, *rest):
            case ("GET",):
                archived = request.query.get("archived") == "true"
                return json_response({"records": self.api.records(account, object, archived=archived)})
            case ("POST",):
                return json_response({"ids": self.api.load(account, object=object, **body)}, 201)
            case ("PATCH", id):
                self.api.edit(account, id, body, object)
                return Response(204)
            case ("DELETE", id):
                self.api.remove(account, id, object, for_good=request.query.get("for_good") == "true")
                return Response(204)
            case ("POST", id, "restore"):
                self.api.restore(account, id, object)
                return Response(204)
            case ("POST", id, "touch"):
                self.api.touch(account, id, object)
                return Response(204)
        raise Unknown("records takes GET and POST, one of them PATCH, DELETE, restore and touch")
