from __future__ import annotations

import io
from pathlib import Path

from django.core.management import call_command

from connectors.registry import apps

PAGE = Path(__file__).resolve().parents[2] / "docs" / "default-mappings.md"


def test_the_page_of_default_mappings_says_what_the_connectors_declare() -> None:
    out = io.StringIO()
    call_command("default_mappings", stdout=out)
    assert out.getvalue() == PAGE.read_text(), "make it anew: manage.py default_mappings > docs/default-mappings.md"


def test_every_app_declares_what_every_account_of_it_has() -> None:
    assert [app.key for app in apps().values() if not any(app.standard().values())] == []
