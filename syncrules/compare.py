"""What means the same: a normal form per kind of value. Two values are equal if their normal forms are.

Normal forms are hashable, made for comparing only, and never written to an app.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable
from functools import cache, lru_cache, partial
from typing import Any

import idna
import phonenumbers
from babel import Locale
from babel.core import get_global

from connectors.base import Field, FieldType

Normal = Callable[[Any], Hashable]

LABELS = frozenset({"labels", "categories"})  # meanings of fields that hold labels
CACHED = 32_768  # parsed phones, addresses and the like are few and come back often

# Languages in which people write country names; the codes themselves and ISO's three letters always count.
COUNTRY_LANGUAGES = (
    "en de fr nl es it pt pl cs sk hu ro da sv nb fi et lv lt sl hr sr bg el tr ru uk "
    "he ar fa hi zh zh_Hant ja ko vi id"
)
COUNTRY_ALIASES = {
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "great britain": "GB",
    "holland": "NL",
    "the netherlands": "NL",
    "united states of america": "US",
    "u.s.a.": "US",
    "u.s.": "US",
    "u.k.": "GB",
    "czech republic": "CZ",
    "turkey": "TR",
    "russian federation": "RU",
    "republic of ireland": "IE",
    "south korea": "KR",
    "macedonia": "MK",
    "ivory coast": "CI",
    "burma": "MM",
    "uae": "AE",
}
_TRUE = frozenset({"true", "yes", "y", "1", "on"})
_FALSE = frozenset({"false", "no", "n", "0", "off"})
_EXTENSION = re.compile(r"(?:;ext=|\s*(?:ext\.?|x|#)\s*)(\d{1,7})$", re.IGNORECASE)


def text(value: Any) -> str:
    """One line of text: NFC, trimmed, inner white space collapsed."""
    line = " ".join(str(value).split())
    return line if line.isascii() else unicodedata.normalize("NFC", line)


def lines(value: Any) -> str:
    """Text of several lines: as `text` for each line, line ends as LF, no empty lines at the ends."""
    raw = str(value)
    if "\n" not in raw and "\r" not in raw:
        return text(raw)
    return "\n".join(text(line) for line in raw.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip("\n")


def folded(value: Any) -> str:
    """For labels and options: as `text`, without regard to case."""
    return text(value).casefold()


@lru_cache(CACHED)
def email(value: Any) -> str:
    """The address in lower case, its domain in ASCII (IDNA)."""
    address = text(value).lower().removeprefix("mailto:")
    local, at, domain = address.rpartition("@")
    if not at or domain.isascii():
        return address
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"
    except idna.IDNAError:
        return address


@lru_cache(CACHED)
def phone(value: Any, region: str) -> str:
    """E.164 with ``;ext=`` where there is an extension; else the digits that can be read, else the text."""
    raw = str(value).strip().removeprefix("tel:")
    try:
        number = phonenumbers.parse(raw, region or None)
    except phonenumbers.NumberParseException:
        return _digits(raw)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{e164};ext={number.extension}" if number.extension else e164


def _digits(raw: str) -> str:
    found = _EXTENSION.search(raw)
    main = raw[: found.start()] if found else raw
    digits = "".join(str(unicodedata.digit(char)) for char in main if char.isdigit())
    if not digits:
        return folded(raw)
    plus = "+" if main.lstrip().startswith("+") else ""
    return f"{plus}{digits}{';ext=' + found[1] if found else ''}"


def url(value: Any) -> str:
    """Without scheme http(s) and final slash; the host without regard to case."""
    address = text(value)
    scheme, separator, rest = address.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        address = rest
    host, slash, path = address.partition("/")
    return f"{host.lower()}{slash}{path}".rstrip("/")


def date(value: Any) -> str:
    """``2001-02-28`` or ``--02-28``; of a time only its date, as written."""
    raw = str(value).strip()
    return raw[:10] if raw[4:5] == "-" and raw[:4].isdigit() else raw


def number(value: Any) -> Hashable:
    if isinstance(value, bool):
        return float(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return text(value)


def boolean(value: Any) -> Hashable:
    if isinstance(value, bool | int | float):
        return bool(value)
    word = folded(value)
    return True if word in _TRUE else False if word in _FALSE else word


@lru_cache(4096)
def country(value: Any) -> str:
    """The ISO 3166 code of a country's code or name, else the text without regard to case."""
    name = folded(value)
    return country_codes().get(name, name)


@cache
def country_codes() -> dict[str, str]:
    """Code by folded name; where two languages disagree, the one named first wins."""
    codes = dict(COUNTRY_ALIASES)
    for language in COUNTRY_LANGUAGES.split():
        for code, name in Locale.parse(language).territories.items():
            if len(code) == 2 and code.isalpha():
                codes.setdefault(folded(name), code)
                codes.setdefault(code.lower(), code)
    for alias, current in get_global("territory_aliases").items():
        if len(alias) in (2, 3) and alias.isalpha() and len(current) == 1:
            codes.setdefault(alias.lower(), current[0])
    return codes


def options(value: Any) -> Hashable:
    if isinstance(value, str):
        return frozenset({folded(value)})
    return frozenset(folded(part) for part in value)


_BY_TYPE: dict[FieldType, Normal] = {
    FieldType.TEXT: text,
    FieldType.MULTILINE: lines,
    FieldType.EMAIL: email,
    FieldType.URL: url,
    FieldType.DATE: date,
    FieldType.DATETIME: date,
    FieldType.NUMBER: number,
    FieldType.BOOLEAN: boolean,
    FieldType.OPTION: folded,
    FieldType.OPTIONS: folded,
}
# Where two fields of different types are mapped, the one that understands more of the value decides.
_UNDERSTANDING = (
    FieldType.PHONE,
    FieldType.EMAIL,
    FieldType.URL,
    FieldType.BOOLEAN,
    FieldType.NUMBER,
    FieldType.DATE,
    FieldType.DATETIME,
    FieldType.OPTION,
    FieldType.OPTIONS,
    FieldType.TEXT,  # a field of one line cannot tell where lines ended
    FieldType.MULTILINE,
)


def normal_form(region: str, *fields: Field) -> Normal:
    """The normal form of one value (of one element, for lists) shared by the given fields."""
    meanings = [field.meaning for field in fields if field.meaning]
    if any(meaning.endswith(".country") for meaning in meanings):
        return country
    if not LABELS.isdisjoint(meanings):
        return folded
    if any(meaning.endswith(".street") for meaning in meanings):
        return text  # apps break the lines of a street as they like
    types = {field.type for field in fields}
    if types == {FieldType.DATETIME}:
        return text
    best = next(kind for kind in _UNDERSTANDING if kind in types)
    if best is FieldType.PHONE:
        return partial(phone, region=region)
    return _BY_TYPE[best]
