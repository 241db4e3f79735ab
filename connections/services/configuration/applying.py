"""Applies a file: first everything is read and compared, then what can be is checked at the apps, then it is written.

Nothing is ever asked of an app inside a transaction. Accounts that are new or have new credentials must be stored
before their apps can be asked, since asking may renew (and so replace) a token; everything else is written last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from connections.models import Account, Connection, Folder, Tenant
from connections.services import access, arranging, ending, scoping, setting_up, syncing
from connections.services.configuration import describing
from connections.services.configuration.differences import Difference, Entry, compare, wanted_of
from connections.services.configuration.hashing import hash_of, is_hash
from connections.services.configuration.options import OPTIONS, Entries
from connections.services.configuration.reading import AccountEntry, ConnectionEntry, TenantEntry, at, read
from connections.services.configuration.registrations import RegistrationWork, work_of
from connections.services.setting_up import CannotSetUp, Configuration
from syncrules.mapping import MappingError
from syncrules.specs import Direction, MappingSpec, RuleSpec, Side, SpecError


class BadFile(Exception):
    """The text names file, path and reason."""


@dataclass
class TenantWork:
    entry: TenantEntry
    row: Tenant | None
    wanted: Entries
    changes: Sequence[Entry]
    registrations: list[RegistrationWork] = field(default_factory=list)
    accounts: list[AccountWork] = field(default_factory=list)
    connections: list[ConnectionWork] = field(default_factory=list)
    unwanted_accounts: list[Account] = field(default_factory=list)
    unwanted_connections: list[Connection] = field(default_factory=list)


@dataclass
class AccountWork:
    entry: AccountEntry
    row: Account | None
    wanted: Entries
    changes: Sequence[Entry]
    use_credentials: bool

    @property
    def must_be_stored(self) -> bool:
        """Whether its app cannot be asked as it is stored now."""
        return self.row is None or self.use_credentials or bool(self.changes)


@dataclass
class ConnectionWork:
    entry: ConnectionEntry
    row: Connection | None
    wanted: dict[str, Any]
    changes: Sequence[Entry]
    folders: tuple[Folder, Folder] | None = None
    checked: Configuration | None = None  # what the apps said can work; None where nothing of it changes

    @property
    def must_be_checked(self) -> bool:
        paths = {entry.path.partition(".")[0] for entry in self.changes}
        return self.row is None or bool(paths & {"direction", "mappings", "rules", "deletions"})


class Application:
    """One file on its way into the database: `differences` says what it would change, `write` does it."""

    def __init__(self, text: str, name: str, prune: bool = False) -> None:
        """Raises BadFile."""
        self.name = name
        self.prune = prune
        try:
            file = read(text)
            self.registrations = [work_of(entry, "", None) for entry in file.apps]
            self.works = [self._compare(entry) for entry in file.tenants]
        except SpecError as error:
            raise self._bad(error.path, error.reason) from error

    def _bad(self, path: str, reason: str) -> BadFile:
        return BadFile(": ".join(part for part in (self.name, path, reason.rstrip(".")) if part) + ".")

    # ---- comparing

    def _compare(self, entry: TenantEntry) -> TenantWork:
        row = Tenant.objects.filter(slug=entry.slug).first()
        now = describing.of_tenant(row) if row else {}
        defaults = describing.tenant_defaults(entry.slug)
        applied = row.applied if row else {}
        wanted = wanted_of(entry.entries, applied, defaults) if row else {**defaults, **entry.entries}
        work = TenantWork(entry, row, wanted, compare(now, wanted, applied) if row else ())
        work.registrations = [work_of(one, entry.slug, row) for one in entry.apps]
        work.accounts = [self._account(one, row) for one in entry.accounts or ()]
        if row is not None and self.prune:
            self._find_unwanted(work, row)
        work.connections = [self._connection(one, work) for one in entry.connections or ()]
        self._refuse_pairs_twice(work)
        return work

    def _account(self, entry: AccountEntry, tenant: Tenant | None) -> AccountWork:
        row = Account.objects.filter(tenant=tenant, name=entry.name).first() if tenant else None
        if row is None:
            wanted = {**describing.ACCOUNT_DEFAULTS, **entry.entries}
            return AccountWork(entry, None, wanted, (), entry.credentials is not None)
        if row.app != entry.entries["app"]:
            reason = f"account {entry.name} is on {row.app}; an account keeps its app, so use another name"
            raise SpecError(at(entry.path, "app"), reason)
        wanted = wanted_of(entry.entries, row.applied, describing.ACCOUNT_DEFAULTS)
        changes = compare(describing.of_account(row), wanted, row.applied)
        differs = entry.credentials is not None and not is_hash(row.credentials_hash, entry.credentials)
        return AccountWork(entry, row, wanted, changes, differs)

    def _connection(self, entry: ConnectionEntry, work: TenantWork) -> ConnectionWork:
        self._check_accounts(entry, work)
        rows = Connection.objects.select_related("tenant", "folder_a__account", "folder_b__account")
        row = rows.filter(tenant=work.row, name=entry.name).first() if work.row else None
        if row is None:
            return ConnectionWork(entry, None, {**describing.CONNECTION_DEFAULTS, **entry.entries}, ())
        self._refuse_moves(entry, row)
        wanted = wanted_of(entry.entries, row.applied, describing.CONNECTION_DEFAULTS)
        changes = compare(describing.of_connection(row), describing.as_called_now(row, wanted), row.applied)
        return ConnectionWork(entry, row, wanted, changes, (row.folder_a, row.folder_b))

    def _check_accounts(self, entry: ConnectionEntry, work: TenantWork) -> None:
        known = {one.entry.name for one in work.accounts}
        if work.row is not None:
            stored = Account.objects.filter(tenant=work.row).exclude(pk__in=[row.pk for row in work.unwanted_accounts])
            known |= set(stored.values_list("name", flat=True))
        for side, (account, _) in entry.sides.items():
            if account not in known:
                there = f"there are {', '.join(sorted(known))}" if known else "there is none yet"
                path = at(at(entry.path, side), "account")
                raise SpecError(path, f"tenant {work.entry.slug} has no account {account!r}; {there}")

    def _refuse_moves(self, entry: ConnectionEntry, row: Connection) -> None:
        for side, folder in (("a", row.folder_a), ("b", row.folder_b)):
            account, text = entry.sides[side]
            stored = list(Folder.objects.filter(account=folder.account_id))
            try:
                same = (
                    folder.account.name == account and setting_up.choose_folder(stored, text, folder.account) == folder
                )
            except CannotSetUp:
                same = False
            if not same:
                reason = (
                    f"connection {entry.name} is on folder “{folder}” of account {folder.account}; "
                    "a connection keeps its folders, so describe a new one under another name"
                )
                raise SpecError(at(entry.path, side), reason)

    def _refuse_pairs_twice(self, work: TenantWork) -> None:
        seen: dict[frozenset[tuple[str, str]], str] = {}
        for one in work.connections:
            pair = frozenset(one.entry.sides.values())
            if pair in seen:
                reason = f"connects the same two folders as {seen[pair]}; a pair of folders is connected once"
                raise SpecError(one.entry.path, reason)
            seen[pair] = one.entry.name

    def _find_unwanted(self, work: TenantWork, row: Tenant) -> None:
        """Of a list that the file does not have at all, nothing is unwanted."""
        entry = work.entry
        if entry.connections is not None:
            names = [one.name for one in entry.connections]
            work.unwanted_connections = list(Connection.objects.filter(tenant=row).exclude(name__in=names))
        if entry.accounts is not None:
            named = [one.name for one in entry.accounts]
            work.unwanted_accounts = list(Account.objects.filter(tenant=row).exclude(name__in=named))
            staying = Connection.objects.filter(tenant=row).exclude(
                pk__in=[connection.pk for connection in work.unwanted_connections]
            )
            for account in work.unwanted_accounts:
                user = staying.filter(folder_a__account=account) | staying.filter(folder_b__account=account)
                if user.exists():
                    reason = f"account {account} cannot be pruned, connection {user[0]} uses it"
                    raise SpecError(at(entry.path, "accounts"), reason)

    # ---- telling

    @property
    def differences(self) -> list[Difference]:
        told = [difference for one in self.registrations for difference in one.told()]
        return told + [difference for work in self.works for difference in self._told(work)]

    def _told(self, work: TenantWork) -> Iterator[Difference]:
        slug = work.entry.slug
        if work.row is None:
            yield Difference("create", "tenant", slug)
        elif work.changes:
            yield Difference("change", "tenant", slug, work.changes)
        for registration in work.registrations:
            yield from registration.told()
        for connection in work.unwanted_connections:
            yield Difference("delete", "connection", f"{slug}/{connection}", notes=("its contacts stay in both apps",))
        for gone in work.unwanted_accounts:
            yield Difference("delete", "account", f"{slug}/{gone}")
        for account in work.accounts:
            notes = ("its credentials are those of the file",) if account.use_credentials else ()
            name = f"{slug}/{account.entry.name}"
            if account.row is None:
                missing = ("it has no credentials yet",) if account.entry.credentials is None else ()
                yield Difference("create", "account", f"{name} ({account.wanted['app']})", notes=missing)
            elif account.changes or notes:
                yield Difference("change", "account", name, account.changes, notes)
        for one in work.connections:
            name = f"{slug}/{one.entry.name}"
            if one.row is None:
                sides = " ⇄ ".join(f"“{folder}” of {account}" for account, folder in one.entry.sides.values())
                yield Difference("create", "connection", name, notes=(sides,))
            elif one.changes:
                yield Difference("change", "connection", name, one.changes, self._scope(one, one.row))

    def _scope(self, one: ConnectionWork, row: Connection) -> Sequence[str]:
        """Who would come in and leave, where the rules of a connection that has run change."""
        if not row.first_run_done or not any(entry.path == "rules" for entry in one.changes):
            return ()
        try:
            return (scoping.told(row, [RuleSpec.from_dict(rule) for rule in one.wanted["rules"]]),)
        except MappingError:
            return ()  # the check says what is wrong with the mapping

    # ---- writing

    def write(self) -> None:
        """Raises BadFile for what an app says is wrong, and ConnectorError where one cannot be asked."""
        self._check(stored=True)
        with transaction.atomic():
            for registration in self.registrations:
                registration.write(None)
            for work in self.works:
                self._write_tenant(work)
        try:
            self._check(stored=False)
        except BadFile as error:
            raise BadFile(
                f"{error} Its tenants and accounts are stored; correct the file and apply it again."
            ) from error
        with transaction.atomic():
            for work in self.works:
                self._delete_unwanted(work)
                self._write_connections(work)

    def _check(self, stored: bool) -> None:
        """Asks the apps about connections whose accounts are stored as the file wants them, or about the others."""
        for work in self.works:
            waiting = {one.entry.name for one in work.accounts if one.must_be_stored}
            for one in work.connections:
                ready = not any(account in waiting for account, _ in one.entry.sides.values())
                if one.checked is None and one.must_be_checked and (ready or not stored):
                    self._check_one(one, work)

    def _check_one(self, one: ConnectionWork, work: TenantWork) -> None:
        if work.row is None:  # it is written with its accounts
            return
        try:
            folders = one.folders or self._find_folders(one, work.row)
            if one.row is None:
                setting_up.refuse_used(*folders, leaving=[row.pk for row in work.unwanted_connections])
            whole = {**describing.of_connection(one.row), **one.wanted} if one.row else one.wanted
            one.checked = setting_up.check(configuration_of(whole), *folders, work.row.region)
            one.folders = folders
        except CannotSetUp as error:
            raise self._bad(one.entry.path, str(error)) from error

    def _find_folders(self, one: ConnectionWork, tenant: Tenant) -> tuple[Folder, Folder]:
        found = []
        for side in ("a", "b"):
            name, text = one.entry.sides[side]
            account = Account.objects.get(tenant=tenant, name=name)
            try:
                found.append(setting_up.find_folder(account, text))
            except CannotSetUp as error:
                raise self._bad(at(at(one.entry.path, side), "folder"), str(error)) from error
        return found[0], found[1]

    def _delete_unwanted(self, work: TenantWork) -> None:
        for connection in work.unwanted_connections:
            ending.delete(connection)
        for account in work.unwanted_accounts:
            ending.leave_account(account)
            account.delete()

    def _write_tenant(self, work: TenantWork) -> None:
        row = work.row or Tenant(slug=work.entry.slug)
        region_moved = work.row is not None and any(entry.path == "region" for entry in work.changes)
        _take(row, work.wanted, work.entry.entries)
        row.save()
        work.row = row
        for registration in work.registrations:
            registration.write(row)
        for one in work.accounts:
            self._write_account(one, row)
        if region_moved:
            for connection in Connection.objects.filter(tenant=row):
                setting_up.touch_configuration(connection)

    def _write_account(self, one: AccountWork, tenant: Tenant) -> None:
        row = one.row or Account(tenant=tenant, name=one.entry.name)
        _take(row, one.wanted, one.entry.entries)
        if one.row is None:
            try:
                row.full_clean()
            except ValidationError as error:
                raise self._bad(one.entry.path, " ".join(error.messages)) from error
        if one.use_credentials and one.entry.credentials is not None:
            row.credentials_hash = hash_of(one.entry.credentials)
            access.store_credentials(row, one.entry.credentials, forget=access.stored_names(row))
        elif one.row is None:
            row.save()
        else:
            row.save(update_fields=["base_url", "login_url", "applied"])

    def _write_connections(self, work: TenantWork) -> None:
        for one in work.connections:
            options = columns_of(one.wanted)
            if one.row is None:
                try:
                    self._create(one, options)
                except CannotSetUp as error:
                    raise self._bad(one.entry.path, str(error)) from error
            elif one.changes or one.row.applied != one.entry.entries:
                Connection.objects.filter(pk=one.row.pk).update(**options, applied=one.entry.entries)
                self._change(one, one.row)

    def _create(self, one: ConnectionWork, options: dict[str, Any]) -> None:
        if one.folders is None or one.checked is None:
            raise CannotSetUp("the connection was not checked")
        options["applied"] = one.entry.entries
        one.row = setting_up.make_connection(one.entry.name, *one.folders, one.checked, options)

    def _change(self, one: ConnectionWork, row: Connection) -> None:
        paths = {entry.path for entry in one.changes}
        if "mappings" in paths:
            wanted = one.checked or Configuration()
            setting_up.replace_mappings(row, wanted.mappings, wanted.beside_default)
        if "rules" in paths:
            rules = one.checked.rules if one.checked else None
            setting_up.replace_rules(row, setting_up.everything() if rules is None else rules)
        harmless = {option.path for option in OPTIONS if not option.decides}
        if paths - harmless:
            setting_up.touch_configuration(row)
        elif paths:
            arranging.keep_version(row)
            syncing.wake(row.pk)


# ---- from entries to rows


def _take(row: Tenant | Account, wanted: Entries, entries: Entries) -> None:
    for column, value in wanted.items():
        setattr(row, column, value)
    row.applied = dict(entries)


def columns_of(wanted: Entries) -> dict[str, Any]:
    """The columns of a connection that these entries speak of."""
    columns: dict[str, Any] = {}
    for option in OPTIONS:
        if option.path in wanted:
            columns.update(option.columns_for(wanted[option.path]))
    return columns


def configuration_of(wanted: Entries) -> Configuration:
    table, rules = wanted.get("mappings"), wanted.get("rules")
    lines = table["lines"] if isinstance(table, Mapping) else table
    columns = columns_of(wanted)
    return Configuration(
        mappings=[MappingSpec.from_dict(line) for line in lines] if isinstance(lines, list) else None,
        beside_default=isinstance(table, Mapping),
        direction=Direction(columns.get("direction", Direction.BOTH)),
        rules=[RuleSpec.from_dict(rule) for rule in rules] if rules is not None else None,
        deletions={
            side: columns[name]
            for side, name in ((Side.A, "deletions_b_to_a"), (Side.B, "deletions_a_to_b"))
            if name in columns
        },
    )
