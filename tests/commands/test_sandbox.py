from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from connections.management.commands import sandbox


def test_the_sandbox_serves_where_it_is_told_and_stops_quietly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[Any, ...]] = []

    class Interrupted:
        def __init__(self, *arguments: Any) -> None:
            served.append(arguments)

        def serve_forever(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(sandbox, "Sandbox", Interrupted)
    out = io.StringIO()
    call_command("sandbox", "--port", "8765", "--path", str(tmp_path / "s"), stdout=out)
    assert served == [(str(tmp_path / "s"), "127.0.0.1", 8765)]
    assert out.getvalue().splitlines() == ["Sandbox on http://127.0.0.1:8765/ - stop it with Ctrl-C.", "Stopped."]
