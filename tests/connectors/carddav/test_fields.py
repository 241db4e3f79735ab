from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Field, FieldType, Value
from connectors.carddav.fields import STANDARD, Catalogue, full_name
from connectors.carddav.vcard import Card

NOW = 1_800_000_000.0
CATALOGUE = Catalogue()
VERSIONS = st.sampled_from(["3.0", "4.0"])
WRITABLE = [field for field, _ in STANDARD.values() if not field.read_only]

RICH = """BEGIN:VCARD
VERSION:{version}
PRODID:-//Somebody//Else//EN
UID:u-1
FN:Dr. Jane Mary Doe
N:Doe;Jane,Mary;;Dr.;
X-UNKNOWN;X-P="a;b":kept\\, as it is
NICKNAME:Jay,Jen
ORG:Example\\, Inc.;Research;Lab
TITLE:Head
EMAIL;TYPE=INTERNET,HOME:jane@home.example
EMAIL;TYPE=INTERNET,WORK,pref:jane@work.example
item1.EMAIL;TYPE=INTERNET:jane@boat.example
item1.X-ABLabel:Boat
TEL;TYPE=CELL,WORK:+1 555 1
TEL;TYPE=WORK,VOICE;X-KEEP=1:+1 555 2
TEL;TYPE=FAX,WORK:+1 555 3
TEL;TYPE=FAX:+1 555 4
TEL;TYPE=HOME;VALUE=uri:tel:+1-555-5
TEL:+1 555 6
item2.TEL:+1 555 7
item2.X-ABLabel:Car
ADR;TYPE=WORK;LABEL="12 Example Street":PO 1;Floor 2;12 Example Street\\nGate 3;Town;Region;123;Land
ADR;TYPE=WORK:;;Second;;;;
ADR:;;Elsewhere;;;;
BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29
item3.X-ABDATE:2001-05-06
item3.X-ABLabel:_$!<Anniversary>!$_
NOTE:First note
NOTE;LANGUAGE=de:Zweite
PHOTO;ENCODING=b;TYPE=JPEG:AAAA
 BBBB
URL;TYPE=HOME:https://example.com/a\\,b
IMPP;X-SERVICE-TYPE=Jabber:xmpp:jane@example.com
X-JABBER:jane@example.com
X-SOCIALPROFILE;TYPE=twitter:https://twitter.example/jane
item4.X-ABRELATEDNAMES:Kim\\, Jr.
item4.X-ABLabel:_$!<Spouse>!$_
item5.X-ABRELATEDNAMES:Lee
item5.X-ABLabel:_$!<Child>!$_
item6.X-ABRELATEDNAMES:Pat
item6.X-ABLabel:Godmother
CATEGORIES:Friends,VIP\\, gold
X-GENDER:Female
REV:2001-01-01T00:00:00Z
END:VCARD
"""


def rich(version: str = "3.0") -> Card:
    return Card(RICH.format(version=version))


def empty(version: str = "3.0") -> Card:
    return Card(f"BEGIN:VCARD\nVERSION:{version}\nFN:X\nN:;;;;\nEND:VCARD\n")


def make(*lines: str, version: str = "3.0") -> Card:
    return Card("\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""]))


def get(card: Card, key: str) -> Any:
    return STANDARD[key][1].get(card)


def put(card: Card, key: str, value: Value | None) -> None:
    STANDARD[key][1].put(card, value)


def test_a_card_of_many_shapes_is_read() -> None:
    values = CATALOGUE.values(rich())
    assert values.pop("email") == [
        {"value": "jane@work.example", "type": "work"},
        {"value": "jane@home.example", "type": "home"},
        {"value": "jane@boat.example", "label": "Boat"},
    ]
    assert values == {
        "fn": "Dr. Jane Mary Doe",
        "n.prefix": "Dr.",
        "n.given": "Jane Mary",
        "n.family": "Doe",
        "nickname": "Jay, Jen",
        "org": "Example, Inc.",
        "org.unit": "Research; Lab",
        "title": "Head",
        "tel.mobile": [{"value": "+1 555 1"}],
        "tel.work": [{"value": "+1 555 2"}],
        "tel.work_fax": [{"value": "+1 555 3"}],
        "tel.other_fax": [{"value": "+1 555 4"}],
        "tel.home": [{"value": "+1-555-5"}],
        "tel.other": [{"value": "+1 555 6"}],
        "tel.car": [{"value": "+1 555 7"}],
        "adr.work.po_box": "PO 1",
        "adr.work.extended": "Floor 2",
        "adr.work.street": "12 Example Street\nGate 3",
        "adr.work.city": "Town",
        "adr.work.region": "Region",
        "adr.work.postal_code": "123",
        "adr.work.country": "Land",
        "adr.other.street": "Elsewhere",
        "bday": "--02-29",
        "anniversary": "2001-05-06",
        "note": "First note\n\nZweite",
        "url": [{"value": "https://example.com/a,b", "type": "home"}],
        "im": [{"value": "xmpp:jane@example.com"}],
        "social": [{"value": "https://twitter.example/jane", "type": "twitter"}],
        "related.spouse": "Kim, Jr.",
        "related.child": [{"value": "Lee"}],
        "related.other": [{"value": "Pat", "label": "Godmother"}],
        "categories": [{"value": "Friends"}, {"value": "VIP, gold"}],
        "gender": "Female",
        "uid": "u-1",
    }


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_putting_what_was_got_changes_no_byte(version: str) -> None:
    card = rich(version)
    before = card.text
    values = CATALOGUE.values(card)
    values.pop("uid")
    assert not CATALOGUE.patch(card, values, NOW)
    assert card.text == before


# ---- the laws, for each field


def _line() -> st.SearchStrategy[str]:
    text = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cn"]), min_size=1, max_size=80)
    return text.map(lambda one: " ".join(one.split())).filter(bool)


def _value(field: Field) -> st.SearchStrategy[Value]:
    if field.type == FieldType.DATE:
        days = st.dates().map(lambda day: day.isoformat()).filter(lambda day: day[:4] > "0001")
        return days | st.dates().map(lambda day: f"--{day.isoformat()[5:]}") | st.just("--02-29")
    if not field.is_list:
        if field.type == FieldType.MULTILINE:
            return st.lists(_line(), min_size=1, max_size=4).map("\n".join)
        if field.key in {
            "nickname",
            "org.unit",
            "sort",
        }:  # lists shown as one text: their separators are not kept apart
            word = st.text(st.sampled_from("aÄ '\\:山"), min_size=1).map(str.strip).filter(bool)
            return st.lists(word, min_size=1, max_size=3).map((", " if field.key != "org.unit" else "; ").join)
        if field.key == "gender":
            return _line().filter(lambda text: text not in "MFONU" and not text.startswith(";"))
        return _line()
    extra: dict[str, st.SearchStrategy[str]] = {}
    if "type" in field.attributes:
        extra["type"] = st.sampled_from(["work", "home"] if field.key != "social" else ["twitter", "x-own"])
    if "label" in field.attributes:
        extra["label"] = _line().filter(lambda text: text.lower() not in _TAKEN and not text.startswith("_$!<"))
    value = _uris() if field.key in {"url", "im", "social"} else _line().filter(lambda text: text[:4].lower() != "tel:")
    element = st.fixed_dictionaries({"value": value}, optional=extra)
    return st.lists(element, min_size=1, max_size=5, unique_by=lambda one: one["value"])


_TAKEN = {"work", "home", "spouse", "child", "manager", "assistant"}


def _uris() -> st.SearchStrategy[str]:
    return st.from_regex(r"\A(https://|xmpp:|skype:)[a-z0-9./@%?=&ü-]{1,40}\Z")


def _sorted(field: Field, value: Value) -> Value:
    return sorted(value, key=str) if field.key in {"categories"} and value else value


@pytest.mark.parametrize("field", WRITABLE, ids=lambda field: field.key)
@settings(max_examples=12, deadline=None)
@given(data=st.data(), version=VERSIONS, filled=st.booleans())
def test_what_was_put_is_got_and_all_else_stays(field: Field, data: st.DataObject, version: str, filled: bool) -> None:
    card = rich(version) if filled else empty(version)
    others = {key: get(card, key) for key in STANDARD if key != field.key}
    for _ in range(2):
        value = data.draw(_value(field))
        put(card, field.key, value)
        again = Card(card.text)
        assert _sorted(field, get(again, field.key)) == _sorted(field, value)
        text = again.text
        put(again, field.key, get(again, field.key))
        assert again.text == text
        card = again
    assert {key: get(card, key) for key in others} == others
    if filled:
        assert 'X-UNKNOWN;X-P="a;b":kept\\, as it is\n' in card.text
        assert "PHOTO;ENCODING=b;TYPE=JPEG:AAAA\n BBBB\n" in card.text
    put(card, field.key, None)
    assert get(card, field.key) is None
    assert {key: get(card, key) for key in others} == others


def test_an_edit_touches_the_lines_it_speaks_of_and_no_other() -> None:
    card = rich()
    patch = {"title": "Chief", "tel.work": [{"value": "+1 555 99"}], "adr.work.city": "Village"}
    assert CATALOGUE.patch(card, patch, NOW)
    before, after = RICH.format(version="3.0").splitlines(), Card(card.text.replace("\n ", "")).text.splitlines()
    before[before.index("PHOTO;ENCODING=b;TYPE=JPEG:AAAA")] += "BBBB"
    before.remove(" BBBB")
    assert {old: new for old, new in zip(before, after, strict=True) if old != new} == {
        "TITLE:Head": "TITLE:Chief",
        "TEL;TYPE=WORK,VOICE;X-KEEP=1:+1 555 2": "TEL;TYPE=WORK,VOICE;X-KEEP=1:+1 555 99",
        'ADR;TYPE=WORK;LABEL="12 Example Street":PO 1;Floor 2;12 Example Street\\nGate 3;Town;Region;123;Land': (
            "ADR;TYPE=WORK:PO 1;Floor 2;12 Example Street\\nGate 3;Village;Region;123;Land"
        ),
        "REV:2001-01-01T00:00:00Z": "REV:2027-01-15T08:00:00Z",
    }


# ---- names


def test_a_new_card_has_what_every_card_must_have() -> None:
    card = CATALOGUE.new("m-1", {"n.given": "Ann", "n.family": "Lee", "n.prefix": "Dr."}, NOW)
    assert [line.name for line in card.lines] == ["BEGIN", "VERSION", "FN", "PRODID", "UID", "N", "REV", "END"]
    assert (card.text_of("UID"), card.text_of("FN"), card.version) == ("m-1", "Dr. Ann Lee", "3.0")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"nickname": "Bo", "org": "Acme"}, "Bo"),
        ({"org": "Acme; Inc", "email": [{"value": "a@b"}]}, "Acme; Inc"),
        ({"email": [{"value": "a@b"}], "tel.home": [{"value": "1"}]}, "a@b"),
        ({"tel.home": [{"value": "1"}]}, "1"),
        ({"note": "only this"}, "?"),
    ],
)
def test_a_contact_without_a_name_is_called_by_the_nearest_that_it_has(values: dict[str, Value], name: str) -> None:
    assert CATALOGUE.new("m", values, NOW).text_of("FN") == name


def test_a_full_name_follows_its_parts_only_if_it_was_made_of_them() -> None:
    derived, chosen = make("FN:Ann  Lee", "N:Lee;Ann;;;"), make("FN:Annie", "N:Lee;Ann;;;")
    for card in (derived, chosen):
        CATALOGUE.patch(card, {"n.family": "Low"}, NOW)
    assert (derived.text_of("FN"), chosen.text_of("FN")) == ("Ann Low", "Annie")


def test_a_full_name_keeps_its_spelling_while_its_parts_stay() -> None:
    card = make("FN:  Ann  Lee ", "N:Lee;Ann;;;")
    CATALOGUE.patch(card, {"title": "Boss"}, NOW)
    assert "FN:  Ann  Lee \n" in card.text


@pytest.mark.parametrize(
    ("line", "key", "became"),
    [
        ("ADR;WORK;ENCODING=QUOTED-PRINTABLE:;;Weg 1=0D=0AHof;K=C3=B6ln;;50667;DE", "adr.work.city", "50667;DE"),
        ("ORG;ENCODING=QUOTED-PRINTABLE:One=0AFirm;Two=0AUnits", "org", ";Two\\nUnits"),
        ("N;ENCODING=QUOTED-PRINTABLE:Lee=0D=0A-Low;Ann;;;", "n.given", "N:Lee\\n-Low;"),
    ],
)
def test_an_edit_keeps_the_line_breaks_of_quoted_printable_parts_beside_it(line: str, key: str, became: str) -> None:
    card = make("FN:A", line, version="2.1")
    shown = CATALOGUE.values(card)
    CATALOGUE.patch(card, {key: "New"}, NOW)
    assert CATALOGUE.values(Card(card.text)) == {**shown, key: "New"}
    assert became in card.text


def test_a_full_name_that_is_set_or_cleared_beats_following() -> None:
    card = make("FN:Ann Lee", "N:Lee;Ann;;;")
    CATALOGUE.patch(card, {"n.family": "Low", "fn": "Annie"}, NOW)
    assert card.text_of("FN") == "Annie"
    CATALOGUE.patch(card, {"fn": None}, NOW)
    assert card.text_of("FN") == "Ann Low" == full_name(card)


def test_a_card_without_a_full_name_gets_one_with_the_first_edit() -> None:
    card = make("N:Lee;Ann;;;")
    assert CATALOGUE.values(card)["n.given"] == "Ann"
    CATALOGUE.patch(card, {"note": "x"}, NOW)
    assert card.lines[2].raw == "FN:Ann Lee\n"


def test_of_two_names_the_first_counts_and_the_second_stays() -> None:
    card = make("FN:A", "N:One;A;;;", "N;LANGUAGE=de:Zwei;A;;;")
    put(card, "n.family", "Uno")
    assert get(card, "n.family") == "Uno"
    assert "N;LANGUAGE=de:Zwei;A;;;\n" in card.text


def test_name_parts_of_newer_and_shorter_cards_are_kept() -> None:
    card = make("FN:A", "N:Doe;Ann;;;;Second;Jr.", version="4.0")
    put(card, "n.given", "Bea")
    assert "N:Doe;Bea;;;;Second;Jr.\n" in card.text
    card = make("FN:A", "N:Doe")
    put(card, "n.suffix", "PhD")
    assert "N:Doe;;;;PhD\n" in card.text


@pytest.mark.parametrize(
    ("before", "key", "value", "after"),
    [
        ("Doe;Ann,Beth,Cleo;;;", "n.given", "Ann Beth Clea", "Doe;Ann,Beth,Clea;;;"),
        ("Doe;Ann,Beth,Cleo;;;", "n.given", "Anna Beth Cleo", "Doe;Anna,Beth,Cleo;;;"),
        ("Doe;Ann,Beth;;;", "n.given", "Ann", "Doe;Ann;;;"),
        ("Doe;Ann,Beth;;;", "n.given", "Zoe", "Doe;Zoe;;;"),
        ("Doe;Ann;;;Jr.,M.D.", "n.suffix", "Jr. M.D. PhD", "Doe;Ann;;;Jr.,M.D.,PhD"),
        ("Doe;Ann,Beth;;;", "n.family", "Low", "Low;Ann,Beth;;;"),
        ("Doe;Ann\\, B;;;", "n.given", "Ann, C", "Doe;Ann\\, C;;;"),
    ],
)
def test_several_values_in_one_part_of_a_name_stay_apart(before: str, key: str, value: str, after: str) -> None:
    card = make("FN:X", f"N:{before}", version="4.0")
    put(card, key, value)
    assert f"N:{after}\n" in card.text
    assert get(card, key) == value


def test_a_second_family_name_and_a_generation_go_when_the_name_says_them_no_more() -> None:
    line = "N:García Márquez;Ana;;;Jr.;Márquez;Jr."
    card = make("FN:X", line, version="4.0")
    put(card, "n.given", "Eva")
    assert "N:García Márquez;Eva;;;Jr.;Márquez;Jr.\n" in card.text
    put(card, "n.family", "García Gómez")
    put(card, "n.suffix", None)
    assert "N:García Gómez;Eva;;;;;\n" in card.text


@pytest.mark.parametrize(
    ("sort", "patch", "after"),
    [
        ('"Harten,Rene"', {"n.family": "Jones"}, "Jones, Rene"),
        ('"Harten","Rene"', {"n.given": "Renate"}, "Harten, Renate"),
        ('"Harten"', {"n.family": "Jones", "n.given": "Al"}, "Jones"),
        ('"Van der Harten"', {"n.family": "Jones"}, "Van der Harten"),
        ('"Harten"', {"n.family": "Jones", "sort": "Zed"}, "Zed"),
        ('"Harten"', {"n.prefix": "Dr."}, "Harten"),
    ],
)
def test_a_sorting_text_that_repeats_the_name_follows_it(sort: str, patch: dict[str, Any], after: str) -> None:
    card = make("FN:Rene Harten", f"N;SORT-AS={sort}:Harten;Rene;;;", version="4.0")
    CATALOGUE.patch(card, patch, NOW)
    assert get(card, "sort") == after
    old = make("FN:Rene Harten", "N:Harten;Rene;;;", "SORT-STRING:Harten")
    CATALOGUE.patch(old, {"n.family": "Jones"}, NOW)
    assert get(old, "sort") == "Jones"


@pytest.mark.parametrize("name", ["N:;;;;", "N:", ""])
def test_a_card_with_a_full_name_only_shows_no_parts_and_takes_them(name: str) -> None:
    card = make("FN:Arthur Conan Doyle", *([name] if name else []))
    assert {key for key in ("fn", "n.given", "n.family") if get(card, key)} == {"fn"}
    CATALOGUE.patch(card, {"n.given": "Arthur", "n.family": "Conan Doyle"}, NOW)
    assert (get(card, "fn"), get(card, "n.family")) == ("Arthur Conan Doyle", "Conan Doyle")


# ---- dates


@pytest.mark.parametrize(
    ("line", "date"),
    [
        ("BDAY:1990-04-15", "1990-04-15"),
        ("BDAY:19900415", "1990-04-15"),
        ("BDAY:--0415", "--04-15"),
        ("BDAY:--04-15", "--04-15"),
        ("BDAY;VALUE=date-time:1990-04-15T00:00:00Z", "1990-04-15"),
        ("BDAY:19900415T102200", "1990-04-15"),
        ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-15", "--04-15"),
        ("BDAY;X-APPLE-OMIT-YEAR=1900:1900-04-15", "--04-15"),
        ("BDAY:1604-04-15", "1604-04-15"),
        ("BDAY:0000-04-15", "--04-15"),
        ("BDAY:1990", None),
        ("BDAY:1990-04", None),
        ("BDAY;VALUE=text:circa 1800", None),
        ("BDAY:1990-13-40", None),
        ("BDAY:1990-02-29", None),
        ("BDAY:", None),
    ],
)
def test_dates_are_read_in_all_their_forms(line: str, date: str | None) -> None:
    card = make("FN:A", line)
    assert get(card, "bday") == date
    put(card, "bday", date)
    assert f"\n{line}\n" in card.text


def test_the_year_that_apple_writes_for_none_is_none_in_apple_cards() -> None:
    assert get(make("PRODID:-//Apple Inc.//iOS 17//EN", "BDAY:1604-04-15"), "bday") == "--04-15"


@pytest.mark.parametrize(
    ("version", "lines"),
    [("3.0", ["BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-15", "BDAY:1990-04-15"]), ("4.0", ["BDAY:--0415", "BDAY:19900415"])],
)
def test_dates_are_written_in_the_form_of_the_version(version: str, lines: list[str]) -> None:
    card = empty(version)
    put(card, "bday", "--04-15")
    assert [line.raw.strip() for line in card.all("BDAY")] == lines[:1]
    put(card, "bday", "1990-04-15")
    assert [line.raw.strip() for line in card.all("BDAY")] == lines[1:]


def test_a_birthday_in_words_makes_room_for_a_date_and_there_is_one_birthday() -> None:
    card = make("FN:A", "BDAY;VALUE=text:circa 1800")
    put(card, "bday", "1800-01-01")
    assert [line.raw for line in card.all("BDAY")] == ["BDAY:1800-01-01\n"]


def test_an_anniversary_is_kept_the_same_in_all_its_places() -> None:
    card = make("FN:A", "X-ANNIVERSARY:2001-05-06", "item1.X-ABDATE:2001-05-06", "item1.X-ABLabel:_$!<Anniversary>!$_")
    put(card, "anniversary", "2002-05-06")
    assert card.text.count("2002-05-06") == 2
    put(card, "anniversary", None)
    assert card.text == make("FN:A").text


def test_other_dates_are_left_alone() -> None:
    card = make("FN:A", "item1.X-ABDATE:2001-05-06", "item1.X-ABLabel:First day")
    put(card, "anniversary", "2002-05-06")
    assert "item1.X-ABDATE:2001-05-06\nitem1.X-ABLabel:First day\n" in card.text


# ---- notes and lists


@pytest.mark.parametrize(
    ("new", "notes"),
    [
        ("First!\n\nSecond\n\nThird", ["First!", "Second", "Third"]),
        ("First\n\nSecond!\n\nThird", ["First", "Second!", "Third"]),
        ("First\n\nSecond\n\nThird!", ["First", "Second", "Third!"]),
        ("First\n\nThird", ["First", "Third"]),
        ("Before\n\nFirst\n\nSecond\n\nThird", ["Before\\n\\nFirst", "Second", "Third"]),
        ("All new", ["All new"]),
        (None, []),
    ],
)
def test_an_edit_of_several_notes_changes_those_it_touches(new: str | None, notes: list[str]) -> None:
    card = make("FN:A", "NOTE:First", "NOTE;LANGUAGE=de:Second", "NOTE:Third")
    put(card, "note", new)
    assert [line.value for line in card.all("NOTE")] == notes
    assert get(card, "note") == new


def test_the_preferred_value_comes_first_and_order_is_written() -> None:
    card = make("FN:A", "EMAIL:a@x", "EMAIL;TYPE=pref:b@x", "EMAIL;TYPE=WORK:c@x")
    assert [one["value"] for one in get(card, "email")] == ["b@x", "a@x", "c@x"]
    put(card, "email", [{"value": "c@x", "type": "work"}, {"value": "a@x"}, {"value": "b@x"}])
    assert [line.value for line in card.all("EMAIL")] == ["c@x", "a@x", "b@x"]
    assert "pref" not in card.text


def test_a_value_that_stands_twice_is_shown_once_and_goes_or_stays_as_one() -> None:
    card = make("FN:A", "EMAIL;TYPE=WORK:a@x", "EMAIL;TYPE=HOME:a@x", "EMAIL:b@x")
    assert get(card, "email") == [{"value": "a@x", "type": "work"}, {"value": "b@x"}]
    put(card, "email", [{"value": "a@x", "type": "work"}])
    assert [line.value for line in card.all("EMAIL")] == ["a@x", "a@x"]
    put(card, "email", None)
    assert card.all("EMAIL") == []


def test_an_edited_value_keeps_the_parameters_of_its_line() -> None:
    card = make("FN:A", "EMAIL;TYPE=WORK;X-KEEP=1:a@x", "EMAIL:b@x")
    put(card, "email", [{"value": "new@x", "type": "work"}, {"value": "b@x"}])
    assert [line.raw.strip() for line in card.all("EMAIL")] == ["EMAIL;TYPE=WORK;X-KEEP=1:new@x", "EMAIL:b@x"]


def test_numbers_of_one_kind_do_not_touch_those_of_another() -> None:
    card = rich()
    put(card, "tel.mobile", None)
    put(card, "tel.work_fax", [{"value": "+2"}, {"value": "+3"}])
    assert get(card, "tel.work") == [{"value": "+1 555 2"}]
    assert get(card, "tel.other_fax") == [{"value": "+1 555 4"}]
    assert "TEL;TYPE=WORK,FAX:+3\n" in card.text


def test_a_number_in_the_form_of_a_uri_stays_one_while_it_can() -> None:
    card = make("FN:A", "TEL;VALUE=uri;TYPE=home:tel:+1-2;ext=3", version="4.0")
    assert get(card, "tel.home") == [{"value": "+1-2;ext=3"}]
    put(card, "tel.home", [{"value": "+1-5"}])
    assert "TEL;VALUE=uri;TYPE=home:tel:+1-5\n" in card.text
    put(card, "tel.home", [{"value": "+1 5 (night)"}])
    assert "TEL;TYPE=home:+1 5 (night)\n" in card.text


def test_a_web_address_never_holds_a_bare_separator() -> None:
    card = empty()
    put(card, "url", [{"value": "https://x/a,b;c"}])
    assert card.all("URL")[0].value == "https://x/a%2Cb%3Bc"


def test_old_messenger_properties_stay_what_they_are() -> None:
    card = make("FN:A", "X-SKYPE:joe", "IMPP:xmpp:a@b")
    put(card, "im", [{"value": "skype:jim"}, {"value": "xmpp:a@b"}])
    assert card.all("X-SKYPE")[0].value == "jim"


def test_categories_change_one_by_one() -> None:
    card = make("FN:A", "CATEGORIES:A,B\\, C", "CATEGORIES:D")
    put(card, "categories", [{"value": "B, C"}, {"value": "E"}, {"value": "D"}])
    assert [line.value for line in card.all("CATEGORIES")] == ["B\\, C,E", "D"]


def test_relations_are_written_as_the_version_knows_them() -> None:
    old, new = empty("3.0"), empty("4.0")
    for card in (old, new):
        put(card, "related.manager", "Kim, Jr.")
    assert "item1.X-ABRELATEDNAMES:Kim\\, Jr.\nitem1.X-ABLabel:_$!<Manager>!$_\n" in old.text
    assert "RELATED;TYPE=co-worker,manager;VALUE=text:Kim\\, Jr.\n" in new.text


def test_a_relation_to_another_card_is_no_name() -> None:
    card = make("FN:A", "RELATED;TYPE=spouse:urn:uuid:1", version="4.0")
    assert get(card, "related.spouse") is None
    put(card, "related.spouse", "Kim")
    assert "RELATED;TYPE=spouse:urn:uuid:1\n" in card.text


def test_declared_properties_are_fields() -> None:
    catalogue = Catalogue(
        [Field("X-CUSTOMER", "Customer", custom=True), Field("X-TAG", "Tags", multiple=None, custom=True)]
    )
    card = make("FN:A", "X-Customer:12", "X-TAG:a", "X-TAG:b")
    assert catalogue.values(card, ["X-CUSTOMER", "X-TAG"]) == {
        "X-CUSTOMER": "12",
        "X-TAG": [{"value": "a"}, {"value": "b"}],
    }
    catalogue.patch(card, {"X-CUSTOMER": "13", "X-TAG": [{"value": "b"}]}, NOW)
    assert card.text == make("FN:A", "X-Customer:13", "X-TAG:b").text


def test_only_unknown_and_read_only_fields_are_unwritable() -> None:
    assert CATALOGUE.unwritable({"fn": "A", "uid": "x"}) == "uid"
    assert CATALOGUE.unwritable({"nonsense": "A"}) == "nonsense"
    assert CATALOGUE.unwritable({field.key: None for field in WRITABLE}) == ""
