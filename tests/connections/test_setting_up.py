from __future__ import annotations

from collections.abc import Sequence

import pytest

from connections.benchmark.catalogues import RICH
from connections.benchmark.remotes import InstantRemote
from connections.models import Account, Connection, Folder
from connections.services import setting_up
from connections.services.setting_up import CannotSetUp, Configuration
from syncrules.models import Rule
from syncrules.specs import MappingSpec, RuleSpec
from tests.apps import Apps
from tests.factories import make_account, make_tenant


class Nested(InstantRemote):
    """Folders in folders: the path is what the id says, the name its last part."""

    def folders(self) -> Sequence[object]:  # type: ignore[override]
        from connectors.base import Folder as Shown

        return [Shown(f"id:{key}", key.rpartition("/")[2], key, count=7) for key in self.shelves]


@pytest.fixture
def anna(apps: Apps) -> Account:
    apps.remotes["anna"] = Nested(RICH, folders=("Contacts", "Contacts/Family", "Work/Family", "Friends"))
    return make_account(make_tenant(), name="anna")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("id:Friends", "Friends"),
        ("Contacts/Family", "Contacts/Family"),
        ("Friends", "Friends"),
        ("friends", "Friends"),
        ("/Contacts/", "Contacts"),
    ],
)
def test_a_folder_is_found_by_id_path_and_name(anna: Account, text: str, path: str) -> None:
    assert setting_up.find_folder(anna, text).path == path


def test_a_name_that_several_folders_have_is_refused_with_their_paths(anna: Account) -> None:
    with pytest.raises(CannotSetUp, match="“Contacts/Family”, “Work/Family”"):
        setting_up.find_folder(anna, "Family")


def test_a_folder_that_is_not_there_is_refused_with_the_nearest(anna: Account) -> None:
    with pytest.raises(CannotSetUp, match="Did you mean “Friends”"):
        setting_up.find_folder(anna, "Freinds")
    with pytest.raises(CannotSetUp, match="There are: “Contacts”"):
        setting_up.find_folder(anna, "Zzz")


def test_looking_at_folders_stores_and_renews_their_rows(apps: Apps, anna: Account) -> None:
    branches = setting_up.refresh_folders(anna)
    assert [(branch.folder.path, branch.count) for branch in branches][0] == ("Contacts", 7)
    apps.remotes["anna"].shelves["Kin"] = apps.remotes["anna"].shelves.pop("Friends")
    setting_up.refresh_folders(anna)
    assert set(Folder.objects.filter(account=anna).values_list("path", flat=True)) >= {"Friends", "Kin"}


def test_what_names_a_folder_finds_it_again(anna: Account) -> None:
    setting_up.refresh_folders(anna)
    Folder.objects.create(tenant=anna.tenant, account=anna, remote_id="id:twin", name="Friends", path="Friends")
    rows = list(Folder.objects.filter(account=anna))
    for row in rows:
        assert setting_up.choose_folder(rows, setting_up.folder_text(row), anna) == row


# ---- connections


@pytest.fixture
def folders(apps: Apps) -> tuple[Folder, Folder]:
    tenant = make_tenant()
    accounts = [make_account(tenant, name=name) for name in ("anna", "dav")]
    return setting_up.find_folder(accounts[0], "contacts"), setting_up.find_folder(accounts[1], "contacts")


def test_a_new_connection_shows_the_rule_everything_in_each_direction(folders: tuple[Folder, Folder]) -> None:
    connection = setting_up.make_connection("people", *folders, Configuration(), {})
    assert set(Rule.objects.filter(connection=connection).values_list("direction", flat=True)) == {"a_to_b", "b_to_a"}


def test_two_folders_are_connected_once_in_either_order(folders: tuple[Folder, Folder]) -> None:
    setting_up.make_connection("people", *folders, Configuration(), {})
    for pair in (folders, folders[::-1]):
        with pytest.raises(CannotSetUp, match="connected already, by people"):
            setting_up.make_connection("again", *pair, Configuration(), {})
    with pytest.raises(CannotSetUp, match="same folder"):
        setting_up.make_connection("self", folders[0], folders[0], Configuration(), {})


def test_options_that_contradict_each_other_are_refused(folders: tuple[Folder, Folder]) -> None:
    with pytest.raises(CannotSetUp, match="which label marks"):
        setting_up.make_connection("people", *folders, Configuration(), {"deletions_a_to_b": "label"})
    assert not Connection.objects.exists()


def test_labels_of_rules_are_held_by_id(apps: Apps, folders: tuple[Folder, Folder]) -> None:
    label = apps.anna.label_id("VIP")
    rule = RuleSpec.from_dict({"name": "VIPs", "direction": "a_to_b", "if": [{"label": "vip"}]})
    checked = setting_up.check(Configuration(rules=[rule]), *folders, "BE")
    assert checked.rules is not None
    assert checked.rules[0].conditions[0].label_id == label


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"if": [{"field": "companyNam", "is": "x"}]}, "did you mean “companyName”"),
        ({"if": [{"field": "companyName", "before": "2024-01-01"}]}, "is no date"),
        ({"then": [{"set": {"field": "rev", "value": "1"}}]}, "read-only"),
    ],
)
def test_rules_that_cannot_work_are_refused(folders: tuple[Folder, Folder], data: object, reason: str) -> None:
    rule = RuleSpec.from_dict({"name": "R", "direction": "a_to_b", **data})  # type: ignore[dict-item]
    with pytest.raises(CannotSetUp, match=reason):
        setting_up.check(Configuration(rules=[rule]), *folders, "BE")


def test_mappings_that_cannot_work_are_refused(folders: tuple[Folder, Folder]) -> None:
    line = MappingSpec("Born", ("birthday",), ("emails",))
    with pytest.raises(CannotSetUp, match="Mapping “Born”"):
        setting_up.check(Configuration(mappings=[line]), *folders, "BE")
    with pytest.raises(CannotSetUp, match="nothing can flow"):
        setting_up.check(Configuration(mappings=[]), *folders, "BE")
