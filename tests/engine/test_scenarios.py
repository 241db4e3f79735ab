"""Every scenario of tests/scenarios, in both orders of the sides unless it says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.scenario import FOLDER, Player, load

PATHS = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.postgres
@pytest.mark.django_db
@pytest.mark.parametrize("order", ["straight", "swapped"])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_scenario(path: Path, order: str) -> None:
    data = load(path)
    if order == "swapped" and data.get("orders") == "one":
        pytest.skip("the sides of this one cannot be exchanged")
    Player(data, swapped=order == "swapped").play()


def test_there_are_scenarios_and_each_has_its_own_number() -> None:
    numbers = [load(path)["scenario"] for path in PATHS]
    assert len(numbers) > 90
    assert len(set(numbers)) == len(numbers)
