from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest

from connectors.base import (
    AuthLost,
    Forbidden,
    Outcome,
    Unavailable,
    Unsupported,
    Write,
    WriteKind,
)
from connectors.outlook import oauth
from tests.connectors.host import MemoryVault
from tests.connectors.outlook.conftest import Account
from tests.connectors.outlook.scripted import (
    FIELDS,
    Answer,
    batched,
    creates,
    error,
    made,
    outlook,
    reply,
)
from tests.connectors.server import Reply, Request


def signed(token: str, answer: Answer) -> Answer:
    def check(request: Request) -> Reply | None:
        if request.headers.get("Authorization") != f"Bearer {token}":
            return reply(error("InvalidAuthenticationToken"), 401)
        return answer(request)

    return check


REFUSED = {end: signed("new", lambda request: reply({})) for end in ("/me", "/$batch")}


def test_a_token_that_has_run_out_is_renewed_and_the_write_sent_again() -> None:
    tokens = reply({"access_token": "new", "refresh_token": "r2", "expires_in": 3599, "scope": "Contacts.ReadWrite"})
    answers = {"/oauth2/v2.0/token": tokens, "/$batch": signed("new", batched(made))}
    settings = {"client_secret": "s", "tenant": "organizations"}
    with outlook(answers, settings=settings) as (connector, server):
        [result] = connector.write("F", creates(1), FIELDS)
        vault = connector.host.vault
    assert result.outcome == Outcome.DONE
    assert isinstance(vault, MemoryVault)
    assert vault.renewals == 1
    assert vault.secrets.values["refresh_token"] == "r2"
    assert int(vault.secrets.values["expires_at"]) > 0
    form = parse_qs(server.requests[1].body.decode())
    assert server.requests[1].path == "/microsoft/organizations/oauth2/v2.0/token"
    assert form == {
        "client_id": ["app"],
        "client_secret": ["s"],
        "grant_type": ["refresh_token"],
        "refresh_token": ["r1"],
    }
    assert "Authorization" not in server.requests[1].headers


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            400,
            {"error": "invalid_grant", "error_codes": [70008], "error_description": "for anna@example.com"},
            AuthLost,
        ),
        (400, {"error": "interaction_required", "suberror": "basic_action"}, AuthLost),
        (401, {"error": "invalid_client", "error_codes": [7000215]}, Forbidden),
        (400, {"error": "temporarily_unavailable"}, Unavailable),
        (400, {"error": "invalid_scope"}, Forbidden),
        (200, {"token_type": "Bearer"}, Unavailable),
    ],
)
def test_why_a_token_cannot_be_renewed_is_told_apart(status: int, body: Any, kind: type) -> None:
    answers = {"/token": reply(body, status), **REFUSED}
    with outlook(answers) as (connector, _), pytest.raises(kind) as found:
        connector.check()
    assert type(found.value) is kind
    assert "anna" not in str(found.value)
    assert "r1" not in str(found.value)


def test_an_account_without_refresh_token_asks_for_a_person() -> None:
    answers = {**REFUSED}
    with outlook(answers, secrets={"access_token": "old"}) as (connector, _), pytest.raises(AuthLost, match="Connect"):
        connector.check()


def test_an_installation_without_a_registration_says_so() -> None:
    answers = {**REFUSED}
    with outlook(answers, settings={"client_id": ""}) as (connector, _), pytest.raises(Forbidden, match="client id"):
        connector.check()


def test_an_account_with_a_refresh_token_alone_works() -> None:
    tokens = reply({"access_token": "new", "expires_in": 3599})
    answers = {
        "/token": tokens,
        "/me": signed("new", lambda request: reply({"mail": None, "userPrincipalName": "a@example.com"})),
        "/$batch": signed("new", batched(lambda one: {"status": 200, "body": {"value": []}})),
    }
    with outlook(answers, secrets={"refresh_token": "r1"}) as (connector, _):
        assert connector.check() == "a@example.com"
        assert connector.host.vault.current().values["refresh_token"] == "r1"


def test_an_account_without_a_mailbox_is_told_so() -> None:
    refused = batched(lambda one: {"status": 404, "body": error("MailboxNotEnabledForRESTAPI")})
    with outlook({"/me": reply({"id": "1"}), "/$batch": refused}) as (connector, _):
        with pytest.raises(Unsupported, match="Exchange Online licence"):
            connector.check()
        with pytest.raises(Unsupported, match="Exchange Online licence"):
            connector.folders()


# ---- permissions


def test_scopes_are_named_for_the_cloud_and_compared_in_any_form() -> None:
    assert oauth.scope(["offline_access", "Contacts.ReadWrite"]) == "offline_access Contacts.ReadWrite"
    china = oauth.scope(("openid", "Contacts.ReadWrite"), "https://microsoftgraph.chinacloudapi.cn/")
    assert china == "openid https://microsoftgraph.chinacloudapi.cn/Contacts.ReadWrite"
    granted = "openid https://graph.microsoft.com/contacts.readwrite MailboxSettings.Read"
    assert oauth.has_scope(granted, "Contacts.ReadWrite")
    assert oauth.has_scope(granted, "Contacts.Read")
    assert oauth.has_scope(granted, "MailboxSettings.Read")
    assert not oauth.has_scope(granted, "MailboxSettings.ReadWrite")
    assert not oauth.has_scope(granted, "Contacts.ReadWrite.Shared")


def test_an_account_that_may_only_read_says_so_in_its_folders(account: Account) -> None:
    issued = account.api.issue_tokens(account.email, scope="openid offline_access User.Read Contacts.Read")
    connector = account.connect({name: issued[name] for name in ("access_token", "refresh_token", "scope")})
    assert all(folder.read_only for folder in connector.folders())
    folder = connector.folders()[0].id
    with pytest.raises(Forbidden, match="grant the permission"):
        connector.write(folder, [Write(WriteKind.CREATE, "m", values={"surname": "X"})], [])
    assert not any(folder.read_only for folder in account.connect().folders())


def test_an_account_without_the_permission_for_its_name_works(account: Account) -> None:
    issued = account.api.issue_tokens(account.email, scope="Contacts.ReadWrite")
    connector = account.connect({name: issued[name] for name in ("access_token", "refresh_token", "scope")})
    assert connector.check()
