"""Match keys: normalised, and never made of nothing."""

from __future__ import annotations

import pytest

from connectors.base import FieldType
from syncrules.catalogue import Catalogue
from syncrules.keys import KeyReader, MatchKeys, is_role_address
from tests.syncrules.catalogues import POOR, RICH, mails, many, text

READER = KeyReader(POOR, "BE")


def test_all_keys_are_read_and_normalised() -> None:
    values = {
        "givenName": " Anna ",
        "surname": "van  Dam",
        "companyName": "ACME  n.v.",
        "emailAddresses": mails("Anna@Example.com", "anna@example.com", "b@x.com"),
        "mobilePhone": "0470 12 34 56",
        "businessPhones": [{"value": "+32 2 123 45 67 ext. 8"}, {"value": "0032 470 12 34 56"}],
    }
    assert READER.read(values) == MatchKeys(
        ("anna@example.com", "b@x.com"), ("+32470123456", "+3221234567"), "anna van dam", "acme n v"
    )


def test_both_kinds_of_catalogue_give_the_same_keys() -> None:
    card = {"n.given": "Anna", "n.family": "van Dam", "tel.work": [{"value": "tel:+32470123456"}]}
    assert KeyReader(RICH, "BE").read(card) == READER.read(
        {"givenName": "anna", "surname": "Van Dam", "mobilePhone": "0470123456"}
    )


def test_an_empty_record_has_no_key() -> None:
    assert READER.read({}) == MatchKeys()


@pytest.mark.parametrize(
    "email", ["none@none.com", "N/A@x.com", "noemail@x.com", "nonsense", "a@b", "no@no.no", "@x.be"]
)
def test_a_placeholder_address_is_no_key(email: str) -> None:
    assert READER.read({"emailAddresses": mails(email)}).emails == ()


@pytest.mark.parametrize(
    "phone", ["0000000", "+32 000 00 00 00", "1234567", "123", "call me", "112", "+1 111 111 1111"]
)
def test_a_placeholder_number_is_no_key(phone: str) -> None:
    assert READER.read({"mobilePhone": phone}).phones == ()


@pytest.mark.parametrize("name", ["Unknown", "N/A", "test", "-", "No Name", "???"])
def test_a_placeholder_name_is_no_key(name: str) -> None:
    assert READER.read({"givenName": name, "companyName": name}) == MatchKeys()


def test_a_full_name_counts_where_there_are_no_parts() -> None:
    for full in ("Anna van Dam", "van Dam, Anna", "Dr. Anna van Dam PhD"):
        assert READER.read({"displayName": full}).name == "anna van dam"


def test_a_fax_or_an_assistants_number_is_no_key() -> None:
    catalogue = Catalogue(
        [many("fax", "phone.work_fax", FieldType.PHONE), many("assistant", "phone.assistant", FieldType.PHONE)]
    )
    number = [{"value": "+32 470 12 34 56"}]
    assert KeyReader(catalogue, "BE").read({"fax": number, "assistant": number}).phones == ()


def test_a_single_address_field_of_any_app_is_read() -> None:
    catalogue = Catalogue([text("work_email", type=FieldType.EMAIL), text("email", "email", FieldType.EMAIL)])
    assert KeyReader(catalogue, "BE").read({"email": "A@x.com", "work_email": "b@x.com"}).emails == (
        "b@x.com",
        "a@x.com",
    )


@pytest.mark.parametrize("email", ["info@x.be", "INFO@x.be", "no-reply@x.be", "sales+be@x.be", "kontakt@x.de"])
def test_addresses_of_functions_are_known(email: str) -> None:
    assert is_role_address(email)


@pytest.mark.parametrize("email", ["anna@x.be", "infos.anna@x.be", "salesman@x.be"])
def test_addresses_of_persons_are_no_function(email: str) -> None:
    assert not is_role_address(email)
