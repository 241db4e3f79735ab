from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from connections.models import Account, Connection, Folder, Label, Tenant
from connections.services import syncing
from connections.services.configuration import Application, BadFile, export
from syncrules.models import FieldMapping, Rule
from tests.apps import FILE, Apps


def apply(text: str, *, prune: bool = False) -> list[str]:
    application = Application(text, "site.yaml", prune)
    told = [line for difference in application.differences for line in difference.lines()]
    application.write()
    return told


def refused(text: str) -> str:
    before = (Tenant.objects.count(), Account.objects.count(), Connection.objects.count())
    with pytest.raises(BadFile) as error:
        apply(text)
    assert (Tenant.objects.count(), Account.objects.count(), Connection.objects.count()) == before
    return str(error.value)


def with_options(options: str) -> str:
    lines = "".join(f"        {line}\n" for line in options.strip().splitlines())
    return FILE.rstrip() + "\n" + lines


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Tenant, Account, Folder, Connection, Rule, FieldMapping))


# ---- making


def test_a_file_makes_what_it_names(apps: Apps) -> None:
    apply(FILE)
    connection = Connection.objects.get()
    assert (connection.tenant.slug, connection.tenant.region, connection.name) == ("acme", "BE", "people")
    assert (connection.folder_a.account.name, connection.folder_b.account.name) == ("anna", "dav")
    assert (connection.interval, connection.default_mappings, connection.enabled) == (300, True, True)
    assert dict(Account.objects.get(name="dav").secrets) == {"username": "anna", "password": "secret"}


def test_a_new_connection_brings_everything_both_ways(apps: Apps) -> None:
    apply(FILE)
    rules = Rule.objects.values_list("direction", "conditions", "enabled")
    assert sorted(rules) == [("a_to_b", [], True), ("b_to_a", [], True)]


def test_applying_again_changes_nothing_and_asks_no_app(apps: Apps) -> None:
    apply(FILE)
    version = Connection.objects.get().config_version
    tokens = list(Account.objects.values_list("token_version", flat=True))
    before, apps.asked = counts(), []
    assert apply(FILE) == []
    assert (counts(), apps.asked) == (before, [])
    assert Connection.objects.get().config_version == version
    assert list(Account.objects.values_list("token_version", flat=True)) == tokens


def test_every_option_arrives(apps: Apps) -> None:
    apps.dav.label_id("Gone")
    options = """
direction: a_to_b
winner: b
conflicts: newest
delete_beats_update: true
restore_target: true
deletions: {a_to_b: {label: Gone}, b_to_a: delete}
every: 2h
enabled: false
look_only: true
approve_first_run: true
match: {avoid_duplicates: false, keys: [email, phone+name]}
guard:
  deletes: {share: 5%, least: 3}
  blanks: {share: 6%, least: 4}
  creates: {share: 50, least: 7}
mappings:
  - {name: First, a: [givenName], b: [given], winner: b}
  - {a: [companyName], b: [org], direction: a_to_b, mode: fill}
rules:
  - {name: Firms, direction: a_to_b, if: [{field: companyName, is_not: ""}], then: [{add_label: Firm}], undo: true}
"""
    apply(with_options(options))
    row = Connection.objects.get()
    assert (row.direction, row.winner, row.conflicts) == ("a_to_b", "b", "newest")
    assert (row.delete_beats_update, row.restore_target, row.enabled) == (True, True, False)
    assert (row.look_only, row.approve_first_run, row.interval) == (True, True, 7200)
    assert (row.deletions_a_to_b, row.deletion_label_a_to_b, row.deletions_b_to_a) == ("label", "Gone", "delete")
    assert (row.avoid_duplicates, row.match_keys) == (False, ["email", "phone+name"])
    assert (row.guard_deletes_share, row.guard_blanks_least, row.guard_creates_share) == (5, 4, 50)
    assert [(line.name, line.winner, line.mode) for line in FieldMapping.objects.all()] == [
        ("First", "b", "overwrite"),
        ("companyName = org", "", "fill"),
    ]
    assert [(rule.name, rule.undo) for rule in Rule.objects.all()] == [("Firms", True)]


# ---- refusing


@pytest.mark.parametrize(
    ("options", "path", "reason"),
    [
        ("colour: red", "connections[0].colour", "not known"),
        ("direction: sideways", "connections[0].direction", "both, a_to_b, b_to_a"),
        ("every: soon", "connections[0].every", "5m"),
        ("enabled: yes", "connections[0].enabled", "true or false"),
        ("guard: {deletes: {share: 10%, most: 3}}", "connections[0].guard.deletes.most", "not known"),
        ("guard: {creates: {least: -1}}", "connections[0].guard.creates.least", "whole number"),
        ("guard: 5", "connections[0].guard", "a table"),
        ("match: {keys: [shoe size]}", "connections[0].match.keys", "email"),
        ("deletions: {a_to_b: burn}", "connections[0].deletions.a_to_b", "keep, delete"),
        ("mappings: [{a: [givenName]}]", "connections[0].mappings[0].b", "field keys"),
        ("mappings: [{a: [x], b: [y], colour: red}]", "connections[0].mappings[0].colour", "not known"),
        ("rules: [{name: R, direction: both}]", "connections[0].rules[0].direction", "one direction"),
        ("rules: [{direction: a_to_b}]", "connections[0].rules[0].name", "is missing"),
        ("name: twice", "line 18", "stands here twice"),
    ],
)
def test_unknown_keys_and_wrong_values_are_refused_with_file_path_and_reason(
    apps: Apps, options: str, path: str, reason: str
) -> None:
    text = refused(with_options(options))
    assert text.startswith("site.yaml: ")
    assert path in text
    assert reason in text


@pytest.mark.parametrize(
    ("old", "new", "path", "reason"),
    [
        ("app: outlook", "app: telex", "accounts[0].app", "carddav"),
        ("region: BE", "region: Belgium", "tenants[0].region", "ISO 3166"),
        ("slug: acme", "slug: a c m e", "tenants[0].slug", "hyphens"),
        ("{username: anna, password: secret}", "{username: anna}", "credentials.password", "missing"),
        ("{username: anna, password: secret}", "{username: anna, password: 1}", "credentials.password", "quotes"),
        ("password: secret", "pin: secret", "credentials.pin", "not known"),
        ("base_url: https://dav.example.com/", "login_url: ftp://x", "login_url", "https://"),
        ("a: {account: anna", "a: {account: hanna", "connections[0].a.account", "anna, dav"),
        ("b: {account: dav", "b: {account: anna", "connections[0].b", "same folder"),
        ("name: dav", "name: anna", "accounts[1]", "described twice"),
        ("tenants:", "tenants: {", "", "no YAML"),
        ("tenants:", "people:", "people", "not known"),
    ],
)
def test_wrong_tenants_and_accounts_are_refused(apps: Apps, old: str, new: str, path: str, reason: str) -> None:
    text = refused(FILE.replace(old, new, 1))
    assert path in text
    assert reason in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tenants: &all\n  - slug: *all\n", "contains itself"),
        ("tenants: " + "[" * 5000 + "]" * 5000, "nested too deep"),
        ("tenants:\n  - {slug: acme, ? [1] : 2}\n", "a list or a table stands where a name is expected, in line 2"),
        ('tenants:\n  - slug: acme\n    name: "A\\0B"\n', "tenants[0].name: holds a NUL character"),
    ],
    ids=["a loop", "a tower", "a list as a key", "nul"],
)
def test_a_file_that_no_table_can_be_made_of_is_refused(apps: Apps, text: str, reason: str) -> None:
    assert reason in refused(text)


def test_a_country_called_no_is_a_country(apps: Apps) -> None:
    apply(FILE.replace("region: BE", "region: NO"))
    assert Tenant.objects.get().region == "NO"


def test_a_folder_that_is_not_there_is_refused_with_the_nearest(apps: Apps) -> None:
    with pytest.raises(BadFile) as error:
        apply(FILE.replace("folder: contacts}", "folder: contcts}", 1))
    assert "tenants[0].connections[0].a.folder" in str(error.value)
    assert "Did you mean “contacts”?" in str(error.value)
    assert "accounts are stored; correct the file" in str(error.value)
    assert not Connection.objects.exists()


def test_a_field_that_is_not_there_is_refused_with_the_nearest_before_anything_is_written(apps: Apps) -> None:
    apply(FILE)
    before = export()
    with pytest.raises(BadFile, match="did you mean “givenName”"):
        apply(with_options("every: 1h\nmappings: [{a: [givnName], b: [given]}]"))
    assert export() == before


def test_folders_that_are_connected_already_are_refused_in_either_order(apps: Apps) -> None:
    apply(FILE)
    turned = FILE.replace("account: anna,", "account: X,").replace("account: dav,", "account: anna,")
    turned = turned.replace("account: X,", "account: dav,").replace("name: people", "name: again")
    with pytest.raises(BadFile, match="connected already, by people"):
        apply(turned)
    assert Connection.objects.count() == 1


def test_a_connection_keeps_its_folders(apps: Apps) -> None:
    apply(FILE)
    text = refused(FILE.replace("folder: contacts}", "folder: family}", 1))
    assert "keeps its folders" in text


def test_deleting_where_the_app_cannot_is_refused(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps.dav, "capabilities", replace(apps.dav.capabilities, can_delete=False))
    with pytest.raises(BadFile, match="allows no deletes"):
        apply(with_options("deletions: {a_to_b: delete}"))


# ---- the environment


def test_variables_are_expanded(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAV_PASSWORD", "pa: {ss} # word")
    apply(FILE.replace("password: secret", 'password: "${DAV_PASSWORD}"'))
    assert Account.objects.get(name="dav").secrets["password"] == "pa: {ss} # word"


def test_a_missing_variable_is_named(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAV_PASSWORD", raising=False)
    text = refused(FILE.replace("password: secret", 'password: "${DAV_PASSWORD}"'))
    assert "accounts[1].credentials.password: the environment variable DAV_PASSWORD is not set" in text


def test_two_dollars_write_one(apps: Apps) -> None:
    apply(FILE.replace("password: secret", 'password: "$${PLAIN}"'))
    assert Account.objects.get(name="dav").secrets["password"] == "${PLAIN}"


# ---- credentials


def test_a_rotated_token_is_never_overwritten_by_the_same_file(apps: Apps) -> None:
    apply(FILE)
    account = Account.objects.get(name="anna")
    account.secrets = {"access_token": "rotated", "refresh_token": "rotated too"}
    account.save()
    apply(FILE)
    assert Account.objects.get(name="anna").secrets["access_token"] == "rotated"


def test_credentials_that_differ_from_the_last_applied_ones_are_used_whole(apps: Apps) -> None:
    apply(FILE)
    account = Account.objects.get(name="anna")
    account.secrets = {"access_token": "rotated", "refresh_token": "rotated too", "expires_at": "soon"}
    account.save()
    told = apply(FILE.replace("refresh_token: second", "refresh_token: third"))
    assert dict(Account.objects.get(name="anna").secrets) == {"access_token": "first", "refresh_token": "third"}
    assert told == ["~ account acme/anna", "    its credentials are those of the file"]


def test_a_new_secret_key_does_not_make_old_credentials_new(apps: Apps, settings: Any) -> None:
    apply(FILE)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 9
    assert apply(FILE) == []


# ---- what people changed, and what a file no longer says


def test_what_was_changed_by_hand_is_shown_before_it_is_overwritten(apps: Apps) -> None:
    apply(with_options("winner: b"))
    Connection.objects.update(winner="a")
    told = apply(with_options("winner: b"))
    assert told[0] == "~ connection acme/people"
    assert "winner: a → b" in told[1]
    assert "changed by hand since the last apply" in told[1]
    assert Connection.objects.get().winner == "b"


def test_what_only_the_file_changed_is_not_called_a_change_by_hand(apps: Apps) -> None:
    apply(with_options("winner: b"))
    (_, line) = apply(with_options("winner: a"))
    assert line.strip() == "winner: b → a"


def test_what_a_file_never_said_stays_as_people_made_it(apps: Apps) -> None:
    apply(FILE)
    Connection.objects.update(look_only=True)
    Rule.objects.filter(direction="b_to_a").update(enabled=False)
    assert apply(FILE) == []
    assert Connection.objects.get().look_only
    assert not Rule.objects.get(direction="b_to_a").enabled


def test_an_entry_taken_out_of_the_file_goes_back_to_its_default(apps: Apps) -> None:
    apply(with_options("look_only: true\nrules: [{name: Mine, direction: a_to_b}]"))
    apply(FILE)
    assert not Connection.objects.get().look_only
    assert sorted(Rule.objects.values_list("direction", flat=True)) == ["a_to_b", "b_to_a"]


def test_rules_are_replaced_whole_and_keep_their_ids_by_name(apps: Apps) -> None:
    apply(with_options("rules: [{name: One, direction: a_to_b}, {name: Two, direction: a_to_b}]"))
    two = Rule.objects.get(name="Two").pk
    told = apply(with_options("rules: [{name: Two, direction: a_to_b, update_only: true}]"))
    assert list(Rule.objects.values_list("pk", "update_only")) == [(two, True)]
    assert "- “One” (a to b), ~ “Two” (a to b)" in told[1]


def test_a_file_that_changes_the_rules_of_a_live_connection_says_who_comes_and_goes(apps: Apps) -> None:
    apps.anna.add({"givenName": "Ada", "emailAddresses": [{"value": "ada@example.com"}], "companyName": "Acme"})
    apps.anna.add({"givenName": "Grace", "emailAddresses": [{"value": "grace@example.com"}]})
    apply(with_options("direction: a_to_b\nrules: [{name: Everything, direction: a_to_b}]"))
    syncing.sync(Connection.objects.get())
    narrow = "direction: a_to_b\nrules: [{name: Everything, direction: a_to_b, if: [{field: companyName, is: Acme}]}]"
    assert "Of 2 contacts 0 would come in and 1 would leave." in apply(with_options(narrow))[-1]


def test_a_change_that_decides_makes_all_pairs_be_decided_again(apps: Apps) -> None:
    apply(FILE)
    version = Connection.objects.get().config_version
    apply(with_options("every: 1m"))
    assert Connection.objects.get().config_version == version
    apply(with_options("every: 1m\nwinner: b"))
    assert Connection.objects.get().config_version > version


def test_another_region_makes_all_pairs_be_decided_again(apps: Apps) -> None:
    apply(FILE)
    version = Connection.objects.get().config_version
    apply(FILE.replace("region: BE", "region: NL"))
    assert Connection.objects.get().config_version > version


# ---- deleting


WITHOUT_PEOPLE = FILE[: FILE.index("    connections:")] + "    connections: []\n"


def test_what_a_file_leaves_out_is_kept(apps: Apps) -> None:
    apply(FILE)
    assert apply(WITHOUT_PEOPLE) == []
    assert Connection.objects.count() == 1


def test_pruning_deletes_what_the_lists_leave_out(apps: Apps) -> None:
    apply(FILE)
    told = apply(WITHOUT_PEOPLE.replace("name: anna\n", "name: hanna\n"), prune=True)
    assert "- connection acme/people" in told
    assert "- account acme/anna" in told
    assert not Connection.objects.exists()
    assert set(Account.objects.values_list("name", flat=True)) == {"hanna", "dav"}


def test_pruning_gives_a_connection_another_name(apps: Apps) -> None:
    apply(FILE)
    apply(FILE.replace("name: people", "name: persons"), prune=True)
    assert list(Connection.objects.values_list("name", flat=True)) == ["persons"]


def test_nothing_is_pruned_when_the_rest_of_the_file_is_refused(apps: Apps) -> None:
    apply(FILE)
    text = FILE.replace("name: people", "name: persons").replace("folder: contacts}", "folder: nowhere}", 1)
    with pytest.raises(BadFile, match="nowhere"):
        apply(text.replace("token: second", "token: third"), prune=True)
    assert list(Connection.objects.values_list("name", flat=True)) == ["people"]


def test_pruning_keeps_what_the_file_does_not_list_at_all(apps: Apps) -> None:
    apply(FILE)
    assert apply("tenants: [{slug: acme}]", prune=True) != []  # the name goes back to its default
    assert (Connection.objects.count(), Account.objects.count()) == (1, 2)


def test_an_account_that_a_staying_connection_uses_is_not_pruned(apps: Apps) -> None:
    apply(FILE)
    with pytest.raises(BadFile, match="cannot be pruned, connection people uses it"):
        Application("tenants: [{slug: acme, accounts: []}]", "site.yaml", prune=True)


# ---- the round trip


def test_applying_an_export_changes_nothing(apps: Apps) -> None:
    apps.anna.label_id("VIP")
    apply(
        with_options(
            """
deletions: {b_to_a: {label: "Deleted, $${see}"}}
mappings: [{name: First, a: [givenName], b: [given]}, {name: Firm, a: [companyName], b: [org], values: [[a, b]]}]
rules:
  - {name: VIPs, direction: a_to_b, if: [{label: VIP, in: true}, {field: birthday, before: 2024-12-31}], mirror: false}
  - {name: Some, direction: b_to_a, if: [{field: org, one_of: [X, "no"]}], then: [{add_label: VIP}]}
"""
        )
    )
    before = export()
    assert apply(before) == []
    assert export() == before


def test_an_export_makes_the_same_again_on_an_empty_site(apps: Apps) -> None:
    apply(with_options("winner: b\nmappings: [{a: [givenName], b: [given]}]"))
    before = export()
    Connection.objects.all().delete()
    Tenant.objects.all().delete()
    apply(before)
    assert export() == before


def test_an_export_holds_no_secret(apps: Apps) -> None:
    apply(FILE.replace("first", "token-one").replace("second", "token-two").replace("secret", "pass-word"))
    text = export()
    assert "credentials" not in yaml.safe_dump(yaml.safe_load(text))
    assert not any(secret in text for secret in ("token-one", "token-two", "pass-word"))


def test_a_renamed_label_is_exported_by_its_present_name(apps: Apps) -> None:
    apps.anna.label_id("VIP")
    apply(with_options("rules: [{name: R, direction: a_to_b, if: [{label: VIP, in: true}]}]"))
    Label.objects.filter(name="VIP").update(name="Very important")
    (rule,) = yaml.safe_load(export())["tenants"][0]["connections"][0]["rules"]
    assert rule["if"] == [{"label": "Very important", "in": True}]


def test_a_file_that_calls_a_label_by_its_old_name_still_means_it(apps: Apps) -> None:
    vip = apps.anna.label_id("VIP")
    rules = "rules: [{{name: R, direction: a_to_b, if: [{{label: VIP, in: true}}], update_only: {}}}]"
    apply(with_options(rules.format("false")))
    exported = export()
    apps.anna.tags[vip] = "Gold"
    Label.objects.filter(name="VIP").update(name="Gold")
    assert apply(exported) == apply(with_options(rules.format("false"))) == []
    for update_only in ("true", "false"):
        assert apply(with_options(rules.format(update_only)))
        assert Rule.objects.get().conditions == [{"label": "VIP", "in": True, "label_id": vip}]
        assert apply(with_options(rules.format(update_only))) == []
    newer = apps.anna.label_id("VIP")
    assert apply(with_options(rules.format("true")))
    assert Rule.objects.get().conditions[0]["label_id"] == newer, "the label called so now"


def test_the_example_of_the_documentation_is_understood(apps: Apps) -> None:
    apps.anna.label_id("VIP")
    text = """
tenants:
  - slug: acme
    accounts:
      - name: anna
        app: outlook
        base_url: http://127.0.0.1:8400/graph
        login_url: http://127.0.0.1:8400/microsoft
        credentials: {access_token: "a", refresh_token: "b"}
      - name: dav
        app: carddav
        base_url: http://127.0.0.1:5232/
        credentials: {username: anna, password: "x"}
    connections:
      - name: outlook-to-dav
        a: {account: anna, folder: contacts}
        b: {account: dav, folder: /contacts/}
        direction: both
        deletions: {a_to_b: keep, b_to_a: {label: "Deleted in CRM"}}
        every: 5m
        match: {avoid_duplicates: true, keys: [email]}
        guard:
          deletes: {share: 10%, least: 20}
        mappings: default
        rules:
          - name: VIPs
            direction: a_to_b
            enabled: true
            update_only: false
            if: [{label: VIP, in: true}, {field: companyName, is_not: ""}]
            then: [{add_label: Customers}, {set: {field: note, value: lead}}]
            undo: true
            mirror: false
"""
    apply(text)
    assert Rule.objects.get().spec().conditions[0].label_id == "l1"


# ---- lines of the mapping beside the default ones

BESIDE = """
mappings:
  lines:
    - {name: Nick, a: [companyName], b: [nickname], direction: a_to_b, mode: fill, winner: b}
    - {name: Notes, a: [personalNotes], b: [note], enabled: false}
"""


def test_lines_beside_the_default_ones_go_round_unchanged(apps: Apps) -> None:
    told = apply(FILE)
    told = apply(with_options(BESIDE))
    assert told[-1].strip() == "mappings: + “Nick”, + “Notes”"
    connection = Connection.objects.get()
    assert connection.default_mappings
    assert [row.name for row in FieldMapping.objects.all()] == ["Nick", "Notes"]
    before = counts(), Connection.objects.get().config_version
    assert apply(export()) == []
    assert (counts(), Connection.objects.get().config_version) == before
    assert apply(FILE)[-1].strip().startswith("mappings: - “Nick”, - “Notes”")
    assert (Connection.objects.get().default_mappings, FieldMapping.objects.count()) == (True, 0)


@pytest.mark.parametrize(
    ("mappings", "reason"),
    [
        ("{default: maybe}", "mappings.lines: default must be true or false"),
        ("{lines: [{a: [x]}]}", "mappings.lines[0].b: must be a list of one or more field keys"),
        ("{more: []}", "mappings.more: this entry is not known"),
        ("[{a: [givenName], b: [given], values: [[1, 2, 3]]}]", "values[0]: must be a pair of texts"),
        (
            "[{name: One, a: [givenName], b: [given]}, {name: Two, a: [surname], b: [given]}]",
            "Mapping “Two”: the line “One” writes",
        ),
        (
            "[{name: One, a: [givenName], b: [given], direction: a_to_b}, "
            "{name: Two, a: [givenName], b: [given], direction: b_to_a}]",
            "Mapping “Two”: it closes a circle",
        ),
    ],
)
def test_a_table_that_cannot_work_is_refused_before_anything_is_written(apps: Apps, mappings: str, reason: str) -> None:
    apply(FILE)
    assert reason in refused(with_options(f"mappings: {mappings}"))


def test_truth_values_of_a_table_may_be_written_plainly(apps: Apps) -> None:
    line = '{name: Nick, a: [companyName], b: [nickname], values: [[true, "yes"], [false, "no"]]}'
    apply(with_options(f"mappings: [{line}]"))
    assert FieldMapping.objects.get().values == [["true", "yes"], ["false", "no"]]
    assert apply(export()) == []
