"""Half pairs that repeat another or wait for a person: decided again by what touches them, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from connections.models import Change, Connection, DroppedKey, Pair
from connections.services import deciding, syncing
from tests.engine.harness import Bench, in_app, item_of, pair_of
from tests.engine.remotes import MemoryRemote, poor, rich
from tests.engine.world import World
from tests.factories import set_rules

pytestmark = pytest.mark.django_db


def make_bench(**options: Any) -> tuple[Bench, Connection]:
    world = World()
    manners = {"page": 500, "write_batch": 100}
    bench = Bench(world, {"a": rich(world, "a", **manners), "b": poor(world, "b", **manners)})
    return bench, bench.connect(**options)


def add(remote: MemoryRemote, first: str, *emails: str, **more: Any) -> str:
    return remote.add(in_app(remote, {"first": first, "emails": list(emails), **more}))


def people(remote: MemoryRemote) -> list[str]:
    key = "given" if "given" in remote.catalogue else "givenName"
    return sorted(str(values.get(key)) for values in remote.contents())


@pytest.mark.parametrize("duplicates", [10, 250])
def test_a_change_decides_only_those_again_whom_it_touches(duplicates: int) -> None:
    bench, connection = make_bench()
    a = bench.remotes["a"]
    for number in range(duplicates):
        for _ in range(2):
            add(a, f"First{number}", f"p{number}@example.com")
    alone = add(a, "Zoe", "zoe@example.com")
    bench.run(connection)
    bench.run(connection)
    assert Pair.objects.filter(connection=connection, health="duplicate").count() == duplicates
    a.edit(alone, "", title="Director")
    assert bench.run(connection).done_items == 1
    one = Pair.objects.filter(connection=connection, health="duplicate", title="First3").get()
    assert one.item_a is not None
    a.edit(one.item_a.remote_id, "", title="Director")
    assert bench.run(connection).done_items <= 2


def test_an_email_that_a_rival_drops_frees_the_one_who_was_compared_by_it() -> None:
    bench, connection = make_bench()
    a, b = bench.remotes["a"], bench.remotes["b"]
    anna = add(a, "Anna", "anna@example.com")
    rival = add(a, "Carla", "anna@example.com")
    there = add(b, "Anna Maria", "anna@example.com")
    bench.run(connection)
    assert pair_of(connection, "a", anna).health == "review"
    a.edit(rival, "", emails=[{"value": "carla@example.com"}])
    bench.until_quiet(connection)
    assert pair_of(connection, "a", anna).item_b == item_of(connection, "b", there)
    assert len(a.rows()) == len(b.rows()) == 2
    assert not DroppedKey.objects.exists()


def test_a_rival_of_the_candidate_who_goes_frees_the_one_who_waited() -> None:
    """The rival shares a key with the candidate alone: it is two steps away from the one who waits."""
    bench, connection = make_bench()
    a, b = bench.remotes["a"], bench.remotes["b"]
    anna = add(a, "Anna", "anna@example.com")
    rival = add(a, "Carla", "carla@example.com")
    there = add(b, "Anna Maria", "anna@example.com", "carla@example.com")
    bench.run(connection)
    assert pair_of(connection, "a", anna).health == "review"
    a.delete(rival)
    bench.until_quiet(connection)
    assert pair_of(connection, "a", anna).item_b == item_of(connection, "b", there)


def test_a_candidate_who_is_paired_with_somebody_else_leaves_the_other_one() -> None:
    """Nothing in the folders changes when two half pairs become one."""
    bench, connection = make_bench(direction="b_to_a", mappings=[{"name": "name", "a": ["given"], "b": ["givenName"]}])
    a, b = bench.remotes["a"], bench.remotes["b"]
    set_rules(connection, [{"name": "all", "direction": "b_to_a"}])
    anna = add(a, "Anna", "anna@example.com", "anna@example.org")
    one, two = add(b, "Ann", "anna@example.com"), add(b, "Anne", "anna@example.org")
    colleague = add(a, "Ann", "ann@example.net")
    bench.run(connection)
    assert pair_of(connection, "b", two).health == "review"
    deciding.decide(pair_of(connection, "b", one), "same", item_of(connection, "a", colleague))
    bench.until_quiet(connection)
    bench.until_quiet(connection)
    assert pair_of(connection, "a", colleague).item_b == item_of(connection, "b", one)
    assert pair_of(connection, "a", anna).item_b == item_of(connection, "b", two)


def test_two_people_are_both_brought_over_even_where_nothing_else_is_to_do() -> None:
    """Only b brings people over: the decision on the record of a must reach the one of b."""
    bench, connection = make_bench(direction="b_to_a")
    a, b = bench.remotes["a"], bench.remotes["b"]
    set_rules(connection, [{"name": "all", "direction": "b_to_a"}])
    carla = add(a, "Carla", "info@example.com")
    jan = add(b, "Jan", "info@example.com")
    bench.run(connection)
    assert pair_of(connection, "b", jan).health == "review"
    deciding.decide(pair_of(connection, "b", jan), "apart", item_of(connection, "a", carla))
    bench.until_quiet(connection)
    assert people(a) == ["Carla", "Jan"]


def test_a_decision_about_two_frees_a_third_who_was_compared_with_them() -> None:
    bench, connection = make_bench()
    a, b = bench.remotes["a"], bench.remotes["b"]
    anna = add(a, "Anna", "anna@example.com")
    rival = add(a, "Carla", "carla@example.com")
    there = add(b, "Anna Maria", "anna@example.com", "carla@example.com")
    bench.run(connection)
    assert pair_of(connection, "a", anna).health == "review"
    deciding.decide(pair_of(connection, "a", rival), "apart", item_of(connection, "b", there))
    bench.until_quiet(connection)
    assert pair_of(connection, "a", anna).item_b == item_of(connection, "b", there)
    assert people(b) == ["Anna", "Carla"]


def test_whom_a_person_left_out_is_not_paired_and_not_doubled() -> None:
    bench, connection = make_bench()
    a, b = bench.remotes["a"], bench.remotes["b"]
    set_rules(connection, [{"name": "all", "direction": "a_to_b"}])
    jan = add(b, "Jan", "jan@example.com")
    bench.run(connection)
    deciding.decide(pair_of(connection, "b", jan), "exclude")
    bench.run(connection)
    newcomer = add(a, "Jan", "jan@example.com", title="Director")
    bench.until_quiet(connection)
    assert b.values(jan) == in_app(b, {"first": "Jan", "emails": ["jan@example.com"]})
    assert people(b) == ["Jan"]
    assert pair_of(connection, "a", newcomer).health == "review"
    deciding.decide(pair_of(connection, "a", newcomer), "same", item_of(connection, "b", jan))
    bench.until_quiet(connection)
    assert b.values(jan)["jobTitle"] == "Director"


def test_leaving_out_is_taken_back_by_deciding_later() -> None:
    bench, connection = make_bench()
    b = bench.remotes["b"]
    set_rules(connection, [{"name": "all", "direction": "a_to_b"}])
    jan = add(b, "Jan", "jan@example.com")
    bench.run(connection)
    deciding.decide(pair_of(connection, "b", jan), "exclude")
    bench.run(connection)
    set_rules(connection, [{"name": "all", "direction": "b_to_a"}])
    bench.run(connection)
    assert people(bench.remotes["a"]) == []
    deciding.decide(pair_of(connection, "b", jan), "later")
    bench.until_quiet(connection)
    assert people(bench.remotes["a"]) == ["Jan"]


def test_decisions_survive_a_full_listing_and_are_kept_once() -> None:
    bench, connection = make_bench()
    a, b = bench.remotes["a"], bench.remotes["b"]
    carla = add(a, "Carla", "info@example.com")
    jan = add(b, "Jan", "info@example.com")
    bench.run(connection)
    for _ in range(2):
        deciding.decide(pair_of(connection, "a", carla), "apart", item_of(connection, "b", jan))
    bench.run(connection)
    for remote in (a, b):
        remote.expire_cursors()
    bench.run(connection, "full")
    bench.until_quiet(connection)
    assert people(a) == people(b) == ["Carla", "Jan"]
    assert connection.decisions.count() == 1


def test_a_decision_that_is_deleted_leaves_the_question_open_again() -> None:
    bench, connection = make_bench()
    set_rules(connection, [{"name": "all", "direction": "b_to_a"}])
    jan = add(bench.remotes["b"], "Jan", "info@example.com")
    add(bench.remotes["a"], "Carla", "info@example.com")
    bench.run(connection)
    deciding.decide(pair_of(connection, "b", jan), "exclude")
    bench.run(connection)
    assert pair_of(connection, "b", jan).health == "excluded"
    deciding.take_back(connection.decisions.get())
    bench.run(connection)
    assert pair_of(connection, "b", jan).health == "review"


@pytest.mark.parametrize("verdict", ["same", "create", "later"])
def test_of_a_pair_that_is_on_both_sides_nothing_is_decided(verdict: str) -> None:
    bench, connection = make_bench()
    anna = add(bench.remotes["a"], "Anna", "anna@example.com")
    bench.run(connection)
    with pytest.raises(deciding.CannotDecide, match="on both sides already"):
        deciding.decide(pair_of(connection, "a", anna), verdict)


def pairing_rejected(for_good: bool = False, **options: Any) -> tuple[Bench, Connection, str, str]:
    bench, connection = make_bench(approve_first_run=True, **options)
    a, b = bench.remotes["a"], bench.remotes["b"]
    here = add(a, "Anna", "anna@example.com")
    there = add(b, "Anna", "anna@example.com", title="Engineer")
    add(a, "Bert", "bert@example.com")
    row = bench.run(connection)
    pairing = Change.objects.get(run=row, kind="pair", state="proposed")
    assert syncing.reject(row, change_ids=[pairing.pk], for_good=for_good) == 1
    syncing.approve(row)
    return bench, connection, here, there


@pytest.mark.parametrize("for_good", [False, True])
def test_two_whose_pairing_a_person_rejected_wait_for_a_decision_and_hold_nothing_up(for_good: bool) -> None:
    bench, connection, here, there = pairing_rejected(for_good)
    a, b = bench.remotes["a"], bench.remotes["b"]
    states = [bench.run(connection).state for _ in range(2)]
    assert states == ["done", "done"]
    assert (people(a), people(b)) == (["Anna", "Bert"], ["Anna", "Bert"])
    assert "title" not in a.values(here)
    assert {pair_of(connection, "a", here).health, pair_of(connection, "b", there).health} == {"review"}
    assert not Pair.objects.filter(pending=True).exists()
    assert not Change.objects.filter(state__in=("proposed", "approved")).exists()
    b.edit(there, "", jobTitle="Director")
    bench.until_quiet(connection)
    assert "title" not in a.values(here)
    assert {pair_of(connection, "a", here).health, pair_of(connection, "b", there).health} == {"review"}


def test_a_pairing_that_was_rejected_is_made_when_a_person_decides_so() -> None:
    bench, connection, here, there = pairing_rejected()
    bench.run(connection)
    deciding.decide(pair_of(connection, "b", there), "same", item_of(connection, "a", here))
    bench.until_quiet(connection)
    assert bench.remotes["a"].values(here)["title"] == "Engineer"


def test_a_plan_changes_nothing_of_what_it_would_pair_anew() -> None:
    """A record was deleted and made again, and that is only planned: when the new one is gone too, the edit of the
    survivor is still known as one."""
    bench, connection = make_bench(deletions_a_to_b="delete")
    a, b = bench.remotes["a"], bench.remotes["b"]
    here = add(a, "Anna", "anna@example.com")
    add(a, "Bert", "bert@example.com")
    bench.run(connection)
    bench.run(connection)
    there = b.id_where(givenName="Anna")
    a.delete(here)
    b.edit(there, "", jobTitle="Director")
    again = add(a, "Anna", "anna@example.com")
    bench.run(connection, preview=True)
    a.delete(again)
    bench.until_quiet(connection)
    assert people(b) == ["Anna", "Bert"]
    assert people(a) == ["Anna", "Bert"]


def test_a_second_connection_hears_of_a_dropped_key_though_the_first_was_there_before() -> None:
    world = World()
    bench = Bench(world, {name: rich(world, name) for name in "abc"})
    first, second = bench.connect("a", "b"), bench.connect("a", "c")
    a, c = bench.remotes["a"], bench.remotes["c"]
    anna = add(a, "Anna", "anna@example.com")
    rival = add(a, "Carla", "anna@example.com")
    there = add(c, "Anna Maria", "anna@example.com")
    bench.until_quiet(first, second)
    assert pair_of(second, "a", anna).health == "review"
    a.edit(rival, "", emails=[{"value": "carla@example.com"}])
    bench.until_quiet(first)
    assert DroppedKey.objects.count() == 1
    bench.until_quiet(second)
    assert pair_of(second, "a", anna).item_b == item_of(second, "b", there)
    assert not DroppedKey.objects.filter(folder=second.folder_a).exists()
