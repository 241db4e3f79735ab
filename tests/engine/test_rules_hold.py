"""Rules against a model: whatever people do, once everything rests each rule that matches has done what it says, and
another look at everything finds nothing to do.

The rules only add labels, to labels that come later in the order, so that they always come to an end.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connections.models import Pair
from tests.engine.scenario import Player

LABELS = ("One", "Two", "Three", "Four")
TITLES = ("Owner", "Clerk", "")
WAYS = {"a_to_b": ("a", "b"), "b_to_a": ("b", "a")}

conditions = st.one_of(
    st.sampled_from(TITLES[:2]).map(lambda title: {"field": "title", "is": title}),
    st.sampled_from(LABELS[:3]).map(lambda label: {"label": label, "in": True}),
    st.booleans().map(lambda there: {"exists_in_other": there}),
)
acts = st.one_of(
    st.builds(lambda on, who, title: {"edit": {"on": on, "who": who, "title": title or None}},
              st.sampled_from("ab"), st.integers(0, 3), st.sampled_from(TITLES)),
    st.builds(lambda on, who, label: {"label": {"on": on, "who": who, "add": label}},
              st.sampled_from("ab"), st.integers(0, 3), st.sampled_from(LABELS)),
    st.just({"sync": {}}),
)  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = [{"name": f"All {way}", "direction": way} for way in WAYS]
    for number in range(draw(st.integers(1, 4))):
        wanted = draw(st.lists(conditions, max_size=2, unique_by=lambda part: next(iter(part))))
        used = [LABELS.index(part["label"]) for part in wanted if "label" in part]
        added = draw(st.integers(max(used, default=-1) + 1, len(LABELS) - 1))
        line = {"name": f"Rule {number}", "direction": draw(st.sampled_from(sorted(WAYS)))}
        lines.append({**line, "if": wanted, "then": [{"add_label": LABELS[added]}]})
    return lines


class Story(Player):
    """Afterwards everybody is on both sides, and every rule has done what it says."""

    def check(self) -> None:
        self.bench.until_quiet(self.connection, step=10.0, calm=2)
        before = self.bench.writes
        row = self.bench.run(self.connection, "full")
        assert (row.state, self.bench.writes) == ("done", before)
        for pair in Pair.objects.filter(connection=self.connection):
            assert pair.item_a is not None, pair.title
            assert pair.item_b is not None, pair.title
            ids = {"a": pair.item_a.remote_id, "b": pair.item_b.remote_id}
            for line in self.data["rules"]:
                source, target = WAYS[line["direction"]]
                if all(self._holds(part, source, ids[source]) for part in line.get("if", ())):
                    for action in line.get("then", ()):
                        shown = self.bench.remotes[target].label_names(ids[target])
                        assert action["add_label"] in shown, f"{line} on {pair.title}: {shown}"

    def _holds(self, part: dict[str, Any], app: str, record_id: str) -> bool:
        remote = self.bench.remotes[app]
        if "label" in part:
            return part["label"] in remote.label_names(record_id)
        if "exists_in_other" in part:
            return bool(part["exists_in_other"])
        return bool(remote.rows()[record_id].values.get(remote.words["title"]) == part["is"])


def story(lines: list[dict[str, Any]], where: list[str], steps: list[dict[str, Any]]) -> dict[str, Any]:
    made = [
        {"add": {"on": app, "who": f"p{number}", "first": f"P{number}", "emails": [f"p{number}@example.com"]}}
        for number, app in enumerate(where)
    ]
    told = []
    for step in steps:
        ((name, words),) = step.items()
        if "who" not in words:
            told.append(step)
        elif words["who"] < len(where):
            told.append({name: {**words, "who": f"p{words['who']}"}})
    return {
        "scenario": "rules", "title": "rules", "deletions": "keep", "rules": lines,
        "when": [*made, {"sync": {}}, *told], "quiet": False,
    }  # fmt: skip


def play(lines: list[dict[str, Any]], where: list[str], steps: list[dict[str, Any]]) -> None:
    Story.counts_requests = False
    told = Story(story(lines, where, steps))
    told.play()
    told.check()


def explored(examples: int) -> settings:
    return settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
@explored(25)
@given(rules(), st.lists(st.sampled_from("ab"), min_size=1, max_size=4), st.lists(acts, max_size=8))
def test_whatever_people_do_the_rules_hold_in_the_end(lines: Any, where: Any, steps: Any) -> None:
    play(lines, where, steps)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@explored(300)
@given(rules(), st.lists(st.sampled_from("ab"), min_size=1, max_size=4), st.lists(acts, max_size=14))
def test_in_many_more_stories(lines: Any, where: Any, steps: Any) -> None:
    play(lines, where, steps)
