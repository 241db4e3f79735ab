"""App registrations in a file: `apps` at its top for all tenants, or inside a tenant for that one alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError

from connections.models import AppRegistration, Tenant
from connections.models.registrations import SECRET
from connections.services import registering
from connections.services.configuration.differences import Difference, Entry, compare, wanted_of
from connections.services.configuration.hashing import hash_of, is_hash
from connections.services.configuration.options import Entries
from syncrules.specs import SpecError

KEYS = ("app", "client_id", SECRET, "secret_expires_on", "account_types", "scopes", "base_url", "login_url")
DEFAULTS: Entries = {"secret_expires_on": "", "account_types": "", "scopes": [], "base_url": "", "login_url": ""}


@dataclass(frozen=True, slots=True)
class RegistrationEntry:
    """`entries`: all but app and secret."""

    app: str
    path: str
    entries: Entries
    secret: str

    @property
    def credentials(self) -> Mapping[str, str]:
        return {SECRET: self.secret}


def entry_of(data: Mapping[str, Any], path: str, app: str) -> RegistrationEntry:
    """What a file says of one app, whose key was read already. Raises SpecError."""
    entries = {key: value for key, value in data.items() if key not in ("app", SECRET)}
    for key, value in entries.items():
        if key == "scopes":
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise SpecError(f"{path}.scopes", "must be a list of names")
        elif not isinstance(value, str):
            raise SpecError(f"{path}.{key}", "must be a text; put quotes around it if it looks like a number")
    _day(entries.get("secret_expires_on", ""), f"{path}.secret_expires_on")
    secret = data.get(SECRET, "")
    if not isinstance(secret, str):
        raise SpecError(f"{path}.{SECRET}", "must be a text")
    found = RegistrationEntry(app, path, entries, secret)
    row = _filled(AppRegistration(app=app), {**DEFAULTS, **entries})
    try:
        row.clean_fields(exclude=["tenant", "secrets"])
        row.clean()
    except ValidationError as error:
        key, reasons = next(iter(error.message_dict.items()))
        where = path if key == "__all__" else f"{path}.{key}"
        raise SpecError(where, " ".join(reasons).rstrip(".")) from error
    return found


def _day(text: str, path: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SpecError(path, f"{text!r} is no day; write it as in 2027-01-31") from None


def of_row(row: AppRegistration) -> Entries:
    day = row.secret_expires_on.isoformat() if row.secret_expires_on else ""
    plain = {name: getattr(row, name) for name in ("client_id", "account_types", "scopes", "base_url", "login_url")}
    return {**plain, "secret_expires_on": day}


def _filled(row: AppRegistration, wanted: Entries) -> AppRegistration:
    for name, value in wanted.items():
        setattr(row, name, _day(value, name) if name == "secret_expires_on" else value)
    return row


@dataclass(frozen=True)
class RegistrationWork:
    entry: RegistrationEntry
    place: str  # the tenant's slug; empty for all
    row: AppRegistration | None
    wanted: Entries
    changes: Sequence[Entry]
    new_secret: bool

    def told(self) -> Iterator[Difference]:
        name = "/".join(filter(None, (self.place, self.entry.app)))
        notes = ("its secret is that of the file",) if self.new_secret else ()
        if self.row is None:
            yield Difference("create", "app registration", name, notes=notes)
        elif self.changes or self.new_secret:
            yield Difference("change", "app registration", name, self.changes, notes)

    def write(self, tenant: Tenant | None) -> None:
        row = _filled(self.row or AppRegistration(app=self.entry.app, tenant=tenant), self.wanted)
        row.applied = dict(self.entry.entries)
        if self.new_secret:
            registering.store_secret(row, self.entry.secret)
            row.credentials_hash = hash_of(self.entry.credentials)
        row.save()


def work_of(entry: RegistrationEntry, place: str, tenant: Tenant | None) -> RegistrationWork:
    """`tenant` is None for all tenants, and for one that is not there yet."""
    row = None if place and tenant is None else AppRegistration.objects.filter(app=entry.app, tenant=tenant).first()
    new_secret = bool(entry.secret) and (row is None or not is_hash(row.credentials_hash, entry.credentials))
    if row is None:
        return RegistrationWork(entry, place, None, {**DEFAULTS, **entry.entries}, (), new_secret)
    wanted = wanted_of(entry.entries, row.applied, DEFAULTS)
    return RegistrationWork(entry, place, row, wanted, compare(of_row(row), wanted, row.applied), new_secret)


def exported(tenant: Tenant | None) -> list[dict[str, Any]]:
    """Without the secret: what is stored is kept."""
    rows = AppRegistration.objects.filter(tenant=tenant).defer("secrets").order_by("app")
    return [{"app": row.app, **{key: value for key, value in of_row(row).items() if value}} for row in rows]
