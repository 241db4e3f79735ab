"""Pages on which a person sees an account's lists and owners."""

from __future__ import annotations

from connectors.hubspot.sandbox import frame
from connectors.hubspot.sandbox.control import HubSpotSandbox
from connectors.hubspot.sandbox.errors import HubSpotError
from connectors.hubspot.sandbox.lists import Lists
from connectors.hubspot.sandbox.settings import all_owners
from connectors.hubspot.sandbox.store import Account, Store
from connectors.sandboxkit.html import join, page, tag
from connectors.sandboxkit.web import Request, Response, redirect


class ListPages:
    def __init__(self, store: Store, api: HubSpotSandbox) -> None:
        self.store = store
        self.api = api

    def lists(self, request: Request, account: Account, rest: list[str], *, posted: bool) -> Response:
        lists = Lists(self.store, account)
        if posted and not rest:
            try:
                self.api.add_list(account.portal, request.form().get("name", ""))
            except HubSpotError as error:
                return self._lists(account, error.message)
            return redirect(frame.address(account, "lists"))
        if not rest:
            return self._lists(account)
        row = lists.find(rest[0])
        if posted and rest[1:] == ["delete"]:
            self.api.remove_list(account.portal, rest[0])
            return redirect(frame.address(account, "lists"))
        members = self.store.among(account, row["type"], list(lists.members(row)))
        links = [
            tag("li", tag("a", frame.name_of(one), href=frame.address(account, "contacts", str(one.id))))
            for one in members.values()
        ]
        return page(
            row["name"],
            tag("h1", row["name"]),
            tag("ul", join(links)) if links else tag("p", "Nobody is on this list."),
            tag(
                "form",
                tag("button", "Delete", class_="danger"),
                method="post",
                action=f"{frame.address(account, 'lists', rest[0])}/delete",
            ),
            trail=frame.trail(account, "lists"),
        )

    def _lists(self, account: Account, problem: str = "") -> Response:
        lists = Lists(self.store, account)
        rows = [
            tag(
                "tr",
                tag("td", tag("a", row["name"], href=frame.address(account, "lists", str(row["id"])))),
                tag("td", row["kind"].lower()),
                tag("td", lists.size(row)),
            )
            for row in lists.all()
        ]
        head = tag("thead", tag("tr", *(tag("th", label, scope="col") for label in ("Name", "Kind", "Contacts"))))
        form = tag(
            "form",
            tag("label", "New list ", tag("input", type="text", name="name", required=True)),
            tag("button", "Make"),
            method="post",
        )
        answer = page(
            "Lists",
            *frame.head(account, "lists"),
            tag("p", problem, class_="note bad", role="alert") if problem else "",
            tag("table", head, tag("tbody", *rows)) if rows else tag("p", "Nothing here."),
            form,
            trail=frame.trail(account, "lists"),
            live=True,
        )
        answer.status = 422 if problem else 200
        return answer

    def owners(self, account: Account) -> Response:
        rows = [
            tag(
                "tr",
                tag("td", f"{one['firstName']} {one['lastName']}"),
                tag("td", one["email"]),
                tag("td", "deactivated" if one["archived"] else ""),
            )
            for one in all_owners(self.store, account)
        ]
        head = tag("thead", tag("tr", *(tag("th", label, scope="col") for label in ("Name", "Email", "State"))))
        table = tag("table", head, tag("tbody", *rows)) if rows else tag("p", "Nothing here.")
        return page("Owners", *frame.head(account, "owners"), table, trail=frame.trail(account, "owners"), live=True)
