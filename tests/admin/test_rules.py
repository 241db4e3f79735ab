"""The rule builder: rules in sentences, a page for each, a box to try them, and what a change does to the scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection, Item, Label, Pair, Run
from connections.services import arranging, scoping, syncing
from connections.services.rules import Editor
from connectors.base import Field, FieldType
from syncrules.models import Rule
from syncrules.specs import RuleSpec
from tests.admin.conftest import Apps

pytestmark = pytest.mark.django_db

OPTIONS = tuple((str(number), f"Town {number}") for number in range(10_000))


@pytest.fixture(autouse=True)
def _queue(queue: list[Any]) -> None:
    """Nothing runs but what a test runs itself."""


@pytest.fixture
def live(apps: Apps, connection: Connection) -> Connection:
    apps.remotes["anna"].label_id("VIP")
    apps.remotes["dav"].label_id("Customers")
    declare(apps, "anna", Field("town", "Town", FieldType.OPTION, options=OPTIONS, custom=True))
    declare(apps, "dav", Field("class", "Class", FieldType.OPTION, options=(("1", "First, best"), ("2", "Second"))))
    declare(apps, "dav", Field("code", "Code", max_length=5))
    declare(apps, "dav", Field("sum", "Sum", read_only=True))
    arranging.refresh(connection)
    return connection


def declare(apps: Apps, name: str, field: Field) -> None:
    apps.remotes[name].catalogue[field.key] = field


def rules_page(connection: Connection) -> str:
    return f"/admin/connections/connection/{connection.pk}/rules/"


def rule_page(connection: Connection, query: str = "direction=a_to_b") -> str:
    return f"/admin/connections/connection/{connection.pk}/rule/?{query}"


def save(
    admin: Client, where: str, conditions: list[tuple[str, str, str]], actions: list[tuple[str, str]], **given: Any
) -> Any:
    data = {
        "name": "R",
        "enabled": "on",
        "conditions-subject": [row[0] for row in conditions],
        "conditions-operator": [row[1] for row in conditions],
        "conditions-value": [row[2] for row in conditions],
        "actions-subject": [row[0] for row in actions],
        "actions-value": [row[1] for row in actions],
        **given,
    }
    return admin.post(where, data, follow=True)


def text_of(answer: Any) -> str:
    return str(answer.getvalue().decode() if answer.streaming else answer.content.decode())


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def made(name: str = "R") -> Rule:
    return Rule.objects.get(name=name)


def test_rules_stand_on_the_page_as_sentences(admin: Client, live: Connection) -> None:
    conditions = [("label", "in", "vip"), ("field:companyName", "contains", "Ltd")]
    actions = [("add_label", "Customers"), ("set:class", "first, best")]
    answer = save(admin, rule_page(live), conditions, actions, undo="on")
    assert "Saved: rule “R”." in said(answer)
    assert made().conditions == [
        {"label": "VIP", "in": True, "label_id": "l1"},
        {"field": "companyName", "contains": "Ltd"},
    ]
    assert made().actions == [
        {"add_label": "Customers", "label_id": "l1"},
        {"set": {"field": "class", "value": "1"}},
    ]
    text = " ".join(text_of(admin.get(rules_page(live))).split())
    assert "it is in “VIP” <b>and</b> Company contains “Ltd”" in text
    assert "create or update it, add it to “Customers”, set Class to “First, best”." in text
    assert "Takes its actions back when a contact stops matching." in text
    on_connection = text_of(admin.get(f"/admin/connections/connection/{live.pk}/change/"))
    assert "it is in “VIP”" in on_connection


def test_a_rule_that_is_saved_untouched_stays_as_it_is(admin: Client, live: Connection) -> None:
    conditions = [
        ("label", "not_in", "VIP"),
        ("field:town", "one_of", "Town 1, Town 22"),
        ("field:companyName", "one_of", '"Smith, Jones", Acme'),
        ("field:companyName", "not_empty", ""),
        ("exists_in_other", "yes", ""),
        ("was_deleted", "no", ""),
    ]
    save(admin, rule_page(live), conditions, [("remove_label", "Customers")], mirror="")
    before = made()
    assert before.conditions[2] == {"field": "companyName", "one_of": ["Smith, Jones", "Acme"]}
    page = admin.get(rule_page(live, f"rule={before.pk}"))
    rows, acting = page.context["form"].initial["conditions"], page.context["form"].initial["actions"]
    save(admin, rule_page(live, f"rule={before.pk}"), rows, [(row[0], row[2]) for row in acting])
    assert (made().pk, made().conditions, made().actions) == (before.pk, before.conditions, before.actions)


@pytest.mark.parametrize(
    ("conditions", "actions", "reason"),
    [
        ([("field:companyName", "before", "2024-01-01")], [], "“Company” is no date"),
        ([("field:companyName", "", "x")], [], "Line 1: say how Company is compared."),
        ([("label", "is", "VIP")], [], "Line 1: a label is compared with"),
        ([("field:town", "is", "Atlantis")], [], "“Town” does not offer “Atlantis”"),
        ([("label", "in", "VIP"), ("label", "not_in", "VIP")], [], "nobody can match it"),
        ([], [("set:sum", "3")], "read-only"),
        ([], [("set:code", "far too long")], "longer than the 5 characters"),
        ([], [("set:class", "Third")], "does not offer this option"),
        ([], [("set:class", "1"), ("set:class", "2")], "disagree about “Class”"),
        ([("field:gone", "is", "x")], [], "no such field any more"),
    ],
)
def test_what_cannot_work_is_refused_beside_the_rule(
    admin: Client, live: Connection, conditions: Any, actions: Any, reason: str
) -> None:
    text = text_of(save(admin, rule_page(live), conditions, actions))
    assert reason in text
    assert not Rule.objects.filter(name="R").exists()


def test_a_rule_that_another_one_overrules_is_refused_and_may_stand_before_it(admin: Client, live: Connection) -> None:
    save(admin, rule_page(live), [], [("set:class", "1")], name="All first")
    answer = save(admin, rule_page(live), [("label", "in", "VIP")], [("set:class", "2")], name="VIPs second")
    assert "it never decides about “Class”: “All first” stands before it" in text_of(answer)
    save(admin, rule_page(live), [("label", "in", "VIP")], [("set:class", "2")], name="VIPs second", enabled="")
    late = made("VIPs second")
    answer = admin.post(rules_page(live), {"rule": late.pk, "switch": "yes"}, follow=True)
    assert "Nothing is changed" in said(answer)
    admin.post(rules_page(live), {"rule": late.pk, "up": "yes"})
    answer = admin.post(rules_page(live), {"rule": late.pk, "switch": "yes"}, follow=True)
    assert made("VIPs second").enabled
    assert "Where both match, “VIPs second” decides about “Class” and not “All first”" in text_of(answer)


def test_a_field_that_the_mapping_writes_as_well_is_told(admin: Client, live: Connection) -> None:
    answer = save(admin, rule_page(live), [("label", "in", "VIP")], [("set:title", "Boss")])
    assert "which the line “" in text_of(answer)
    assert "the rule decides" in text_of(answer)


def test_a_label_that_is_not_there_yet_is_told(admin: Client, live: Connection) -> None:
    answer = save(admin, rule_page(live), [("label", "in", "Press")], [])
    assert "speaks of the label “Press”, which anna does not have yet." in text_of(answer)


def test_of_ten_thousand_options_those_that_suit_are_suggested(admin: Client, live: Connection) -> None:
    where = f"/admin/connections/connection/{live.pk}/rule-choices/"
    names = admin.get(where, {"side": "a", "subject": "field:town", "typed": "town 777"}).json()["names"]
    assert names[0] == "Town 777"
    assert len(names) == 11
    assert len(admin.get(where, {"side": "a", "subject": "field:town"}).json()["names"]) == 30
    assert admin.get(where, {"side": "b", "subject": "add_label", "typed": "cust"}).json()["names"] == ["Customers"]
    page = admin.get(rule_page(live))
    assert "Town 777" not in text_of(page), "no page holds them all"
    save(admin, rule_page(live), [("field:town", "is", "town 9999")], [])
    assert made().conditions == [{"field": "town", "is": "9999"}]


def test_a_category_that_only_contacts_know_is_offered(
    admin: Client, apps: Apps, live: Connection, synced: Run
) -> None:
    Item.objects.filter(folder=live.folder_b, title="Ada Byron").update(labels='["Friends of ours"]')
    arranging.forget_answers(live)
    where = f"/admin/connections/connection/{live.pk}/rule-choices/"
    asked = {"side": "b", "subject": "label", "typed": "friends"}
    assert admin.get(where, asked).json()["names"] == ["Friends of ours"]
    confirmed = str(fresh(live).config_version)
    page = rule_page(live, "direction=b_to_a")
    answer = save(admin, page, [("label", "in", "friends of ours")], [], confirmed=confirmed)
    assert made().conditions == [{"label": "Friends of ours", "in": True, "label_id": "Friends of ours"}]
    assert "does not have yet" not in text_of(answer)


def test_a_deleted_label_is_said_where_the_rule_stands_and_saving_again_does_not_hide_it(
    admin: Client, apps: Apps, live: Connection
) -> None:
    save(admin, rule_page(live), [("label", "in", "VIP")], [])
    del apps.remotes["anna"].tags["l1"]
    arranging.forget_answers(live)
    text = text_of(admin.get(rules_page(live)))
    assert "Rule “R” rests: the label “VIP” does not exist in the app any more; choose another one." in text
    again = text_of(save(admin, rule_page(live, f"rule={made().pk}"), [("label", "in", "VIP")], []))
    assert "does not exist in the app any more" in again
    save(admin, rule_page(live), [("label", "in", "Press")], [], name="Other")
    assert Rule.objects.filter(name="Other").exists(), "another rule can be saved all the same"


# ---- trying


def test_a_contact_is_tried_and_what_would_be_written_is_shown(admin: Client, live: Connection, synced: Run) -> None:
    save(
        admin,
        rule_page(live),
        [("label", "in", "VIP"), ("field:surname", "is", "Hopper")],
        [("set:class", "Second")],
        confirmed=str(fresh(live).config_version),
    )
    text = " ".join(text_of(admin.get(rules_page(live), {"who": "grace@example.com"})).split())
    assert "<strong>Everything</strong> matches" in text
    assert "<strong>R</strong> does not match" in text
    assert "it is in “VIP”: no" in text
    assert "is “Hopper”: yes" in text
    assert "Nothing would be written." in text
    assert "<script>alert" not in text_of(admin.get(rules_page(live), {"who": "evil@example.com"}))


def test_a_rule_is_tried_before_it_is_saved(admin: Client, apps: Apps, live: Connection, synced: Run) -> None:
    conditions, actions = [("field:surname", "is", "Hopper")], [("set:class", "Second"), ("add_label", "Customers")]
    before = Rule.objects.count()
    text = text_of(save(admin, rule_page(live), conditions, actions, who="Grace", **{"try": "yes"}))
    assert "It would be changed on dav" in text
    assert "Added to Customers" in text
    assert "rule “R”" in text
    assert Rule.objects.count() == before
    ambiguous = text_of(save(admin, rule_page(live), conditions, actions, who="a", **{"try": "yes"}))
    assert "Which one?" in ambiguous
    pair = Pair.objects.get(title="Ada Byron")
    text = text_of(save(admin, rule_page(live), conditions, actions, **{"try": "yes", "pair": pair.pk}))
    assert "Nothing would be written." in text


def test_trying_finds_nobody_of_another_connection(admin: Client, live: Connection, synced: Run) -> None:
    other = Pair.objects.create(connection=_other(live), title="Somebody else")
    assert "Somebody else" not in text_of(admin.get(rules_page(live), {"pair": other.pk}))
    assert "No contact was found" in text_of(admin.get(rules_page(live), {"who": "Somebody else"}))


def _other(connection: Connection) -> Connection:
    from tests.factories import make_connection

    return make_connection()


# ---- scope


def fresh(connection: Connection) -> Connection:
    return Connection.objects.get(pk=connection.pk)


def test_a_live_connection_shows_who_comes_and_goes_before_anything_is_saved(
    admin: Client, live: Connection, synced: Run
) -> None:
    rule = Rule.objects.get(name="Everything")
    back = Rule.objects.get(name="Everything back")
    where, rows = rule_page(live, f"rule={rule.pk}"), [("field:surname", "is", "Hopper")]
    text = text_of(save(admin, where, rows, [], name="Everything"))
    assert Rule.objects.get(pk=rule.pk).conditions == []
    assert "contacts 0 would come in and 0 would leave" in text, "the other direction still holds everybody"
    Rule.objects.filter(pk=back.pk).update(conditions=[{"field": "family", "is": "Hopper"}])
    text = text_of(save(admin, where, rows, [], name="Everything"))
    assert "leaves: Ada Byron" in text
    assert "comes in: " not in text
    version = fresh(live).config_version
    assert f'value="{version}"' in text
    save(admin, where, rows, [], name="Everything", confirmed=str(version - 1))
    assert Rule.objects.get(pk=rule.pk).conditions == [], "what was shown was something else"
    save(admin, where, rows, [], name="Everything", confirmed=str(version))
    assert Rule.objects.get(pk=rule.pk).conditions == [{"field": "surname", "is": "Hopper"}]
    assert fresh(live).config_version == version + 1


def test_actions_and_names_move_no_scope_and_are_saved_at_once(admin: Client, live: Connection, synced: Run) -> None:
    rule = Rule.objects.get(name="Everything")
    save(admin, rule_page(live, f"rule={rule.pk}"), [], [("set:class", "1")], name="Everything there is")
    assert made("Everything there is").actions == [{"set": {"field": "class", "value": "1"}}]


def test_taking_the_last_rule_away_widens_nothing(admin: Client, live: Connection, synced: Run) -> None:
    for name in ("Everything", "Everything back"):
        rule = Rule.objects.get(name=name)
        text = text_of(admin.post(rules_page(live), {"rule": rule.pk, "remove": "yes"}))
        assert "0 would come in and 0 would leave" in text
        confirmed = {"rule": rule.pk, "remove": "yes", "confirmed": str(fresh(live).config_version)}
        answer = admin.post(rules_page(live), confirmed, follow=True)
    assert not Rule.objects.exists()
    assert "No rule is at work here: nobody new comes from anna to dav" in text_of(answer)
    assert syncing.sync(fresh(live)).counters.get("created", 0) == 0


def test_the_scope_is_counted_in_portions(live: Connection, synced: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoping, "PORTION", 2)
    total = Pair.objects.filter(connection=live).count()
    nobody = [{"name": "R", "direction": way, "if": [{"label": "Nobody"}]} for way in ("a_to_b", "b_to_a")]
    none = [RuleSpec.from_dict(data) for data in nobody]
    seen = [(scope.looked_at, scope.leaving) for scope in scoping.preview(live, none)]
    assert [looked_at for looked_at, _ in seen] == [*range(2, total, 2), total]
    assert seen[-1][1] == Pair.objects.filter(connection=live, health="in_sync").count()


def test_the_preview_says_what_the_engine_does(live: Connection, synced: Run, apps: Apps) -> None:
    """Whom it calls leaving is excluded by the next run, and whom it calls coming in is brought over."""
    hopper = {"name": "H", "direction": "a_to_b", "if": [{"field": "surname", "is": "Hopper"}]}
    back = {"name": "B", "direction": "b_to_a", "if": [{"field": "family", "is": "Byron"}]}
    for wanted in ([hopper], [back], [hopper, back]):
        before = set(held(live))
        specs = [RuleSpec.from_dict(data, id=str(at)) for at, data in enumerate(wanted, 9000)]
        *_, scope = scoping.preview(fresh(live), specs)
        editor = Editor(fresh(live))
        editor.save([RuleSpec.from_dict(data, id="draft") for data in wanted], "other rules")
        assert syncing.sync(fresh(live)).state == "done"
        after = set(held(live))
        assert (len(after - before), len(before - after)) == (scope.entering, scope.leaving)


def held(connection: Connection) -> list[int]:
    return list(Pair.objects.filter(connection=connection, health="in_sync").values_list("id", flat=True))


# ---- who may


def test_who_may_only_look_sees_the_rules_and_tries_them(
    staff: Callable[..., Client], live: Connection, synced: Run
) -> None:
    client = staff("view_connection")
    text = text_of(client.get(rules_page(live), {"who": "Grace"}))
    assert "matches" in text
    assert "Add a rule" not in text
    assert client.get(rule_page(live)).status_code == 403
    assert client.post(rules_page(live), {"rule": "1", "remove": "yes"}).status_code == 403
    assert Label.objects.exists()
