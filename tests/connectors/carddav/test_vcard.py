from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.carddav.vcard import Card, Line, NotACard, escape, fold, split, unescape

ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
PRINTABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028"), max_size=60)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def card(*lines: str, version: str = "3.0") -> Card:
    return Card("\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""]))


@settings(deadline=None)
@given(st.lists(st.tuples(ANYTHING, ENDS)), st.text("\ufeff", max_size=1))
def test_whatever_stands_in_a_card_comes_out_as_it_went_in(lines: list[tuple[str, str]], mark: str) -> None:
    text = "BEGIN:VCARD\r\n" + "".join("X" + line + end for line, end in lines) + "END:VCARD\n"
    assert Card(mark + text).text == text


@settings(deadline=None)
@given(ANYTHING)
def test_escaping_gives_the_text_back(text: str) -> None:
    clean = unescape(escape(text))
    assert unescape(escape(clean)) == clean
    assert "\n" not in escape(text)
    assert clean == "".join(
        one for one in text.replace("\r\n", "\n").replace("\r", "\n") if one in "\t\n" or one >= " "
    ).replace("\x7f", "").replace("\ufffe", "").replace("\uffff", "")


@settings(deadline=None)
@given(st.lists(PRINTABLE, min_size=1), st.sampled_from([";", ","]))
def test_compound_values_split_into_what_they_were_joined_from(parts: list[str], separator: str) -> None:
    joined = separator.join(escape(part) for part in parts)
    assert [unescape(part) for part in split(joined, separator)] == parts


@settings(deadline=None)
@given(PRINTABLE, st.integers(0, 4))
def test_folding_keeps_75_octets_and_whole_characters(text: str, times: int) -> None:
    text = "NOTE:" + text * times
    folded = fold(text, "\r\n")
    assert all(len(piece.encode()) <= 75 for piece in folded.split("\r\n"))
    assert Line(folded).value == text.removeprefix("NOTE:")


def test_a_line_has_group_name_parameters_and_value() -> None:
    line = Line('Item1.tel;TYPE=work,"voice,PREF";X-A="a;b:c";x-b=^n^\'^^;CELL:+1;ext=2\r\n')
    assert (line.group, line.name, line.value) == ("Item1", "TEL", "+1;ext=2")
    assert line.types == {"work", "voice", "pref", "cell"}
    assert line.parameter("X-A") == "a;b:c"
    assert line.parameter("X-B") == '\n"^'


def test_an_odd_quote_in_a_parameter_loses_nothing() -> None:
    line = Line('TEL;X="a;TYPE=HOME:+1\n')
    assert line.value == "+1"
    assert line.with_value("+2").raw == 'TEL;X="a;TYPE=HOME:+2\n'


def test_folds_are_undone_whatever_their_ends() -> None:
    assert Line("NOTE:ab\r\n c\n \td\r\te\r\n").value == "abc\tde"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:J=C3=B6rg=0D=0A=\r\nis here\r\n", "Jörg\nis here"),
        ("NOTE;ENCODING=QUOTED-PRINTABLE:Hello=\r\n world=\r\n\tand all\r\n", "Hello world\tand all"),
        ("NOTE;CHARSET=ISO-8859-1;QUOTED-PRINTABLE:J=F6rg\n", "Jörg"),
        ("NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=x-unheard-of:J=F6rg\n", "Jörg"),
        ("NOTE;ENCODING=QUOTED-PRINTABLE:J=F6rg\n", "Jörg"),
    ],
)
def test_quoted_printable_leftovers_are_read_and_replaced_by_plain_text(raw: str, text: str) -> None:
    one = Card(f"BEGIN:VCARD\nVERSION:2.1\n{raw}END:VCARD\n")
    (line,) = one.all("NOTE")
    assert line.text == text
    one.replace(line, line.with_value("Jürgen"))
    assert [line.raw.strip() for line in one.all("NOTE")] == ["NOTE:Jürgen"]
    assert one.text.count("\n") == 4


def test_names_are_found_in_any_case_and_written_as_they_were() -> None:
    one = card("eMail;type=Work:a@example.com")
    (line,) = one.all("EMAIL")
    one.replace(line, line.with_value("b@example.com"))
    assert "eMail;type=Work:b@example.com\n" in one.text


def test_types_change_and_other_parameters_stay() -> None:
    line = Line('TEL;X-A="1;2";TYPE=WORK;TYPE=VOICE,pref;PREF=1:+1\n')
    assert line.preference == 1
    changed = line.with_types(remove={"work", "pref"}, add=["HOME"])
    assert changed.raw == 'TEL;TYPE=VOICE,HOME;X-A="1;2":+1\n'
    assert changed.preference == 101


def test_a_removed_line_takes_its_label_along_and_leaves_company_alone() -> None:
    one = card("item1.TEL:1", "item1.X-ABLabel:Boat", "item2.TEL:2", "item2.EMAIL:a@b", "item2.X-ABLabel:Both")
    one.remove(one.all("TEL")[0])
    one.remove(one.all("TEL")[0])
    assert one.text == card("item2.EMAIL:a@b", "item2.X-ABLabel:Both").text


def test_labels_are_read_written_and_taken_off() -> None:
    one = card("TEL:1", "item1.TEL:2", "ITEM1.X-ABLABEL:_$!<Work>!$_")
    first, second = one.all("TEL")
    assert (one.label(first), one.label(second)) == ("", "Work")
    first = one.relabel(first, "Boat; red")
    assert one.label(first) == "Boat; red"
    assert "item2.TEL:1\nitem2.X-ABLabel:Boat\\; red\n" in one.text
    one.relabel(second, "")
    assert one.label(second) == ""
    assert "item1.TEL:2\n" in one.text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not a vCard"),
        ("<html>", "is not a vCard"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\n", "is not a vCard"),
        ("BEGIN:VCARD\nFN:A\n", "is cut off"),
        ("BEGIN:VCARD\nEND:VCARD\nBEGIN:VCARD\nEND:VCARD\n", "holds several vCards"),
        ("\0\0\0", "is not a vCard"),
    ],
)
def test_what_is_no_single_card_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(NotACard, match=why):
        Card(text)


@settings(deadline=None)
@given(ANYTHING)
def test_no_text_breaks_the_reader(text: str) -> None:
    with suppress(NotACard):
        assert Card(text).text


def test_large_embedded_pictures_are_left_out_of_the_body_and_small_ones_are_not() -> None:
    small, large = "PHOTO;ENCODING=b:" + "A" * 1000, "PHOTO;ENCODING=b:" + "A" * 70_000
    assert card(small).body == card(small).text
    body = card("FN:A", large, "NOTE:" + "n" * 70_000).body
    assert len(body) < 71_000
    assert card(large).is_complete
    assert not Card(body).is_complete


def test_a_large_folded_picture_is_read_in_one_go_and_stays_as_it_is() -> None:
    one = card("PHOTO;ENCODING=b:" + "A" * 57, *(" " + "B" * 74 for _ in range(60_000)), "NOTE:x")
    before = one.text
    assert len(one.all("PHOTO")[0].value) == 57 + 60_000 * 74
    one.replace(one.all("NOTE")[0], one.all("NOTE")[0].with_value("y"))
    assert one.text == before.replace("NOTE:x", "NOTE:y")


def test_the_wire_has_crlf_and_utf8() -> None:
    assert Card("BEGIN:VCARD\nFN:Jürg\r\nX:1\rEND:VCARD").wire == "BEGIN:VCARD\r\nFN:Jürg\r\nX:1\r\nEND:VCARD".encode()
