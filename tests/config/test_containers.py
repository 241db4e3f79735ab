"""What the files for containers name is there: sources, commands, settings."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

CODE = Path(settings.BASE_DIR)
DEPLOY = CODE / "config" / "deploy"
IMAGE = (DEPLOY / "Containerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
DOCUMENTED = set(re.findall(r"^\| `([A-Z_]+)` \|", (CODE / "docs" / "configuration.md").read_text(), re.MULTILINE))


def test_the_image_copies_what_is_there_and_sets_what_is_documented() -> None:
    for source in re.findall(r"^COPY (\S+) ", IMAGE, re.MULTILINE):
        assert (CODE / source).exists()
    named = set(re.findall(r"\b([A-Z][A-Z_]+)=", IMAGE))
    assert named <= DOCUMENTED
    assert {"DATABASE_URL", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS"} <= named


@pytest.mark.parametrize("name", ["migrate", "web", "sync"])
def test_each_service_starts_a_command_of_ours_with_documented_settings(name: str) -> None:
    service = COMPOSE["services"][name]
    assert (DEPLOY / service["build"]["context"]).resolve() == CODE
    assert (CODE / service["build"]["dockerfile"]).exists()
    assert set(service["environment"]) <= DOCUMENTED
    started = service.get("command") or [
        part.strip('",') for part in shlex.split(IMAGE.rsplit("CMD [", 1)[1].rstrip("]\n"))
    ]
    assert (started[0], started[1]) in (("python", "manage.py"), ("gunicorn", "config.wsgi"))
    if started[0] == "python":
        assert started[2] in get_commands()
    assert set(service["depends_on"]) <= set(COMPOSE["services"])


def test_only_this_machine_reaches_the_published_port_and_the_database_is_kept() -> None:
    assert COMPOSE["services"]["web"]["ports"] == ["127.0.0.1:8000:8000"]
    assert [name.split(":")[0] for name in COMPOSE["services"]["db"]["volumes"]] == list(COMPOSE["volumes"])
