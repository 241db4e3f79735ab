"""Clients that this project did not write use the Outlook sandbox, unchanged but for the base address."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from O365 import Account, MSGraphProtocol
from O365.address_book import ContactFolder
from O365.utils.token import MemoryTokenBackend
from requests_oauthlib import OAuth2Session  # type: ignore[import-untyped]

from connectors.sandbox import Sandbox

EMAIL = "anna.peeters@example.com"
CLIENT_ID = "6731de76-14a6-49ae-97bc-6eba6914391e"
REDIRECT = "http://localhost/done"
SCOPES = ["openid", "profile", "offline_access", "User.Read", "Contacts.ReadWrite", "MailboxSettings.ReadWrite"]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        running.part("outlook").add_account(EMAIL, name="Anna Peeters")
        yield running


def signed_in(sandbox: Sandbox) -> dict[str, object]:
    """The whole dance with requests-oauthlib: authorize with PKCE, back with a code, token."""
    session = OAuth2Session(CLIENT_ID, redirect_uri=REDIRECT, scope=SCOPES, pkce="S256")
    base = f"{sandbox.url}/microsoft/common/oauth2/v2.0"
    address, state = session.authorization_url(f"{base}/authorize", prompt="none", login_hint=EMAIL)
    back = session.get(address, allow_redirects=False, withhold_token=True).headers["Location"]
    assert parse_qs(urlsplit(back).query)["state"] == [state]
    token: dict[str, object] = session.fetch_token(f"{base}/token", authorization_response=back, include_client_id=True)
    return token


@pytest.fixture
def account(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Account:
    """O365 with its protocol's address pointed at the sandbox and a token from the sandbox's own identity platform."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    monkeypatch.setattr(MSGraphProtocol, "_protocol_url", f"{sandbox.url}/graph/")
    backend = MemoryTokenBackend()
    backend.add(
        {
            "client_id": CLIENT_ID,
            "scope": SCOPES,
            "token_endpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/token",
            "response": signed_in(sandbox),
        }
    )
    return Account(CLIENT_ID, auth_flow_type="public", token_backend=backend)


def test_o365_is_signed_in_with_the_sandboxs_tokens(account: Account) -> None:
    assert account.is_authenticated
    assert account.username == EMAIL
    assert account.directory(resource="me").get_current_user().user_principal_name == EMAIL


def test_o365_creates_reads_updates_and_deletes_a_contact(account: Account, sandbox: Sandbox) -> None:
    book = account.address_book()
    contact = book.new_contact()
    contact.name = "Garth"
    contact.surname = "Fort"
    contact.emails.add("garth@fabrikam.example")
    contact.business_phones = ["+1 732 555 0102"]
    contact.company_name = "Fabrikam"
    contact.categories = ["Customers"]
    assert contact.save()

    query = book.q()
    query = query.any("email_addresses", query.equals("address", "garth@fabrikam.example"))
    [found] = book.get_contacts(query=query)
    assert found.object_id == contact.object_id
    assert (found.name, found.surname, found.company_name) == ("Garth", "Fort", "Fabrikam")
    assert found.categories == ["Customers"]

    found.job_title = "Buyer"
    assert found.save()
    [stored] = sandbox.part("outlook").contacts(EMAIL)
    assert (stored["jobTitle"], stored["companyName"]) == ("Buyer", "Fabrikam")

    assert found.delete()
    assert list(book.get_contacts()) == []


def test_o365_pages_through_a_large_address_book(account: Account, sandbox: Sandbox) -> None:
    sandbox.part("outlook").load(EMAIL, ({"givenName": "Person", "surname": f"{number:04}"} for number in range(65)))
    contacts = list(account.address_book().get_contacts(limit=None, batch=20, order_by="surname"))
    assert [contact.surname for contact in contacts] == [f"{number:04}" for number in range(65)]


def test_o365_lists_makes_renames_and_deletes_folders(account: Account) -> None:
    book = account.address_book()
    book.create_child_folder("Customers")
    [made] = book.get_folders()
    customers = ContactFolder(parent=book, **{book._cloud_data_key: {"id": made.folder_id, "displayName": made.name}})
    customers.create_child_folder("Old")
    assert [folder.name for folder in book.get_folders()] == ["Customers"]
    assert [folder.name for folder in customers.get_folders()] == ["Old"]
    assert book.get_folder(folder_name="Customers") == customers

    assert customers.update_folder_name("Clients")
    assert book.get_folder(folder_id=customers.folder_id).name == "Clients"
    assert customers.delete()
    assert book.get_folders() == []


def test_o365_follows_delta_links(account: Account, sandbox: Sandbox) -> None:
    """O365 has no call for contact delta, so its connection asks and its contact reads what comes back."""
    book = account.address_book()
    [first] = sandbox.part("outlook").load(EMAIL, [{"givenName": "Ada", "surname": "Lovelace"}])
    delta = account.con.get(book.build_url("/contactFolders/contacts/contacts/delta")).json()
    [shown] = [book.contact_constructor(parent=book, **{book._cloud_data_key: item}) for item in delta["value"]]
    assert shown.full_name == "Ada Lovelace"

    shown.nick_name = "The Countess"
    shown.job_title = "Analyst"
    assert shown.save()
    delta = account.con.get(delta["@odata.deltaLink"]).json()
    assert [item["jobTitle"] for item in delta["value"]] == ["Analyst"]

    assert shown.delete()
    delta = account.con.get(delta["@odata.deltaLink"]).json()
    assert [(item["id"], item["@removed"]) for item in delta["value"]] == [(shown.object_id, {"reason": "deleted"})]
    assert sandbox.part("outlook").contacts(EMAIL, "Deleted Items")[0]["id"] == first


def test_o365_manages_master_categories(account: Account) -> None:
    categories = account.outlook_categories()
    made = categories.create_category("Customers", color="blue")
    assert made.name == "Customers"
    assert "Customers" in {category.name for category in categories.get_categories()}

    assert made.update_color("cranberry")
    assert categories.get_category(made.object_id).color.value == "preset9"
    assert made.delete()
    assert "Customers" not in {category.name for category in categories.get_categories()}


def test_o365_tells_why_a_request_was_refused(account: Account) -> None:
    contact = account.address_book().new_contact()
    contact.name = "Crowded"
    for number in range(4):
        contact.emails.add(f"{number}@example.com")
    with pytest.raises(Exception, match="EmailAddresses has 4 entries, that exceeds the max allowed value of 3"):
        contact.save()


def test_requests_oauthlib_refreshes_and_gets_a_new_refresh_token(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    token = signed_in(sandbox)
    session = OAuth2Session(CLIENT_ID, token=token, scope=SCOPES)
    renewed = session.refresh_token(f"{sandbox.url}/microsoft/common/oauth2/v2.0/token", client_id=CLIENT_ID)
    assert renewed["refresh_token"] != token["refresh_token"]
    assert session.get(f"{sandbox.url}/graph/v1.0/me").json()["userPrincipalName"] == EMAIL
