from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import ManagementUtility

from connections.engine.halts import Stopped
from connections.models import Account, Change, Connection, Run, Stop, Tenant
from connections.services import syncing
from connectors.base import AuthLost, Unavailable
from tests.apps import FILE, Apps, lines_with, run
from tests.factories import make_account, make_connection, make_folder, make_tenant

pytestmark = pytest.mark.django_db

NAME = "acme/people"


@pytest.fixture
def people(apps: Apps, tmp_path: Path) -> Connection:
    """A connection from a file, with two people on `anna` of whom one is on `dav` too, and one more there."""
    apps.people("Ada", "Bob")
    apps.person("Bob", "dav", note="met in May")
    apps.person("Cleo", "dav")
    file = tmp_path / "site.yaml"
    file.write_text(FILE)
    code, text = run("apply", str(file))
    assert (code, "+ connection acme/people" in text) == (0, True)
    return Connection.objects.get()


def report(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the one JSON object, which must be all that was printed."""
    code, text = run(*arguments, "--json")
    return code, json.loads(text)


# ---- running


def test_sync_brings_both_sides_together_and_says_so(apps: Apps, people: Connection) -> None:
    code, text = run("sync", NAME)
    assert code == 0
    assert lines_with(text, ["acme/people", "done", "1 created on anna", "1 created on dav", "1 paired"])
    assert apps.contents("anna") == apps.contents("dav") == ["Ada", "Bob", "Cleo"]


def test_a_second_sync_writes_nothing(apps: Apps, people: Connection) -> None:
    run("sync", NAME)
    before = dict(apps.anna.written), dict(apps.dav.written)
    code, found = report("sync", "people")
    assert (code, found["state"], found["counters"]) == (0, "done", {})
    assert (dict(apps.anna.written), dict(apps.dav.written)) == before


def test_preview_shows_the_plan_and_writes_nothing(apps: Apps, people: Connection) -> None:
    code, text = run("preview", NAME)
    assert code == 0
    assert lines_with(text, ["1", "to create on anna"])
    assert lines_with(text, ["1", "to create on dav"])
    assert lines_with(text, ["1", "to pair"])
    assert lines_with(text, ["1", "to fill on anna"])
    assert lines_with(text, ["same email"])
    assert lines_with(text, ["rule “Everything from A”"])
    assert lines_with(text, ["e.g. Ada"])
    assert (apps.contents("anna"), apps.contents("dav")) == (["Ada", "Bob"], ["Bob", "Cleo"])


def test_preview_as_json_counts_the_same(apps: Apps, people: Connection) -> None:
    code, found = report("preview", NAME)
    groups = {(group["group"], group["side"]): group["count"] for group in found["plan"]["groups"]}
    assert (code, found["state"]) == (0, "planned")
    assert groups == {("pair", ""): 1, ("create", "a"): 1, ("create", "b"): 1, ("fill", "a"): 1}


def test_a_plan_of_equal_sides_says_so(apps: Apps, people: Connection) -> None:
    run("sync", NAME)
    code, text = run("preview", NAME)
    assert (code, "nothing to write" in text) == (0, True)


def test_what_needs_a_person_is_shown_apart(apps: Apps, people: Connection) -> None:
    for _ in range(2):
        apps.dav.add({"given": "Eve", "emails": [{"value": "eve@example.com"}]})
    apps.anna.add({"givenName": "Eva", "emailAddresses": [{"value": "eve@example.com"}]})
    _, found = report("preview", NAME)
    assert {group["group"] for group in found["plan"]["left"]} & {"review", "duplicate"}
    assert "Left as they are" in run("preview", NAME)[1]


# ---- exit codes


def test_a_name_that_is_not_there_is_wrong_use(people: Connection) -> None:
    code, text = run("sync", "poeple")
    assert (code, "acme/people" in text) == (2, True)


def test_a_name_that_several_have_is_wrong_use(people: Connection) -> None:
    tenant = make_tenant(slug="other")
    folders = [make_folder(make_account(tenant), "x"), make_folder(make_account(tenant), "y")]
    make_connection(folders[0], folders[1], name="people")
    code, text = run("status", "people")
    assert (code, "acme/people, other/people" in text) == (2, True)
    assert run("status", "other/people")[0] == 0


@pytest.mark.parametrize("arguments", [["sync"], ["sync", "people", "--all"], ["undo"], ["undo", "1", "--change", "2"]])
def test_half_and_double_orders_are_wrong_use(people: Connection, arguments: list[str]) -> None:
    assert run(*arguments)[0] == 2


def test_an_argument_that_is_not_known_exits_with_two() -> None:
    with pytest.raises(SystemExit) as end:
        ManagementUtility(["manage.py", "sync", "--slowly"]).execute()
    assert end.value.code == 2


def test_a_run_that_failed_exits_with_one(apps: Apps, people: Connection) -> None:
    apps.broken["dav"] = Unavailable("The server does not answer. It will be tried again.")
    code, text = run("sync", NAME)
    assert (code, "does not answer" in text) == (1, True)


def test_a_lost_grant_exits_with_four(apps: Apps, people: Connection) -> None:
    apps.broken["dav"] = AuthLost("The password is wrong. Authorise the account again.")
    code, found = report("sync", NAME)
    assert (code, found["exit"]) == (4, 4)
    assert "Authorise" in found["error"]


def test_a_held_run_exits_with_three(people: Connection) -> None:
    Connection.objects.update(approve_first_run=True)
    assert run("sync", NAME)[0] == 3


def test_a_paused_connection_fails_alone_and_is_left_out_of_all(people: Connection) -> None:
    run("pause", NAME, "--reason", "holidays")
    code, text = run("sync", NAME)
    assert (code, "holidays" in text) == (1, True)
    code, text = run("sync", "--all")
    assert (code, "left out" in text) == (0, True)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([Unavailable("down"), AuthLost("lost")], 1),
        ([AuthLost("lost"), None], 4),
        ([None, None], 3),
    ],
)
def test_of_all_connections_failures_count_before_lost_grants_before_approval(
    apps: Apps, people: Connection, monkeypatch: pytest.MonkeyPatch, errors: list[Exception | None], expected: int
) -> None:
    Connection.objects.update(approve_first_run=True)
    tenant = Tenant.objects.get()
    accounts = [make_account(tenant, name=f"more-{number}") for number in range(2)]
    for account, error in zip(accounts, errors, strict=True):
        apps.remotes[account.name] = type(apps.dav)()
        if error is not None:
            apps.broken[account.name] = error
        make_connection(make_folder(account), Connection.objects.get(name="people").folder_b)
    assert run("sync", "--all")[0] == expected


def test_one_connection_that_fails_does_not_keep_the_others_from_running(apps: Apps, people: Connection) -> None:
    tenant = Tenant.objects.get()
    bad = make_folder(make_account(tenant, name="bad"))
    apps.broken["bad"] = Unavailable("down")
    make_connection(bad, people.folder_b, name="a-first")
    code, found = report("sync", "--all")
    assert code == 1
    assert [one.get("state", "error") for one in found["connections"]] == ["error", "done"]


# ---- approving and taking back


def test_approving_lets_the_next_run_write(apps: Apps, people: Connection) -> None:
    Connection.objects.update(approve_first_run=True)
    run("sync", NAME)
    held = Run.objects.latest("id")
    code, text = run("approve", str(held.pk))
    assert (code, "approved" in text) == (0, True)
    assert run("sync", NAME)[0] == 0
    assert apps.contents("anna") == apps.contents("dav") == ["Ada", "Bob", "Cleo"]


def test_only_lines_of_a_kind_are_approved(apps: Apps, people: Connection) -> None:
    Connection.objects.update(approve_first_run=True)
    run("sync", NAME)
    run("approve", str(Run.objects.latest("id").pk), "--kind", "pair")
    states = dict(Change.objects.values_list("kind", "state"))
    assert (states["pair"], states["create"]) == ("approved", "proposed")


def test_a_rejected_line_is_not_written(apps: Apps, people: Connection) -> None:
    _, plan = report("preview", NAME)
    line = Change.objects.get(kind="create", title="Ada")
    code, found = report("approve", str(plan["run"]), "--reject", "--change", str(line.pk))
    assert (code, found["rejected"]) == (0, 1)
    run("sync", NAME)
    assert apps.contents("dav") == ["Bob", "Cleo"]


def test_lines_that_do_not_wait_are_wrong_use(people: Connection) -> None:
    _, plan = report("preview", NAME)
    assert run("approve", "999999")[0] == 2
    assert run("approve", str(plan["run"]), "--change", "999999")[0] == 2
    run("approve", str(plan["run"]))
    assert run("approve", str(plan["run"]))[0] == 2


def test_a_run_is_taken_back_also_when_it_did_the_lines_of_an_earlier_plan(apps: Apps, people: Connection) -> None:
    run("preview", NAME)
    _, done = report("sync", NAME)
    code, text = run("undo", str(done["run"]))
    assert code == 0, text
    assert (apps.contents("anna"), apps.contents("dav")) == (["Ada", "Bob"], ["Bob", "Cleo"])


def test_one_change_is_taken_back(apps: Apps, people: Connection) -> None:
    run("sync", NAME)
    change = Change.objects.get(kind="create", title="Ada")
    assert run("undo", "--change", str(change.pk))[0] == 0
    assert (apps.contents("anna"), apps.contents("dav")) == (["Ada", "Bob", "Cleo"], ["Bob", "Cleo"])


def test_taking_back_can_be_looked_at_first(apps: Apps, people: Connection) -> None:
    _, done = report("sync", NAME)
    code, text = run("undo", str(done["run"]), "--preview")
    assert (code, "to delete on dav" in text) == (0, True)
    assert apps.contents("dav") == ["Ada", "Bob", "Cleo"]
    planned = Run.objects.latest("id")
    run("approve", str(planned.pk))
    assert run("undo", str(planned.pk))[0] == 0
    assert apps.contents("dav") == ["Bob", "Cleo"]


def test_taking_back_what_wrote_nothing_is_wrong_use(people: Connection) -> None:
    run("sync", NAME)
    _, quiet = report("sync", NAME)
    assert run("undo", str(quiet["run"]))[0] == 2


# ---- looking


def test_status_tells_where_each_connection_stands(people: Connection) -> None:
    run("sync", NAME)
    code, text = run("status")
    assert code == 0
    assert lines_with(text, ["acme/people", "up to date"])
    assert lines_with(text, ["contacts: 3 in sync"])
    _, found = report("status", NAME)
    assert found["connections"][0]["pairs"] == {"in_sync": 3}


def test_status_names_what_a_person_should_do(people: Connection) -> None:
    Account.objects.filter(name="dav").update(state="needs_auth", reason="The password is wrong.")
    _, text = run("status", NAME)
    assert "The password is wrong." in text


def test_pausing_and_resuming(people: Connection) -> None:
    assert run("pause", NAME)[0] == 0
    with pytest.raises(Stopped):
        syncing.sync(Connection.objects.get())
    code, found = report("resume", NAME)
    assert (code, found["was_paused"]) == (0, "paused by an operator")
    assert run("sync", NAME)[0] == 0


@pytest.mark.parametrize(
    "scope", [["--everything"], ["--app", "carddav"], ["--tenant", "acme"], [NAME, "--locked"]], ids=" ".join
)
def test_a_stop_holds_what_it_names_until_it_is_lifted_in_the_same_way(people: Connection, scope: list[str]) -> None:
    code, found = report("pause", *scope, "--reason", "an outage")
    assert (code, found["connections"]) == (0, 1)
    assert "an outage" in run("status", NAME)[1]
    assert report("sync", "--all")[1]["connections"][0]["left_out"].endswith(": an outage")
    lifted = [one for one in scope if one != "--locked"]
    assert run("resume", *lifted)[0] == 0
    assert run("sync", NAME)[0] == 0


def test_resuming_one_connection_says_that_more_than_it_is_stopped(people: Connection) -> None:
    run("pause", "--tenant", "acme", "--reason", "unpaid")
    code, found = report("resume", NAME)
    assert (code, found["stopped"]) == (0, "unpaid")


@pytest.mark.parametrize("command", ["pause", "resume"])
@pytest.mark.parametrize(
    "scope",
    [[], [NAME, "--everything"], ["--app", "carddav", "--tenant", "acme"], ["--app", "fax"], ["--tenant", "nobody"]],
    ids=" ".join,
)
def test_a_stop_of_nothing_or_of_two_things_is_refused(people: Connection, command: str, scope: list[str]) -> None:
    assert run(command, *scope)[0] == 2
    assert not Stop.objects.exists()


def test_retrying_counts_what_failed(apps: Apps, people: Connection) -> None:
    run("sync", NAME)
    people.pairs.filter(title="Ada").update(health="failed")
    code, found = report("retry", NAME)
    assert (code, found["retried"]) == (0, 1)


# ---- explaining


@pytest.mark.parametrize("asked", ["Ada", "ada@example.com", "ADA@EXAMPLE.COM", "r0000001"])
def test_a_contact_is_found_by_name_email_and_id(people: Connection, asked: str) -> None:
    run("sync", NAME)
    code, text = run("explain", NAME, asked)
    assert code == 0
    assert lines_with(text, ["In sync"])
    assert lines_with(text, ["created on dav", "rule “Everything from A”"])


def test_a_contact_is_found_by_phone_however_it_is_written(apps: Apps, people: Connection) -> None:
    apps.person("Dirk", mobilePhone="+32 2 123 45 67")
    run("sync", NAME)
    assert "Dirk" in run("explain", NAME, "02/123.45.67")[1]


def test_a_contact_out_of_scope_is_explained_by_the_rules(apps: Apps, people: Connection, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    rules = "rules: [{name: Firms, direction: a_to_b, if: [{field: companyName, is_not: ''}]}]"
    file.write_text(FILE.rstrip() + f"\n        {rules}\n")
    assert run("apply", str(file))[0] == 0
    run("sync", NAME)
    code, text = run("explain", NAME, "Ada")
    assert code == 0
    assert lines_with(text, ["Not synced", "Matches no rule"])
    assert lines_with(text, ["rule “Firms” does not hold"])
    assert lines_with(text, ["no ", "Company is not empty"])


def test_a_contact_that_nobody_knows_is_wrong_use(people: Connection) -> None:
    assert "has not looked at side A yet" in run("explain", NAME, "Zoe")[1]
    run("sync", NAME)
    code, text = run("explain", NAME, "Zoe")
    assert (code, "known after the next" in text) == (2, True)


def test_explaining_as_json(people: Connection) -> None:
    run("sync", NAME)
    _, found = report("explain", NAME, "Bob")
    (one,) = found["contacts"]
    assert one["health"] == "in_sync"
    assert [side["shows"] for side in one["sides"]] == ["there, as “Bob”"] * 2
    assert any("recognised as the same contact (because: same email)" in change for change in one["changes"])


# ---- files


def test_diff_writes_nothing(apps: Apps, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(FILE)
    code, text = run("apply", str(file), "--diff")
    assert (code, "+ connection acme/people" in text) == (0, True)
    assert "Nothing was written." in text
    assert not Tenant.objects.exists()
    assert apps.asked == []


def test_a_bad_file_is_wrong_use(apps: Apps, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(FILE.replace("slug:", "slog:"))
    code, text = run("apply", str(file))
    assert (code, f"{file}: tenants[0].slog" in text) == (2, True)
    assert run("apply", str(tmp_path / "missing.yaml"))[0] == 2


def test_a_file_is_read_from_standard_input(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(FILE))
    assert run("apply", "-")[0] == 0
    assert Connection.objects.count() == 1


def test_an_app_that_cannot_be_asked_is_no_bad_file(apps: Apps, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(FILE)
    apps.broken["dav"] = AuthLost("The password is wrong.")
    assert run("apply", str(file))[0] == 4
    apps.broken["dav"] = Unavailable("The server does not answer.")
    assert run("apply", str(file))[0] == 1
    del apps.broken["dav"]
    assert run("apply", str(file))[0] == 0


def test_what_export_prints_can_be_applied(people: Connection, tmp_path: Path) -> None:
    file = tmp_path / "export.yaml"
    code, text = run("export", "acme")
    file.write_text(text)
    assert code == 0
    assert "nothing to change" in run("apply", str(file))[1]
    assert run("export", "nobody")[0] == 2


def test_on_a_database_without_tables_a_command_says_what_to_do(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "status"]
    done = subprocess.run(
        command, env={**environment, "DATA_DIR": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.strip() == "The database is not prepared. Run `python manage.py migrate`."
