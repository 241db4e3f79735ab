"""Whether a file's credentials are those applied last, without keeping them in a second place."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac


def hash_of(credentials: Mapping[str, str] | None, key: str = "") -> str:
    """`key`: one of our secret keys; the present one if left out."""
    text = json.dumps(dict(credentials or {}), sort_keys=True)
    secret = key or settings.SECRET_KEY
    return salted_hmac("pairwise.credentials", text, secret=secret, algorithm="sha256").hexdigest()


def is_hash(stored: str, credentials: Mapping[str, str] | None) -> bool:
    """Under whichever of our keys it was made."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(constant_time_compare(stored, hash_of(credentials, key)) for key in keys)
