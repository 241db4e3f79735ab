from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from connectors.base import AuthLost, Forbidden, NothingKnown, Throttled, Unavailable
from connectors.hubspot import oauth, signin
from connectors.hubspot.connector import HubSpot
from connectors.sandbox import Sandbox
from tests.connectors.host import MemoryLimits, MemoryVault, WallClock, make_host
from tests.connectors.hubspot.conftest import Account
from tests.connectors.hubspot.test_writing import create, send

REDIRECT = "http://localhost/done"
VERIFIER = "v" * 50


def vault_of(connector: HubSpot) -> MemoryVault:
    vault = connector.host.vault
    assert isinstance(vault, MemoryVault)
    return vault


def limits_of(connector: HubSpot) -> MemoryLimits:
    limits = connector.host.limits
    assert isinstance(limits, MemoryLimits)
    return limits


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_every_version_of_the_api_will_do(account: Account, version: str) -> None:
    account.settings["api_version"] = version
    connector = account.connect()
    assert connector.check() == f"HubSpot {account.secrets['hub_id']}"
    account.api.expire_tokens(account.user)
    assert send(connector, create(firstname="Anna"))[0].record is not None
    assert signin.identify(connector.host).id == account.secrets["hub_id"]


def test_an_expired_token_is_renewed_once_and_the_call_repeated(account: Account) -> None:
    connector = account.connect()
    for count in (1, 2):
        account.api.expire_tokens(account.user)
        connector.check()
        assert vault_of(connector).renewals == count
    assert vault_of(connector).current().values["refresh_token"] == account.secrets["refresh_token"]


def test_a_token_is_renewed_before_it_ends(account: Account) -> None:
    ends = str(int(1_800_000_000 + 30))
    connector = account.connect(expires_at=ends)
    connector.check()
    assert vault_of(connector).renewals == 1
    assert int(vault_of(connector).current().values["expires_at"]) >= int(ends) + 60
    asked = [one for one in account.asked() if "contacts" in one]
    assert len(asked) == 2, "nothing had to be asked twice"


def test_an_uninstalled_app_asks_for_a_person(account: Account) -> None:
    connector = account.connect()
    account.api.expire_tokens(account.user, ("access", "refresh"))
    with pytest.raises(AuthLost, match="invalid_grant"):
        connector.check()


def test_a_token_that_was_pasted_is_not_renewed(sandbox: Sandbox) -> None:
    account = Account(sandbox, static=True)
    connector = account.connect()
    assert connector.check().startswith("HubSpot ")
    assert signin.identify(connector.host).id in connector.check()
    account.api.expire_tokens(account.user, ("static",))
    with pytest.raises(AuthLost, match="Make a new one"):
        connector.check()
    account.close()


def test_a_renewal_that_leads_to_another_account_is_refused(account: Account) -> None:
    connector = account.connect(hub_id="1")
    account.api.expire_tokens(account.user)
    with pytest.raises(AuthLost, match="another account"):
        connector.check()


def test_an_installation_without_a_registration_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(Forbidden, match="not registered at HubSpot"):
        oauth.redeem(make_host(f"{sandbox.url}/hubspot"), "x", REDIRECT, VERIFIER)


def test_a_code_that_is_none_is_no_fault_of_the_registration(account: Account) -> None:
    with pytest.raises(AuthLost):
        oauth.redeem(account.connect().host, "x", REDIRECT, VERIFIER)


def test_a_person_authorises_an_account_and_takes_it_back(account: Account, sandbox: Sandbox) -> None:
    address = f"{sandbox.url}/hubspot"
    host = make_host(address, login_url=address, settings=account.settings, clock=WallClock())
    query = {
        "client_id": "pairwise",
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "state": "s",
        "scope": " ".join(one.name for one in signin.OAUTH.required),
        "optional_scope": " ".join(one.name for one in signin.OAUTH.optional),
        "account": account.secrets["hub_id"],
        "decision": "allow",
    }
    back = requests.post(signin.sign_in(address, {}), data=query, allow_redirects=False, timeout=10)
    code = parse_qs(urlsplit(back.headers["Location"]).query)["code"][0]
    secrets = oauth.redeem(host, code, REDIRECT, VERIFIER)
    assert secrets["hub_id"] == account.secrets["hub_id"]
    assert 1700 < int(secrets["expires_at"]) - time.time() < 1900
    assert all(signin.OAUTH.is_granted(secrets, scope.name) for scope in signin.SCOPES)
    connector = account.connect(**secrets)
    signin.OAUTH.revoke(connector.host)  # type: ignore[misc]
    account.api.expire_tokens(account.user)
    with pytest.raises(AuthLost):
        account.connect(**secrets).check()


def test_what_was_not_granted_is_known(account: Account) -> None:
    granted = {"scope": "oauth crm.objects.contacts.read communication_preferences.read_write"}
    assert oauth.is_granted(granted, "crm.objects.contacts.read")
    assert oauth.is_granted(granted, "communication_preferences.write")
    assert not oauth.is_granted(granted, "crm.lists.read")
    assert oauth.is_granted({}, "crm.lists.read"), "of a token that was pasted nobody said what it may"


# ---- limits


def test_it_slows_down_before_the_limit(account: Account) -> None:
    account.api.set_switches(account.user, burst_limit=20)
    connector = account.connect()
    for _ in range(18):
        connector.lists.all()
    assert limits_of(connector).told == []
    connector.lists.all()
    assert {kind for kind, _ in limits_of(connector).told} == {"read", "write"}
    with pytest.raises(Throttled):
        connector.lists.all()


def test_each_limit_has_a_time_of_its_own(account: Account) -> None:
    account.api.set_switches(account.user, burst_limit=0, search_per_second=1)
    connector = account.connect()
    cursor = '[false,1800000000000,0,0,"","","",0,[],[]]'

    def look(times: int) -> None:
        for _ in range(times):
            list(connector.changes("contacts", cursor, ["email"], NothingKnown()))

    with pytest.raises(Throttled) as error:
        look(20)
    assert error.value.after == 1.0
    account.fault("throttle", path="contacts$", retry_after=None)
    with pytest.raises(Throttled) as error:
        account.connect().check()
    assert error.value.after == 10.0


def test_the_calls_of_the_day_are_not_used_up(sandbox: Sandbox) -> None:
    account = Account(sandbox, static=True)
    connector = account.connect(api_share="50")
    connector.lists.all()
    account.api.set_used(account.user, 130_000)
    connector.lists.all()
    with pytest.raises(Throttled):
        connector.lists.all()
    account.api.set_used(account.user, 260_000)
    with pytest.raises(Throttled) as error:
        account.connect(api_share="100").lists.all()
    assert error.value.after == 900.0
    account.close()


def test_an_account_that_is_moved_is_waited_for(account: Account) -> None:
    account.fault("error", path="lists", status=477, retry_after=3600)
    with pytest.raises(Throttled) as error:
        account.connect().lists.all()
    assert error.value.after == 3600.0


def test_a_permission_that_is_missing_is_named(sandbox: Sandbox) -> None:
    account = Account(sandbox, static=True, scopes=["oauth"])
    with pytest.raises(Forbidden, match=r"crm\.objects\.contacts\.read"):
        account.connect().check()
    account.close()


def test_a_token_that_may_only_read_contacts_will_do(sandbox: Sandbox) -> None:
    wanted = ["crm.objects.contacts.read", "crm.schemas.contacts.read"]
    account = Account(sandbox, static=True, scopes=wanted)
    account.load({"firstname": "Anna"})
    connector = account.connect()
    assert connector.check().startswith("HubSpot")
    owner = next(one for one in connector.fields("contacts") if one.key == "hubspot_owner_id")
    assert "permission to read owners" in owner.reason
    found = list(connector.changes("contacts", "", ["firstname"], NothingKnown()))
    assert [record.values for page in found for record in page.records] == [{"firstname": "Anna"}]
    [refused] = [one for one in connector.folders() if one.id == "contacts"]
    assert not refused.read_only, "of a token that was pasted nobody said what it may"
    account.close()


def test_a_gateways_page_is_no_answer(account: Account) -> None:
    account.fault("error", status=502, html=True, count=0)
    with pytest.raises(Unavailable):
        account.connect().lists.all()
