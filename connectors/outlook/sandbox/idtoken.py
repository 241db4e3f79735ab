"""ID tokens (OpenID Connect Core section 2), signed with a key of the sandbox's own that lies in its database."""

from __future__ import annotations

import base64
from functools import cache

import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from connectors.outlook.sandbox.store import Mailbox, Store

KEY_ID = "sandbox"
SECONDS = 3600


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@cache
def _new_key() -> rsa.RSAPrivateKey:
    """Making one takes long, so all sandboxes of a process share it."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class IdTokens:
    def __init__(self, store: Store) -> None:
        self.store = store
        self._key: rsa.RSAPrivateKey | None = None

    def key(self) -> rsa.RSAPrivateKey:
        if self._key is None:
            database = self.store.database
            with database.transaction():
                stored = database.value("SELECT value FROM outlook_setting WHERE name = 'id_token_key'")
                if stored is not None:
                    loaded = serialization.load_pem_private_key(stored.encode(), password=None)
                    if not isinstance(loaded, rsa.RSAPrivateKey):
                        raise TypeError("the sandbox's signing key is no RSA key; delete the sandbox's file")
                    self._key = loaded
                else:
                    self._key = _new_key()
                    pem = self._key.private_bytes(
                        serialization.Encoding.PEM,
                        serialization.PrivateFormat.PKCS8,
                        serialization.NoEncryption(),
                    )
                    database.execute("INSERT INTO outlook_setting VALUES ('id_token_key', ?)", (pem.decode(),))
        return self._key

    def public_key(self) -> dict[str, str]:
        numbers = self.key().public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": KEY_ID,
            "n": _number(numbers.n),
            "e": _number(numbers.e),
        }

    def make(self, mailbox: Mailbox, tenant: str, issuer: str, client: str, nonce: str) -> str:
        now = int(self.store.clock.now())
        claims = {
            "iss": issuer,
            "aud": client,
            "sub": mailbox.guid.replace("-", ""),
            "oid": mailbox.guid,
            "tid": tenant,
            "name": mailbox.name,
            "preferred_username": mailbox.email,
            "email": mailbox.email,
            "iat": now,
            "nbf": now,
            "exp": now + SECONDS,
            "ver": "2.0",
            **({"nonce": nonce} if nonce else {}),
        }
        head = _text(orjson.dumps({"typ": "JWT", "alg": "RS256", "kid": KEY_ID}))
        signed = f"{head}.{_text(orjson.dumps(claims))}"
        return f"{signed}.{_text(self.key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
