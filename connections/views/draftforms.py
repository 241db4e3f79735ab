"""Forms of the steps in which a connection is set up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy

from connections.models import ConnectionDraft
from connections.services import drafting
from connections.services.drafting import Way
from connections.services.offering import Offer
from connections.widgets import Suggested
from syncrules.specs import Direction


class AppsForm(forms.Form):
    """Two apps among those that can be connected; the same one twice is two folders of it."""

    def __init__(self, offers: Sequence[Offer], data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        choices = [
            (one.app.key, format_html("{} <span>{}</span>", one.app.name, gettext(one.app.summary)))
            for one in offers
            if not one.reason
        ]
        for name, label in (("app_a", gettext("First app")), ("app_b", gettext("Second app"))):
            self.fields[name] = forms.ChoiceField(
                label=label,
                choices=choices,
                widget=forms.RadioSelect,
                error_messages={"required": gettext("Choose an app.")},
            )


class DirectionForm(forms.Form):
    def __init__(self, draft: ConnectionDraft, data: Any = None) -> None:
        called, able = drafting.names(draft), drafting.directions(draft)
        a, b = called["a"], called["b"]
        texts = {
            Direction.BOTH: gettext(
                "Both ways: what is changed in %(a)s shows in %(b)s, and what is changed in %(b)s shows in %(a)s"
            )
            % {"a": a, "b": b},
            Direction.A_TO_B: gettext("From %(a)s to %(b)s only: %(a)s is never written") % {"a": a, "b": b},
            Direction.B_TO_A: gettext("From %(b)s to %(a)s only: %(b)s is never written") % {"b": b, "a": a},
        }
        self.refused = {texts[way]: reason for way, reason in able.items() if reason}
        choices = [(way.value, texts[way]) for way, reason in able.items() if not reason]
        said = draft.choices
        first = {
            "direction": said.get("direction", choices[0][0] if choices else ""),
            "winner": said.get("winner", "a"),
        }
        super().__init__(data, initial=first)
        self.fields["direction"] = forms.ChoiceField(
            label=gettext("Which way do contacts go?"), choices=choices, widget=forms.RadioSelect
        )
        self.fields["winner"] = forms.ChoiceField(
            label=gettext("Both have a value, and they differ. Which one counts?"),
            help_text=gettext(
                "What only one of them has is added to the other anyway, and nothing empty wins over a value."
            ),
            choices=[("a", gettext("That of %(a)s") % {"a": a}), ("b", gettext("That of %(b)s") % {"b": b})],
            widget=forms.RadioSelect,
        )


EVERYBODY, LABELLED = "everybody", "labelled"


class RulesForm(forms.Form):
    """For each direction everybody, or those with a label."""

    def __init__(self, ways: Sequence[Way], data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        self.ways = ways
        for way in ways:
            who, label = f"who_{way.direction.value}", f"label_{way.direction.value}"
            choices = [(EVERYBODY, gettext("Everybody"))]
            if way.has_labels:
                choices.append(
                    (
                        LABELLED,
                        gettext("Only contacts with a certain %(kind)s in %(here)s")
                        % {"kind": gettext(way.kind), "here": way.here},
                    )
                )
            self.fields[who] = forms.ChoiceField(
                label=gettext("Who goes from %(here)s to %(there)s?") % {"here": way.here, "there": way.there},
                choices=choices,
                widget=forms.RadioSelect,
                initial=LABELLED if way.label else EVERYBODY,
            )
            if way.has_labels:
                self.fields[label] = forms.CharField(
                    label=gettext("%(kind)s in %(here)s") % {"kind": capfirst(gettext(way.kind)), "here": way.here},
                    required=False,
                    max_length=100,
                    initial=way.label,
                    widget=Suggested(name for _, name in way.source.labels),
                )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for way in self.ways:
            wanted = cleaned.get(f"who_{way.direction.value}") == LABELLED
            if wanted and not cleaned.get(f"label_{way.direction.value}", "").strip():
                self.add_error(
                    f"label_{way.direction.value}",
                    gettext("Name the %(kind)s, or choose “Everybody”.") % {"kind": gettext(way.kind)},
                )
        return cleaned

    def labels(self) -> dict[str, str]:
        given = self.cleaned_data
        return {
            way.direction.value: given[f"label_{way.direction.value}"].strip()
            if given[f"who_{way.direction.value}"] == LABELLED
            else ""
            for way in self.ways
        }


class MatchingForm(forms.Form):
    without = forms.ChoiceField(
        label=gettext_lazy("What should happen to contacts without an email address?"),
        widget=forms.RadioSelect,
        choices=[
            (
                "leave",
                gettext_lazy(
                    "Leave them where they are, unless their counterpart is found as ticked below: nobody is doubled"
                ),
            ),
            (
                "bring",
                gettext_lazy("Bring them across as well: whoever is on both sides already may then be there twice"),
            ),
        ],
        initial="leave",
    )
    keys = forms.MultipleChoiceField(
        label=gettext_lazy("How else may two contacts be known as the same person?"),
        help_text=gettext_lazy("The same email address always counts. A tick here finds more counterparts."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[
            ("phone+name", gettext_lazy("The same phone number and name")),
            ("name+company", gettext_lazy("The same name and company")),
        ],
    )

    def __init__(self, draft: ConnectionDraft, data: Any = None) -> None:
        said = draft.choices.get("matching", {})
        without = "leave" if said.get("avoid_duplicates", True) else "bring"
        super().__init__(data, initial={"without": without, "keys": said.get("keys", [])}, label_suffix="")

    def matching(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {"avoid_duplicates": given["without"] == "leave", "keys": ["email", *given["keys"]]}
