"""Forms of the pages on which people connect accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_lazy

from connections.models import Account
from connections.services import access
from connections.services.entering import full_address
from connectors.base import AddressRefused, App
from connectors.oauth import LoginPlaces

OWN = "own"


class SharingForm(forms.Form):
    sharing = forms.ChoiceField(
        label=gettext_lazy("Who may use it"),
        widget=forms.RadioSelect,
        choices=[
            ("shared", gettext_lazy("Everybody of the organisation, in their connections")),
            ("private", gettext_lazy("I alone")),
        ],
        initial="shared",
    )

    @property
    def is_shared(self) -> bool:
        return bool(self.cleaned_data["sharing"] == "shared")


class PlaceForm(forms.Form):
    """Where to sign in. `address` is the login address once the form is valid."""

    def __init__(self, places: LoginPlaces, data: Any = None) -> None:
        super().__init__(data)
        self._places = places
        self.address = ""
        choices = [(choice.value or "main", gettext(choice.label)) for choice in places.choices]
        self.fields["place"] = forms.ChoiceField(
            label=gettext("Where to sign in"),
            widget=forms.RadioSelect,
            choices=[*choices, (OWN, gettext("%(place)s, named below") % {"place": gettext(places.own)})],
            initial=choices[0][0],
        )
        self.fields["own"] = forms.CharField(label=gettext(places.own), required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        place, own = cleaned.get("place", ""), cleaned.get("own", "").strip()
        if place == OWN and not own:
            raise ValidationError({"own": gettext("Enter the %(place)s.") % {"place": gettext(self._places.own)}})
        try:
            self.address = self._places.address(own if place == OWN else "" if place == "main" else place)
        except AddressRefused as error:
            raise ValidationError({"own": str(error)}) from error
        return cleaned


class CredentialsForm(forms.Form):
    """`app`, `account` and `known` are set on a subclass; see `credentials_form`. An account that is there keeps whose
    it is: its address, and what of the credentials is `known`."""

    app: App
    account: Account | None
    known: Mapping[str, str]

    @property
    def address(self) -> str:
        return self.account.base_url if self.account else str(self.cleaned_data.get("address", ""))

    def clean_address(self) -> str:
        try:
            return full_address(self.cleaned_data["address"])
        except ValueError:
            raise ValidationError(gettext("This is no address. It has the form https://server.example/path.")) from None

    def entered(self) -> dict[str, str]:
        values = {
            one.name: self.known.get(one.name) or self.cleaned_data.get(one.name, "") for one in self.app.credentials
        }
        return {name: value for name, value in values.items() if value}


def credentials_form(app: App, account: Account | None) -> type[CredentialsForm]:
    known = access.open_credentials(account) if account else {}
    fields: dict[str, Any] = {"app": app, "account": account, "known": known}
    if app.user_supplied_url and account is None:
        fields["address"] = forms.CharField(
            label=gettext("Address"),
            max_length=500,
            help_text=gettext("As your provider names it; https:// may be left out."),
        )
    for one in app.credentials:
        if one.name not in known:
            attributes = {"autocomplete": "new-password" if one.secret else "off"}
            widget = forms.PasswordInput(attributes) if one.secret else forms.TextInput(attributes)
            fields[one.name] = forms.CharField(
                label=gettext(one.label),
                help_text=gettext(one.help) if one.help else "",
                required=one.required,
                max_length=2000,
                widget=widget,
            )
    return type("CredentialsForm", (CredentialsForm,), fields)
