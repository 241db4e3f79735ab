"""Collects the English messages of code and templates and brings the German catalogue up to them: `make messages`.

Pure Python, so that nobody needs the tools of GNU gettext. A template is compiled and its nodes are asked, so that what
is collected is what is looked up when the page is shown.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "connections" / "locale" / "de" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
# By the name of a function: which of its arguments are the context, the message and its plural.
FUNCTIONS = {
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop"), ("text",)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), ("text", "plural")),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ("context", "text")),
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
    """Calls with constants; where a variable is given, its sentence stands elsewhere."""
    for path in sorted((ROOT / "connections").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
                given = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                names = FUNCTIONS[node.func.id]
                if len(given) == len(names):
                    yield Found(str(path.relative_to(ROOT)), **dict(zip(names, given, strict=True)))


def of_apps() -> Iterator[Found]:
    """What apps declare for members; their rooms know no Django, so the registry is asked."""
    from connectors import registry

    for app in registry.apps().values():
        texts = [app.summary, app.local, str(app.capabilities.label_kind or "")]
        if app.oauth is None:
            texts += [text for field in app.credentials for text in (field.label, field.help)]
        else:
            texts += [scope.why for scope in app.oauth.scopes]
            texts += [choice.label for choice in app.oauth.places.choices] if app.oauth.places else []
            texts += [app.oauth.places.own] if app.oauth.places else []
        yield from (Found(f"connectors/{app.key}/__init__.py", text) for text in texts if text)


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
    for one in [*of_code(), *of_apps(), *of_templates()]:
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
