"""The `$filter` expressions that Graph takes on contacts, as a small recursive-descent parser.

Documented: `emailAddresses/any(a:a/address eq '...')` (only eq, only address), `singleValueExtendedProperties/Any(ep:
ep/id eq '...' and ep/value eq '...')` with eq, ne, contains and startswith on the value, scalar comparisons and
startswith. Whatever else is asked for is refused as the service refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.outlook.sandbox.errors import GraphError, bad_request
from connectors.outlook.sandbox.shape import STRINGS

Properties = Mapping[str, str]  # normalised extended property id -> value
Test = Callable[[Mapping[str, Any], Properties], bool]

SCALARS = frozenset({*STRINGS, "birthday", "createdDateTime", "lastModifiedDateTime", "parentFolderId", "id"})
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z_][\w./@-]*)|(?P<time>\d[\w:.+-]*)|(?P<sign>[(),:]))"
)
_EXTENDED = re.compile(
    r"(Integer|Boolean|String|SystemTime|Double|Guid|Binary|Short|Float|Long|Currency|ApplicationTime)\s+"
    r"(?:(?P<tag>0x[0-9A-Fa-f]{1,8})|\{(?P<set>[0-9A-Fa-f-]{36})\}\s+(?:Name\s+(?P<name>.+)|Id\s+(?P<id>0x[0-9A-Fa-f]+)))$"
)


def property_key(text: str) -> str:
    """A spelling under which two ids of one extended property are equal: only a property's name keeps its case."""
    match = _EXTENDED.match(text)
    if match is None:
        raise bad_request(f"The extended property id '{text}' is not valid.", "ErrorInvalidProperty")
    kind = match[1].lower()
    if match["tag"]:
        return f"{kind} {int(match['tag'], 16):#x}"
    rest = f"name {match['name']}" if match["name"] else f"id {int(match['id'], 16):#x}"
    return f"{kind} {{{match['set'].lower()}}} {rest}"


def invalid_filter() -> GraphError:
    return bad_request("The query filter contains one or more invalid nodes.", "ErrorInvalidUrlQueryFilter")


@dataclass(slots=True)
class Filter:
    """A test on a contact as it is answered, plus what an index can answer if it must hold in any case."""

    test: Test
    address: str | None = None
    extended: tuple[str, str] | None = None  # property key, value
    mailbox_wide: bool = False  # extended properties are looked for in the whole mailbox


@dataclass(slots=True)
class _Parser:
    tokens: list[tuple[str, str]]
    place: int = 0
    addresses: list[str] = field(default_factory=list)
    extended: list[tuple[str, str]] = field(default_factory=list)
    looks_at_extended: bool = False
    alternatives: bool = False

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.place] if self.place < len(self.tokens) else ("end", "")

    def take(self, kind: str = "", text: str = "") -> str:
        found_kind, found = self.peek()
        if (kind and found_kind != kind) or (text and found.lower() != text.lower()):
            raise invalid_filter()
        self.place += 1
        return found

    def at_word(self, *words: str) -> bool:
        kind, text = self.peek()
        return kind == "word" and text.lower() in words

    def either(self) -> Test:
        tests = [self.both()]
        while self.at_word("or"):
            self.take()
            self.alternatives = True
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda data, extra: any(test(data, extra) for test in tests)

    def both(self) -> Test:
        tests = [self.single()]
        while self.at_word("and"):
            self.take()
            tests.append(self.single())
        return tests[0] if len(tests) == 1 else lambda data, extra: all(test(data, extra) for test in tests)

    def single(self) -> Test:
        if self.peek() == ("sign", "("):
            self.take()
            test = self.either()
            self.take("sign", ")")
            return test
        word = self.take("word")
        if word.lower() == "not":
            self.alternatives = True
            denied = self.single()
            return lambda data, extra: not denied(data, extra)
        if word.lower() == "startswith":
            return self.starts_with()
        if word.lower().endswith("/any"):
            return self.any_of(word[: -len("/any")].lower())
        return self.comparison(word)

    def starts_with(self) -> Test:
        self.take("sign", "(")
        name = self.take("word")
        self.take("sign", ",")
        start = self.text().lower()
        self.take("sign", ")")
        if name not in SCALARS:
            raise invalid_filter()
        return lambda data, extra: str(data.get(name) or "").lower().startswith(start)

    def comparison(self, name: str) -> Test:
        operator = self.take("word").lower()
        kind, token = self.peek()
        if name not in SCALARS or operator not in ("eq", "ne", "gt", "ge", "lt", "le"):
            raise invalid_filter()
        if kind not in ("text", "time") and (kind, token) != ("word", "null"):
            raise invalid_filter()
        self.take()
        value = None if kind == "word" else unquoted(token).lower()
        return lambda data, extra: compare(operator, data.get(name) or None, value)

    def any_of(self, collection: str) -> Test:
        self.take("sign", "(")
        variable = self.take("word")
        self.take("sign", ":")
        if collection == "emailaddresses":
            test = self.address_test(variable)
        elif collection == "categories":
            test = self.category_test(variable)
        elif collection == "singlevalueextendedproperties":
            test = self.extended_test(variable)
        else:
            raise invalid_filter()
        self.take("sign", ")")
        return test

    def address_test(self, variable: str) -> Test:
        self.take("word", f"{variable}/address")
        self.take("word", "eq")
        wanted = self.text().lower()
        self.addresses.append(wanted)
        return lambda data, extra: any(email["address"].lower() == wanted for email in data["emailAddresses"])

    def category_test(self, variable: str) -> Test:
        self.take("word", variable)
        self.take("word", "eq")
        wanted = self.text().lower()
        return lambda data, extra: any(name.lower() == wanted for name in data["categories"])

    def extended_test(self, variable: str) -> Test:
        self.looks_at_extended = True
        self.take("word", f"{variable}/id")
        self.take("word", "eq")
        key = property_key(self.text())
        self.take("word", "and")
        if self.at_word("contains", "startswith"):
            operator = self.take().lower()
            self.take("sign", "(")
            self.take("word", f"{variable}/value")
            self.take("sign", ",")
            wanted = self.text().lower()
            self.take("sign", ")")
        else:
            self.take("word", f"{variable}/value")
            operator = self.take("word").lower()
            wanted = self.text().lower()
        if operator not in ("eq", "ne", "contains", "startswith"):
            raise invalid_filter()
        if operator == "eq":
            self.extended.append((key, wanted))
        return lambda data, extra: key in extra and compare(operator, extra[key], wanted)

    def text(self) -> str:
        return unquoted(self.take("text"))


def unquoted(token: str) -> str:
    return token[1:-1].replace("''", "'") if token.startswith("'") else token


def compare(operator: str, found: Any, wanted: str | None) -> bool:
    left = None if found is None else str(found).lower()
    if operator in ("eq", "ne"):
        return (left == wanted) == (operator == "eq")
    if left is None or wanted is None:
        return False
    if operator in ("contains", "startswith"):
        return wanted in left if operator == "contains" else left.startswith(wanted)
    return {"gt": left > wanted, "ge": left >= wanted, "lt": left < wanted, "le": left <= wanted}[operator]


def parse(text: str) -> Filter:
    tokens: list[tuple[str, str]] = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise invalid_filter()
        tokens.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    parser = _Parser(tokens)
    test = parser.either()
    if parser.peek()[0] != "end":
        raise invalid_filter()
    sure = not parser.alternatives
    return Filter(
        test=test,
        address=parser.addresses[0] if sure and parser.addresses else None,
        extended=parser.extended[0] if sure and parser.extended else None,
        mailbox_wide=parser.looks_at_extended,
    )
