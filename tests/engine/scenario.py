"""Plays scenarios: data files with given, when and expect that a person who does not program can read.

tests/scenarios/README.md describes the words.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import orjson
import yaml

from connections.benchmark.catalogues import POOR, RICH
from connections.models import Change, Connection, Decision, Pair, Run
from connections.services import deciding, planning, setting_up, syncing, undoing
from connectors.base import Field, FieldType, LabelKind, Write
from syncrules.specs import MappingSpec
from tests.engine.expecting import Expectations, listed
from tests.engine.harness import Bench, in_app, in_words
from tests.engine.remotes import Fate, Fault, Manners, MemoryRemote, Versions
from tests.engine.world import World
from tests.factories import set_rules

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"
MIRROR = {"a": "b", "b": "a", "a_to_b": "b_to_a", "b_to_a": "a_to_b"}
KEYS = {
    "scenario", "title", "note", "apps", "orders", "deletions", "connection", "rules", "mappings", "given", "when",
    "expect", "quiet", "requests", "waits",
}  # fmt: skip


class PlainLoader(yaml.SafeLoader):
    """YAML in which only true and false are truth values: `on: a` says where."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def load(path: Path) -> dict[str, Any]:
    data = yaml.load(path.read_text(encoding="utf-8"), PlainLoader)  # noqa: S506 - derived from the safe loader
    unknown = set(data) - KEYS
    assert not unknown, f"{path.name}: unknown words {sorted(unknown)}"
    assert {"scenario", "title", "deletions", "when"} <= set(data), f"{path.name}: something is missing"
    return dict(data)


@dataclass
class Player(Expectations):
    """One scenario in one order of sides. `sides` says which side of the connection an app is."""

    data: dict[str, Any]
    swapped: bool = False
    ids: dict[tuple[str, str], str] = field(default_factory=dict)  # (app, who) -> remote id
    bin: dict[tuple[str, str], Any] = field(default_factory=dict)
    last: Run | None = None
    times: dict[str, datetime] = field(default_factory=dict)
    counts_requests: ClassVar[bool] = True

    def play(self) -> None:
        self._set_up()
        for step in steps_of(self.data["when"]):
            self._step(step)
        self._expect(self.data.get("expect", {}))
        if self.data.get("quiet", True):
            self._rests()

    # ---- given

    def _set_up(self) -> None:
        apps = {"a": "rich", "b": "poor", **self.data.get("apps", {})}
        self.world, self.bench = self._stage(apps)
        given = dict(self.data.get("given") or {})
        synced = given.pop("synced", False)
        for name in apps:
            for who, person in (given.pop(name, None) or {}).items():
                self.add(on=name, who=who, **person)
        assert not given, f"unknown words {sorted(given)}"
        ends = ("b", "a") if self.swapped else ("a", "b")
        self.connection = self.bench.connect(*ends, **self._options())
        self.others = self._further_connections(apps)
        if synced:
            self.sync()
            for other in self.others:
                self.bench.run(other)
            self.sync()
            self.world.advance(1000)
        self._mark()

    def _stage(self, apps: Mapping[str, Any]) -> tuple[World, Bench]:
        world = World()
        return world, Bench(world, {name: self._remote(world, name, app) for name, app in apps.items()})

    def _remote(self, world: World, name: str, app: Any) -> MemoryRemote:
        options: dict[str, Any] = {"app": app} if isinstance(app, str) else dict(app)
        options.pop("connected", None)
        own: dict[str, Any] = {key: _field(extra) for key, extra in options.pop("fields", {}).items()}
        fields = POOR if options.pop("app", "rich") == "poor" else RICH
        fields = (*fields, *(Field(**{"label": key, **extra}, key=key, custom=True) for key, extra in own.items()))
        refuses: Any = options.pop("refuses", None)
        rewrites: Any = options.pop("rewrites", None)
        if "versions" in options:
            options["versions"] = Versions(options["versions"])
        if options.get("label_kind"):
            options["label_kind"] = LabelKind(options["label_kind"])
        remote = MemoryRemote(world, name, fields, Manners(**options))
        if refuses:
            remote.manners.refuse = _refusing(remote, refuses)
        if rewrites:
            remote.manners.rewrite = lambda shown: {
                key: value for key, value in in_app(remote, rewrites).items() if key in shown
            }
        return remote

    def _options(self) -> dict[str, Any]:
        options = dict(self.data.get("connection") or {})
        deletions = self.data["deletions"]
        for direction in ("a_to_b", "b_to_a"):
            policy = deletions if isinstance(deletions, str) else deletions.get(direction, "keep")
            options[f"deletions_{direction}"] = "label" if isinstance(policy, dict) else policy
            if isinstance(policy, dict):
                options[f"deletion_label_{direction}"] = policy["label"]
        for key in ("rules", "mappings"):
            if key in self.data:
                options[key] = self._lines(self.data[key])
        return self._mirrored(options)

    def _mirrored(self, options: dict[str, Any]) -> dict[str, Any]:
        if not self.swapped:
            return options
        mirrored = {}
        for key, value in options.items():
            for one, other in (("a_to_b", "b_to_a"), ("b_to_a", "a_to_b")):
                if one in key:
                    key = key.replace(one, other)
                    break
            mirrored[key] = MIRROR.get(value, value) if key in ("winner", "direction") else value
        return mirrored

    def _lines(self, lines: Any) -> Any:
        """Mappings and rules: `a` and `b` are fields of the apps, in neutral words."""
        if isinstance(lines, str):
            return lines
        out = []
        for line in lines:
            line = self._with_field_keys(self._with_label_ids(dict(line)))
            for side in ("a", "b"):
                if side in line:
                    words = self.bench.remotes[side].words
                    line[side] = [words.get(word, word) for word in listed(line[side])]
            if self.swapped:
                if "a" in line:
                    line["a"], line["b"] = line["b"], line["a"]
                if "values" in line:
                    line["values"] = [[right, left] for left, right in line["values"]]
                for key in ("direction", "winner"):
                    if key in line:
                        line[key] = MIRROR.get(line[key], line[key])
            out.append(line)
        return out

    def _with_field_keys(self, line: dict[str, Any]) -> dict[str, Any]:
        if "if" in line:
            words = self.bench.remotes["a" if line["direction"] == "a_to_b" else "b"].words
            renamed = (
                {**part, "field": words.get(part["field"], part["field"])} if "field" in part else part
                for part in line["if"]
            )
            line["if"] = list(renamed)
        return line

    def _with_label_ids(self, line: dict[str, Any]) -> dict[str, Any]:
        """A rule `by_id` holds its labels by their ids, as the rule builder makes them."""
        if not line.pop("by_id", False):
            return line
        source, target = ("a", "b") if line["direction"] == "a_to_b" else ("b", "a")
        for place, app, words in (("if", source, ("label",)), ("then", target, ("add_label", "remove_label"))):
            parts = []
            for part in line.get(place, ()):
                name = next((part[word] for word in words if word in part), None)
                parts.append({**part, "label_id": self.bench.remotes[app].label_id(name)} if name else part)
            line[place] = parts
        return line

    def _further_connections(self, apps: Mapping[str, Any]) -> list[Connection]:
        """With three apps: a to c, or, where the third is connected in a ring, b to c and c to a."""
        if len(apps) < 3:
            return []
        ring = isinstance(apps["c"], dict) and apps["c"].get("connected") == "in a ring"
        ends = [("a", "c")] if not ring else [("b", "c"), ("c", "a")]
        return [self.bench.connect(*pair, **self._options()) for pair in ends]

    # ---- when

    def _step(self, step: Any) -> None:
        name, arguments = (step, None) if isinstance(step, str) else next(iter(step.items()))
        act: Callable[..., None] = getattr(self, name.replace(" ", "_"))
        if isinstance(arguments, dict):
            act(**arguments)
        elif arguments is None:
            act()
        else:
            act(arguments)

    def add(self, on: str, who: str, labels: Iterable[str] = (), uid: str = "", **person: Any) -> None:
        remote = self.bench.remotes[on]
        ids = [remote.label_id(label) for label in labels]
        self.ids[on, who] = remote.add(in_app(remote, person), ids, uid=uid)

    def crowd(self, on: str, count: int, start: int = 0) -> None:
        for number in range(start, start + count):
            self.add(on, f"person{number}", first=f"P{number}", last="Crowd", emails=[f"p{number}@example.com"])

    def edit(self, on: str, who: str, **person: Any) -> None:
        remote = self.bench.remotes[on]
        remote.edit(self.id(on, who), "", **in_app(remote, person))

    def clear(self, on: str, who: str, fields: Iterable[str]) -> None:
        self.edit(on, who, **dict.fromkeys(listed(fields)))

    def touch(self, on: str, who: str) -> None:
        self.bench.remotes[on].touch(self.id(on, who))

    def delete(self, on: str, who: Any) -> None:
        for one in listed(who):
            remote = self.bench.remotes[on]
            self.bin[on, one] = remote.rows()[self.id(on, one)]
            remote.delete(self.id(on, one))

    def delete_all(self, on: str) -> None:
        remote = self.bench.remotes[on]
        for record_id in list(remote.rows()):
            remote.delete(record_id)

    def restore(self, on: str, who: str) -> None:
        self.bench.remotes[on].restore(self.bin[on, who])

    def move(self, on: str, who: str, to: str = "elsewhere", new_id: bool = False) -> None:
        self.bench.remotes[on].move(self.id(on, who), to, new_id=new_id)

    def merge(self, on: str, who: str, into: str) -> None:
        self.bench.remotes[on].merge(self.id(on, who), self.id(on, into))

    def label(self, on: str, who: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        self.bench.remotes[on].tag(self.id(on, who), *listed(add), remove=listed(remove))

    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    def sync(self, kind: str = "incremental", times: int = 1, **options: Any) -> None:
        for _ in range(times):
            if not self.counts_requests:
                self.last = self.bench.run(self.connection, kind, **options)
                continue
            before = {name: Counter(remote.requests) for name, remote in self.bench.remotes.items()}
            floor = self._floor_of_reading()
            batches = {name: len(remote.journal.batches) for name, remote in self.bench.remotes.items()}
            self.last = self.bench.run(self.connection, kind, **options)
            self._bounded(kind, before, floor, batches)

    def sync_others(self) -> None:
        for other in self.others:
            self.bench.run(other)

    def preview(self) -> None:
        self.last = self.bench.run(self.connection, preview=True)

    def patiently(self, times: int, wait: float) -> None:
        for _ in range(times):
            self.sync()
            self.wait(wait)

    def robots(self, who: str, title: list[str], rounds: int) -> None:
        """On either side something sets the title to its own taste whenever it shows another."""
        for _ in range(rounds):
            for app, taste in zip(("a", "b"), title, strict=True):
                remote = self.bench.remotes[app]
                if in_words(remote, remote.values(self.id(app, who))).get("title") != taste:
                    self.edit(app, who, title=taste)
                self.sync()

    def move_away_and_back(self, on: str, who: str) -> None:
        self.move(on, who)
        self.sync()
        self.bench.remotes[on].move(self.id(on, who), "contacts", "elsewhere")

    def fault(self, on: str, request: str, kind: str, times: int = 1, after: float = 60.0, skip: int = 0) -> None:
        self.bench.remotes[on].break_next(request, Fault(kind), times, after, skip)

    def batch(self, on: str, fates: Iterable[str]) -> None:
        self.bench.remotes[on].next_batch(*(Fate(fate) for fate in fates))

    def pages(self, on: str, come: str) -> None:
        remote = self.bench.remotes[on]
        {"twice": remote.repeat_pages, "reversed": remote.reverse_pages}[come]()

    def behave(self, on: str) -> None:
        remote = self.bench.remotes[on]
        remote.behave()
        remote.manners.refuse = remote.manners.rewrite = None

    def lists_nothing(self, on: str) -> None:
        remote = self.bench.remotes[on]
        remote.listing_is_empty = True
        remote.expire_cursors()

    def expire(self, on: str) -> None:
        self.bench.remotes[on].expire_cursors()

    def meanwhile(self, request: str, do: Any, skip: int = 0) -> None:
        """Somebody acts just before a request of a kind ("b write")."""
        left = [skip]

        def act(name: str) -> None:
            if name != request or act not in self.world.between:
                return
            left[0] -= 1
            if left[0] < 0:
                self.world.between.remove(act)
                for step in steps_of(do):
                    self._step(step)

        self.world.between.append(act)

    def option(self, **options: Any) -> None:
        Connection.objects.filter(pk=self.connection.pk).update(**self._mirrored(options))
        self._new_configuration()

    def rules(self, lines: Any) -> None:
        set_rules(Connection.objects.get(pk=self.connection.pk), self._lines(lines))

    def mapping(self, lines: Any, default: bool = False) -> None:
        """Lines of its own, in place of the ones there were, or beside the default ones."""
        specs = [MappingSpec.from_dict(line) for line in self._lines(lines)]
        connection = Connection.objects.get(pk=self.connection.pk)
        setting_up.replace_mappings(connection, specs, beside_default=default)
        self._new_configuration()

    def lose_field(self, on: str, word: str) -> None:
        """Somebody deletes a custom field, with all its values."""
        remote = self.bench.remotes[on]
        key = remote.words.get(word, word)
        del remote.catalogue[key]
        for record_id, row in remote.rows().items():
            if key in row.values:
                remote.edit(record_id, "", **{key: None})

    def lose_label(self, on: str, label: str) -> None:
        """Somebody deletes a label, and so takes it off everybody."""
        remote = self.bench.remotes[on]
        for record_id in list(remote.rows()):
            remote.tag(record_id, remove=[label])
        label_id = remote.label_id(label)
        self.bin[on, label] = label_id
        del remote.tags[label_id]

    def restore_label(self, on: str, label: str) -> None:
        """The same one, with nobody in it."""
        self.bench.remotes[on].tags[self.bin.pop((on, label))] = label

    def region(self, code: str) -> None:
        tenant = self.connection.tenant
        tenant.region = code
        tenant.save()
        self._new_configuration()

    def decide(self, verdict: str, a: str = "", b: str = "") -> None:
        """What a person says about two contacts, or about one."""
        items = {f"item_{self.side(app)}": self.item(app, who) for app, who in (("a", a), ("b", b)) if who}
        Decision.objects.create(connection=self.connection, verdict=verdict, **items)
        for item in items.values():
            for name in ("item_a", "item_b"):
                rows = Pair.objects.filter(connection=self.connection, **{name: item})
                rows.update(pending=True, next_at=0)

    def take_back(self, verdict: str) -> None:
        """A person takes a decision back."""
        deciding.take_back(Decision.objects.get(connection=self.connection, verdict=verdict))

    def resolve(self, who: str, word: str, **choice: str) -> None:
        """A person settles a conflict: `for` says whose value it is."""
        pair = self.pair("a", self.id("a", who))
        assert pair is not None
        (name,) = orjson.loads(pair.conflicts)
        with self._reached():
            deciding.resolve(pair, name, self.side(choice["for"]))

    def _reached(self) -> AbstractContextManager[Any]:
        """The product reaches the apps of this story."""
        return patch("connections.host.connect", lambda account, **_: self.bench.remotes[account.name])

    def approve(self, who: str = "") -> None:
        self._judge(who, syncing.approve)

    def reject(self, who: str = "", for_good: bool = False) -> None:
        self._judge(who, partial(syncing.reject, for_good=for_good))

    def rename_label(self, on: str, label: str, to: str) -> None:
        tags = self.bench.remotes[on].tags
        tags[next(key for key, name in tags.items() if name == label)] = to

    def propose_again(self) -> None:
        """A person takes all rejections back."""
        assert planning.forget_rejections(list(Change.objects.filter(state="rejected").values_list("id", flat=True)))

    def _judge(self, who: str, judge: Callable[..., int]) -> None:
        """All lines of the plan, or those of one contact."""
        assert self.last is not None
        lines = Change.objects.filter(run=self.last, state="proposed")
        if who:
            lines = lines.filter(pair=self.pair("a", self.id("a", who)))
        assert judge(self.last, change_ids=list(lines.values_list("id", flat=True))) > 0

    def undo(self, who: str = "", since: str = "") -> None:
        """Takes back the last run, all that was written to a contact, or all that was written since a `note time`."""
        assert self.last is not None
        what = undoing.written(self.last)
        if who:
            pair = self.pair("a", self.id("a", who))
            assert pair is not None
            what = undoing.written(pair)
        elif since:
            what = undoing.written_since(self.connection, self.times[since])
        self.last = self.bench.runner(self.connection).undo(list(what))

    def note_time(self, name: str) -> None:
        self.world.advance(1)
        self.times[name] = datetime.fromtimestamp(self.world.now(), UTC)

    def edit_where(self, on: str, first: str, **person: Any) -> None:
        """Edits a contact that we know by name only."""
        remote = self.bench.remotes[on]
        record_id = remote.id_where(**{remote.words["first"]: first})
        remote.edit(record_id, "", **in_app(remote, person))

    def disconnect(self) -> None:
        """The connection is removed, with all that it knew; the apps stay as they are."""
        folders = (self.connection.folder_a, self.connection.folder_b)
        self.connection.delete()
        for folder in folders:
            folder.items.all().delete()
            folder.delete()
        ends = ("b", "a") if self.swapped else ("a", "b")
        self.connection = self.bench.connect(*ends, **self._options())

    def expect(self, **words: Any) -> None:
        self._expect(words)

    def mark(self) -> None:
        """Counting of writes starts anew."""
        self._mark()

    def _new_configuration(self) -> None:
        connection = Connection.objects.get(pk=self.connection.pk)
        connection.config_version += 1
        connection.save(update_fields=["config_version"])

    # ---- expect

    def _mark(self) -> None:
        self.marks = {name: len(remote.journal.writes) for name, remote in self.bench.remotes.items()}

    # ---- what every scenario ends with

    def _rests(self) -> None:
        """A further sync plans nothing and writes nothing, and asks each app once."""
        self.world.advance(self.data.get("waits", 0))
        every = [self.connection, *self.others]
        for connection in every:
            self.bench.run(connection)
        before = self.bench.writes
        requests = self.bench.requests
        for connection in every:
            row = self.bench.run(connection)
            expected = self.data.get("quiet", True)
            states = ("done",) if expected is True else listed(expected)
            assert row.state in states, f"{row.state}: {row.message}"
            planned = {key: count for key, count in row.counters.items() if count and key != "waiting"}
            assert not planned, f"a further sync plans {planned}"
        assert self.bench.writes == before, "a further sync writes"
        asked = self.bench.requests - requests
        assert asked <= 2 * len(every), f"a sync with nothing to do makes {asked} requests"

    def _floor_of_reading(self) -> dict[str, int]:
        """The least number of requests for what is new on each app; unknown where a listing is due."""
        floor = {}
        for app in ("a", "b"):
            remote = self.bench.remotes[app]
            folder = self.connection.folder_a if self.side(app) == "a" else self.connection.folder_b
            folder.refresh_from_db()
            cursor = folder.cursor.split(".")
            listing = len(cursor) != 4 or cursor[1] == "list" or int(cursor[0]) != remote.epoch
            shelf = remote.shelf()
            news = len(shelf.order) if listing else len(shelf.log) - int(cursor[2])
            pages = max(1, math.ceil(news / remote.page))
            floor[app] = pages * (1 + remote.manners.reads_apart) + (1 if listing and len(cursor) == 4 else 0)
        return floor

    def _bounded(
        self, kind: str, before: Mapping[str, Counter[str]], floor: Mapping[str, int], batches: Mapping[str, int]
    ) -> None:
        """The catalogue of fields and the labels may be asked for once; everything else is counted."""
        if kind == "full" or self.data.get("requests") == "unbounded":
            return
        least = actual = 0
        for app in ("a", "b"):
            remote = self.bench.remotes[app]
            written = sum(remote.journal.batches[batches[app] :])
            least += floor[app] + math.ceil(written / remote.manners.write_batch)
            asked = remote.requests - before[app]
            about = {kind: asked.pop(kind, 0) for kind in ("fields", "labels", "create_label")}
            assert max(about.values()) <= 1, about
            actual += sum(asked.values())
        assert actual <= 1.02 * least + 2, f"{actual} requests where {least} are enough"


def steps_of(steps: Any) -> list[Any]:
    return steps if isinstance(steps, list) else [steps]


def _field(extra: Mapping[str, Any] | None) -> dict[str, Any]:
    """What `fields: {tier: {type: option, options: {1: Gold}}}` says of a custom field."""
    said = dict(extra or {})
    said["type"] = FieldType(said.get("type", "text"))
    said["options"] = tuple((str(value), label) for value, label in said.get("options", {}).items())
    return said


def _refusing(remote: MemoryRemote, words: Mapping[str, Any]) -> Callable[[Write], str]:
    """`refuses: {title: Boss}`: the app blames that field when it is to show that value; `refuses: {record: Anna}`
    names no field: it does not want this person at all."""
    wanted = in_app(remote, {word: value for word, value in words.items() if word != "record"})
    first = remote.words["first"]

    def refuse(write: Write) -> str:
        for key, value in wanted.items():
            if write.values.get(key) == value:
                return key
        person = write.values.get(first) or write.current.get(first)
        return "record" if words.get("record") and person == words["record"] else ""

    return refuse
