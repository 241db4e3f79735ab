from __future__ import annotations

import pytest

from connectors.base import AddressRefused, AuthLost, Forbidden, Throttled, Unavailable, Unsupported
from connectors.salesforce import oauth
from connectors.sandbox import Sandbox
from tests.connectors.host import MemoryLimits, MemoryVault, make_host
from tests.connectors.salesforce.conftest import Account
from tests.connectors.salesforce.test_writing import create, send

REDIRECT = "http://localhost/done"
VERIFIER = "v" * 50


@pytest.mark.parametrize("rotates", [False, True])
def test_an_expired_session_is_renewed_once_and_the_call_repeated(sandbox: Sandbox, rotates: bool) -> None:
    account = Account(sandbox, rotates_refresh_tokens=rotates)
    connector = account.connect()
    for _ in range(2):
        account.api.expire_tokens(account.user)
        assert connector.check() == "Acme"
    vault = connector.host.vault
    assert isinstance(vault, MemoryVault)
    assert vault.renewals == 2
    assert (vault.current().values["refresh_token"] != account.secrets["refresh_token"]) == rotates
    account.close()


def test_a_withdrawn_grant_asks_for_a_person(account: Account) -> None:
    connector = account.connect()
    account.api.expire_tokens(account.user, ("access", "refresh"))
    with pytest.raises(AuthLost, match="invalid_grant"):
        connector.check()


def test_a_renewal_that_leads_to_another_organisation_is_refused(account: Account) -> None:
    connector = account.connect(id="https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA")
    account.api.expire_tokens(account.user)
    with pytest.raises(AuthLost, match="another organisation"):
        connector.check()


def test_calls_go_where_the_last_token_says(account: Account, sandbox: Sandbox) -> None:
    connector = account.connect(instance_url="http://localhost:1")
    with pytest.raises(Unavailable):
        connector.check()
    account.api.expire_tokens(account.user)
    connector = account.connect(instance_url=sandbox.url.replace("127.0.0.1", "localhost") + "/salesforce")
    assert connector.check() == "Acme"
    assert connector.api.instance == f"{sandbox.url}/salesforce"


def test_an_installation_without_a_registration_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(Forbidden, match="not registered at Salesforce"):
        oauth.redeem(make_host("", login_url=f"{sandbox.url}/salesforce"), "x", REDIRECT, VERIFIER)


@pytest.mark.parametrize(
    ("entered", "host"),
    [
        ("", "https://login.salesforce.com"),
        ("production", "https://login.salesforce.com"),
        ("sandbox", "https://test.salesforce.com"),
        ("acme", "https://acme.my.salesforce.com"),
        ("acme--test.sandbox.my.salesforce.com", "https://acme--test.sandbox.my.salesforce.com"),
        ("https://acme.my.salesforce.com/", "https://acme.my.salesforce.com"),
    ],
)
def test_people_name_production_a_sandbox_or_their_domain(entered: str, host: str) -> None:
    assert oauth.endpoint(entered, "token") == f"{host}/services/oauth2/token"


def test_a_domain_that_is_none_is_refused() -> None:
    with pytest.raises(AddressRefused):
        oauth.login_host("acme/evil?x")


# ---- the account as a whole


def test_the_organisations_calls_are_not_used_up(account: Account) -> None:
    connector = account.connect(api_share="50")
    assert connector.check() == "Acme"
    account.api.set_used(account.user, 7500)
    connector.folders()
    limits = connector.host.limits
    assert isinstance(limits, MemoryLimits)
    assert {kind for kind, _ in limits.told} == {"read", "write"}
    with pytest.raises(Throttled):
        connector.folders()


def test_an_organisation_without_calls_left_asks_for_patience(account: Account) -> None:
    connector = account.connect(api_share="100")
    account.api.set_used(account.user, 15000)
    with pytest.raises(Throttled, match="used up its API calls"):
        connector.folders()


def test_an_edition_without_api_says_so(account: Account) -> None:
    account.api.set_switches(account.user, api_enabled=False)
    with pytest.raises(Unsupported, match="API Enabled"):
        account.connect().check()


def test_a_user_who_may_only_look_is_told_at_the_first_write(account: Account) -> None:
    account.api.set_switches(account.user, read_only=True)
    [result] = send(account.connect(), create(LastName="Maes"))
    assert result.reason == "This user may not change this contact in Salesforce."


def test_a_gateways_page_is_no_answer(account: Account) -> None:
    connector = account.connect()
    account.fault("error", status=502, html=True, count=0)
    with pytest.raises(Unavailable):
        connector.folders()
