"""The mapping editor: lines with switches, a page for each, and what no line speaks of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from connections.models import ConfigurationVersion, Connection, Run
from connections.services import arranging, syncing
from connections.services.mapping import Editor
from connectors.base import Field, FieldType
from syncrules.models import FieldMapping
from syncrules.table import fields_of
from tests.admin.conftest import Apps

pytestmark = pytest.mark.django_db

TITLE = "jobTitle = title"


@pytest.fixture(autouse=True)
def _queue(queue: list[Any]) -> None:
    """Nothing runs but what a test runs itself."""


@pytest.fixture
def live(apps: Apps, connection: Connection) -> Connection:
    """Both apps offer fields of their own kind as well."""
    declare(
        apps, "anna", Field("tier", "Tier", FieldType.OPTION, options=(("g", "Gold"), ("s", "Silver")), custom=True)
    )
    declare(apps, "anna", Field("agreed", "Agreed", FieldType.BOOLEAN, custom=True))
    declare(apps, "anna", Field("score", "Score", FieldType.NUMBER, read_only=True, custom=True))
    declare(apps, "dav", Field("class", "Class", FieldType.OPTION, options=(("1", "First"), ("2", "A=B")), custom=True))
    arranging.refresh(connection)
    return connection


def declare(apps: Apps, name: str, field: Field) -> None:
    apps.remotes[name].catalogue[field.key] = field


def table(connection: Connection) -> str:
    return f"/admin/connections/connection/{connection.pk}/mappings/"


def line(connection: Connection, **query: str) -> str:
    return f"/admin/connections/connection/{connection.pk}/mapping-line/?{urlencode(query)}"


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def switched_on(connection: Connection) -> list[str]:
    fresh = Connection.objects.get(pk=connection.pk)
    return [fields_of(spec) for spec in Editor(fresh).specs if spec.enabled]


def save(admin: Client, connection: Connection, where: str = "", **given: Any) -> Any:
    plain = {"a": ["tier"], "b": ["class"], "direction": "both", "mode": "overwrite", "enabled": "on"}
    return admin.post(where or line(connection), {**plain, **given}, follow=True)


def test_all_lines_and_all_other_fields_stand_on_one_page(admin: Client, live: Connection) -> None:
    text = admin.get(table(live)).content.decode()
    assert "Company" in text
    assert text.count('name="on"') == len(Editor(live).specs)
    assert "No counterpart: no field of dav means the same" in text
    assert "Read-only: it can be carried to dav, not changed here" in text
    assert "Not offered by the app: The app sets it." in text
    every = {(side, field.key) for side, known in (("a", Editor(live).a), ("b", Editor(live).b)) for field in known}
    found = {(one.side.value, one.field.key) for some in Editor(live).overview().unmapped.values() for one in some}
    mapped = {(side, key) for spec in Editor(live).specs for side in "ab" for key in getattr(spec, side)}
    assert found | mapped == every
    assert not found & mapped


def test_a_default_line_is_switched_off_and_on_again(admin: Client, live: Connection) -> None:
    before = switched_on(live)
    admin.post(table(live), {"on": [one for one in before if one != TITLE]})
    assert switched_on(live) == [one for one in before if one != TITLE]
    live.refresh_from_db()
    assert live.default_mappings
    assert (
        ConfigurationVersion.objects.filter(connection=live).latest("number").note == "1 lines of the mapping switched"
    )
    admin.post(table(live), {"on": before})
    assert switched_on(live) == before
    assert not FieldMapping.objects.filter(connection=live).exists()


def test_a_field_below_the_table_is_mapped_from_there(admin: Client, live: Connection) -> None:
    text = admin.get(table(live)).content.decode()
    assert line(live, a="tier") in text
    text = admin.get(line(live, a="tier")).content.decode()
    assert '<option value="tier" selected>Tier</option>' in text
    answer = save(admin, live, line(live, a="tier"), table="Gold = First\nSilver = A=B")
    assert "Line “Tier” is saved." in said(answer)
    row = FieldMapping.objects.get(connection=live)
    assert (row.a, row.b, row.values) == (["tier"], ["class"], [["g", "1"], ["s", "2"]])
    assert "tier = class" in switched_on(live)
    assert "Silver = A=B" in admin.get(line(live, line="tier = class")).content.decode()


def test_a_default_line_done_another_way_is_an_own_line_until_it_is_removed(admin: Client, live: Connection) -> None:
    before = switched_on(live)
    where = line(live, line=TITLE)
    save(admin, live, where, a=["jobTitle"], b=["title"], direction="a_to_b", mode="fill", winner="b")
    row = FieldMapping.objects.get(connection=live)
    assert (row.direction, row.mode, row.winner) == ("a_to_b", "fill", "b")
    assert sorted(switched_on(live)) == sorted(before)
    admin.post(where, {"remove": "1"})
    assert switched_on(live) == before


def test_a_default_line_pointed_to_another_field_does_not_come_back_beside(admin: Client, live: Connection) -> None:
    save(admin, live, line(live, line=TITLE), a=["agreed"], b=["nickname"])
    assert TITLE not in switched_on(live)
    assert "agreed = nickname" in switched_on(live)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"a": ["birthday"], "b": ["emails"]}, "“Birthday” holds a date and “Emails” a email; map “Birthday” to"),
        ({"a": ["givenName", "surname"], "b": ["emails"]}, "cannot be joined; map “Emails” on a line of its own"),
        ({"a": ["score"], "b": ["nickname"], "direction": "b_to_a"}, "“Score” is read-only; let it flow the other way"),
        ({"a": ["tier"], "b": ["class"], "table": "Gold First"}, "is not of the form: option = option"),
        ({"a": ["tier"], "b": ["class"], "table": "Gold = First\nGold = First"}, "stands twice in the value table"),
        ({"a": ["tier", "tier"], "b": ["class"]}, "A field is chosen twice"),
        ({"a": ["givenName", "surname"], "b": ["nickname"], "pattern": "{0}{1}"}, "needs some text between"),
        ({"a": [], "b": ["nickname"]}, "This field is required"),
    ],
)
def test_a_line_that_cannot_work_is_refused_with_the_reason(
    admin: Client, live: Connection, given: dict[str, Any], reason: str
) -> None:
    text = save(admin, live, **given).content.decode().replace("&quot;", '"')
    assert reason in text
    assert not FieldMapping.objects.filter(connection=live).exists()


def test_directions_into_read_only_fields_are_not_offered(admin: Client, live: Connection) -> None:
    text = admin.get(line(live, a="score", b="nickname")).content.decode()
    assert "anna → dav" in text
    assert "anna ⇄ dav" not in text
    assert "anna ← dav" not in text


def test_the_first_value_rule_is_shown_where_it_applies(admin: Client, live: Connection) -> None:
    text = admin.get(table(live)).content.decode()
    assert "“Mobile phone” holds one value: the first of “Mobile phones” goes there" in text


def test_a_field_that_vanished_lets_its_line_rest_and_the_others_go_on(
    admin: Client, apps: Apps, live: Connection
) -> None:
    save(admin, live, b=["nickname"])
    apps.remotes["anna"].add({"givenName": "Ada", "emailAddresses": [{"value": "ada@x.be"}], "tier": "g"})
    assert syncing.sync(live).state == "done"
    del apps.remotes["anna"].catalogue["tier"]
    arranging.forget_answers(live)
    text = admin.get(table(live)).content.decode()
    assert "It rests: Side a has no field “tier”" in text
    assert "Line “Tier” rests" in admin.get(table(live).replace("mappings", "change")).content.decode()
    run = syncing.sync(live)
    assert run.state == "done"
    assert "Mapping “Tier” rests" in run.message


def test_ten_thousand_options_are_mapped_and_shown_in_part(admin: Client, apps: Apps, live: Connection) -> None:
    many = tuple((f"v{number}", f"Option {number}") for number in range(10_000))
    declare(apps, "anna", Field("many", "Many", FieldType.OPTION, options=many, custom=True))
    declare(apps, "dav", Field("much", "Much", FieldType.OPTION, options=many, custom=True))
    arranging.forget_answers(live)
    admin.get(table(live))
    couples = "\n".join(f"Option {number} = Option {9_999 - number}" for number in range(10_000))
    answer = save(admin, live, a=["many"], b=["much"], table=couples)
    assert "is saved" in said(answer)
    assert "10000 options translated" in answer.content.decode()
    text = admin.get(line(live, line="many = much")).content.decode()
    assert "and 9900 more" in text


def test_a_new_line_of_a_live_connection_waits_for_approval(admin: Client, apps: Apps, synced: Run) -> None:
    connection = synced.connection
    declare(apps, "anna", Field("nick", "Nick", custom=True))
    arranging.forget_answers(connection)
    admin.get(table(connection))
    ada = next(row for row in apps.remotes["dav"].rows().values() if row.values.get("given") == "Ada")
    apps.remotes["dav"].edit(ada.id, "", nickname="Addie")
    Connection.objects.update(approve_above=0)
    answer = save(admin, connection, a=["nick"], b=["nickname"])
    assert "Up to 0 changes" in said(answer)
    run = syncing.sync(Connection.objects.get(pk=connection.pk))
    assert run.state == "held"
    assert "new lines of the mapping" in run.message
    assert [row.values.get("nick") for row in apps.remotes["anna"].rows().values()].count("Addie") == 0
    syncing.approve(run)
    assert syncing.sync(Connection.objects.get(pk=connection.pk)).state == "done"
    assert [row.values.get("nick") for row in apps.remotes["anna"].rows().values()].count("Addie") == 1


def test_who_may_only_look_sees_the_table_and_changes_nothing(staff: Callable[..., Client], live: Connection) -> None:
    client = staff("view_connection")
    text = client.get(table(live)).content.decode()
    assert "Company" in text
    assert "Map it" not in text
    assert client.post(table(live), {"on": []}).status_code == 403
    assert client.get(line(live)).status_code == 403
    assert client.post(line(live), {}).status_code == 403


def test_who_may_not_see_connections_sees_no_mapping(staff: Callable[..., Client], live: Connection) -> None:
    assert staff("view_account").get(table(live)).status_code == 403


def test_a_default_line_gives_way_to_an_own_one_and_another_own_one_does_not(admin: Client, live: Connection) -> None:
    save(admin, live, a=["agreed"], b=["title"])
    assert TITLE not in switched_on(live)
    text = admin.get(table(live)).content.decode()
    assert "“Job title” of dav means the same; the line “Agreed” has it" in text
    text = save(admin, live, a=["tier"], b=["title"]).content.decode()
    assert "the line “Agreed” writes “Job title” already" in text


def test_a_circle_of_lines_is_refused(admin: Client, live: Connection) -> None:
    save(admin, live, a=["tier"], b=["nickname"], direction="a_to_b")
    text = save(admin, live, a=["agreed"], b=["nickname"], direction="b_to_a").content.decode()
    assert "is saved" in text
    text = save(
        admin,
        live,
        line(live, line="agreed = nickname"),
        a=["tier"],
        b=["nickname", "suffix"],
        name="Back",
        direction="b_to_a",
    ).content.decode()
    assert "it closes a circle" in text
