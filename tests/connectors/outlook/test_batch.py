from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.outlook.batch import Inner, Request, answers, payload, split

REQUESTS = st.lists(st.integers(0, 3000).map(lambda size: Request("POST", "/x", {"note": "n" * size})), max_size=60)


@given(REQUESTS)
def test_batches_keep_the_order_and_the_limits(requests: list[Request]) -> None:
    batches = list(split(requests, limit=20, max_bytes=10_000))
    assert [one for batch in batches for one in batch] == requests
    assert all(0 < len(batch) <= 20 for batch in batches)
    for batch in batches:
        size = sum(len(str(request.body)) for request in batch)
        assert size <= 10_000 or len(batch) == 1


def test_a_batch_is_as_full_as_it_may_be() -> None:
    assert [len(batch) for batch in split([Request("GET", "/x")] * 41)] == [20, 20, 1]


def test_each_request_asks_for_immutable_ids_and_names_its_content() -> None:
    [bare, full] = payload([Request("GET", "/a"), Request("PATCH", "/b", {"c": 1}, {"If-Match": 'W/"1"'})])["requests"]
    assert bare == {"id": "0", "method": "GET", "url": "/a", "headers": {"Prefer": 'IdType="ImmutableId"'}}
    assert full["headers"]["Content-Type"] == "application/json"
    assert full["headers"]["If-Match"] == 'W/"1"'


@given(st.permutations(range(5)), st.sets(st.integers(0, 4)))
def test_answers_are_put_in_order_and_missing_ones_are_seen(order: list[int], missing: set[int]) -> None:
    body = {"responses": [{"id": str(n), "status": 200 + n, "body": None} for n in order if n not in missing]}
    assert [one.status for one in answers(body, 5)] == [0 if n in missing else 200 + n for n in range(5)]


def test_an_answer_in_an_unknown_shape_is_no_answer() -> None:
    rubbish: tuple[Any, ...] = (None, [], "<html>", {}, {"responses": None}, {"responses": ["x", {"id": "0"}]})
    for body in rubbish:
        assert [one.status for one in answers(body, 1)] == [0]


def test_the_wait_may_have_decimals_or_be_untold() -> None:
    assert Inner(429, None, {"retry-after": "2.128"}).wait(0.0) == 2.128
    assert Inner(429, None, {}).wait(0.0) > 0
