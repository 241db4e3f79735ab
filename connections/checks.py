"""System checks: what must be right before anything starts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

OURS = "pairwise"
DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
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
def webhooks(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.WEBHOOKS not in {"auto", "on", "off"}:
        return [Error("WEBHOOKS must be auto, on or off.", id="connections.E007")]
    return []


@register(OURS)
def digest(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.DIGEST_DAY not in WEEK:
        return [Error(f"DIGEST_DAY must be one of {', '.join(WEEK)}.", id="connections.E008")]
    if settings.DIGEST_HOUR not in range(24):
        return [Error("DIGEST_HOUR must be an hour from 0 to 23.", id="connections.E009")]
    return []


@register(OURS)
def demo_stays_at_home(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    host = urlsplit(settings.PUBLIC_URL).hostname
    if settings.DEMO and host not in LOCAL:
        hint = "Leave DEMO out, or PUBLIC_URL."
        return [Error(f"A demo, whose password everybody knows, is not for {host}.", hint=hint, id="connections.E005")]
    return []


@register(OURS)
def ends_of_secrets(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """A date that cannot be read would be a reminder that never comes."""
    days = {name: day for name, day in settings.APP_SETTINGS.items() if name.endswith("_SECRET_EXPIRES_ON") and day}
    return [
        Error(f"APP_{name} is no day.", hint="Write it as in 2027-01-31.", id="connections.E006")
        for name, day in days.items()
        if not DAY.fullmatch(day)
    ]
