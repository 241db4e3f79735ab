"""What the Outlook connector sends, alone and inside batches, fits the description of the vendor's API.

The description lies outside the project: in the folder `PAIRWISE_SPECS`, or in `../shared/specs` beside the checkout.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest
from openapi_core.exceptions import OpenAPIError

from connectors.base import FieldType, NothingKnown, Record, Write, WriteKind
from connectors.http import Answer
from connectors.outlook import extended
from connectors.outlook.connector import Outlook
from connectors.outlook.fields import CATALOGUE
from connectors.sandbox import Sandbox
from tests.connectors.outlook.conftest import Account

SPEC = (
    Path(os.environ.get("PAIRWISE_SPECS", Path(__file__).resolve().parents[3] / "shared" / "specs"))
    / "microsoft-graph-contacts.openapi.yaml"
)
pytestmark = pytest.mark.skipif(not SPEC.is_file(), reason="the description of Graph is not on this machine")
KEYS = [field.key for field in CATALOGUE]


class Observer:
    """Holds every request of a connector, those inside batches too, against the description."""

    def __init__(self, connector: Outlook) -> None:
        description = yaml.load(SPEC.read_bytes(), Loader=yaml.CSafeLoader)  # noqa: S506 - it is the safe one, in C
        description["servers"] = [{"url": connector.graph.root}]
        self.api = OpenAPI.from_dict(description)
        self.root = connector.graph.root
        self.seen: list[str] = []
        self.send = connector.graph.http.request

    def request(self, method: str, url: str, **options: Any) -> Answer:
        self.check(method, url, options.get("json"), options.get("headers") or {})
        for one in (options.get("json") or {}).get("requests", []):
            self.check(one["method"], self.root + one["url"], one.get("body"), one["headers"])
        return self.send(method, url, **options)

    def check(self, method: str, url: str, body: Any, headers: dict[str, str]) -> None:
        prepared = requests.Request(method, url, json=body, headers=headers).prepare()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of the security scheme, which is not looked at
            self.api.validate_request(RequestsOpenAPIRequest(prepared))
        self.seen.append(f"{method} {url.removeprefix(self.root).partition('?')[0]}")


@pytest.fixture(params=[False, True], ids=["own", "shared"])
def watched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Outlook, str, Observer]]:
    with Sandbox() as sandbox:
        account = Account(sandbox)
        owner = Account(sandbox, switches={"shared_with": [account.email]}) if request.param else account
        owner.load({"givenName": "Anna", "categories": ["VIP"]}, {"givenName": "Bert"}, folder="Contacts/Team")
        declared = (extended.declare("Tier"), extended.declare("SystemTime 0x3A41", FieldType.DATE))
        secrets = {"shared_mailboxes": owner.email} if request.param else {}
        connector = account.connect(secrets, declared)
        observer = Observer(connector)
        monkeypatch.setattr(connector.graph.http, "request", observer.request)
        path = f"{owner.email}/Contacts/Team" if request.param else "Contacts/Team"
        yield connector, next(one.id for one in connector.folders() if one.path == path), observer
        account.close()


def test_all_that_the_connector_asks_for_is_described(watched: tuple[Outlook, str, Observer]) -> None:
    connector, folder, observer = watched
    fields = [field.key for field in connector.fields(folder)]
    connector.check()
    pages = list(connector.changes(folder, "", fields, NothingKnown()))
    list(connector.changes(folder, pages[-1].cursor, fields, NothingKnown()))
    anna = next(record for page in pages for record in page.records if record.values.get("givenName") == "Anna")
    label = connector.create_label(folder, "Customers")
    connector.labels(folder)
    values: dict[str, Any] = {"givenName": "C", "birthday": "2001-02-03", "homeAddress.city": "Ghent"}
    values |= {"emailAddresses": [{"value": "c@example.com"}], fields[-1]: "2001-02-03", fields[-2]: "gold"}
    [made] = connector.write(folder, [Write(WriteKind.CREATE, "m1", values=values)], fields)
    assert isinstance(made.record, Record)
    patch = {"surname": "Maes", "birthday": None, "children": None, "homeAddress.city": "Bruges", fields[-2]: None}
    labels = frozenset({label.id})
    update = Write(WriteKind.UPDATE, "u", anna.id, anna.version, patch, labels, body=anna.body)
    connector.write(folder, [update], fields)
    connector.find(folder, ["m1"], fields)
    connector.try_declared(folder, connector.host.declared[0])
    connector.write(folder, [Write(WriteKind.DELETE, "d", made.record.id, made.record.version)], fields)
    connector.read(folder, [made.record.id, anna.id], fields)
    assert {line.partition(" ")[0] for line in observer.seen} == {"GET", "POST", "PATCH", "DELETE"}
    assert any(line.endswith("/delta") for line in observer.seen)
    assert any(line.endswith("/contactFolders/deleteditems") for line in observer.seen)


def test_a_request_that_is_not_described_would_be_seen(watched: tuple[Outlook, str, Observer]) -> None:
    connector, folder, _ = watched
    with pytest.raises(OpenAPIError):
        connector.graph.get(f"/me/contactFolders/{folder}/people", "nothing")
