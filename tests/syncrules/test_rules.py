"""Rules: what is in scope, in sentences, and what is done."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import FieldType
from syncrules.catalogue import Catalogue
from syncrules.conditions import Facts
from syncrules.rules import CompiledRule, Effects, compile_rules, effects
from syncrules.specs import RuleSpec, Side
from tests.syncrules.catalogues import applied, mails, many, text

STAGES = (("lead", "Lead"), ("won", "Won deal"))
A = Catalogue(
    [
        text("company", "org.name"),
        text("phone", "phone.mobile", FieldType.PHONE),
        text("born", "birthday", FieldType.DATE),
        text("score", "custom.score", FieldType.NUMBER),
        text("stage", "stage", FieldType.OPTION, options=STAGES),
        many("emails", "email", FieldType.EMAIL, 3),
        text("only_here"),
    ]
)
B = Catalogue(
    [
        text("org", "org.name"),
        text("bday", "birthday", FieldType.DATE),
        text("lifecycle", "stage", FieldType.OPTION, options=STAGES),
        many("email", "email", FieldType.EMAIL, 2),
        text("interests", type=FieldType.OPTIONS, options=(("a", "Art"), ("b", "Books"))),
        text("modified", read_only=True),
    ]
)


def rule(conditions: Any = (), actions: Any = (), **more: Any) -> RuleSpec:
    data = {"name": "R", "direction": "a_to_b", "if": list(conditions), "then": list(actions), **more}
    return RuleSpec.from_dict(data, id="1")


def compiled(conditions: Any = (), actions: Any = (), **more: Any) -> CompiledRule:
    return compile_rules([rule(conditions, actions, **more)], A, B, "BE").for_source(Side.A)[0]


VALUES = {
    "company": "Acme  Ltd",
    "phone": "0470 12 34 56",
    "born": "1985-04-12",
    "score": 7,
    "stage": "won",
    "emails": mails("anna@acme.com", "a@x.com"),
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"field": "company", "is": "acme ltd"}, True),
        ({"field": "company", "is": "Acme"}, False),
        ({"field": "company", "is_not": "Acme"}, True),
        ({"field": "company", "is_not": ""}, True),
        ({"field": "company", "is": ""}, False),
        ({"field": "company", "contains": "me L"}, True),
        ({"field": "company", "starts": "ac"}, True),
        ({"field": "company", "starts": "ltd"}, False),
        ({"field": "company", "empty": False}, True),
        ({"field": "only_here", "empty": True}, True),
        ({"field": "only_here", "is_not": "x"}, True),
        ({"field": "only_here", "is": "x"}, False),
        ({"field": "only_here", "is_not": ""}, False),
        ({"field": "company", "one_of": ["x", "ACME LTD"]}, True),
        ({"field": "company", "one_of": ["x"]}, False),
        ({"field": "phone", "is": "+32 470 123456"}, True),
        ({"field": "born", "before": "1985-04-13"}, True),
        ({"field": "born", "before": "1985-04-12"}, False),
        ({"field": "born", "after": "1980-01-01"}, True),
        ({"field": "score", "greater": 6}, True),
        ({"field": "score", "less": 7}, False),
        ({"field": "score", "is": "7"}, True),
        ({"field": "stage", "is": "won"}, True),
        ({"field": "stage", "is": "Won Deal"}, True),
        ({"field": "emails", "is": "ANNA@acme.com"}, True),
        ({"field": "emails", "contains": "@acme."}, True),
        ({"field": "emails", "is_not": "a@x.com"}, False),
        ({"field": "emails", "empty": False}, True),
        ({"label": "vip", "in": True}, True),
        ({"label": "Press", "in": False}, True),
        ({"label": "Press", "in": True}, False),
        ({"exists_in_other": True}, True),
        ({"exists_in_other": False}, False),
        ({"was_deleted": True}, False),
        ({"was_deleted": False}, True),
    ],
)
def test_conditions(condition: Any, holds: bool) -> None:
    facts = Facts(VALUES, frozenset({"VIP"}), exists_in_other=True)
    assert compiled([condition]).matches(facts) is holds


def test_a_birthday_without_a_year_is_neither_before_nor_after() -> None:
    facts = Facts({"born": "--02-29"})
    assert not compiled([{"field": "born", "before": "2999-01-01"}]).matches(facts)
    assert not compiled([{"field": "born", "after": "1900-01-01"}]).matches(facts)


def test_all_conditions_must_hold_and_none_means_everything() -> None:
    assert compiled().matches(Facts({}))
    both = compiled([{"field": "company", "starts": "A"}, {"label": "VIP", "in": True}])
    assert not both.matches(Facts(VALUES))
    assert both.matches(Facts(VALUES, frozenset({"VIP"})))


def test_a_label_is_known_by_its_id_once_it_has_one() -> None:
    known = compiled([{"label": "Old name", "label_id": "42", "in": True}])
    assert known.matches(Facts({}, frozenset({"42"})))
    assert not known.matches(Facts({}, frozenset({"Old name"})))


def test_a_rule_explains_itself_in_sentences() -> None:
    explained = compiled(
        [
            {"label": "VIP", "in": True},
            {"label": "Spam", "in": False},
            {"field": "company", "is_not": ""},
            {"field": "born", "before": "2000-01-01"},
            {"field": "stage", "one_of": ["lead", "won"]},
            {"exists_in_other": False},
            {"was_deleted": False},
        ]
    ).explain(Facts(VALUES))
    assert explained == (
        ("it is in “VIP”", False),
        ("it is not in “Spam”", True),
        ("company is not empty", True),
        ("born is before “2000-01-01”", True),
        ("stage is one of “Lead”, “Won deal”", True),
        ("it does not exist in the other app", True),
        ("it was not deleted", True),
    )
    assert compiled().explain(Facts({})) == (("every contact", True),)


def test_rules_belong_to_one_direction_and_disabled_ones_to_none() -> None:
    rules = compile_rules([rule(name="R"), rule(name="Off", enabled=False), rule(direction="b_to_a")], A, B, "BE")
    assert [found.name for found in rules.for_source(Side.A)] == ["R"]
    assert len(rules.for_source(Side.B)) == 1


def test_a_mirrored_rule_speaks_of_the_same_meanings_the_other_way() -> None:
    conditions = [{"field": "company", "is": "Acme"}, {"label": "VIP", "label_id": "42", "in": True}]
    actions = [{"set": {"field": "lifecycle", "value": "lead"}}, {"add_label": "X"}]
    (twin,) = compile_rules([rule(conditions, actions, mirror=True)], A, B, "BE").for_source(Side.B)
    assert twin.id != "1"
    assert twin.matches(Facts({"org": "ACME"}, frozenset({"VIP"})))
    assert effects([twin], {}, frozenset()) == Effects({"stage": "lead"}, frozenset({"X"}))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (rule([{"field": "compny", "is": "x"}]), "did you mean “company”"),
        (rule([{"field": "company", "before": "2000-01-01"}]), "no date"),
        (rule([{"field": "born", "before": "soon"}]), "2024-12-31"),
        (rule(actions=[{"set": {"field": "modified", "value": "x"}}]), "read-only"),
        (rule(actions=[{"set": {"field": "lifecycle", "value": "lost"}}]), "does not offer"),
        (rule([{"field": "only_here", "is": "x"}], mirror=True), "cannot be mirrored"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_in_a_sentence(spec: RuleSpec, reason: str) -> None:
    (problem,) = compile_rules([spec], A, B, "BE").problems
    assert "Rule “R”" in str(problem)
    assert reason in problem.reason


ACTIONS = [
    {"add_label": "Customers"},
    {"remove_label": "Prospects"},
    {"set": {"field": "lifecycle", "value": "Lead"}},
    {"set": {"field": "org", "value": "Acme"}},
]


def test_actions_are_what_is_left_to_do() -> None:
    acting = compiled(actions=ACTIONS)
    first = effects([acting], {"org": "Other"}, frozenset({"prospects"}))
    assert first == Effects({"lifecycle": "lead", "org": "Acme"}, frozenset({"Customers"}), frozenset({"prospects"}))
    assert not effects([acting], {"org": " Acme ", "lifecycle": "lead"}, frozenset({"customers"}))


def test_undoing_takes_back_what_still_stands() -> None:
    acting = compiled(actions=ACTIONS, undo=True)
    held = {"org": "changed since", "lifecycle": "lead"}
    assert effects([acting], held, frozenset({"Customers"}), undo=True) == Effects(
        {"lifecycle": None}, frozenset({"Prospects"}), frozenset({"Customers"})
    )
    assert not effects([compiled(actions=ACTIONS)], held, frozenset({"Customers"}), undo=True)


def test_the_first_of_two_rules_that_disagree_decides() -> None:
    first = compiled(actions=[{"set": {"field": "org", "value": "One"}}, {"add_label": "X"}])
    second = compiled(actions=[{"set": {"field": "org", "value": "Two"}}, {"remove_label": "x"}])
    assert effects([first, second], {}, frozenset()) == Effects({"org": "One"}, frozenset({"X"}))


def test_setting_a_list_adds_to_it_and_pushes_nothing_out() -> None:
    acting = compiled(actions=[{"set": {"field": "email", "value": "crm@x.com"}}], undo=True)
    added = effects([acting], {"email": mails("a@x.com")}, frozenset()).values
    assert added == {"email": mails("a@x.com", "crm@x.com")}
    assert not effects([acting], applied({}, added), frozenset())
    assert not effects([acting], {"email": mails("a@x.com", "b@x.com")}, frozenset())
    assert effects([acting], added, frozenset(), undo=True).values == {"email": mails("a@x.com")}
    options = compiled(actions=[{"set": {"field": "interests", "value": "Books"}}])
    assert effects([options], {"interests": ["a"]}, frozenset()).values == {"interests": ["a", "b"]}


def test_a_contact_that_the_rule_itself_brought_over_is_still_new_to_the_other_app() -> None:
    new = compiled([{"exists_in_other": False}])
    assert new.matches(Facts({}))
    assert not new.matches(Facts({}, exists_in_other=True))
    assert new.matches(Facts({}, exists_in_other=True, brought_in=True))
    assert compiled([{"exists_in_other": True}]).matches(Facts({}, exists_in_other=True, brought_in=True))


def test_a_deleted_label_rests_the_rule_or_the_action_but_one_that_lives_by_being_used_never() -> None:
    gone = {"label": "VIP", "label_id": "42"}
    acting = {"add_label": "Customers", "label_id": "7"}
    listed = {Side.A: {"1"}, Side.B: {"2"}}
    resting = compile_rules([rule([gone])], A, B, "BE", listed)
    assert not resting.for_source(Side.A)
    assert resting.keeps(Side.A)
    assert resting.problems[0].whole
    partly = compile_rules([rule(actions=[acting, {"add_label": "X"}])], A, B, "BE", listed)
    assert [action.subject for action in partly.for_source(Side.A)[0].actions] == ["X"]
    assert not partly.keeps(Side.A)
    by_name = {"label": "VIP", "label_id": "VIP"}
    assert not compile_rules([rule([by_name, gone])], A, B, "BE").problems, "the app was not asked"
    assert not compile_rules([rule([by_name])], A, B, "BE", listed).problems
