"""What a connector needs from outside, in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from connectors.base import AddressRefused, Clock, Field, Host, Secrets, Throttled


class VirtualClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.time = start
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class WallClock:
    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class MemoryVault:
    """Secrets in memory; `renewals` counts how often they really were renewed."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self.secrets = Secrets(dict(secrets))
        self.renewals = 0

    def current(self) -> Secrets:
        return self.secrets

    def renew(self, refresh: Callable[[Mapping[str, str]], Mapping[str, str]], failed: int) -> Secrets:
        if failed == self.secrets.version:
            self.renewals += 1
            values = {**self.secrets.values, **refresh(self.secrets.values)}
            self.secrets = Secrets(values, self.secrets.version + 1)
        return self.secrets


@dataclass
class MemoryLimits:
    """Lets everything pass until the app says wait; remembers what was asked and told."""

    clock: Clock
    asked: list[str] = field(default_factory=list)
    told: list[tuple[str, float]] = field(default_factory=list)
    until: dict[str, float] = field(default_factory=dict)

    def before(self, kind: str) -> None:
        self.asked.append(kind)
        left = self.until.get(kind, 0.0) - self.clock.now()
        if left > 0:
            raise Throttled("This account must wait.", left)

    def throttled(self, kind: str, seconds: float) -> None:
        self.told.append((kind, seconds))
        self.until[kind] = self.clock.now() + seconds


@dataclass
class LoopbackGuard:
    """Lets nothing leave the machine; `checked` holds what was asked for."""

    checked: list[str] = field(default_factory=list)
    peers: list[tuple[str, int, str]] = field(default_factory=list)

    def check(self, url: str) -> None:
        self.checked.append(url)
        if urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise AddressRefused("Tests contact this machine only.")

    def check_peer(self, host: str, port: int, address: str) -> None:
        self.peers.append((host, port, address))


def make_host(
    base_url: str,
    secrets: Mapping[str, str] | None = None,
    *,
    login_url: str = "",
    clock: Clock | None = None,
    fence: Callable[[], None] = lambda: None,
    settings: Mapping[str, str] | None = None,
    declared: Sequence[Field] = (),
    watched: Callable[[], frozenset[str]] = frozenset,
) -> Host:
    """A host for one account. Time is virtual unless a `clock` is given, so that no test waits for a retry."""
    clock = clock or VirtualClock()
    return Host(
        base_url=base_url,
        login_url=login_url,
        vault=MemoryVault(secrets or {}),
        limits=MemoryLimits(clock),
        guard=LoopbackGuard(),
        clock=clock,
        fence=fence,
        settings=settings or {},
        declared=declared,
        watched=watched,
    )
