"""The one suite that every connector passes.

A connector's test module holds a `Subject` for its app and one line::

    class TestThisApp(Conformance):
        @pytest.fixture
        def subject(self) -> Subject: ...

Each test starts with an empty folder and ends with nothing to clean up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import cast

import pytest

from connectors.base import (
    ChangePage,
    CursorExpired,
    Departure,
    DepartureKind,
    FolderGone,
    NothingKnown,
    Outcome,
    Record,
    RemovesMarkers,
    ShowsLatest,
    Value,
    Write,
    WriteKind,
    WriteResult,
)
from tests.connectors.shapes import assert_shape
from tests.connectors.subject import Person, Subject

ANNA = Person("Anna", "Maes", "anna@example.com", "Met in Ghent.")
HOSTILE = (
    "Ünïcödé Ægir",
    "山田太郎",
    "محمد الأمين",
    "e\u0301 combining",
    "👩🏽‍🔬 Zoë",
    "semi;colon, comma: colon",
    "quote \" and ' and \\ back\\nslash",
    "<script>alert(1)</script>&amp;",
    "=cmd|' /C calc'!A0",
    "BEGIN:VCARD",
    "$filter eq 'x'",
    "null",
    "0",
    "x" * 60,
)
_markers = count(1)


def marker() -> str:
    """A marker as the engine makes it: 32 hexadecimal digits in the form of a UUID."""
    text = f"{0xC0FFEE00 + next(_markers):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


class Known:
    def __init__(self, records: Sequence[Record]) -> None:
        self.known = {record.id: record.version for record in records}
        self.labels = {record.id: record.labels for record in records}

    def versions(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {key: self.known[key] for key in ids if key in self.known}

    def labelled(self, label: str) -> Sequence[str]:
        return [key for key, labels in self.labels.items() if label in labels]


# ---- small words for long calls


def keys(subject: Subject) -> list[str]:
    return [field.key for field in subject.connector.fields(subject.folder)]


def pages(subject: Subject, cursor: str = "", known: Known | None = None) -> list[ChangePage]:
    return list(subject.connector.changes(subject.folder, cursor, keys(subject), known or NothingKnown()))


def records(found: Sequence[ChangePage]) -> dict[str, Record]:
    return {record.id: record for page in found for record in page.records}


def departures(found: Sequence[ChangePage]) -> dict[str, DepartureKind]:
    return {departure.id: departure.kind for page in found for departure in page.departures}


def read(subject: Subject, record_id: str) -> Record:
    answer = subject.connector.read(subject.folder, [record_id], keys(subject))[record_id]
    assert isinstance(answer, Record)
    return answer


def exists(subject: Subject, record_id: str) -> bool:
    return isinstance(subject.connector.read(subject.folder, [record_id], keys(subject))[record_id], Record)


def write(subject: Subject, *writes: Write) -> list[WriteResult]:
    results = list(subject.connector.write(subject.folder, writes, keys(subject)))
    assert len(results) == len(writes)
    return results


def emails(*addresses: str) -> list[dict[str, Value]]:
    return [{"value": address} for address in addresses]


def addresses(record: Record, subject: Subject) -> list[str]:
    return [element["value"].lower() for element in record.values.get(subject.email, [])]


def create(subject: Subject, person: Person = ANNA, mark: str = "", labels: frozenset[str] = frozenset()) -> Write:
    values: dict[str, Value] = {subject.given: person.given, subject.family: person.family}
    if person.email:
        values[subject.email] = emails(person.email)
    if person.note:
        values[subject.note] = person.note
    return Write(WriteKind.CREATE, mark or marker(), values=values, add_labels=labels)


def update(record: Record, **parts: object) -> Write:
    """An update that was decided on what `record` shows."""
    base = Write(WriteKind.UPDATE, marker(), record.id, record.version, current=dict(record.values), body=record.body)
    return replace(base, **parts)  # type: ignore[arg-type]


def delete(record: Record) -> Write:
    return Write(WriteKind.DELETE, marker(), record.id, record.version, current=record.values, body=record.body)


def done(result: WriteResult) -> Record:
    assert result.outcome == Outcome.DONE, result.reason
    assert result.record is not None
    return result.record


def folded(text: object) -> str:
    return "\n".join(line.rstrip() for line in str(text).replace("\r\n", "\n").split("\n")).strip()


class Conformance:
    """Derive, and say what the `subject` is."""

    @pytest.fixture
    def subject(self, request: pytest.FixtureRequest) -> Subject:
        raise AssertionError("A derived class says what is tested.")

    # ---- what the app is

    def test_the_account_has_a_name(self, subject: Subject) -> None:
        assert subject.connector.check()

    def test_the_folder_is_among_the_folders_and_has_a_path(self, subject: Subject) -> None:
        folders = {folder.id: folder for folder in subject.connector.folders()}
        assert folders[subject.folder].name
        assert folders[subject.folder].path
        assert all(not folder.parent or folder.parent in folders for folder in folders.values())

    def test_the_catalogue_names_each_field_once_and_says_why_one_cannot_be_written(self, subject: Subject) -> None:
        catalogue = subject.connector.fields(subject.folder)
        assert len({field.key for field in catalogue}) == len(catalogue)
        assert {subject.given, subject.family, subject.email, subject.note} <= {field.key for field in catalogue}
        assert all(field.label for field in catalogue)
        assert all(field.reason for field in catalogue if field.read_only)
        assert next(field for field in catalogue if field.key == subject.email).is_list

    # ---- listing

    def test_an_empty_folder_lists_nothing_and_gives_a_cursor(self, subject: Subject) -> None:
        found = pages(subject)
        assert records(found) == {}
        assert found[-1].last
        assert found[-1].listing
        assert found[-1].cursor

    def test_a_listing_names_every_record_once_with_its_values(self, subject: Subject) -> None:
        made = {subject.add(Person(f"Given{n}", f"Family{n}", f"p{n}@example.com")): n for n in range(subject.several)}
        found = pages(subject)
        named = [record.id for page in found for record in page.records]
        assert sorted(named) == sorted(made)
        assert all(page.listing for page in found)
        assert [page.last for page in found] == [False] * (len(found) - 1) + [True]
        for record in records(found).values():
            assert record.values[subject.given] == f"Given{made[record.id]}"
            assert record.values[subject.family] == f"Family{made[record.id]}"
            assert addresses(record, subject) == [f"p{made[record.id]}@example.com"]
            assert record.version

    def test_values_have_the_shapes_of_the_contract(self, subject: Subject) -> None:
        subject.add(replace(ANNA, note="Two\nlines"))
        subject.add(Person("Mononym", ""))
        catalogue = {field.key: field for field in subject.connector.fields(subject.folder)}
        for record in records(pages(subject)).values():
            for key, value in record.values.items():
                assert_shape(catalogue[key], value)

    def test_a_listing_can_be_taken_up_after_any_page_by_another_process(self, subject: Subject) -> None:
        made = {subject.add(Person(f"Given{n}")) for n in range(subject.several)}
        if not subject.pages:
            pytest.skip("this app answers a listing in one page")
        whole = pages(subject)
        assert len(whole) > 1
        for stop in range(1, len(whole)):
            named = set(records(whole[:stop]))
            rest = subject.reconnect().changes(subject.folder, whole[stop - 1].cursor, keys(subject), NothingKnown())
            assert named | set(records(list(rest))) == made

    def test_pages_are_streamed_not_gathered(self, subject: Subject) -> None:
        if not subject.pages or subject.requests() < 0:
            pytest.skip("this app answers a listing in one page, or counts no requests")
        for n in range(subject.several):
            subject.add(Person(f"Given{n}"))
        fields = keys(subject)
        before = subject.requests()
        stream = iter(subject.connector.changes(subject.folder, "", fields, NothingKnown()))
        next(stream)
        first = subject.requests() - before
        list(stream)
        assert first < subject.requests() - before

    def test_only_the_fields_that_were_asked_for_are_shown(self, subject: Subject) -> None:
        subject.add(ANNA)
        found = list(subject.connector.changes(subject.folder, "", [subject.given], NothingKnown()))
        (record,) = records(found).values()
        assert set(record.values) == {subject.given}

    def test_records_known_by_their_version_are_named_but_need_not_be_read(self, subject: Subject) -> None:
        kept = {subject.add(Person(f"Given{n}")) for n in range(3)}
        changed = subject.add(ANNA)
        first = records(pages(subject))
        subject.edit(changed, replace(ANNA, family="Peeters"))
        again = pages(subject, known=Known(list(first.values())))
        unchanged = {key for page in again for key in page.unchanged}
        assert unchanged <= kept
        assert unchanged | set(records(again)) == {*kept, changed}
        assert records(again)[changed].values[subject.family] == "Peeters"

    def test_an_unknown_folder_is_gone(self, subject: Subject) -> None:
        with pytest.raises(FolderGone):
            list(subject.connector.changes(f"{subject.folder}-nowhere", "", keys(subject), NothingKnown()))

    # ---- news

    def test_no_news_is_one_empty_page_and_no_needless_request(self, subject: Subject) -> None:
        subject.add(ANNA)
        cursor = pages(subject)[-1].cursor
        cursor = pages(subject, cursor)[-1].cursor
        fields = keys(subject)
        before = subject.requests()
        found = list(subject.connector.changes(subject.folder, cursor, fields, NothingKnown()))
        assert records(found) == {}
        assert departures(found) == {}
        assert not found[-1].listing
        if before >= 0:
            assert subject.requests() - before <= subject.cost_of_no_news()

    def test_an_edit_is_news_with_the_new_values_and_another_version(self, subject: Subject) -> None:
        anna = subject.add(ANNA)
        subject.add(Person("Bystander"))
        found = pages(subject)
        old = records(found)[anna]
        subject.edit(anna, replace(ANNA, family="Peeters", note=""))
        news = records(pages(subject, found[-1].cursor, Known(list(records(found).values()))))
        assert news[anna].values[subject.family] == "Peeters"
        assert subject.note not in news[anna].values
        assert news[anna].version != old.version

    def test_an_added_record_is_news(self, subject: Subject) -> None:
        cursor = pages(subject)[-1].cursor
        anna = subject.add(ANNA)
        assert set(records(pages(subject, cursor))) == {anna}

    def test_more_news_than_a_page_holds_all_arrive(self, subject: Subject) -> None:
        cursor = pages(subject)[-1].cursor
        made = {subject.add(Person(f"Given{n}")) for n in range(subject.several)}
        found = pages(subject, cursor)
        assert set(records(found)) == made
        assert records(pages(subject, found[-1].cursor, Known(list(records(found).values())))) == {}

    def test_news_can_be_asked_for_again_with_the_same_cursor(self, subject: Subject) -> None:
        cursor = pages(subject)[-1].cursor
        anna = subject.add(ANNA)
        assert set(records(pages(subject, cursor))) == {anna}
        again = list(subject.reconnect().changes(subject.folder, cursor, keys(subject), NothingKnown()))
        assert set(records(again)) == {anna}

    def test_a_deletion_is_a_departure(self, subject: Subject) -> None:
        anna, other = subject.add(ANNA), subject.add(Person("Stays"))
        found = pages(subject)
        subject.remove(anna)
        news = pages(subject, found[-1].cursor, Known(list(records(found).values())))
        assert set(departures(news)) == {anna}
        assert other not in records(news) or exists(subject, other)
        expected = DepartureKind.DELETED if subject.tells_deletions else DepartureKind.UNKNOWN
        assert departures(news)[anna] == expected

    def test_a_record_that_moved_away_was_not_deleted(self, subject: Subject) -> None:
        if not subject.tells_moves:
            pytest.skip("this app has no moves, or cannot tell them")
        anna = subject.add(ANNA)
        found = pages(subject)
        subject.move(anna)
        news = pages(subject, found[-1].cursor, Known(list(records(found).values())))
        assert departures(news)[anna] in (DepartureKind.LEFT, DepartureKind.UNKNOWN)

    def test_made_and_deleted_between_two_looks_is_no_record(self, subject: Subject) -> None:
        cursor = pages(subject)[-1].cursor
        subject.remove(subject.add(ANNA))
        assert records(pages(subject, cursor)) == {}

    def test_a_lost_cursor_is_called_expired(self, subject: Subject) -> None:
        subject.add(ANNA)
        cursor = subject.expired(pages(subject)[-1].cursor)
        with pytest.raises(CursorExpired):
            pages(subject, cursor)
        assert len(records(pages(subject))) == 1

    def test_our_own_writes_come_back_as_we_know_them(self, subject: Subject) -> None:
        anna = subject.add(ANNA)
        found = pages(subject)
        made = done(write(subject, create(subject, Person("Bert", "Claes", "bert@example.com")))[0])
        changed = done(write(subject, update(records(found)[anna], values={subject.family: "Peeters"}))[0])
        subject.settle()
        news = records(pages(subject, found[-1].cursor))
        for record in (made, changed):
            shown = news.get(record.id, record)
            assert (shown.version, shown.values) == (record.version, record.values)

    # ---- reading by id

    def test_every_id_is_answered(self, subject: Subject) -> None:
        anna, gone = subject.add(ANNA), subject.add(Person("Gone"))
        subject.remove(gone)
        answers = subject.connector.read(subject.folder, [anna, gone], keys(subject))
        assert set(answers) == {anna, gone}
        assert isinstance(answers[anna], Record)
        assert isinstance(answers[gone], Departure)

    def test_nothing_is_asked_for_nothing(self, subject: Subject) -> None:
        fields = keys(subject)
        before = subject.requests()
        assert subject.connector.read(subject.folder, [], fields) == {}
        assert list(subject.connector.write(subject.folder, [], fields)) == []
        assert subject.connector.find(subject.folder, [], fields) == {}
        assert subject.requests() == before

    # ---- creates

    def test_a_created_record_is_shown_as_the_app_keeps_it(self, subject: Subject) -> None:
        record = done(write(subject, create(subject))[0])
        assert record.values[subject.given] == "Anna"
        assert record.values[subject.family] == "Maes"
        assert addresses(record, subject) == ["anna@example.com"]
        assert read(subject, record.id).values == record.values
        assert read(subject, record.id).version == record.version

    def test_a_sent_create_is_found_by_its_marker(self, subject: Subject) -> None:
        sent = [create(subject, Person(f"Given{n}")) for n in range(2)]
        made = [done(result) for one in sent for result in write(subject, one)]
        subject.settle()
        found = subject.reconnect().find(subject.folder, [sent[0].marker, marker(), sent[1].marker], keys(subject))
        assert {key: record.id for key, record in found.items()} == {
            one.marker: record.id for one, record in zip(sent, made, strict=True)
        }
        assert found[sent[0].marker].values == made[0].values

    def test_a_repeated_create_makes_a_second_record_only_where_the_app_says_so(self, subject: Subject) -> None:
        sent = create(subject)
        first = done(write(subject, sent)[0])
        second = done(write(subject, sent)[0])
        assert (first.id == second.id) == subject.connector.capabilities.idempotent_creates
        assert len(records(pages(subject))) == (1 if first.id == second.id else 2)

    def test_a_repeated_create_does_not_overwrite_what_a_person_edited_since(self, subject: Subject) -> None:
        if not subject.connector.capabilities.idempotent_creates:
            pytest.skip("creates are not repeated in this app")
        sent = create(subject)
        first = done(write(subject, sent)[0])
        subject.edit(first.id, replace(ANNA, family="Peeters"))
        assert done(write(subject, sent)[0]).values[subject.family] == "Peeters"

    def test_a_lost_answer_is_unknown_and_the_record_is_found(self, subject: Subject) -> None:
        fields = keys(subject)
        sent = create(subject)
        if not subject.lose_answer():
            pytest.skip("no answer can be lost here")
        (result,) = subject.connector.write(subject.folder, [sent], fields)
        assert result.outcome == Outcome.UNKNOWN
        subject.settle()
        assert set(subject.connector.find(subject.folder, [sent.marker], fields)) == {sent.marker}

    def test_markers_are_taken_off_again_and_nothing_else_changes(self, subject: Subject) -> None:
        connector = subject.connector
        if not connector.capabilities.removes_markers:
            pytest.skip("markers stay in this app")
        sent = [create(subject, Person(f"Given{n}")) for n in range(3)]
        made = [done(result) for one in sent for result in write(subject, one)]
        subject.settle()
        remover = cast(RemovesMarkers, connector)
        ids = [*(record.id for record in made[:2]), subject.add(ANNA)]
        assert [remover.remove_markers(subject.folder, ids, {sent[1].marker}) for _ in range(2)] == [1, 0]
        subject.settle()
        found = subject.reconnect().find(subject.folder, [one.marker for one in sent], keys(subject))
        assert set(found) == {sent[1].marker, sent[2].marker}
        assert read(subject, made[0].id).values == made[0].values

    # ---- updates and deletes

    def test_a_patch_leaves_alone_what_it_does_not_speak_of(self, subject: Subject) -> None:
        before = read(subject, subject.add(ANNA))
        after = done(write(subject, update(before, values={subject.family: "Peeters"}))[0])
        derived = {field.key for field in subject.connector.fields(subject.folder) if "full" in field.meaning}
        for key in set(before.values) - derived - {subject.family}:
            assert after.values[key] == before.values[key], key
        assert after.values[subject.family] == "Peeters"
        assert after.version != before.version
        assert read(subject, before.id).values == after.values

    def test_the_answer_to_a_write_is_enough_for_the_next_one(self, subject: Subject) -> None:
        record = done(write(subject, create(subject))[0])
        for family in ("Peeters", "Janssens"):
            record = done(write(subject, update(record, values={subject.family: family}))[0])
        assert read(subject, record.id).values[subject.family] == "Janssens"

    def test_none_clears_a_field(self, subject: Subject) -> None:
        before = read(subject, subject.add(ANNA))
        after = done(write(subject, update(before, values={subject.note: None, subject.email: None}))[0])
        assert subject.note not in after.values
        assert subject.email not in after.values
        assert after.values[subject.given] == "Anna"

    def test_a_list_is_replaced_whole_and_keeps_its_order(self, subject: Subject) -> None:
        record = read(subject, subject.add(ANNA))
        for wanted in (["b@example.com", "anna@example.com"], ["anna@example.com", "c@example.com"], ["c@example.com"]):
            patch = {subject.email: emails(*wanted)}
            record = done(write(subject, update(record, values=patch))[0])
            assert addresses(record, subject) == wanted

    def test_an_update_of_a_record_that_changed_is_stale_and_without_effect(self, subject: Subject) -> None:
        if not subject.connector.capabilities.conditional_updates:
            pytest.skip("this app has no conditional writes")
        before = read(subject, subject.add(ANNA))
        subject.edit(before.id, replace(ANNA, note="A person was here."))
        (result,) = write(subject, update(before, values={subject.note: "So were we."}))
        assert result.outcome == Outcome.STALE
        assert folded(read(subject, before.id).values[subject.note]) == "A person was here."

    def test_a_delete_of_a_record_that_changed_is_stale_and_without_effect(self, subject: Subject) -> None:
        capabilities = subject.connector.capabilities
        if not (capabilities.conditional_updates and capabilities.can_delete):
            pytest.skip("this app has no conditional deletes")
        before = read(subject, subject.add(ANNA))
        subject.edit(before.id, replace(ANNA, note="A person was here."))
        assert write(subject, delete(before))[0].outcome == Outcome.STALE
        assert exists(subject, before.id)

    def test_what_is_gone_is_gone(self, subject: Subject) -> None:
        before = read(subject, subject.add(ANNA))
        subject.remove(before.id)
        results = [write(subject, update(before, values={subject.family: "X"}))[0], write(subject, delete(before))[0]]
        assert [result.outcome for result in results] == [Outcome.GONE, Outcome.GONE]
        assert records(pages(subject)) == {}

    def test_a_delete_deletes(self, subject: Subject) -> None:
        if not subject.connector.capabilities.can_delete:
            pytest.skip("nothing can be deleted in this app")
        before, stays = read(subject, subject.add(ANNA)), subject.add(Person("Stays"))
        assert write(subject, delete(before))[0].outcome == Outcome.DONE
        assert set(records(pages(subject))) == {stays}
        assert write(subject, delete(before))[0].outcome == Outcome.GONE

    # ---- difficult values

    @pytest.mark.parametrize("text", HOSTILE)
    def test_text_comes_back_as_it_was(self, subject: Subject, text: str) -> None:
        record = done(write(subject, create(subject, Person("Given", text, note=f"{text}\nsecond line")))[0])
        assert folded(record.values[subject.family]) == folded(text)
        assert folded(record.values[subject.note]) == folded(f"{text}\nsecond line")
        shown = records(pages(subject))[record.id]
        assert shown.values == record.values

    def test_blank_lines_and_ends_of_lines_survive_or_fold(self, subject: Subject) -> None:
        note = "first\r\n\r\nthird\n\ttabbed\nlast"
        record = done(write(subject, create(subject, replace(ANNA, note=note)))[0])
        assert folded(record.values[subject.note]) == folded(note)

    def test_a_value_without_measure_is_taken_or_refused_and_hurts_nobody_else(self, subject: Subject) -> None:
        writes = [create(subject, replace(ANNA, note="0123456789" * 20_000)), create(subject, Person("Bert"))]
        results = [result for one in writes for result in write(subject, one)]
        assert results[0].outcome in (Outcome.DONE, Outcome.REFUSED)
        if results[0].outcome == Outcome.REFUSED:
            assert results[0].reason
            assert "0123456789" not in results[0].reason
        assert results[1].outcome == Outcome.DONE

    # ---- batches

    def test_a_batch_answers_each_write_in_order(self, subject: Subject) -> None:
        if subject.connector.capabilities.write_batch < 4:
            pytest.skip("this app takes one write at a time")
        here, gone = read(subject, subject.add(ANNA)), read(subject, subject.add(Person("Gone")))
        subject.remove(gone.id)
        results = write(
            subject,
            create(subject, Person("First")),
            update(gone, values={subject.family: "X"}),
            update(here, values={subject.family: "Peeters"}),
            create(subject, Person("Last")),
        )
        assert [result.outcome for result in results] == [
            Outcome.DONE,
            Outcome.GONE,
            Outcome.DONE,
            Outcome.DONE,
        ]
        assert [done(results[n]).values[subject.given] for n in (0, 2, 3)] == ["First", "Anna", "Last"]

    def test_a_full_batch_costs_no_more_requests_than_it_must(self, subject: Subject) -> None:
        size = min(subject.connector.capabilities.write_batch, 25)
        fields = keys(subject)
        writes = [create(subject, Person(f"Given{n}")) for n in range(size)]
        before = subject.requests()
        results = subject.connector.write(subject.folder, writes, fields)
        assert [result.outcome for result in results] == [Outcome.DONE] * size
        if before >= 0:
            assert subject.requests() - before <= subject.cost_of_writes(size)
        assert len(records(pages(subject))) == size

    # ---- the first look

    def test_what_was_changed_last_is_told_without_a_listing(self, subject: Subject) -> None:
        if not subject.connector.capabilities.shows_latest:
            pytest.skip("this app cannot be asked what was changed last")
        asked = cast("ShowsLatest", subject.connector)
        made = [subject.add(Person(f"Given{n}", f"Family{n}", f"p{n}@example.com")) for n in range(4)]
        subject.pass_time()
        subject.edit(made[1], Person("Edited", "Family1", "p1@example.com"))
        subject.settle()
        before = subject.requests()
        latest = asked.latest(subject.folder, 2)
        if latest is None:
            pytest.skip("this folder cannot be asked what was changed last")
        assert latest.count == 4
        assert latest.ids[0] == made[1]
        assert len(latest.ids) == 2
        assert subject.requests() - before <= 3

    # ---- labels

    def test_labels_are_put_on_and_taken_off_without_touching_values(self, subject: Subject) -> None:
        connector = subject.connector
        if connector.capabilities.label_kind is None or not connector.capabilities.creates_labels:
            pytest.skip("this app has no labels that we could make")
        label = connector.create_label(subject.folder, "Färben & Co")
        assert (label.id, label.name) in {(one.id, one.name) for one in connector.labels(subject.folder)}
        before = read(subject, subject.add(ANNA))
        tagged = done(write(subject, update(before, add_labels=frozenset({label.id})))[0])
        assert label.id in tagged.labels
        assert label.id in records(pages(subject))[before.id].labels
        bare = done(write(subject, update(tagged, remove_labels=frozenset({label.id})))[0])
        assert label.id not in bare.labels
        shared = {subject.given, subject.family, subject.email, subject.note}
        for key in shared:
            assert bare.values.get(key) == before.values.get(key)

    def test_a_record_can_be_created_with_a_label(self, subject: Subject) -> None:
        connector = subject.connector
        if connector.capabilities.label_kind is None or not connector.capabilities.creates_labels:
            pytest.skip("this app has no labels that we could make")
        label = connector.create_label(subject.folder, "VIP")
        record = done(write(subject, create(subject, labels=frozenset({label.id})))[0])
        assert label.id in record.labels
        assert label.id in read(subject, record.id).labels

    def test_a_label_is_made_once_whatever_its_case(self, subject: Subject) -> None:
        connector = subject.connector
        if connector.capabilities.label_kind is None or not connector.capabilities.creates_labels:
            pytest.skip("this app has no labels that we could make")
        first = connector.create_label(subject.folder, "VIP")
        assert connector.create_label(subject.folder, "VIP").id == first.id
