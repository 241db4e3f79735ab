from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.management import call_command
from django.db import connections
from django.db.models.signals import post_migrate


class ConnectionsConfig(AppConfig):
    name = "connections"
    verbose_name = "Connections"

    def ready(self) -> None:
        from connections import checks  # noqa: F401 registers the system checks
        from connections.services import audit, leaving  # noqa: F401 hear of who signs in, and of members who leave

        post_migrate.connect(make_cache_table, sender=self)
        post_migrate.connect(make_schedule, sender=self)


def make_cache_table(using: str, **kwargs: Any) -> None:
    """So that `migrate` alone prepares a database; does nothing where the table is there or the cache is Redis."""
    call_command("createcachetable", database=using, verbosity=0)


def make_schedule(using: str, **kwargs: Any) -> None:
    """A cluster that runs without `supervise` still looks for due connections once a minute."""
    from django_q.models import Schedule

    if Schedule._meta.db_table in connections[using].introspection.table_names():
        Schedule.objects.using(using).get_or_create(
            name="dispatch",
            defaults={"func": "connections.tasks.dispatch", "schedule_type": Schedule.MINUTES, "minutes": 1},
        )
