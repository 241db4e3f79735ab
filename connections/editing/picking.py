"""Form fields that let people pick an app's fields and labels by name: keys and ids stay inside the form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from syncrules.catalogue import Catalogue

Options = Sequence[tuple[str, Any]]  # value, label
Groups = Sequence[tuple[str, Options]]  # heading, options


def select(name: str, groups: Groups, chosen: str, attributes: Mapping[str, str], empty: str = "—") -> SafeString:
    """A <select>; written here because a mapping table has thousands of options, and widgets render each by a
    template of its own."""
    parts = [format_html('<option value="">{}</option>', empty)]
    known = False
    for heading, options in groups:
        rows = []
        for value, label in options:
            known = known or value == chosen
            mark = mark_safe(" selected") if value == chosen else ""  # noqa: S308 - a constant
            rows.append((value, mark, label))
        body = format_html_join("", '<option value="{}"{}>{}</option>', rows)
        parts.append(format_html('<optgroup label="{}">{}</optgroup>', heading, body) if heading else body)
    if chosen and not known:
        parts.append(format_html('<option value="{0}" selected>{0} (not there any more)</option>', chosen))
    attrs = format_html_join("", ' {}="{}"', attributes.items())
    inner = mark_safe("".join(conditional_escape(part) for part in parts))  # noqa: S308 - every part is escaped
    return format_html('<select name="{}"{}>{}</select>', name, attrs, inner)


def field_options(catalogue: Catalogue) -> Options:
    """Fields that can take part in a mapping or rule, by label; labels that occur twice show the key beside them."""
    fields = sorted((field for field in catalogue if not field.reason), key=lambda field: field.label.casefold())
    labels = [field.label for field in fields]
    return [
        (field.key, field.label if labels.count(field.label) == 1 else f"{field.label} ({field.key})")
        for field in fields
    ]


# ---- several fields of one side


class KeysWidget(forms.Widget):
    """One select per field, in order, and an empty one to add another."""

    def __init__(self, options: Options, label: str) -> None:
        super().__init__()
        self.options = options
        self.label = label

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        keys = [str(key) for key in value or ()]
        shown = [*keys, ""] if keys else ["", ""]
        selects = []
        for number, key in enumerate(shown):
            attributes = {"aria-label": f"{self.label} {number + 1}"}
            if number == 0 and attrs and attrs.get("id"):
                attributes["id"] = attrs["id"]
            selects.append(
                (select(name, [("", self.options)], key, attributes, "—" if number == 0 else gettext("+ join with")),)
            )
        return format_html('<span class="pw-keys">{}</span>', format_html_join(" ", "{}", selects))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        values = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        return [value for value in values if value]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


class KeysField(forms.Field):
    def __init__(self, options: Options, label: str) -> None:
        self.known = {value for value, _ in options}
        super().__init__(label=label, widget=KeysWidget(options, label), required=True)

    def clean(self, value: Any) -> list[str]:
        keys: list[str] = super().clean(value)
        if len(set(keys)) != len(keys):
            raise ValidationError(gettext("A field is chosen twice."))
        return keys

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or ()) != list(data or ())
