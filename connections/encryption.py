"""Secrets at rest: encrypted with keys of their own, decrypted only when somebody looks inside.

A list of accounts therefore still opens when one of them was encrypted with a key that is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.signals import setting_changed
from django.db import models
from django.db.models.query_utils import DeferredAttribute


class Undecryptable(Exception):
    """None of the configured keys opens this value."""


@cache
def fernet() -> MultiFernet:
    """The first key encrypts, all of them decrypt."""
    return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "FIELD_ENCRYPTION_KEYS":
        fernet.cache_clear()


setting_changed.connect(_forget)


def encrypt(text: str) -> str:
    return fernet().encrypt(text.encode()).decode()


def decrypt(sealed: str) -> str:
    try:
        return fernet().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Undecryptable(
            "A stored secret cannot be decrypted with the keys in FIELD_ENCRYPTION_KEYS. "
            "Add the key it was encrypted with, or enter the credentials again."
        ) from None


class Secret(Mapping[str, str]):
    """Names and values that show as stars. Not changeable: assign a new mapping to the field instead."""

    def __init__(self, values: Mapping[str, str] | None = None, sealed: str = "") -> None:
        self._values = dict(values) if values is not None else None
        self._sealed = sealed

    @property
    def _opened(self) -> dict[str, str]:
        if self._values is None:
            self._values = dict(json.loads(decrypt(self._sealed))) if self._sealed else {}
        return self._values

    @property
    def sealed(self) -> str:
        """The cipher text; of a stored value the stored one, so that saving a row does not encrypt again."""
        if not self._sealed:
            self._sealed = encrypt(json.dumps(self._opened))
        return self._sealed

    def resealed(self) -> Secret:
        """The same values, to be encrypted with the newest key."""
        return Secret(self._opened)

    def __getitem__(self, name: str) -> str:
        return self._opened[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._opened)

    def __len__(self) -> int:
        return len(self._opened)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


if TYPE_CHECKING:
    _Text = models.TextField[Mapping[str, str], Secret]
else:
    _Text = models.TextField  # not generic when it runs


class _Wrapping(DeferredAttribute):
    """Makes a Secret of whatever is assigned, so that no plain text stays on an instance."""

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = self.field.to_python(value)


class EncryptedField(_Text):
    """A mapping of names to secret values. `dumpdata` writes the cipher text; nothing can be looked up by it."""

    descriptor_class = _Wrapping

    def to_python(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return value if isinstance(value, Secret) else Secret(value)
        if isinstance(value, str):  # cipher text of `dumpdata`
            return Secret(sealed=value)
        return value  # an expression, or None

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Secret | None:
        return None if value is None else Secret(sealed=value)

    def get_prep_value(self, value: Any) -> Any:
        value = self.to_python(value)
        return value.sealed if isinstance(value, Secret) else value

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.get_prep_value(self.value_from_object(obj)))

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise TypeError("Encrypted values differ at each encryption, so nothing can be found by them.")
        return super().get_lookup(lookup_name)
