"""Why a change is made: parts of sentences as they are stored, in the reader's language and with the sides by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext, gettext_lazy

KEY_WORDS = {
    "e:": gettext_lazy("the same email"),
    "p:": gettext_lazy("the same phone and name"),
    "c:": gettext_lazy("the same name and company"),
    "u:": gettext_lazy("the same UID"),
}
PLACES = ("%(side)s", "%(other)s")
SIDE_WORDS = re.compile(r"(?<=\bon )[ab]\b|\b[ab](?= wins\b)")


def in_words(cause: Any, names: Mapping[str, str]) -> str:
    """A cause as stored is a sentence part already, but for the key by which two records were paired, and for the
    sides, which people call by their accounts."""
    text = str(cause)
    words = KEY_WORDS.get(text[:2])
    if words:
        return f"{words}: {text[2:].replace('|', ', ')}"
    line, colon, reason = text.rpartition(": ")
    return line + colon + _reason(reason, names)


def _reason(text: str, names: Mapping[str, str]) -> str:
    """Looked up with a place for each side that it names, the first and then the other."""
    sides = [names.get(side, side) for side in SIDE_WORDS.findall(text)]
    if not sides:
        return gettext(text) if text else ""
    places = iter(PLACES)
    message = SIDE_WORDS.sub(lambda found: next(places, found[0]), text.replace("%", "%%"))
    return gettext(message) % dict(zip(("side", "other"), sides, strict=False))
