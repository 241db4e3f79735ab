"""Pages that show and edit the sandbox's contacts, so that a person sees a change arrive and can make one."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from connectors.outlook.sandbox import forms, ids, past
from connectors.outlook.sandbox.call import timestamp
from connectors.outlook.sandbox.contacts import matches_word
from connectors.outlook.sandbox.control import OutlookSandbox
from connectors.outlook.sandbox.errors import GraphError
from connectors.outlook.sandbox.shape import EMPTY, Data, created, patched
from connectors.outlook.sandbox.store import Contact, Mailbox, Store
from connectors.sandboxkit.control import foreign
from connectors.sandboxkit.html import Html, join, page, tag
from connectors.sandboxkit.web import Request, Response, redirect

HOME = "/outlook/"
PAGE = 100
FRESH_SECONDS = 8
ORDERS = {"recent": "modified DESC", "name": "lower(coalesce(json_extract(data, '$.displayName'), ''))"}
LOST = "There is nothing here. It may have been deleted meanwhile."


class Pages:
    def __init__(self, store: Store, api: OutlookSandbox) -> None:
        self.store = store
        self.api = api

    def handle(self, request: Request) -> Response:
        if request.method not in ("GET", "POST"):
            return self._problem(405, "These pages can only be read and sent forms to.")
        if request.method == "POST" and foreign(request):
            return self._problem(403, "This form was sent from another site and is refused.")
        try:
            with self.store.database.transaction():
                return self._routed(request)
        except GraphError as error:
            return self._problem(404 if error.status in (400, 404) else error.status, LOST)

    def _routed(self, request: Request) -> Response:
        match request.segments:
            case []:
                return self._mailboxes()
            case [key, *rest]:
                mailbox = self.store.mailbox(key)
                if mailbox is None:
                    return self._problem(404, LOST)
                return self._in_mailbox(request, mailbox, rest)
        return self._problem(404, LOST)

    def _in_mailbox(self, request: Request, mailbox: Mailbox, rest: Sequence[str]) -> Response:
        posted = request.method == "POST"
        match rest:
            case [] if not posted:
                return self._folder(request, mailbox)
            case ["new"]:
                return self._create(request, mailbox) if posted else self._form(mailbox, self._chosen(request, mailbox))
            case [key] if not posted:
                return self._show(mailbox, self.store.contact(mailbox, key))
            case [key, "edit"]:
                contact = self.store.contact(mailbox, key)
                return self._save(request, mailbox, contact) if posted else self._form(mailbox, 0, contact)
            case [key, "delete"] if posted:
                contact = self.store.contact(mailbox, key)
                self.store.delete_contact(mailbox, contact)
                return redirect(_address(mailbox, folder=ids.folder_id(mailbox.guid, contact.folder)))
        return self._problem(404, LOST)

    @staticmethod
    def _problem(status: int, words: str) -> Response:
        answer = page("Sorry", tag("h1", "Sorry"), tag("p", words), trail=[(HOME, "Outlook")])
        answer.status = status
        return answer

    # ---- mailboxes and folders

    def _mailboxes(self) -> Response:
        mailboxes = self.store.mailboxes()
        if not mailboxes:
            words = "There is no mailbox yet. The demo and the tests make theirs by POST /control/outlook/accounts."
            return page("Outlook", tag("h1", "Outlook"), tag("p", words), trail=[(HOME, "Outlook")], live=True)
        cards = [
            tag(
                "li",
                tag("h2", tag("a", mailbox.name, href=_address(mailbox))),
                tag("p", mailbox.email, " · ", self._size(mailbox), class_="soft"),
                class_="card",
            )
            for mailbox in mailboxes
        ]
        return page(
            "Outlook",
            tag("h1", "Outlook: mailboxes"),
            tag("ul", join(cards)),
            trail=[(HOME, "Outlook")],
            live=True,
        )

    def _size(self, mailbox: Mailbox) -> str:
        number = self.store.database.value(
            "SELECT count(*) FROM outlook_contact WHERE mailbox = ? AND folder <> ?",
            (mailbox.number, self.store.folder_by_role(mailbox, "deleteditems")),
        )
        return "1 contact" if number == 1 else f"{number} contacts"

    def _chosen(self, request: Request, mailbox: Mailbox) -> int:
        number: int = self.store.folder_by_key(mailbox, request.query.get("folder") or "contacts")["id"]
        return number

    def _folder(self, request: Request, mailbox: Mailbox) -> Response:
        folder = self._chosen(request, mailbox)
        order = "name" if request.query.get("order") == "name" else "recent"
        word = request.query.get("q", "").strip()
        place = request.query.get("page", "1")
        skip = (int(place) - 1) * PAGE if place.isdecimal() and place != "0" else 0
        found = self._matching(folder, order, word.lower(), skip)
        key = ids.folder_id(mailbox.guid, folder)
        return page(
            mailbox.name,
            tag("h1", mailbox.name, " ", tag("small", mailbox.email)),
            self._folders(mailbox, folder, order),
            self._bar(mailbox, key, order, word),
            self._table(mailbox, found[:PAGE], order, key, word),
            self._steps(mailbox, {"folder": key, "order": order, "q": word}, skip // PAGE + 1, len(found) > PAGE),
            trail=[(HOME, "Outlook"), (_address(mailbox), mailbox.name)],
            live=True,
        )

    def _matching(self, folder: int, order: str, word: str, skip: int) -> list[Contact]:
        """A page and one more."""
        if not word:
            return past.member_slice(self.store, folder, f"{ORDERS[order]}, id DESC", skip, PAGE + 1)
        every = past.member_slice(self.store, folder, f"{ORDERS[order]}, id DESC", 0, -1)
        return [contact for contact in every if matches_word(contact.data, word)][skip : skip + PAGE + 1]

    def _folders(self, mailbox: Mailbox, chosen: int, order: str) -> Html:
        links = []
        for number, path in self.api.paths(mailbox).items():
            count = self.store.database.value("SELECT count(*) FROM outlook_contact WHERE folder = ?", (number,))
            current = "page" if number == chosen else None
            address = _address(mailbox, folder=ids.folder_id(mailbox.guid, number), order=order)
            links.append(tag("a", f"{path} ({count})", href=address, aria_current=current))
        return tag("nav", *links, class_="folders", aria_label="Folders")

    @staticmethod
    def _bar(mailbox: Mailbox, folder: str, order: str, word: str) -> Html:
        search = tag(
            "form",
            tag("input", type="hidden", name="folder", value=folder),
            tag("input", type="hidden", name="order", value=order),
            tag("input", type="search", name="q", value=word, aria_label="Search", placeholder="Name, company, email"),
            tag("button", "Search"),
            method="get",
            role="search",
        )
        new = f"{_address(mailbox)}new?{urlencode({'folder': folder})}"
        return tag("div", search, tag("a", "New contact", href=new, class_="button main"), class_="bar")

    def _table(self, mailbox: Mailbox, contacts: Sequence[Contact], order: str, folder: str, word: str) -> Html:
        if not contacts:
            return tag("p", "No contact matches the search." if word else "This folder is empty.")
        now = self.store.clock.now()
        head = tag(
            "thead", tag("tr", *(tag("th", name, scope="col") for name in ("Name", "Email and phone", "Company")))
        )
        rows = [self._row(mailbox, contact, fresh=now - contact.modified < FRESH_SECONDS) for contact in contacts]
        other, words = ("name", "by name") if order == "recent" else ("recent", "latest change first")
        switch = tag("a", f"Sort {words}", href=_address(mailbox, folder=folder, order=other, q=word))
        return join([tag("p", switch), tag("table", head, tag("tbody", *rows))])

    @staticmethod
    def _row(mailbox: Mailbox, contact: Contact, *, fresh: bool) -> Html:
        data = contact.data
        ways = [email["address"] for email in data["emailAddresses"]]
        ways += [data["mobilePhone"] or next(iter([*data["businessPhones"], *data["homePhones"]]), "")]
        tags = [tag("span", name, class_="tag") for name in data["categories"]]
        return tag(
            "tr",
            tag("td", tag("a", title(data), href=_address(mailbox, contact)), " ", *tags),
            tag("td", _listed(ways[:2])),
            tag("td", data["companyName"] or ""),
            class_="fresh" if fresh else None,
        )

    @staticmethod
    def _steps(mailbox: Mailbox, query: Mapping[str, str], place: int, more: bool) -> Html:
        links = []
        if place > 1:
            links.append(tag("a", "Previous page", href=_address(mailbox, **query, page=str(place - 1)), rel="prev"))
        if more:
            links.append(tag("a", "Next page", href=_address(mailbox, **query, page=str(place + 1)), rel="next"))
        return tag("nav", *links, class_="pages", aria_label="Pages") if links else Html()

    # ---- one contact

    def _show(self, mailbox: Mailbox, contact: Contact) -> Response:
        name = title(contact.data)
        entries = [tag("div", tag("dt", label), tag("dd", value)) for label, value in forms.lines(contact.data)]
        edit = tag("a", "Edit", href=f"{_address(mailbox, contact)}/edit", class_="button main")
        remove = tag(
            "form",
            tag("button", "Delete", class_="danger"),
            method="post",
            action=f"{_address(mailbox, contact)}/delete",
        )
        known = [
            ("Folder", self.api.paths(mailbox).get(contact.folder, "")),
            ("Created", timestamp(contact.created)),
            ("Changed", timestamp(contact.modified)),
            ("Change key", ids.change_key(mailbox.guid, contact.seq)),
            ("Immutable id", ids.contact_id(mailbox.guid, contact.number, contact.folder, immutable=True)),
            *self._extended(contact),
        ]
        inner = tag("dl", *(tag("div", tag("dt", label), tag("dd", value)) for label, value in known))
        return page(
            name,
            tag("h1", name),
            tag("div", edit, remove, class_="buttons"),
            tag("dl", *entries, class_="card"),
            tag("details", tag("summary", "What the API knows besides"), inner),
            trail=self._trail(mailbox, contact.folder),
            live=True,
        )

    def _extended(self, contact: Contact) -> list[tuple[str, str]]:
        rows = self.store.database.all("SELECT * FROM outlook_extended WHERE contact = ?", (contact.number,))
        return [(row["spelled"], row["value"]) for row in rows]

    def _trail(self, mailbox: Mailbox, folder: int) -> list[tuple[str, str]]:
        path = self.api.paths(mailbox).get(folder, "Contacts")
        address = _address(mailbox, folder=ids.folder_id(mailbox.guid, folder))
        return [(HOME, "Outlook"), (_address(mailbox), mailbox.name), (address, path)]

    def _form(
        self,
        mailbox: Mailbox,
        folder: int,
        contact: Contact | None = None,
        data: Data | None = None,
        problem: str = "",
    ) -> Response:
        """`data`: what to show in it instead of the contact's present values."""
        words = f"Edit {title(contact.data)}" if contact else "New contact"
        back = _address(mailbox, contact) if contact else _address(mailbox)
        version = ids.change_key(mailbox.guid, contact.seq) if contact else ""
        master = self.store.database.all(
            "SELECT name FROM outlook_category WHERE mailbox = ? ORDER BY name", (mailbox.number,)
        )
        fields = forms.form(data or (contact.data if contact else EMPTY), [row["name"] for row in master])
        answer = page(
            words,
            tag("h1", words),
            tag("p", problem, class_="note bad", role="alert") if problem else "",
            tag(
                "form",
                tag("input", type="hidden", name="version", value=version),
                fields,
                tag(
                    "div",
                    tag("button", "Save", class_="main"),
                    tag("a", "Cancel", href=back, class_="button"),
                    class_="buttons",
                ),
                method="post",
            ),
            trail=self._trail(mailbox, contact.folder if contact else folder),
        )
        answer.status = 422 if problem else 200
        return answer

    def _create(self, request: Request, mailbox: Mailbox) -> Response:
        folder = self._chosen(request, mailbox)
        body = forms.answered(request.form())
        wanted = {name: value for name, value in body.items() if value}
        try:
            contact = self.store.add_contact(mailbox, folder, created(wanted))
        except GraphError as error:
            return self._form(mailbox, folder, data={**EMPTY, **body}, problem=error.message)
        return redirect(_address(mailbox, contact))

    def _save(self, request: Request, mailbox: Mailbox, contact: Contact) -> Response:
        sent = request.form()
        body = forms.answered(sent)
        if not hmac.compare_digest(sent.get("version", ""), ids.change_key(mailbox.guid, contact.seq)):
            words = "Someone changed this contact while you were editing. Look at your values again, then save."
            return self._form(mailbox, contact.folder, contact, data={**contact.data, **body}, problem=words)
        changes = forms.changes(contact.data, body)
        if changes:
            try:
                self.store.change_contact(mailbox, contact, patched(contact.data, changes))
            except GraphError as error:
                return self._form(
                    mailbox, contact.folder, contact, data={**contact.data, **body}, problem=error.message
                )
        return redirect(_address(mailbox, contact))


def title(data: Data) -> str:
    emails = [email["address"] for email in data["emailAddresses"]]
    return data["displayName"] or data["companyName"] or next(iter(emails), "") or data["mobilePhone"] or "(no name)"


def _listed(ways: Sequence[str]) -> Html:
    return Html(" · ".join(tag("span", way, class_="whole") for way in ways if way))


def _address(mailbox: Mailbox, contact: Contact | None = None, /, **query: str) -> str:
    """A contact goes by its immutable id, so its address outlives a move."""
    address = f"{HOME}{mailbox.guid}/"
    if contact is not None:
        address += ids.contact_id(mailbox.guid, contact.number, contact.folder, immutable=True)
    wanted = {name: value for name, value in query.items() if value}
    return f"{address}?{urlencode(wanted)}" if wanted else address
