"""Setting a connection up, in steps that are plain addresses: tenant, accounts, folders. None needs JavaScript."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from connections.admin import base
from connections.admin.base import PairwiseAdmin, address
from connections.models import Account, Connection, Folder, Tenant
from connections.services import arranging, setting_up
from connections.services.arranging import Tree
from connections.services.configuration import versions
from connectors.base import ConnectorError

LIKE = "its options, mappings and rules are taken over; then the choices below do not count"


class TenantForm(forms.Form):
    tenant = forms.ModelChoiceField(Tenant.objects.none(), empty_label="choose a tenant")

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(*args)
        self.fields["tenant"].queryset = base.visible(Tenant.objects.order_by("name"), request)  # type: ignore[attr-defined]


class AccountsForm(forms.Form):
    account_a = forms.ModelChoiceField(Account.objects.none(), label="account of side A", empty_label="choose")
    account_b = forms.ModelChoiceField(Account.objects.none(), label="account of side B", empty_label="choose")

    def __init__(self, accounts: Any, *args: Any) -> None:
        super().__init__(*args)
        for name in ("account_a", "account_b"):
            field: Any = self.fields[name]
            field.queryset = accounts
            field.label_from_instance = lambda account: f"{account.name} ({account.app})"


class FoldersForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Connection
        fields = ("name", "direction", "winner", "approve_first_run")

    def __init__(self, tenant: Tenant, trees: tuple[Tree, Tree], accounts: tuple[Account, Account], *args: Any) -> None:
        super().__init__(*args)
        self.instance.tenant = tenant
        self.trees = trees
        for side, tree, account in zip("ab", trees, accounts, strict=True):
            self.fields[f"folder_{side}"] = forms.TypedChoiceField(
                label=f"folder of {account.name}", choices=_choices(tree), coerce=int, empty_value=None
            )
        a, b = (account.name for account in accounts)
        self.fields["direction"] = forms.ChoiceField(
            choices=[("both", f"{a} ⇄ {b}"), ("a_to_b", f"{a} → {b}"), ("b_to_a", f"{b} → {a}")]
        )
        self.fields["winner"] = forms.ChoiceField(
            choices=[("a", a), ("b", b)], help_text="whose value counts where both sides are filled differently"
        )
        apps = tenant.pk, accounts[0].app, accounts[1].app
        self.fields["template"] = forms.ModelChoiceField(
            versions.templates_for(*apps), required=False, empty_label="—", help_text=LIKE
        )
        self.fields["like"] = forms.ModelChoiceField(
            versions.models_for(*apps), required=False, empty_label="—", label="as the connection", help_text=LIKE
        )
        self.order_fields(["name", "folder_a", "folder_b", "template", "like"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("template") and cleaned.get("like"):
            raise forms.ValidationError("Choose a template or a connection to begin with, not both.")
        for side, tree in zip("ab", self.trees, strict=True):
            chosen = cleaned.get(f"folder_{side}")
            rows: dict[int, Folder] = {branch.folder.pk: branch.folder for branch in tree.branches}
            if chosen in rows:
                setattr(self.instance, f"folder_{side}", rows[chosen])
        return cleaned

    def make(self) -> Connection:
        """Raises CannotSetUp, or ConnectorError where an app cannot be asked."""
        row = self.instance
        model = self.cleaned_data["template"] or self.cleaned_data["like"]
        if model is not None:
            return versions.make_like(model, row.name, row.folder_a, row.folder_b, arranging.NEW)
        chosen = {name: self.cleaned_data[name] for name in ("direction", "winner", "approve_first_run")}
        options = {**chosen, "paused_reason": arranging.NEW, "match_keys": ["email"]}
        return setting_up.make_connection(row.name, row.folder_a, row.folder_b, setting_up.Configuration(), options)


def _choices(tree: Tree) -> list[tuple[Any, str]]:
    """Indented as they are nested, with the number of contacts where the app tells."""
    choices: list[tuple[Any, str]] = [("", "choose a folder")]
    for branch in tree.branches:
        name = branch.folder.path if tree.problem else branch.folder.name
        count = "" if branch.count is None else f" — {branch.count} contact{'' if branch.count == 1 else 's'}"
        locked = ", read-only" if branch.folder.read_only else ""
        choices.append((branch.folder.pk, f"{'    ' * branch.depth}{name}{count}{locked}"))
    return choices


def view(owner: PairwiseAdmin[Connection], request: HttpRequest) -> HttpResponse:
    given = request.GET or None
    tenants = TenantForm(request, given)
    if not tenants.is_valid():
        return _page(owner, request, 1, tenants if given else TenantForm(request))
    tenant: Tenant = tenants.cleaned_data["tenant"]
    accounts = base.visible(Account.objects.filter(tenant=tenant).defer("secrets").order_by("name"), request)
    asked = "account_a" in request.GET
    chosen = AccountsForm(accounts, request.GET if asked else None)
    if not asked or not chosen.is_valid():
        return _page(owner, request, 2, chosen, tenant=tenant, accounts=accounts)
    pair = (chosen.cleaned_data["account_a"], chosen.cleaned_data["account_b"])
    return _folders(owner, request, tenant, pair)


def _folders(
    owner: PairwiseAdmin[Connection], request: HttpRequest, tenant: Tenant, accounts: tuple[Account, Account]
) -> HttpResponse:
    a = arranging.folder_tree(accounts[0])
    trees = (a, a if accounts[0] == accounts[1] else arranging.folder_tree(accounts[1]))
    form = FoldersForm(tenant, trees, accounts, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = form.make()
        except (setting_up.CannotSetUp, ConnectorError) as reason:
            form.add_error(None, str(reason))
        else:
            owner.log_addition(request, made, [{"added": {}}])
            told = f"Connection {made} is set up and paused: look it over, preview it, then resume it."
            owner.message_user(request, told)
            return HttpResponseRedirect(address(made))
    for problem in dict.fromkeys(tree.problem for tree in trees if tree.problem):
        messages.warning(request, problem)
    return _page(owner, request, 3, form, tenant=tenant, accounts=accounts)


def _page(owner: PairwiseAdmin[Connection], request: HttpRequest, step: int, form: Any, **context: Any) -> HttpResponse:
    titles = {1: "Whose connection is it?", 2: "Between which accounts?", 3: "Which folders?"}
    return owner.page(request, "setup", titles[step], step=step, form=form, steps=titles, **context)
