"""Changing the keys that secrets are encrypted with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction

from connections.encryption import EncryptedField, Undecryptable, decrypt, encrypt

MARK = "gAAAA"  # how every cipher text of Fernet begins


def encrypted_fields() -> Iterator[tuple[type[models.Model], str]]:
    for model in apps.get_models():
        for field in model._meta.fields:
            if isinstance(field, EncryptedField):
                yield model, field.attname


def rotate() -> tuple[int, list[str]]:
    """Encrypts every stored secret with the first key; returns how many rows, and the names of rows no key opens.

    Each row is a transaction of its own, so it may be stopped and started again, with workers at work.
    """
    done, lost = 0, []
    for model, name in encrypted_fields():
        for pk in list(model._default_manager.order_by("pk").values_list("pk", flat=True)):
            try:
                done += _reseal(model, name, pk)
            except Undecryptable:
                lost.append(f"{model._meta.verbose_name} {pk}")
    for pk in list(Authenticator.objects.order_by("pk").values_list("pk", flat=True)):
        try:
            done += _reseal_factor(pk)
        except Undecryptable:
            lost.append(f"second factor {pk}")
    return done, lost


@transaction.atomic
def _reseal(model: type[models.Model], name: str, pk: Any) -> int:
    rows = model._default_manager.filter(pk=pk)
    secrets = [getattr(row, name) for row in rows.select_for_update()]
    return sum(rows.update(**{name: secret.resealed()}) for secret in secrets if secret is not None)


@transaction.atomic
def _reseal_factor(pk: int) -> int:
    rows = Authenticator.objects.filter(pk=pk)
    return sum(rows.update(data=_resealed(row.data)) for row in rows.select_for_update())


def _resealed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _resealed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resealed(inner) for inner in value]
    return encrypt(decrypt(value)) if isinstance(value, str) and value.startswith(MARK) else value
