from __future__ import annotations

import pytest

from tests.apps import Apps, installed


@pytest.fixture
def apps(db: None, monkeypatch: pytest.MonkeyPatch) -> Apps:
    return installed(monkeypatch)
