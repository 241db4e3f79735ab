"""Members build rules and mapping lines themselves, on pages of their own; those who may only look, look."""

# ruff: noqa: F811 - fixtures are imported, and asked for by their names
from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from connections.models import Connection, Pair, Role, Tenant
from connections.services import arranging, syncing
from connections.services.mapping import Editor as MappingEditor
from connectors.base import Field
from syncrules.models import FieldMapping, Rule
from syncrules.table import fields_of
from tests.admin.conftest import Apps, accounts, apps, connection, fill, queue  # noqa: F401 - fixtures
from tests.factories import make_connection
from tests.people.conftest import Person, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(acme: Any) -> Any:
    return acme


@pytest.fixture
def synced(apps: Apps, connection: Connection, queue: list[Any]) -> Connection:
    fill(apps)
    apps.remotes["dav"].label_id("Customers")
    apps.remotes["dav"].catalogue["code"] = Field("code", "Code")
    assert syncing.sync(connection).state == "done"
    arranging.refresh(connection)
    return connection


def where(name: str, row: Connection, query: str = "") -> str:
    return f"{reverse(name, args=['acme', row.pk])}?{query}"


def filled(conditions: list[tuple[str, str, str]], actions: list[tuple[str, str]], **given: str) -> dict[str, Any]:
    return {
        "name": "Hoppers",
        "enabled": "on",
        "conditions-subject": [row[0] for row in conditions],
        "conditions-operator": [row[1] for row in conditions],
        "conditions-value": [row[2] for row in conditions],
        "actions-subject": [row[0] for row in actions],
        "actions-value": [row[1] for row in actions],
        **given,
    }


def text_of(answer: Any) -> str:
    return str(answer.getvalue().decode() if answer.streaming else answer.content.decode())


def test_a_rule_is_built_tried_and_saved(anna: Person, synced: Connection) -> None:
    new = where("connection-rule", synced, "direction=a_to_b")
    form = anna.client.get(new).content.decode()
    assert 'class="pw-rows"' in form
    given = filled([("field:surname", "is", "Hopper")], [("add_label", "Customers")], who="grace@example.com")
    tried = text_of(anna.client.post(new, {**given, "try": "yes"}))
    assert "Added to Customers" in tried
    assert "<strong>Hoppers</strong> matches" in tried
    assert not Rule.objects.filter(name="Hoppers").exists()
    everything = Rule.objects.get(name="Everything")
    saved = anna.client.post(where("connection-rule", synced, f"rule={everything.pk}"), filled([], [], name="All"))
    assert saved["Location"] == where("connection-rules", synced).rstrip("?")
    page = anna.page("connection-rules", synced.pk)
    assert "All</a>" in page
    assert "it is any contact" in page


def test_who_would_come_and_go_is_shown_before_a_live_connection_changes(anna: Person, synced: Connection) -> None:
    Rule.objects.filter(name="Everything back").update(conditions=[{"field": "family", "is": "Hopper"}])
    rule = Rule.objects.get(name="Everything")
    change = where("connection-rule", synced, f"rule={rule.pk}")
    given = filled([("field:surname", "is", "Hopper")], [])
    shown = text_of(anna.client.post(change, given))
    assert "leaves: Ada Byron" in shown
    assert Rule.objects.get(pk=rule.pk).conditions == []
    version = Connection.objects.get(pk=synced.pk).config_version
    anna.client.post(change, {**given, "confirmed": str(version)})
    assert Rule.objects.get(pk=rule.pk).conditions == [{"field": "surname", "is": "Hopper"}]


def test_what_cannot_work_is_refused_with_the_reason(anna: Person, synced: Connection) -> None:
    new = where("connection-rule", synced, "direction=a_to_b")
    answer = anna.client.post(new, filled([("field:gone", "is", "x")], []))
    assert "has no such field any more" in text_of(answer)
    both = anna.client.get(where("connection-mapping-line", synced, "line=nothing"), follow=True)
    assert "This line is not there any more." in text_of(both)


def test_a_line_is_made_changed_and_removed(anna: Person, synced: Connection) -> None:
    listed = anna.page("connection-mapping", synced.pk)
    assert "Map it" in listed
    new = where("connection-mapping-line", synced)
    line = {
        "a": ["givenName"],
        "b": ["code"],
        "direction": "both",
        "mode": "overwrite",
        "name": "Nick",
        "enabled": "on",
    }
    answer = anna.client.post(new, line, follow=True)
    assert "Line “Nick” is saved" in text_of(answer)
    spec = next(spec for spec in MappingEditor(synced).own if spec.name == "Nick")
    change = where("connection-mapping-line", synced, f"line={fields_of(spec)}")
    anna.client.post(change, {**line, "mode": "fill"})
    assert FieldMapping.objects.get(connection=synced, name="Nick").mode == "fill"
    anna.client.post(change, {"remove": "yes"})
    assert not FieldMapping.objects.filter(connection=synced, name="Nick").exists()


def test_who_only_looks_sees_rules_and_tries_them_but_changes_nothing(
    anna: Person, synced: Connection, acme: Tenant
) -> None:
    viewer = Person(member(acme, "eve@example.com", Role.VIEWER), acme)
    page = viewer.client.get(where("connection-rules", synced, "who=grace@example.com")).content.decode()
    assert "<strong>Everything</strong> matches" in page
    assert "Add a rule" not in page
    assert "Remove" not in page
    lines = viewer.page("connection-mapping", synced.pk)
    assert "Map it" not in lines
    assert "Save the switches" not in lines
    rule = Rule.objects.get(name="Everything")
    answer = viewer.client.post(where("connection-rules", synced), {"rule": rule.pk, "remove": "yes"})
    assert answer.status_code == 403
    assert Rule.objects.filter(pk=rule.pk).exists()


def test_rules_and_contacts_of_other_connections_are_out_of_reach(
    anna: Person, synced: Connection, globex: Tenant
) -> None:
    other = make_connection(tenant=globex)
    rule = Rule.objects.create(connection=other, name="Theirs", direction="a_to_b", position=0)
    pair = Pair.objects.create(connection=other, title="Their contact")
    gone = anna.client.get(where("connection-rule", synced, f"rule={rule.pk}"), follow=True)
    assert "This rule is not there any more." in text_of(gone)
    anna.client.post(where("connection-rules", synced), {"rule": rule.pk, "remove": "yes", "confirmed": "1"})
    assert Rule.objects.filter(pk=rule.pk).exists()
    tried = anna.client.get(where("connection-rules", synced, f"pair={pair.pk}")).content.decode()
    assert "Their contact" not in tried
