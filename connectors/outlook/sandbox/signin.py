"""The identity platform's sign-in and consent page, in plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.outlook.sandbox.store import Mailbox
from connectors.sandboxkit.html import Html, join, tag
from connectors.sandboxkit.html import page as framed
from connectors.sandboxkit.web import Response


def page(
    asked: Mapping[str, str], mailboxes: Sequence[Mailbox], chosen: Mailbox | None, scopes: Sequence[str]
) -> Response:
    """Pick an account and agree. `asked`: the parameters of the request, carried along."""
    kept = [
        tag("input", type="hidden", name=name, value=value)
        for name, value in asked.items()
        if name not in ("account", "decision")
    ]
    if not mailboxes:
        return problem_page("The sandbox has no mailbox yet. Make one through its control address, then come back.")
    options = [_option(mailbox, checked=mailbox == (chosen or mailboxes[0])) for mailbox in mailboxes]
    buttons = tag(
        "p",
        tag("button", "Accept", name="decision", value="accept", class_="main"),
        tag("button", "Cancel", name="decision", value="decline"),
        class_="buttons",
    )
    form = tag(
        "form",
        *kept,
        tag("fieldset", tag("legend", "Pick an account"), join(options)),
        tag("h2", "This app would like to"),
        tag("ul", join(tag("li", scope) for scope in scopes)),
        buttons,
        method="post",
        class_="card",
    )
    return framed("Sign in", tag("h1", "Sign in"), form, forms="*")


def _option(mailbox: Mailbox, *, checked: bool) -> Html:
    choice = tag("input", type="radio", name="account", value=mailbox.email, checked=checked)
    return tag("label", choice, " ", mailbox.name, " ", tag("small", mailbox.email), class_="option")


def problem_page(problem: str) -> Response:
    answer = framed("Sign in", tag("h1", "Sorry, but we are having trouble signing you in."), tag("p", problem))
    answer.status = 400
    return answer
