"""What axe-core finds wrong on a page for people with a screen reader, a keyboard or weak eyes (WCAG 2.2 AA)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> dict[str, list[str]]:
    """The places, as selectors, by the rule that they break."""
    page.evaluate(_axe())
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    return {
        one["id"]: sorted({" ".join(map(str, node["target"])) for node in one["nodes"]}) for one in found["violations"]
    }
