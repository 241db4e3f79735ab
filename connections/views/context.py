"""What every page knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language


def demo(request: HttpRequest) -> dict[str, Any]:
    return {"is_demo": settings.DEMO}


def languages(request: HttpRequest) -> dict[str, Any]:
    """`language` as HTML wants it, and those that there are: code, tag for HTML and own name."""
    present = get_language() or settings.LANGUAGE_CODE
    offered = [(code, _tag(code), name) for code, name in settings.LANGUAGES if code != present]
    return {"language": _tag(present), "other_languages": offered}


def _tag(code: str) -> str:
    return code.partition("-")[0]
