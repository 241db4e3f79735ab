"""The sandbox's pages: one frame, one style sheet, one small script, everything escaped, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from connectors.sandboxkit.web import Request, Response

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
)
_ASSETS = Path(__file__).with_name("assets")
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as markup: escaped, unless it is markup already."""
    return value if isinstance(value, Html) else Html(escape("" if value is None else str(value)))


def tag(element: str, /, *inside: object, **attributes: object) -> Html:
    """An element. An attribute's trailing underscore is dropped and others become hyphens; True stands for a bare
    one, False and None leave it out."""
    pieces = [element]
    for key, value in attributes.items():
        label = key.rstrip("_").replace("_", "-")
        if value is True:
            pieces.append(label)
        elif value is not None and value is not False:
            pieces.append(f'{label}="{escape(str(value))}"')
    opening = f"<{' '.join(pieces)}>"
    if element in ("input", "meta", "link", "br", "hr"):
        return Html(opening)
    return Html(f"{opening}{''.join(text(part) for part in inside)}</{element}>")


def join(parts: Iterable[object]) -> Html:
    return Html("".join(text(part) for part in parts))


def page(
    title: str, *inside: object, trail: Iterable[tuple[str, str]] = (), live: bool = False, forms: str = "'self'"
) -> Response:
    """`trail`: (address, name) of the pages above. `live`: the main part renews itself. `forms`: where forms may go."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title, " · Sandbox"),
        tag("link", rel="stylesheet", href="/assets/sandbox.css"),
        tag("script", src="/assets/sandbox.js", defer=True) if live else "",
        tag("noscript", tag("meta", http_equiv="refresh", content="10")) if live else "",
    )
    crumbs = [tag("a", name, href=address) for address, name in (("/", "Sandbox"), *trail)]
    header = tag("header", tag("nav", *crumbs, aria_label="You are here"))
    body = tag(
        "body",
        tag("a", "Skip to the content", href="#main", class_="skip"),
        header,
        tag("main", *inside, id="main", data_live=live),
    )
    markup = "<!DOCTYPE html>" + tag("html", head, body, lang="en")
    return Response(200, markup.encode(), {"Content-Type": "text/html; charset=utf-8", **security(forms)})


def security(forms: str = "'self'") -> dict[str, str]:
    return {
        "Content-Security-Policy": POLICY.format(forms=forms),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",  # with none at all browsers call the origin of a form "null"
        "Cache-Control": "no-store",
    }


def asset(request: Request) -> Response:
    """/assets/..."""
    name = request.path.strip("/")
    file = _ASSETS / name
    if "/" in name or file.suffix not in _KINDS or not file.is_file():
        return Response(404, b"", security())
    return Response(200, file.read_bytes(), {"Content-Type": _KINDS[file.suffix], **security()})
