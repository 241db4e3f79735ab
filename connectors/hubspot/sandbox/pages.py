"""Pages on which a person sees and edits the contacts, companies, lists and owners of an account."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from connectors.hubspot.sandbox import frame
from connectors.hubspot.sandbox.control import HubSpotSandbox
from connectors.hubspot.sandbox.definitions import CONTACTS, TYPES, Property
from connectors.hubspot.sandbox.errors import HubSpotError
from connectors.hubspot.sandbox.frame import HOME, PLACES
from connectors.hubspot.sandbox.list_pages import ListPages
from connectors.hubspot.sandbox.lists import DYNAMIC, Lists
from connectors.hubspot.sandbox.settings import all_owners
from connectors.hubspot.sandbox.store import Account, Record, Store
from connectors.sandboxkit.control import Unknown, WrongUse, foreign
from connectors.sandboxkit.html import Html, join, page, tag
from connectors.sandboxkit.web import Request, Response, redirect

PAGE = 100
FRESH_MILLISECONDS = 60_000
LOST = "There is nothing here. It may have been deleted or merged."
COLUMNS = {"contacts": ("email", "phone", "company", "jobtitle"), "companies": ("domain", "phone", "city")}
#: What the form of a record shows, beside the properties that the account made itself.
EDITED = {
    "contacts": (
        *("salutation", "firstname", "lastname", "email", "phone", "mobilephone", "fax", "company", "jobtitle"),
        *("address", "city", "state", "zip", "country", "website", "date_of_birth", "work_email", "hs_language"),
        *("lifecyclestage", "hs_lead_status", "hubspot_owner_id", "message"),
    ),
    "companies": ("name", "domain", "website", "phone", "address", "city", "state", "zip", "country", "description"),
}
_KINDS = {"number": "text", "date": "date"}


class Pages:
    def __init__(self, store: Store, api: HubSpotSandbox) -> None:
        self.store = store
        self.api = api
        self.lists = ListPages(store, api)

    def handle(self, request: Request) -> Response:
        if request.method not in ("GET", "POST"):
            return frame.problem(405, "These pages can only be read and sent forms to.")
        if request.method == "POST" and foreign(request):
            return frame.problem(403, "This form was sent from another site and is refused.")
        with self.store.database.transaction():
            self.store.settle()
            try:
                return self._routed(request)
            except (Unknown, HubSpotError) as error:
                return frame.problem(404, str(error) or LOST)

    def _routed(self, request: Request) -> Response:
        posted = request.method == "POST"
        match request.segments:
            case []:
                return self._accounts()
            case [key, *rest]:
                account = self.store.account(key)
                place = rest[0] if rest else "contacts"
                if account is None or place not in PLACES:
                    return frame.problem(404, LOST)
                if place in ("contacts", "companies"):
                    return self._in_objects(request, account, place, rest[1:])
                if place == "owners" and len(rest) == 1:
                    return self.lists.owners(account)
                if place == "lists":
                    return self.lists.lists(request, account, rest[1:], posted=posted)
        return frame.problem(404, LOST)

    def _accounts(self) -> Response:
        accounts = self.store.accounts()
        if not accounts:
            words = "There is no account yet. The demo and the tests make theirs by POST /control/hubspot/accounts."
            return page("HubSpot", tag("h1", "HubSpot"), tag("p", words), trail=frame.trail(), live=True)
        cards = [
            tag(
                "li",
                tag("h2", tag("a", account.on("name"), href=f"{HOME}{account.portal}/contacts")),
                tag("p", f"{account.portal}, {account.email}", class_="soft"),
                class_="card",
            )
            for account in accounts
        ]
        return page("HubSpot", tag("h1", "HubSpot: accounts"), tag("ul", join(cards)), trail=frame.trail(), live=True)

    # ---- contacts and companies

    def _in_objects(self, request: Request, account: Account, place: str, rest: list[str]) -> Response:
        posted = request.method == "POST"
        if not rest:
            return self._listing(request, account, place)
        if rest == ["new"]:
            return self._save(request, account, place, None) if posted else self._form(account, place, None)
        number = int(rest[0]) if rest[0].isdecimal() and len(rest[0]) < 19 else -1
        record = self.store.record(account, TYPES[frame.singular(place)], number)
        if record is None:
            return frame.problem(404, LOST)
        match rest[1:]:
            case []:
                return self._save(request, account, place, record) if posted else self._form(account, place, record)
            case ["delete"] if posted:
                self.api.remove(account.portal, record.id, place)
                return redirect(frame.address(account, place))
            case ["merge"] if posted:
                return self._merge(request, account, place, record)
            case ["lists"] if posted:
                return self._join(request, account, record)
        return frame.problem(404, LOST)

    def _listing(self, request: Request, account: Account, place: str) -> Response:
        word = request.query.get("q", "").strip().lower()
        records = self.store.records(account, TYPES[frame.singular(place)])
        found = [one for one in records if word in " ".join(map(str, one.data.values())).lower()]
        found.sort(key=lambda one: -one.updated)
        step = request.query.get("page", "1")
        start = (int(step) - 1) * PAGE if step.isdecimal() and step != "0" else 0
        search = tag(
            "form",
            tag("input", type="search", name="q", value=word, aria_label="Search"),
            tag("button", "Search"),
            method="get",
            role="search",
        )
        new = tag("a", f"New {frame.singular(place)}", href=frame.address(account, place, "new"), class_="button main")
        return page(
            place.capitalize(),
            *frame.head(account, place),
            tag("div", search, new, class_="bar"),
            self._table(account, place, found[start : start + PAGE]),
            _steps(account, place, word, start // PAGE + 1, len(found) > start + PAGE),
            trail=frame.trail(account, place),
            live=True,
        )

    def _table(self, account: Account, place: str, found: list[Record]) -> Html:
        if not found:
            return tag("p", "Nothing here.")
        known = self.store.properties(account, TYPES[frame.singular(place)])
        columns = COLUMNS[place]
        labels = ["Name", *(known[name].label for name in columns)]
        head = tag("thead", tag("tr", *(tag("th", label, scope="col") for label in labels)))
        now, rows = self.store.now(), []
        for record in found:
            first = tag("a", frame.name_of(record), href=frame.address(account, place, str(record.id)))
            cells = [tag("td", first), *(tag("td", record.value(name) or "") for name in columns)]
            rows.append(tag("tr", *cells, class_="fresh" if now - record.updated < FRESH_MILLISECONDS else None))
        return tag("table", head, tag("tbody", *rows))

    def _editable(self, account: Account, place: str) -> list[Property]:
        known = self.store.properties(account, TYPES[frame.singular(place)])
        own = [name for name, one in known.items() if "b" not in one.flags and not one.read_only]
        return [known[name] for name in (*EDITED[place], *own)]

    def _form(
        self,
        account: Account,
        place: str,
        record: Record | None,
        sent: Mapping[str, str] | None = None,
        problem: str = "",
    ) -> Response:
        values = sent if sent is not None else record.data if record else {}
        name = frame.name_of(record) if record else f"New {frame.singular(place)}"
        fields = [self._field(account, one, str(values.get(one.name) or "")) for one in self._editable(account, place)]
        if place == "contacts":
            further = values.get("further_emails", values.get("hs_additional_emails", ""))
            box = tag("input", type="text", name="further_emails", value=further, autocomplete="off")
            fields.insert(4, tag("label", "Further email addresses", box))
        buttons = [
            tag("button", "Save", class_="main"),
            tag("a", "Cancel", href=frame.address(account, place), class_="button"),
        ]
        answer = page(
            name,
            tag("h1", name),
            tag("p", problem, class_="note bad", role="alert") if problem else "",
            tag(
                "form",
                tag("input", type="hidden", name="stamp", value=record.updated if record else ""),
                tag(
                    "fieldset", tag("legend", frame.singular(place).capitalize()), tag("div", *fields, class_="fields")
                ),
                tag("div", *buttons, class_="buttons"),
                method="post",
            ),
            *(self._below(account, place, record) if record else ()),
            trail=frame.trail(account, place),
        )
        answer.status = 422 if problem else 200
        return answer

    def _field(self, account: Account, known: Property, value: str) -> Html:
        if known.name == "hubspot_owner_id":
            owners = [(one["id"], one["email"]) for one in all_owners(self.store, account)]
            return _choice(known, [("", "-"), *owners], value)
        if known.several:
            return tag("label", f"{known.label} ({'; '.join(known.values)})", _box(known, "text", value))
        if known.options:
            return _choice(known, [("", "-"), *known.options], value)
        if known.field_type == "textarea":
            return tag("label", known.label, tag("textarea", "\n", value, name=known.name, rows=3), class_="wide")
        return tag("label", known.label, _box(known, _KINDS.get(known.type, "text"), value))

    def _save(self, request: Request, account: Account, place: str, record: Record | None) -> Response:
        form = request.form()
        names = [one.name for one in self._editable(account, place)]
        if place == "contacts":
            names.append("further_emails")
        sent = {name: form[name].replace("\r\n", "\n").strip() for name in names if name in form}
        if record is not None and form.get("stamp") != str(record.updated) and self._differs(record, form):
            words = "Someone changed this record while you were editing. Look at your values again, then save."
            return self._form(account, place, record, {**record.data, **sent}, words)
        before = dict(record.data) if record else {}
        before["further_emails"] = before.get("hs_additional_emails", "")
        changes = {name: value for name, value in sent.items() if value != before.get(name, "")}
        try:
            if record is None:
                self.api.load(account.portal, [changes], place)
            elif changes:
                self.api.edit(account.portal, record.id, changes, place)
        except HubSpotError as error:
            words = " ".join(str(one["message"]) for one in error.problems) or error.message
            return self._form(account, place, record, sent, words)
        except WrongUse as error:
            return self._form(account, place, record, sent, str(error))
        return redirect(frame.address(account, place))

    def _differs(self, record: Record, form: Mapping[str, str]) -> bool:
        """A stamp also moves by itself; only what a person can see counts."""
        stamp = form.get("stamp", "")
        old = [one for one in self.store.past(record) if str(one.updated) == stamp]
        return not old or old[-1].data != record.data

    def _below(self, account: Account, place: str, record: Record) -> list[Html]:
        action = frame.address(account, place, str(record.id))
        found = [tag("form", tag("button", "Delete", class_="danger"), method="post", action=f"{action}/delete")]
        others = [one for one in self.store.records(account, record.type) if one.id != record.id][:PAGE]
        if others:
            listed = [tag("option", frame.name_of(one), value=one.id) for one in others]
            choice = tag("label", "Merge another into this one ", tag("select", *listed, name="other"))
            found.append(tag("form", choice, tag("button", "Merge"), method="post", action=f"{action}/merge"))
        return [*found, self._lists_of(account, record)] if record.type == CONTACTS else found

    def _merge(self, request: Request, account: Account, place: str, record: Record) -> Response:
        made = self.api.merge(account.portal, record.id, request.form().get("other", "0"), place)
        return redirect(frame.address(account, place, made))

    def _lists_of(self, account: Account, record: Record) -> Html:
        """Which lists the contact is on, each a box to tick; a dynamic list cannot be ticked."""
        lists = Lists(self.store, account)
        boxes = [
            tag(
                "label",
                tag(
                    "input",
                    type="checkbox",
                    name=row["id"],
                    checked=record.id in lists.members(row),
                    disabled=row["kind"] == DYNAMIC,
                ),
                " ",
                row["name"],
                class_="option",
            )
            for row in lists.all()
            if row["type"] == record.type
        ]
        if not boxes:
            return Html()
        return tag(
            "form",
            tag("fieldset", tag("legend", "Lists"), tag("div", *boxes, class_="choices")),
            tag("button", "Save lists"),
            method="post",
            action=f"{frame.address(account, 'contacts', str(record.id))}/lists",
        )

    def _join(self, request: Request, account: Account, record: Record) -> Response:
        wanted = set(request.form())
        lists = Lists(self.store, account)
        for row in lists.all():
            if row["kind"] != DYNAMIC and row["type"] == record.type:
                change = lists.add if str(row["id"]) in wanted else lists.remove
                change(row, [record.id])
        return redirect(frame.address(account, "contacts", str(record.id)))


def _box(known: Property, kind: str, value: str) -> Html:
    return tag("input", type=kind, name=known.name, value=value, autocomplete="off")


def _choice(known: Property, values: list[tuple[str, str]], chosen: str) -> Html:
    options = [tag("option", label, value=value, selected=value == chosen) for value, label in values]
    return tag("label", known.label, tag("select", *options, name=known.name))


def _steps(account: Account, place: str, word: str, step: int, more: bool) -> Html:
    def link(words: str, number: int) -> Html:
        return tag("a", words, href=f"{frame.address(account, place)}?{urlencode({'q': word, 'page': number})}")

    links = ([link("Previous page", step - 1)] if step > 1 else []) + ([link("Next page", step + 1)] if more else [])
    return tag("nav", *links, class_="pages", aria_label="Pages") if links else Html()
