"""The objects of the Salesforce sandbox have the fields that a real organisation described.

The description lies outside the project: in the folder `PAIRWISE_SPECS`, or in `../shared/specs` beside the checkout.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.sandbox import Sandbox

SPEC = (
    Path(os.environ.get("PAIRWISE_SPECS", Path(__file__).resolve().parents[3] / "shared" / "specs"))
    / "salesforce-describe-standard-objects.json"
)
pytestmark = pytest.mark.skipif(not SPEC.is_file(), reason="the description of Salesforce is not on this machine")
OBJECTS = ("Account", "Contact", "Lead", "Campaign")
#: References to objects that the sandbox does not have.
ELSEWHERE = {
    "DandbCompanyId",
    "OperatingHoursId",
    "CampaignMemberRecordTypeId",
    "IndividualId",
    "ConvertedOpportunityId",
}
#: Details of a field that programs rely on; the others depend on the version and the organisation.
HELD = (
    *("type", "label", "length", "byteLength", "soapType", "createable", "updateable", "nillable", "nameField"),
    *(
        "defaultedOnCreate",
        "restrictedPicklist",
        "compoundFieldName",
        "referenceTo",
        "idLookup",
        "filterable",
        "custom",
    ),
)
OPT_OUTS = {"HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall"}


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SPEC.read_text())
    return found


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    with Sandbox() as sandbox:
        token = sandbox.part("salesforce").add_account("anna@example.com")["access_token"]
        root = f"{sandbox.url}/salesforce/services/data/v67.0/sobjects"
        headers = {"Authorization": f"Bearer {token}"}
        return {name: requests.get(f"{root}/{name}/describe", headers=headers, timeout=5).json() for name in OBJECTS}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_has_the_fields_that_were_recorded(
    name: str, recorded: dict[str, Any], described: dict[str, Any]
) -> None:
    wanted = {one["name"]: {**recorded["fieldDefaults"], **one} for one in recorded["objects"][name]["fields"]}
    shown = {one["name"]: one for one in described[name]["fields"]}
    assert set(wanted) - ELSEWHERE - set(shown) == set()
    assert set(shown) - set(wanted) <= OPT_OUTS
    wrong = {
        (field, key): (shown[field].get(key), one.get(key))
        for field, one in wanted.items()
        if field in shown
        for key in HELD
        if shown[field].get(key) != one.get(key)
    }
    assert wrong == {}


@pytest.mark.parametrize("name", OBJECTS)
def test_a_field_has_every_detail_that_describe_gives(
    name: str, recorded: dict[str, Any], described: dict[str, Any]
) -> None:
    details = {key for one in recorded["objects"][name]["fields"] for key in {**recorded["fieldDefaults"], **one}}
    assert all(details - set(one) == set() for one in described[name]["fields"])


@pytest.mark.parametrize("name", OBJECTS)
def test_lists_of_values_are_those_of_a_new_organisation(
    name: str, recorded: dict[str, Any], described: dict[str, Any]
) -> None:
    shown = {one["name"]: one for one in described[name]["fields"]}
    for one in recorded["objects"][name]["fields"]:
        values = [(value["value"], value["defaultValue"]) for value in one.get("picklistValues", [])]
        if values:
            assert [(v["value"], v["defaultValue"]) for v in shown[one["name"]]["picklistValues"]] == values


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_says_of_itself_what_was_recorded(
    name: str, recorded: dict[str, Any], described: dict[str, Any]
) -> None:
    keys = (
        "name",
        "label",
        "labelPlural",
        "keyPrefix",
        "createable",
        "deletable",
        "updateable",
        "mergeable",
        "queryable",
    )
    wanted = recorded["objects"][name]["object"]
    assert {key: described[name][key] for key in keys} == {key: wanted[key] for key in keys}
    members = [
        (one["childSObject"], one["field"], one["relationshipName"], one["cascadeDelete"])
        for one in recorded["objects"][name]["childRelationshipsSubset"]
    ]
    shown = [
        (one["childSObject"], one["field"], one["relationshipName"], one["cascadeDelete"])
        for one in described[name]["childRelationships"]
    ]
    assert {one for one in shown if one[0] == "CampaignMember"} <= set(members)
