"""The form of one line of a mapping."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from connections.editing.picking import KeysField, field_options
from connections.services.arranging import Offer, SideOffer, labels_of
from syncrules.models import WriteMode
from syncrules.specs import Direction, MappingSpec, Side


class LineForm(forms.Form):
    name = forms.CharField(
        max_length=200, required=False, widget=forms.TextInput({"placeholder": gettext_lazy("named after its fields")})
    )
    direction = forms.ChoiceField(label=gettext_lazy("Direction"))
    mode = forms.ChoiceField(
        label=gettext_lazy("Write"),
        choices=lambda: [(mode.value, gettext(str(mode.label))) for mode in WriteMode],
        help_text=gettext_lazy(
            "Overwrite: an empty field erases only what a person cleared. Fill if blank: only where "
            "the other side has nothing. Clear if empty: an empty field always clears the other side."
        ),
    )
    winner = forms.ChoiceField(
        label=gettext_lazy("Winner"),
        required=False,
        help_text=gettext_lazy("whose value counts where both sides changed"),
    )
    pattern = forms.CharField(
        label=gettext_lazy("Pattern"),
        max_length=200,
        required=False,
        strip=False,
        help_text=gettext_lazy(
            "How several fields make one text, for example {0} {1} or {0}, {1}. Left out: a space between them."
        ),
    )
    table = forms.CharField(
        label=gettext_lazy("Value table"),
        required=False,
        widget=forms.Textarea({"rows": 6, "cols": 50}),
    )
    enabled = forms.BooleanField(required=False, label=gettext_lazy("At work"))

    def __init__(self, given: Offer, spec: MappingSpec, data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        self.given, self.spec = given, spec
        a, b = given.a.name, given.b.name
        for side, keys in ((given.a, spec.a), (given.b, spec.b)):
            self.fields[side.side] = KeysField(field_options(side.catalogue), side.name)
            self.initial[side.side] = list(keys)
        choices: Any = self.fields
        arrows = {Direction.BOTH: f"{a} ⇄ {b}", Direction.A_TO_B: f"{a} → {b}", Direction.B_TO_A: f"{a} ← {b}"}
        able = [direction for direction in Direction if data is not None or _can(direction, given, spec)]
        choices["direction"].choices = [(direction.value, arrows[direction]) for direction in able or list(Direction)]
        choices["winner"].choices = [("", gettext("as the connection says")), ("a", a), ("b", b)]
        choices["table"].help_text = gettext(
            "Options that mean the same, a line each: option of %(a)s = option of %(b)s."
        ) % {"a": a, "b": b}
        lefts, rights = option_labels(given.a, spec.a), option_labels(given.b, spec.b)
        direction = spec.direction if spec.direction in able else (able or [spec.direction])[0]
        self.initial.update(
            {
                "name": spec.name,
                "direction": direction.value,
                "mode": spec.mode.value,
                "winner": spec.winner or "",
                "pattern": spec.pattern,
                "enabled": spec.enabled,
                "table": "\n".join(
                    f"{lefts.get(left, left)} = {rights.get(right, right)}" for left, right in spec.values
                ),
            }
        )
        self.order_fields(["a", "b", "direction", "mode", "winner", "pattern", "table", "name", "enabled"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        a, b = cleaned.get("a"), cleaned.get("b")
        if a and b:
            lefts, rights = (
                set(option_labels(side, keys).values()) for side, keys in ((self.given.a, a), (self.given.b, b))
            )
            try:
                cleaned["values"] = [
                    _couple(line, lefts, rights) for line in cleaned.get("table", "").splitlines() if line.strip()
                ]
            except ValueError as error:
                self.add_error("table", str(error))
        return cleaned

    def wanted(self) -> MappingSpec:
        """The line as it was filled in. Raises SpecError."""
        given = self.cleaned_data
        lefts, rights = (
            {label: value for value, label in option_labels(side, given[side.side]).items()}
            for side in (self.given.a, self.given.b)
        )
        data = {
            "name": given["name"] or labels_of(self.given.a.catalogue, given["a"])[:200],
            "a": given["a"],
            "b": given["b"],
            "direction": given["direction"],
            "mode": given["mode"],
            "winner": given["winner"] or None,
            "pattern": given["pattern"],
            "values": [[lefts.get(left, left), rights.get(right, right)] for left, right in given["values"]],
            "enabled": given["enabled"],
        }
        return MappingSpec.from_dict(data)


def _can(direction: Direction, given: Offer, spec: MappingSpec) -> bool:
    """Whether values can flow so: into fields that can be written."""
    for side, mine, keys in ((Side.A, given.a, spec.a), (Side.B, given.b, spec.b)):
        known = [field for key in keys if (field := mine.catalogue.by_key.get(key))]
        locked = not mine.capabilities.two_way or any(field.read_only for field in known)
        if locked and direction.carries(side.other):
            return False
    return True


def option_labels(side: SideOffer, keys: Any) -> dict[str, str]:
    """The options of a line's field, value to label; a label that occurs twice stands for none."""
    known = side.catalogue.by_key.get(keys[0]) if len(keys) == 1 else None
    if known is None:
        return {}
    labels = [label for _, label in known.options]
    once = {label for label in labels if label} if len(set(labels)) == len(labels) else set()
    return {value: label if label in once else value for value, label in known.options}


def _couple(line: str, lefts: set[str], rights: set[str]) -> tuple[str, str]:
    """Both sides of a line; where an option itself holds the sign, the one reading that names known options."""
    pieces = line.split("=")
    ways = [("=".join(pieces[:at]).strip(), "=".join(pieces[at:]).strip()) for at in range(1, len(pieces))]
    known = [way for way in ways if way[0] in lefts and way[1] in rights]
    found = known if len(ways) > 1 else ways
    if len(found) != 1 or not all(found[0]):
        raise ValueError(f"“{line.strip()}” is not of the form: option = option.")
    return found[0]
