from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.base import AuthLost, ConnectorError, Field, FolderGone, Forbidden, Throttled, Unavailable, Unsupported
from connectors.hubspot.addresses import Addresses
from connectors.hubspot.errors import Problem, error_for, problem_of, problems_in, refusal_of, wait_of

FIELDS = {key: Field(key, key.title()) for key in ("email", "phone", "jobtitle")}


def invalid(*faults: tuple[str, str]) -> dict[str, Any]:
    inner = [{"isValid": False, "message": "…", "error": code, "name": name, "portalId": 1} for name, code in faults]
    text = f"Property values were not valid: {orjson.dumps(inner).decode()}"
    return {"status": "error", "category": "VALIDATION_ERROR", "message": text}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("PROPERTY_DOESNT_EXIST", "does not exist"),
        ("INVALID_EMAIL", "no email address"),
        ("INVALID_OPTION", "only the options"),
        ("READ_ONLY_VALUE", "by itself"),
        ("INVALID_INTEGER", "whole numbers"),
        ("INVALID_DATE", "whole dates"),
        ("REGEX_MISMATCH", "A rule of the HubSpot account"),
    ],
)
def test_the_list_inside_the_text_names_the_field_and_says_it_for_people(code: str, words: str) -> None:
    key, reason = refusal_of(problem_of(invalid(("phone", code)), 400), FIELDS, ["email", "phone"])
    assert key == "phone"
    assert "Phone" in reason
    assert words in reason


def test_the_list_beside_the_text_does_so_too() -> None:
    errors = [{"code": "INVALID_EMAIL", "message": "x is invalid", "context": {"propertyName": ["email"]}}]
    problem = problem_of({"category": "VALIDATION_ERROR", "errors": errors}, 400)
    assert refusal_of(problem, FIELDS, ["email", "phone"])[0] == "email"


def test_a_field_that_an_administrator_requires_is_said_to_be_missing() -> None:
    key, reason = refusal_of(problem_of(invalid(("jobtitle", "REQUIRED_FIELD")), 400), FIELDS, ["email"])
    assert (key, "Jobtitle is required" in reason) == ("", True)


@pytest.mark.parametrize(
    "message",
    [
        "Contact already exists. Existing ID: 12345",
        "Cannot set propertyName=code, value=x on 7. 12345 already has that value.",
    ],
)
def test_who_is_there_already_is_named(message: str) -> None:
    assert Problem(409, "CONFLICT", message).existing == "12345"


def test_a_conflict_of_an_address_is_said_without_the_address() -> None:
    problem = problem_of({"category": "CONFLICT", "message": "Contact already exists. Existing ID: 5"}, 409)
    assert refusal_of(problem, FIELDS, ["email"]) == ("email", refusal_of(problem, FIELDS, ["email"])[1])
    assert "another contact" in refusal_of(problem, FIELDS, ["email"])[1].lower()


def test_an_answer_in_parts_names_the_inputs_of_each_error() -> None:
    body = {"errors": [{**invalid(("phone", "INVALID_LONG")), "context": {"objectWriteTraceId": ["w1", "w2"]}}]}
    [problem] = problems_in(body)
    assert problem.traces == ("w1", "w2")


@pytest.mark.parametrize("body", [None, [], "x", {}, {"errors": "x"}, {"message": 3, "errors": [None], "context": []}])
def test_answers_of_any_shape_are_understood_as_far_as_they_go(body: Any) -> None:
    assert problem_of(body, 400).code == "status 400"
    assert refusal_of(problem_of(body, 400), FIELDS, [])[1]
    assert isinstance(error_for(400, body, "contacts"), ConnectorError)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AuthLost), (403, Forbidden), (404, FolderGone), (414, Unsupported), (423, Throttled), (477, Throttled),
     (502, Unavailable), (524, Unavailable), (400, ConnectorError)],
)  # fmt: skip
def test_a_status_says_what_a_person_can_do(status: int, kind: type[ConnectorError]) -> None:
    error = error_for(status, None, "contacts")
    assert type(error) is kind


def test_a_missing_permission_is_named() -> None:
    body = {"category": "MISSING_SCOPES", "errors": [{"context": {"requiredGranularScopes": ["crm.lists.read"]}}]}
    assert "crm.lists.read" in str(error_for(403, body, "lists"))


def test_the_time_of_a_move_is_taken_from_the_answer() -> None:
    error = error_for(477, None, "contacts", 3600.0)
    assert isinstance(error, Throttled)
    assert error.after == 3600.0


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"policyName": "TEN_SECONDLY_ROLLING", "message": "You have reached your ten_secondly_rolling limit."}, 10.0),
        ({"message": "You have reached your secondly limit.", "category": "RATE_LIMITS"}, 1.0),
        ({"policyName": "DAILY", "message": "You have reached your daily limit."}, 900.0),
        (None, 10.0),
    ],
)
def test_how_long_to_wait_depends_on_the_limit_that_was_met(body: Any, seconds: float) -> None:
    assert wait_of(body) == seconds


@pytest.mark.parametrize(
    ("version", "paths"),
    [
        (
            "v3",
            [
                *("/crm/v3/objects/contacts/batch/read", "/crm/v3/properties/contacts/groups", "/crm/v3/owners"),
                *("/crm/v3/lists/search", "/oauth/v3/token/revoke", "/account-info/v3/details"),
                "/communication-preferences/v4/statuses/a@b.c/unsubscribe-all?channel=EMAIL",
            ],
        ),
        (
            "2026-09",
            [
                *("/crm/objects/2026-09/contacts/batch/read", "/crm/properties/2026-09/contacts/groups"),
                *("/crm/owners/2026-09", "/crm/lists/2026-09/search", "/oauth/2026-09/token/revoke"),
                "/account-info/2026-09/details",
                "/communication-preferences/2026-09/statuses/a@b.c/unsubscribe-all?channel=EMAIL",
            ],
        ),
    ],
)
def test_one_value_says_where_everything_lies(version: str, paths: list[str]) -> None:
    at = Addresses.of(version)
    assert [
        at.objects("contacts", "/batch/read"), at.properties("contacts", "/groups"), at.owners(), at.lists("/search"),
        at.token("/revoke"), at.account(), at.unsubscribe_all("a@b.c"),
    ] == paths  # fmt: skip


@pytest.mark.parametrize("version", ["v2", "2026", "2026-9", "../evil", "20260-9"])
def test_what_is_no_version_is_said_to_be_none(version: str) -> None:
    with pytest.raises(Unsupported):
        Addresses.of(version)


def test_the_address_of_a_person_cannot_lead_elsewhere() -> None:
    assert "/../" not in Addresses.of("").unsubscribe_all("a/../b@c.d")
