"""The help centre: pages in Markdown, one per app with what its connector declares, their sections, and a search."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.html import strip_tags
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

from connectors import registry
from connectors.base import App, Capabilities, LabelKind
from connectors.oauth import OAuth
from connectors.optoutlabel import NAME, standard_fields

OWN = Path(__file__).resolve().parent.parent / "help"
PAGES = ("getting-started", "features", "problems")
LABELS = {
    LabelKind.CATEGORY: "categories",
    LabelKind.LIST: "lists",
    LabelKind.GROUP: "groups",
    LabelKind.TAG: "tags",
}
CONDITIONS = {
    "field": "the value of a field",
    "label": "whether it carries a label",
    "exists_in_other": "whether it is already in the other app",
    "was_deleted": "whether it was deleted",
    "owner": "whose contact it is",
    "opted_out": "whether the person has opted out",
}
ACTIONS = {
    "add_label": "put a label on it",
    "remove_label": "take a label off",
    "set": "set a field",
    "set_owner": "set its owner",
    "opt_out": "opt the person out",
}
RECORDINGS = Path(__file__).resolve().parent.parent / "static" / "pairwise" / "recordings"
FOUND = 20
AROUND = 90  # characters of text before and after what was found


@dataclass(frozen=True, slots=True)
class Section:
    anchor: str
    title: str
    text: str  # plain
    level: int


@dataclass(frozen=True, slots=True)
class Page:
    key: str
    title: str
    html: str  # made of our own files only
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    page: Page
    section: Section
    before: str
    match: str
    after: str


def page(key: str) -> Page:
    """Raises KeyError for a page that there is not."""
    if key not in PAGES:
        raise KeyError(key)
    return _read(key, OWN / f"{key}.md")


def app_page(app: App) -> Page:
    return _read(app.key, Path(registry.__file__).parent / app.key / app.help)


def app_keys() -> list[str]:
    """The apps that have a page, by name."""
    return [app.key for app in sorted(registry.apps().values(), key=lambda app: app.name) if app.help]


@cache
def _read(key: str, path: Path) -> Page:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(path.read_text(encoding="utf-8"))
    sections = tuple(_sections(tokens))
    html = str(markdown.renderer.render(_below_title(tokens), markdown.options, {}))
    return Page(key, sections[0].title, html, sections)


def _sections(tokens: Sequence[Token]) -> Iterator[Section]:
    """Gives each heading its anchor and tells what stands below it."""
    heading, texts, seen = ("", "", 1), list[str](), set[str]()
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            if heading[1]:
                yield Section(heading[0], heading[1], " ".join(texts), heading[2])
            title = _plain(tokens[number + 1])
            anchor = slugify(title) or f"section-{number}"
            anchor = anchor if anchor not in seen else f"{anchor}-{number}"
            seen.add(anchor)
            token.attrSet("id", anchor)
            heading, texts = (anchor, title, int(token.tag[1])), []
        elif token.type == "inline" and tokens[number - 1].type != "heading_open":
            texts.append(_plain(token))
        elif token.type in ("fence", "code_block"):
            texts.append(token.content)
    yield Section(heading[0], heading[1], " ".join(texts), heading[2])


def _plain(token: Token) -> str:
    return "".join(child.content if child.content else " " for child in token.children or [])


def _below_title(tokens: Sequence[Token]) -> list[Token]:
    """Without the title, which the page shows itself."""
    return list(tokens[3:]) if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1" else list(tokens)


# ---- what a connector declares


def facts(app: App) -> list[tuple[str, str]]:
    """Questions and answers, from the app's capabilities."""
    can = app.capabilities
    found = [
        ("Directions", "both ways" if can.two_way else "read only: its contacts go to the other app, none come back"),
        ("Labels", _labels(can)),
        ("Conditions of rules", _listed(CONDITIONS[name] for name in CONDITIONS if name in can.conditions)),
        ("Actions of rules", _listed(ACTIONS[name] for name in ACTIONS if name in can.actions)),
        ("Custom fields", _custom(can)),
        ("Deletions", _deletions(can)),
        ("Opt-outs", _opt_outs(can)),
        ("News", "the app tells Pairwise of changes" if app.webhooks else "Pairwise looks at the interval you set"),
        ("Edits in the meantime", _meantime(can)),
    ]
    if app.oauth:
        found.insert(0, ("Permissions", _permissions(app.oauth)))
    if can.rate:
        requests, seconds = can.rate
        found.append(("Limit", f"{requests} requests in {seconds:g} seconds; Pairwise waits before it is reached"))
    return found


def fields(app: App) -> list[tuple[str, list[tuple[str, str]]]]:
    """By kind of folder: each field that every account has, and why it cannot be written or mapped, if so."""
    return [
        (folder, [(field.label, field.reason or ("read-only" if field.read_only else "")) for field in known])
        for folder, known in standard_fields(app).items()
    ]


def _permissions(oauth: OAuth) -> str:
    needed = "; ".join(f"{scope.name} {scope.why}" for scope in oauth.required)
    further = "; ".join(f"{scope.name} {scope.why}" for scope in oauth.optional)
    return f"{needed}. Only where those who run Pairwise want them: {further}" if further else needed


def _labels(can: Capabilities) -> str:
    if can.label_kind is None:
        return "none"
    return f"{LABELS[can.label_kind]}; Pairwise {'can make new ones' if can.creates_labels else 'uses those there are'}"


def _custom(can: Capabilities) -> str:
    if can.declared_fields:
        return "you name them, since the app cannot list them"
    return "found by themselves" if can.custom_fields else "none"


def _deletions(can: Capabilities) -> str:
    seen = "noticed" if can.sees_deletions else "noticed at the next full comparison"
    return f"{seen}; {'contacts can be deleted there' if can.can_delete else 'contacts cannot be deleted there'}"


def _opt_outs(can: Capabilities) -> str:
    if can.opt_out:
        return "a field of the contact"
    return f"a label: who carries “{NAME}” has opted out" if can.labels_opt_out else "none"


def _meantime(can: Capabilities) -> str:
    if can.conditional_updates:
        return "never overwritten: the app refuses a write to a contact that has changed since"
    return "looked for just before each write"


def _listed(words: Iterator[str]) -> str:
    return ", ".join(words) or "none"


# ---- recordings


@dataclass(frozen=True, slots=True)
class Recording:
    """A film of a set-up. `film` and `captions`: static files; `words`: what the captions say."""

    title: str
    film: str
    captions: str
    words: tuple[str, ...]


@cache
def recordings(key: str) -> tuple[Recording, ...]:
    """Of an app by its key; all of them where the key is empty."""
    found = []
    for path in sorted(RECORDINGS.glob("*.webm")):
        apps = path.stem.split("-")
        if not key or key in apps:
            title = f"{' and '.join(registry.app(one).name for one in apps)}, from nothing to running"
            place = f"pairwise/recordings/{path.stem}"
            cues = path.with_suffix(".vtt").read_text(encoding="utf-8").split("\n\n")[1:]
            words = tuple(" ".join(cue.split("\n")[1:]).strip() for cue in cues)
            found.append(Recording(title, f"{place}.webm", f"{place}.vtt", words))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Picture:
    """`place`: a static file."""

    caption: str
    place: str


def pictures(app: App) -> tuple[Picture, ...]:
    """How the pages look on which an app is registered and an account is connected."""
    asks = app.oauth.vendor if app.oauth else app.name
    told = {
        "registration": f"For those who run Pairwise: the registration of {app.name}, with the addresses to copy",
        "connect": f"Connecting an account: what is asked for, before {asks} asks",
    }
    places = {name: f"pairwise/recordings/{app.key}-{name}.jpg" for name in told}
    static = RECORDINGS.parent.parent
    return tuple(Picture(told[name], place) for name, place in places.items() if (static / place).exists())


# ---- search


def search(text: str) -> list[Hit]:
    """Sections in which every word occurs, the fittest first."""
    words = re.findall(r"\w+", text.casefold())
    if not words:
        return []
    pages = [*map(page, PAGES), *(app_page(registry.app(key)) for key in app_keys())]
    scored: list[tuple[int, int, Hit]] = []
    for each in pages:
        for section in each.sections:
            title, body = section.title.casefold(), section.text.casefold()
            counts = [5 * title.count(word) + body.count(word) for word in words]
            if all(counts):
                scored.append((-sum(counts), len(scored), _hit(each, section, words)))
    return [hit for _, _, hit in sorted(scored, key=lambda entry: entry[:2])[:FOUND]]


def _hit(page: Page, section: Section, words: Sequence[str]) -> Hit:
    text = strip_tags(section.text)
    places = [place for word in words if (place := text.casefold().find(word)) >= 0]
    if not places:
        return Hit(page, section, text[: 2 * AROUND], "", "")
    start = min(places)
    word = next(word for word in words if text.casefold().startswith(word, start))
    end = start + len(word)
    return Hit(page, section, text[max(0, start - AROUND) : start], text[start:end], text[end : end + AROUND])
