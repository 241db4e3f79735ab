"""The scripts that make a site, save it and put it back: run for real, but for packages, users and services."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

CODE = Path(settings.BASE_DIR)
SCRIPTS = CODE / "config" / "deploy"
UNITS = ("pairwise-web.service", "pairwise-sync.service")
SYSTEMD = shutil.which("systemd-analyze")
ADDRESS = "https://pairwise.example.com"

pytestmark = pytest.mark.postgres


@dataclass(frozen=True)
class Site:
    root: Path
    environment: dict[str, str]

    def script(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(SCRIPTS / name), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300, check=False)

    def install(self, *arguments: str) -> str:
        done = self.script("install.sh", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.root / "bin" / "pairwise"), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)

    def staff(self) -> str:
        shown = "from connections.models import User; print(*User.objects.values_list('email', flat=True))"
        return self.command("shell", "--verbosity", "0", "-c", shown).stdout.strip()

    def backup(self) -> Path:
        done = self.script("backup.sh", str(self.root / "saved"))
        assert done.returncode == 0, done.stderr
        assert "keep a copy elsewhere" in done.stderr
        return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if connection.vendor != "postgresql":
        pytest.skip("a site needs PostgreSQL")
    here: dict[str, Any] = connection.settings_dict
    name = f"pairwise_site_{os.getpid()}"
    server = f"{here['USER']}{':' + here['PASSWORD'] if here['PASSWORD'] else ''}@{here['HOST']}:{here['PORT'] or 5432}"
    root = tmp_path_factory.mktemp("site")
    for folder in ("units", "bin"):
        (root / folder).mkdir()
    known = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")}
    with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        yield Site(
            root,
            known
            | {
                "PAIRWISE_WITHOUT": "packages database user python proxy",
                "PAIRWISE_USER": pwd.getpwuid(os.getuid()).pw_name,
                "PAIRWISE_ETC": str(root / "etc"),
                "PAIRWISE_STATE": str(root / "state"),
                "PAIRWISE_UNITS": str(root / "units"),
                "PAIRWISE_BIN": str(root / "bin"),
                "DATABASE_URL": f"postgres://{server}/{name}",
                "REDIS_URL": settings.REDIS_URL or "redis://127.0.0.1:6379/15",
            },
        )
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def installed(site: Site) -> Site:
    site.install(ADDRESS, "anna@example.com")
    return site


def test_an_address_is_needed_the_first_time(site: Site) -> None:
    done = site.script("install.sh")
    assert done.returncode == 1
    assert "Say at which address people will reach it" in done.stderr
    assert not (site.root / "etc" / "pairwise.env").exists()


def test_installing_makes_settings_a_database_and_the_first_of_staff_and_may_be_repeated(site: Site) -> None:
    told = site.install(ADDRESS, "first@example.com")
    password = re.search(r"as first@example.com with the password  (\S+)", told)
    assert password is not None
    etc = site.root / "etc"
    made = {file.name: file.read_text() for file in etc.iterdir()}
    assert set(made) == {"pairwise.env", "secret_key", "encryption_keys"}
    assert {oct(file.stat().st_mode & 0o777) for file in etc.iterdir()} == {"0o640"}
    assert f"PUBLIC_URL={ADDRESS}\n" in made["pairwise.env"]
    again = site.install(ADDRESS, "first@example.com")
    assert "is known already" in again
    assert password[1] not in again
    assert {file.name: file.read_text() for file in etc.iterdir()} == made
    assert "first@example.com" in site.staff()


def test_its_units_serve_pages_and_their_files(installed: Site) -> None:
    unit = (installed.root / "units" / "pairwise-web.service").read_text()
    assert "@" not in re.sub(r"^#.*$", "", unit, flags=re.MULTILINE)
    started = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = started["ExecStart"].replace("127.0.0.1:8000", f"127.0.0.1:{port}").split()
    name, _, value = started["Environment"].partition("=")
    known = {key: installed.environment[key] for key in ("PATH", "HOME") if key in installed.environment}
    with subprocess.Popen(command, cwd=started["WorkingDirectory"], env=known | {name: value}) as served:
        try:
            site = f"http://127.0.0.1:{port}"
            ready = _when_it_answers(f"{site}/health/ready")
            assert ready.status_code == 200, ready.text
            seen = {"Host": "pairwise.example.com", "X-Forwarded-Proto": "https"}
            page = requests.get(f"{site}/accounts/login/", headers=seen, timeout=20)
            assert page.status_code == 200
            sheet = re.search(r'href="(/static/[^"]+\.css)"', page.text)
            assert sheet is not None
            assert requests.get(site + sheet[1], headers=seen, timeout=20).status_code == 200
        finally:
            served.terminate()


def _when_it_answers(address: str) -> requests.Response:
    until = time.monotonic() + 60
    while True:
        try:
            return requests.get(address, headers={"Host": "pairwise.example.com"}, timeout=20)
        except requests.ConnectionError:
            assert time.monotonic() < until, "nothing answers"
            time.sleep(0.2)


@pytest.mark.skipif(SYSTEMD is None, reason="there is no systemd here")
def test_systemd_understands_the_units(installed: Site) -> None:
    units = [str(installed.root / "units" / name) for name in UNITS]
    done = subprocess.run([str(SYSTEMD), "verify", *units], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "pairwise" in line]
    assert ours == []


def test_a_saved_database_comes_back_without_the_keys(installed: Site) -> None:
    saved = installed.backup()
    key = (installed.root / "etc" / "encryption_keys").read_bytes().strip()
    assert key not in saved.read_bytes()
    assert oct(saved.stat().st_mode & 0o777) == "0o600"
    before = installed.staff()
    installed.command(
        "shell", "--verbosity", "0", "-c", "from connections.models import User; User.objects.all().delete()"
    )
    assert installed.staff() == ""
    done = installed.script("restore.sh", str(saved))
    assert done.returncode == 0, done.stdout + done.stderr
    assert installed.staff() == before
    assert "Nothing syncs yet" in done.stdout


def test_an_older_database_is_brought_up_to_date(installed: Site) -> None:
    names = sorted(name for app, name in MigrationLoader(None).disk_migrations if app == "connections")
    assert installed.command("migrate", "connections", names[-2], "--verbosity", "0").returncode == 0
    older = installed.backup()
    assert installed.command("migrate", "--verbosity", "0").returncode == 0
    done = installed.script("restore.sh", str(older))
    assert done.returncode == 0, done.stdout + done.stderr
    assert installed.command("migrate", "--check").returncode == 0


def test_what_is_no_saved_database_changes_nothing(installed: Site) -> None:
    before = installed.staff()
    assert before
    junk = installed.root / "junk.dump"
    junk.write_text("no database")
    done = installed.script("restore.sh", str(junk))
    assert done.returncode == 1
    assert "is no saved database. Nothing was changed." in done.stderr
    whole = installed.backup().read_bytes()
    half = installed.root / "half.dump"
    half.write_bytes(whole[: len(whole) * 2 // 3])
    done = installed.script("restore.sh", str(half))
    assert done.returncode == 1, done.stdout
    assert "Nothing was changed" in done.stderr
    assert installed.staff() == before


def test_a_lost_key_is_told_with_what_to_do(installed: Site) -> None:
    code = (
        "from connections.models import Account, Tenant; t, _ = Tenant.objects.get_or_create(slug='acme', name='Acme');"
        "Account.objects.create(tenant=t, app='carddav', name='dav', secrets={'password': 'x'})"
    )
    assert installed.command("shell", "--verbosity", "0", "-c", code).returncode == 0
    keys = installed.root / "etc" / "encryption_keys"
    kept = keys.read_text()
    keys.write_text(installed.command("rotate_keys", "--new").stdout)
    done = installed.command("doctor", "--no-accounts", "--json")
    keys.write_text(kept)
    assert done.returncode == 1, done.stdout
    bad = [finding for finding in json.loads(done.stdout)["findings"] if not finding["ok"]]
    assert any("dav" in str(finding) and "key" in str(finding).lower() for finding in bad), bad
