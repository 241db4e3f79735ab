"""Form fields that let people pick an app's fields and labels by name: keys and ids stay inside the form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from syncrules.catalogue import Catalogue

Options = Sequence[tuple[str, str]]  # value, label
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
                (select(name, [("", self.options)], key, attributes, "—" if number == 0 else "+ join with"),)
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
            raise ValidationError("A field is chosen twice.")
        return keys

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or ()) != list(data or ())


# ---- rows of a rule: subject, operator, value

Row = tuple[str, str, str]


class RowsWidget(forms.Widget):
    """Lines of up to three controls: what it is about, how it is compared, with what. Two empty lines to add more."""

    spare = 2

    def __init__(self, subjects: Groups, operators: Options, label: str, hint: str) -> None:
        super().__init__()
        self.subjects, self.operators, self.label, self.hint = subjects, operators, label, hint

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        rows: list[Row] = [*(value or ()), *[("", "", "")] * self.spare]
        lines = [(self._line(name, number, row, attrs),) for number, row in enumerate(rows)]
        return format_html('<div class="pw-rows">{}</div>', format_html_join("", '<div class="pw-row">{}</div>', lines))

    def _line(self, name: str, number: int, row: Row, attrs: Any) -> SafeString:
        subject, operator, value = row
        called = f"{self.label} {number + 1}"
        first = {"aria-label": called}
        if number == 0 and attrs and attrs.get("id"):
            first["id"] = attrs["id"]
        parts = [select(f"{name}-subject", self.subjects, subject, first)]
        if self.operators:
            how = {"aria-label": f"{called}: comparison"}
            parts.append(select(f"{name}-operator", [("", self.operators)], operator, how, "how"))
        parts.append(
            format_html(
                '<input name="{}-value" value="{}" aria-label="{}: value" placeholder="{}" maxlength="500">',
                name,
                value,
                called,
                self.hint,
            )
        )
        return format_html_join(" ", "{}", [(part,) for part in parts])

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Row]:
        def column(part: str) -> list[str]:
            return list(data.getlist(f"{name}-{part}")) if hasattr(data, "getlist") else []

        subjects, values = column("subject"), column("value")
        operators = column("operator") if self.operators else [""] * len(subjects)
        rows = zip(subjects, operators, values, strict=False)
        return [(subject, operator, value.strip()) for subject, operator, value in rows if subject]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False
