"""Reading settings from the environment: a value, or the file named by NAME_FILE (Docker and systemd secrets)."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

env = environ.FileAwareEnv()


def read_settings_file(path: str) -> None:
    """Lines NAME=value; what the environment says itself counts more."""
    if not os.access(path, os.R_OK):
        raise ImproperlyConfigured(f"SETTINGS_FILE names {path}, which is not there or may not be read.")
    env.read_env(path)


def kept(name: str, path: Path, make: Callable[[], str], embedded: bool) -> str:
    """The secret `name`: from the environment, or in the embedded set-up made once and kept in `path`, mode 600."""
    value = str(env.str(name, default="")).strip()
    if value:
        return value
    if not embedded:
        raise ImproperlyConfigured(
            f"{name} is not set. With DATABASE_URL set there is no default: set {name}, or {name}_FILE to a file "
            "that holds it. `python manage.py doctor` says how to make one."
        )
    return read_or_make(path, make)


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """What the file holds; two processes that start at the same moment agree on one content."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(make() + "\n")
        try:
            os.link(draft, path)  # fails where another process was first, never shows half a file
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def starting_with(prefix: str) -> dict[str, str]:
    """All variables with that prefix, without it; those ending in _FILE are read from the file they name."""
    names = {name.removesuffix("_FILE") for name in os.environ if name.startswith(prefix)}
    return {name.removeprefix(prefix): str(env.str(name)).strip() for name in sorted(names)}


def new_secret() -> str:
    return secrets.token_urlsafe(50)


def new_encryption_key() -> str:
    return Fernet.generate_key().decode()
