"""Reads SOQL (SOQL and SOSL Reference): SELECT with parents, child queries and COUNT(), WHERE, ORDER BY, LIMIT, OFFSET.

What it does not know it refuses with MALFORMED_QUERY, never by guessing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.salesforce.sandbox.errors import malformed

LONGEST = 100_000
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^'\\]|\\.)*')
  | (?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
  | (?P<date>\d{4}-\d\d-\d\d)
  | (?P<number>[+-]?\d+(?:\.\d+)?)
  | (?P<word>[A-Za-z_][A-Za-z0-9_.]*(?::\d+)?)
  | (?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE,
)
_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    "'": "'",
    '"': '"',
    "\\": "\\",
    "_": "\\_",
    "%": "\\%",
}
_NOT_FIELDS = {"WHERE", "ORDER", "LIMIT", "OFFSET", "GROUP", "FROM", "AND", "OR", "NOT"}


@dataclass(frozen=True, slots=True)
class Day:
    """A date literal, which compares with dates and, as a whole day, with date-times."""

    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    seconds: float


@dataclass(frozen=True, slots=True)
class Compare:
    field: str
    sign: str  # = != < <= > >= LIKE IN NOT IN INCLUDES EXCLUDES
    value: Any


@dataclass(frozen=True, slots=True)
class Both:
    word: str  # AND, OR
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Any


Condition = Compare | Both | Not | None


@dataclass(slots=True)
class Query:
    fields: list[str] = field(default_factory=list)
    children: list[Query] = field(default_factory=list)
    order_of: list[str | Query] = field(default_factory=list)  # fields and child queries as they were written
    count: bool = False
    object: str = ""
    where: Condition = None
    order: list[tuple[str, bool, bool]] = field(default_factory=list)  # field, descending, nulls last
    limit: int | None = None
    offset: int = 0


def parse(text: str) -> Query:
    if len(text) > LONGEST:
        raise malformed("SOQL statements cannot be longer than 100000 characters.")
    parser = _Parser(text)
    query = parser.query()
    if parser.kind:
        raise parser.unexpected()
    return query


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        place = 0
        text = text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise malformed(f"line 1:{place} no viable alternative at character '{text[place]}'")
            self.tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            place = match.end()
        self.place = 0

    # ---- tokens

    @property
    def kind(self) -> str:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else ""

    @property
    def token(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def unexpected(self) -> Exception:
        return malformed(f"unexpected token: '{self.token or '<EOF>'}'")

    def word(self, *words: str) -> bool:
        """Whether these words come next; then they are passed."""
        found = [text.upper() for kind, text in self.tokens[self.place : self.place + len(words)] if kind == "word"]
        if found != list(words):
            return False
        self.place += len(words)
        return True

    def sign(self, sign: str) -> bool:
        if self.kind == "sign" and self.token == sign:
            self.place += 1
            return True
        return False

    def need(self, passed: bool) -> None:
        if not passed:
            raise self.unexpected()

    def name(self) -> str:
        if self.kind != "word" or self.token.upper() in _NOT_FIELDS:
            raise self.unexpected()
        self.place += 1
        return self.tokens[self.place - 1][1]

    def number(self) -> int:
        if self.kind != "number" or not self.token.isdecimal():
            raise self.unexpected()
        self.place += 1
        return int(self.tokens[self.place - 1][1])

    # ---- the statement

    def query(self, child: bool = False) -> Query:
        self.need(self.word("SELECT"))
        query = Query()
        self.selected(query)
        while self.sign(","):
            self.selected(query)
        self.need(self.word("FROM"))
        query.object = self.name()
        if query.count and (query.fields or child):
            raise malformed("COUNT() must be the only element in the SELECT list")
        if self.word("WHERE"):
            query.where = self.condition()
        if self.word("ORDER", "BY"):
            query.order.append(self.ordering())
            while self.sign(","):
                query.order.append(self.ordering())
        if self.word("LIMIT"):
            query.limit = self.number()
        if self.word("OFFSET"):
            query.offset = self.number()
            if query.offset > 2000:
                raise malformed("Maximum SOQL offset allowed is 2000")
        return query

    def selected(self, query: Query) -> None:
        if self.sign("("):
            child = self.query(child=True)
            self.need(self.sign(")"))
            query.children.append(child)
            query.order_of.append(child)
            return
        name = self.name()
        if self.sign("("):
            if name.upper() == "COUNT":
                query.count = True
            elif name.upper() == "FIELDS":
                query.fields.append(f"FIELDS({self.name().upper()})")
                query.order_of.append(query.fields[-1])
            else:
                raise malformed(f"unexpected token: '{name}'")
            self.need(self.sign(")"))
            return
        query.fields.append(name)
        query.order_of.append(name)

    def ordering(self) -> tuple[str, bool, bool]:
        name = self.name()
        descending = self.word("DESC")
        if not descending:
            self.word("ASC")
        last = self.word("NULLS", "LAST")
        if not last:
            self.word("NULLS", "FIRST")
        return name, descending, last

    # ---- conditions

    def condition(self) -> Condition:
        first = self.single()
        for word in ("AND", "OR"):
            if self.word(word):
                parts = [first, self.single()]
                while self.word(word):
                    parts.append(self.single())
                if self.kind == "word" and self.token.upper() in ("AND", "OR"):
                    raise self.unexpected()  # the two mix only in parentheses
                return Both(word, tuple(parts))
        return first

    def single(self) -> Condition:
        if self.word("NOT"):
            return Not(self.single())
        if self.sign("("):
            inner = self.condition()
            self.need(self.sign(")"))
            return inner
        name = self.name()
        for sign in ("=", "!=", "<>", "<=", ">=", "<", ">"):
            if self.sign(sign):
                return Compare(name, "!=" if sign == "<>" else sign, self.value())
        if self.word("LIKE"):
            return Compare(name, "LIKE", self.value())
        for words in (("NOT", "IN"), ("IN",), ("INCLUDES",), ("EXCLUDES",)):
            if self.word(*words):
                return Compare(name, " ".join(words), self.values())
        raise self.unexpected()

    def values(self) -> Any:
        self.need(self.sign("("))
        if self.kind == "word" and self.token.upper() == "SELECT":
            query = self.query(child=True)
            self.need(self.sign(")"))
            return query
        found = [self.value()]
        while self.sign(","):
            found.append(self.value())
        self.need(self.sign(")"))
        return found

    def value(self) -> Any:
        kind, text = self.kind, self.token
        self.place += 1
        if kind == "text":
            return _unescaped(text[1:-1])
        if kind == "moment":
            return Moment(seconds_of(text))
        if kind == "date":
            return Day(text)
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "word":
            word = text.upper()
            if word in ("TRUE", "FALSE", "NULL"):
                return {"TRUE": True, "FALSE": False, "NULL": None}[word]
            if word in ("TODAY", "YESTERDAY", "TOMORROW") or re.fullmatch(r"(LAST|NEXT)_N_DAYS:\d+", word):
                return Day(word)
        self.place -= 1
        raise self.unexpected()


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise malformed(f"Invalid string literal. Illegal character sequence '\\{match[1]}' in string literal.")
        return _ESCAPES[match[1]]

    return re.sub(r"\\(.)", one, text, flags=re.DOTALL)


def seconds_of(text: str) -> float:
    """A date-time of the API as POSIX seconds."""
    text = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text.replace("Z", "+00:00"))
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
