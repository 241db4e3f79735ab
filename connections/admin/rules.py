"""The rules of a connection: conditions and actions, picked from both sides' fields and labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from connections.admin.mappings import offered
from connections.admin.picking import Options, Row, RowsWidget, field_options
from connections.models import Connection
from connections.services.arranging import Offer, SideOffer
from connectors.base import Field, FieldType
from syncrules.models import Rule
from syncrules.rules import compile_rules
from syncrules.specs import ActionKind, ConditionKind, Direction, Operator

OPERATORS: Options = (
    ("in", "is in"),
    ("not_in", "is not in"),
    ("is", "is"),
    ("is_not", "is not"),
    ("contains", "contains"),
    ("starts", "starts with"),
    ("empty", "is empty"),
    ("not_empty", "is not empty"),
    ("before", "is before"),
    ("after", "is after"),
    ("greater", "is greater than"),
    ("less", "is less than"),
    ("one_of", "is one of (with commas)"),
    ("yes", "holds"),
    ("no", "does not hold"),
)
ALONE = {ConditionKind.EXISTS_IN_OTHER: "it exists in the other app", ConditionKind.WAS_DELETED: "it was deleted"}
NEED_VALUE = (Operator.GREATER, Operator.LESS, Operator.BEFORE, Operator.AFTER, Operator.CONTAINS, Operator.STARTS)
NEGATED = {"not_in": "in", "not_empty": "empty", "no": "yes"}


class RowsField(forms.Field):
    """Rows of a rule as the list of tables that a rule stores. `side` is the one the rows are about."""

    hint = ""

    def __init__(self, given: Offer, side: str, label: str) -> None:
        self.given = given
        self.order = (given.side(side), given.b if side == "a" else given.a)
        super().__init__(label=label, required=False, widget=self.make_widget(given, label), help_text=self.hint)

    def make_widget(self, given: Offer, label: str) -> RowsWidget:
        raise TypeError("made by its kinds alone")

    def read(self, row: Row) -> dict[str, Any]:
        raise TypeError("made by its kinds alone")

    def show(self, stored: Mapping[str, Any]) -> Row:
        raise TypeError("made by its kinds alone")

    def prepare_value(self, value: Any) -> list[Row]:
        return [self.show(entry) if isinstance(entry, dict) else entry for entry in value or ()]

    def clean(self, value: Any) -> list[dict[str, Any]]:
        entries = []
        for number, row in enumerate(value or (), 1):
            try:
                entries.append(self.read(row))
            except ValueError as error:
                raise ValidationError(f"Line {number}: {error}") from None
        return entries

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial) != list(data or ())

    def label_of(self, stored: Mapping[str, Any], name: str) -> str:
        """A stored label as a subject: by its id, else by its name where one side has a label that is called so."""
        wanted = stored.get("label_id", "")
        for side in self.order:
            for label_id, known in side.labels:
                if label_id == wanted or (not wanted and known.casefold() == name.casefold()):
                    return f"{side.side}:{label_id}"
        return f":{name}"

    def label_for(self, subject: str) -> dict[str, str]:
        """Back: name and id of a label, or the name alone of one that no side has (any more)."""
        side, _, label_id = subject.partition(":")
        if not side:
            return {"name": label_id}
        return {"name": dict(self.given.side(side).labels)[label_id], "label_id": label_id}

    def field_for(self, subject: str) -> tuple[str, Field | None]:
        side, _, key = subject.partition(":")
        return key, self.given.side(side).catalogue.by_key.get(key) if side else None

    def field_of(self, key: str) -> str:
        for side in self.order:
            if key in side.catalogue:
                return f"{side.side}:{key}"
        return f":{key}"


def _plain(value: str, known: Field | None) -> Any:
    """What was typed, as the field's type; an option by its label."""
    if known is None:
        return value
    if known.type is FieldType.BOOLEAN:
        if value.casefold() not in ("yes", "no", "true", "false"):
            raise ValueError(f"{known.label} is yes or no.")
        return value.casefold() in ("yes", "true")
    if known.type is FieldType.NUMBER:
        try:
            return float(value) if "." in value else int(value)
        except ValueError:
            raise ValueError(f"{known.label} is a number; “{value}” is none.") from None
    return next((option for option, label in known.options if label.casefold() == value.casefold()), value)


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _labels(side: SideOffer, prefix: str) -> Options:
    return [(f"{prefix}:{side.side}:{label_id}", name) for label_id, name in side.labels]


def _fields(side: SideOffer, prefix: str) -> Options:
    return [(f"{prefix}:{side.side}:{key}", label) for key, label in field_options(side.catalogue)]


class ConditionsField(RowsField):
    hint = "All lines must hold. No line means every contact."

    def make_widget(self, given: Offer, label: str) -> RowsWidget:
        groups: list[tuple[str, Options]] = []
        for side in (given.a, given.b):
            groups += [
                (f"Labels of {side.name}", _labels(side, "label")),
                (f"Fields of {side.name}", _fields(side, "field")),
            ]
        groups.append(("The contact", [(f"{kind.value}::", text) for kind, text in ALONE.items()]))
        return RowsWidget([group for group in groups if group[1]], OPERATORS, label, "value")

    def read(self, row: Row) -> dict[str, Any]:
        subject, operator, value = row
        kind, _, rest = subject.partition(":")
        positive, flag = NEGATED.get(operator, operator), operator not in NEGATED
        if kind == ConditionKind.LABEL:
            if positive != "in":
                raise ValueError("a label is compared with “is in” or “is not in”.")
            label = self.label_for(rest)
            return {"label": label["name"], "in": flag} | {key: label[key] for key in ("label_id",) if key in label}
        if kind in (ConditionKind.EXISTS_IN_OTHER, ConditionKind.WAS_DELETED):
            if positive != "yes":
                raise ValueError("this is compared with “holds” or “does not hold”.")
            return {kind: flag}
        return self._field(rest, operator, positive, flag, value)

    def _field(self, subject: str, operator: str, positive: str, flag: bool, value: str) -> dict[str, Any]:
        key, known = self.field_for(subject)
        if not operator or positive in ("in", "yes"):
            raise ValueError("say how the field is compared.")
        if positive == Operator.EMPTY:
            return {"field": key, "empty": flag}
        if positive == Operator.ONE_OF:
            return {"field": key, "one_of": [_plain(part.strip(), known) for part in value.split(",") if part.strip()]}
        if positive in NEED_VALUE and not value:
            raise ValueError("say with what the field is compared.")
        return {"field": key, positive: _plain(value, known) if value else ""}

    def show(self, stored: Mapping[str, Any]) -> Row:
        if "label" in stored:
            return f"label:{self.label_of(stored, stored['label'])}", "in" if stored.get("in", True) else "not_in", ""
        for kind in ALONE:
            if kind.value in stored:
                return f"{kind.value}::", "yes" if stored[kind.value] else "no", ""
        operator = next(each for each in stored if each != "field")
        subject = f"field:{self.field_of(stored['field'])}"
        if operator == Operator.EMPTY:
            return subject, "empty" if stored["empty"] else "not_empty", ""
        return subject, operator, _shown(stored[operator])


class ActionsField(RowsField):
    hint = "Besides creating and updating the contact, which every rule does."

    def make_widget(self, given: Offer, label: str) -> RowsWidget:
        groups: list[tuple[str, Options]] = []
        for side in (given.a, given.b):
            groups += [
                (f"Add to a label of {side.name}", _labels(side, ActionKind.ADD_LABEL)),
                (f"Remove from a label of {side.name}", _labels(side, ActionKind.REMOVE_LABEL)),
                (f"Set a field of {side.name}", _fields(side, ActionKind.SET)),
            ]
        return RowsWidget([group for group in groups if group[1]], (), label, "value, where a field is set")

    def read(self, row: Row) -> dict[str, Any]:
        subject, _, value = row
        kind, _, rest = subject.partition(":")
        if kind == ActionKind.SET:
            key, known = self.field_for(rest)
            return {"set": {"field": key, "value": _plain(value, known) if value else ""}}
        label = self.label_for(rest)
        return {kind: label["name"]} | {key: label[key] for key in ("label_id",) if key in label}

    def show(self, stored: Mapping[str, Any]) -> Row:
        if "set" in stored:
            inner = stored["set"]
            return f"{ActionKind.SET.value}:{self.field_of(inner['field'])}", "", _shown(inner["value"])
        kind = next(kind for kind in (ActionKind.ADD_LABEL, ActionKind.REMOVE_LABEL) if kind.value in stored)
        return f"{kind.value}:{self.label_of(stored, stored[kind.value])}", "", ""


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """`given` is set on a subclass made for the connection."""

    given: Offer

    class Meta:
        model = Rule
        fields = ("name", "direction", "enabled", "update_only", "undo", "mirror", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = {Direction.A_TO_B: (self.given.a, self.given.b), Direction.B_TO_A: (self.given.b, self.given.a)}
        self.fields["direction"] = forms.ChoiceField(
            choices=[(value.value, f"{source.name} → {target.name}") for value, (source, target) in names.items()]
        )
        source, target = ("b", "a") if self.instance.direction == Direction.B_TO_A else ("a", "b")
        self.fields["conditions"] = ConditionsField(self.given, source, "If")
        self.fields["actions"] = ActionsField(self.given, target, "Then")
        self.initial["conditions"] = list(self.instance.conditions or [])
        self.initial["actions"] = list(self.instance.actions or [])
        self.fields["position"].widget = forms.NumberInput({"class": "pw-position", "min": 0})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self.instance.conditions = cleaned.get("conditions") or []
        self.instance.actions = cleaned.get("actions") or []
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        self._refuse_wrong_side()
        a, b = self.given.a.catalogue, self.given.b.catalogue
        for flaw in compile_rules([self.instance.spec()], a, b, self.given.region).problems:
            self.add_error(None, f"Rule “{flaw.rule}”: {flaw.reason}")

    def _refuse_wrong_side(self) -> None:
        source = "a" if self.instance.direction == Direction.A_TO_B else "b"
        target = "b" if source == "a" else "a"
        for name, side in (("conditions", source), ("actions", target)):
            for row in self[name].data or ():
                chosen = row[0].split(":")[1]
                if chosen and chosen != side:
                    wanted = self.given.side(side).name
                    self.add_error(name, f"In this direction they are about {wanted}: choose its fields and labels.")
                    break


class RuleInline(admin.StackedInline):  # type: ignore[type-arg]
    model = Rule
    form = RuleForm
    extra = 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs["form"] = type("RuleForm", (RuleForm,), {"given": offered(request, obj)})
        kwargs["fields"] = RuleForm.Meta.fields
        return super().get_formset(request, obj, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        return [
            (None, {"fields": (("name", "direction", "enabled"), "conditions", "actions")}),
            ("More", {"fields": ("update_only", "undo", "mirror", "position"), "classes": ("collapse",)}),
        ]
