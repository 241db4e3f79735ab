from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from connections.budgets import DatabaseLimits
from connections.models import Account
from connectors.base import Throttled
from tests.connectors.host import VirtualClock

pytestmark = pytest.mark.postgres


def test_all_workers_of_an_account_wait_when_the_app_says_so(account: Account) -> None:
    clock = VirtualClock()
    one, other = DatabaseLimits(account.pk, clock), DatabaseLimits(account.pk, clock)
    other.before("write")
    one.throttled("write", 30)
    one.throttled("write", 5)  # a shorter wait does not lift the longer one
    clock.sleep(1)
    with pytest.raises(Throttled) as error:
        other.before("write")
    assert error.value.after == pytest.approx(29)
    other.before("read")
    clock.sleep(29.1)
    other.before("write")
    one.before("write")


def test_another_account_does_not_wait(account: Account) -> None:
    clock = VirtualClock()
    neighbour = Account.objects.create(tenant=account.tenant, name="b", app="carddav")
    DatabaseLimits(account.pk, clock).throttled("read", 30)
    DatabaseLimits(neighbour.pk, clock).before("read")


def test_two_workers_together_stay_below_the_rate_in_every_window(account: Account) -> None:
    clock = VirtualClock()
    workers = [DatabaseLimits(account.pk, clock, (100, 10.0)) for _ in range(2)]
    times = []
    for number in range(400):
        workers[number % 2].before("read")
        times.append(clock.now())
    for start in times:
        assert sum(start <= moment < start + 10 for moment in times) <= 100
    assert clock.now() - times[0] < 400 / 100 * 10 / 0.75 + 1  # and not much slower than allowed


def test_a_long_wait_is_handed_to_the_caller(account: Account) -> None:
    clock = VirtualClock()
    limits = DatabaseLimits(account.pk, clock, (2, 60.0))
    limits.before("read")
    with pytest.raises(Throttled) as error:
        limits.before("read")
    assert error.value.after == pytest.approx(40)
    assert clock.slept == []


def test_most_requests_cost_no_query(account: Account, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    limits = DatabaseLimits(account.pk, VirtualClock(), (10_000, 600.0))
    with django_assert_max_num_queries(15):
        for _ in range(20):
            limits.before("read")
