"""Parts of forms that several pages use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class Suggested(forms.TextInput):
    """A text with suggestions; what is not among them may be typed as well."""

    def __init__(self, suggestions: Iterable[str], attrs: Mapping[str, Any] | None = None) -> None:
        super().__init__(dict(attrs or {}))
        self.suggestions = list(suggestions)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        drawn = super().render(name, value, {**(attrs or {}), "list": f"{name}-suggestions"}, renderer)
        options = format_html_join("", '<option value="{}">', [(text,) for text in self.suggestions])
        return format_html('{}<datalist id="{}-suggestions">{}</datalist>', drawn, name, options)
