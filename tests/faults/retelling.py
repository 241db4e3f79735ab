"""Plays the scenarios of tests/scenarios on real connectors, and says which of them two given apps cannot tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

from connections.models import Connection
from connections.services import setting_up
from connectors import registry
from connectors.base import Field
from connectors.sandbox import Sandbox
from syncrules.specs import MappingSpec
from tests.engine.expecting import listed
from tests.engine.harness import Bench
from tests.engine.scenario import Player, steps_of
from tests.engine.world import World
from tests.factories import make_connection, make_folder
from tests.faults.owned import MEANINGS, Owned, Watched
from tests.faults.stores import STORES, Servers

PEOPLE = ("a", "b", "c")
# What any owner of any app can do. The rest is done to the in-memory apps alone: faults, lost cursors, odd manners.
ACTS = {
    "add", "approve", "clear", "crowd", "decide", "delete", "delete all", "disconnect", "edit", "edit where", "expect",
    "label", "mapping", "mark", "meanwhile", "note time", "option", "patiently", "preview", "propose again", "region",
    "reject", "resolve", "robots", "rules", "sync", "take back", "undo", "wait",
}  # fmt: skip

# The stories tell of labels that only rules carry over.
CATEGORIES = MappingSpec("Categories", ("categories",), ("categories",), enabled=False)
# Where an app is what a story says apps are not: (story, app or "") -> how it is there
OTHERWISE = {
    ("001-first-sync-into-an-empty-folder", ""): "batches of four",
    ("011-duplicates-without-a-twin", ""): "either of two who are alike may be the one that goes across",
    ("013-nothing-to-know-them-by", "carddav"): "a card always has a full name, by which it is known",
    ("062-unknown-label-of-an-email", "carddav"): "a kind that no card knows is no kind",
    ("125-a-name-that-cannot-be-told", "hubspot"): "it holds one email, and says so",
    ("125-a-name-that-cannot-be-told", "salesforce"): "it holds one email, and says so",
    ("135-two-people-after-all", "hubspot"): "an address is there once",
    ("080-the-app-normalises", ""): "the app writes numbers in a way of its own",
    ("104-changed-while-listing", ""): "pages of four",
}


SEEN_AFTER = 301.0  # seconds until the members of a list are read again


class SandboxTime(World):
    """The time of the sandbox, which goes on by itself and can be set forward."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(seconds_per_request=0.0)
        self.sandbox = sandbox

    def now(self) -> float:
        return self.sandbox.clock.now()

    def advance(self, seconds: float) -> None:
        self.sandbox.clock.advance(seconds)


class Folders(Bench):
    """Connects folders of real accounts."""

    remotes: Any  # dict[str, Owned]

    def connect(self, a: str = "a", b: str = "b", **options: Any) -> Connection:
        ends = (self.remotes[a].folder, self.remotes[b].folder)
        left, right = (make_folder(one.account, one.remote_id, name=one.name, path=one.path) for one in ends)
        connection = make_connection(left, right, **options)
        if connection.default_mappings and all("categories" in self.remotes[name].catalogue for name in (a, b)):
            setting_up.replace_mappings(connection, [CATEGORIES], beside_default=True)
        self.sides[connection.pk] = {"a": a, "b": b}
        return connection

    def login(self, name: str, fence: Any) -> Any:
        return Watched(self.remotes[name], fence)


@dataclass
class Retelling(Player):
    """`ends`: the apps that play a and b."""

    servers: Servers | None = None
    ends: tuple[str, str] = ("carddav", "outlook")
    counts_requests = False

    def _stage(self, apps: Mapping[str, Any]) -> tuple[World, Any]:
        assert self.servers is not None
        world = SandboxTime(self.servers[0])
        bench: Any = Folders(world, {})
        for name, app in zip(("a", "b"), self.ends, strict=True):
            bench.remotes[name] = Owned(name, STORES[app](self.servers), bench.tenant, world)
        return world, bench

    def _reached(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def label(self, on: str, who: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        remote: Any = self.bench.remotes[on]
        made = set(listed(add)) - set(remote.all_labels())
        super().label(on, who, add, remove)
        self.wait(SEEN_AFTER)
        if made and remote.asks_for_labels:
            self.bench.run(self.connection)  # a rule may have waited for this label to be there at all
            self.wait(SEEN_AFTER)

    def sync(self, kind: str = "incremental", times: int = 1, **options: Any) -> None:
        for _ in range(times):
            self.wait(2)  # what the owners did is in the apps' indexes
            super().sync(kind, **options)


def untold(story: str, data: Mapping[str, Any], a: str, b: str) -> str:
    """Why these apps cannot tell a scenario; empty where they can."""
    for app in ("", a, b):
        if (story, app) in OTHERWISE:
            return OTHERWISE[story, app]
    for name, app in data.get("apps", {}).items():
        if name == "c" or (isinstance(app, dict) and set(app) - {"app"}):
            return "made-up apps with manners of their own"
    if "hubspot" in (a, b) and _shared_address(data):
        return "in hubspot an address is there once"
    acts = [act for act, _ in _acts(data["when"])]
    odd = sorted(set(acts) - ACTS)
    if odd:
        return f"made-up apps: {odd[0]}"
    for name, app in (("a", a), ("b", b)):
        for word, value in _words(data, name):
            known = _words_of(app).get(word)
            if word in MEANINGS and known is None:
                return f"{app} has no {word}"
            if known and isinstance(value, list) and known.multiple is not None and len(value) > known.multiple:
                return f"{app} holds {known.multiple} of {word}"
            if known and known.needs_year and str(value).startswith("--"):
                return f"{app} keeps no date without a year"
            if known and not known.attributes and any(isinstance(one, dict) for one in listed(value)):
                return f"{app} knows no kinds of {word}"
    return ""


@cache
def _words_of(app: str) -> dict[str, Field]:
    fields = next(iter(registry.app(app).standard().values()))
    found = {field.meaning: field for field in fields if not field.read_only}
    return {word: found[meaning] for word, meaning in MEANINGS.items() if meaning in found}


def _acts(steps: Any) -> Iterator[tuple[str, Any]]:
    for step in steps_of(steps):
        said: Any
        name, said = (step, None) if isinstance(step, str) else next(iter(step.items()))
        yield name, said
        if name == "meanwhile":
            yield from _acts(said["do"])


def _shared_address(data: Mapping[str, Any]) -> bool:
    """Whether two people of one app have an email in common."""
    for app in ("a", "b"):
        people = list(((data.get("given") or {}).get(app) or {}).values())
        people += [said for act, said in _acts(data["when"]) if act == "add" and said["on"] == app]
        every = [
            str(email).casefold().strip() for one in people for email in set(map(str, listed(one.get("emails", ()))))
        ]
        if len(every) > len(set(every)):
            return True
    return False


def _words(data: Mapping[str, Any], app: str) -> Iterator[tuple[str, Any]]:
    """What is said of people on an app: word and value."""
    people = list(((data.get("given") or {}).get(app) or {}).values())
    told = [data.get("expect") or {}]
    for act, said in _acts(data["when"]):
        if act == "expect":
            told.append(said)
        elif isinstance(said, dict) and said.get("on") == app:
            people.append({**said, **dict.fromkeys(listed(said.get("fields", ())))})
        elif act == "robots":
            people.append({"title": ""})
    for expected in told:
        people += list((expected.get(app) or {}).values())
        people += (expected.get("patches") or {}).get(app) or []
    lines: Any = data.get("mappings", ())
    for line in () if isinstance(lines, str) else lines:
        people.append(dict.fromkeys(listed(line.get(app, ()))))
    for person in people:
        yield from person.items()
