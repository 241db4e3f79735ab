"""What means the same."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import Field, FieldType
from syncrules import compare


def same(kind: FieldType, left: Any, right: Any, meaning: str = "", region: str = "BE") -> bool:
    normal = compare.normal_form(region, Field("x", "x", kind, meaning))
    return normal(left) == normal(right)


@pytest.mark.parametrize(
    ("kind", "left", "right"),
    [
        (FieldType.TEXT, " Anna  Maria ", "Anna Maria"),
        (FieldType.TEXT, "Zoe\u0308", "Zo\u00eb"),
        (FieldType.TEXT, "a\u00a0b", "a b"),
        (FieldType.MULTILINE, "one \r\ntwo\r\n", "one\ntwo"),
        (FieldType.MULTILINE, "one\rtwo", "one\ntwo"),
        (FieldType.EMAIL, " Anna@Example.COM", "anna@example.com"),
        (FieldType.EMAIL, "mailto:anna@example.com", "anna@example.com"),
        (FieldType.EMAIL, "info@bücher.example", "info@xn--bcher-kva.example"),
        (FieldType.PHONE, "+1 (555) 010-0000", "+15550100000"),
        (FieldType.PHONE, "0470 12 34 56", "+32470123456"),
        (FieldType.PHONE, "0032 470 12 34 56", "tel:+32-470-12-34-56"),
        (FieldType.PHONE, "02 123 45 67 ext. 8", "+3221234567;ext=8"),
        (FieldType.PHONE, "02 123 45 67 x8", "tel:+3221234567;ext=8"),
        (FieldType.PHONE, "12-34", "1234"),
        (FieldType.PHONE, "Call Me", "call  me"),
        (FieldType.URL, "https://Example.com/", "example.com"),
        (FieldType.URL, "http://example.com/Path/", "https://EXAMPLE.com/Path"),
        (FieldType.DATE, "2001-02-28", "2001-02-28"),
        (FieldType.NUMBER, "12.0", 12),
        (FieldType.BOOLEAN, "Yes", True),
        (FieldType.OPTION, "Gold", "gold"),
    ],
)
def test_two_ways_of_writing_one_value_are_equal(kind: FieldType, left: Any, right: Any) -> None:
    assert same(kind, left, right)


@pytest.mark.parametrize(
    ("kind", "left", "right"),
    [
        (FieldType.TEXT, "Anna", "anna"),
        (FieldType.MULTILINE, "one two", "one\ntwo"),
        (FieldType.EMAIL, "anna+x@example.com", "anna@example.com"),
        (FieldType.EMAIL, "a.nna@example.com", "anna@example.com"),
        (FieldType.PHONE, "+32 470 12 34 56", "+31 470 12 34 56"),
        (FieldType.PHONE, "02 123 45 67 ext. 8", "02 123 45 67"),
        (FieldType.URL, "example.com/a", "example.com/A"),
        (FieldType.DATE, "--02-28", "2001-02-28"),
        (FieldType.NUMBER, 12, 13),
        (FieldType.BOOLEAN, "no", True),
    ],
)
def test_two_values_are_told_apart(kind: FieldType, left: Any, right: Any) -> None:
    assert not same(kind, left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Belgium", "België"),
        ("BE", "Belgique"),
        ("belgien", "BEL"),
        ("USA", "United States"),
        ("United States of America", "us"),
        ("UK", "Great Britain"),
        ("Deutschland", "Germany"),
        ("Türkiye", "Turkey"),
        ("Czech Republic", "Czechia"),
        ("日本", "Japan"),
    ],
)
def test_countries_are_compared_by_their_code(left: str, right: str) -> None:
    assert same(FieldType.TEXT, left, right, "address.work.country")


def test_unknown_countries_are_compared_as_text() -> None:
    assert same(FieldType.TEXT, "Narnia", "narnia", "address.work.country")
    assert not same(FieldType.TEXT, "Narnia", "Belgium", "address.work.country")


def test_a_moment_and_its_day_are_the_same_date() -> None:
    normal = compare.normal_form("BE", Field("a", "a", FieldType.DATE), Field("b", "b", FieldType.DATETIME))
    assert normal("2001-02-28") == normal("2001-02-28T11:59:00Z")


def test_labels_have_no_case() -> None:
    assert same(FieldType.TEXT, "VIP", "vip", "labels")


def test_the_lines_of_a_street_may_be_broken_anywhere() -> None:
    assert same(FieldType.MULTILINE, "Box 5\nMain 1", "Box 5 Main 1", "address.work.street")
