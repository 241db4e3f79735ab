"""The identity platform of the Outlook sandbox."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from connectors.sandbox import Sandbox
from connectors.sandboxkit.web import Request, Response
from tests.connectors.outlook.graph_client import EMAIL, ORIGIN, GraphClient, form

REDIRECT = "http://localhost:8000/accounts/done"
VERIFIER = "a-verifier-that-is-long-enough-for-the-rule-of-43-characters"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
SCOPE = "openid offline_access https://graph.microsoft.com/Contacts.ReadWrite User.Read"


@pytest.fixture
def graph() -> Iterator[GraphClient]:
    sandbox = Sandbox()
    yield GraphClient(sandbox)
    sandbox.stop()


def ask(graph: GraphClient, method: str, path: str, values: Mapping[str, str], **headers: str) -> Response:
    body = form(values) if method == "POST" else b""
    query = values if method == "GET" else {}
    path = f"/microsoft/common/{path}"
    return graph.sandbox.handle(Request(method, path, query, headers, body, origin=ORIGIN))


def authorize(graph: GraphClient, method: str = "POST", **changes: str) -> Response:
    asked = {
        "client_id": "pairwise",
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": SCOPE,
        "state": "state-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "account": EMAIL,
        "decision": "accept",
    }
    return ask(graph, method, "oauth2/v2.0/authorize", {**asked, **changes})


def answer_of(response: Response) -> dict[str, str]:
    assert response.status == 302, response.body
    location = urlsplit(response.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == REDIRECT
    return {name: values[0] for name, values in parse_qs(location.query).items()}


def redeem(graph: GraphClient, code: str, **changes: str) -> Response:
    asked = {
        "client_id": "pairwise",
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }
    return ask(graph, "POST", "oauth2/v2.0/token", {**asked, **changes})


def refresh(graph: GraphClient, token: str, **changes: str) -> Response:
    asked = {"client_id": "pairwise", "grant_type": "refresh_token", "refresh_token": token}
    return ask(graph, "POST", "oauth2/v2.0/token", {**asked, **changes})


def refusal(response: Response) -> tuple[int, str, list[int]]:
    body = response.json()
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    return response.status, body["error"], body["error_codes"]


def test_the_page_lets_a_person_pick_an_account_and_agree(graph: GraphClient) -> None:
    page = authorize(graph, "GET", decision="", account="", state='"><script>')
    assert page.status == 200
    text = page.body.decode()
    assert EMAIL in text
    assert "Contacts.ReadWrite" in text
    assert "<script>" not in text.replace('<script src="/assets', "")


def test_a_code_becomes_tokens_that_open_the_mailbox(graph: GraphClient) -> None:
    back = answer_of(authorize(graph))
    assert back["state"] == "state-1"
    tokens = redeem(graph, back["code"]).json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 3599
    assert tokens["scope"] == "openid Contacts.ReadWrite User.Read"
    graph.token = tokens["access_token"]
    assert graph.get("/me")["userPrincipalName"] == EMAIL


def test_the_id_token_is_signed_with_the_published_key(graph: GraphClient) -> None:
    tokens = redeem(graph, answer_of(authorize(graph, nonce="n-1"))["code"]).json()
    head, claims, signature = tokens["id_token"].split(".")
    [key] = ask(graph, "GET", "discovery/v2.0/keys", {}).json()["keys"]
    numbers = rsa.RSAPublicNumbers(*(int.from_bytes(decoded(key[part])) for part in ("e", "n")))
    numbers.public_key().verify(decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    said = orjson.loads(decoded(claims))
    assert (said["aud"], said["nonce"], said["preferred_username"]) == ("pairwise", "n-1", EMAIL)
    assert said["iss"].endswith(f"/{said['tid']}/v2.0")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_discovery_names_the_sandboxs_own_addresses(graph: GraphClient) -> None:
    found = ask(graph, "GET", "v2.0/.well-known/openid-configuration", {}).json()
    assert found["token_endpoint"] == f"{graph.sandbox.url}/microsoft/common/oauth2/v2.0/token"


def test_a_declined_consent_goes_back_with_the_reason(graph: GraphClient) -> None:
    back = answer_of(authorize(graph, decision="decline"))
    assert back["error"] == "access_denied"
    assert "AADSTS65004" in back["error_description"]
    assert "code" not in back


def test_an_administrators_consent_can_be_required(graph: GraphClient) -> None:
    graph.api.set_switches(EMAIL, admin_consent_required=True)
    assert answer_of(authorize(graph))["error"] == "consent_required"


def test_silent_sign_in_needs_someone_to_be_known(graph: GraphClient) -> None:
    assert answer_of(authorize(graph, "GET", prompt="none", account="", decision=""))["error"] == "login_required"
    assert "code" in answer_of(authorize(graph, "GET", prompt="none", login_hint=EMAIL, account="", decision=""))


@pytest.mark.parametrize("changes", [{"redirect_uri": "javascript:alert(1)"}, {"redirect_uri": ""}, {"client_id": ""}])
def test_what_cannot_be_sent_back_is_shown_on_the_page(graph: GraphClient, changes: dict[str, str]) -> None:
    answer = authorize(graph, **changes)
    assert answer.status == 400
    assert b"AADSTS" in answer.body


def test_a_code_works_once(graph: GraphClient) -> None:
    code = answer_of(authorize(graph))["code"]
    assert redeem(graph, code).status == 200
    assert refusal(redeem(graph, code)) == (400, "invalid_grant", [54005])


def test_a_code_lives_ten_minutes(graph: GraphClient) -> None:
    code = answer_of(authorize(graph))["code"]
    graph.sandbox.clock.advance(601)
    assert refusal(redeem(graph, code)) == (400, "invalid_grant", [70008])


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"code_verifier": VERIFIER[:-1] + "x"}, 501481),
        ({"code_verifier": ""}, 501481),
        ({"code_verifier": "short"}, 501481),
        ({"redirect_uri": "http://localhost/other"}, 50011),
        ({"client_id": "another"}, 70000),
    ],
)
def test_a_code_in_the_wrong_hands_is_worth_nothing(graph: GraphClient, changes: dict[str, str], number: int) -> None:
    code = answer_of(authorize(graph))["code"]
    assert refusal(redeem(graph, code, **changes)) == (400, "invalid_grant", [number])
    assert redeem(graph, code).status == 200


def test_a_refresh_gives_a_new_refresh_token_and_the_old_one_lives_on(graph: GraphClient) -> None:
    first = graph.tokens["refresh_token"]
    second = refresh(graph, first).json()
    assert second["refresh_token"] != first
    assert second["access_token"] != graph.token
    graph.token = second["access_token"]
    graph.get("/me")
    assert refresh(graph, first).status == 200


def test_a_strict_mailbox_takes_a_refresh_token_once(graph: GraphClient) -> None:
    graph.api.set_switches(EMAIL, rotates_strictly=True)
    first = graph.tokens["refresh_token"]
    second = refresh(graph, first).json()["refresh_token"]
    assert refusal(refresh(graph, first)) == (400, "invalid_grant", [700082])
    assert refresh(graph, second).status == 200


def test_a_revoked_grant_and_other_refusals_of_a_refresh(graph: GraphClient) -> None:
    token = graph.tokens["refresh_token"]
    graph.api.set_switches(EMAIL, refresh_error="50076")
    assert refusal(refresh(graph, token)) == (400, "interaction_required", [50076])
    graph.api.set_switches(EMAIL, refresh_error="7000222")
    assert refusal(refresh(graph, token)) == (401, "invalid_client", [7000222])
    graph.api.set_switches(EMAIL, refresh_error="")
    assert refusal(refresh(graph, token, scope="Mail.ReadWrite")) == (400, "invalid_grant", [65001])
    graph.api.expire_tokens(EMAIL, ["refresh"])
    assert refusal(refresh(graph, token)) == (400, "invalid_grant", [700082])


def test_an_access_token_ends_with_its_time(graph: GraphClient) -> None:
    graph.get("/me")
    graph.sandbox.clock.advance(3600)
    assert graph.ask("GET", "/me").status == 401


def test_once_an_application_is_registered_others_are_refused(graph: GraphClient) -> None:
    graph.api.register_app("pairwise", [REDIRECT], "s3cret")
    code = answer_of(authorize(graph))["code"]
    assert refusal(redeem(graph, code)) == (401, "invalid_client", [7000215])
    assert redeem(graph, code, client_secret="s3cret").status == 200
    assert authorize(graph, client_id="stranger").status == 400
    assert authorize(graph, redirect_uri="http://localhost/other").status == 400
    assert refusal(refresh(graph, "x", client_id="stranger")) == (400, "unauthorized_client", [700016])


def test_the_secret_can_come_in_the_basic_header(graph: GraphClient) -> None:
    graph.api.register_app("pairwise", [REDIRECT], "s3cret")
    asked: dict[str, Any] = {"grant_type": "refresh_token", "refresh_token": graph.tokens["refresh_token"]}
    basic = "Basic " + base64.b64encode(b"pairwise:s3cret").decode()
    assert ask(graph, "POST", "oauth2/v2.0/token", asked, authorization=basic).status == 200


def test_a_missing_parameter_is_named(graph: GraphClient) -> None:
    answer = ask(graph, "POST", "oauth2/v2.0/token", {"client_id": "pairwise"})
    assert refusal(answer) == (400, "invalid_request", [900144])
    assert "'grant_type'" in answer.json()["error_description"]


def test_the_token_endpoint_can_be_out_of_order(graph: GraphClient) -> None:
    graph.sandbox.fault("error", match={"path": "/token$"}, status=503, retry_after=3)
    answer = refresh(graph, graph.tokens["refresh_token"])
    assert refusal(answer)[:2] == (503, "temporarily_unavailable")
    assert answer.headers["Retry-After"] == "3"
    assert refresh(graph, graph.tokens["refresh_token"]).status == 200
