"""The dance with a vendor, over real HTTP against the sandbox: what it makes, and that it leaves nothing half-made."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.db import connection as db
from django.test import Client
from django.urls import reverse
from social_django.models import UserSocialAuth

from connections import host
from connections.models import Account, AccountState, AppRegistration, Connection, Membership, Tenant, User
from connectors.sandbox import Sandbox
from tests.factories import make_account, make_connection, make_folder
from tests.people.conftest import Person, member, registered

pytestmark = pytest.mark.django_db
MAIL = "anna@contoso.example"


@pytest.fixture(autouse=True)
def mailbox(request: pytest.FixtureRequest) -> None:
    if "outlook" in request.fixturenames:
        request.getfixturevalue("outlook").add_account(MAIL)


def assert_nothing_made() -> None:
    assert not Account.objects.exists()
    assert not UserSocialAuth.objects.exists()


def connected(person: Person, login: str = MAIL, **more: Any) -> Account:
    answer = person.connect(login, **more)
    assert answer.status_code == 302, answer.content.decode()
    assert answer["Location"] == reverse("accounts", args=[person.tenant.slug])
    return Account.objects.latest("id")


# ---- what it makes


def test_a_person_connects_a_mailbox_and_it_works(anna: Person, outlook: Any) -> None:
    account = connected(anna)
    assert (account.tenant, account.owner, account.app, account.name) == (
        anna.tenant,
        anna.user,
        "outlook",
        "anna-outlook",
    )
    assert (account.remote_name, account.state, account.shared) == (MAIL, AccountState.ACTIVE, True)
    assert account.remote_id == outlook.mailbox(MAIL).user_id
    assert account.client_id == "pairwise-all"
    assert host.connect(account).check() == MAIL
    assert [folder.path for folder in host.connect(account).folders()] == ["Contacts"]
    assert f"Outlook of {MAIL} is connected" in anna.page("accounts")


def test_its_tokens_are_stored_encrypted_and_are_renewed_with_the_registration(anna: Person, outlook: Any) -> None:
    account = connected(anna)
    with db.cursor() as cursor:
        cursor.execute("SELECT secrets FROM connections_account")
        [(stored,)] = cursor.fetchall()
    assert stored.startswith("gAAAA")
    before = account.secrets["refresh_token"]
    outlook.expire_tokens(MAIL)
    assert host.connect(account).check() == MAIL
    account.refresh_from_db()
    assert account.secrets["refresh_token"] != before


def test_it_signs_nobody_in_and_makes_no_user(anna: Person, outlook: Any) -> None:
    users, session = User.objects.count(), dict(anna.client.session)
    connected(anna)
    after = {key: value for key, value in anna.client.session.items() if key.startswith("_auth")}
    assert after == {key: value for key, value in session.items() if key.startswith("_auth")}
    assert User.objects.count() == users
    assert not UserSocialAuth.objects.exists()


def test_the_page_before_says_what_is_asked_for_and_why(anna: Person, outlook: Any) -> None:
    AppRegistration.objects.update(scopes=["MailboxSettings.Read"])
    page = anna.page("account-connect", "outlook")
    assert "Contacts.ReadWrite</strong>: to read and write contacts" in page
    assert "MailboxSettings.Read</strong>: to show your list of categories" in page
    assert "MailboxSettings.ReadWrite" not in page
    asked = parse_qs(urlsplit(anna.leave()).query)["scope"][0].split()
    assert [one.rpartition("/")[2] for one in asked] == [
        "offline_access",
        "openid",
        "User.Read",
        "Contacts.ReadWrite",
        "MailboxSettings.Read",
    ]


def test_state_and_pkce_are_new_each_time(anna: Person, outlook: Any) -> None:
    first, second = (parse_qs(urlsplit(anna.leave()).query) for _ in range(2))
    assert first["code_challenge_method"] == ["S256"]
    for name in ("state", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name][0]) >= 43


def test_several_accounts_of_an_app_belong_to_one_person(anna: Person, outlook: Any) -> None:
    outlook.add_account("anna@private.example", kind="personal")
    names = {connected(anna).name, connected(anna, "anna@private.example").name}
    assert names == {"anna-outlook", "anna-outlook-2"}


def test_the_same_mailbox_lives_in_two_tenants(anna: Person, globex: Tenant, outlook: Any) -> None:
    first = connected(anna)
    member(globex, anna.user.email)
    second = connected(Person(anna.user, globex))
    assert (first.tenant, second.tenant) == (anna.tenant, globex)
    assert first.remote_id == second.remote_id


def test_connecting_a_mailbox_once_more_renews_the_account(anna: Person, outlook: Any) -> None:
    first = connected(anna)
    again = connected(anna)
    assert (again.pk, again.token_version) == (first.pk, first.token_version + 1)
    assert "is connected again" in anna.page("accounts")


def test_a_colleague_who_connects_the_same_mailbox_has_an_account_of_the_own(anna: Person, outlook: Any) -> None:
    first = connected(anna)
    second = connected(Person(member(anna.tenant, "ben@example.com"), anna.tenant), sharing="private")
    assert first.pk != second.pk
    assert (second.owner.email if second.owner else "", second.shared) == ("ben@example.com", False)


@pytest.mark.parametrize("kind", ["organizations", "consumers", "5d1c2b6e-7a0f-4c1e-9f6a-3a1f0d1c7b21"])
def test_the_registration_says_whose_accounts_it_is_for(anna: Person, outlook: Any, kind: str) -> None:
    AppRegistration.objects.update(account_types=kind)
    assert f"/microsoft/{kind}/oauth2/v2.0/authorize?" in anna.leave()
    assert connected(anna).remote_name == MAIL


def test_a_tenants_own_registration_counts(anna: Person, sandbox: Sandbox, outlook: Any) -> None:
    first = connected(anna)
    registered(sandbox, "outlook", anna.tenant)
    outlook.expire_tokens(MAIL)
    assert host.connect(first).check() == MAIL, "renewed through the registration it came through"
    outlook.add_account("ben@contoso.example")
    assert connected(anna, "ben@contoso.example").client_id == "pairwise-Acme"


# ---- nothing half-made


def test_a_declined_consent_leaves_nothing(anna: Person, outlook: Any) -> None:
    answer = anna.client.get(anna.agree(anna.leave(), MAIL, "decline"))
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "At Microsoft the answer was no" in page
    assert reverse("account-connect", args=["acme", "outlook"]) in page
    assert_nothing_made()


@pytest.mark.parametrize(
    ("asked", "missing"),
    [
        ("offline_access openid User.Read", "Contacts.ReadWrite"),
        ("offline_access openid User.Read Contacts.Read", "Contacts.ReadWrite"),
        ("offline_access openid Contacts.ReadWrite", "User.Read"),
        ("openid User.Read Contacts.ReadWrite", "offline_access"),
    ],
)
def test_a_missing_permission_is_named(anna: Person, outlook: Any, asked: str, missing: str) -> None:
    answer = anna.client.get(anna.agree(anna.leave(), MAIL, scope=asked))
    assert f"Microsoft did not grant “{missing}”" in answer.content.decode()
    assert answer.status_code == 403
    assert_nothing_made()


def test_a_state_that_is_not_ours_does_not_spend_the_code(anna: Person, outlook: Any) -> None:
    back = anna.agree(anna.leave(), MAIL)
    forged = re.sub(r"state=[^&]+", "state=forged", back)
    for address in (forged, re.sub(r"&?state=[^&]+", "", back), reverse("connect-back", args=["outlook"])):
        answer = anna.client.get(address)
        assert answer.status_code == 403
        assert "not known here any more" in answer.content.decode()
    assert_nothing_made()
    assert anna.client.get(back).status_code == 302


def test_another_app_s_way_back_does_not_take_the_state(anna: Person, outlook: Any) -> None:
    back = anna.agree(anna.leave(), MAIL).replace("/connect/outlook/", "/connect/salesforce/")
    assert anna.client.get(back).status_code == 403
    assert_nothing_made()


@pytest.mark.parametrize("who", ["nobody", "somebody else"])
def test_the_way_back_belongs_to_the_session_that_left(anna: Person, outlook: Any, who: str) -> None:
    back = anna.agree(anna.leave(), MAIL)
    visitor = Client()
    if who == "somebody else":
        visitor.force_login(member(anna.tenant, "eve@example.com"))
    answer = visitor.get(back)
    assert answer.status_code == 403
    assert "you were signed out meanwhile" in answer.content.decode()
    assert_nothing_made()
    assert anna.client.get(back).status_code == 302, "and the code was not spent by it"


def test_who_signs_in_as_another_meanwhile_gets_nothing(anna: Person, outlook: Any) -> None:
    back = anna.agree(anna.leave(), MAIL)
    session = anna.client.session
    other = member(anna.tenant, "eve@example.com")
    held = session["errands"]
    anna.client.force_login(other)
    session = anna.client.session
    session["errands"] = held
    session.save()
    assert "Somebody else is signed in" in anna.client.get(back).content.decode()
    assert_nothing_made()


def test_the_back_button_connects_nothing_twice(anna: Person, outlook: Any) -> None:
    back = anna.agree(anna.leave(), MAIL)
    assert anna.client.get(back).status_code == 302
    answer = anna.client.get(back)
    assert answer.status_code == 403
    assert "It was used already" in answer.content.decode()
    assert Account.objects.get().token_version == 2


def test_two_tabs_both_arrive(anna: Person, outlook: Any) -> None:
    outlook.add_account("second@contoso.example")
    first, second = anna.leave(), anna.leave()
    assert anna.client.get(anna.agree(second, "second@contoso.example")).status_code == 302
    assert anna.client.get(anna.agree(first, MAIL)).status_code == 302
    assert {one.remote_name for one in Account.objects.all()} == {MAIL, "second@contoso.example"}


def test_a_code_that_has_run_out_is_told(anna: Person, sandbox: Sandbox, outlook: Any) -> None:
    back = anna.agree(anna.leave(), MAIL)
    sandbox.clock.advance(3600)
    answer = anna.client.get(back)
    assert answer.status_code == 403
    assert "took too long, or was used already" in answer.content.decode()
    assert_nothing_made()


def test_a_dance_that_took_too_long_is_told(anna: Person, outlook: Any) -> None:
    back = anna.agree(anna.leave(), MAIL)
    session = anna.client.session
    for held in session["errands"].values():
        held["at"] -= 3600
    session.save()
    assert "not known here any more" in anna.client.get(back).content.decode()
    assert_nothing_made()


def test_what_a_vendor_says_is_not_repeated_but_for_its_code(anna: Person, outlook: Any) -> None:
    state = parse_qs(urlsplit(anna.leave()).query)["state"][0]
    words = {"state": state, "error": "server_error", "error_description": "call 0800-EVIL <b>now</b>"}
    page = anna.client.get(reverse("connect-back", args=["outlook"]), words).content.decode()
    assert "Microsoft is not available at the moment (server_error)" in page
    assert "EVIL" not in page
    state = parse_qs(urlsplit(anna.leave()).query)["state"][0]
    page = anna.client.get(
        reverse("connect-back", args=["outlook"]), {"state": state, "error": "call 0800"}
    ).content.decode()
    assert "0800" not in page
    assert_nothing_made()


def test_a_wrong_registration_is_told_apart_from_a_wrong_person(anna: Person, sandbox: Sandbox, outlook: Any) -> None:
    outlook.register_app("pairwise-all", ["http://localhost:8000/connect/outlook/"], "another secret")
    page = anna.connect(MAIL).content.decode()
    assert "does not accept this installation&#x27;s registration (invalid_client, AADSTS7000215)" in page
    assert_nothing_made()


@pytest.mark.parametrize("fault", ["error", "drop"])
def test_a_vendor_that_fails_leaves_nothing(anna: Person, sandbox: Sandbox, outlook: Any, fault: str) -> None:
    back = anna.agree(anna.leave(), MAIL)
    details = {"status": 503} if fault == "error" else {}
    sandbox.fault(fault, match={"path": "/me$"}, count=0, **details)
    answer = anna.client.get(back)
    assert answer.status_code == 502
    assert "Nothing was connected" in answer.content.decode()
    assert_nothing_made()


def test_a_mailbox_without_rest_access_is_refused_with_the_reason(anna: Person, outlook: Any) -> None:
    outlook.set_switches(MAIL, mailbox_enabled=False)
    page = anna.connect(MAIL).content.decode()
    assert "has no mailbox that Outlook&#x27;s programming interface can reach" in page
    assert "Exchange Online licence" in page
    assert_nothing_made()


def test_who_left_the_tenant_meanwhile_connects_nothing(anna: Person, outlook: Any) -> None:
    back = anna.agree(anna.leave(), MAIL)
    Membership.objects.all().delete()
    assert "no member of this organisation any more" in anna.client.get(back).content.decode()
    assert_nothing_made()


def test_a_registration_that_went_meanwhile_is_told(anna: Person, outlook: Any) -> None:
    back = anna.agree(anna.leave(), MAIL)
    AppRegistration.objects.update(client_id="another")
    assert "was changed meanwhile" in anna.client.get(back).content.decode()
    assert_nothing_made()


def test_going_on_is_a_link_since_a_form_may_lead_nowhere_else(anna: Person, outlook: Any) -> None:
    answer = anna.client.post(reverse("account-connect", args=["acme", "outlook"]), {"sharing": "shared"})
    assert answer.status_code == 200
    assert "form-action 'self'" in answer["Content-Security-Policy"]
    assert 'http-equiv="refresh"' in answer.content.decode()


def test_a_mere_visit_begins_nothing(anna: Person, outlook: Any) -> None:
    anna.page("account-connect", "outlook")
    assert "errands" not in anna.client.session
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(anna.user)
    assert strict.post(reverse("account-connect", args=["acme", "outlook"]), {"sharing": "shared"}).status_code == 403


def test_an_account_that_was_removed_meanwhile_is_told(anna: Person, outlook: Any) -> None:
    account = connected(anna)
    back = anna.agree(anna.leave(account=account), MAIL)
    account.delete()
    page = anna.client.get(back).content.decode()
    assert "This account is not there any more" in page
    assert reverse("account-connect", args=["acme", "outlook"]) in page
    assert_nothing_made()


def test_a_registration_that_no_key_opens_is_told(anna: Person, outlook: Any, settings: Any) -> None:
    back = anna.agree(anna.leave(), MAIL)
    settings.FIELD_ENCRYPTION_KEYS = ["b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItISE="]
    answer = anna.client.get(back)
    assert answer.status_code == 500
    assert "Tell those who run Pairwise" in answer.content.decode()
    assert_nothing_made()


# ---- an administrator must agree first


def test_who_needs_an_administrator_gets_a_link_to_send(anna: Person, sandbox: Sandbox, outlook: Any) -> None:
    outlook.set_switches(MAIL, admin_consent_required=True)
    answer = anna.client.get(anna.agree(anna.leave(), MAIL))
    assert "an administrator must allow Pairwise at Microsoft first" in answer.content.decode()
    assert_nothing_made()
    page = anna.page("account-connect", "outlook")
    link = page.partition('id="consent" readonly value="')[2].partition('"')[0].replace("&amp;", "&")
    assert link.startswith(f"{sandbox.url}/microsoft/organizations/v2.0/adminconsent?client_id=pairwise-all&")
    came_back = requests.get(link, allow_redirects=False, timeout=10).headers["Location"]
    assert came_back.startswith("http://localhost:8000/connect/outlook/?admin_consent=True&")
    thanks = Client().get(came_back.removeprefix("http://localhost:8000"))
    assert (thanks.status_code, "Thank you" in thanks.content.decode()) == (200, True), "without signing in"


@pytest.mark.parametrize("more", [{"admin_consent": "True", "tenant": "x"}, {}])
def test_an_administrator_who_did_not_agree_is_not_thanked(client: Client, more: dict[str, str]) -> None:
    refused = {"error": "access_denied", "error_description": "AADSTS65004", **more}
    page = client.get(reverse("connect-back", args=["outlook"]), refused).content.decode()
    assert "Outlook was not allowed" in page
    assert "Thank you" not in page


# ---- again


@pytest.fixture
def lost(anna: Person, outlook: Any) -> Account:
    """An account that Microsoft does not take any more, in use by a connection that knows where it stood."""
    account = connected(anna)
    connection = make_connection(make_folder(account, cursor="where-it-stood"))
    Connection.objects.filter(pk=connection.pk).update(due_at=None)
    Account.objects.filter(pk=account.pk).update(state=AccountState.NEEDS_AUTHORISATION, reason="the grant is gone")
    account.refresh_from_db()
    return account


def test_the_same_mailbox_goes_on_where_it_stood(
    anna: Person, lost: Account, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    called: list[Any] = []
    monkeypatch.setattr("connections.scheduling.async_task", lambda *call: called.append(call))
    with django_capture_on_commit_callbacks(execute=True):
        assert anna.connect(MAIL, account=lost).status_code == 302
    lost.refresh_from_db()
    assert (lost.state, lost.reason) == (AccountState.ACTIVE, "")
    connection = Connection.objects.get()
    assert called == [("connections.tasks.run", connection.pk)]
    assert connection.folder_a.cursor == "where-it-stood"


def test_another_mailbox_is_refused_with_both_names_and_offered_as_a_new_account(
    anna: Person, lost: Account, outlook: Any
) -> None:
    outlook.add_account("other@contoso.example")
    before = dict(lost.secrets)
    answer = anna.connect("other@contoso.example", account=lost)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert f"You signed in as other@contoso.example, but this account is {MAIL}" in page
    assert "Connect other@contoso.example as a new account" in page
    lost.refresh_from_db()
    assert (dict(lost.secrets), lost.remote_name, lost.state) == (before, MAIL, AccountState.NEEDS_AUTHORISATION)
    assert Account.objects.filter(app="outlook").count() == 1
    address = anna.leave(login="other@contoso.example")
    assert parse_qs(urlsplit(address).query)["login_hint"] == ["other@contoso.example"]
    assert anna.client.get(anna.agree(address, "other@contoso.example")).status_code == 302
    assert Account.objects.filter(app="outlook").count() == 2


def test_an_account_made_by_hand_is_known_by_its_name(anna: Person, lost: Account, outlook: Any) -> None:
    outlook.add_account("other@contoso.example")
    Account.objects.filter(pk=lost.pk).update(remote_id="", owner=None)
    assert anna.connect("other@contoso.example", account=lost).status_code == 409
    assert anna.connect(MAIL, account=lost).status_code == 302
    lost.refresh_from_db()
    assert (lost.remote_id, lost.owner) == (outlook.mailbox(MAIL).user_id, anna.user)


def test_an_account_that_was_never_asked_is_asked_while_its_access_works(anna: Person, outlook: Any) -> None:
    issued = outlook.add_account(MAIL)
    outlook.add_account("other@contoso.example")
    names = ("access_token", "refresh_token")
    secrets = {name: issued[name] for name in names}
    row = AppRegistration.objects.get()
    account = make_account(
        anna.tenant, app="outlook", base_url=row.base_url, login_url=row.login_url, secrets=secrets, owner=anna.user
    )
    assert anna.connect("other@contoso.example", account=account).status_code == 409
    account.refresh_from_db()
    assert dict(account.secrets) == secrets
    assert anna.connect(MAIL, account=account).status_code == 302


def test_the_page_says_what_was_granted(anna: Person, outlook: Any) -> None:
    account = connected(anna)
    AppRegistration.objects.update(scopes=["MailboxSettings.Read"])
    page = anna.page("account-again", account.pk)
    lines = [line for line in page.splitlines() if "<li><strong>" in line]
    assert len(lines) == 1
    assert lines[0].count("(allowed now)") == 4
    assert "your list of categories</li>" in lines[0], "asked for, and not given yet"


def test_the_vendor_is_asked_to_offer_the_same_login_first(anna: Person, lost: Account) -> None:
    assert parse_qs(urlsplit(anna.leave(account=lost)).query)["login_hint"] == [MAIL]


def test_a_paused_account_stays_paused(anna: Person, lost: Account) -> None:
    Account.objects.update(state=AccountState.PAUSED, reason="holidays")
    assert anna.connect(MAIL, account=lost).status_code == 302
    lost.refresh_from_db()
    assert (lost.state, lost.reason) == (AccountState.PAUSED, "holidays")


def test_a_colleague_takes_an_account_over_by_signing_in(anna: Person, lost: Account) -> None:
    colleague = Person(member(anna.tenant, "ben@example.com"), anna.tenant)
    assert colleague.connect(MAIL, account=lost).status_code == 302
    lost.refresh_from_db()
    assert lost.owner == colleague.user


# ---- HubSpot


@pytest.fixture
def hubspot(sandbox: Sandbox, db: None) -> Any:
    registered(sandbox, "hubspot", scopes=["crm.lists.read", "crm.objects.owners.read"])
    found = sandbox.part("hubspot")
    found.add_account("anna@acme.example")
    return found


def test_an_account_is_the_portal_whoever_signs_in(anna: Person, hubspot: Any) -> None:
    portal = str(hubspot.account("anna@acme.example").portal)
    account = connected(anna, portal, app="hubspot")
    assert (account.remote_id, account.remote_name) == (portal, f"HubSpot {portal}")
    assert host.connect(account).check() == f"HubSpot {portal}"
    hubspot.add_account("eve@globex.example")
    other = str(hubspot.account("eve@globex.example").portal)
    assert anna.connect(other, "hubspot", account).status_code == 409
    assert anna.connect(portal, "hubspot", account).status_code == 302


def test_what_an_account_cannot_grant_and_does_not_need_is_no_hindrance(anna: Person, hubspot: Any) -> None:
    query = parse_qs(urlsplit(anna.leave("hubspot")).query)
    assert "crm.lists.read" not in query["scope"][0].split()
    assert query["optional_scope"] == ["crm.lists.read crm.objects.owners.read"]
    known = hubspot.account("anna@acme.example")
    hubspot.set_switches(known.portal, scopes=[one for one in known.on("scopes") if one != "crm.lists.read"])
    account = connected(anna, str(known.portal), app="hubspot")
    granted = account.secrets["scope"].split()
    assert ("crm.objects.owners.read" in granted, "crm.lists.read" in granted) == (True, False)


# ---- Salesforce


@pytest.fixture
def salesforce(sandbox: Sandbox, db: None) -> Any:
    registered(sandbox, "salesforce")
    found = sandbox.part("salesforce")
    found.add_account("anna@acme.example")
    return found


def test_an_organisation_is_connected_and_known_again(anna: Person, salesforce: Any) -> None:
    account = connected(anna, "anna@acme.example", app="salesforce", place="main")
    org = salesforce.org("anna@acme.example")
    assert (account.remote_id, account.remote_name) == (org.id[:15], "Acme")
    assert host.connect(account).check() == "Acme"
    salesforce.add_account("eve@globex.example")
    refused = anna.connect("eve@globex.example", "salesforce", account)
    assert refused.status_code == 409
    other = salesforce.org("eve@globex.example")
    for name in (f"Acme ({org.id[:15]})", f"Acme ({other.id[:15]})"):
        assert name in refused.content.decode()
    assert anna.connect("anna@acme.example", "salesforce", account).status_code == 302


@pytest.mark.parametrize(
    ("place", "own", "host_name"),
    [
        ("sandbox", "", "https://test.salesforce.com/"),
        ("own", "acme", "https://acme.my.salesforce.com/"),
        ("own", "https://acme--uat.sandbox.my.salesforce.com/", "https://acme--uat.sandbox.my.salesforce.com/"),
    ],
)
def test_people_sign_in_where_their_organisation_does(
    anna: Person, salesforce: Any, place: str, own: str, host_name: str
) -> None:
    assert anna.leave("salesforce", place=place, own=own).startswith(f"{host_name}services/oauth2/authorize?")


@pytest.mark.parametrize("own", ["", "evil.example", "https://my.salesforce.com.evil.example", "acme/evil?x", "a b"])
def test_the_client_secret_goes_nowhere_but_to_salesforce(anna: Person, salesforce: Any, own: str) -> None:
    form = {"sharing": "shared", "place": "own", "own": own}
    answer = anna.client.post(reverse("account-connect", args=["acme", "salesforce"]), form)
    assert answer.status_code == 200
    assert "Enter" in answer.content.decode()
    assert "errands" not in anna.client.session
