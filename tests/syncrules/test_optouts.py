"""An opt-out goes across by itself; nobody is opted in again but by a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Field, FieldType, Value
from syncrules.catalogue import Catalogue
from syncrules.mapping import compile_mapping
from syncrules.merge import Policy, SideState, bases_after, merge_pair
from syncrules.optouts import CHOSEN
from syncrules.specs import MappingSpec, Mode, Side

A = Catalogue([Field("HasOptedOut", "Email opt-out", FieldType.BOOLEAN, meaning="opt_out.email")])
B = Catalogue([Field("optout", "No mail", FieldType.BOOLEAN, meaning="opt_out.email")])
LINE = compile_mapping(MappingSpec.from_dict({"name": "Opt-out", "a": ["HasOptedOut"], "b": ["optout"]}), A, B, "BE")
flags = st.sampled_from([True, False, None])


def merge(a: Value, b: Value, base_a: Value, base_b: Value, based: bool = True, winner: Side = Side.A):  # type: ignore[no-untyped-def]
    bases = ({"HasOptedOut": base_a}, {"optout": base_b}) if based else ({}, {})
    here, there = SideState({"HasOptedOut": a}, bases[0]), SideState({"optout": b}, bases[1])
    return merge_pair([LINE], here, there, Policy(winner=winner))


@given(flags, flags, flags, flags, st.booleans(), st.sampled_from(list(Side)))
def test_nobody_is_opted_in_by_a_merge(
    a: Value, b: Value, base_a: Value, base_b: Value, based: bool, winner: Side
) -> None:
    merged = merge(a, b, base_a, base_b, based, winner)
    assert not (a and "HasOptedOut" in merged.to_a)
    assert not (b and "optout" in merged.to_b)


def test_an_opt_out_goes_across_whoever_wins() -> None:
    for winner in Side:
        assert merge(True, False, False, False, winner=winner).to_b == {"optout": True}
        assert merge(None, True, None, None, based=False, winner=winner).to_a == {"HasOptedOut": True}


@pytest.mark.parametrize("mode", list(Mode))
def test_an_opt_out_goes_across_in_every_mode_and_whatever_is_said_there(mode: Mode) -> None:
    """A plain no is no value that an opt-out would have to spare."""
    line = compile_mapping(MappingSpec("Opt-out", ("HasOptedOut",), ("optout",), mode=mode), A, B, "BE")
    here = SideState({"HasOptedOut": True}, {"HasOptedOut": False})
    there = SideState({"optout": False}, {"optout": False})
    assert merge_pair([line], here, there, Policy()).to_b == {"optout": True}


def test_who_subscribed_again_on_one_side_waits_for_a_person() -> None:
    merged = merge(True, False, True, True)
    assert (merged.to_a, merged.to_b, merged.conflicts) == ({}, {}, ("Opt-out",))
    passed_on = merge(True, False, True, CHOSEN)
    assert (passed_on.to_a, passed_on.conflicts) == ({"HasOptedOut": False}, ())
    assert [note.why for note in passed_on.notes] == ["taken back on b, passed on by a person"]


def test_nothing_and_no_are_the_same() -> None:
    merged = merge(None, False, None, None, based=False)
    assert (merged.to_a, merged.to_b) == ({}, {})
    assert bases_after([LINE], {}, {"optout": False})[1] == {"optout": False}
