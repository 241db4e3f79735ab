"""System checks: what must be right before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

OURS = "pairwise"
LOCAL = ("localhost", "127.0.0.1", "::1")


@register(OURS)
def encryption_keys(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    cure = "Make one with `python manage.py rotate_keys --new` and put it into FIELD_ENCRYPTION_KEYS."
    if not settings.FIELD_ENCRYPTION_KEYS:
        return [Error("FIELD_ENCRYPTION_KEYS is empty, so no secret can be stored.", hint=cure, id="connections.E001")]
    try:
        [Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS]
    except ValueError:
        return [Error("A key in FIELD_ENCRYPTION_KEYS is not a Fernet key.", hint=cure, id="connections.E002")]
    return []


@register(OURS)
def queue_broker(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.QUEUE_BROKER not in {"orm", "redis"}:
        return [Error("QUEUE_BROKER must be orm or redis.", id="connections.E003")]
    if settings.QUEUE_BROKER == "redis" and not settings.REDIS_URL:
        return [Error("QUEUE_BROKER is redis, but REDIS_URL is not set.", id="connections.E004")]
    return []


@register(OURS)
def demo_stays_at_home(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    host = urlsplit(settings.PUBLIC_URL).hostname
    if settings.DEMO and host not in LOCAL:
        hint = "Leave DEMO out, or PUBLIC_URL."
        return [Error(f"A demo, whose password everybody knows, is not for {host}.", hint=hint, id="connections.E005")]
    return []
