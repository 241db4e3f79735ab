from __future__ import annotations

from typing import Any

import pytest

from connectors.base import (
    AuthLost,
    ConnectorError,
    CursorExpired,
    FolderGone,
    Forbidden,
    Unavailable,
    Unsupported,
)
from connectors.outlook.errors import codes_in, error_for, mailbox_error, refusal_of


def error(code: str, message: str = "Words.", inner: Any = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **({"innerError": inner} if inner else {})}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, error("MailboxNotEnabledForRESTAPI"), Unsupported),
        (404, error("MailboxNotSupportedForRESTAPI"), Unsupported),
        (410, error("SyncStateNotFound"), CursorExpired),
        (410, None, CursorExpired),
        (400, error("syncStateNotFound"), CursorExpired),
        (404, error("BadRequest", inner={"code": "resyncRequired"}), CursorExpired),
        (403, error("ErrorAccessDenied"), Forbidden),
        (403, error("AccessDenied", inner={"code": "insufficient_claims"}), AuthLost),
        (404, error("ErrorFolderNotFound"), FolderGone),
        (404, error("ErrorInvalidUser"), FolderGone),
        (400, error("ErrorInvalidIdMalformed"), FolderGone),
        (507, error("ErrorQuotaExceeded"), Unavailable),
        (500, None, Unavailable),
    ],
)
def test_an_answer_about_an_account_or_a_folder_has_its_kind(status: int, body: Any, kind: type) -> None:
    assert type(error_for(status, body)) is kind


def test_what_is_not_known_is_said_with_its_code_but_not_with_its_text() -> None:
    found = error_for(400, error("ErrorInvalidUrlQuery", "secret of Anna Maes"), "the folder")
    assert type(found) is ConnectorError
    assert "errorinvalidurlquery" in str(found)
    assert "Anna" not in str(found)


def test_an_account_without_mailbox_is_told_what_to_do() -> None:
    for code in ("MailboxNotEnabledForRESTAPI", "ResourceNotFound"):
        found = mailbox_error(404, error(code), "")
        assert isinstance(found, Unsupported)
        assert "Exchange Online licence" in str(found)
    assert isinstance(mailbox_error(404, error("ResourceNotFound"), "team@example.com"), FolderGone)


def test_nested_codes_are_all_seen_and_rubbish_is_none() -> None:
    assert codes_in(error("A", inner={"code": "B", "innererror": {"code": "C"}})) == ["a", "b", "c"]
    rubbish: tuple[Any, ...] = (None, [], "x", {"error": "x"}, {"error": {"code": 1}})
    for body in rubbish:
        assert codes_in(body) == []


def test_too_many_values_name_the_field_and_the_limit() -> None:
    message = "The multi value property EmailAddresses has 4 entries, that exceeds the max allowed value of 3."
    field, reason = refusal_of(error("ErrorInvalidProperty", message), {"emailAddresses": [], "givenName": "x"})
    assert field == "emailAddresses"
    assert "at most 3" in reason


def test_a_property_that_is_missing_is_no_fault_of_another() -> None:
    body = error("ErrorInvalidProperty", "The property 'GivenName' is required when creating the entity.")
    assert refusal_of(body, {"surname": "Maes"}) == (
        "",
        "Outlook makes no contact without First name; this one has none.",
    )


def test_a_property_in_the_text_is_the_field_only_if_it_was_sent() -> None:
    body = error("ErrorInvalidProperty", "The property 'Birthday' is wrong.")
    assert refusal_of(body, {"birthday": "x", "givenName": "y"})[0] == "birthday"
    assert refusal_of(body, {"surname": "x", "givenName": "y"})[0] == ""


def test_the_only_property_that_was_sent_is_at_fault() -> None:
    assert refusal_of(error("BadRequest"), {"homeAddress": {}})[0] == "homeAddress.street"


def test_a_refusal_quotes_no_contact() -> None:
    _, reason = refusal_of(error("BadRequest", "Cannot read 'anna@example.com'"), {"givenName": "Anna"})
    assert "anna" not in reason.lower()
