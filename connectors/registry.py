"""Finds the apps: every package under `connectors/` that declares an `APP`."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

import connectors
from connectors.base import App


@cache
def apps() -> Mapping[str, App]:
    found: dict[str, App] = {}
    for module in pkgutil.iter_modules(connectors.__path__):
        if module.ispkg:
            app = getattr(import_module(f"connectors.{module.name}"), "APP", None)
            if app is not None:
                found[app.key] = app
    return MappingProxyType(found)


def app(key: str) -> App:
    """Raises KeyError, with the known apps in the text."""
    try:
        return apps()[key]
    except KeyError:
        raise KeyError(f"there is no app {key!r}; known: {', '.join(sorted(apps()))}") from None
