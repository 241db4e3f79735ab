"""The German catalogue holds what code and templates say, and no more; `make messages` brings it up to them."""

from __future__ import annotations

import ast
import re

import pytest
from babel.messages.catalog import Catalog, Message

from connections.templatetags import stored
from tests import catalogue
from tests.catalogue import FUNCTIONS, MO, PO, ROOT, as_mo, as_po, collected, texts, updated

PLACE = re.compile(r"%\(\w+\)s")
TAG = re.compile(r"</?\w+")


@pytest.fixture(scope="module")
def german() -> Catalog:
    return catalogue.catalogue()


def messages(german: Catalog) -> list[Message]:
    return [message for message in german if message.id]


def test_the_catalogue_holds_every_message_and_no_other(german: Catalog) -> None:
    wanted = {(message.id, message.context) for message in messages(collected())}
    assert len(wanted) > 500
    assert {(message.id, message.context) for message in messages(german)} == wanted
    assert PO.read_bytes() == as_po(updated())


def test_every_message_is_translated(german: Catalog) -> None:
    assert not [message.id for message in messages(german) if not all(texts(message)) or message.fuzzy]
    assert not german.obsolete


def test_translations_hold_what_is_filled_in_and_marked_up(german: Catalog) -> None:
    """Of a plural the form for one may say so in a word."""
    for message in messages(german):
        given = [message.id] if isinstance(message.id, str) else list(message.id)
        for sign in (PLACE, TAG):
            there = [sorted(set(sign.findall(text))) for text in texts(message)]
            assert there[-1] == sorted(set(sign.findall(given[-1]))), message.id
            assert set(there[0]) <= set(there[-1]), message.id


def test_spaces_at_the_ends_stay(german: Catalog) -> None:
    for message in messages(german):
        first = message.id if isinstance(message.id, str) else message.id[0]
        for text in texts(message):
            assert (text[0] == " ", text[-1] == " ") == (first[0] == " ", first[-1] == " "), message.id


def test_the_compiled_catalogue_is_up_to_date(german: Catalog) -> None:
    assert MO.read_bytes() == as_mo(german)


def test_no_message_is_put_together_before_it_is_looked_up() -> None:
    """gettext(f"…") and gettext("…" % x) find nothing in a catalogue."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "connections").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS
        if any(isinstance(one, ast.JoinedStr) or isinstance(getattr(one, "op", None), ast.Mod) for one in node.args)
    ]
    assert not wrong


def test_what_the_engine_stores_is_said_there_word_for_word() -> None:
    said = {
        node.value
        for path in (ROOT / "connections" / "engine").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
    }
    assert set(stored.SENTENCES) <= said


def test_causes_are_said_word_for_word_where_decisions_are_made() -> None:
    code = " ".join(
        path.read_text() for room in ("syncrules", "connections/engine") for path in (ROOT / room).glob("*.py")
    )
    parts = {part.strip(" ,") for cause in stored.CAUSES for part in PLACE.split(cause)} - {""}
    assert len(parts) > 10
    assert not [part for part in parts if part not in code]
