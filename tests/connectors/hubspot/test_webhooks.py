from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.hubspot.webhooks import WEBHOOKS, Event, EventKind, events, receive, verify
from connectors.news import Delivery, Untrusted

SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"  # noqa: S105
URI = "https://www.example.com/webhook_uri"
BODY = b"{'example_field':'example_value'}"
STAMP = "1693657560000"
SIGNATURE = "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
SENT_AT = int(STAMP) / 1000
HEADERS = {"X-HubSpot-Signature-v3": SIGNATURE, "X-HubSpot-Request-Timestamp": STAMP}


def signed(uri: str, body: bytes = BODY, stamp: str = STAMP) -> dict[str, str]:
    source = b"POST" + uri.encode() + body + stamp.encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), source, hashlib.sha256).digest()).decode()
    return {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp}


def test_the_vendors_own_example_is_taken() -> None:
    assert verify(SECRET, "POST", URI, HEADERS, BODY, SENT_AT)


@pytest.mark.parametrize("late", [-300.0, 0.0, 299.9])
def test_a_signature_counts_for_five_minutes(late: float) -> None:
    assert verify(SECRET, "POST", URI, HEADERS, BODY, SENT_AT + late)


@pytest.mark.parametrize("late", [-301.0, 301.0, 86_400.0])
def test_an_old_one_does_not(late: float) -> None:
    assert not verify(SECRET, "POST", URI, HEADERS, BODY, SENT_AT + late)


@pytest.mark.parametrize(
    ("secret", "method", "uri", "headers", "body"),
    [
        ("", "POST", URI, HEADERS, BODY),
        (SECRET[:-1], "POST", URI, HEADERS, BODY),
        (SECRET, "GET", URI, HEADERS, BODY),
        (SECRET, "POST", URI + "?a=1", HEADERS, BODY),
        (SECRET, "POST", URI, HEADERS, BODY + b" "),
        (SECRET, "POST", URI, {}, BODY),
        (SECRET, "POST", URI, {**HEADERS, "X-HubSpot-Request-Timestamp": "soon"}, BODY),
        (SECRET, "POST", URI, {**HEADERS, "X-HubSpot-Request-Timestamp": "9" * 400}, BODY),
        (SECRET, "POST", URI, {**HEADERS, "X-HubSpot-Request-Timestamp": "1693657560001"}, BODY),
        (SECRET, "POST", URI, {**HEADERS, "X-HubSpot-Signature-v3": "é"}, BODY),
    ],
)
def test_anything_else_is_not_from_hubspot(
    secret: str, method: str, uri: str, headers: dict[str, str], body: bytes
) -> None:
    assert not verify(secret, method, uri, headers, body, SENT_AT)


@pytest.mark.parametrize("escape", ["%3A", "%2F", "%3F", "%40", "%21", "%24", "%27", "%28", "%29", "%2A", "%2C", "%3B"])
@pytest.mark.parametrize("fold", [str.upper, str.lower])
def test_some_escapes_of_the_address_are_signed_decoded(escape: str, fold: object) -> None:
    plain = bytes.fromhex(escape[1:]).decode()
    called = f"{URI}?to=a{fold(escape)}b"  # type: ignore[operator]
    assert verify(SECRET, "POST", called, signed(f"{URI}?to=a{plain}b"), BODY, SENT_AT)


@pytest.mark.parametrize("escape", ["%20", "%26", "%3D", "%23", "%25", "%C3%A9"])
def test_all_others_as_they_are(escape: str) -> None:
    assert verify(SECRET, "POST", f"{URI}?to=a{escape}b", signed(f"{URI}?to=a{escape}b"), BODY, SENT_AT)


@given(st.binary(max_size=200), st.integers(0, 199))
def test_one_changed_byte_is_noticed(body: bytes, at: int) -> None:
    headers = signed(URI, body)
    assert verify(SECRET, "POST", URI, headers, body, SENT_AT)
    changed = body[:at] + b"!" + body[at:]
    assert not verify(SECRET, "POST", URI, headers, changed, SENT_AT)


# ---- what they say


def raw(kind: str, **more: object) -> dict[str, object]:
    return {
        "eventId": 1, "subscriptionId": 12345, "portalId": 62515, "appId": 54321, "occurredAt": 1564113600000,
        "subscriptionType": kind, "attemptNumber": 0, "objectId": 123, **more,
    }  # fmt: skip


def said(*listed: dict[str, object]) -> list[Event]:
    return events(orjson.dumps(listed))


def test_a_change_names_account_contact_and_field() -> None:
    [event] = said(raw("contact.propertyChange", propertyName="email", propertyValue="a@b.c"))
    assert (event.portal, event.id, event.kind, event.field, event.at) == (
        *("62515", "123", EventKind.CHANGED, "email", 1564113600.0),
    )


def test_the_same_event_delivered_again_has_the_same_key_and_another_has_not() -> None:
    first, again, later, other = said(
        raw("contact.propertyChange", propertyName="email"),
        raw("contact.propertyChange", propertyName="email", eventId=2, attemptNumber=3),
        raw("contact.propertyChange", propertyName="email", occurredAt=1564113600001),
        raw("contact.propertyChange", propertyName="phone"),
    )
    assert first.key == again.key
    assert len({first.key, later.key, other.key}) == 3


def test_a_merge_names_the_contact_that_it_made_and_the_former_ones() -> None:
    merged = raw("contact.merge", primaryObjectId=123, mergedObjectIds=[123, 124], newObjectId=200)
    [event] = said(merged)
    assert (event.id, set(event.others)) == ("200", {"123", "124"})


def test_newer_subscriptions_say_object_and_its_number() -> None:
    [event] = said(raw("object.creation", objectTypeId="0-1"), raw("object.creation", objectTypeId="0-2"))
    assert event.kind is EventKind.CREATED


def test_associations_name_the_contact_that_they_come_from() -> None:
    body = raw("contact.associationChange", fromObjectId=7, toObjectId=8)
    del body["objectId"]
    assert said(body)[0].id == "7"


def test_what_is_not_about_contacts_is_left_out() -> None:
    assert said(raw("company.creation"), raw("deal.propertyChange"), raw("contact.somethingNew"), {}) == []


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"nonsense", b"[1]", b"[[]]", orjson.dumps([raw("contact.creation", objectId="x")]),
             orjson.dumps([raw("contact.creation")] * 101)],
)  # fmt: skip
def test_another_shape_is_said_to_be_one(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(this|a list|an event) "):
        events(body)


# ---- what they mean for us


class Keys:
    def is_state(self, state: str) -> bool:
        return False

    def secrets(self) -> Mapping[str, str]:
        return {"other": "x" * 36, "mine": SECRET, "none": ""}


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    return Delivery(URI, {}, {name.lower(): value for name, value in headers.items()}, body, SENT_AT)


def test_news_names_account_and_contact_once_and_the_registration_that_proved_it() -> None:
    change = raw("contact.propertyChange", propertyName="email")
    merge = raw("contact.merge", objectId=200, primaryObjectId=123, mergedObjectIds=[123, 124], newObjectId=200)
    body = orjson.dumps([change, {**change, "propertyName": "phone"}, merge])
    reply = receive(delivery(body, signed(URI, body)), Keys())
    assert reply.client_id == "mine"
    assert sorted((one.account, one.record) for one in reply.news) == [("62515", id) for id in ("123", "124", "200")]


def test_what_nobody_signed_is_not_even_read() -> None:
    with pytest.raises(Untrusted):
        receive(delivery(b"no json at all", {}), Keys())


def test_an_operator_is_told_every_kind_of_event_that_matters() -> None:
    for kind in set(EventKind) - {EventKind.ASSOCIATED}:
        assert f"contact.{kind}" in {event.partition(":")[0] for event in WEBHOOKS.events}
