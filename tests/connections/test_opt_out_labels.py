"""Opt-outs between an app with a field for them and one with labels alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from connections.models import Change, ChangeState, Pair
from connectors.optoutlabel import NAME
from connectors.sandbox import Sandbox
from tests.connectors.salesforce.conftest import Account
from tests.connectors.salesforce.test_through_the_engine import Stage

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def stage(sandbox: Sandbox, settings: Settings, db: None) -> Iterator[Stage]:
    settings.ALLOWED_PRIVATE_HOSTS = [sandbox.url.removeprefix("http://")]
    account = Account(sandbox)
    yield Stage(sandbox, account)
    account.close()


def anna(stage: Stage, opted_out: bool = False) -> str:
    [id] = stage.org.load("Contact", {"LastName": "Maes", "Email": "anna@example.com", "HasOptedOutOfEmail": opted_out})
    stage.run()
    return id


def categories(stage: Stage) -> list[str]:
    [contact] = stage.mailbox.contacts()
    return sorted(contact.get("categories", []))


def has_opted_out(stage: Stage) -> bool:
    [contact] = stage.org.records("Contact")
    return bool(contact["HasOptedOutOfEmail"])


def categorise(stage: Stage, *names: str) -> None:
    [contact] = stage.mailbox.contacts()
    stage.mailbox.api.edit(stage.mailbox.email, contact["id"], {"categories": list(names)})


def test_a_new_contact_brings_its_opt_out_as_a_label(stage: Stage) -> None:
    anna(stage, opted_out=True)
    assert categories(stage) == [NAME]


def test_an_opt_out_becomes_a_label_and_other_labels_stay(stage: Stage) -> None:
    id = anna(stage)
    categorise(stage, "Friends")
    stage.run()
    stage.org.edit(id, HasOptedOutOfEmail=True)
    stage.run()
    assert categories(stage) == ["Friends", NAME]
    run = stage.run()
    assert run.counters == {}


@pytest.mark.parametrize("name", [NAME, NAME.upper()])
def test_a_label_becomes_an_opt_out(stage: Stage, name: str) -> None:
    anna(stage)
    categorise(stage, name)
    stage.run()
    assert has_opted_out(stage)


def test_a_label_that_is_taken_off_opts_nobody_in_but_asks(stage: Stage) -> None:
    anna(stage, opted_out=True)
    categorise(stage)
    stage.run()
    assert has_opted_out(stage)
    pair = Pair.objects.get()
    assert (pair.health, NAME in pair.reason) == ("review", True)
    assert stage.run().counters == {}


def test_the_history_names_the_label_as_a_field(stage: Stage) -> None:
    id = anna(stage)
    stage.org.edit(id, HasOptedOutOfEmail=True)
    stage.run()
    change = Change.objects.filter(state=ChangeState.DONE).latest("id")
    assert change.patch == '{"opt_out_label":true}'
    assert change.why["mappings"] == [f"Label “{NAME}”: opted out on b"]
