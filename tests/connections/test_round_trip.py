"""What is configured and exported, is the same when it is applied: here, again, and on an empty installation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from django.db import transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from connections.models import Connection, Tenant
from connections.services.configuration import Application, BadFile, export
from connections.services.configuration.options import OPTIONS as OPTIONS_OF_FILES
from syncrules.models import FieldMapping, Rule
from tests.apps import FILE, Apps

# Words that YAML, the shell or a template could take for something else, beside any others.
TRAPS = ["yes", "null", "~", "1e3", "0x1F", "12:30", "- a", "a: b", "#b", " c ", "${HOME}", "{0}", "é\u0301", "‮x", "😀"]
TEXTS = st.one_of(
    st.sampled_from(TRAPS),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12),
)
NAMES = TEXTS.filter(str.strip)
FIELDS = {"a": ["givenName", "surname", "companyName", "jobTitle"], "b": ["given", "family", "org", "title"]}
LINES = list(zip(FIELDS["a"], FIELDS["b"], strict=True))
PLAIN = st.one_of(TEXTS, st.integers(-(2**31), 2**31), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))


def table(required: Mapping[str, Any], optional: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(dict(required), optional=dict(optional))


def mapping(pair: tuple[str, str]) -> st.SearchStrategy[dict[str, Any]]:
    return table(
        {"a": st.just([pair[0]]), "b": st.just([pair[1]])},
        {
            "name": NAMES,
            "direction": st.sampled_from(["both", "a_to_b", "b_to_a"]),
            "mode": st.sampled_from(["overwrite", "fill", "clear"]),
            "winner": st.sampled_from(["a", "b"]),
            "enabled": st.booleans(),
        },
    )


MAPPINGS = st.one_of(
    st.just("default"),
    st.lists(st.sampled_from(LINES), min_size=1, unique=True).flatmap(lambda pairs: st.tuples(*map(mapping, pairs))),
).map(lambda lines: lines if isinstance(lines, str) else list(lines))


def condition(side: str) -> st.SearchStrategy[dict[str, Any]]:
    field = st.sampled_from(FIELDS[side])
    return st.one_of(
        table({"field": field}, {}).flatmap(
            lambda found: st.sampled_from(["is", "is_not", "contains", "starts"]).flatmap(
                lambda operator: PLAIN.map(lambda value: {**found, operator: value})
            )
        ),
        table({"field": field, "empty": st.booleans()}, {}),
        table({"field": field, "one_of": st.lists(PLAIN, min_size=1, max_size=3)}, {}),
        table({"label": NAMES, "in": st.booleans()}, {}),
        table({"exists_in_other": st.booleans()}, {}),
        table({"was_deleted": st.booleans()}, {}),
    )


def action(target: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        table({"add_label": NAMES}, {}),
        table({"remove_label": NAMES}, {}),
        table({"set": table({"field": st.sampled_from(FIELDS[target]), "value": TEXTS}, {})}, {}),
    )


def rule(direction: str) -> st.SearchStrategy[dict[str, Any]]:
    source, target = ("a", "b") if direction == "a_to_b" else ("b", "a")
    return table(
        {"name": NAMES, "direction": st.just(direction)},
        {
            "enabled": st.booleans(),
            "update_only": st.booleans(),
            "undo": st.booleans(),
            "if": st.lists(condition(source), max_size=3),
            "then": st.lists(action(target), max_size=2),
        },
    )


SHARES = st.integers(0, 100).map(lambda share: f"{share}%")
GUARD = table({"share": SHARES}, {"least": st.integers(0, 999)})
DELETIONS = st.one_of(st.sampled_from(["keep", "delete"]), NAMES.map(lambda name: {"label": name}))
OPTIONS = table(
    {},
    {
        "direction": st.sampled_from(["both", "a_to_b", "b_to_a"]),
        "winner": st.sampled_from(["a", "b"]),
        "conflicts": st.sampled_from(["winner", "newest", "ask"]),
        "delete_beats_update": st.booleans(),
        "restore_target": st.booleans(),
        "deletions": table({}, {"a_to_b": DELETIONS, "b_to_a": DELETIONS}),
        "every": st.one_of(st.integers(1, 100_000), st.integers(1, 500).map(lambda number: f"{number}m")),
        "enabled": st.booleans(),
        "look_only": st.booleans(),
        "approve_first_run": st.booleans(),
        "approve_above": st.integers(0, 1000),
        "match": table(
            {"keys": st.lists(st.sampled_from(["email", "phone+name", "name+company"]), min_size=1, unique=True)},
            {"avoid_duplicates": st.booleans()},
        ),
        "guard": table(
            {}, {kind: table({"share": SHARES}, {"least": st.integers(0, 999)}) for kind in ("deletes", "blanks")}
        ),
        "mappings": MAPPINGS,
        "rules": st.lists(st.sampled_from(["a_to_b", "b_to_a"]).flatmap(rule), max_size=3),
    },
)


def apply(text: str) -> list[str]:
    application = Application(text, "site.yaml")
    told = [line for difference in application.differences for line in difference.lines()]
    application.write()
    return told


OWN = ("id", "connection", "connection_id", "label_id")


def shape() -> list[Any]:
    """The rows themselves, so that what an export leaves out shows."""
    [connection] = Connection.objects.all()
    options = {column: getattr(connection, column) for option in OPTIONS_OF_FILES for column in option.columns}
    lines = [model.objects.order_by("position").values() for model in (FieldMapping, Rule)]
    return [
        options,
        connection.default_mappings,
        *([{key: value for key, value in row.items() if key not in OWN} for row in rows] for rows in lines),
    ]


def with_credentials(text: str) -> str:
    """An export holds no secrets; a new account needs its own."""
    data, given_before = yaml.safe_load(text), yaml.safe_load(FILE)
    for tenant, before in zip(data["tenants"], given_before["tenants"], strict=True):
        for account in tenant["accounts"]:
            [same] = [one for one in before["accounts"] if one["name"] == account["name"]]
            account["credentials"] = same["credentials"]
    return yaml.safe_dump(data, allow_unicode=True)


@pytest.mark.django_db
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(options=OPTIONS)
def test_an_export_says_all_that_was_configured(apps: Apps, options: dict[str, Any]) -> None:
    data = yaml.safe_load(FILE)
    data["tenants"][0]["connections"][0] |= options
    text = yaml.safe_dump(data, allow_unicode=True).replace("${", "$${")
    with transaction.atomic():
        try:
            apply(text)
        except BadFile:
            assume(False)
        configured, exported = shape(), export()
        assert apply(exported) == []
        assert apply(text) == []
        assert (shape(), export()) == (configured, exported)
        Connection.every.all().delete()
        Tenant.objects.all().delete()
        apply(with_credentials(exported))
        assert shape() == configured
        transaction.set_rollback(True)
