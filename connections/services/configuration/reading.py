"""YAML as configuration files use it, checked entry by entry before anything is done with it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
import yaml
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug

from connections.services.configuration.options import OPTIONS, Entries
from connections.services.configuration.registrations import KEYS, RegistrationEntry, entry_of
from connectors import registry
from connectors.base import App
from syncrules.specs import MappingSpec, RuleSpec, SpecError

VARIABLE = re.compile(r"\$(\$?)\{([^{}]*)\}")
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST = {"tenant": 50, "account": 100, "connection": 100}  # characters of a name


# ---- what a file says


@dataclass(frozen=True, slots=True)
class AccountEntry:
    name: str
    path: str
    entries: Entries  # app, base_url, login_url
    credentials: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class ConnectionEntry:
    """`sides`: "a" and "b" -> account name and the folder as a person calls it."""

    name: str
    path: str
    entries: Entries
    sides: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TenantEntry:
    """`accounts` and `connections` are None where the file is silent about them."""

    slug: str
    path: str
    entries: Entries
    accounts: list[AccountEntry] | None
    connections: list[ConnectionEntry] | None
    apps: list[RegistrationEntry]


@dataclass(frozen=True, slots=True)
class File:
    apps: list[RegistrationEntry]
    tenants: list[TenantEntry]


def read(text: str) -> File:
    """Raises SpecError with the path of the first entry that is unknown or wrong."""
    try:
        data = expanded(yaml.load(text, Loader), "")  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise SpecError("", _where(error)) from error
    except RecursionError as error:
        raise SpecError("the file", "is nested too deep; perhaps an entry contains itself") from error
    table(data, "", ("apps", "tenants"))
    silent = "tenants" not in data and "apps" in data
    return File(_apps(data, ""), [] if silent else _named(data, "", "tenants", "slug", _tenant))


class Loader(yaml.SafeLoader):
    """Without the surprises of YAML 1.1: NO is a country and 2024-12-31 a text; no entry stands there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                problem = "a list or a table stands where a name is expected"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands here twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_SURPRISES = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _SURPRISES]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(_SURPRISES[0], re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "a character that YAML does not allow"
    return f"this is no YAML: {problem}" + (f", in line {mark.line + 1}, column {mark.column + 1}" if mark else "")


def expanded(data: Any, path: str) -> Any:
    """${NAME} in texts becomes the environment's value; $${NAME} stays ${NAME}."""
    if isinstance(data, Mapping):
        return {key: expanded(value, at(path, str(key))) for key, value in data.items()}
    if isinstance(data, list):
        return [expanded(value, f"{path}[{number}]") for number, value in enumerate(data)]
    if not isinstance(data, str):
        return data
    if "\0" in data:
        raise SpecError(path, "holds a NUL character, which no database keeps; take it out")
    return VARIABLE.sub(lambda found: _variable(found, path), data)


def _variable(found: re.Match[str], path: str) -> str:
    literal, name = found.groups()
    if literal:
        return f"${{{name}}}"
    if not VARIABLE_NAME.fullmatch(name):
        raise SpecError(path, f"{name!r} is not the name of an environment variable; write $${{ for a plain ${{")
    if name not in os.environ:
        raise SpecError(path, f"the environment variable {name} is not set; set it and apply the file again")
    return os.environ[name]


# ---- entries


def at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def table(data: Any, path: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise SpecError(path or "the file", f"a table with {', '.join(keys)} is expected here")
    for key in data:
        if key not in keys:
            raise SpecError(at(path, str(key)), f"this entry is not known; known here are {', '.join(keys)}")
    return data


def _text(data: Mapping[str, Any], path: str, key: str) -> str:
    value = data.get(key)
    if value is None:
        raise SpecError(at(path, key), "is missing")
    if not isinstance(value, str) or not value.strip():
        raise SpecError(
            at(path, key), "must be a text that is not empty; put quotes around it if it looks like a number"
        )
    return value


def _name(data: Any, path: str, key: str, kind: str) -> str:
    name = _text(data, path, key)
    try:
        validate_slug(name)
    except ValidationError:
        raise SpecError(at(path, key), f"{name!r} must be made of letters, digits, hyphens and underscores") from None
    if len(name) > LONGEST[kind]:
        raise SpecError(at(path, key), f"is longer than {LONGEST[kind]} characters")
    return name


def _named(data: Mapping[str, Any], path: str, key: str, identity: str, one: Any) -> list[Any]:
    rows = data.get(key)
    if not isinstance(rows, list):
        raise SpecError(at(path, key), "must be a list")
    found = [one(row, f"{at(path, key)}[{number}]") for number, row in enumerate(rows)]
    names: set[str] = set()
    for entry in found:
        name = getattr(entry, identity)
        if name in names:
            raise SpecError(entry.path, f"{name!r} is described twice; {identity}s identify")
        names.add(name)
    return found


def _tenant(data: Any, path: str) -> TenantEntry:
    table(data, path, ("slug", "name", "region", "history_days", "apps", "accounts", "connections"))
    slug = _name(data, path, "slug", "tenant")
    entries: dict[str, Any] = {}
    if "name" in data:
        entries["name"] = _text(data, path, "name")
        if len(entries["name"]) > 100:
            raise SpecError(at(path, "name"), "is longer than 100 characters")
    if "region" in data:
        entries["region"] = _region(data["region"], at(path, "region"))
    if "history_days" in data:
        entries["history_days"] = _days(data["history_days"], at(path, "history_days"))
    return TenantEntry(
        slug,
        path,
        entries,
        _named(data, path, "accounts", "name", _account) if "accounts" in data else None,
        _named(data, path, "connections", "name", _connection) if "connections" in data else None,
        _apps(data, path),
    )


def _days(value: Any, path: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 32_767:
        return value
    raise SpecError(path, "must be a number of days, 0 for keeping history for ever")


def _region(value: Any, path: str) -> str:
    if value == "" or value in phonenumbers.SUPPORTED_REGIONS:
        return str(value)
    raise SpecError(path, f"{value!r} is no country; two capital letters of ISO 3166 are expected, for example BE")


# ---- apps


def _apps(data: Mapping[str, Any], path: str) -> list[RegistrationEntry]:
    return _named(data, path, "apps", "app", _registration) if "apps" in data else []


def _registration(data: Any, path: str) -> RegistrationEntry:
    table(data, path, KEYS)
    key = _text(data, path, "app")
    known = sorted(app.key for app in registry.apps().values() if app.oauth)
    if key not in known:
        raise SpecError(at(path, "app"), f"no app {key!r} needs a registration; those that do are {', '.join(known)}")
    _text(data, path, "client_id")
    return entry_of(data, path, key)


# ---- accounts


def _account(data: Any, path: str) -> AccountEntry:
    table(data, path, ("name", "app", "base_url", "login_url", "credentials"))
    name = _name(data, path, "name", "account")
    key = _text(data, path, "app")
    if key not in registry.apps():
        raise SpecError(at(path, "app"), f"there is no app {key!r}; known are {', '.join(sorted(registry.apps()))}")
    app = registry.app(key)
    entries = {"app": key}
    for address in ("base_url", "login_url"):
        if address in data:
            entries[address] = _address(data[address], at(path, address))
    if app.user_supplied_url and not entries.get("base_url"):
        raise SpecError(at(path, "base_url"), f"is missing; {app.name} needs the address of the server")
    credentials = _credentials(data["credentials"], at(path, "credentials"), app) if "credentials" in data else None
    return AccountEntry(name, path, entries, credentials)


def _address(value: Any, path: str) -> str:
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or len(value) > 500:
        raise SpecError(path, "must be an address that begins with https:// (or http:// on this machine)")
    return str(value)


def _credentials(data: Any, path: str, app: App) -> dict[str, str]:
    """The values never stand in an error: they are secrets."""
    table(data, path, tuple(known.name for known in app.credentials))
    for known in app.credentials:
        value = data.get(known.name)
        if value is None and known.required:
            raise SpecError(at(path, known.name), f"is missing; {app.name} needs it")
        if known.name in data and (not isinstance(value, str) or not value):
            raise SpecError(at(path, known.name), "must be a text that is not empty; put quotes around a number")
    return dict(data)


# ---- connections


def _connection(data: Any, path: str) -> ConnectionEntry:
    groups = {option.path.partition(".")[0] for option in OPTIONS}
    table(data, path, ("name", "a", "b", *sorted(groups), "mappings", "rules"))
    name = _name(data, path, "name", "connection")
    sides = {side: _side(data.get(side), at(path, side)) for side in ("a", "b")}
    if sides["a"] == sides["b"]:
        raise SpecError(at(path, "b"), "both sides are the same folder; choose two different ones")
    entries: dict[str, Any] = {}
    _check_groups(data, path, "")
    for option in OPTIONS:
        found, value = _inside(data, option.path)
        if found:
            entries[option.path] = option.read(value, at(path, option.path))
    if "mappings" in data:
        entries["mappings"] = _mappings(data["mappings"], at(path, "mappings"))
    if "rules" in data:
        entries["rules"] = _rules(data["rules"], at(path, "rules"))
    return ConnectionEntry(name, path, entries, sides)


def _side(data: Any, path: str) -> tuple[str, str]:
    if data is None:
        raise SpecError(path, "is missing; a table with account, folder is expected here")
    table(data, path, ("account", "folder"))
    return _text(data, path, "account"), _text(data, path, "folder")


def _check_groups(data: Mapping[str, Any], path: str, inside: str) -> None:
    """Tables inside the connection's, such as guard.deletes, hold known entries only."""
    below: dict[str, list[str]] = {}
    for option in OPTIONS:
        if option.path.startswith(inside):
            head, dot, rest = option.path.removeprefix(inside).partition(".")
            if dot:
                below.setdefault(head, []).append(rest.partition(".")[0])
    for head, keys in below.items():
        if head in data:
            inner = table(data[head], at(path, head), tuple(dict.fromkeys(keys)))
            _check_groups(inner, at(path, head), f"{inside}{head}.")


def _inside(data: Any, path: str) -> tuple[bool, Any]:
    for key in path.split("."):
        if key not in data:
            return False, None
        data = data[key]
    return True, data


def _mappings(data: Any, path: str) -> Any:
    """The canonical forms: the word default, a list of lines, or both: lines of its own beside the default ones."""
    if data == "default":
        return "default"
    beside_default = False
    if isinstance(data, Mapping):
        table(data, path, ("default", "lines"))
        beside_default, path = data.get("default", True), at(path, "lines")
        if not isinstance(beside_default, bool):
            raise SpecError(path, "default must be true or false")
        data = data.get("lines", [])
    if not isinstance(data, list):
        raise SpecError(path, "must be the word default, a list of lines, or a table with default and lines")
    specs = [MappingSpec.from_dict(line, f"{path}[{number}]") for number, line in enumerate(data)]
    _refuse_twice([spec.name for spec in specs], path, "mapping")
    lines = [spec.to_dict() for spec in specs]
    if not beside_default:
        return lines
    return {"default": True, "lines": lines} if lines else "default"


def _rules(data: Any, path: str) -> Any:
    if not isinstance(data, list):
        raise SpecError(path, "must be a list; left out it means everything, both ways")
    specs = [RuleSpec.from_dict(line, f"{path}[{number}]") for number, line in enumerate(data)]
    for number, spec in enumerate(specs):
        ids = {"if": [part.label_id for part in spec.conditions], "then": [part.label_id for part in spec.actions]}
        for place, held in ids.items():
            for position in (position for position, label in enumerate(held) if label):
                where = f"{path}[{number}].{place}[{position}].label_id"
                raise SpecError(where, "a file calls labels by their names; leave the id out")
    _refuse_twice([f"{spec.direction} {spec.name}" for spec in specs], path, "rule")
    return [spec.to_dict() for spec in specs]


def _refuse_twice(names: list[str], path: str, what: str) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise SpecError(f"{path}[{number}].name", f"another {what} is called the same; names identify")
        if len(name) > 200:
            raise SpecError(f"{path}[{number}].name", "is longer than 200 characters")
