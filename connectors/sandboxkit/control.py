"""The control addresses that all apps share: requests, faults, clock, reset."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connectors.sandboxkit.faults import KINDS
from connectors.sandboxkit.kit import Kit, Part
from connectors.sandboxkit.web import Request, Response, json_response


class WrongUse(ValueError):
    """A control request that makes no sense; the text says why."""


class Unknown(LookupError):
    """A control request about something that is not there."""


HELP = {
    "GET /control/requests?last=100": "counters per method and route, and the last requests",
    "DELETE /control/requests": "forget them",
    "GET /control/faults": "the faults that are on, and the kinds there are",
    "POST /control/faults": "{kind, match: {method, path, account, inner}, nth, count, duration, ...options}",
    "DELETE /control/faults[/ID]": "switch off all, or one",
    "POST /control/clock": "{advance: seconds}",
    "POST /control/reset": "forget all data, faults and requests",
}


class Control:
    def __init__(self, kit: Kit, parts: Mapping[str, Part], reset: Callable[[], None]) -> None:
        self.kit = kit
        self.parts = parts
        self.reset = reset

    def handle(self, request: Request) -> Response:
        if request.method != "GET" and foreign(request):
            return json_response({"error": "requests of other sites' pages are refused"}, 403)
        try:
            return self._routed(request, request.segments)
        except ValueError as error:  # WrongUse, UnknownFault, BadJson, or a number that is none
            return json_response({"error": str(error)}, 400)
        except KeyError as error:
            return json_response({"error": f"{error} is missing"}, 400)
        except Unknown as error:
            return json_response({"error": str(error)}, 404)

    def _routed(self, request: Request, segments: list[str]) -> Response:
        match (request.method, *segments):
            case ("GET",):
                return json_response(self._help())
            case ("GET", "requests"):
                return json_response(self.kit.journal.as_json(int(request.query.get("last", "100"))))
            case ("DELETE", "requests"):
                self.kit.journal.clear()
                return Response(204)
            case ("POST", "clock"):
                self.kit.clock.advance(_seconds(request.json()["advance"]))
                return json_response({"now": self.kit.clock.now()})
            case ("GET", "clock"):
                return json_response({"now": self.kit.clock.now()})
            case ("POST", "reset"):
                self.reset()
                return Response(204)
            case (_, "faults", *rest):
                return self._faults(request, rest)
            case (_, key, *_) if key in self.parts:
                request.path = "/" + request.path.strip("/").partition("/")[2]
                return self.parts[key].control(request)
        raise Unknown("there is no such control address; GET /control lists them")

    def _help(self) -> dict[str, str]:
        """Addresses and what they take, those of the apps included."""
        found = dict(HELP)
        for key, part in self.parts.items():
            for line, words in part.help.items():
                method, _, address = line.partition(" ")
                found[f"{method} /control/{key}/{address}"] = words
        return found

    def _faults(self, request: Request, rest: list[str]) -> Response:
        faults = self.kit.faults
        if request.method == "GET" and not rest:
            return json_response({"faults": [fault.as_json() for fault in faults.all()], "kinds": dict(KINDS)})
        if request.method == "POST" and not rest:
            return json_response(faults.add(**request.json()).as_json(), 201)
        if request.method == "DELETE" and not rest:
            faults.clear()
            return Response(204)
        if request.method == "DELETE" and rest[0].isdecimal() and faults.remove(int(rest[0])):
            return Response(204)
        raise Unknown("there is no such fault")


def _seconds(value: object) -> float:
    if not isinstance(value, int | float):
        raise WrongUse(f"a number of seconds is expected, not {value!r}")
    return float(value)


def foreign(request: Request) -> bool:
    """Whether a browser sent it from another site's page."""
    origin = request.headers.get("origin")
    return origin is not None and origin != request.origin
