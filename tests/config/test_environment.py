from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from config.environment import read_or_make


def test_processes_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    numbers = count()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read_or_make(tmp_path / "key", lambda: f"secret {next(numbers)}"), range(40)))
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
