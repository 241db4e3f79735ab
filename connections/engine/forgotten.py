"""Who asked to be forgotten: known again by keyed hashes of what they were known by, and by nothing else."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from connections.models import ForgottenKey, Tenant

KEY = "key"  # the name of the secret in `Tenant.forget_key`


@dataclass(frozen=True, slots=True)
class Forgotten:
    key: bytes
    digests: frozenset[str]

    def knows(self, keys: Iterable[str]) -> bool:
        """`keys`: matching keys of a record, such as ``e:anna@example.com``."""
        return any(digest(self.key, text) in self.digests for text in keys)


def digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), sha256).hexdigest()


def of_tenant(tenant: Tenant) -> Forgotten | None:
    """None, without a question to the database, where nobody was ever forgotten."""
    if not tenant.forget_key:
        return None
    rows = ForgottenKey.objects.for_tenant(tenant).values_list("digest", flat=True)
    return Forgotten(bytes.fromhex(tenant.forget_key[KEY]), frozenset(rows))
