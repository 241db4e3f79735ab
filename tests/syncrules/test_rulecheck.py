"""Rules that cannot work, speak against themselves or each other: each gets its sentence before it is saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Capabilities, FieldType, LabelKind
from syncrules.catalogue import Catalogue
from syncrules.conditions import Facts
from syncrules.rulecheck import Offered, flaws, forward_notes, order_notes
from syncrules.rules import compile_rules
from syncrules.specs import RuleSpec, Side
from tests.syncrules.catalogues import many, text

TIERS = (("g", "Gold"), ("s", "Silver"))
LISTS = Capabilities(label_kind=LabelKind.LIST)
A = Catalogue(
    [
        text("company", "org.name"),
        text("born", "birthday", FieldType.DATE),
        text("score", "custom.score", FieldType.NUMBER),
        text("tier", "tier", FieldType.OPTION, options=TIERS),
        many("emails", "email", FieldType.EMAIL, 3),
    ]
)
B = Catalogue(
    [
        text("org", "org.name"),
        text("class", "tier", FieldType.OPTION, options=TIERS),
        text("code", type=FieldType.TEXT, max_length=5),
        text("sum", read_only=True),
        text("tags", type=FieldType.OPTIONS, options=TIERS),
    ]
)
SIDES = {
    Side.A: Offered("anna", A, LISTS, {"1": "VIP", "2": "Customers"}),
    Side.B: Offered("crm", B, LISTS, {"7": "Newsletter", "8": "Active"}, frozenset({"8"})),
}


def rule(conditions: Any = (), actions: Any = (), **more: Any) -> RuleSpec:
    data = {"name": "R", "direction": "a_to_b", "if": list(conditions), "then": list(actions), **more}
    return RuleSpec.from_dict(data)


def told(*rules: RuleSpec, a: Any = None, b: Any = None) -> list[str]:
    sides = {
        Side.A: replace(SIDES[Side.A], capabilities=replace(LISTS, **(a or {}))),
        Side.B: replace(SIDES[Side.B], capabilities=replace(LISTS, **(b or {}))),
    }
    return [str(flaw) for flaw in flaws(rules, sides, "BE")]


def put(field: str, value: Any) -> dict[str, Any]:
    return {"set": {"field": field, "value": value}}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (rule([{"label": "VPI"}]), "anna has no label “VPI”; did you mean “VIP”?"),
        (rule(actions=[{"add_label": "Newsletters"}]), "did you mean “Newsletter”?"),
        (rule(actions=[{"remove_label": "Active"}]), "crm fills the label “Active” by itself"),
        (rule(actions=[put("sum", 3)]), "read-only"),
        (rule(actions=[put("code", "too long")]), "longer than the 5 characters"),
        (rule(actions=[put("class", "Platinum")]), "does not offer this option"),
        (rule([{"field": "tier", "is": "Platinum"}]), "“tier” does not offer “Platinum”"),
        (rule([{"opted_out": False}]), "no field that says whether somebody has opted out"),
        (rule([{"label": "Old", "label_id": "99"}]), "does not exist in the app any more"),
        (rule([{"exists_in_other": False}], update_only=True), "leaves just those out"),
        (rule(actions=[put("class", "Gold"), put("class", "Silver")]), "disagree about “class”"),
        (rule(actions=[{"add_label": "Newsletter"}, {"remove_label": "newsletter"}]), "disagree about “newsletter”"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(spec: RuleSpec, reason: str) -> None:
    (only,) = told(spec)
    assert only.startswith("Rule “R”: ")
    assert reason in only


def test_what_an_app_cannot_do_follows_from_its_capabilities() -> None:
    labelled = rule([{"label": "VIP"}], [{"add_label": "Newsletter"}])
    assert told(labelled) == []
    assert "has no labels" in told(labelled, a={"label_kind": None})[0]
    assert "has no labels" in told(labelled, b={"label_kind": None})[0]
    assert "read-only" in told(labelled, b={"two_way": False})[0]
    gone = rule([{"was_deleted": True}])
    assert told(gone) == []
    assert "does not say when" in told(gone, a={"sees_deletions": False})[0]
    assert told(rule([{"label": "New one"}]), a={"creates_labels": True}) == [], "it may come into being"


@pytest.mark.parametrize(
    "conditions",
    [
        [{"label": "VIP", "in": True}, {"label": "vip", "in": False}],
        [{"was_deleted": True}, {"was_deleted": False}],
        [{"field": "company", "empty": True}, {"field": "company", "is": "Acme"}],
        [{"field": "company", "is": "Acme"}, {"field": "company", "is": "Other"}],
        [{"field": "company", "is": "Acme"}, {"field": "company", "is_not": "ACME"}],
        [{"field": "company", "is": "Acme"}, {"field": "company", "starts": "O"}],
        [{"field": "tier", "one_of": ["Gold"]}, {"field": "tier", "is": "s"}],
        [{"field": "score", "greater": 5}, {"field": "score", "less": 5}],
        [{"field": "born", "after": "2000-01-01"}, {"field": "born", "before": "1999-01-01"}],
    ],
)
def test_conditions_that_never_hold_together_are_refused(conditions: Any) -> None:
    (only,) = told(rule(conditions))
    assert "nobody can match it" in only
    assert told(rule(conditions, enabled=False)) == [], "what is switched off does no harm"


@pytest.mark.parametrize(
    "conditions",
    [
        [{"label": "VIP", "in": True}, {"label": "Customers", "in": False}],
        [{"field": "emails", "is": "a@x.com"}, {"field": "emails", "is": "b@x.com"}],
        [{"field": "company", "starts": "A"}, {"field": "company", "contains": "z"}],
        [{"field": "tier", "one_of": ["Gold", "Silver"]}, {"field": "tier", "is": "s"}],
        [{"field": "score", "greater": 5}, {"field": "score", "less": 7}],
    ],
)
def test_conditions_that_can_hold_together_are_not(conditions: Any) -> None:
    assert told(rule(conditions)) == []


def test_a_rule_that_another_one_always_overrules_is_refused_and_one_that_it_may_overrule_is_told() -> None:
    all_silver = rule(name="All", actions=[put("class", "Silver")])
    vip_gold = rule([{"label": "VIP"}], [put("class", "Gold")], name="VIPs")
    (only,) = told(all_silver, vip_gold)
    assert only.startswith("Rule “VIPs”: it never decides about “class”: “All” stands before it")
    assert told(vip_gold, all_silver) == []
    assert "“VIPs” decides about “class” and not “All”" in order_notes([vip_gold, all_silver], SIDES, "BE")[0]
    assert told(all_silver, rule([{"label": "VIP"}], [put("class", "Silver")], name="Same")) == []
    acme = rule([{"field": "company", "is": "Acme"}], [put("class", "Gold")], name="Acme")
    other = rule([{"field": "company", "is": "Other"}], [put("class", "Silver")], name="Other")
    assert told(acme, other) == []
    assert order_notes([acme, other], SIDES, "BE") == [], "nobody matches both"


CONDITIONS = st.one_of(
    st.fixed_dictionaries({"label": st.sampled_from(["VIP", "Customers"]), "in": st.booleans()}),
    st.tuples(st.sampled_from(["is", "is_not", "starts", "contains"]), st.sampled_from(["", "a", "ab", "b"]))
    .filter(lambda pair: pair[1] or pair[0].startswith("is"))
    .map(lambda pair: {"field": "company", pair[0]: pair[1]}),
    st.booleans().map(lambda empty: {"field": "company", "empty": empty}),
    st.tuples(st.sampled_from(["greater", "less"]), st.integers(0, 3)).map(
        lambda pair: {"field": "score", pair[0]: pair[1]}
    ),
)
FACTS = st.builds(
    lambda company, score, labels: Facts(
        {key: value for key, value in (("company", company), ("score", score)) if value is not None}, frozenset(labels)
    ),
    st.sampled_from([None, "a", "ab", "b", "ba"]),
    st.sampled_from([None, 0, 1, 2, 3]),
    st.sets(st.sampled_from(["VIP", "Customers"])),
)


@given(st.lists(CONDITIONS, max_size=3), FACTS)
def test_a_rule_called_impossible_matches_nobody(conditions: list[dict[str, Any]], facts: Facts) -> None:
    spec = rule(conditions)
    (made,) = compile_rules([spec], A, B, "BE").for_source(Side.A)
    assert not (made.matches(facts) and told(spec))


@given(st.lists(CONDITIONS, max_size=2), st.lists(CONDITIONS, max_size=3), FACTS)
def test_a_rule_called_overruled_never_matches_alone(one: list[Any], two: list[Any], facts: Facts) -> None:
    first = rule(one, [put("class", "Gold")], name="First")
    second = rule(two, [put("class", "Silver")], name="Second")
    made = compile_rules([first, second], A, B, "BE").for_source(Side.A)
    if any("never decides" in line for line in told(first, second)) and made[1].matches(facts):
        assert made[0].matches(facts)


def test_a_field_that_the_app_moves_only_forward_is_pointed_out_before_it_is_saved() -> None:
    stage = text(
        "stage", type=FieldType.OPTION, options=(("lead", "Lead"), ("customer", "Customer")), forward_only=True
    )
    sides = {**SIDES, Side.B: Offered("crm", Catalogue([stage, *B]), LISTS)}
    sets = rule(actions=[put("stage", "lead")])
    [note] = forward_notes([sets, rule(actions=[put("class", "g")]), replace(sets, enabled=False)], sides)
    assert note.startswith("“R” sets “stage”, which crm moves only forward")
