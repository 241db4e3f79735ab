"""Collects the English messages of code and templates and brings the German catalogue up to them: `make messages`.

Pure Python, so that nobody needs the tools of GNU gettext. A template is compiled and its nodes are asked, so that what
is collected is what is looked up when the page is shown.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "connections" / "locale" / "de" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
CODE = ("connections", "connectors", "syncrules")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop", "stored")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
}
CONSTANT = re.compile(r'_\("([^"]+)"\)')


@dataclass(frozen=True, order=True)
class Found:
    """A message and the file that it stands in."""

    file: str
    text: str
    plural: str = ""
    context: str = ""


def of_code() -> Iterator[Found]:
    for room in CODE:
        for path in sorted((ROOT / room).rglob("*.py")):
            with path.open("rb") as source:
                for _, text, _, context in extract("python", source, KEYWORDS):
                    one, many = (text, "") if isinstance(text, str) else text[:2]
                    yield Found(str(path.relative_to(ROOT)), one, many, context or "")


def of_templates() -> Iterator[Found]:
    from django.template import engines
    from django.template.base import TextNode
    from django.templatetags.i18n import BlockTranslateNode, TranslateNode

    for path in sorted(set((ROOT / "templates").rglob("*.*")) - set((ROOT / "templates" / "admin").rglob("*.*"))):
        file, source = str(path.relative_to(ROOT)), path.read_text()
        nodes = engines["django"].from_string(source).template.nodelist  # type: ignore[attr-defined]
        for node in nodes.get_nodes_by_type(TranslateNode):
            yield Found(file, str(node.filter_expression.var.literal), context=_context(node))
        for node in nodes.get_nodes_by_type(BlockTranslateNode):
            one, _ = node.render_token_list(node.singular)
            many, _ = node.render_token_list(node.plural) if node.plural else ("", ())
            yield Found(file, one, many, _context(node))
        assert nodes.get_nodes_by_type(TextNode) or not source.strip()
        for tag in re.findall(r"\{[{%].*?[}%]\}", source):
            for text in CONSTANT.findall(tag):
                yield Found(file, text)


def _context(node: object) -> str:
    found = getattr(node, "message_context", None)
    return str(found.var) if found is not None else ""


def collected() -> Catalog:
    """Without translations; each message with the files that it stands in."""
    template = Catalog()
    for one in [*of_code(), *of_templates()]:
        identity = (one.text, one.plural) if one.plural else one.text
        template.add(identity, locations=[(one.file, 0)], context=one.context or None)
    return template


def catalogue() -> Catalog:
    """As it was committed, or is now."""
    with PO.open("rb") as source:
        return read_po(source, locale="de", abort_invalid=True)


def updated() -> Catalog:
    """The catalogue with what is new and without what is gone."""
    known, template = catalogue(), collected()
    template.creation_date = known.creation_date
    known.update(template, no_fuzzy_matching=True)
    known.obsolete.clear()
    return known


def as_po(known: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, known, width=120, sort_by_file=True, include_lineno=False)
    return out.getvalue()


def as_mo(known: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, known)
    return out.getvalue()


def main() -> int:
    import django

    django.setup()
    known = updated()
    PO.write_bytes(as_po(known))
    MO.write_bytes(as_mo(known))
    missing = [message.id for message in known if message.id and not all(texts(message))]
    for text in missing:
        sys.stdout.write(f"not translated yet: {text}\n")
    return bool(missing)


def texts(message: Message) -> list[str]:
    """The translation, of a message with a plural both."""
    found = message.string or ""
    return [found] if isinstance(found, str) else [one or "" for one in found]


if __name__ == "__main__":
    sys.exit(main())
