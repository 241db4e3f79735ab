from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from connections import checks
from connections.urlguard import parse_allowed

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import json
from config import settings as s
print(json.dumps({name: getattr(s, name) for name in dir(s) if name.isupper()}, default=str))
"""


def load(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The settings as a fresh process sees them, with these variables alone."""
    env = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data"), **variables}
    return subprocess.run([sys.executable, "-c", SHOW], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def read(tmp_path: Path, **variables: str) -> dict[str, Any]:
    done = load(tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


PRODUCTION = {
    "DATABASE_URL": "postgres://user:pw@db.example.com:5433/pairwise",
    "REDIS_URL": "redis://cache.example.com:6379/1",
    "SECRET_KEY": "x" * 60,
    "FIELD_ENCRYPTION_KEYS": "one, two",
    "PUBLIC_URL": "https://pairwise.example.com/",
}


def test_nothing_needs_to_be_set_to_try_it(tmp_path: Path) -> None:
    first, second = read(tmp_path), read(tmp_path)
    assert first["EMBEDDED"]
    assert first["DATABASES"]["default"]["NAME"] == str(tmp_path / "data" / "pairwise.sqlite3")
    assert first["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in first["DATABASES"]["default"]["OPTIONS"]["init_command"]
    assert first["CACHES"]["default"]["BACKEND"].endswith("DatabaseCache")
    assert first["Q_CLUSTER"]["orm"] == "default"
    assert len(first["SECRET_KEY"]) >= 50
    assert (first["SECRET_KEY"], first["FIELD_ENCRYPTION_KEYS"]) == (
        second["SECRET_KEY"],
        second["FIELD_ENCRYPTION_KEYS"],
    )
    for name in ("secret_key", "encryption_keys"):
        assert (tmp_path / "data" / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_two_urls_switch_to_production(tmp_path: Path) -> None:
    found = read(tmp_path, **PRODUCTION)
    assert not found["EMBEDDED"]
    assert not found["DEBUG"]
    assert found["DATABASES"]["default"]["HOST"] == "db.example.com"
    assert found["DATABASES"]["default"]["CONN_HEALTH_CHECKS"]
    assert found["CACHES"]["default"]["BACKEND"].endswith("RedisCache")
    assert found["Q_CLUSTER"]["redis"] == PRODUCTION["REDIS_URL"]
    assert found["FIELD_ENCRYPTION_KEYS"] == ["one", "two"]
    assert found["ALLOWED_HOSTS"] == ["pairwise.example.com"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://pairwise.example.com"]
    assert found["SESSION_COOKIE_SECURE"]
    assert found["SECURE_HSTS_SECONDS"] > 0
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS"])
def test_production_has_no_default_secrets(tmp_path: Path, name: str) -> None:
    done = load(tmp_path, **{key: value for key, value in PRODUCTION.items() if key != name})
    assert done.returncode != 0
    assert f"{name} is not set." in done.stderr


def test_secrets_can_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file" * 6 + "\n")
    (tmp_path / "client").write_text("hush\n")
    found = read(
        tmp_path, SECRET_KEY_FILE=str(tmp_path / "secret"), APP_OUTLOOK_CLIENT_SECRET_FILE=str(tmp_path / "client")
    )
    assert found["SECRET_KEY"] == "from a file" * 6
    assert found["APP_SETTINGS"] == {"OUTLOOK_CLIENT_SECRET": "hush"}


def test_the_queue_may_stay_in_the_database_while_redis_is_the_cache(tmp_path: Path) -> None:
    found = read(tmp_path, **PRODUCTION, QUEUE_BROKER="orm")
    assert found["Q_CLUSTER"]["orm"] == "default"
    assert "redis" not in found["Q_CLUSTER"]


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_a_waiting_task_is_never_handed_out_twice(tmp_path: Path, workers: int) -> None:
    """A task's lock runs from when it is fetched, so it must outlast what is fetched before it."""
    queue = read(tmp_path, Q_WORKERS=str(workers))["Q_CLUSTER"]
    waiting = queue["queue_limit"] + 1
    assert queue["retry"] > queue["timeout"] * (-(-waiting // queue["workers"]) + 1)


def test_an_unusual_password_in_a_url_is_understood(tmp_path: Path) -> None:
    found = read(tmp_path, **{**PRODUCTION, "DATABASE_URL": "postgres://user:p%40ss%2Fword@db.example.com/pairwise"})
    assert found["DATABASES"]["default"]["PASSWORD"] == "p@ss/word"


def test_one_file_may_hold_all_settings_and_the_environment_counts_more(tmp_path: Path) -> None:
    file = tmp_path / "site.env"
    lines = [f"{name}={value}" for name, value in {**PRODUCTION, "SUPPORT_URL": "mailto:help@example.com"}.items()]
    file.write_text("\n".join(["# a comment", *lines, ""]))
    found = read(tmp_path, SETTINGS_FILE=str(file), TIME_ZONE="Europe/Brussels")
    assert (found["SUPPORT_URL"], found["TIME_ZONE"]) == ("mailto:help@example.com", "Europe/Brussels")
    assert read(tmp_path, SETTINGS_FILE=str(file), SUPPORT_URL="")["SUPPORT_URL"] == ""


def test_a_file_with_settings_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="names /nowhere/site.env, which is not there"):
        read(tmp_path, SETTINGS_FILE="/nowhere/site.env")


def test_every_documented_example_can_be_used(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    rows = re.findall(r"^\| `([A-Z_<>]+)` \|.*\| `(.*?)` \|$", text, flags=re.M)
    examples = dict(rows)
    app, value = examples.pop("APP_<APP>_<NAME>").split("=")
    assert examples.pop("SETTINGS_FILE").startswith("/etc/")
    found = read(tmp_path, **{**examples, app: value, "DATA_DIR": str(tmp_path), "STATIC_ROOT": str(tmp_path)})
    assert len(examples) > 20
    assert found["EMAIL_HOST"] == "mail.example.com"
    assert found["ALLOWED_PRIVATE_HOSTS"] == ["dav.internal.example.com:5232", "localhost:8400"]
    assert found["Q_CLUSTER"]["orm"] == "default"
    Fernet(found["FIELD_ENCRYPTION_KEYS"][0])
    parse_allowed(found["ALLOWED_PRIVATE_HOSTS"])


@pytest.mark.parametrize(("name", "value"), [("DIGEST_DAY", "mo"), ("DIGEST_DAY", ""), ("DIGEST_HOUR", 24)])
def test_a_digest_that_could_never_come_is_no_setting(settings: Any, name: str, value: Any) -> None:
    assert checks.digest(None) == []
    setattr(settings, name, value)
    [found] = checks.digest(None)
    assert name in found.msg
