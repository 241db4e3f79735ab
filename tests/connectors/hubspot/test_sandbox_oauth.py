"""Signing in to the sandbox: authorize, tokens, introspection, revocation."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from connectors.sandbox import Sandbox
from tests.connectors.hubspot.served import hubspot_sandbox

EMAIL, SECRET, BACK = "anna@example.com", "a secret", "http://localhost:8000/connect/hubspot/"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
ASKED = {"client_id": "pairwise", "redirect_uri": BACK, "scope": "oauth crm.objects.contacts.read", "state": "s"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with hubspot_sandbox() as running:
        running.part("hubspot").register_app("pairwise", [BACK], SECRET, app_id=54_321)
        running.part("hubspot").add_account(EMAIL)
        yield running


def authorize(sandbox: Sandbox, status: int = 302, decision: str = "allow", **more: str) -> dict[str, str]:
    form = {**ASKED, **more, "account": EMAIL, "decision": decision}
    address = f"{sandbox.url}/hubspot/oauth/authorize"
    answer = requests.post(address, data=form, allow_redirects=False, timeout=5)
    assert answer.status_code == status
    return {name: value[0] for name, value in parse_qs(urlsplit(answer.headers.get("Location", "")).query).items()}


def token(sandbox: Sandbox, status: int, path: str = "/oauth/v3/token", **form: str) -> dict[str, Any]:
    body = {"client_id": "pairwise", "client_secret": SECRET, **form}
    answer = requests.post(f"{sandbox.url}/hubspot{path}", data=body, timeout=5)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


def redeem(sandbox: Sandbox, status: int, code: str, path: str = "/oauth/v3/token", **more: str) -> dict[str, Any]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    return token(sandbox, status, path, **{**form, **more})


def test_one_click_gives_a_code_that_works_once(sandbox: Sandbox) -> None:
    page = requests.get(f"{sandbox.url}/hubspot/oauth/authorize", params=ASKED, timeout=5)
    assert "Connect app" in page.text
    came = authorize(sandbox, code_challenge=CHALLENGE, code_challenge_method="S256")
    assert came["state"] == "s"
    assert redeem(sandbox, 400, came["code"])["status"] == "BAD_CODE_VERIFIER"
    made = redeem(sandbox, 200, came["code"], code_verifier=VERIFIER)
    assert made["scopes"] == ["oauth", "crm.objects.contacts.read"]
    assert (made["expires_in"], made["token_use"]) == (1800, "access_token")
    assert redeem(sandbox, 400, came["code"], code_verifier=VERIFIER)["status"] == "BAD_AUTH_CODE"


@pytest.mark.parametrize(
    "path", ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-03/token", "/oauth/2026-09/token/"]
)
def test_a_refresh_token_stays(sandbox: Sandbox, path: str) -> None:
    made = redeem(sandbox, 200, authorize(sandbox)["code"], path)
    assert ("hub_id" in made) == ("v1" not in path)
    again = token(sandbox, 200, path, grant_type="refresh_token", refresh_token=made["refresh_token"])
    assert again["refresh_token"] == made["refresh_token"]
    assert again["access_token"] != made["access_token"]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"client_id": "other"}, "BAD_CLIENT_ID"),
        ({"client_secret": "wrong"}, "BAD_CLIENT_SECRET"),
        ({"refresh_token": "wrong"}, "BAD_REFRESH_TOKEN"),
        ({"grant_type": "authorization_code", "code": "wrong"}, "BAD_AUTH_CODE"),
    ],
)
def test_refusals_have_a_status_of_their_own(sandbox: Sandbox, form: dict[str, str], status: str) -> None:
    assert token(sandbox, 400, **{"grant_type": "refresh_token", **form})["status"] == status


def test_another_redirect_is_refused(sandbox: Sandbox) -> None:
    code = authorize(sandbox)["code"]
    other = "http://localhost:8000/other/"
    assert redeem(sandbox, 400, code, redirect_uri=other)["status"] == "BAD_REDIRECT_URI"
    authorize(sandbox, 400, redirect_uri=other)


def test_a_person_may_say_no(sandbox: Sandbox) -> None:
    assert authorize(sandbox, decision="deny")["error"] == "access_denied"


def test_an_account_that_lacks_a_scope_cannot_install(sandbox: Sandbox) -> None:
    sandbox.part("hubspot").set_switches(EMAIL, scopes=["oauth", "crm.objects.contacts.read"])
    authorize(sandbox, 400, scope="oauth crm.lists.read")
    code = authorize(sandbox, optional_scope="crm.lists.read")["code"]
    assert redeem(sandbox, 200, code)["scopes"] == ["oauth", "crm.objects.contacts.read"]


def test_a_token_tells_whose_it_is(sandbox: Sandbox) -> None:
    made = redeem(sandbox, 200, authorize(sandbox)["code"])
    about = requests.get(f"{sandbox.url}/hubspot/oauth/v1/access-tokens/{made['access_token']}", timeout=5).json()
    assert (about["hub_id"], about["app_id"], about["user"]) == (made["hub_id"], 54_321, EMAIL)
    known = token(sandbox, 200, "/oauth/v3/token/introspect", token=made["access_token"])
    assert (known["active"], known["hub_id"], known["token_use"]) == (True, made["hub_id"], "access_token")
    bearer = {"Authorization": f"Bearer {made['access_token']}"}
    for path in ("/account-info/v3/details", "/account-info/2026-03/details"):
        details = requests.get(f"{sandbox.url}/hubspot{path}", headers=bearer, timeout=5).json()
        assert (details["portalId"], details["accountType"]) == (made["hub_id"], "STANDARD")


def test_revoking_ends_the_refresh_token_alone(sandbox: Sandbox) -> None:
    made = redeem(sandbox, 200, authorize(sandbox)["code"])
    token(sandbox, 200, "/oauth/v3/token/revoke", token=made["refresh_token"])
    refusal = token(sandbox, 400, grant_type="refresh_token", refresh_token=made["refresh_token"])
    assert (refusal["error"], refusal["status"]) == ("invalid_grant", "BAD_REFRESH_TOKEN")
    assert token(sandbox, 200, "/oauth/v3/token/introspect", token=made["access_token"])["active"]


def test_an_uninstalled_app_has_lost_its_grant(sandbox: Sandbox) -> None:
    hubspot = sandbox.part("hubspot")
    refresh = hubspot.add_account(EMAIL)["refresh_token"]
    hubspot.expire_tokens(EMAIL, ["refresh"])
    assert token(sandbox, 400, grant_type="refresh_token", refresh_token=refresh)["status"] == "BAD_REFRESH_TOKEN"
