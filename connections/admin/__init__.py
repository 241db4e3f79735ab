"""The Django admin: a module per model; what pages do, the services do."""

from connections.admin import (
    accounts,
    audit,
    changes,
    connections,
    ending,
    folders,
    forgetting,
    notifications,
    pairs,
    registrations,
    runs,
    stops,
    tenants,
    versions,
)

__all__ = [
    "accounts",
    "audit",
    "changes",
    "connections",
    "ending",
    "folders",
    "forgetting",
    "notifications",
    "pairs",
    "registrations",
    "runs",
    "stops",
    "tenants",
    "versions",
]
