"""The form of one rule: lines of conditions and actions, each about what one app offers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from connections.editing.picking import Groups, Options, field_options, select
from connections.services.arranging import Offer, SideOffer
from connectors.base import Field, FieldType
from syncrules.conditions import opt_out_fields, shown_value
from syncrules.specs import (
    ActionKind,
    ActionSpec,
    ConditionKind,
    ConditionSpec,
    Direction,
    Operator,
    RuleSpec,
    SpecError,
)

Row = tuple[str, str, str]  # subject, comparison, value
OPERATORS: Options = (
    ("is", gettext_lazy("is")),
    ("is_not", gettext_lazy("is not")),
    ("in", gettext_lazy("is in")),
    ("not_in", gettext_lazy("is not in")),
    ("contains", gettext_lazy("contains")),
    ("starts", gettext_lazy("starts with")),
    ("one_of", gettext_lazy("is one of (with commas)")),
    ("before", gettext_lazy("is before")),
    ("after", gettext_lazy("is after")),
    ("greater", gettext_lazy("is greater than")),
    ("less", gettext_lazy("is less than")),
    ("empty", gettext_lazy("is empty")),
    ("not_empty", gettext_lazy("is not empty")),
    ("yes", gettext_lazy("holds")),
    ("no", gettext_lazy("does not hold")),
)
FLAGS = {
    ConditionKind.EXISTS_IN_OTHER: gettext_lazy("it already exists in the other app"),
    ConditionKind.WAS_DELETED: gettext_lazy("it was deleted"),
    ConditionKind.OPTED_OUT: gettext_lazy("it has opted out"),
}
NEED_VALUE = (Operator.GREATER, Operator.LESS, Operator.BEFORE, Operator.AFTER, Operator.CONTAINS, Operator.STARTS)
ALWAYS = "is is_not empty not_empty one_of"
SUITING = {
    FieldType.DATE: "is is_not before after empty not_empty",
    FieldType.DATETIME: "before after empty not_empty",
    FieldType.NUMBER: f"{ALWAYS} greater less",
    FieldType.BOOLEAN: "is is_not empty not_empty",
    FieldType.OPTION: ALWAYS,
    FieldType.OPTIONS: ALWAYS,
}


class RowsWidget(forms.Widget):
    """Lines of up to three controls, with two empty ones to add more. The page's script adds further lines, offers the
    comparisons that suit, and asks for suggestions; all of it works without."""

    spare = 2

    def __init__(self, subjects: Groups, operators: Options, label: str, suiting: Mapping[str, str]) -> None:
        super().__init__()
        self.subjects, self.operators, self.label, self.suiting = subjects, operators, label, suiting
        self.choices_url = ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        rows: list[Row] = [*(value or ()), *[("", "", "")] * self.spare]
        lines = [(self._line(name, number, row, attrs),) for number, row in enumerate(rows)]
        return format_html(
            '<div class="pw-rows" data-suiting="{}" data-choices="{}">{}</div>',
            json.dumps(self.suiting),
            self.choices_url,
            format_html_join("", '<div class="pw-row">{}</div>', lines),
        )

    def _line(self, name: str, number: int, row: Row, attrs: Any) -> SafeString:
        subject, operator, value = row
        called = f"{self.label} {number + 1}"
        first = {"aria-label": called}
        if number == 0 and attrs and attrs.get("id"):
            first["id"] = attrs["id"]
        parts = [select(f"{name}-subject", self.subjects, subject, first)]
        if self.operators:
            how = {"aria-label": f"{called}: {gettext('comparison')}"}
            parts.append(select(f"{name}-operator", [("", self.operators)], operator, how, "how"))
        parts.append(
            format_html(
                '<input name="{0}-value" value="{1}" aria-label="{2}: {5}" placeholder="{3}" maxlength="500" '
                'autocomplete="off" list="{0}-choices-{4}"><datalist id="{0}-choices-{4}"></datalist>',
                name,
                value,
                called,
                gettext("value or name of the label"),
                number,
                gettext("value"),
            )
        )
        return format_html_join(" ", "{}", [(part,) for part in parts])

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Row]:
        subjects, values = data.getlist(f"{name}-subject"), data.getlist(f"{name}-value")
        operators = data.getlist(f"{name}-operator") if self.operators else [""] * len(subjects)
        rows = zip(subjects, operators, values, strict=False)
        return [(subject, operator, value.strip()) for subject, operator, value in rows if subject]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


def _label(side: SideOffer, name: str, before: Mapping[str, str]) -> dict[str, str]:
    """Name and id of a label; one that the app does not have (any more) keeps the id that the rule had for it."""
    if not name:
        raise ValueError(gettext("say which label."))
    folded = name.casefold()
    label_id, known = next(((key, each) for key, each in side.labels if each.casefold() == folded), ("", name))
    label_id = label_id or before.get(folded, "")
    return {"name": known} | ({"label_id": label_id} if label_id else {})


def _typed(value: str, known: Field) -> Any:
    """What was typed, as the field's type; an option by its label."""
    if known.type is FieldType.BOOLEAN:
        if value.casefold() not in ("yes", "no", "true", "false"):
            raise ValueError(gettext("%(label)s is yes or no.") % {"label": known.label})
        return value.casefold() in ("yes", "true")
    if known.type is FieldType.NUMBER:
        try:
            return float(value) if "." in value else int(value)
        except ValueError:
            raise ValueError(
                gettext("%(label)s is a number; “%(value)s” is none.") % {"label": known.label, "value": value}
            ) from None
    return next((option for option, label in known.options if label.casefold() == value.casefold()), value)


class RowsField(forms.Field):
    """`before`: folded names of labels that the rule had -> their ids."""

    def __init__(self, side: SideOffer, widget: RowsWidget, before: Mapping[str, str]) -> None:
        self.side, self.before = side, before
        super().__init__(label=widget.label, required=False, widget=widget)

    def read(self, row: Row) -> dict[str, Any]:
        raise TypeError("made by its kinds alone")

    def clean(self, value: Any) -> list[dict[str, Any]]:
        entries = []
        for number, row in enumerate(value or (), 1):
            try:
                entries.append(self.read(row))
            except ValueError as error:
                raise ValidationError(
                    gettext("Line %(number)s: %(error)s") % {"number": number, "error": error}
                ) from None
        return entries

    def field(self, subject: str) -> Field:
        known = self.side.catalogue.by_key.get(subject.partition(":")[2])
        if known is None:
            raise ValueError(
                gettext("%(side)s has no such field any more; choose another one.") % {"side": self.side.name}
            )
        return known


class ConditionsField(RowsField):
    def read(self, row: Row) -> dict[str, Any]:
        subject, operator, value = row
        if subject == ConditionKind.LABEL:
            if operator not in ("in", "not_in", ""):
                raise ValueError(gettext("a label is compared with “is in” or “is not in”."))
            label = _label(self.side, value, self.before)
            return {"label": label.pop("name"), "in": operator != "not_in", **label}
        if subject in FLAGS:
            if operator not in ("yes", "no", ""):
                raise ValueError(gettext("this is compared with “holds” or “does not hold”."))
            return {subject: operator != "no"}
        return self._field(self.field(subject), operator, value)

    def _field(self, known: Field, operator: str, value: str) -> dict[str, Any]:
        if operator in ("", "in", "not_in", "yes", "no"):
            raise ValueError(gettext("say how %(label)s is compared.") % {"label": known.label})
        if operator in ("empty", "not_empty"):
            return {"field": known.key, "empty": operator == "empty"}
        if operator == Operator.ONE_OF:
            return {"field": known.key, "one_of": [_typed(part, known) for part in _split(value)]}
        if operator in NEED_VALUE and not value:
            raise ValueError(gettext("say with what %(label)s is compared.") % {"label": known.label})
        return {"field": known.key, operator: _typed(value, known) if value else ""}


class ActionsField(RowsField):
    def read(self, row: Row) -> dict[str, Any]:
        kind, _, _ = row[0].partition(":")
        if kind == ActionKind.SET:
            known = self.field(row[0])
            if not row[2]:
                raise ValueError(gettext("say what %(label)s is set to.") % {"label": known.label})
            return {"set": {"field": known.key, "value": _typed(row[2], known)}}
        label = _label(self.side, row[2], self.before)
        return {kind: label.pop("name"), **label}


class RuleForm(forms.Form):
    """`spec`: the rule as it is, or what a new one begins with."""

    name = forms.CharField(max_length=200)
    enabled = forms.BooleanField(required=False, label=gettext_lazy("At work"))
    update_only = forms.BooleanField(
        label=gettext_lazy("Update only"),
        required=False,
        help_text=gettext_lazy("change contacts that exist there, never create one"),
    )
    undo = forms.BooleanField(
        label=gettext_lazy("Undo"),
        required=False,
        help_text=gettext_lazy("take the actions back when a contact stops matching"),
    )
    mirror = forms.BooleanField(
        label=gettext_lazy("Mirror"),
        required=False,
        help_text=gettext_lazy("the same rule the other way round as well"),
    )

    def __init__(self, given: Offer, spec: RuleSpec, choices_url: str, data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        self.spec = spec
        source, target = (given.a, given.b) if spec.direction is Direction.A_TO_B else (given.b, given.a)
        conditions = RowsWidget(_about(source), OPERATORS, gettext("If"), _suiting(source))
        actions = RowsWidget(_doing(target), (), gettext("Then"), {})
        for widget, side in ((conditions, source), (actions, target)):
            widget.choices_url = f"{choices_url}?side={side.side}"
        self.fields["conditions"] = ConditionsField(source, conditions, _ids(spec.conditions))
        self.fields["conditions"].help_text = gettext("All lines must hold. No line means every contact.")
        self.fields["actions"] = ActionsField(target, actions, _ids(spec.actions))
        self.fields["actions"].help_text = gettext("Besides creating and updating the contact, which every rule does.")
        self.initial = {
            "name": spec.name,
            "enabled": spec.enabled,
            "update_only": spec.update_only,
            "undo": spec.undo,
            "mirror": spec.mirror,
            "conditions": [_condition_row(part, source) for part in spec.conditions],
            "actions": [_action_row(part, target) for part in spec.actions],
        }
        self.order_fields(["name", "conditions", "actions", "update_only", "undo", "mirror", "enabled"])

    def wanted(self) -> RuleSpec:
        """The rule as it was filled in. Raises SpecError."""
        given = self.cleaned_data
        data = {
            **{name: given[name] for name in ("name", "enabled", "update_only", "undo", "mirror")},
            "direction": self.spec.direction.value,
            "if": given["conditions"],
            "then": given["actions"],
        }
        return RuleSpec.from_dict(data, id=self.spec.id)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.wanted()
            except SpecError as error:
                raise ValidationError(gettext("This cannot be saved: %(reason)s.") % {"reason": error.reason}) from None
        return cleaned


def _ids(parts: Sequence[ConditionSpec | ActionSpec]) -> dict[str, str]:
    return {part.subject.casefold(): part.label_id for part in parts if part.label_id}


def _about(side: SideOffer) -> list[tuple[str, Options]]:
    able = side.capabilities
    alone = [(kind.value, text) for kind, text in FLAGS.items() if kind in able.conditions]
    if opt_out_fields(side.catalogue):
        alone.append((ConditionKind.OPTED_OUT.value, FLAGS[ConditionKind.OPTED_OUT]))
    if not able.sees_deletions:
        alone = [(kind, text) for kind, text in alone if kind != ConditionKind.WAS_DELETED]
    groups: list[tuple[str, Options]] = [(gettext("The contact"), alone)]
    if able.label_kind is not None:
        groups.insert(0, ("Labels", [(ConditionKind.LABEL.value, f"its {able.label_kind.value}")]))
    return [
        *groups,
        (
            gettext("Fields of %(side)s") % {"side": side.name},
            [(f"field:{key}", label) for key, label in field_options(side.catalogue)],
        ),
    ]


def _doing(side: SideOffer) -> list[tuple[str, Options]]:
    able = side.capabilities
    if not able.two_way:
        return []
    groups: list[tuple[str, Options]] = []
    if able.label_kind is not None:
        word = able.label_kind.value
        verbs = (
            (ActionKind.ADD_LABEL, gettext("add it to a %(kind)s") % {"kind": gettext(word)}),
            (ActionKind.REMOVE_LABEL, gettext("remove it from a %(kind)s") % {"kind": gettext(word)}),
        )
        groups.append(
            (
                gettext("Labels of %(side)s") % {"side": side.name},
                [(kind.value, text) for kind, text in verbs if kind in able.actions],
            )
        )
    if ActionKind.SET in able.actions:
        fields = [
            (f"{ActionKind.SET.value}:{key}", gettext("set %(label)s") % {"label": label})
            for key, label in field_options(side.catalogue)
            if not side.catalogue.by_key[key].read_only
        ]
        groups.append((gettext("Fields of %(side)s") % {"side": side.name}, fields))
    return groups


def _suiting(side: SideOffer) -> dict[str, str]:
    """Subject -> the comparisons that suit it."""
    plain = f"{ALWAYS} contains starts"
    suiting = {ConditionKind.LABEL.value: "in not_in", **{kind.value: "yes no" for kind in FLAGS}}
    return suiting | {f"field:{field.key}": SUITING.get(field.type, plain) for field in side.catalogue}


def _condition_row(part: ConditionSpec, side: SideOffer) -> Row:
    if part.kind is ConditionKind.LABEL:
        return part.kind.value, "in" if part.value else "not_in", part.subject
    if part.kind is not ConditionKind.FIELD:
        return part.kind.value, "yes" if part.value else "no", ""
    subject = f"field:{part.subject}"
    if part.operator is Operator.EMPTY:
        return subject, "empty" if part.value else "not_empty", ""
    values = part.value if part.operator is Operator.ONE_OF else (part.value,)
    known = side.catalogue.by_key.get(part.subject)
    texts = [_shown(value, known) for value in values]
    return subject, part.operator.value, _joined(texts) if part.operator is Operator.ONE_OF else texts[0]


def _action_row(part: ActionSpec, side: SideOffer) -> Row:
    if part.kind is not ActionKind.SET:
        return part.kind.value, "", part.subject
    return f"{part.kind.value}:{part.subject}", "", _shown(part.value, side.catalogue.by_key.get(part.subject))


def _split(text: str) -> list[str]:
    """Values with commas between them; one that has a comma itself stands in quotes."""
    return [part.strip() for row in csv.reader([text], skipinitialspace=True) for part in row if part.strip()]


def _joined(values: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(values)
    return out.getvalue()


def _shown(value: Any, known: Field | None) -> str:
    return str(value) if known is None else shown_value(value, known)
