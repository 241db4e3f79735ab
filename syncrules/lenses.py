"""How one side shows a mapping's value and takes it: `get(values) -> shared`, `put(shared, values) -> patch`.

Laws: what was put is got again (up to the normal form); what was got and is put back makes an empty patch; a patch
names only keys of the lens. `put` raises fitting.Refused, naming the key, for what a field would
not take.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from connectors.base import Field, FieldType, Values
from syncrules import compare, names
from syncrules.fitting import Refused, fit
from syncrules.translating import Reading

MOST_READINGS = 20_000  # ways of taking a text apart that are looked at
OPENING, CLOSING = "([{<«“‘", ")]}>»”’"

Patch = dict[str, Any]
Element = Mapping[str, Any]


class Lens(Protocol):
    fields: tuple[Field, ...]

    def get(self, values: Values) -> Any: ...

    def put(self, shared: Any, values: Values) -> Patch: ...


def refit(value: Any, field: Field) -> Any:
    """As `fit`, naming the field in the refusal."""
    try:
        return fit(value, field)
    except Refused as refused:
        raise Refused(str(refused), field.key) from None


def translated(shared: Any, field: Field, reading: Reading | None) -> Any:
    """The shared value in the field's own terms. Raises Refused, naming the field."""
    try:
        own = shared if reading is None else reading.own(shared)
    except Refused as refused:
        raise Refused(str(refused), field.key) from None
    return refit(own, field)


class FieldLens:
    """One single-valued field; `reading` says what its options mean on the other side."""

    __slots__ = ("fields", "key", "normal", "reading")

    def __init__(self, field: Field, normal: compare.Normal, reading: Reading | None = None) -> None:
        self.fields: tuple[Field, ...] = (field,)
        self.key = field.key
        self.normal = normal
        self.reading = reading

    def get(self, values: Values) -> Any:
        value = values.get(self.key)
        return value if value is None or self.reading is None else self.reading.shared(value)

    def put(self, shared: Any, values: Values) -> Patch:
        old = values.get(self.key)
        if shared is None:
            return {} if old is None else {self.key: None}
        if old is not None and self.normal(self.get(values)) == self.normal(shared):
            return {}
        return {self.key: translated(shared, self.fields[0], self.reading)}


class PartsLens:
    """Several fields that together make one text. Subclasses say how it is joined and taken apart."""

    __slots__ = ("fields",)
    fold = staticmethod(compare.text)

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)

    def get(self, values: Values) -> Any:
        return self.join(tuple(str(values.get(field.key) or "") for field in self.fields)) or None

    def put(self, shared: Any, values: Values) -> Patch:
        old = tuple(str(values.get(field.key) or "") for field in self.fields)
        new = self.split(str(shared), old) if shared is not None else ("",) * len(old)
        patch: Patch = {}
        for field, before, after in zip(self.fields, old, new, strict=True):
            if self.fold(before) != self.fold(after):
                patch[field.key] = refit(after, field) if after else None
        return patch

    def join(self, parts: tuple[str, ...]) -> str:
        raise TypeError("a parts lens says how its parts are joined")

    def split(self, whole: str, old: tuple[str, ...]) -> tuple[str, ...]:
        raise TypeError("a parts lens says how its text is taken apart")


class StyledNameLens(FieldLens):
    """A full name whose other side holds the parts: an edited part changes that part, in the order and with the signs
    that the full name has."""

    __slots__ = ()

    def put(self, shared: Any, values: Values) -> Patch:
        patch = super().put(shared, values)
        old = values.get(self.key)
        if not old or not patch.get(self.key):
            return patch
        before = names.split(str(old))
        styled = names.revised(str(old), before.texts, names.split(str(shared), before).texts)
        return {self.key: refit(styled, self.fields[0])} if self.normal(styled) == self.normal(shared) else patch


class NameLens(PartsLens):
    """The parts of a name as one full name; a changed full name changes only the parts that changed."""

    __slots__ = ("_demanded", "_parts")

    def __init__(self, fields: Sequence[Field]) -> None:
        by_part = {field.meaning.removeprefix("name."): field for field in fields}
        self._parts = tuple(part for part in names.PARTS if part in by_part)
        self._demanded = "family" in by_part and by_part["family"].required
        super().__init__([by_part[part] for part in self._parts])

    def join(self, parts: tuple[str, ...]) -> str:
        return names.usual(self._name(parts))

    def split(self, whole: str, old: tuple[str, ...]) -> tuple[str, ...]:
        """A part without a field of its own goes to the one it stands beside."""
        texts: dict[str, list[str]] = {part: [] for part in self._parts}
        found = names.split(whole, self._name(old))
        for part in names.PARTS:
            if text := getattr(found, part):
                texts[self._home(part, found)].append(text)
        if found.nickname:
            texts[self._home(found.bearer, found)].append(found.nickname)
        if self._demanded and not texts["family"] and "given" in texts:  # a name alone is then the last name
            texts["family"], texts["given"] = texts["given"], []
        return tuple(" ".join(texts[part]) for part in self._parts)

    def is_sure(self, shared: Any, values: Values) -> bool:
        """Whether the parts that `put` writes for a full name are more than a guess."""
        old = tuple(str(values.get(field.key) or "") for field in self.fields)
        return names.split(str(shared), self._name(old)).sure

    def _home(self, part: str, name: names.Name) -> str:
        last = "family" if name.family and not names.is_east_asian(name.family) else "given"
        beside = (last, "family", "given") if part in ("family", "suffix") else ("given", "family")
        return next((home for home in (part, *beside) if home in self._parts), self._parts[0])

    def _name(self, parts: tuple[str, ...]) -> names.Name:
        return names.of_parts(dict(zip(self._parts, parts, strict=True)))


class PatternLens(PartsLens):
    """Several fields joined by a pattern such as ``{0} {1}`` or ``{0}, {1} ({2})``.

    An empty part takes its brackets and the text before it along. Taken apart, the reading wins that changes the
    fewest of the old parts, of these the one that empties the fewest, and of these the one that fills the most.
    """

    __slots__ = ("_before", "_close", "_open")

    def __init__(self, fields: Sequence[Field], pattern: str) -> None:
        super().__init__(fields)
        pieces = re.split(r"\{(\d+)\}", pattern)
        if [int(number) for number in pieces[1::2]] != list(range(len(fields))):
            wanted = " ".join(f"{{{number}}}" for number in range(len(fields)))
            raise ValueError(f"the pattern must name each field once and in order, such as {wanted}")
        if any(not piece for piece in pieces[2:-1:2]):
            raise ValueError("the pattern needs some text between two fields, a space for example")
        self._before = pieces[0:-1:2]
        between = self._before[1:]
        self._open = [pieces[0], *(text[len(text.rstrip(OPENING)) :] for text in between)]
        self._close = [*(text[: len(text) - len(text.lstrip(CLOSING))] for text in between), pieces[-1]]

    def join(self, parts: tuple[str, ...]) -> str:
        filled = [index for index, part in enumerate(parts) if part]
        if not filled:
            return ""
        texts = self._texts(filled)
        return "".join(text + parts[index] for text, index in zip(texts, filled, strict=False)) + texts[-1]

    def split(self, whole: str, old: tuple[str, ...]) -> tuple[str, ...]:
        whole, old = compare.text(whole), tuple(compare.text(part) for part in old)
        found = list(itertools.islice(self._readings(whole), MOST_READINGS + 1))
        if len(found) > MOST_READINGS:
            raise Refused("it can be taken apart in too many ways; use a pattern with rarer signs", self.fields[0].key)
        readings = [parts for parts in found if self.join(parts) == whole]
        if not readings:
            raise Refused("it does not have the form of the pattern", self.fields[0].key)
        return min(readings, key=lambda parts: self._effort(old, parts))

    @staticmethod
    def _effort(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[int, int]:
        """How many of the old parts are changed, and how many of these are emptied."""
        moved = [after for before, after in zip(old, new, strict=True) if before and before != after]
        return len(moved), moved.count("")

    def _texts(self, filled: Sequence[int]) -> list[str]:
        """What stands before each filled part, and after the last one."""
        texts = [self._open[filled[0]]]
        for last, index in itertools.pairwise(filled):
            before = self._before[index]
            texts.append(before if last == index - 1 else self._close[last] + before.lstrip(CLOSING))
        return [*texts, self._close[filled[-1]]]

    def _readings(self, whole: str) -> Iterator[tuple[str, ...]]:
        """Every way in which some parts could make up the text, the fullest first."""
        count = len(self.fields)
        for size in range(count, 0, -1):
            for filled in itertools.combinations(range(count), size):
                yield from self._filled(whole, filled)

    def _filled(self, whole: str, filled: tuple[int, ...]) -> Iterator[tuple[str, ...]]:
        first, *between, tail = self._texts(filled)
        if not whole.startswith(first) or not whole.endswith(tail) or len(whole) <= len(first) + len(tail):
            return
        for pieces in _cuts(whole[len(first) : len(whole) - len(tail)], between):
            parts = dict(zip(filled, pieces, strict=True))
            yield tuple(parts.get(index, "") for index in range(len(self.fields)))


def _cuts(body: str, separators: Sequence[str]) -> Iterator[list[str]]:
    if not separators:
        if body:
            yield [body]
        return
    at = body.rfind(separators[0])
    while at > 0:  # late cuts first: "Anna Maria Smith" is more often Anna Maria + Smith
        for rest in _cuts(body[at + len(separators[0]) :], separators[1:]):
            yield [body[:at], *rest]
        at = body.rfind(separators[0], 0, at)


class LinesLens(PartsLens):
    """Lines such as post box, extra line and street that another app keeps in its street; the last field is the street.

    A line stays where it was if it is still among the first ones; what is new belongs to the street.
    """

    __slots__ = ()
    fold = staticmethod(compare.lines)

    def join(self, parts: tuple[str, ...]) -> str:
        return "\n".join(compare.lines(part) for part in parts if part)

    def split(self, whole: str, old: tuple[str, ...]) -> tuple[str, ...]:
        rest = compare.lines(whole)
        kept = []
        for part in old[:-1]:
            line = compare.lines(part)
            stays = bool(line) and (rest == line or rest.startswith(line + "\n"))
            kept.append(part if stays else "")
            if stays:
                rest = rest[len(line) + 1 :]
        return (*kept, rest)


class ListLens:
    """A field seen as a list of elements ``{"value", "type"?, "label"?}``, whatever its own shape is.

    With a `reading` an element holds the shared value, and under ``own`` what the field itself calls it."""

    __slots__ = ("attributes", "capacity", "fields", "key", "normal", "ordered", "reading", "required")

    def __init__(self, field: Field, normal: compare.Normal, reading: Reading | None = None) -> None:
        self.fields: tuple[Field, ...] = (field,)
        self.key = field.key
        self.normal = normal
        self.attributes = field.attributes if field.is_list else frozenset()
        self.capacity = None if field.type is FieldType.OPTIONS and not field.is_list else field.multiple
        self.ordered = field.type is not FieldType.OPTIONS and field.meaning not in compare.LABELS
        self.required = field.required
        self.reading = reading

    def get(self, values: Values) -> list[Element]:
        raw = values.get(self.key)
        if raw is None:
            return []
        if not isinstance(raw, list | tuple):
            raw = [raw]
        elements = [part if isinstance(part, Mapping) else {"value": part} for part in raw]
        return elements if self.reading is None else [self._read(element, self.reading) for element in elements]

    @staticmethod
    def _read(element: Element, reading: Reading) -> Element:
        return {**element, "value": reading.shared(element["value"]), "own": element["value"]}

    def shape(self, elements: Sequence[Element]) -> Any:
        """The elements in the field's own shape; None if there are none."""
        if not elements:
            return None
        if self.reading is not None:
            plain = [{name: value for name, value in element.items() if name != "own"} for element in elements]
            elements = [{**part, "value": element["own"]} for part, element in zip(plain, elements, strict=True)]
        field = self.fields[0]
        if field.is_list:
            return [dict(element) for element in elements]
        if field.type is FieldType.OPTIONS:
            return sorted({str(element["value"]) for element in elements})
        return elements[0]["value"]

    def take(self, element: Element, own: Element | None = None) -> Element:
        """An element of the other side as this field holds it, with `own` attributes that the other cannot say."""
        taken: dict[str, Any] = {"value": translated(element["value"], self.fields[0], self.reading)}
        if self.reading is not None:
            taken = dict(self._read(taken, self.reading))
        for name in sorted(self.attributes):
            value = element.get(name) or (own or {}).get(name)
            if value:
                taken[name] = value
        return taken

    def _kept(self, element: Element, own: Element) -> Element:
        said = {name: element[name] for name in self.attributes if element.get(name)}
        return {**own, **said}

    def put(self, shared: Sequence[Element] | None, values: Values) -> Patch:
        """The whole list replaced, as far as it fits; elements that stay keep their spelling and own attributes."""
        mine: dict[Hashable, list[Element]] = {}
        for element in self.get(values):
            mine.setdefault(self.normal(element["value"]), []).append(element)
        new: list[Element] = []
        for element in (shared or ())[: self.capacity]:
            own = mine.get(self.normal(element["value"]))
            new.append(self._kept(element, own.pop(0)) if own else self.take(element))
        shown = self.shape(new)
        return {} if shown == self.shape(self.get(values)) else {self.key: shown}
