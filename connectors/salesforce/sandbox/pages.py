"""Pages on which a person sees and edits the contacts, leads, campaigns and accounts of an organisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from connectors.salesforce.sandbox.control import SalesforceSandbox
from connectors.salesforce.sandbox.errors import SalesforceError
from connectors.salesforce.sandbox.objects import Data, FieldInfo, ObjectInfo
from connectors.salesforce.sandbox.store import Org, Record, Store
from connectors.sandboxkit.control import foreign
from connectors.sandboxkit.html import Html, join, page, tag
from connectors.sandboxkit.web import Request, Response, redirect

HOME = "/salesforce/pages/"
OBJECTS = ("Contact", "Lead", "Campaign", "Account")
PAGE = 100
FRESH_SECONDS = 60
LOST = "There is nothing here. It may have been deleted."
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "Contact": ("Name", "Email", "Phone", "Title"),
    "Lead": ("Name", "Email", "Company", "Status"),
    "Campaign": ("Name", "Status"),
    "Account": ("Name", "Phone"),
}
_KINDS = {"boolean": "checkbox", "email": "email", "phone": "tel", "url": "url", "date": "date", "int": "number"}
_UNSEEN = ("OwnerId", "IsUnreadByOwner", "IsConverted", "Jigsaw", "CleanStatus", "ReportsToId", "ParentId")


class Pages:
    def __init__(self, store: Store, api: SalesforceSandbox) -> None:
        self.store = store
        self.api = api

    def handle(self, request: Request) -> Response:
        if request.method not in ("GET", "POST"):
            return _problem(405, "These pages can only be read and sent forms to.")
        if request.method == "POST" and foreign(request):
            return _problem(403, "This form was sent from another site and is refused.")
        with self.store.database.transaction():
            return self._routed(request)

    def _routed(self, request: Request) -> Response:
        match request.segments:
            case []:
                return self._orgs()
            case [key, *rest]:
                org = self.store.org(key)
                name = rest[0] if rest else "Contact"
                info = org.info(name) if org and name in OBJECTS else None
                if org is not None and info is not None:
                    return self._in_object(request, org, info, rest[1:])
        return _problem(404, LOST)

    def _in_object(self, request: Request, org: Org, info: ObjectInfo, rest: list[str]) -> Response:
        posted = request.method == "POST"
        if not rest:
            return self._listing(request, org, info)
        if rest == ["new"]:
            return self._save(request, org, info, None) if posted else self._form(org, info, None)
        record = self.store.find(org, rest[0])
        if record is None or record.deleted or record.object != info.name:
            return _problem(404, LOST)
        match rest[1:]:
            case []:
                return self._save(request, org, info, record) if posted else self._form(org, info, record)
            case ["delete"] if posted:
                self.store.delete(org, record)
                return redirect(_address(org, info))
            case ["members"] if posted:
                return self._join(request, org, info, record)
        return _problem(404, LOST)

    # ---- lists

    def _orgs(self) -> Response:
        orgs = self.store.orgs()
        if not orgs:
            words = (
                "There is no organisation yet. The demo and the tests make theirs by POST /control/salesforce/accounts."
            )
            return page("Salesforce", tag("h1", "Salesforce"), tag("p", words), trail=_trail(), live=True)
        cards = [
            tag(
                "li",
                tag("h2", tag("a", org.on("name"), href=f"{HOME}{org.id}/Contact")),
                tag("p", org.username, class_="soft"),
                class_="card",
            )
            for org in orgs
        ]
        return page(
            "Salesforce", tag("h1", "Salesforce: organisations"), tag("ul", join(cards)), trail=_trail(), live=True
        )

    def _listing(self, request: Request, org: Org, info: ObjectInfo) -> Response:
        word = request.query.get("q", "").strip().lower()
        records = [(one, one.shown(info)) for one in self.store.records(org, info.name)]
        found = [(one, shown) for one, shown in records if word in " ".join(map(str, shown.values())).lower()]
        found.sort(key=lambda pair: -pair[0].stamp)
        place = request.query.get("page", "1")
        start = (int(place) - 1) * PAGE if place.isdecimal() and place != "0" else 0
        links = [
            tag("a", name, href=f"{HOME}{org.id}/{name}", aria_current="page" if name == info.name else None)
            for name in OBJECTS
        ]
        search = tag(
            "form",
            tag("input", type="search", name="q", value=word, aria_label="Search"),
            tag("button", "Search"),
            method="get",
            role="search",
        )
        new = tag("a", f"New {info.label.lower()}", href=_address(org, info, "new"), class_="button main")
        return page(
            info.plural,
            tag("h1", info.plural, " ", tag("small", org.username)),
            tag("nav", *links, class_="folders", aria_label="Objects"),
            tag("div", search, new, class_="bar"),
            self._table(org, info, found[start : start + PAGE]),
            _steps(org, info, word, start // PAGE + 1, len(found) > start + PAGE),
            trail=_trail(org, info),
            live=True,
        )

    def _table(self, org: Org, info: ObjectInfo, found: list[tuple[Record, Data]]) -> Html:
        if not found:
            return tag("p", "Nothing here.")
        columns = [name for name in _COLUMNS[info.name] if info.field(name)]
        head = tag("thead", tag("tr", *(tag("th", info.fields[name.lower()].label, scope="col") for name in columns)))
        now = self.store.now()
        rows = []
        for record, shown in found:
            first = tag("a", shown[columns[0]] or "(no name)", href=_address(org, info, record.id))
            cells = [tag("td", first), *(tag("td", shown[name] or "") for name in columns[1:])]
            rows.append(tag("tr", *cells, class_="fresh" if now - record.stamp < FRESH_SECONDS else None))
        return tag("table", head, tag("tbody", *rows))

    # ---- one record

    def _form(
        self, org: Org, info: ObjectInfo, record: Record | None, data: Data | None = None, problem: str = ""
    ) -> Response:
        values = data if data is not None else record.data if record else {}
        name = str(record.shown(info).get("Name")) if record else f"New {info.label.lower()}"
        fields = [self._field(org, one, values.get(one.name)) for one in _editable(info)]
        buttons = [tag("button", "Save", class_="main"), tag("a", "Cancel", href=_address(org, info), class_="button")]
        below: list[Html] = []
        if record is not None:
            action = _address(org, info, record.id)
            below.append(
                tag("form", tag("button", "Delete", class_="danger"), method="post", action=f"{action}/delete")
            )
            if info.name in ("Contact", "Lead"):
                below.append(self._campaigns(org, info, record))
        answer = page(
            name,
            tag("h1", name),
            tag("p", problem, class_="note bad", role="alert") if problem else "",
            tag(
                "form",
                tag("input", type="hidden", name="stamp", value=record.modified if record else ""),
                tag("fieldset", tag("legend", info.label), tag("div", *fields, class_="fields")),
                tag("div", *buttons, class_="buttons"),
                method="post",
            ),
            *below,
            trail=_trail(org, info),
        )
        answer.status = 422 if problem else 200
        return answer

    def _field(self, org: Org, known: FieldInfo, value: Any) -> Html:
        if known.type == "textarea":
            box = tag("textarea", "\n", value or "", name=known.name, rows=3)
            return tag("label", known.label, box, class_="wide")
        if known.type == "reference":
            accounts = [(one.id, one.data.get("Name")) for one in self.store.records(org, known.references[0])]
            return _choice(known, [("", "-"), *accounts], value)
        if known.picklist:
            return _choice(known, [("", "-"), *((one, one) for one in known.picklist)], value)
        kind = _KINDS.get(known.type, "text")
        shown = {"checked": bool(value)} if kind == "checkbox" else {"value": "" if value is None else value}
        return tag("label", known.label, tag("input", type=kind, name=known.name, autocomplete="off", **shown))

    def _save(self, request: Request, org: Org, info: ObjectInfo, record: Record | None) -> Response:
        sent = request.form()
        body: Data = {}
        for one in _editable(info):
            text = sent.get(one.name, "").replace("\r\n", "\n")
            body[one.name] = (
                one.name in sent if one.type == "boolean" else _number(text) if _counts(one) else text or None
            )
        if record is not None and sent.get("stamp") != str(record.modified):
            words = "Someone changed this record while you were editing. Look at your values again, then save."
            return self._form(org, info, record, data={**record.data, **body}, problem=words)
        before = record.data if record else {}
        changes = {name: value for name, value in body.items() if value != before.get(name) and (record or value)}
        try:
            if record is None:
                self.api.load(org.username, info.name, [changes])
            elif changes:
                self.api.edit(org.username, record.id, changes)
        except SalesforceError as error:
            return self._form(org, info, record, data={**before, **body}, problem=error.message)
        return redirect(_address(org, info))

    def _campaigns(self, org: Org, info: ObjectInfo, record: Record) -> Html:
        """Which campaigns the person is in, each a box to tick."""
        mine = self._members(org, info, record)
        boxes = [
            tag(
                "label",
                tag("input", type="checkbox", name=one.id, checked=one.id in mine),
                " ",
                one.data.get("Name"),
                class_="option",
            )
            for one in self.store.records(org, "Campaign")
        ]
        if not boxes:
            return Html()
        return tag(
            "form",
            tag("fieldset", tag("legend", "Campaigns"), tag("div", *boxes, class_="choices")),
            tag("button", "Save campaigns"),
            method="post",
            action=f"{_address(org, info, record.id)}/members",
        )

    def _members(self, org: Org, info: ObjectInfo, record: Record) -> dict[str, Record]:
        members = self.store.records(org, "CampaignMember")
        return {one.data["CampaignId"]: one for one in members if one.data.get(f"{info.name}Id") == record.id}

    def _join(self, request: Request, org: Org, info: ObjectInfo, record: Record) -> Response:
        wanted, mine = set(request.form()), self._members(org, info, record)
        for id in wanted - set(mine):
            self.api.load(org.username, "CampaignMember", [{"CampaignId": id, f"{info.name}Id": record.id}])
        for id in set(mine) - wanted:
            self.api.remove(org.username, mine[id].id)
        return redirect(_address(org, info, record.id))


def _editable(info: ObjectInfo) -> list[FieldInfo]:
    away = ("Latitude", "Longitude", "GeocodeAccuracy")
    return [
        one
        for one in info.fields.values()
        if "u" in one.flags and one.name not in _UNSEEN and not one.name.endswith(away) and one.type != "datetime"
        if one.type != "reference" or one.name == "AccountId"
    ]


def _counts(known: FieldInfo) -> bool:
    return known.type in ("int", "double", "currency", "percent")


def _number(text: str) -> float | int | None:
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return None


def _choice(known: FieldInfo, values: list[tuple[str, Any]], chosen: Any) -> Html:
    options = [tag("option", label, value=value, selected=value == (chosen or "")) for value, label in values]
    return tag("label", known.label, tag("select", *options, name=known.name))


def _steps(org: Org, info: ObjectInfo, word: str, place: int, more: bool) -> Html:
    def link(words: str, number: int) -> Html:
        return tag("a", words, href=f"{_address(org, info)}?{urlencode({'q': word, 'page': number})}")

    links = ([link("Previous page", place - 1)] if place > 1 else []) + ([link("Next page", place + 1)] if more else [])
    return tag("nav", *links, class_="pages", aria_label="Pages") if links else Html()


def _address(org: Org, info: ObjectInfo, id: str = "") -> str:
    return f"{HOME}{org.id}/{info.name}" + (f"/{id}" if id else "")


def _trail(org: Org | None = None, info: ObjectInfo | None = None) -> list[tuple[str, str]]:
    trail = [(HOME, "Salesforce")]
    if org is not None and info is not None:
        trail.append((_address(org, info), f"{org.on('name')}: {info.plural}"))
    return trail


def _problem(status: int, words: str) -> Response:
    answer = page("Sorry", tag("h1", "Sorry"), tag("p", words), trail=_trail())
    answer.status = status
    return answer
