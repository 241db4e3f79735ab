"""The lines of a connection's mapping table, picked from both catalogues."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from connections.admin.picking import KeysField, field_options
from connections.models import Connection
from connections.services.arranging import Offer, labels_of, offer
from syncrules.mapping import MappingError, compile_mapping
from syncrules.models import FieldMapping


class MappingForm(forms.ModelForm):  # type: ignore[type-arg]
    """`given` is set on a subclass made for the connection."""

    given: Offer
    translations = forms.CharField(
        label="same options",
        required=False,
        widget=forms.Textarea({"rows": 2, "cols": 40}),
        help_text="Options that mean the same, a line each: option on A = option on B.",
    )

    class Meta:
        model = FieldMapping
        fields = ("name", "direction", "mode", "winner", "pattern", "enabled", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        for side in (self.given.a, self.given.b):
            self.fields[side.side] = KeysField(field_options(side.catalogue), side.name)
            self.initial[side.side] = list(getattr(row, side.side) or [])
        a, b = self.given.a.name, self.given.b.name
        choices: Any = self.fields
        choices["direction"].choices = [("both", f"{a} ⇄ {b}"), ("a_to_b", f"{a} → {b}"), ("b_to_a", f"{b} → {a}")]
        choices["winner"].choices = [("", "as the connection says"), ("a", a), ("b", b)]
        self.fields["name"].required = False
        self.fields["name"].widget.attrs["placeholder"] = "named after its fields"
        self.fields["position"].widget = forms.NumberInput({"class": "pw-position", "min": 0})
        self.initial["translations"] = "\n".join(self._line(couple) for couple in row.values or ())

    def _line(self, couple: Any) -> str:
        left, right = couple
        return f"{_option_label(self._options('a'), left)} = {_option_label(self._options('b'), right)}"

    def _options(self, side: str) -> tuple[tuple[str, str], ...]:
        keys = getattr(self.instance, side) or []
        known = self.given.side(side).catalogue.by_key.get(keys[0]) if keys else None
        return known.options if known is not None else ()

    def clean_translations(self) -> str:
        text: str = self.cleaned_data["translations"]
        for line in text.splitlines():
            if line.strip() and line.count("=") != 1:
                raise ValidationError(f"“{line.strip()}” is not of the form: option on A = option on B.")
        return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        row = self.instance
        row.a, row.b = cleaned.get("a") or [], cleaned.get("b") or []
        if not cleaned.get("name") and row.a and row.b:
            cleaned["name"] = labels_of(self.given.a.catalogue, row.a)[:200]
        couples = [line.split("=") for line in cleaned.get("translations", "").splitlines() if line.strip()]
        row.values = [
            [_option_value(self._options("a"), left.strip()), _option_value(self._options("b"), right.strip())]
            for left, right in couples
        ]
        return cleaned

    def _post_clean(self) -> None:
        """After the row itself is sound: whether the line can work between these two catalogues."""
        super()._post_clean()  # type: ignore[misc]
        if self.errors or not (self.instance.a and self.instance.b):
            return
        try:
            compile_mapping(self.instance.spec(), self.given.a.catalogue, self.given.b.catalogue, self.given.region)
        except MappingError as error:
            self.add_error(None, str(error))


def _option_label(options: tuple[tuple[str, str], ...], value: str) -> str:
    return dict(options).get(value, value)


def _option_value(options: tuple[tuple[str, str], ...], label: str) -> str:
    found = [value for value, known in options if known.casefold() == label.casefold()]
    return found[0] if found else label


class MappingInline(admin.StackedInline):  # type: ignore[type-arg]
    model = FieldMapping
    form = MappingForm
    extra = 0
    verbose_name = "mapping"

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs["form"] = type("MappingForm", (MappingForm,), {"given": offered(request, obj)})
        kwargs["fields"] = MappingForm.Meta.fields
        return super().get_formset(request, obj, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        return [
            (None, {"fields": (("a", "b", "direction", "mode", "winner"),)}),
            (
                "More",
                {"fields": ("name", "pattern", "translations", ("position", "enabled")), "classes": ("collapse",)},
            ),
        ]


def offered(request: HttpRequest, connection: Connection) -> Offer:
    """Once per request, however many inlines ask."""
    kept: dict[int, Offer] = request.__dict__.setdefault("_offers", {})
    if connection.pk not in kept:
        kept[connection.pk] = offer(connection)
    return kept[connection.pk]
