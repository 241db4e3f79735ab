"""What a scenario expects: each `_expect_` method is a word that its data file may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connections.models import Change, Connection, Item, Pair, Run
from tests.engine.harness import Bench, in_words


class Expectations:
    """Looks at the apps and at our tables, in the words of a scenario."""

    bench: Bench
    connection: Connection
    last: Run | None
    ids: dict[tuple[str, str], str]  # (app, who) -> remote id
    marks: dict[str, int]  # app -> number of writes from which on they are counted
    swapped: bool

    def written(self, app: str) -> list[tuple[str, str, dict[str, Any]]]:
        return self.bench.remotes[app].journal.writes[self.marks[app] :]

    def side(self, app: str) -> str:
        return {"a": "b", "b": "a"}[app] if self.swapped else app

    def id(self, on: str, who: str) -> str:
        """The record of a person on an app: as added, or as the pair says."""
        if (on, who) in self.ids:
            return self.ids[on, who]
        for (app, name), record_id in self.ids.items():
            if name == who:
                partner = self.partner(app, record_id, on)
                if partner:
                    return partner.remote_id
        raise AssertionError(f"there is no {who} on {on}")

    def partner(self, app: str, record_id: str, on: str) -> Item | None:
        pair = self.pair(app, record_id)
        return None if pair is None else pair.item_a if self.side(on) == "a" else pair.item_b

    def item(self, app: str, who: str) -> Item:
        folder = self.connection.folder_a if self.side(app) == "a" else self.connection.folder_b
        return Item.objects.get(folder=folder, remote_id=self.id(app, who))

    def pair(self, app: str, record_id: str) -> Pair | None:
        rows = Pair.objects.filter(**{f"item_{self.side(app)}__remote_id": record_id}, connection=self.connection)
        return rows.first()

    def _expect(self, words: Mapping[str, Any]) -> None:
        for word, wanted in words.items():
            check: Callable[[Any], None] = getattr(self, "_expect_" + word.replace(" ", "_"))
            check(wanted)

    def _expect_a(self, wanted: Mapping[str, Mapping[str, Any]], app: str = "a") -> None:
        remote = self.bench.remotes[app]
        for who, person in wanted.items():
            shown = in_words(remote, remote.rows()[self.id(app, who)].values)
            for word, value in person.items():
                assert _same(shown.get(word), value), f"{app} shows {word} of {who} as {shown.get(word)!r}"

    def _expect_b(self, wanted: Mapping[str, Mapping[str, Any]]) -> None:
        self._expect_a(wanted, "b")

    def _expect_c(self, wanted: Mapping[str, Mapping[str, Any]]) -> None:
        self._expect_a(wanted, "c")

    def _expect_people(self, wanted: Mapping[str, list[str]]) -> None:
        for app, names in wanted.items():
            remote = self.bench.remotes[app]
            shown = [in_words(remote, values) for values in remote.contents()]
            firsts = sorted(str(person.get("first", person.get("company", ""))) for person in shown)
            assert firsts == sorted(names), f"on {app}: {firsts}"

    def _expect_count(self, wanted: Mapping[str, int]) -> None:
        for app, count in wanted.items():
            assert len(self.bench.remotes[app].rows()) == count, app

    def _expect_writes(self, wanted: Any) -> None:
        if wanted == "none":
            wanted = dict.fromkeys(self.bench.remotes, 0)
        for app, count in wanted.items():
            assert len(self.written(app)) == count, f"written to {app}: {self.written(app)}"

    def _expect_writes_at_most(self, wanted: Mapping[str, int]) -> None:
        for app, count in wanted.items():
            assert len(self.written(app)) <= count, f"written to {app}: {self.written(app)}"

    def _expect_kinds(self, wanted: Mapping[str, Mapping[str, Mapping[str, str]]]) -> None:
        """The kinds of emails, where the app has them."""
        for app, people in wanted.items():
            for who, kinds in people.items():
                remote = self.bench.remotes[app]
                shown = remote.values(self.id(app, who))[remote.words["emails"]]
                assert {one["value"]: one.get("type") for one in shown}.items() >= kinds.items(), shown

    def _expect_patches(self, wanted: Mapping[str, list[dict[str, Any]]]) -> None:
        for app, patches in wanted.items():
            remote = self.bench.remotes[app]
            shown = [in_words(remote, patch) for kind, _, patch in self.written(app) if kind == "update"]
            assert shown == patches, f"patches of {app}: {shown}"

    def _expect_created(self, wanted: Mapping[str, int]) -> None:
        for app, count in wanted.items():
            assert sum(kind == "create" for kind, _, _ in self.written(app)) == count, self.written(app)

    def _expect_deleted(self, wanted: Mapping[str, int]) -> None:
        for app, count in wanted.items():
            assert sum(kind == "delete" for kind, _, _ in self.written(app)) == count, self.written(app)

    def _expect_batches(self, wanted: Mapping[str, list[int]]) -> None:
        for app, sizes in wanted.items():
            assert self.bench.remotes[app].journal.batches == sizes, self.bench.remotes[app].journal.batches

    def _expect_labels(self, wanted: Mapping[str, Mapping[str, list[str]]]) -> None:
        for app, people in wanted.items():
            for who, names in people.items():
                shown = self.bench.remotes[app].label_names(self.id(app, who))
                assert shown == set(names), f"labels of {who} on {app}: {shown}"

    def _expect_label_creates(self, wanted: Mapping[str, int]) -> None:
        for app, count in wanted.items():
            assert self.bench.remotes[app].requests["create_label"] == count

    def _expect_run(self, wanted: str) -> None:
        assert self.last is not None
        assert self.last.state == wanted, f"{self.last.state}: {self.last.message}"

    def _expect_message(self, wanted: str) -> None:
        assert self.last is not None
        assert wanted in self.last.message, self.last.message

    def _expect_health(self, wanted: Mapping[str, Mapping[str, str]]) -> None:
        for app, people in wanted.items():
            for who, health in people.items():
                pair = self.pair(app, self.id(app, who))
                assert pair is not None, f"{who} on {app} has no pair"
                assert pair.health == health, f"{who} on {app} is {pair.health}: {pair.reason}"

    def _expect_reason(self, wanted: Mapping[str, Mapping[str, str]]) -> None:
        for app, people in wanted.items():
            for who, text in people.items():
                pair = self.pair(app, self.id(app, who))
                assert pair is not None
                assert text in f"{pair.reason} {pair.cause_a} {pair.cause_b}", pair.reason

    def _expect_paired(self, wanted: list[list[str]]) -> None:
        for on_a, on_b in wanted:
            partner = self.partner("a", self.id("a", on_a), "b")
            assert partner is not None, f"{on_a} has no partner"
            assert partner.remote_id == self.ids["b", on_b], f"{on_a} is not paired with {on_b}"

    def _expect_alone(self, wanted: Mapping[str, list[str]]) -> None:
        for app, people in wanted.items():
            for who in people:
                pair = self.pair(app, self.id(app, who))
                assert pair is None or not (pair.item_a_id and pair.item_b_id), f"{who} on {app} has a partner"

    def _expect_pairs(self, wanted: int) -> None:
        rows = Pair.objects.filter(connection=self.connection, item_a__isnull=False, item_b__isnull=False)
        assert rows.count() == wanted

    def _expect_history(self, wanted: list[str]) -> None:
        """Texts that the history of changes holds: what was overwritten can be brought back."""
        rows = Change.objects.filter(connection=self.connection).values_list("before", "cause")
        told = " ".join(f"{before} {cause}" for before, cause in rows)
        for text in listed(wanted):
            assert text in told, f"the history does not hold {text!r}"

    def _expect_proposed(self, wanted: Mapping[str, int]) -> None:
        rows = Change.objects.filter(connection=self.connection, state="proposed")
        shown: dict[str, int] = {}
        for kind in rows.values_list("kind", flat=True):
            shown[kind] = shown.get(kind, 0) + 1
        assert shown == wanted, shown

    def _expect_warnings(self, wanted: Mapping[str, Mapping[str, str]]) -> None:
        for app, people in wanted.items():
            for who, text in people.items():
                pair = self.pair(app, self.id(app, who))
                assert pair is not None
                assert text in pair.warnings, pair.warnings


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | set) else [value]


def _same(shown: Any, wanted: Any) -> bool:
    if isinstance(wanted, list) or isinstance(shown, list):
        return sorted(map(_folded, listed(shown or []))) == sorted(map(_folded, listed(wanted or [])))
    return bool(shown == wanted)


def _folded(value: Any) -> str:
    return str(value).lower().replace(" ", "")
